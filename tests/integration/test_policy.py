# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the policy says, and how it comes to the daemon."""
import os
import signal
import sys
import unittest

import dbus.exceptions

from fakemachine import Dax, GiB, MiB, policy
from harness import BAD_POLICY, MemmapdTest, rule


class Rules(MemmapdTest):
    """What is done with which device."""

    def test_plug_only(self):
        m = self.machine(devices=[Dax(size=2 * GiB)])
        d = self.taken(m, policy(action="plug"), "plugged")
        self.assertEqual(m.states(), "-" * 16)
        self.assertEqual(d["blocks"]["plugged"], 16)

    def test_ignore(self):
        m = self.machine(devices=[Dax(size=2 * GiB)])
        before = m.tree.snapshot()
        d = self.daemon(m, policy(rule(match={"device": "dax0.*"}, action="ignore")))
        d.wait_state("dax0.0", "ignored")
        d.settle()
        self.assertEqual(m.tree.snapshot(), before)

    def test_ignored_goes_to_its_driver(self):
        m = self.machine(devices=[Dax(size=2 * GiB)])
        m.tree.line("/sys/bus/dax/drivers_autoprobe", 0, 0o644)
        d = self.daemon(m, policy(action="ignore"))
        d.wait_state("dax0.0", "ignored")
        d.wait(lambda: m.devices["dax0.0"].driver == "device_dax", "it has its driver")

    def test_pmem_is_left_alone(self):
        m = self.machine(devices=[Dax(size=2 * GiB, backing="pmem")])
        before = m.tree.snapshot()
        d = self.daemon(m, policy(rule(match={"target_node": 1})))
        device = d.wait_state("dax0.0", "ignored", "refused")
        self.assertEqual(device["backing"], "pmem")
        self.assertIn("pmem", self.codes(device))
        d.settle()
        self.assertEqual(m.tree.snapshot(), before)

    def test_pmem_that_a_rule_names(self):
        m = self.machine(devices=[Dax(size=2 * GiB, backing="pmem", driver="device_dax")])
        d = self.taken(m, policy(rule("mine", {"backing": "pmem"})))
        self.assertEqual(d["rule"], "mine")
        self.assertAllOnline(m)

    def test_first_rule_wins(self):
        m = self.machine(memmap_on_memory=True, possible=4,
                         devices=[Dax("dax0.0", "cxl", 1 * GiB, target_node=2),
                                  Dax("dax1.0", "hmem", 1 * GiB, target_node=3)])
        d = self.daemon(m, policy(rule("two", {"target_node": 2}, memmap="device"),
                                  rule("cxl", {"backing": "cxl"}, memmap="ram"),
                                  rule("rest", {}, memmap="ram")))
        self.assertEqual(d.wait_state("dax0.0", "online")["rule"], "two")
        self.assertEqual(d.wait_state("dax1.0", "online")["rule"], "rest")
        self.assertEqual(m.devices["dax0.0"].map, "d" * 8)
        self.assertEqual(m.devices["dax1.0"].map, "r" * 8)
        self.assertEqual(d.device("dax0.0")["backing"], "cxl")

    def test_device_node_in_use(self):
        m = self.machine(devices=[Dax(size=2 * GiB, driver="device_dax")])
        m.open_node("dax0.0")
        before, log = m.tree.snapshot(), list(m.log)
        d = self.daemon(m)
        device = d.wait_state("dax0.0", "refused")
        self.assertIn("node-open", self.codes(device))
        d.settle()
        self.assertEqual(m.tree.snapshot(), before)
        self.assertEqual(m.log, log)
        m.close_node()
        d.reload()
        d.wait_state("dax0.0", "online")

    def test_taken_over_from_device_dax(self):
        m = self.machine(devices=[Dax(size=2 * GiB, driver="device_dax")])
        self.taken(m)
        self.assertEqual(m.devices["dax0.0"].driver, "memmapd_kmem")

    def test_taken_over_from_kmem(self):
        m = self.machine(devices=[Dax(size=2 * GiB, driver="kmem")])
        self.taken(m)
        self.assertEqual(m.devices["dax0.0"].driver, "memmapd_kmem")
        self.assertAllOnline(m)

    def test_in_use_by_kmem(self):
        m = self.machine(devices=[Dax(size=2 * GiB, driver="kmem")])
        number = m.devices["dax0.0"].numbers[3]
        m.write(f"/sys/devices/system/memory/memory{number}/state", "online_movable")
        log = list(m.log)
        d = self.daemon(m)
        self.assertIn("held", self.codes(d.wait_state("dax0.0", "refused")))
        d.settle()
        self.assertEqual(m.log, log)

    def test_without_the_module(self):
        m = self.machine(module=False, kmem=False, devices=[Dax(size=2 * GiB)])
        d = self.taken(m, None, "refused")
        self.assertIn("no-backend", self.codes(d))
        self.assertEqual(m.log, [])

    def test_the_module_comes_later(self):
        m = self.machine(module=False, kmem=False, devices=[Dax(size=2 * GiB)])
        d = self.daemon(m)
        d.wait_state("dax0.0", "refused")
        m.load_module()
        d.wait_state("dax0.0", "online")
        self.assertAllOnline(m)

    def test_no_target_node(self):
        m = self.machine(devices=[Dax(size=2 * GiB, target_node=-1)])
        self.taken(m, None, "refused")
        self.assertEqual(m.log, [])


