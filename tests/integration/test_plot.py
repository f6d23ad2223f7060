# SPDX-License-Identifier: LGPL-2.1-or-later
"""When each block came, and the drawing that memmapctl makes of it."""
import json
import re
import sys
import time
import unittest
from xml.etree import ElementTree

from fakemachine import PAGE, Dax, GiB, MiB, policy
from harness import MemmapdTest

SVG = "{http://www.w3.org/2000/svg}"
LEFT, WIDTH, TOP = 80, 1000, 60
ONLINE = {"seed", "ram", "ram-kernel", "device", "device-kernel", "hosted", "hosted-kernel",
          "unknown"}


class Timeline(MemmapdTest):
    def timeline(self, daemon, *args):
        return json.loads(daemon.ctl("plot", "--json", "dax0.0", *args, check=0).stdout)

    def taken_slowly(self, *args, what=None, delay=0.02, state="online", **kw):
        m = self.machine(*args, **kw)
        m.faults.delay = delay
        d = self.daemon(m, what)
        d.wait_state("dax0.0", state)
        d.settle()
        return m, d

    def test_times(self):
        m, d = self.taken_slowly(devices=[Dax(size=2 * GiB)])
        t = self.timeline(d)
        self.assertEqual((t["format"], t["name"], t["payer"], t["target_node"]),
                         (1, "dax0.0", 0, 1))
        self.assertAlmostEqual(t["began"] / 1e6, time.time(), delta=60)
        self.assertEqual((t["map"], t["states"]), ("r" * 16, "m" * 16))
        # In the order in which the kernel was asked, one after the other.
        order = sorted(range(16), key=lambda i: t["online"][i])
        self.assertEqual(order, m.online_order())
        for plugged, online in zip(t["plugged"], t["online"]):
            self.assertGreaterEqual(online - plugged, 15000)
            self.assertLessEqual(online, t["usec"])
        self.assertGreaterEqual(min(t["plugged"]), 15000)

    def test_samples(self):
        m, d = self.taken_slowly(devices=[Dax(size=2 * GiB)])
        samples = self.timeline(d)["samples"]
        # Ten times a second at most, apart from those at the ends of plans.
        self.assertTrue(4 <= len(samples) <= self.timeline(d)["usec"] / 1e5 + 6, samples)
        times = [s["usec"] for s in samples]
        self.assertEqual(times, sorted(times))
        self.assertEqual(samples[0]["total"], 0)
        self.assertEqual(samples[-1]["total"], 2 * GiB)
        self.assertEqual(samples[0]["free"] - samples[-1]["free"], 16 * 2 * MiB)
        self.assertEqual(samples[-1]["free"], m.nodes[0].kernel_free * PAGE)

    def test_seeds(self):
        m, d = self.taken_slowly(ram=768 * MiB, free=300 * MiB, delay=0,
                                 devices=[Dax(size=24 * GiB)])
        t = self.timeline(d)
        self.assertEqual((t["map"], t["states"]), (m.devices["dax0.0"].map, m.states()))
        self.assertIn("s", t["map"])
        self.assertNotIn(None, t["plugged"] + t["online"])

    def test_failure(self):
        m = self.machine(devices=[Dax(size=1 * GiB)])
        m.faults.fail_plug(3, 5)
        d = self.daemon(m, policy(on_failure="keep"))
        d.wait_state("dax0.0", "degraded")
        d.settle()
        t = self.timeline(d)
        self.assertEqual(t["states"], "mmmxmmmm")
        self.assertEqual((t["plugged"][3], t["online"][3]), (None, None))

    def test_kernels_own_driver(self):
        """It adds all at once: there is no time at which a block was plugged."""
        m, d = self.taken_slowly(module=False, devices=[Dax(size=1 * GiB)], delay=0)
        t = self.timeline(d)
        self.assertEqual(t["plugged"], [None] * 8)
        self.assertNotIn(None, t["online"])
        self.assertEqual(t["states"], m.states())

    def test_again(self):
        """Each taking in has its own, and its time is what is told in the journal."""
        m, d = self.taken_slowly(devices=[Dax(size=1 * GiB)], delay=0)
        first = self.timeline(d)
        time.sleep(2)
        d.ctl("remove", "dax0.0", check=0)
        self.assertEqual(self.timeline(d), first)
        d.ctl("online", "dax0.0", check=0)
        d.wait_state("dax0.0", "online")
        d.settle()
        second = self.timeline(d)
        self.assertGreaterEqual(second["began"] - first["began"], 2000000)
        self.assertLess(second["usec"], 2000000)
        self.assertNotIn(None, second["online"])
        seconds = [float(re.search(r"in ([0-9.]+) s\.$", e["MESSAGE"])[1])
                   for e in d.message("DONE")]
        self.assertEqual(len(seconds), 2)
        self.assertLess(seconds[1], 2)
        self.assertEqual(len(d.message("FIRST_BLOCK")), 2)

    def test_while_it_goes_on(self):
        m = self.machine(devices=[Dax(size=2 * GiB)])
        m.faults.delay = 0.2
        d = self.daemon(m)
        d.wait(lambda: (d.device()["blocks"] or {}).get("online", 0) > 2, "some are online")
        t = self.timeline(d)
        self.assertTrue(any(t["online"]))
        self.assertIn(None, t["online"])
        m.faults.delay = 0
        d.wait_state("dax0.0", "online")

    def test_nothing(self):
        d = self.daemon(self.machine(devices=[Dax(size=1 * GiB)]), policy(action="ignore"))
        d.wait_state("dax0.0", "ignored")
        self.assertIn("Nothing of dax0.0 was taken in",
                      d.ctl("plot", "dax0.0", check=1).stderr)
        d.ctl("plot", "dax7.0", check=4)
        d.ctl("plot", check=2)
        d.stop()
        d.ctl("plot", "dax0.0", check=3)


