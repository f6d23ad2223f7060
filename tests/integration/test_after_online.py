# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the policy has set on the machine for memory that is online, and put back."""
import errno
import json
import os
import unittest

from fakemachine import Dax, GiB
from fakemachine.daemon import policy
from harness import MemmapdTest, rule

DEMOTION = "/sys/kernel/mm/numa/demotion_enabled"
BALANCING = "/proc/sys/kernel/numa_balancing"
WEIGHTS = "/sys/kernel/mm/mempolicy/weighted_interleave"
KEPT = "/run/memmapd/after-online.json"
ALL = {"demotion": True, "interleave_weight": 3, "numa_balancing": "tiering"}


class AfterOnline(MemmapdTest):
    def tiered(self, *devices, demotion="false", balancing="1", weights=("1", "1", "1"), auto=None,
               **kw):
        """A machine that has these files; None: not that one."""
        m = self.machine(devices=devices or [Dax(size=2 * GiB)], possible=3, **kw)
        files = {DEMOTION: demotion, BALANCING: balancing, f"{WEIGHTS}/auto": auto}
        files.update((f"{WEIGHTS}/node{n}", weight) for n, weight in enumerate(weights))
        for path, value in files.items():
            if value is not None:
                m.tree.line(path, value, 0o644)
        return m

    def online(self, m, *rules, name="dax0.0", **after):
        d = self.daemon(m, policy(*rules, after_online=after) if after else policy(*rules))
        d.wait_state(name, "online")
        d.settle()
        return d

    @staticmethod
    def has(m, path):
        return m.tree.get(path).strip()

    def assertHas(self, m, **values):
        for key, value in values.items():
            path = {"demotion": DEMOTION, "balancing": BALANCING}.get(key, f"{WEIGHTS}/{key}")
            self.assertEqual((key, self.has(m, path)), (key, value))

    @staticmethod
    def outcomes(d, name="dax0.0"):
        return {o["setting"]: o["outcome"] for o in d.device(name)["after_online"]}

    def test_nothing_by_default(self):
        m = self.tiered()
        d = self.online(m)
        self.assertHas(m, demotion="false", balancing="1", node1="1")
        self.assertIsNone(d.device()["after_online"])
        self.assertEqual(d.describe()["after_online"], [])
        self.assertFalse(m.tree.exists(KEPT))
        self.assertNotIn("After online", d.ctl("explain", "dax0.0", check=0).stdout)

    def test_set_and_put_back(self):
        m = self.tiered()
        d = self.online(m, **ALL)
        # What balancing does beside is as it was.
        self.assertHas(m, demotion="true", balancing="3", node0="1", node1="3", node2="1")
        said = "".join(x["MESSAGE"] + "\n" for x in d.message("AFTER_SET"))
        self.assertEqual(said.count("\n"), 3)
        self.assertIn(f"dax0.0: {DEMOTION} is true now; it was false.", said)
        self.assertEqual(self.outcomes(d), dict.fromkeys(ALL, "set"))
        shown = d.describe()["after_online"]
        self.assertEqual([(o["file"], o["device"], o["value"], o["before"]) for o in shown],
                         [(DEMOTION, "dax0.0", "true", "false"), (BALANCING, "dax0.0", "3", "1"),
                          (f"{WEIGHTS}/node1", "dax0.0", "3", "1")])
        self.assertRegex(d.ctl("explain", "dax0.0", check=0).stdout,
                         rf"(?m)^After online\n  demotion +true +{DEMOTION} is true now; it was")
        d.ctl("remove", "dax0.0", check=0)
        d.settle()
        self.assertHas(m, demotion="false", balancing="1", node1="1")
        self.assertEqual(len(d.message("AFTER_PUT_BACK")), 3)
        self.assertEqual(d.describe()["after_online"], [])
        self.assertFalse(m.tree.exists(KEPT))
        self.assertHealthy(m)

    def test_not_before_it_is_online(self):
        """Nor where it does not come online."""
        for settings in ({"action": "plug"}, {"action": "ignore"}, {"memmap": "device"}):
            with self.subTest(**settings):
                m = self.tiered()
                d = self.daemon(m, policy(after_online=ALL, **settings))
                d.wait_state("dax0.0", "plugged", "ignored", "refused")
                d.settle()
                self.assertHas(m, demotion="false", balancing="1", node1="1")
                d.close()

    def test_last_block_first(self):
        """The files are written when the last block is online."""
        m = self.tiered()
        at_each = []
        m.faults.hook = lambda action: at_each.append(
            self.has(m, DEMOTION)) if action.startswith("online") else None
        self.online(m, demotion=True)
        self.assertEqual(set(at_each), {"false"})
        self.assertGreaterEqual(len(at_each), 16)
        self.assertHas(m, demotion="true")

    def test_dry_run(self):
        m = self.tiered()
        d = self.daemon(m, policy(after_online=ALL), "--dry-run")
        d.wait_state("dax0.0", "planned")
        self.assertHas(m, demotion="false", balancing="1", node1="1")
        self.assertEqual(self.outcomes(d), dict.fromkeys(ALL, "pending"))
        self.assertRegex(d.ctl("explain", "dax0.0", check=0).stdout,
                         r"(?m)^  numa_balancing +tiering +Once all of it is online\.$")

    def test_restart(self):
        """What it was is known to the next memmapd, however this one ended."""
        m = self.tiered()
        d = self.online(m, **ALL)
        d.sigkill()
        d.start()
        d.wait_state("dax0.0", "online")
        d.settle()
        self.assertHas(m, demotion="true", balancing="3", node1="3")
        self.assertEqual(len(d.message("AFTER_SET")), 3)
        d.ctl("remove", "dax0.0", check=0)
        d.settle()
        self.assertHas(m, demotion="false", balancing="1", node1="1")

    def test_killed_in_between(self):
        """Before it was written, and after."""
        for now in ("false", "true"):
            with self.subTest(now=now):
                m = self.tiered()
                d = self.online(m, demotion=True)
                d.sigkill()
                kept = json.loads(m.tree.get(KEPT))
                kept[0]["begun"] = True
                m.tree.put(KEPT, json.dumps(kept), 0o644)
                m.tree.line(DEMOTION, now, 0o644)
                d.start()
                d.wait_state("dax0.0", "online")
                d.settle()
                self.assertHas(m, demotion="true")
                d.ctl("remove", "dax0.0", check=0)
                d.settle()
                self.assertHas(m, demotion="false")
                self.assertEqual(d.message("AFTER_CHANGED"), [])
                d.close()

    def test_somebody_else(self):
        m = self.tiered()
        d = self.online(m, **ALL)
        m.tree.line(DEMOTION, "false", 0o644)
        m.tree.line(f"{WEIGHTS}/node1", "7", 0o644)
        d.reload()
        d.settle()
        self.assertHas(m, demotion="false", balancing="3", node1="7")
        self.assertEqual(self.outcomes(d), {"demotion": "changed", "numa_balancing": "set",
                                            "interleave_weight": "changed"})
        self.assertIn(f"dax0.0: Somebody else changed {WEIGHTS}/node1 from 3 to 7. It is left as "
                      "it is.", [x["MESSAGE"] for x in d.message("AFTER_CHANGED")])
        d.reload()
        d.ctl("remove", "dax0.0", check=0)
        d.settle()
        self.assertHas(m, demotion="false", balancing="1", node1="7")
        self.assertEqual(len(d.message("AFTER_CHANGED")), 2)

    def test_somebody_else_at_the_end(self):
        """Nobody looked in between."""
        m = self.tiered()
        d = self.online(m, interleave_weight=3)
        d.sigkill()
        m.tree.line(f"{WEIGHTS}/node1", "7", 0o644)
        d.set_policy(policy())
        d.start()
        d.wait_state("dax0.0", "online")
        d.settle()
        self.assertHas(m, node1="7")
        self.assertRegex(d.message("AFTER_CHANGED")[0]["MESSAGE"], "is not set back to 1")
        self.assertFalse(m.tree.exists(KEPT))

    def two(self, **kw):
        return self.tiered(Dax("dax0.0", size=GiB, target_node=1), Dax("dax1.0", size=GiB, target_node=2), **kw)

    def test_the_last_one(self):
        m = self.two()
        d = self.online(m, **ALL)
        d.wait_state("dax1.0", "online")
        d.settle()
        self.assertHas(m, demotion="true", node1="3", node2="3")
        self.assertEqual(self.outcomes(d, "dax1.0"), dict.fromkeys(ALL, "set"))
        d.ctl("remove", "dax0.0", check=0)
        d.settle()
        self.assertHas(m, demotion="true", balancing="3", node1="1", node2="3")
        d.ctl("remove", "dax1.0", check=0)
        d.settle()
        self.assertHas(m, demotion="false", balancing="1", node1="1", node2="1")

    def test_the_first_one(self):
        """They ask for different things."""
        m = self.tiered(Dax("dax0.0", size=GiB, target_node=1), demotion="true")
        d = self.online(m, rule("a", {"device": "dax0.0"}, after_online={"demotion": True}),
                        rule("b", {"device": "dax1.0"}, after_online={"demotion": False}))
        m.add(Dax("dax1.0", size=GiB, target_node=2))
        d.wait_state("dax1.0", "online")
        d.settle()
        self.assertHas(m, demotion="true")
        self.assertEqual(self.outcomes(d, "dax1.0"), {"demotion": "another"})
        self.assertEqual([x["MESSAGE"] for x in d.message("AFTER_NOT_SET")],
                         [f"dax1.0: {DEMOTION} is not set to false: dax0.0 was first, and asks for "
                          "true."])
        d.sigkill()
        d.start()
        d.wait_state("dax1.0", "online")
        d.settle()
        self.assertHas(m, demotion="true")
        d.ctl("remove", "dax0.0", check=0)
        d.settle()
        self.assertHas(m, demotion="false")
        self.assertEqual(self.outcomes(d, "dax1.0"), {"demotion": "set"})
        d.ctl("remove", "dax1.0", check=0)
        d.settle()
        self.assertHas(m, demotion="true")

    def test_older_kernel(self):
        m = self.tiered(weights=())
        d = self.online(m, **ALL)
        self.assertHas(m, demotion="true", balancing="3")
        self.assertEqual(self.outcomes(d)["interleave_weight"], "missing")
        self.assertEqual([x["MESSAGE"] for x in d.message("AFTER_NOT_SET")],
                         [f"dax0.0: This kernel has no {WEIGHTS}/node1, which came with Linux 6.9."])
        self.assertAllOnline(m)
        d.reload()
        d.settle()
        self.assertEqual(len(d.message("AFTER_NOT_SET")), 1)

    def test_refused_by_the_kernel(self):
        m = self.tiered()
        m.faults.tunable = {DEMOTION: errno.EPERM}
        d = self.online(m, **ALL)
        self.assertHas(m, demotion="false", balancing="3", node1="3")
        self.assertEqual(self.outcomes(d)["demotion"], "failed")
        self.assertRegex(d.message("AFTER_NOT_SET")[0]["MESSAGE"],
                         f"dax0.0: Cannot set {DEMOTION} to true: Operation not permitted")
        m.faults.tunable = {}
        d.reload()
        d.settle()
        self.assertHas(m, demotion="true")
        m.faults.tunable = {DEMOTION: errno.EPERM}
        d.ctl("remove", "dax0.0", check=0)
        d.settle()
        self.assertRegex(d.message("AFTER_NOT_SET")[1]["MESSAGE"], "Cannot set .* back to false")
        m.faults.tunable = {}
        d.reload()
        d.settle()
        self.assertHas(m, demotion="false")

    def test_read_back(self):
        m = self.tiered()
        m.faults.tunable = {f"{WEIGHTS}/node1": "4"}
        d = self.online(m, interleave_weight=3)
        self.assertEqual(self.outcomes(d), {"interleave_weight": "differs"})
        self.assertEqual([x["MESSAGE"] for x in d.message("AFTER_NOT_SET")],
                         [f"dax0.0: {WEIGHTS}/node1 is 4, although 3 was written to it."])
        m.faults.tunable = {}
        d.ctl("remove", "dax0.0", check=0)
        d.settle()
        self.assertHas(m, node1="1")

    def readable(self, m, value):
        """Again, after a write that was not."""
        m.faults.tunable = {}
        os.rmdir(m.tree.path(DEMOTION))
        m.tree.line(DEMOTION, value, 0o644)

    def test_not_read_back(self):
        """What it had is remembered: it was written, for all that is known."""
        for value, killed in (("true", False), ("true", True), ("false", False)):
            with self.subTest(value=value, killed=killed):
                m = self.tiered()
                m.faults.tunable = {DEMOTION: None}
                d = self.online(m, demotion=True)
                self.assertEqual(self.outcomes(d), {"demotion": "failed"})
                self.assertEqual(d.message("AFTER_NOT_SET")[0]["MESSAGE"],
                                 f"dax0.0: {DEMOTION} was set to true, and cannot be read back: "
                                 f"{os.strerror(errno.EISDIR)}.")
                [kept] = json.loads(m.tree.get(KEPT))
                self.assertEqual(kept["before"], "false")
                if killed:
                    d.sigkill()
                    self.readable(m, value)
                    d.start()
                    d.wait_state("dax0.0", "online")
                else:
                    self.readable(m, value)
                d.reload()
                d.settle()
                self.assertHas(m, demotion="true")
                self.assertEqual(self.outcomes(d), {"demotion": "set"})
                d.ctl("remove", "dax0.0", check=0)
                d.settle()
                self.assertHas(m, demotion="false")
                self.assertFalse(m.tree.exists(KEPT))
                d.close()

    def test_another_policy(self):
        m = self.tiered()
        d = self.online(m, interleave_weight=3)
        d.set_policy(policy(after_online={"interleave_weight": 5}))
        d.reload()
        d.settle()
        self.assertHas(m, node1="5")
        d.set_policy(policy())
        d.reload()
        d.settle()
        self.assertHas(m, node1="1")

    def test_weights_of_the_kernel(self):
        """Newer ones work them out by themselves, until one is written."""
        m = self.tiered(auto="true", weights=("9", "2", "2"))
        d = self.online(m, interleave_weight=3)
        self.assertHas(m, auto="false", node1="3")
        d.ctl("remove", "dax0.0", check=0)
        d.settle()
        self.assertHas(m, auto="true")
        self.assertEqual([a for a in m.log if a.startswith("tune")],
                         [f"tune {WEIGHTS}/auto false", f"tune {WEIGHTS}/node1 3",
                          f"tune {WEIGHTS}/auto true"])
        self.assertFalse(m.tree.exists(KEPT))

    def test_weights_for_good(self):
        """That kernel has never been told how fast its nodes are."""
        m = self.tiered(auto="true")
        d = self.online(m, interleave_weight=3)
        m.faults.tunable = {f"{WEIGHTS}/auto": errno.ENODEV}
        d.ctl("remove", "dax0.0", check=0)
        d.settle()
        self.assertHas(m, auto="false", node1="1")
        self.assertRegex(d.message("AFTER_NOT_SET")[0]["MESSAGE"], "/auto stays false: this kernel")
        self.assertFalse(m.tree.exists(KEPT))

    def test_node_goes(self):
        """And the file of its weight with it; it has what it had when it comes again."""
        m = self.tiered()
        weight = f"{WEIGHTS}/node1"
        d = self.online(m, interleave_weight=3)
        m.tree.unlink(weight)
        d.ctl("remove", "dax0.0", check=0)
        d.settle()
        self.assertTrue(m.tree.exists(KEPT))
        m.tree.line(weight, "3", 0o644)
        d.ctl("online", "dax0.0", check=0)
        d.wait_state("dax0.0", "online")
        d.settle()
        d.ctl("remove", "dax0.0", check=0)
        d.settle()
        self.assertHas(m, node1="1")
        self.assertFalse(m.tree.exists(KEPT))

    def test_gone(self):
        """A device that goes asks no more."""
        m = self.tiered()
        d = self.online(m, **ALL)
        m.remove("dax0.0")
        d.wait(lambda: d.message("AFTER_PUT_BACK")[2:], "all is put back")
        self.assertHas(m, demotion="false", balancing="1", node1="1")

    def test_no_place_to_remember(self):
        """What could not be put back is not set."""
        m = self.tiered()
        os.mkdir(m.root + "/run/memmapd")
        os.mkdir(m.root + KEPT + ".new")
        d = self.online(m, **ALL)
        self.assertHas(m, demotion="false", balancing="1", node1="1")
        self.assertEqual(set(self.outcomes(d).values()), {"failed"})


if __name__ == "__main__":
    unittest.main()
