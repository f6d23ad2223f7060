# SPDX-License-Identifier: LGPL-2.1-or-later
"""Regions that are being made, or could not be, are shown, with what would help."""
import errno
import json
import subprocess
import time
import unittest

from fakemachine import Cxl, Expander, GiB, built, policy
from harness import MemmapdTest, kill_after


class RegionsShown(MemmapdTest):
    def start(self, *expanders, options=(), failing=None, **settings):
        m = self.machine(ram=2 * GiB)
        m.cxl = Cxl(m)
        for e in expanders:
            m.cxl.plug(e)
        m.faults.failing.update(failing or {})
        return m, self.daemon(m, policy(**settings), *options)

    def shown(self, d):
        return d.describe()["regions"]

    def wait_shown(self, d, state):
        return d.wait(lambda: [r for r in self.shown(d) if r["state"] == state] or None,
                      f"a region is {state}")

    def lines(self, d):
        """Below the table."""
        return d.ctl("status", check=0).stdout.split("\n\n")[-1].splitlines()

    def test_being_made(self):
        m, d = self.start()
        begun, go_on = self.held(m, "commit")
        self.assertEqual(self.shown(d), [])
        d.set_policy(policy(create_region={"ways": 2}))
        m.cxl.plug(Expander(0))
        m.cxl.plug(Expander(1))
        self.assertTrue(begun.wait(20))
        self.assertEqual(self.shown(d), [
            {"name": "region0", "memdevs": ["mem0", "mem1"], "state": "making", "message": None,
             "tries": None, "next_try_usec": None}])
        self.assertEqual(self.lines(d), ["mem0, mem1 (region0): a region is being made of it."])
        go_on.set()
        d.wait_state("dax0.0", "online")
        self.assertEqual(self.shown(d), [])
        self.assertNotIn("mem0", d.ctl("status", check=0).stdout)

    def test_monitor(self):
        m, d = self.start(create_region={"ways": 2})
        program = built("MEMMAPCTL", "ctl/memmapctl")
        env = {k: v for k, v in d.environment(program).items() if k != "LD_PRELOAD"}
        plain, lines = (subprocess.Popen([program, "monitor", *options], env=env, text=True,
                                         stdout=subprocess.PIPE)
                        for options in ((), ("--json",)))
        # It listens before it asks: then it is told of memmapd, which has no device.
        time.sleep(1)
        m.faults.failing["cxl", "commit"] = [errno.EIO, 1]
        m.cxl.plug(Expander(0))
        self.wait_shown(d, "waiting")
        m.cxl.plug(Expander(1))
        self.wait_shown(d, "failed")
        d.reload()
        d.wait_state("dax1.0", "online")
        for ctl in (plain, lines):
            ctl.terminate()
        events = [e for e in map(json.loads, lines.communicate(timeout=10)[0].splitlines())
                  if e["event"] == "regions"]
        told = [[(r["name"], r["memdevs"], r["state"]) for r in e["regions"]] for e in events]
        both = ["mem0", "mem1"]
        self.assertEqual(told, [
            [(None, ["mem0"], "waiting")], [(None, both, "making")], [("region0", both, "making")],
            [(None, both, "failed")], [(None, both, "making")], [("region1", both, "making")],
            []])
        said = [line.split(" ", 1)[1] for line in plain.communicate(timeout=10)[0].splitlines()]
        said = [line for line in said if "region" in line]
        self.assertEqual(said[1:3], ["mem0, mem1: region making",
                                     "mem0, mem1 (region0): region making"])
        self.assertRegex(said[3], r"^mem0, mem1: region failed: No region is made of ")
        self.assertEqual(said[-1], "no region is on its way")

    def test_failed(self):
        m, d = self.start(Expander(0), Expander(1), create_region={"ways": 2},
                          failing={("cxl", "commit"): [errno.EIO, 1]})
        said = d.wait_message("REGION_FAILED")["MESSAGE"]
        d.settle()
        [r] = self.shown(d)
        self.assertEqual((r["name"], r["memdevs"], r["state"], r["tries"], r["next_try_usec"]),
                         (None, ["mem0", "mem1"], "failed", 1, None))
        self.assertEqual(f"mem0: {r['message']}.", said)
        for part in ("decoders cannot be committed (at decoder21.0)", "Input/output error", "cxl create-region"):
            self.assertIn(part, r["message"])
        self.assertEqual(self.lines(d), [
            f'mem0, mem1: {r["message"]}. "memmapctl reload" tries again.'])
        d.reload()
        d.wait_state("dax1.0", "online")
        self.assertEqual(self.shown(d), [])

    def test_no_name(self):
        _, d = self.start(Expander(0), create_region=True,
                          failing={("cxl", "create"): [errno.EIO, 1]})
        [r] = self.wait_shown(d, "failed")
        self.assertEqual((r["name"], r["memdevs"]), (None, ["mem0"]))
        self.assertRegex(self.lines(d)[0], "^mem0: No region is made of mem0 in decoder0.0: ")

    def test_next_try(self):
        m, d = self.start(Expander(0), create_region=True, retry={"times": 2, "delay": "30s"},
                          failing={("cxl", "commit"): [errno.EBUSY, 1]})
        [r] = self.wait_shown(d, "failed")
        d.settle()
        [r] = self.shown(d)
        self.assertEqual(r["tries"], 1)
        self.assertLessEqual(r["next_try_usec"], 30000000)
        self.assertGreater(r["next_try_usec"], 20000000)
        self.assertRegex(self.lines(d)[0], r"\. Tried 1 time; tries again in (2\d|30) s\.$")
        # Without the expander there is nothing to tell of it.
        m.cxl.pull("mem0")
        d.wait(lambda: not self.shown(d), "it is forgotten")

    def test_not_wanted_any_more(self):
        _, d = self.start(Expander(0), create_region=True,
                          failing={("cxl", "commit"): [errno.EIO, 1]})
        self.wait_shown(d, "failed")
        d.set_policy(policy())
        d.wait(lambda: not self.shown(d), "it is forgotten")

    def test_waiting(self):
        m, d = self.start(Expander(0), create_region={"ways": 2})
        [r] = self.wait_shown(d, "waiting")
        self.assertEqual((r["memdevs"], r["tries"]), (["mem0"], None))
        self.assertEqual(self.lines(d), ["mem0: A region in decoder0.0 takes 2 expanders, and there "
                                         "are 1; waiting for more."])
        m.cxl.plug(Expander(1))
        d.wait_state("dax0.0", "online")
        self.assertEqual(self.shown(d), [])

    def test_planned(self):
        _, d = self.start(Expander(0), Expander(1), options=["--dry-run"], create_region=True)
        self.wait_shown(d, "planned")
        self.assertEqual([r["memdevs"] for r in self.shown(d)], [["mem0"], ["mem1"]])
        self.assertEqual(self.lines(d)[0], "mem0: Would be made part of a region, if this were no "
                         "dry run.")

    def test_half_made(self):
        """By a daemon that was killed; and the next one cannot put it right."""
        m, d = self.start()
        killed = kill_after(m, d, 9)
        d.set_policy(policy(create_region=True))
        m.cxl.plug(Expander(0))
        self.assertTrue(killed.wait(20))
        d.sigkill()
        d.wait(lambda: m.log[-1] == "cxl commit region0 1", "the kernel has done it", alive=False)
        m.faults.failing["cxl", "bind"] = [errno.EIO, 2]
        d.start()
        [r] = self.wait_shown(d, "failed")
        self.assertEqual((r["name"], r["memdevs"]), ("region0", ["mem0"]))
        self.assertRegex(self.lines(d)[0], r"^mem0 \(region0\): It was left half made when memmapd "
                         "was killed, and .*cxl destroy-region -f region0")
        # As long as it is there, whatever else happens.
        d.reload()
        d.settle()
        self.assertEqual(self.shown(d)[0]["name"], "region0")
        m.cxl.store_root("delete_region", "region0")
        m.cxl.plug(Expander(1))
        d.wait(lambda: all(r["name"] != "region0" for r in self.shown(d)), "it is forgotten")


if __name__ == "__main__":
    unittest.main()
