# SPDX-License-Identifier: LGPL-2.1-or-later
"""Without the module: the kernel's own driver takes devices in as a whole."""
import errno
import os
import unittest

from fakemachine import Daemon, Dax, FakeMachine, GiB, MiB, policy
from harness import MemmapdTest, kill_after, rule

AUTO_ONLINE = "/sys/devices/system/memory/auto_online_blocks"
WHY = "the module was eaten by a grue"


class Kmem(MemmapdTest):
    def without_module(self, *devices, **kw):
        m = self.machine(module=False, devices=devices or [Dax(size=2 * GiB, native=True)], **kw)
        m.write("/sys/bus/dax/drivers_autoprobe", "0")
        return m

    def auto_online(self, m):
        with open(m.tree.path(AUTO_ONLINE), encoding="ascii") as f:
            return f.read().strip()

    def test_plain(self):
        m = self.without_module(Dax(size=2 * GiB))
        d = self.taken(m)
        self.assertEqual(d["backend"], "plain")
        self.assertAllOnline(m)
        self.assertEqual(m.devices["dax0.0"].map, "r" * 16)
        self.assertEqual(m.actions("place"), [])

    def test_native_in_ram(self):
        m = self.without_module()
        d = self.taken(m)
        self.assertEqual(d["backend"], "native")
        self.assertAllOnline(m)
        self.assertEqual(m.devices["dax0.0"].map, "r" * 16)
        # The order is ours, and the fast one.
        self.assertEqual(m.actions("online")[-1][1],
                         f"{m.devices['dax0.0'].numbers[1]}")

    def test_native_on_device(self):
        m = self.without_module(ram=768 * MiB, free=20 * MiB, memmap_on_memory=True)
        d = self.taken(m)
        self.assertEqual(m.devices["dax0.0"].map, "d" * 16)
        self.assertIn("exceeds", self.codes(d))
        self.assertIn("device", self.codes(d))

    def test_does_not_fit(self):
        m = self.without_module(ram=768 * MiB, free=20 * MiB)
        os.makedirs(m.tree.path("/run/memmapd"), exist_ok=True)
        with open(m.tree.path("/run/memmapd/module"), "w", encoding="ascii") as f:
            f.write(WHY + "\n")
        d = self.taken(m, None, "refused")
        self.assertIn("help-module", self.codes(d))
        self.assertIn(WHY, d["message"])
        self.assertEqual(m.actions("bind", "plug", "online"), [])

    def test_named_and_not_there(self):
        m = self.without_module()
        d = self.taken(m, policy(backend="chunked"), "refused")
        self.assertIn("no-backend", self.codes(d))
        self.assertEqual(m.actions("bind"), [])

    def test_named_though_the_module_is_there(self):
        m = self.machine(devices=[Dax(size=2 * GiB, native=True)])
        d = self.taken(m, policy(backend="native"))
        self.assertEqual((d["backend"], d["driver"]), ("native", "kmem"))

    def test_auto_online_is_held_back(self):
        m = self.without_module(auto_online="online")
        self.taken(m)
        self.assertAllOnline(m)
        self.assertEqual(self.auto_online(m), "online")

    def test_auto_online_is_put_back_after_a_failure(self):
        m = self.without_module(auto_online="online_kernel")
        m.faults.fail_bind("dax0.0", errno.EIO, driver="kmem")
        d = self.daemon(m)
        d.wait_state("dax0.0", "degraded", timeout=20)
        self.assertEqual(self.auto_online(m), "online_kernel")

    def test_killed_everywhere(self):
        """It ends in the same state, and what was held back is put back."""
        with self.again() as m, Daemon(m) as d:
            d.wait_state("dax0.0", "online")
            total = len(m.actions("bind", "plug", "online")) + 1
        for point in range(1, total, 2):
            with self.subTest(killed_at=point), self.again() as m, Daemon(m, start=False) as d:
                self.kill_at(m, d, point)
                d.start()
                d.wait_state("dax0.0", "online")
                self.assertAllOnline(m)
                self.assertEqual(self.auto_online(m), "online")

    def again(self):
        m = FakeMachine(module=False, auto_online="online",
                        devices=[Dax(size=1 * GiB, native=True)])
        m.write("/sys/bus/dax/drivers_autoprobe", "0")
        return m

    def kill_at(self, m, d, actions):
        killed = kill_after(m, d, actions)
        d.start_unwaited()
        self.assertTrue(killed.wait(20))
        d.sigkill()

    def test_several(self):
        """One of them the driver does not know by itself: it must not get the others."""
        m = self.without_module(*(Dax(f"dax{i}.0", size=1 * GiB, target_node=i + 1, native=i < 2)
                                  for i in range(3)), possible=4, auto_online="online")
        d = self.daemon(m, policy(rule("left alone", {"device": "dax1.0"}, action="ignore")))
        for name in ("dax0.0", "dax2.0"):
            d.wait_state(name, "online", timeout=30)
            self.assertAllOnline(m, "m", name)
        self.assertEqual(self.auto_online(m), "online")

    def test_what_was_taken_out_by_hand_stays_out(self):
        m = self.without_module()
        d = self.daemon(m)
        d.wait_state("dax0.0", "online")
        number = m.devices["dax0.0"].numbers[3]
        m.write(f"/sys/devices/system/memory/memory{number}/state", "offline")
        d.wait_state("dax0.0", "degraded")
        d.stop()
        d.start()
        d.wait_state("dax0.0", "degraded")
        d.settle()
        self.assertEqual(m.states().count("-"), 1)

    def rolled_back(self, m, d):
        number = m.devices["dax0.0"].numbers[5]
        m.faults.fail_online(number, errno.EIO)
        d.set_policy(policy(on_failure="rollback"))
        d.start()
        return d.wait_state("dax0.0", "rolled-back")["message"]

    def test_rollback(self):
        """It gives back all of it."""
        m = self.without_module()
        d = self.daemon(m, start=False)
        self.assertEqual(self.rolled_back(m, d),
                         "1 blocks failed, and 15 others were taken out again.")
        d.settle()
        self.assertEqual(m.states(), "." * 16)
        self.assertIsNone(m.devices["dax0.0"].driver)
        self.assertEqual(d.message("FOREIGN"), [])
        d.stop()
        d.start()
        d.settle()
        self.assertEqual(m.states(), "." * 16)
        m.faults.failing.clear()
        d.reload()
        d.wait_state("dax0.0", "online")
        self.assertAllOnline(m)

    def test_rollback_of_what_is_in_use(self):
        """Then none of it."""
        m = self.without_module()
        numbers = m.devices["dax0.0"].numbers
        m.faults.fail_offline(numbers[3], errno.EBUSY)
        d = self.daemon(m, start=False)
        self.assertEqual(self.rolled_back(m, d), "1 blocks failed, and 14 others were taken out "
                         "again; the rest is in use and stays.")
        self.assertEqual(m.states(), "---m" + 12 * "-")
        self.assertEqual(m.devices["dax0.0"].driver, "kmem")
        self.assertIn(f"Cannot take back memory{numbers[3]}",
                      d.message("STEP_FAILED")[-1]["MESSAGE"])

    def test_the_module_comes_later(self):
        m = self.without_module()
        d = self.daemon(m)
        d.wait_state("dax0.0", "online")
        log = list(m.log)
        m.load_module()
        m.write("/sys/bus/dax/drivers_autoprobe", "0")
        d.settle()
        self.assertEqual(m.devices["dax0.0"].driver, "kmem")
        self.assertEqual([a for a in m.log[len(log):] if a.startswith(("unplug", "offline"))], [])


if __name__ == "__main__":
    unittest.main()
