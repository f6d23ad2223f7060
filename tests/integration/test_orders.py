# SPDX-License-Identifier: LGPL-2.1-or-later
"""The verbs of memmapctl that change something, and monitor."""
import errno
import json
import os
import pty
import signal
import subprocess
import sys
import threading
import time
import unittest

from fakemachine import Dax, GiB, built
from fakemachine.stores import KernelError
from harness import MemmapdTest

REFUSED, USAGE, NOT_RUNNING, NO_DEVICE, UNFINISHED, GOES_ON = range(1, 7)


class Orders(MemmapdTest):
    def taken_in(self, **kw):
        m = self.machine(devices=[Dax(size=2 * GiB)], **kw)
        d = self.daemon(m)
        d.wait_state("dax0.0", "online")
        d.settle()
        return m, d

    def start(self, d, *args, **kw):
        """memmapctl, not waited for."""
        program = built("MEMMAPCTL", "ctl/memmapctl")
        env = d.environment(program)
        del env["LD_PRELOAD"]
        kw = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **kw}
        process = subprocess.Popen([program, *args], env=env, text=True, **kw)
        self.addCleanup(self.end, process)
        return process

    @staticmethod
    def end(process):
        process.kill()
        process.communicate()

    def slow(self, m, index=9):
        """The kernel is at that block until this is set, or the worker is killed."""
        line = f"offline {m.devices['dax0.0'].numbers[index]}"
        begun, go_on = threading.Event(), threading.Event()

        def hook(action):
            if action != line:
                return
            m.faults.hook = None
            begun.set()
            if not go_on.wait(20):
                raise KernelError(errno.EINTR)
            if go_on.interrupted:
                raise KernelError(errno.EINTR)
        go_on.interrupted = False
        m.faults.hook = hook
        return begun, go_on

    def test_remove_and_online(self):
        m, d = self.taken_in()
        out = d.ctl("remove", "dax0.0", check=0).stdout
        self.assertRegex(out, r"(?m)^dax0\.0: leaving, \d+ of 33 steps$")
        self.assertIn("dax0.0: Removed: all of its memory is taken out", out.splitlines()[-1])
        self.assertEqual(set(m.states()), {"."})
        self.assertRegex(d.ctl("status").stdout, r"(?m)^dax0\.0 .* removed ")
        self.assertIn("Taken in again", d.ctl("online", "dax0.0", check=0).stdout)
        d.wait_state("dax0.0", "online")
        self.assertAllOnline(m)

    def test_blocked(self):
        m, d = self.taken_in()
        number = m.devices["dax0.0"].numbers[5]
        m.faults.fail_offline(number, errno.EBUSY)
        done = d.ctl("remove", "dax0.0", check=UNFINISHED)
        self.assertIn(f"memory{number} (block 5", done.stderr)
        self.assertIn("All is as it was before", done.stderr)
        self.assertAllOnline(m)
        shown = json.loads(d.ctl("remove", "dax0.0", "--json", check=UNFINISHED).stdout)
        self.assertEqual((shown["format"], shown["device"], shown["operation"], shown["result"]),
                         (1, "dax0.0", "remove", "brought-back"))
        self.assertIn(f"memory{number}", shown["message"])
        shown = json.loads(d.ctl("remove", "dax0.0", "--json=short", "--keep",
                                 check=UNFINISHED).stdout)
        self.assertEqual(shown["result"], "kept")
        self.assertIn("-", m.states())

    def test_blocks(self):
        m, d = self.taken_in()
        self.assertIn("3 blocks went offline", d.ctl("offline", "dax0.0", "3", "5-6", check=0).stdout)
        self.assertEqual(m.states(), "mmm-m--mmmmmmmmm")
        d.ctl("online", "dax0.0", "5,6", check=0)
        self.assertEqual(m.states(), "mmm-mmmmmmmmmmmm")
        self.assertIn("All that was asked for is online",
                      d.ctl("online", "dax0.0", check=0).stdout)
        self.assertAllOnline(m)
        d.ctl("offline", "dax0.0", check=0)
        self.assertEqual(set(m.states()), {"-"})

    def test_deadline(self):
        m, d = self.taken_in()
        begun, go_on = self.slow(m)

        def interrupt():
            begun.wait()
            time.sleep(1.3)
            go_on.interrupted = True
            go_on.set()
        threading.Thread(target=interrupt).start()
        done = d.ctl("remove", "dax0.0", "--deadline", "1s", check=UNFINISHED)
        self.assertIn("the time that was given for it is over; memory", done.stderr)
        self.assertAllOnline(m)

    def test_usage(self):
        m, d = self.taken_in()
        for args in (("remove",), ("remove", "dax0.0", "dax1.0"), ("hold",),
                     ("remove", "dax0.0", "--deadline", "soon"),
                     ("remove", "dax0.0", "--deadline=-3"), ("offline", "dax0.0", "memory5"),
                     ("offline", "dax0.0", "5-3"), ("offline", "dax0.0", "0-99999999999"),
                     ("offline", "dax0.0", "1,"), ("online", "dax0.0", "--keep"),
                     ("status", "--force"), ("hold", "dax0.0", "--json")):
            with self.subTest(args=args):
                d.ctl(*args, check=USAGE)
        for verb in ("remove", "offline", "online", "hold", "release", "apply"):
            self.assertIn("There is no device dax9.9", d.ctl(verb, "dax9.9", check=NO_DEVICE).stderr)
        d.ctl("offline", "dax0.0", "77", check=REFUSED)
        self.assertAllOnline(m)
        d.stop()
        d.ctl("remove", "dax0.0", check=NOT_RUNNING)
        d.ctl("monitor", check=NOT_RUNNING)

    def test_the_state_right_after(self):
        """As soon as a verb has returned."""
        m, d = self.taken_in()
        orders = (("offline", "degraded"), ("online", "online"), ("hold", "held"),
                  ("release", "online"), ("remove", "removed"))
        for verb, state in orders:
            with self.subTest(verb=verb):
                d.ctl(verb, "dax0.0", *(("3-5",) if verb in ("offline", "online") else ()), check=0)
                self.assertEqual(d.device()["state"], state)
        d.ctl("online", "dax0.0", check=0)
        self.assertIn(d.device()["state"], ("working", "online"))
        d.wait_state("dax0.0", "online")
        self.assertAllOnline(m)

    def test_hold_release_apply(self):
        m, d = self.taken_in()
        d.ctl("hold", "dax0.0", check=0)
        d.wait_state("dax0.0", "held")
        m.write("/sys/bus/dax/devices/dax0.0/memmapd/unplug", "4")
        self.assertIn("release", d.ctl("apply", "dax0.0", check=REFUSED).stderr)
        d.ctl("release", "dax0.0", check=0)
        d.wait_state("dax0.0", "degraded")
        d.ctl("apply", check=0)
        d.wait_state("dax0.0", "online")
        self.assertAllOnline(m)

    def test_interrupted_once(self):
        m, d = self.taken_in()
        begun, go_on = self.slow(m)
        ctl = self.start(d, "remove", "dax0.0")
        self.assertTrue(begun.wait(10))
        ctl.send_signal(signal.SIGINT)
        _, err = ctl.communicate(timeout=20)
        self.assertEqual(ctl.returncode, GOES_ON)
        self.assertIn("memmapd goes on with it", err)
        go_on.set()
        d.wait_state("dax0.0", "removed")
        self.assertEqual(set(m.states()), {"."})

    def test_interrupted_twice(self):
        m, d = self.taken_in()
        begun, go_on = self.slow(m)
        ctl = self.start(d, "remove", "dax0.0")
        self.assertTrue(begun.wait(10))
        ctl.send_signal(signal.SIGINT)
        self.assertIn("goes on", ctl.stderr.readline())
        ctl.send_signal(signal.SIGINT)
        self.assertIn("Ending it", ctl.stderr.readline())
        time.sleep(0.3)
        go_on.interrupted = True
        go_on.set()
        _, err = ctl.communicate(timeout=20)
        self.assertEqual(ctl.returncode, UNFINISHED)
        self.assertIn("it was cancelled", err)
        self.assertAllOnline(m)

    def test_the_daemon_ends_meanwhile(self):
        m, d = self.taken_in()
        begun, go_on = self.slow(m)
        ctl = self.start(d, "remove", "dax0.0")
        self.assertTrue(begun.wait(10))
        d.sigkill()
        _, err = ctl.communicate(timeout=20)
        self.assertEqual(ctl.returncode, NOT_RUNNING)
        self.assertIn("goes on with dax0.0 when it is started again", err)
        go_on.set()
        d.start()
        d.wait_state("dax0.0", "removed")

    def test_bar(self):
        m, d = self.taken_in()
        m.faults.delay = 0.02
        ours, its = pty.openpty()
        ctl = self.start(d, "remove", "dax0.0", stderr=its)
        os.close(its)
        shown = b""
        try:
            while part := os.read(ours, 4096):
                shown += part
        except OSError:                 # its end was closed
            pass
        os.close(ours)
        out, _ = ctl.communicate(timeout=20)
        self.assertEqual(ctl.returncode, 0)
        self.assertRegex(shown.decode(), r"dax0\.0: leaving \[#+ +\] \d+/33")
        self.assertEqual(len(out.splitlines()), 1)

    def test_monitor(self):
        m, d = self.taken_in()
        plain, lines = self.start(d, "monitor"), self.start(d, "monitor", "--json")
        self.assertEqual(json.loads(lines.stdout.readline()).get("state"), "online")
        self.assertRegex(plain.stdout.readline(), r"^\d{4}-\d\d-\d\dT[\d:.]+ dax0\.0 is online$")
        d.ctl("remove", "dax0.0", check=0)
        events = []
        while not events or events[-1]["event"] != "finished":
            events.append(json.loads(lines.stdout.readline()))
        self.assertEqual({e["device"] for e in events}, {"dax0.0"})
        # What became of it is known when the end is told.
        self.assertEqual([e["state"] for e in events if e["event"] == "changed"],
                         ["leaving", "removed"])
        progress = [(e["done"], e["total"]) for e in events if e["event"] == "progress"]
        self.assertEqual(progress[-1], (33, 33))
        self.assertEqual(events[-1]["result"], "done")
        d.stop()
        while json.loads(lines.stdout.readline())["event"] != "ended":
            pass
        for ctl in (plain, lines):
            ctl.send_signal(signal.SIGINT)
        out, err = plain.communicate(timeout=10)
        self.assertEqual((plain.returncode, err), (0, ""))
        self.assertIn("dax0.0: remove: done: Removed", out)
        self.assertIn("memmapd has ended", out)
        lines.communicate(timeout=10)
        self.assertEqual(lines.returncode, 0)

    def test_nobody(self):
        """Others than root, where there is no polkit to ask."""
        m, d = self.taken_in()
        os.chmod(d.dir, 0o755)
        os.chmod(f"{d.dir}/bus", 0o777)
        for verb in ("remove", "offline", "online", "hold", "release", "apply"):
            ctl = self.start(d, verb, "dax0.0", user=65534)
            _, err = ctl.communicate(timeout=20)
            self.assertEqual(ctl.returncode, REFUSED, verb)
            self.assertIn("No permission to call", err)
        self.assertAllOnline(m)
        ctl = self.start(d, "status", user=65534)
        ctl.communicate(timeout=20)
        self.assertEqual(ctl.returncode, 0)


if __name__ == "__main__":
    sys.exit(unittest.main())
