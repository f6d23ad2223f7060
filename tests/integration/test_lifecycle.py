# SPDX-License-Identifier: LGPL-2.1-or-later
"""Devices, other people and the daemon itself come and go."""
import os
import signal
import sys
import time
import unittest

from fakemachine import PAGE, Daemon, Dax, FakeMachine, GiB, MiB, policy
from harness import MemmapdTest, kill_after


class Crash(MemmapdTest):
    """Killed at any moment and started again, it ends in the same state."""

    SETUPS = {
        "ram": dict(ram=2 * GiB),
        "device": dict(ram=768 * MiB, free=150 * MiB, memmap_on_memory=True),
        "seed": dict(ram=768 * MiB, free=150 * MiB),
        "mixed": dict(ram=768 * MiB, free=28 * MiB),
    }
    POLICIES = {"ram": policy(), **{name: policy(memmap=name)
                                    for name in ("device", "seed", "mixed")}}

    def setup_machine(self, name):
        return FakeMachine(devices=[Dax(size=2 * GiB)], **self.SETUPS[name])

    def end_state(self, m):
        """How many of each kind, and the whole of it where it is determined."""
        return sorted(zip(m.devices["dax0.0"].map, m.states()))

    def kill_at(self, m, d, actions, group):
        killed = kill_after(m, d, actions, group)
        d.start_unwaited()
        return killed.wait(10)

    def run_killed(self, name, points, group, check=None):
        """@check: compares the end state with that of an undisturbed run."""
        with self.setup_machine(name) as m, Daemon(m, self.POLICIES[name]) as d:
            d.wait_state("dax0.0", "online")
            expected, total = self.end_state(m), len(m.actions("bind", "plug", "online"))
        for point in points(total):
            with self.subTest(memmap=name, killed_at=point, group=group), \
                    self.setup_machine(name) as m, \
                    Daemon(m, self.POLICIES[name], start=False) as d:
                self.assertTrue(self.kill_at(m, d, point, group))
                d.sigkill()
                d.start()
                d.wait_state("dax0.0", "online")
                (check or self.assertEqual)(self.end_state(m), expected)
                self.assertHealthy(m)

    def test_everywhere(self):
        for name in ("ram", "device", "seed"):
            self.run_killed(name, lambda total: range(1, total + 1, 3), True)

    def assertSimilar(self, state, expected):
        """RAM carries as much as before, or one memmap less."""
        in_ram, before = (sum(place == "r" for place, _ in s) for s in (state, expected))
        self.assertIn(in_ram, (before - 1, before))
        self.assertEqual(len(state), len(expected))
        self.assertLessEqual({online for _, online in state}, {"k", "m"})

    def test_everywhere_in_mixed(self):
        self.run_killed("mixed", lambda total: range(1, total + 1, 3), True, self.assertSimilar)

    def test_the_daemon_alone(self):
        self.run_killed("seed", lambda total: range(2, total, 7), False)

    def test_again_and_again(self):
        with self.setup_machine("seed") as m, \
                Daemon(m, self.POLICIES["seed"], start=False) as d:
            for _ in range(40):
                if not self.kill_at(m, d, 3, True):
                    break
                d.sigkill()
                if m.states().count(".") + m.states().count("-") == 0:
                    break
            m.faults.hook = None
            if not d.running:
                d.start()
            d.wait_state("dax0.0", "online")
            self.assertHealthy(m)
            self.assertEqual(m.devices["dax0.0"].map.count("r"), 1)

    def test_stop_leaves_what_is_online(self):
        m = self.machine(devices=[Dax(size=8 * GiB)])
        m.faults.delay = 0.01
        d = self.daemon(m)
        d.wait(lambda: "m" in m.states(), "something is online")
        self.assertEqual(d.stop(), 0)
        time.sleep(0.2)
        log = len(m.log)
        online = m.states().count("m")
        time.sleep(0.2)
        self.assertEqual(len(m.log), log)
        self.assertEqual(m.states().count("m"), online)
        self.assertGreater(online, 0)
        m.faults.delay = 0
        d.start()
        d.wait_state("dax0.0", "online")

    def test_worker_killed(self):
        m = self.machine(devices=[Dax(size=8 * GiB)])
        m.faults.delay = 0.01
        d = self.daemon(m)
        d.wait(lambda: "m" in m.states(), "something is online")
        with open(f"/proc/{d.process.pid}/task/{d.process.pid}/children") as f:
            os.kill(int(f.read().split()[0]), signal.SIGKILL)
        d.wait_state("dax0.0", "online")
        self.assertTrue(d.message("WORKER_LOST"))
        self.assertAllOnline(m)

    def test_settled_device_is_not_touched_by_a_restart(self):
        m = self.machine(devices=[Dax(size=2 * GiB)])
        d = self.daemon(m)
        d.wait_state("dax0.0", "online")
        log = len(m.log)
        d.stop()
        d.start()
        device = d.wait_state("dax0.0", "online")
        self.assertIn("fits", self.codes(device))       # the why is kept
        self.assertEqual(len(m.log), log)


