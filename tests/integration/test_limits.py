# SPDX-License-Identifier: LGPL-2.1-or-later
"""How much of a device, what becomes of it when blocks fail, and whose turn it is."""
import errno
import sys
import time
import unittest

from fakemachine import Dax, GiB, MiB, policy
from harness import MemmapdTest, rule

EHWPOISON = 133                         # not known to python


class Limits(MemmapdTest):
    def test_half_of_the_device(self):
        m = self.machine(devices=[Dax(size=2 * GiB)])
        d = self.daemon(m, policy(max_size="50%"))
        device = d.wait_state("dax0.0", "online")
        self.assertEqual(m.states(), "mmmmmmmm........")
        self.assertEqual((device["limit"], device["blocks"]["wanted"]), (8, 8))
        self.assertIn("All 8 of 16 blocks", device["message"])
        self.assertIn("limit", self.codes(device))
        # It stays so, also after a restart, and a reload changes nothing.
        d.stop()
        d.start()
        device = d.wait_state("dax0.0", "online")
        self.assertIn("All 8 of 16 blocks", device["message"])
        d.reload()
        d.settle()
        self.assertEqual(m.states(), "mmmmmmmm........")

    def test_what_fails_is_made_up_for(self):
        m = self.machine(devices=[Dax(size=2 * GiB)])
        m.faults.fail_plug(1, errno.EEXIST)
        self.taken(m, policy(max_size="512M"), "degraded")
        self.assertEqual(m.states(), "m.mmm...........")

    def test_less_than_a_block(self):
        m = self.machine(devices=[Dax(size=2 * GiB)])
        device = self.taken(m, policy(max_size="100M"), "refused")
        self.assertIn("limit-low", self.codes(device))
        self.assertEqual(m.states(), "." * 16)


class Retry(MemmapdTest):
    def test_tried_again_until_it_works(self):
        m = self.machine(devices=[Dax(size=1 * GiB)])
        number = m.devices["dax0.0"].numbers[5]
        m.faults.fail_online(number, EHWPOISON, 2)
        d = self.daemon(m, policy(retry={"times": 3, "delay": "100ms"}))
        d.wait_state("dax0.0", "online")
        self.assertAllOnline(m)
        self.assertEqual(len([w for w in m.actions("online") if w[1] == str(number)]), 3)
        # The second one is less than a minute later.
        self.assertEqual([e["MESSAGE"].split("; ")[1] for e in d.message("RETRY")],
                         ["try 1 of 3 follows in 0.1 s."])

    def test_tried_as_often_as_it_says(self):
        m = self.machine(devices=[Dax(size=1 * GiB)])
        number = m.devices["dax0.0"].numbers[5]
        m.faults.fail_online(number, EHWPOISON)
        began = time.monotonic()
        d = self.daemon(m, policy(retry={"times": 2, "delay": "200ms", "max_delay": "300ms"}))
        d.wait_message("DONE")
        self.assertGreater(time.monotonic() - began, 0.5)
        self.assertEqual(d.device()["state"], "degraded")
        self.assertEqual(len([w for w in m.actions("online") if w[1] == str(number)]), 3)
        self.assertEqual(m.states(), "mmmmm.mm")


class Rollback(MemmapdTest):
    def test_all_of_it(self):
        m = self.machine(devices=[Dax(size=1 * GiB)])
        number = m.devices["dax0.0"].numbers[5]
        m.faults.fail_online(number, EHWPOISON)
        d = self.daemon(m, policy(on_failure="rollback", order="ascending"))
        device = d.wait_state("dax0.0", "rolled-back")
        self.assertEqual(device["message"], "1 blocks failed, and 7 others were taken out again.")
        self.assertEqual(m.states(), "." * 8)
        self.assertEqual([w[1:3] for w in m.actions("unplug")][-7:],
                         [["dax0.0", str(i)] for i in (7, 6, 4, 3, 2, 1, 0)])
        d.settle()
        self.assertEqual(d.device()["state"], "rolled-back")
        self.assertEqual(len(d.message("ROLLED_BACK")), 1)
        self.assertEqual(d.message("FOREIGN"), [])
        # It is not tried again by itself, but when it is asked for.
        d.stop()
        d.start()
        d.settle()
        self.assertEqual(m.states(), "." * 8)
        m.faults.fail_online(number, EHWPOISON, 0)
        d.reload()
        d.wait_state("dax0.0", "online")
        self.assertAllOnline(m)

    def test_seeds_go_last(self):
        m = self.machine(devices=[Dax(size=1 * GiB)])
        m.faults.fail_online(m.devices["dax0.0"].numbers[5], EHWPOISON)
        self.taken(m, policy(on_failure="rollback", memmap="seed"), "rolled-back")
        self.assertEqual(m.states(), "." * 8)
        self.assertEqual(m.actions("unplug")[-1][1:3], ["dax0.0", "0"])
        self.assertHealthy(m)

    def test_what_is_in_use_stays(self):
        m = self.machine(devices=[Dax(size=1 * GiB)])
        numbers = m.devices["dax0.0"].numbers
        m.faults.fail_online(numbers[5], EHWPOISON)
        m.faults.fail_offline(numbers[3], errno.EBUSY)
        d = self.daemon(m, policy(on_failure="rollback"))
        device = d.wait_state("dax0.0", "rolled-back")
        self.assertEqual(device["message"], "1 blocks failed, and 6 others were taken out again; "
                                            "the rest is in use and stays.")
        self.assertEqual(m.states(), "...m....")
        self.assertIn(f"Cannot take back memory{numbers[3]}",
                      d.message("STEP_FAILED")[-1]["MESSAGE"])

    def test_after_the_last_try(self):
        m = self.machine(devices=[Dax(size=1 * GiB)])
        m.faults.fail_online(m.devices["dax0.0"].numbers[5], EHWPOISON)
        d = self.daemon(m, policy(on_failure="rollback", retry={"times": 1, "delay": "100ms"}))
        d.wait_state("dax0.0", "rolled-back")
        self.assertEqual(len(d.message("RETRY")), 1)
        self.assertEqual(m.states(), "." * 8)


    def test_what_came_before_is_let_be(self):
        """Only what the same run took in is taken out for what fails in it."""
        m = self.machine(devices=[Dax(size=1 * GiB)])
        d = self.daemon(m, policy(on_failure="rollback"))
        d.wait_state("dax0.0", "online")
        d.ctl("offline", "dax0.0", "3", check=0)
        m.faults.fail_online(m.devices["dax0.0"].numbers[3], EHWPOISON)
        d.ctl("apply", "dax0.0", check=0)
        device = d.wait_state("dax0.0", "rolled-back")
        self.assertEqual(device["message"], "1 blocks failed, and 0 others were taken out again.")
        self.assertEqual(m.states(), "mmm.mmmm")


