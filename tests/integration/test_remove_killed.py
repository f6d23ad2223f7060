# SPDX-License-Identifier: LGPL-2.1-or-later
"""memmapctl remove, with a memmapd that is killed meanwhile."""
import contextlib
import errno
import sys
import time
import unittest

import dbus

from fakemachine import Daemon, Dax, FakeMachine, GiB, MiB, policy
from harness import MemmapdTest, kill_after

SETUPS = {
    "ram": dict(ram=2 * GiB),
    "device": dict(ram=768 * MiB, free=150 * MiB, memmap_on_memory=True),
    "seed": dict(ram=768 * MiB, free=150 * MiB),
}


class Killed(MemmapdTest):
    """Killed at any moment and started again, it goes on to the same end."""

    def kill_at(self, m, d, actions):
        killed = kill_after(m, d, actions)
        with contextlib.suppress(dbus.DBusException):
            d.call("Remove", "stt", ("dax0.0", 0, 0))
        return killed.wait(20)

    def run_killed(self, placement, prepare, check, points, **kw):
        for point in points:
            with self.subTest(memmap=placement, killed_at=point), \
                    FakeMachine(devices=[Dax(size=1 * GiB)], **SETUPS[placement], **kw) as m, \
                    Daemon(m, policy(memmap=placement)) as d:
                d.wait_state("dax0.0", "online")
                prepare(m)
                self.assertTrue(self.kill_at(m, d, point))
                d.sigkill()
                d.start()
                check(m, d)

    def test_everywhere(self):
        def check(m, d):
            d.wait_state("dax0.0", "removed")
            self.assertEqual(set(m.states()), {"."})
            self.assertIsNone(m.devices["dax0.0"].driver)

        for placement in ("ram", "seed"):
            self.run_killed(placement, lambda m: None, check, range(1, 9, 2))

    def test_on_the_way_back(self):
        before = None

        def prepare(m):
            nonlocal before
            before = m.states(), m.devices["dax0.0"].map
            m.faults.fail_offline(m.devices["dax0.0"].numbers[0], errno.EBUSY)

        def check(m, d):
            d.wait_state("dax0.0", "online")
            d.wait_message("BROUGHT_BACK")
            self.assertEqual((m.states(), m.devices["dax0.0"].map), before)

        self.run_killed("ram", prepare, check, (12, 14, 18))
        self.run_killed("seed", prepare, check, (12, 15, 20, 24))

    def put_block(self, m, block, state, zones):
        """What the kernel says of it, without anything having happened."""
        path = f"/sys/devices/system/memory/memory{m.devices['dax0.0'].numbers[block]}"
        m.tree.line(f"{path}/valid_zones", zones)
        m.tree.line(f"{path}/state", state, 0o644)

    def test_the_last_worker_is_still_in_the_kernel(self):
        """Its block is neither online nor offline, for a while or for good."""
        for stays in (False, True):
            with self.subTest(stays=stays):
                m = FakeMachine(devices=[Dax(size=1 * GiB)])
                with m, Daemon(m, policy()) as d:
                    d.wait_state("dax0.0", "online")
                    self.kill_at(m, d, 2)
                    d.sigkill()
                    self.put_block(m, 4, "going-offline", "Movable Normal")
                    d.start_unwaited()
                    if stays:
                        self.assertIn("(block 4) cannot be taken offline: somebody else",
                                      d.wait_message("NOT_REMOVED")["MESSAGE"])
                        self.put_block(m, 4, "online", "Movable")
                        d.wait_state("dax0.0", "online")
                    else:
                        time.sleep(2)
                        self.put_block(m, 4, "online", "Movable")
                        d.wait_state("dax0.0", "removed")

    def test_the_time_goes_on(self):
        m = FakeMachine(devices=[Dax(size=1 * GiB)])
        with m, Daemon(m, policy()) as d:
            d.wait_state("dax0.0", "online")
            m.faults.delay = 0.2
            d.call("Remove", "stt", ("dax0.0", 1000000, 0))
            time.sleep(0.5)
            d.sigkill()
            time.sleep(0.7)
            m.faults.delay = 0
            d.start()
            self.assertIn("the time that was given for it is over",
                          d.wait_message("BROUGHT_BACK")["MESSAGE"])
            d.wait_state("dax0.0", "online")
            self.assertAllOnline(m)


if __name__ == "__main__":
    sys.exit(unittest.main())
