# SPDX-License-Identifier: LGPL-2.1-or-later
"""An operator takes memory out, and brings it back."""
import errno
import struct
import sys
import threading
import time
import unittest

import dbus

from fakemachine import PAGE, Dax, GiB, MiB, policy
from fakemachine.stores import KernelError
from harness import MemmapdTest

KEEP, FORCE = 1, 2
PAGES = 128 * MiB // PAGE
BUDDY, LRU, MMAP, ANON = (1 << n for n in (10, 5, 11, 12))

SETUPS = {
    "ram": dict(ram=2 * GiB),
    "device": dict(ram=768 * MiB, free=150 * MiB, memmap_on_memory=True),
    "seed": dict(ram=768 * MiB, free=150 * MiB),
}


class Remove(MemmapdTest):
    def taken_in(self, placement="ram", **settings):
        """A machine with a device that is online, and its daemon."""
        m = self.machine(devices=[Dax(size=2 * GiB)], **SETUPS[placement])
        d = self.daemon(m, policy(memmap=placement, **settings))
        d.wait_state("dax0.0", "online")
        d.settle()
        return m, d

    def remove(self, d, timeout=0, flags=0):
        return d.call("Remove", "stt", ("dax0.0", timeout, flags))

    def offline(self, d, blocks, timeout=0, flags=0):
        return d.call("Offline", "sattt", ("dax0.0", dbus.Array(blocks, "t"), timeout, flags))

    def online(self, d, blocks=()):
        return d.call("Online", "sat", ("dax0.0", dbus.Array(blocks, "t")))

    def assertRefused(self, name, f, *args, **kw):
        with self.assertRaises(dbus.DBusException) as e:
            f(*args, **kw)
        self.assertEqual(e.exception.get_dbus_name(), f"org.memmapd1.Error.{name}")
        return e.exception.get_dbus_message()

    def assertRemoved(self, m):
        self.assertEqual(set(m.states()), {"."})
        self.assertIsNone(m.devices["dax0.0"].driver)
        self.assertEqual(m.nodes[1].kernel_managed, 0)
        self.assertHealthy(m)

    def test_all_of_it(self):
        for placement in SETUPS:
            with self.subTest(memmap=placement):
                m, d = self.taken_in(placement)
                self.assertTrue(self.remove(d))
                d.wait_state("dax0.0", "removed")
                self.assertRemoved(m)
                self.assertIn("Removed", d.wait_message("REMOVED")["MESSAGE"])
                self.assertEqual(d.message("FOREIGN"), [])
                self.assertEqual(d.message("GONE"), [])

    def test_order(self):
        m, d = self.taken_in()
        log = len(m.log)
        self.remove(d)
        d.wait_state("dax0.0", "removed")
        numbers = m.devices["dax0.0"].numbers
        off = [numbers.index(int(a.split()[1])) for a in m.log[log:] if a.startswith("offline")]
        self.assertEqual(off, [1, *range(15, 1, -1), 0])
        kinds = [a.split()[0] for a in m.log[log:]]
        self.assertEqual(kinds, ["offline"] * 16 + ["unplug"] * 16 + ["unbind"])

    def test_it_stays_out(self):
        m, d = self.taken_in()
        self.remove(d)
        d.wait_state("dax0.0", "removed")
        for end in (d.stop, d.sigkill):
            end()
            log = len(m.log)
            d.start()
            d.wait_state("dax0.0", "removed")
            d.reload()
            d.settle()
            self.assertEqual(m.log[log:], [])
        self.assertFalse(self.online(d))
        d.wait_state("dax0.0", "online")
        self.assertAllOnline(m)
        d.stop()
        d.start()
        d.wait_state("dax0.0", "online")

    def test_apply_takes_it_in(self):
        m, d = self.taken_in()
        self.remove(d)
        d.wait_state("dax0.0", "removed")
        d.call("Apply", "s", ("",))
        d.settle()
        self.assertRemoved(m)
        d.call("Apply", "s", ("dax0.0",))
        d.wait_state("dax0.0", "online")
        self.assertAllOnline(m)

    def test_another_device_of_that_name_is_taken_in(self):
        m, d = self.taken_in()
        self.remove(d)
        d.wait_state("dax0.0", "removed")
        m.remove("dax0.0")
        d.wait(lambda: not d.device(), "it is gone")
        m.add(Dax(size=1 * GiB))
        d.wait_state("dax0.0", "online")

    def test_blocked(self):
        """What blocks it is named, and all comes back."""
        for placement in SETUPS:
            with self.subTest(memmap=placement):
                m, d = self.taken_in(placement)
                before = m.states(), m.devices["dax0.0"].map
                number = m.devices["dax0.0"].numbers[5]
                m.faults.fail_offline(number, errno.EBUSY)
                self.remove(d)
                text = d.wait_message("NOT_REMOVED")["MESSAGE"]
                self.assertIn(f"memory{number} (block 5, node 1, movable zone)", text)
                d.wait_message("BROUGHT_BACK")
                d.wait_state("dax0.0", "online")
                self.assertEqual((m.states(), m.devices["dax0.0"].map), before)
                self.assertGreater(len(m.actions("offline")), 5)
                self.assertHealthy(m)
                d.settle()
                self.assertEqual(d.message("FOREIGN"), [])
                # And when nothing blocks it any more:
                m.faults.failing.clear()
                self.remove(d)
                d.wait_state("dax0.0", "removed")
                self.assertRemoved(m)

    def test_pressure_does_not_keep_it_out(self):
        """It comes of the memory that is missing, and would last as long as that does."""
        m, d = self.taken_in("seed")
        d.set_policy(policy(pressure={"stop": "10%"}))
        d.reload()
        m.tree.put("/proc/pressure/memory",
                   "some avg10=90.00 avg60=0.00 avg300=0.00 total=0\n")
        m.faults.fail_offline(m.devices["dax0.0"].numbers[0], errno.EBUSY)
        self.remove(d)
        d.wait_message("BROUGHT_BACK")
        self.assertGreater(len(m.actions("unplug")), 0)
        self.assertAllBack(m)

    def test_what_comes_back_is_in_the_zones_where_it_was(self):
        m = self.machine(ram=768 * MiB, devices=[Dax(size=4 * GiB)])
        d = self.daemon(m, policy(zone="auto"))
        d.wait_state("dax0.0", "online")
        before = m.states(), m.devices["dax0.0"].map
        self.assertEqual(set(before[0]), {"k", "m"})
        m.faults.fail_offline(m.devices["dax0.0"].numbers[0], errno.EBUSY)
        self.remove(d)
        d.wait_message("BROUGHT_BACK")
        self.assertEqual((m.states(), m.devices["dax0.0"].map), before)

    def test_a_seed_blocks_it(self):
        """When that is known all others are unplugged: they are plugged again."""
        m, d = self.taken_in("seed")
        before = m.states(), m.devices["dax0.0"].map
        m.faults.fail_offline(m.devices["dax0.0"].numbers[0], errno.EBUSY)
        self.remove(d)
        d.wait_message("BROUGHT_BACK")
        self.assertEqual((m.states(), m.devices["dax0.0"].map), before)
        self.assertEqual(len(m.actions("unplug")), 15)
        self.assertHealthy(m)

    def flags(self, m, name, index, values):
        """The pages of a block in /proc/@name: @values, then zeroes or free ones."""
        first = m.devices["dax0.0"].numbers[index] * PAGES
        rest = BUDDY if name == "kpageflags" else 0
        values = values + [rest] * (PAGES - len(values))
        with open(m.tree.path(f"/proc/{name}"), "wb") as f:
            f.seek(first * 8)
            f.write(struct.pack(f"={PAGES}Q", *values))

    def test_what_is_in_the_block(self):
        for flags, counts, text in (
                ([LRU | ANON | MMAP] * 5 + [0] * 3, [1] * 5,
                 ": 8 of its pages are in use, 3 of them by the kernel, which cannot be moved"),
                ([LRU | ANON | MMAP] * 5 + [LRU], [1] * 5,
                 ": 6 of its pages are in use, 5 of them mapped by programs"),
                ([1 << 37] * 512, [], ": none of its pages is in use by now")):
            with self.subTest(text=text):
                m, d = self.taken_in()
                m.faults.fail_offline(m.devices["dax0.0"].numbers[7], errno.EBUSY)
                self.flags(m, "kpageflags", 7, flags)
                self.flags(m, "kpagecount", 7, counts)
                self.remove(d)
                self.assertIn(text, d.wait_message("NOT_REMOVED")["MESSAGE"])
                d.wait_message("BROUGHT_BACK")

    def test_keep(self):
        m, d = self.taken_in()
        m.faults.fail_offline(m.devices["dax0.0"].numbers[5], errno.EBUSY)
        self.remove(d, flags=KEEP)
        d.wait_message("NOT_REMOVED")
        d.wait_state("dax0.0", "degraded")
        off = m.states()
        self.assertEqual(off, "m-mmmm----------")
        d.stop()
        d.start()
        d.wait_state("dax0.0", "degraded")
        d.settle()
        self.assertEqual(m.states(), off)

    def slow_offline(self, m, d, index):
        """The kernel tries for ever to take this block offline, until a signal comes."""
        line = f"offline {m.devices['dax0.0'].numbers[index]}"
        begun = threading.Event()

        def hook(action):
            if action != line:
                return
            begun.set()
            m.faults.hook = None
            worker, end = self.workers(d), time.monotonic() + 20
            while time.monotonic() < end and set(worker) & set(self.workers(d)):
                time.sleep(0.02)
            raise KernelError(errno.EINTR)
        m.faults.hook = hook
        return begun

    @staticmethod
    def workers(d):
        with open(f"/proc/{d.process.pid}/task/{d.process.pid}/children", encoding="ascii") as f:
            return f.read().split()

    def test_deadline(self):
        m, d = self.taken_in()
        self.slow_offline(m, d, 9)
        start = time.monotonic()
        self.remove(d, timeout=1000000)
        text = d.wait_message("NOT_REMOVED")["MESSAGE"]
        self.assertGreater(time.monotonic() - start, 0.9)
        self.assertIn("the time that was given for it is over", text)
        self.assertIn("(block 9, ", text)
        d.wait_message("BROUGHT_BACK")
        d.wait_state("dax0.0", "online")
        self.assertAllOnline(m)

    def test_cancel(self):
        m, d = self.taken_in()
        self.assertRefused("Refused", d.call, "Cancel", "s", ("dax0.0",))
        begun = self.slow_offline(m, d, 9)
        self.remove(d)
        self.assertTrue(begun.wait(10))
        self.assertEqual(d.device()["state"], "leaving")
        self.assertEqual(d.device()["operation"], {"kind": "remove", "back": False, "why": None})
        d.call("Cancel", "s", ("dax0.0",))
        self.assertIn("it was cancelled", d.wait_message("BROUGHT_BACK")["MESSAGE"])
        d.wait_state("dax0.0", "online")
        self.assertIsNone(d.device()["operation"])
        self.assertAllOnline(m)

    def test_busy(self):
        m, d = self.taken_in()
        begun = self.slow_offline(m, d, 9)
        self.remove(d)
        self.assertTrue(begun.wait(10))
        for f in (self.remove, self.online):
            self.assertRefused("Busy", f, d)
        d.call("Cancel", "s", ("dax0.0",))
        d.wait_message("BROUGHT_BACK")

    def test_while_it_is_taken_in(self):
        m = self.machine(devices=[Dax(size=2 * GiB)])
        m.faults.delay = 0.1
        d = self.daemon(m)
        d.wait(lambda: "m" in m.states(), "something is online")
        self.assertIn("memmapctl hold", self.assertRefused("Busy", self.remove, d))
        m.faults.delay = 0
        d.wait_state("dax0.0", "online")

    def test_it_would_not_fit(self):
        m, d = self.taken_in()
        with m.lock:                    # 3.5 GiB of 4 in use
            for zone in m.nodes[1].zones:
                for block in zone.blocks:
                    block.stray = PAGES
                    zone.hot_free -= PAGES
            m.refresh()
        m.take_ram(1500 * MiB)
        text = self.assertRefused("NoMemory", self.remove, d)
        self.assertRegex(text, "loses 2048 MiB of memory .* only [0-9]+ MiB are available")
        self.assertAllOnline(m)
        self.assertEqual(m.actions("offline"), [])
        with m.lock:
            for zone in m.nodes[1].zones:
                for block in zone.blocks:
                    block.stray = 0
                    zone.hot_free += PAGES
            m.refresh()
        self.remove(d, flags=FORCE)
        d.wait_state("dax0.0", "removed")

    def test_memory_runs_short_meanwhile(self):
        m, d = self.taken_in()
        lines = 0

        def hook(_):
            nonlocal lines
            lines += 1
            if lines == 6:
                m.tree.put("/proc/meminfo", "MemAvailable:      1024 kB\n")
                m.node_files.shown.pop("/proc/meminfo")
                m.faults.hook = None
                refresh, m.node_files.refresh = m.node_files.refresh, lambda: None

                def later():
                    time.sleep(1)
                    m.node_files.refresh = refresh
                threading.Thread(target=later).start()
        m.faults.hook = hook
        self.remove(d)
        self.assertIn("only 1 MiB of memory are available by now",
                      d.wait_message("NOT_REMOVED")["MESSAGE"])
        d.wait_message("BROUGHT_BACK")
        self.assertAllOnline(m)
        self.assertLess(len(m.actions("offline")), 8)

    def test_some_blocks(self):
        m, d = self.taken_in()
        self.assertTrue(self.offline(d, [3, 4, 5]))
        d.wait(lambda: m.states() == "mmm---mmmmmmmmmm", "they are offline")
        d.wait_state("dax0.0", "degraded")
        d.stop()
        d.start()
        d.wait_state("dax0.0", "degraded")
        d.settle()
        self.assertEqual(m.states(), "mmm---mmmmmmmmmm")
        self.assertTrue(self.online(d, [4]))
        d.wait(lambda: m.states() == "mmm-m-mmmmmmmmmm", "one is online")
        d.wait_state("dax0.0", "degraded")
        self.assertTrue(self.online(d))
        d.wait_state("dax0.0", "online")
        self.assertAllOnline(m)
        d.settle()
        self.assertEqual(d.message("FOREIGN"), [])

    def test_all_blocks_offline(self):
        m, d = self.taken_in("seed")
        self.assertIn("it may hold the memmaps", self.assertRefused("Refused", self.offline, d, [0]))
        self.assertRefused("NoBlock", self.offline, d, [16])
        self.offline(d, [])
        d.wait_state("dax0.0", "degraded")
        self.assertEqual(m.states(), "k" + "-" * 15)
        self.online(d)
        d.wait_state("dax0.0", "online")
        self.assertEqual(m.states(), "k" + "m" * 15)

    def test_online_of_what_is_not_there(self):
        m, d = self.taken_in()
        m.write("/sys/bus/dax/devices/dax0.0/memmapd/unplug", "3")
        d.wait_state("dax0.0", "degraded")
        self.assertIn("memmapctl apply", self.assertRefused("Refused", self.online, d, [3]))
        d.call("Apply", "s", ("dax0.0",))
        d.wait_state("dax0.0", "online")
        self.assertAllOnline(m)

    def test_online_fails(self):
        m, d = self.taken_in()
        self.offline(d, [3, 4])
        d.wait(lambda: m.states().count("-") == 2, "they are offline")
        d.wait_state("dax0.0", "degraded")
        m.faults.fail_online(m.devices["dax0.0"].numbers[3], errno.EIO)
        self.online(d, [3, 4])
        self.assertIn("1 blocks could not be brought online",
                      d.wait_message("NOT_BACK")["MESSAGE"])
        self.assertEqual(m.states()[4], "m")
        d.wait_state("dax0.0", "degraded")

    def test_hold(self):
        m = self.machine()
        d = self.daemon(m, policy(action="ignore"))
        m.add(Dax(size=1 * GiB))
        d.wait_state("dax0.0", "ignored")
        d.call("Hold", "s", ("dax0.0",))
        d.wait_state("dax0.0", "held")
        d.set_policy(policy())
        d.reload()
        d.settle()
        d.stop()
        d.start()
        d.wait_state("dax0.0", "held")
        self.assertTrue(d.device()["held"])
        self.assertEqual(m.actions("bind", "plug", "online"), [])
        self.assertRefused("Refused", d.call, "Apply", "s", ("dax0.0",))
        d.call("Release", "s", ("dax0.0",))
        d.wait_state("dax0.0", "online")
        self.assertFalse(d.device()["held"])

    def test_hold_while_it_is_taken_in(self):
        m = self.machine(devices=[Dax(size=4 * GiB)])
        m.faults.delay = 0.05
        d = self.daemon(m)
        d.wait(lambda: "m" in m.states(), "something is online")
        d.call("Hold", "s", ("dax0.0",))
        d.wait_state("dax0.0", "held")
        m.faults.delay = 0
        d.settle()
        self.assertIn(".", m.states())
        # An operator's orders are no policy's.
        self.remove(d)
        d.wait_state("dax0.0", "removed")
        d.call("Release", "s", ("dax0.0",))
        d.settle()
        self.assertRemoved(m)

    def test_unknown(self):
        m, d = self.taken_in()
        for method, signature, args in (("Remove", "stt", (0, 0)), ("Hold", "s", ()),
                                        ("Apply", "s", ()), ("Cancel", "s", ())):
            self.assertRefused("NoDevice", d.call, method, signature, ("dax9.9", *args))
        with self.assertRaises(dbus.DBusException):
            self.remove(d, flags=64)
        self.assertAllOnline(m)

    def test_dry_run(self):
        m = self.machine(devices=[Dax(size=1 * GiB)])
        d = self.daemon(m, policy(), "--dry-run")
        d.wait_state("dax0.0", "planned")
        self.assertRefused("Refused", self.remove, d)
        self.assertRefused("Refused", d.call, "Hold", "s", ("dax0.0",))

    def test_not_taken_in(self):
        m = self.machine(devices=[Dax(size=1 * GiB)])
        d = self.daemon(m, policy(action="ignore"))
        d.wait_state("dax0.0", "ignored")
        self.assertRefused("Refused", self.remove, d)

    def test_the_device_goes_meanwhile(self):
        m, d = self.taken_in()
        begun = self.slow_offline(m, d, 9)
        self.remove(d)
        self.assertTrue(begun.wait(10))
        d.call("Cancel", "s", ("dax0.0",))
        m.remove("dax0.0")
        d.wait(lambda: not d.device(), "it is gone")
        self.assertEqual(d.describe()["devices"], [])