class Priority(MemmapdTest):
    """RAM for the memmaps of one device, and two that want it."""

    def both(self, *rules, **kw):
        m = self.machine(ram=768 * MiB, free=300 * MiB, possible=3, devices=[
            Dax("dax0.0", size=12 * GiB, target_node=1),
            Dax("dax1.0", size=12 * GiB, target_node=2)], **kw)
        d = self.daemon(m, policy(*rules, memmap="ram"))
        states = {}
        for name in ("dax0.0", "dax1.0"):
            states[name] = d.wait_state(name, "online", "refused")["state"]
        self.assertHealthy(m)
        return d, states

    def test_the_name_decides(self):
        _, states = self.both()
        self.assertEqual(states, {"dax0.0": "online", "dax1.0": "refused"})

    def test_the_higher_one_first(self):
        d, states = self.both(rule("first", {"device": "dax1.0"}, priority=1))
        self.assertEqual(states, {"dax0.0": "refused", "dax1.0": "online"})
        self.assertEqual([e["MEMMAPD_DEVICE"] for e in d.message("DECIDED")], ["dax1.0"])

    def test_the_lower_one_last(self):
        _, states = self.both(rule("last", {"device": "dax0.0"}, priority=-1))
        self.assertEqual(states, {"dax0.0": "refused", "dax1.0": "online"})


class Pressure(MemmapdTest):
    """Memory pressure, as the kernel tells it."""

    def press(self, m, percent):
        m.tree.put("/proc/pressure/memory",
                   f"some avg10={percent} avg60=9.99 avg300=9.99 total=99\n"
                   "full avg10=9.99 avg60=9.99 avg300=9.99 total=99\n")

    def test_stops_and_goes_on(self):
        m = self.machine(devices=[Dax(size=1 * GiB)])
        self.press(m, "40.00")
        d = self.daemon(m, policy(pressure={"slow": "10%", "stop": "40%"}))
        d.wait_message("PACED")
        self.assertEqual(d.device()["progress"]["pace"], "stopped")
        self.assertIn("Waits for memory pressure to fall, which is 40.00%.",
                      d.ctl("status", check=0).stdout)
        time.sleep(1.5)
        self.assertEqual(m.states(), "." * 8)
        # Around the limit nothing changes, and nothing is said again.
        self.press(m, "30.01")
        time.sleep(1)
        self.assertEqual(len(d.message("PACED")), 1)
        self.assertEqual(m.states(), "." * 8)
        self.press(m, "12.00")
        d.wait_message("PACED", 2)
        self.assertEqual(d.device()["progress"]["pace"], "slow")
        time.sleep(1.2)
        self.assertRegex(m.states(), r"^m[m.-]{3}....$")
        self.press(m, "0.00")
        d.wait_state("dax0.0", "online")
        self.assertEqual([e["MESSAGE"].replace("dax0.0: ", "") for e in d.message("PACED")], [
            "Waits for memory pressure to fall, which is 40.00%.",
            "Being taken in, but slowly: memory pressure is 12.00%.",
            "Memory pressure has fallen; it goes on at full pace."])

    def test_nonsense_is_no_pressure(self):
        m = self.machine(devices=[Dax(size=1 * GiB)])
        m.tree.put("/proc/pressure/memory", "some avg10=banana\n")
        d = self.daemon(m, policy(pressure={"stop": "1%"}))
        d.wait_state("dax0.0", "online")
        self.assertIn("Bad message", d.message("PACED")[0]["MESSAGE"])

    def test_nobody_asked(self):
        m = self.machine(devices=[Dax(size=1 * GiB)])
        self.press(m, "99.00")
        d = self.daemon(m, policy(pressure={}))
        d.wait_state("dax0.0", "online")
        self.assertEqual(d.message("PACED"), [])


if __name__ == "__main__":
    sys.exit(unittest.main())
