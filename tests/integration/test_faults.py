# SPDX-License-Identifier: LGPL-2.1-or-later
"""The kernel fails, or does other than it was told."""
import errno
import os
import signal
import sys
import unittest

from fakemachine import PAGE, Dax, GiB, MiB, policy
from harness import MemmapdTest

EHWPOISON = 133                         # not known to python


class Failures(MemmapdTest):
    def number(self, m, index):
        return m.devices["dax0.0"].numbers[index]

    def test_transient_online(self):
        m = self.machine(devices=[Dax(size=2 * GiB)])
        m.faults.fail_online(self.number(m, 5), errno.EAGAIN, 2)
        self.taken(m)
        self.assertAllOnline(m)
        tries = [w for w in m.actions("online") if w[1] == str(self.number(m, 5))]
        self.assertEqual([w[3:] for w in tries], [["EAGAIN"], ["EAGAIN"], []])

    def test_transient_plug(self):
        m = self.machine(devices=[Dax(size=2 * GiB)])
        m.faults.fail_plug(5, errno.EBUSY, 1)
        self.taken(m)
        self.assertAllOnline(m)

    def test_permanent_online_costs_one_block(self):
        m = self.machine(devices=[Dax(size=2 * GiB)])
        m.faults.fail_online(self.number(m, 5), EHWPOISON)
        d = self.daemon(m)
        device = d.wait_state("dax0.0", "degraded")
        self.assertEqual(device["blocks"]["failed"], 1)
        self.assertEqual(device["blocks"]["online"], 15)
        self.assertEqual(m.states().replace("-", "."), "mmmmm.mmmmmmmmmm")
        d.settle()
        tries = [w for w in m.actions("online") if w[1] == str(self.number(m, 5))]
        self.assertLessEqual(len(tries), 2)
        self.assertEqual([e["MEMMAPD_BLOCK"] for e in d.message("STEP_FAILED")],
                         [f"memory{self.number(m, 5)}"])

    def test_failed_blocks_are_tried_again_on_reload(self):
        m = self.machine(devices=[Dax(size=2 * GiB)])
        m.faults.fail_online(self.number(m, 5), EHWPOISON)
        d = self.daemon(m)
        d.wait_state("dax0.0", "degraded")
        m.faults.fail_online(self.number(m, 5), EHWPOISON, 0)
        d.reload()
        d.wait_state("dax0.0", "online")
        self.assertAllOnline(m)

    def test_permanent_plug_costs_one_block(self):
        m = self.machine(devices=[Dax(size=2 * GiB)])
        m.faults.fail_plug(5, errno.EEXIST)
        device = self.taken(m, None, "degraded")
        self.assertEqual(device["blocks"]["failed"], 1)
        self.assertEqual(m.states(), "mmmmm.mmmmmmmmmm")

    def test_a_seed_fails(self):
        m = self.machine(ram=768 * MiB, free=300 * MiB, devices=[Dax(size=32 * GiB)])
        m.faults.fail_online(self.number(m, 0), EHWPOISON)
        self.taken(m, policy(memmap="seed"), "degraded")
        self.assertHealthy(m, 280 * MiB)
        self.assertEqual(m.states().count("m") + m.states().count("k"), 255)

    def test_everything_fails(self):
        m = self.machine(devices=[Dax(size=2 * GiB)])
        for i in range(16):
            m.faults.fail_online(self.number(m, i), errno.EIO)
        d = self.daemon(m)
        d.wait_state("dax0.0", "degraded")
        d.settle(1)
        self.assertLessEqual(len(m.actions("online")), 40)
        self.assertTrue(d.running)

    def test_bind_fails(self):
        m = self.machine(devices=[Dax(size=2 * GiB)])
        m.faults.fail_bind("dax0.0", errno.EBUSY)
        d = self.daemon(m)
        d.wait_state("dax0.0", "degraded", "refused")
        d.settle(1)
        self.assertLessEqual(len(m.actions("new_id")), 4)
        m.faults.fail_bind("dax0.0", errno.EBUSY, 0)
        d.reload()
        d.wait_state("dax0.0", "online")

    def test_the_old_driver_gets_it_back(self):
        m = self.machine(devices=[Dax(size=2 * GiB, driver="device_dax")])
        m.faults.fail_bind("dax0.0", errno.EBUSY)
        d = self.daemon(m)
        d.wait_state("dax0.0", "degraded", "refused")
        d.settle()
        self.assertEqual(m.devices["dax0.0"].driver, "device_dax")

    def test_out_of_memory_in_the_kernel_is_decided_anew(self):
        m = self.machine(devices=[Dax(size=2 * GiB)])
        m.faults.fail_plug(5, errno.ENOMEM, 1)
        self.taken(m)
        self.assertAllOnline(m)

    def test_device_goes_in_the_middle(self):
        m = self.machine(devices=[Dax(size=2 * GiB)])
        d = self.daemon(m, start=False)

        def go(line):
            if line == "plug dax0.0 6":
                m.faults.hook = None
                m.remove("dax0.0")
        m.faults.hook = go
        d.start()
        d.wait(lambda: "dax0.0" not in m.devices, "the device is gone")
        d.wait(lambda: d.device("dax0.0") is None, "it is forgotten")
        d.settle()
        # What stayed is named, once.
        said = d.message("ORPHANED")
        self.assertEqual(len(said), 1)
        stayed = [b.number for b in m.hotplug.blocks.values()]
        self.assertGreater(len(stayed), 2)
        for number in (min(stayed), max(stayed)):
            self.assertIn(f"memory{number}", str(said[0]))
        self.assertEqual(d.message("GONE"), [])
        # and comes back, its memory still there
        m.add(Dax(size=2 * GiB, start=4 * GiB))
        d.wait_state("dax0.0", "online")
        self.assertAllOnline(m)