class Kmem(MemmapdTest):
    """The kernel's own driver gives a device back as a whole."""

    def taken_in(self, native):
        m = self.machine(module=False, devices=[Dax(size=2 * GiB, native=native)])
        m.write("/sys/bus/dax/drivers_autoprobe", "0")
        d = self.daemon(m)
        d.wait_state("dax0.0", "online")
        return m, d

    def test_all_of_it(self):
        for native in (False, True):
            with self.subTest(native=native):
                m, d = self.taken_in(native)
                d.call("Remove", "stt", ("dax0.0", 0, 0))
                d.wait_state("dax0.0", "removed")
                self.assertEqual(set(m.states()), {"."})
                self.assertIsNone(m.devices["dax0.0"].driver)
                d.stop()
                d.start()
                d.wait_state("dax0.0", "removed")
                d.settle()
                self.assertIsNone(m.devices["dax0.0"].driver)
                d.call("Online", "sat", ("dax0.0", dbus.Array([], "t")))
                d.wait_state("dax0.0", "online")
                self.assertAllOnline(m)

    def test_blocked(self):
        m, d = self.taken_in(True)
        number = m.devices["dax0.0"].numbers[5]
        m.faults.fail_offline(number, errno.EBUSY)
        d.call("Remove", "stt", ("dax0.0", 0, 0))
        self.assertIn(f"memory{number} (block 5", d.wait_message("NOT_REMOVED")["MESSAGE"])
        d.wait_message("BROUGHT_BACK")
        d.wait_state("dax0.0", "online")
        self.assertAllOnline(m)
        self.assertEqual(m.devices["dax0.0"].driver, "kmem")

    def test_newer_kernels_are_told_before(self):
        m, d = self.taken_in(True)
        m.tree.line(f"{m.devices['dax0.0'].syspath}/state", "online_movable", 0o644)
        d.call("Remove", "stt", ("dax0.0", 0, 0))
        # The fake one does not know that file: it is an error, and all comes back.
        self.assertIn("cannot be unbound", d.wait_message("NOT_REMOVED")["MESSAGE"])
        d.wait_message("BROUGHT_BACK")
        self.assertAllOnline(m)


if __name__ == "__main__":
    sys.exit(unittest.main())
