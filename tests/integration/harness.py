# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of memmapd have in common."""
import contextlib
import os
import signal
import threading
import unittest

from fakemachine import Daemon, FakeMachine, built

PARAMETER = "memory_hotplug.memmap_on_memory=1"
BAD_POLICY = '{\n  "version": 1,\n  "defaults": { "memmapp": "ram" }\n}\n'


def rule(name="rule", match=None, **settings):
    return {"name": name, "match": match or {}, **settings}


def kill_after(machine, daemon, actions, group=True):
    """Kills memmapd, with its workers if it is to be the group, once so many actions have
    begun, and before the kernel's part of the last.  What is returned is set then."""
    killed = threading.Event()

    def hook(_):
        nonlocal actions
        actions -= 1
        if actions == 0:
            machine.faults.hook = None
            with contextlib.suppress(ProcessLookupError):
                (os.killpg if group else os.kill)(daemon.process.pid, signal.SIGKILL)
            killed.set()
    machine.faults.hook = hook
    return killed


class MemmapdTest(unittest.TestCase):
    maxDiff = 4000

    def setUp(self):
        if not os.access(built("MEMMAPD", "daemon/memmapd"), os.X_OK):
            self.skipTest("memmapd is not built")

    def machine(self, *args, **kw):
        m = FakeMachine(*args, **kw)
        self.addCleanup(m.close)
        return m

    def daemon(self, machine, policy=None, *options, **kw):
        d = Daemon(machine, policy, *options, **kw)
        d.__enter__()
        self.addCleanup(d.close)
        return d

    def taken(self, machine, policy=None, state="online", name="dax0.0"):
        """Run until the device has come to @state.  Returns its description."""
        d = self.daemon(machine, policy)
        return d.wait_state(name, state)

    def held(self, machine, beginning):
        """The kernel is at the first thing of its log that begins so, until the second event
        is set; the first one is when it has come there."""
        begun, go_on = threading.Event(), threading.Event()

        def hook(line):
            if line.startswith(beginning):
                machine.faults.hook = None
                begun.set()
                go_on.wait(20)
        machine.faults.hook = hook
        self.addCleanup(go_on.set)
        return begun, go_on

    def assertHealthy(self, machine, reserve=0):
        """Memory never ran out, nor did what was to be left of it."""
        self.assertEqual(machine.oom, [])
        self.assertGreaterEqual(machine.nodes[0].lowest, reserve)
        self.assertEqual([line for line in machine.log
                          if line.startswith(("unexpected", "broken", "boot block", "config"))], [])

    def assertAllBack(self, machine, name="dax0.0"):
        """Every block is online, in whatever zone."""
        self.assertRegex(machine.states(name), "^[km]*$")

    def assertAllOnline(self, machine, zone="m", name="dax0.0"):
        self.assertEqual(machine.states(name), zone * len(machine.devices[name].numbers))

    def codes(self, device):
        return [r["code"] for r in device["reasons"]]