class Divergence(MemmapdTest):
    """The kernel puts a memmap elsewhere than asked."""

    def test_once(self):
        m = self.machine(ram=768 * MiB, free=300 * MiB, memmap_on_memory=True,
                         devices=[Dax(size=64 * GiB)])
        d = self.daemon(m, start=False)
        m.faults.force_ram = 1
        d.start()
        d.wait_state("dax0.0", "online")
        self.assertEqual(len(d.message("DIVERGED")), 1)
        self.assertEqual(m.devices["dax0.0"].map.count("r"), 1)
        self.assertEqual(m.devices["dax0.0"].map.count("d"), 511)
        self.assertNotIn("-", m.states())

    def test_always(self):
        """Not a block more than fits, whatever the kernel does."""
        m = self.machine(ram=768 * MiB, free=100 * MiB, memmap_on_memory=True,
                         devices=[Dax(size=64 * GiB)])
        reserve = m.nodes[0].kernel_managed * PAGE // 20
        d = self.daemon(m, policy(ram_reserve="5%"), start=False)
        m.faults.force_ram = 1 << 30
        d.start()
        d.wait_state("dax0.0", "degraded", "refused")
        d.settle(1)
        self.assertHealthy(m, reserve)
        self.assertEqual(m.devices["dax0.0"].map.count("d"), 0)
        self.assertNotIn("-", m.states())
        self.assertTrue(d.message("DIVERGED"))

    def test_always_in_seeds(self):
        m = self.machine(ram=768 * MiB, free=100 * MiB, devices=[Dax(size=64 * GiB)])
        reserve = m.nodes[0].kernel_managed * PAGE // 20
        d = self.daemon(m, policy(ram_reserve="5%"), start=False)
        m.faults.force_ram = 1 << 30
        d.start()
        d.wait_state("dax0.0", "degraded")
        d.settle(1)
        self.assertHealthy(m, reserve)
        self.assertEqual(m.devices["dax0.0"].map.count("s"), 0)
        self.assertNotIn("-", m.states())
        self.assertTrue(d.message("DIVERGED"))

    def test_once_is_remembered(self):
        """After a stray, adds on the device need RAM that could bear another."""
        m = self.machine(ram=768 * MiB, free=300 * MiB, memmap_on_memory=True,
                         devices=[Dax(size=64 * GiB)])
        d = self.daemon(m, policy(memmap="device"), start=False)

        def take(line):
            if line == "plug dax0.0 40":
                m.faults.hook = None
                m.faults.force_ram = 1
                m.take_ram(m.spare() - 3 * MiB)         # the stray, and not another
        m.faults.hook = take
        d.start()
        device = d.wait_state("dax0.0", "degraded")
        d.settle()
        self.assertIn("no-allowance", self.codes(device))
        self.assertEqual(len(d.message("DIVERGED")), 1)
        self.assertEqual(m.oom, [])
        self.assertNotIn("-", m.states())
        self.assertEqual(m.devices["dax0.0"].map.count("r"), 1)
        # and with RAM to bear it, all goes on
        m.take_ram(-50 * MiB)
        d.reload()
        d.wait_state("dax0.0", "online")
        self.assertEqual(m.devices["dax0.0"].map.count("r"), 1)
        self.assertAllBack(m)

    def test_killed_before_a_stray_is_online(self):
        m = self.machine(ram=768 * MiB, free=100 * MiB, memmap_on_memory=True,
                         devices=[Dax(size=64 * GiB)])
        m.take_ram(m.spare() - 5 * MiB)
        m.faults.force_ram = 1 << 30
        d = self.daemon(m, policy(memmap="device"), start=False)

        def kill(line):
            if line.startswith("plug"):
                m.faults.hook = None
                os.killpg(d.process.pid, signal.SIGKILL)
        m.faults.hook = kill
        d.start_unwaited()
        d.process.wait(20)
        d.sigkill()
        self.assertEqual(m.states().count("-"), 1)
        d.start()
        d.wait_state("dax0.0", "degraded")
        d.settle()
        self.assertHealthy(m)
        # one more, as watermarks fall when memory comes online
        self.assertIn(m.devices["dax0.0"].map.count("r"), (2, 3))
        self.assertNotIn("-", m.states())

    def test_in_the_middle_of_seeds(self):
        m = self.machine(ram=768 * MiB, free=300 * MiB, devices=[Dax(size=64 * GiB)])

        def force(line):
            if line == "plug dax0.0 300":
                m.faults.hook = None
                m.faults.force_ram = 3
        m.faults.hook = force
        self.taken(m)
        self.assertEqual(m.devices["dax0.0"].map.count("r"), 4)
        self.assertHealthy(m, 280 * MiB)
        self.assertNotIn("-", m.states())

    def test_memory_is_taken_by_others_meanwhile(self):
        m = self.machine(ram=2 * GiB, free=400 * MiB, devices=[Dax(size=16 * GiB)])

        def take(line):
            if line == "plug dax0.0 40":
                m.faults.hook = None
                m.take_ram(200 * MiB)
        m.faults.hook = take
        d = self.daemon(m, policy(ram_reserve="1%"))
        d.wait_state("dax0.0", "online", "degraded", "refused")
        d.settle()
        self.assertHealthy(m, m.nodes[0].kernel_managed * PAGE // 100)
        self.assertTrue(d.message("DIVERGED"))
        self.assertNotIn("-", m.states())
        self.assertGreater(m.states().count("m"), 40)


if __name__ == "__main__":
    sys.exit(unittest.main())