class Others(MemmapdTest):
    """Somebody else works on the same memory."""

    def test_taken_offline_by_hand_stays(self):
        m = self.machine(devices=[Dax(size=2 * GiB)])
        d = self.daemon(m)
        d.wait_state("dax0.0", "online")
        number = m.devices["dax0.0"].numbers[7]
        m.write(f"/sys/devices/system/memory/memory{number}/state", "offline")
        d.wait(lambda: d.device()["blocks"]["online"] == 15, "it is noticed")
        m.write("/sys/bus/dax/devices/dax0.0/memmapd/unplug", "9")
        d.wait(lambda: d.device()["blocks"]["plugged"] == 15, "it is noticed")
        d.settle()
        self.assertEqual(m.states(), "mmmmmmm-m.mmmmmm")
        self.assertTrue(d.message("FOREIGN"))
        d.stop()
        d.start()
        d.settle()
        self.assertEqual(d.device()["blocks"]["online"], 14)
        self.assertEqual(m.states(), "mmmmmmm-m.mmmmmm")
        d.reload()
        d.settle()
        self.assertEqual(m.states(), "mmmmmmm-m.mmmmmm")

    def test_race_lost(self):
        m = self.machine(devices=[Dax(size=2 * GiB)])
        number = m.devices["dax0.0"].numbers[5]

        def hook(line):
            if line == f"online {number} movable":
                m.faults.hook = None
                m.write(f"/sys/devices/system/memory/memory{number}/state", "online_movable")
        m.faults.hook = hook
        d = self.taken(m)
        self.assertEqual(d["blocks"]["failed"], 0)
        self.assertAllOnline(m)

    def test_race_lost_to_another_zone(self):
        m = self.machine(devices=[Dax(size=2 * GiB)])
        number = m.devices["dax0.0"].numbers[5]

        def hook(line):
            if line == f"online {number} movable":
                m.faults.hook = None
                m.write(f"/sys/devices/system/memory/memory{number}/state", "online_kernel")
        m.faults.hook = hook
        self.taken(m)
        self.assertEqual(m.states(), "mmmmmkmmmmmmmmmm")

    def test_unbound_by_hand(self):
        m = self.machine(devices=[Dax(size=2 * GiB)])
        d = self.daemon(m)
        d.wait_state("dax0.0", "online")
        m.write("/sys/bus/dax/drivers/memmapd_kmem/unbind", "dax0.0")
        d.settle()
        self.assertTrue(d.running)
        self.assertIsNone(m.devices["dax0.0"].driver)


class Hotplug(MemmapdTest):
    def test_device_appears(self):
        m = self.machine()
        d = self.daemon(m)
        self.assertEqual(d.describe()["devices"], [])
        m.add(Dax(size=2 * GiB, backing="cxl"))
        d.wait_state("dax0.0", "online")
        self.assertAllOnline(m)

    def test_device_goes_and_another_comes(self):
        m = self.machine(devices=[Dax(size=1 * GiB, start=8 * GiB)])
        d = self.daemon(m)
        d.wait_state("dax0.0", "online")
        m.write("/sys/bus/dax/devices/dax0.0/memmapd/unplug", "7-0")
        d.wait(lambda: d.device()["blocks"]["plugged"] == 0, "all is unplugged")
        d.settle()
        self.assertEqual(m.states(), "........")
        m.remove("dax0.0")
        d.wait(lambda: d.device() is None, "it is gone")
        d.wait_message("GONE")
        self.assertEqual(len(d.message("GONE")), 1)
        self.assertEqual(d.message("ORPHANED"), [])
        m.add(Dax(size=1 * GiB, start=8 * GiB))
        d.wait_state("dax0.0", "online")
        self.assertAllOnline(m)

    def two(self, how, settings, **kw):
        """Two devices of 128 MiB of memmap each, on a machine that can carry one."""
        m = self.machine(ram=768 * MiB, free=220 * MiB, **kw)
        m.faults.delay = 0.002
        devices = [Dax("dax0.0", size=8 * GiB), Dax("dax1.0", size=8 * GiB, target_node=2)]
        if how == "cold":
            for x in devices:
                m.add(x, event=False)
            d = self.daemon(m, policy(ram_reserve="1%", **settings))
        else:
            d = self.daemon(m, policy(ram_reserve="1%", **settings))
            for x in devices:
                m.add(x)
        done = "online", "refused", "degraded"
        d.wait(lambda: all((d.device(x.name) or {}).get("state") in done for x in devices),
               "both are done with", 60)
        d.settle()
        self.assertHealthy(m, m.nodes[0].kernel_managed * PAGE // 100)
        return m, d

    def test_two_at_once_never_overspend(self):
        for how in "cold", "hot":
            with self.subTest(how=how):
                m, d = self.two(how, {"memmap": "ram"}, possible=3)
                states = sorted(x["state"] for x in d.describe()["devices"])
                self.assertEqual(states, ["online", "refused"])

    def test_two_at_once_mixed(self):
        for altmap in True, False:
            with self.subTest(altmap=altmap):
                m, d = self.two("hot", {"memmap": "mixed"}, possible=3, memmap_on_memory=altmap)
                self.assertEqual({x["state"] for x in d.describe()["devices"]}, {"online"})

    def test_two_on_one_node(self):
        m = self.machine(ram=768 * MiB, free=300 * MiB)
        d = self.daemon(m, policy(memmap="seed"))
        m.add(Dax("dax0.0", size=16 * GiB))
        m.add(Dax("dax1.0", size=16 * GiB))
        for name in m.devices:
            d.wait_state(name, "online", "degraded")
        d.settle()
        self.assertHealthy(m, 250 * MiB)
        for name in m.devices:
            self.assertNotIn("-", m.states(name))
            self.assertNotIn(".", m.states(name))


if __name__ == "__main__":
    sys.exit(unittest.main())