class Policy(MemmapdTest):
    def test_bad_at_start(self):
        m = self.machine(devices=[Dax(size=1 * GiB)])
        before = m.tree.snapshot()
        d = self.daemon(m, BAD_POLICY)
        device = d.wait_state("dax0.0", "unknown")
        self.assertIn(d.policy_path, device["message"])
        d.settle()
        self.assertEqual(m.tree.snapshot(), before)
        bad = d.message("POLICY_BAD")[0]["MESSAGE"]
        for part in (f"{d.policy_path}:3", "memmapp", "memmap"):
            self.assertIn(part, bad)
        self.assertIn("memmapp", d.describe()["daemon"]["policy_error"])
        d.set_policy(policy())
        d.reload()
        d.wait_state("dax0.0", "online")
        self.assertIsNone(d.describe()["daemon"]["policy_error"])

    def test_missing_at_start(self):
        m = self.machine(devices=[Dax(size=1 * GiB)])
        d = self.daemon(m, start=False)
        os.unlink(d.policy_path)
        d.start_unwaited()
        self.assertNotEqual(d.process.wait(10), 0)
        self.assertIn("policy.json", d.log)
        self.assertEqual(m.log, [])

    def test_bad_at_reload(self):
        m = self.machine(devices=[Dax(size=1 * GiB)], memmap_on_memory=True)
        d = self.daemon(m, policy(memmap="device"))
        d.wait_state("dax0.0", "online")
        d.set_policy(BAD_POLICY)
        with self.assertRaises(dbus.exceptions.DBusException) as c:
            d.reload()
        self.assertIn("memmapp", str(c.exception))
        m.add(Dax("dax1.0", size=1 * GiB))
        d.wait_state("dax1.0", "online")
        self.assertEqual(m.devices["dax1.0"].map, "d" * 8)

    def test_reload_reconsiders_what_was_refused(self):
        m = self.machine(ram=768 * MiB, free=300 * MiB, devices=[Dax(size=64 * GiB)])
        d = self.daemon(m, policy(allow_seeds=False))
        d.wait_state("dax0.0", "refused")
        d.set_policy(policy())
        d.reload()
        d.wait_state("dax0.0", "online")

    def test_reload_by_sighup(self):
        m = self.machine(devices=[Dax(size=1 * GiB)])
        d = self.daemon(m, policy(action="ignore"))
        d.wait_state("dax0.0", "ignored")
        d.set_policy(policy())
        d.process.send_signal(signal.SIGHUP)
        d.wait_state("dax0.0", "online")

    def test_dry_run(self):
        m = self.machine(devices=[Dax(size=1 * GiB, driver="device_dax")])
        before, log = m.tree.snapshot("/sys", "/proc", "/dev", "/run"), list(m.log)
        d = self.daemon(m, policy(), "--dry-run")
        device = d.wait_state("dax0.0", "planned")
        self.assertEqual(device["verdict"], "take")
        m.add(Dax("dax1.0", size=1 * GiB))
        d.wait_state("dax1.0", "planned")
        m.remove("dax1.0")
        d.wait(lambda: d.device("dax1.0") is None, "it is gone")
        self.assertTrue(d.describe()["daemon"]["dry_run"])
        d.settle()
        self.assertEqual(m.log, log)
        after = m.tree.snapshot("/sys", "/proc", "/dev", "/run")
        self.assertEqual({p: s for p, s in after.items() if p in before}, before)


if __name__ == "__main__":
    sys.exit(unittest.main())
