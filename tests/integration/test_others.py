# SPDX-License-Identifier: LGPL-2.1-or-later
"""Others that work on the same memory: a udev rule, daxctl, the kernel's own default."""
import sys
import unittest

from fakemachine import Dax, GiB, policy
from harness import MemmapdTest

MEMORY = "/sys/devices/system/memory"
DRIVERS = "/sys/bus/dax/drivers"
IN_OTHER_ZONES = "not in the zone that was decided"


class Rule(MemmapdTest):
    """Something brings each block online in the kernel zone, before memmapd does."""

    def be_quick(self, m, how, every=1):
        """As a udev rule would: right before memmapd's own attempt."""
        seen = []

        def hook(line):
            words = line.split()
            if words[0] != "online" or words[2] != "movable" or words[1] in seen:
                return
            seen.append(words[1])
            if len(seen) % every == 0:
                m.write(f"{MEMORY}/memory{words[1]}/state", how)
        m.faults.hook = hook

    def test_all_of_them(self):
        for module in (True, False):
            with self.subTest(module=module):
                m = self.machine(module=module, devices=[Dax(size=2 * GiB, native=True)])
                self.be_quick(m, "online_kernel")
                d = self.daemon(m, policy(zone="movable"))
                said = d.wait_state("dax0.0", "online", "degraded")
                self.assertEqual(said["state"], "online")
                self.assertAllOnline(m, "k")
                self.assertIn(f"16 of them are {IN_OTHER_ZONES}", said["message"])
                done = d.message("DONE")[-1]
                self.assertEqual(done["PRIORITY"], "4")
                self.assertIn(IN_OTHER_ZONES, done["MESSAGE"])
                block = m.devices["dax0.0"].numbers[0]
                self.assertIn(f"somebody else brought memory{block} online in the kernel zone",
                              " ".join(e["MESSAGE"] for e in d.message("DIVERGED")))

    def test_some_of_them_and_put_right_by_hand(self):
        m = self.machine(devices=[Dax(size=2 * GiB)])
        # The last one: it has no memmaps of others.
        self.be_quick(m, "online_kernel", every=16)
        d = self.daemon(m, policy(zone="movable"))
        said = d.wait_state("dax0.0", "online")
        self.assertEqual(m.states().count("k"), 1)
        self.assertIn(f"1 of them is {IN_OTHER_ZONES}", said["message"])
        m.faults.hook = None
        block = m.devices["dax0.0"].numbers[m.states().index("k")]
        m.write(f"{MEMORY}/memory{block}/state", "offline")
        d.wait_state("dax0.0", "degraded")
        m.write(f"{MEMORY}/memory{block}/state", "online_movable")
        said = d.wait_state("dax0.0", "online")
        self.assertNotIn(IN_OTHER_ZONES, said["message"])

    def test_in_the_zone_that_was_decided(self):
        m = self.machine(devices=[Dax(size=2 * GiB)])
        self.be_quick(m, "online_movable")
        d = self.daemon(m, policy(zone="movable"))
        said = d.wait_state("dax0.0", "online")
        self.assertNotIn(IN_OTHER_ZONES, said["message"])
        self.assertEqual(d.message("DONE")[-1]["PRIORITY"], "5")


class AutoOnline(MemmapdTest):
    def test_changed_while_it_is_held_back(self):
        """Whoever writes last, wins; what he wrote is not put back to something else."""
        m = self.machine(module=False, auto_online="online",
                         devices=[Dax(size=2 * GiB, native=True)])
        path = f"{MEMORY}/auto_online_blocks"

        def hook(line):
            if line == "bind dax0.0 kmem":
                m.faults.hook = None
                m.write(path, "online_kernel")
        m.faults.hook = hook
        d = self.daemon(m, policy(zone="movable"))
        said = d.wait_state("dax0.0", "online")
        self.assertAllOnline(m, "k")
        self.assertIn(f"16 of them are {IN_OTHER_ZONES}", said["message"])
        with open(m.tree.path(path), encoding="ascii") as f:
            self.assertEqual(f.read().strip(), "online_kernel")


