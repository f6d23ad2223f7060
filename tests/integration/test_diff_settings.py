# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each setting that another policy has otherwise is shown, and whether it means anything."""
import json
import os
import pathlib
import sys
import unittest

from fakemachine import Cxl, Dax, Expander, GiB, policy
from harness import MemmapdTest, rule

SCHEMA = pathlib.Path(__file__).parents[2] / "policy/policy.schema.json"

# A value of each that is not the built-in one.
OTHER = {
    "action": "plug", "memmap": "ram", "ram_reserve": "1G", "zone": "kernel",
    "movable_ratio": 1.5, "order": "ascending", "allow_seeds": False, "backend": "plain",
    "max_size": "512M", "on_failure": "rollback",
    "retry": {"times": 2, "delay": "1s", "max_delay": "1min"}, "priority": 3,
    "pressure": {"slow": "10%", "stop": "20%"}, "use": {"removable": True},
    "create_region": {"ways": 2}, "after_online": {"demotion": True},
}


class DiffSettings(MemmapdTest):
    def two(self, state, *options, policy=None):  # pylint: disable=redefined-outer-name
        m = self.machine(memmap_on_memory=True, possible=3, devices=[Dax(size=1 * GiB)])
        d = self.daemon(m, policy, *options)
        d.wait_state("dax0.0", state)
        d.settle()
        return m, d

    def diff(self, d, other, code, *options):
        path = os.path.join(d.dir, "other.json")
        d.put(path, other)
        return d.ctl("diff", *options, path, check=code).stdout

    def settings(self, d, other, code):
        """By key: what it was, what it would be, the effect."""
        said = json.loads(self.diff(d, other, code, "--json"))
        return {s["key"]: (s["old"], s["new"], s["effect"]) for s in said["devices"][0]["settings"]}

    def test_no_key_is_forgotten(self):
        schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
        keys = set(schema["properties"]["defaults"]["properties"]) - {"comment"}
        self.assertEqual(set(OTHER), keys)
        _, d = self.two("ignored", policy=policy(action="ignore"))
        for key, value in OTHER.items():
            with self.subTest(key=key):
                [(k, (_, new, _))] = self.settings(
                    d, policy(**{"action": "ignore", key: value}), 1 if key == "action" else 0).items()
                self.assertEqual((k, new), (key, value))

    def test_nothing_is_nothing(self):
        _, d = self.two("online", policy=policy(pressure={}, after_online={}))
        self.assertEqual(self.settings(d, policy(rule("r", retry={"times": 0})), 0), {})
        self.assertNotIn("settings", self.diff(d, policy(), 0))

    def test_what_is_online(self):
        """Only what is set on the machine for it has an effect."""
        m, d = self.two("online", policy=policy())
        for key, value in OTHER.items():
            with self.subTest(key=key):
                effect = {"create_region": "none", "after_online": "now"}.get(key, "later")
                got = self.settings(d, policy(**{key: value}), 1 if effect == "now" else 0)
                self.assertEqual({k: (new, e) for k, (_, new, e) in got.items()},
                                 {key: (value, effect)})
        text = self.diff(d, policy(max_size="512M", after_online={"interleave_weight": 3}), 1)
        self.assertRegex(text, r"(?m)^dax0\.0 +online +stays as it is ")
        self.assertIn("""
dax0.0, settings:
  max_size: "100%" -> "512M" (nothing now: it counts when the device is taken in anew)
  after_online: {} -> {"interleave_weight":3} (it is set, or put back, at once)
""", text)
        # To look is all that it does.
        self.assertEqual(m.states("dax0.0"), "m" * 8)

    def test_after_online_is_put_back(self):
        _, d = self.two("online", policy=policy(after_online={"demotion": False}))
        self.assertEqual(self.settings(d, policy(), 1),
                         {"after_online": ({"demotion": False}, {}, "now")})

    def test_what_is_to_be_taken(self):
        _, d = self.two("planned", "--dry-run", policy=policy())
        got = self.settings(d, policy(retry=OTHER["retry"], allow_seeds=False,
                                      after_online={"demotion": True}), 1)
        self.assertEqual({k: e for k, (_, _, e) in got.items()},
                         {"retry": "now", "allow_seeds": "none", "after_online": "now"})
        self.assertEqual(self.settings(d, policy(zone="kernel"), 1),
                         {"zone": ("movable", "kernel", "now")})
        text = self.diff(d, policy(allow_seeds=False), 0)
        self.assertIn("  allow_seeds: true -> false (nothing: the same is decided)\n", text)

    def test_the_driver(self):
        """The same blocks with the same memmaps, by another one."""
        _, d = self.two("planned", "--dry-run", policy=policy(memmap="ram"))
        said = json.loads(self.diff(d, policy(memmap="ram", backend="plain"), 1, "--json"))
        self.assertEqual(said["devices"][0]["outcome"], "changes")

    def test_expanders(self):
        m = self.machine(ram=2 * GiB)
        m.cxl = Cxl(m)
        m.cxl.plug(Expander(0))
        m.cxl.plug(Expander(1, enabled=False))
        d = self.daemon(m, policy())
        d.settle()
        other = policy(rule("both", {"backing": "cxl"}, create_region={"ways": 2}))
        said = json.loads(self.diff(d, other, 1, "--json"))
        self.assertEqual((said["devices"], said["expanders"]),
                         ([], [{"name": "mem0", "old": False, "new": {"ways": 2}}]))
        self.assertIn("\nmem0, settings:\n  create_region: false -> {\"ways\":2}\n",
                      self.diff(d, other, 1))
        # Of what is ignored, no region is made.
        self.assertEqual(json.loads(self.diff(d, policy(action="ignore", create_region=True), 0,
                                              "--json"))["expanders"], [])
        self.assertEqual(m.actions("cxl"), [])


if __name__ == "__main__":
    sys.exit(unittest.main())
