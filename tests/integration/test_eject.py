# SPDX-License-Identifier: LGPL-2.1-or-later
"""An operator has a CXL region or an expander removed, and puts it back."""
import errno
import os
import threading
import unittest

import dbus

from fakemachine import Cxl, Dax, Expander, GiB, policy
from fakemachine.stores import KernelError
from harness import MemmapdTest

CREATE = {"create_region": True}


class Eject(MemmapdTest):
    def taken_in(self, *expanders, **settings):
        """A machine with a region whose device is online, and its daemon."""
        m = self.machine(ram=4 * GiB)
        m.cxl = Cxl(m)
        for e in expanders or [Expander(0)]:
            m.cxl.plug(e)
        d = self.daemon(m, policy(**{**CREATE, **settings}))
        d.wait_state("dax0.0", "online")
        d.settle()
        return m, d

    def remove(self, d, name, timeout=0, flags=0):
        return d.call("Remove", "stt", (name, timeout, flags))

    def assertRefused(self, name, part, f, *args):
        with self.assertRaises(dbus.DBusException) as e:
            f(*args)
        self.assertEqual(e.exception.get_dbus_name(), f"org.memmapd1.Error.{name}")
        self.assertIn(part, e.exception.get_dbus_message())

    def assertOut(self, m, *names):
        self.assertEqual((m.cxl.regions, m.devices), ({}, {}))
        for e in m.cxl.expanders.values():
            self.assertEqual((e.name, e.enabled, e.dpa), (e.name, e.name not in names, 0))
        self.assertEqual(m.nodes[1].kernel_managed, 0)
        self.assertEqual(self.left(m), [])

    def assertIn_(self, m, d, device="dax0.0"):
        """All is as it was before."""
        d.wait_state(device, "online")
        d.settle()
        self.assertAllBack(m, device)
        self.assertTrue(all(r.enabled and r.commit for r in m.cxl.regions.values()))
        self.assertTrue(all(e.enabled for e in m.cxl.expanders.values()))
        self.assertEqual(self.left(m), [])
        self.assertHealthy(m)

    def left(self, m):
        return [n for n in os.listdir(m.root + "/run/memmapd") if n.startswith(("eject", "region"))]

    def ejected(self, d, n=1):
        return d.wait_message("EJECTED", n)["MESSAGE"]

    def test_region(self):
        m, d = self.taken_in()
        self.assertTrue(self.remove(d, "region0"))
        self.assertEqual(self.ejected(d), "region0: Removed: region0 is destroyed; mem0 is disabled. "
                         "The card can be pulled.")
        d.settle()
        self.assertOut(m, "mem0")
        self.assertHealthy(m)

    def test_expander_by_memmapctl(self):
        m, d = self.taken_in()
        done = d.ctl("remove", "mem0", check=0)
        *steps, last = done.stdout.splitlines()
        self.assertRegex(steps[-1], r"^mem0: leaving, \d+ of 17 steps$")
        self.assertEqual(last, "mem0: Removed: region0 is destroyed; mem0 is disabled. The "
                         "card can be pulled.")
        self.assertEqual(d.describe()["devices"], [])
        self.assertOut(m, "mem0")

    def test_shown(self):
        """While it is under way."""
        m, d = self.taken_in()
        begun, go_on = self.held(m, "offline")
        self.assertEqual(d.describe()["orders"], [])
        self.remove(d, "mem0")
        self.assertTrue(begun.wait(20))
        self.assertEqual(d.describe()["orders"], [
            {"name": "mem0", "kind": "remove", "stage": "leaving", "devices": ["dax0.0"],
             "regions": ["region0"], "memdevs": ["mem0"], "why": None}])
        self.assertRegex(d.ctl("status", check=0).stdout,
                         r"(?m)^mem0: being removed; memory is being taken out of dax0\.0\.$")
        go_on.set()
        self.ejected(d)
        d.settle()
        self.assertEqual(d.describe()["orders"], [])
        self.assertNotIn("mem0", d.ctl("status", check=0).stdout)

    def test_stays_removed(self):
        for verb in ("apply", "online"):
            with self.subTest(verb=verb):
                m, d = self.taken_in()
                d.ctl("remove", "mem0", check=0)
                d.reload()
                d.stop()
                d.start()
                d.settle()
                m.cxl.store_driver("cxl_mem", "bind", "mem0")
                d.settle()
                self.assertEqual(m.cxl.regions, {})
                m.cxl.store_driver("cxl_mem", "unbind", "mem0")
                d.ctl(verb, "mem0", check=0)
                d.wait_state("dax1.0", "online")
                self.assertIn_(m, d, "dax1.0")

    def test_comes_anew(self):
        m, d = self.taken_in()
        d.ctl("remove", "region0", check=0)
        m.cxl.pull("mem0")
        d.settle()
        m.cxl.plug(Expander(0, 2 * GiB))
        d.wait_state("dax1.0", "online")
        self.assertEqual(m.cxl.regions["region1"].size, 2 * GiB)

    def test_interleaved(self):
        m, d = self.taken_in(Expander(0), Expander(1), create_region={"ways": 2})
        self.remove(d, "mem1")
        self.assertEqual(self.ejected(d), "mem1: Removed: region0 is destroyed; mem1 is disabled. The "
                         "card can be pulled. region0 was interleaved with mem0, and went as a "
                         "whole; what it had there is free.")
        d.settle()
        self.assertOut(m, "mem1")

    def test_interleaved_region(self):
        m, d = self.taken_in(Expander(0), Expander(1), create_region={"ways": 2})
        self.remove(d, "region0")
        self.assertIn("The cards can be pulled.", self.ejected(d))
        self.assertOut(m, "mem0", "mem1")

    def test_other_expanders_are_let_be(self):
        m, d = self.taken_in(Expander(0), Expander(1))
        d.wait_state("dax1.0", "online")
        self.remove(d, "mem0")
        self.ejected(d)
        d.settle()
        self.assertEqual(list(m.cxl.regions), ["region1"])
        self.assertAllOnline(m, name="dax1.0")
        self.assertTrue(m.cxl.expanders["mem1"].enabled)

    def test_nothing_on_it(self):
        m = self.machine(ram=2 * GiB)
        m.cxl = Cxl(m)
        m.cxl.plug(Expander(0))
        d = self.daemon(m, policy())
        self.remove(d, "mem0")
        self.assertIn("Removed: mem0 is disabled.", self.ejected(d))
        self.assertRefused("Refused", "is disabled already", self.remove, d, "mem0")

    def test_blocked(self):
        m, d = self.taken_in()
        m.faults.fail_offline(m.devices["dax0.0"].numbers[4], errno.EBUSY)
        done = d.ctl("remove", "mem0")
        self.assertEqual(done.returncode, 5, done.stderr)
        self.assertIn("dax0.0: It could not be removed", done.stderr)
        self.assertIn("Regions and expanders are as they were.", done.stderr)
        self.assertIn("mem0", d.wait_message("NOT_EJECTED")["MESSAGE"])
        self.assertIn_(m, d)

    def test_blocked_one_of_two(self):
        m, d = self.taken_in()
        m.add(Dax("dax0.1", "cxl", 1 * GiB))
        d.wait_state("dax0.1", "online")
        m.faults.fail_offline(m.devices["dax0.1"].numbers[4], errno.EBUSY)
        self.remove(d, "region0")
        said = d.wait_message("NOT_EJECTED")["MESSAGE"]
        self.assertIn("dax0.1: It could not be removed", said)
        self.assertIn_(m, d)
        self.assertIn_(m, d, "dax0.1")

    def test_region_stays(self):
        """Drained, but it cannot be disabled: its memory is taken in again."""
        for step in ("unbind", "commit"):
            with self.subTest(step=step):
                m, d = self.taken_in()
                m.faults.failing["cxl", step] = [errno.EIO, 1]
                self.remove(d, "region0")
                said = d.wait_message("NOT_EJECTED")["MESSAGE"]
                self.assertIn("Not done: region0", said)
                self.assertIn_(m, d)

    def test_expander_stays(self):
        m, d = self.taken_in()
        m.faults.hook = lambda line: m.faults.failing.update(
            {("cxl", "unbind"): [errno.EIO, 1]}) if line == "delete region0" else None
        done = d.ctl("remove", "mem0")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("Done: region0 is destroyed. Not done: mem0 cannot be disabled", done.stderr)
        # Nothing is lost: it is made again.
        self.assertIn_(m, d, "dax1.0")

    def test_refused(self):
        m, d = self.taken_in(Expander(0), Expander(1, 0, pmem=1 * GiB))
        self.assertRefused("NoDevice", "region7", self.remove, d, "region7")
        self.assertRefused("NoDevice", "mem7", self.remove, d, "mem7")
        m.tree.line("/sys/bus/cxl/devices/region0/mode", "pmem")
        self.assertRefused("Refused", "not of volatile memory", self.remove, d, "region0")
        self.assertRefused("Refused", "not of volatile memory", self.remove, d, "mem0")
        m.tree.line("/sys/bus/cxl/devices/region0/mode", "ram")
        self.assertRefused("Refused", "only be removed as a whole", d.call, "Offline", "sattt",
                           ("mem0", dbus.Array([1], "t"), 0, 0))
        self.assertRefused("NoDevice", "mem7", d.call, "Apply", "s", ("mem7",))
        m.cxl.expanders["mem1"].dpa = 1 * GiB
        m.cxl._show_decoder(m.cxl.expanders["mem1"])
        self.assertRefused("Refused", "in no region", self.remove, d, "mem1")
        self.assertIn_(m, d)

    def test_locked(self):
        m, d = self.taken_in()
        m.cxl.expanders["mem0"].locked = 1
        m.cxl._show_decoder(m.cxl.expanders["mem0"])
        log = len(m.log)
        for name in ("mem0", "region0"):
            self.assertRefused("Refused", "region0 stays until the next boot", self.remove, d, name)
        self.assertEqual(m.log[log:], [])

    def test_in_use_again(self):
        """Somebody was faster than the disabling of the region."""
        m, d = self.taken_in()
        m.open_node("dax0.0")
        self.remove(d, "region0")
        self.assertIn("region0 is in use again", d.wait_message("NOT_EJECTED")["MESSAGE"])
        m.close_node()
        d.call("Apply", "s", ("dax0.0",))
        self.assertIn_(m, d)

    def test_busy_and_cancel(self):
        m, d = self.taken_in()
        begun, go_on = threading.Event(), threading.Event()
        number = m.devices["dax0.0"].numbers[4]

        def hook(line):
            if line == f"offline {number}" and not begun.is_set():
                begun.set()
                go_on.wait(5)
                raise KernelError(errno.EINTR)  # as it is killed
        m.faults.hook = hook
        self.remove(d, "mem0")
        self.assertTrue(begun.wait(10))
        self.assertRefused("Busy", "mem0 is being removed", self.remove, d, "region0")
        self.assertRefused("Busy", "mem0 is being removed", d.call, "Apply", "s", ("mem0",))
        self.assertRefused("Refused", "nothing to cancel", d.call, "Cancel", "s", ("region0",))
        d.call("Cancel", "s", ("mem0",))
        go_on.set()
        self.assertIn("It was cancelled.", d.wait_message("NOT_EJECTED")["MESSAGE"])
        self.assertIn_(m, d)

    def test_killed(self):
        """At each step: another daemon goes on with it."""
        for step in ("offline", "unplug", "unbind dax0.0", "cxl unbind region0", "cxl commit",
                     "cxl target0", "cxl dpa_size", "cxl delete", "cxl unbind mem0"):
            with self.subTest(step=step):
                self.kill_at(step)

    def kill_at(self, step):
        m, d = self.taken_in()
        record, killed = m.record, []

        def kill(line):
            record(line)
            if line.startswith(step) and not killed:
                killed.append(line)
                d.sigkill()
        m.record = kill
        self.remove(d, "mem0")
        d.wait(lambda: not d.running, "it is killed", alive=False)
        self.assertEqual(len(killed), 1)
        d.start()
        self.assertIn("Removed", self.ejected(d))
        d.settle()
        self.assertOut(m, "mem0")


if __name__ == "__main__":
    unittest.main()