class Drawing(MemmapdTest):
    def draw(self, daemon):
        root = ElementTree.fromstring(daemon.ctl("plot", "dax0.0", check=0).stdout.encode())
        self.assertEqual(root.tag, SVG + "svg")
        self.size = float(root.get("width")), float(root.get("height"))
        return root

    def rects(self, root, classes):
        return [(r.get("class"), *(float(r.get(k)) for k in ("x", "y", "width", "height")))
                for r in root.iter(SVG + "rect") if r.get("class") in classes]

    def test_blocks(self):
        m = self.machine(devices=[Dax(size=1 * GiB)])
        m.faults.delay = 0.02
        d = self.daemon(m)
        d.wait_state("dax0.0", "online")
        d.settle()
        t = json.loads(d.ctl("plot", "--json=short", "dax0.0", check=0).stdout)
        root = self.draw(d)
        rects = [r for r in self.rects(root, ONLINE) if r[3] != 12]
        self.assertEqual(len(rects), 8)
        for i, (kind, x, y, width, height) in enumerate(rects):
            self.assertEqual(kind, "ram")
            self.assertAlmostEqual(x, LEFT + t["online"][i] / t["usec"] * WIDTH, delta=0.02)
            self.assertAlmostEqual(x + width, LEFT + WIDTH, delta=0.02)
            self.assertAlmostEqual(y, TOP + 10 * i, delta=0.02)
            self.assertEqual(height, 10)
        plugged = [r for r in self.rects(root, {"plugged"}) if r[3] != 12]
        for (_, x, _, width, _), after in zip(plugged, rects):
            self.assertAlmostEqual(x + width, after[1], delta=0.03)
        self.assertEqual(len(plugged), 8)
        texts = [e.text for e in root.iter(SVG + "text")]
        self.assertIn("online, memmap in RAM", texts)
        self.assertNotIn("online, memmap in a seed", texts)
        self.assertTrue(any(re.match(r"dax0\.0: 8 blocks in 0\.\d+ s, from 20", x)
                            for x in texts), texts)
        self.assertIn("1 GiB", texts)
        curves = list(root.iter(SVG + "polyline"))
        self.assertEqual([len(c.get("points").split()) for c in curves],
                         [len(t["samples"])] * 2)

    def test_inside(self):
        """Nothing is drawn outside, with many blocks, seeds and a failure."""
        m = self.machine(ram=768 * MiB, free=300 * MiB, devices=[Dax(size=24 * GiB)])
        m.faults.fail_plug(100, 5)
        d = self.daemon(m, policy(on_failure="keep"))
        d.wait_state("dax0.0", "degraded")
        d.settle()
        root = self.draw(d)
        kinds = {r[0] for r in self.rects(root, ONLINE | {"failed"})}
        self.assertEqual(kinds, {"seed", "hosted", "failed"})
        for _, x, y, width, height in self.rects(root, ONLINE | {"failed", "plugged", "frame"}):
            self.assertGreaterEqual(min(x, y, width, height), 0)
            self.assertLessEqual(x + width, self.size[0])
            self.assertLessEqual(y + height, self.size[1])
        for curve in root.iter(SVG + "polyline"):
            for point in curve.get("points").split():
                x, y = map(float, point.split(","))
                self.assertTrue(LEFT <= x <= LEFT + WIDTH + 0.01 and 0 < y < self.size[1])


if __name__ == "__main__":
    sys.exit(unittest.main())
