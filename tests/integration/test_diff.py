# SPDX-License-Identifier: LGPL-2.1-or-later
"""What would be decided otherwise by another policy."""
import json
import os
import shutil
import subprocess
import sys
import time
import unittest

import dbus
import dbus.exceptions

from fakemachine import Dax, GiB, MiB, built, policy
from harness import BAD_POLICY, MemmapdTest, rule

NOBODY = 65534


class Diff(MemmapdTest):
    def two(self, *options, policy=None, **kw):  # pylint: disable=redefined-outer-name
        m = self.machine(memmap_on_memory=True, possible=3,
                         devices=[Dax(size=1 * GiB), Dax("dax1.0", "cxl", 1 * GiB, target_node=2)],
                         **kw)
        return m, self.daemon(m, policy, *options)

    def file(self, d, text, name="new.json"):
        path = os.path.join(d.dir, name)
        d.put(path, text)
        return path

    def diff(self, d, *policies, code):
        """What memmapctl says in JSON, by device."""
        files = [self.file(d, p, f"{i}.json") for i, p in enumerate(policies)]
        said = json.loads(d.ctl("diff", "--json", *files, check=code).stdout)
        self.assertEqual(said["format"], 1)
        return {x["name"]: x for x in said["devices"]}

    def outcomes(self, devices):
        return {n: x["outcome"] for n, x in devices.items()}

    def test_the_same(self):
        _, d = self.two("--dry-run", policy=policy(rule("a")))
        d.wait_state("dax1.0", "planned")
        same = self.diff(d, policy(rule("another name")), code=0)
        self.assertEqual(self.outcomes(same), {"dax0.0": "same", "dax1.0": "same"})
        self.assertEqual((same["dax0.0"]["old"]["rule"], same["dax0.0"]["new"]["rule"]),
                         ("a", "another name"))

    def test_changes(self):
        m, d = self.two("--dry-run", policy=policy(memmap="ram"))
        d.wait_state("dax1.0", "planned")
        d.wait_message("DECIDED", 2)
        before = m.tree.snapshot()
        messages = len(d.messages)
        new = self.diff(d, policy(rule("cxl", {"backing": "cxl"}, memmap="device", zone="kernel"),
                                  memmap="ram"), code=1)
        self.assertEqual(self.outcomes(new), {"dax0.0": "same", "dax1.0": "changes"})
        old, new = new["dax1.0"]["old"], new["dax1.0"]["new"]
        self.assertEqual((old["memmap"], new["memmap"]),
                         ({"ram": 8, "device": 0, "seed": 0}, {"ram": 0, "device": 8, "seed": 0}))
        self.assertEqual((old["zone"], new["zone"]), ("movable", "kernel"))
        self.assertEqual((old["rule"], new["rule"]), (None, "cxl"))
        self.assertIn("device", [r["code"] for r in new["reasons"]])
        # To look is all that it does.
        self.assertEqual(m.tree.snapshot(), before)
        self.assertEqual(len(d.messages), messages)
        self.assertEqual(d.device("dax1.0")["memmap_mode"], "ram")

    def test_table(self):
        _, d = self.two("--dry-run", policy=policy(memmap="ram"))
        d.wait_state("dax1.0", "planned")
        path = self.file(d, policy(rule("not this one", {"device": "dax0.0"}, action="ignore"),
                                   memmap="ram"))
        text = d.ctl("diff", path, check=1).stdout
        self.assertRegex(text, r"(?m)^DEVICE +STATE +OUTCOME +VERDICT +MEMMAP +ZONE +ORDER +RULE$")
        self.assertRegex(text, r"(?m)^dax0\.0 +planned +changes +take -> ignore +ram 8 -> -"
                               r" +movable -> - +fast -> - +- -> not this one$")
        self.assertRegex(text, r"(?m)^dax1\.0 +planned +same +take +ram 8 +movable +fast +-$")
        self.assertRegex(text, r"(?m)^dax0\.0:\n  1\. Rule 1 matches: \"not this one\"\.\n  2\. ")
        self.assertNotIn("dax1.0:\n", text)

    def test_what_is_online_stays(self):
        m, d = self.two(policy=policy(memmap="ram"))
        d.wait_state("dax0.0", "online")
        d.wait_state("dax1.0", "online")
        d.settle()
        new = policy(rule("away", {"device": "dax0.0"}, action="ignore"), zone="kernel")
        devices = self.diff(d, new, code=0)
        self.assertEqual(self.outcomes(devices), {"dax0.0": "stays", "dax1.0": "stays"})
        self.assertEqual(devices["dax0.0"]["new"]["verdict"], "ignore")
        self.assertEqual(devices["dax1.0"]["new"]["verdict"], "settled")
        text = d.ctl("diff", self.file(d, new), check=0).stdout
        self.assertRegex(text, r"(?m)^dax1\.0 +online +stays as it is +settled +ram 8"
                               r" +movable -> kernel ")
        self.assertRegex(text, r"(?m)^dax0\.0 +online +stays as it is +settled -> ignore ")
        # As is shown when it comes true.
        d.set_policy(new)
        d.reload()
        d.wait_state("dax0.0", "ignored")
        d.settle()
        self.assertAllOnline(m)

    def test_by_the_memory_that_is_free_now(self):
        m = self.machine(ram=1 * GiB, free=600 * MiB, devices=[Dax(size=16 * GiB)])
        d = self.daemon(m, policy(action="ignore"))
        d.wait_state("dax0.0", "ignored")
        new = policy(memmap="ram")
        self.assertEqual(self.diff(d, new, code=1)["dax0.0"]["new"]["verdict"], "take")
        m.take_ram(500 * MiB)
        refused = self.diff(d, new, code=1)["dax0.0"]["new"]
        self.assertEqual(refused["verdict"], "refuse")
        self.assertIn("exceeds", self.codes(refused))

    def test_what_one_gets_the_next_has_not(self):
        m = self.machine(ram=1 * GiB, free=400 * MiB,
                         devices=[Dax(size=16 * GiB), Dax("dax1.0", size=16 * GiB)])
        d = self.daemon(m, policy(action="ignore"))
        d.wait_state("dax1.0", "ignored")
        new = self.diff(d, policy(memmap="ram"), code=1)
        self.assertEqual([x["new"]["verdict"] for x in new.values()], ["take", "refuse"])

    def test_several_files(self):
        _, d = self.two("--dry-run", policy=policy(memmap="ram"))
        d.wait_state("dax1.0", "planned")
        new = self.diff(d, policy(memmap="device", order="ascending"), policy(memmap="ram"),
                        code=1)["dax0.0"]["new"]
        self.assertEqual((new["memmap"]["ram"], new["order"]), (8, "ascending"))

    def test_what_is_installed(self):
        m, d = self.two("--dry-run", policy=policy(memmap="ram"))
        d.wait_state("dax1.0", "planned")
        d.drop_in("10-a.json", policy(action="ignore"))
        d.ctl("diff", "--sysroot", m.root, check=1)
        shutil.rmtree(m.root + "/etc")
        # Nothing but what is built in.
        said = d.ctl("diff", "--json", "--sysroot", m.root, check=0)
        self.assertEqual(json.loads(said.stdout)["devices"][0]["new"]["memmap_mode"], "auto")

    def test_without_a_policy(self):
        _, d = self.two(policy=BAD_POLICY)
        d.wait_state("dax1.0", "unknown")
        device = self.diff(d, policy(), code=1)["dax0.0"]
        self.assertEqual((device["outcome"], device["old"]), ("changes", None))
        self.assertEqual(device["new"]["verdict"], "take")

    def test_mistakes(self):
        _, d = self.two(policy=policy())
        path = self.file(d, BAD_POLICY)
        done = d.ctl("diff", path, check=2)
        self.assertIn(f"{path}:3:17: /defaults/memmapp: unknown key", done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertIn("No such file", d.ctl("diff", d.dir + "/none", check=2).stderr)
        d.stop()
        self.assertIn("not running", d.ctl("diff", d.policy_path, check=3).stderr)

    def call(self, d, *files):
        return d.call("Diff", "a(ss)", (dbus.Array(files, "(ss)"),))

    def test_what_the_bus_is_told(self):
        _, d = self.two(policy=policy())
        good = json.dumps(policy())
        self.assertEqual(json.loads(self.call(d, ("x", good)))["format"], 1)
        for name, files in (
                ("org.memmapd1.Error.PolicyInvalid", [("x", good), ("the second", BAD_POLICY)]),
                ("org.freedesktop.DBus.Error.LimitsExceeded", [("x", good + " " * (1 << 20))]),
                ("org.freedesktop.DBus.Error.LimitsExceeded", [("x" * 5000, good)]),
                ("org.freedesktop.DBus.Error.LimitsExceeded", [("x", good)] * 300)):
            with self.assertRaises(dbus.exceptions.DBusException) as c:
                self.call(d, *files)
            self.assertEqual(c.exception.get_dbus_name(), name)
            if name.startswith("org.memmapd1"):
                self.assertIn("the second:3:17: /defaults/memmapp: ", str(c.exception))
        self.assertEqual(d.message("POLICY_BAD"), [])

    def test_the_worst_is_quick(self):
        _, d = self.two(policy=policy())
        d.wait_state("dax1.0", "online")
        rules = [rule(f"{i}", {"device": "*?" * 40 + str(i)}) for i in range(1000)]
        start = time.monotonic()
        self.call(d, ("x" * 4096, json.dumps(policy(*rules))))
        self.assertLess(time.monotonic() - start, 2)

    @unittest.skipUnless(os.getuid() == 0, "only root can become somebody else")
    def test_for_everybody(self):
        _, d = self.two("--dry-run", policy=policy())
        d.wait_state("dax1.0", "planned")
        program = shutil.copy(built("MEMMAPCTL", "ctl/memmapctl"), d.dir)
        os.chmod(d.dir, 0o755)
        env = d.environment(program)
        del env["LD_PRELOAD"]
        done = subprocess.run([program, "diff", self.file(d, policy(action="ignore"))], env=env,
                              user=NOBODY, group=NOBODY, extra_groups=[], check=False,
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 1, done.stderr)


if __name__ == "__main__":
    sys.exit(unittest.main())