class Daxctl(MemmapdTest):
    def test_unbound_in_use(self):
        """As "daxctl reconfigure-device -m system-ram" does with a device of memmapd's."""
        m = self.machine(devices=[Dax(size=1 * GiB)])
        d = self.daemon(m)
        d.wait_state("dax0.0", "online")
        first = m.devices["dax0.0"].numbers[0]
        m.write(f"{DRIVERS}/memmapd_kmem/unbind", "dax0.0")
        said = d.wait_state("dax0.0", "degraded")
        self.assertIn(f"while 8 of its blocks were in use: memory{first}", said["message"])
        self.assertIn('"memmapctl apply dax0.0"', said["message"])
        self.assertEqual(len(d.message("ORPHANED")), 1)
        d.reload()
        d.settle()
        self.assertEqual(len(d.message("ORPHANED")), 1)
        d.ctl("apply", "dax0.0", )
        d.wait_state("dax0.0", "online")
        self.assertEqual(m.devices["dax0.0"].driver, "memmapd_kmem")

    def test_kmem_unbound_in_use(self):
        """The driver forgets what it had, and memmapd does not."""
        m = self.machine(module=False, devices=[Dax(size=1 * GiB, native=True)])
        d = self.daemon(m)
        d.wait_state("dax0.0", "online")
        first, last = m.devices["dax0.0"].numbers[0], m.devices["dax0.0"].numbers[-1]
        m.write(f"{DRIVERS}/kmem/unbind", "dax0.0")
        said = d.wait_state("dax0.0", "degraded")
        self.assertIn(f"while 8 of its blocks were in use: memory{first} to memory{last}. That "
                      "memory goes on working; nothing can take it over or out before the next "
                      "boot.", said["message"])
        self.assertEqual(len(d.message("ORPHANED")), 1)

    def test_unbound_and_not_in_use(self):
        m = self.machine(devices=[Dax(size=1 * GiB)])
        d = self.daemon(m, policy(action="plug"))
        d.wait_state("dax0.0", "plugged")
        m.write(f"{DRIVERS}/memmapd_kmem/unbind", "dax0.0")
        said = d.wait_state("dax0.0", "degraded")
        self.assertNotIn("in use", said["message"])
        self.assertEqual(d.message("ORPHANED"), [])

    def test_takes_the_driver_of_an_ignored_one_away(self):
        """Between the drivers it has none, and memmapd must not come in between."""
        for before in (True, False):
            with self.subTest(before=before):
                m = self.machine(devices=[Dax(size=1 * GiB, driver="device_dax" if before
                                              else None)])
                m.write("/sys/bus/dax/drivers_autoprobe", "0")
                d = self.daemon(m, policy(action="ignore"))
                d.wait(lambda m=m: m.devices["dax0.0"].driver == "device_dax", "handed back")
                d.wait_state("dax0.0", "ignored")
                d.settle()
                m.write(f"{DRIVERS}/device_dax/unbind", "dax0.0")
                d.settle()
                self.assertIsNone(m.devices["dax0.0"].driver)

    def test_what_was_removed_is_his(self):
        m = self.machine(devices=[Dax(size=1 * GiB, native=True)])
        d = self.daemon(m)
        d.wait_state("dax0.0", "online")
        d.ctl("remove", "dax0.0", )
        self.assertIn("stays out", d.wait_state("dax0.0", "removed")["message"])
        m.write(f"{DRIVERS}/kmem/bind", "dax0.0")
        d.wait(lambda: "8 of 8 blocks (driver kmem), 0 online" in d.device()["message"], "told")
        for number in m.devices["dax0.0"].numbers:
            m.write(f"{MEMORY}/memory{number}/state", "online_movable")
        d.wait(lambda: "(driver kmem), 8 online" in d.device()["message"], "told")
        for number in m.devices["dax0.0"].numbers:
            m.write(f"{MEMORY}/memory{number}/state", "offline")
        d.settle()
        self.assertEqual((m.states(), m.devices["dax0.0"].driver), ("-" * 8, "kmem"))
        self.assertEqual(d.device()["state"], "removed")


class Surprise(MemmapdTest):
    """A device of kmem's goes, and asks nobody."""

    def go(self, offline, **kw):
        m = self.machine(module=False, devices=[Dax(size=1 * GiB, native=True, **kw)],
                         auto_online="online")
        d = self.daemon(m)
        d.wait_state("dax0.0", "online" if not kw else "refused")
        numbers = m.devices["dax0.0"].numbers
        for i in offline:
            m.write(f"{MEMORY}/memory{numbers[i]}/state", "offline")
        d.settle()
        m.remove("dax0.0")
        # A look in between may have seen it without its driver, and said that first.
        d.wait(lambda: any("The device is gone" in e["MESSAGE"]
                           for e in d.message("GONE") + d.message("ORPHANED")), "the end of it")
        return numbers, d

    def test_in_use(self):
        numbers, d = self.go([2, 7])
        self.assertEqual(d.message("GONE"), [])
        said = d.message("ORPHANED")[-1]
        self.assertIn("The device is gone, and 6 of its blocks are still in use: "
                      f"memory{numbers[0]} to memory{numbers[1]}, "
                      f"memory{numbers[3]} to memory{numbers[6]}.", said["MESSAGE"])
        self.assertEqual(said["PRIORITY"], "3")

    def test_not_in_use(self):
        _, d = self.go(range(8))
        self.assertEqual(d.message("ORPHANED"), [])
        self.assertEqual(len(d.message("GONE")), 1)

    def test_never_taken_in(self):
        """It was kmem's before memmapd came; its memory is lost all the same."""
        _, d = self.go([], driver="kmem")
        self.assertIn("8 of its blocks are still in use", d.message("ORPHANED")[-1]["MESSAGE"])


class Earlier(MemmapdTest):
    def test_taken_over_when_it_is_offline(self):
        m = self.machine(auto_online="online", devices=[Dax(size=1 * GiB, driver="kmem")])
        d = self.daemon(m)
        said = d.wait_state("dax0.0", "refused")
        self.assertIn("kmem holds it and its memory is in use. Once all of it is offline, "
                      "memmapd takes it over.", said["message"])
        for number in reversed(m.devices["dax0.0"].numbers):
            m.write(f"{MEMORY}/memory{number}/state", "offline")
        d.wait_state("dax0.0", "online")
        self.assertEqual(m.devices["dax0.0"].driver, "memmapd_kmem")
        self.assertAllBack(m)


if __name__ == "__main__":
    sys.exit(unittest.main())
