# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the daemon and memmapctl say."""
import json
import os
import sys
import time
import unittest

from fakemachine import Dax, GiB, MiB, built, policy
from harness import BAD_POLICY, PARAMETER, MemmapdTest


class Interface(MemmapdTest):
    def test_describe_while_a_worker_is_slow(self):
        m = self.machine(devices=[Dax(size=2 * GiB)])
        m.faults.delay = 0.4
        d = self.daemon(m)
        d.wait_state("dax0.0", "working")
        slowest, seen = 0, set()
        for _ in range(20):
            start = time.monotonic()
            device = d.device()
            slowest = max(slowest, time.monotonic() - start)
            if device["progress"]:
                seen.add(device["progress"]["done"])
            time.sleep(0.1)
        self.assertLess(slowest, 1)
        self.assertGreater(len(seen), 2)
        m.faults.delay = 0
        d.wait_state("dax0.0", "online")
        self.assertIsNone(d.device()["progress"])

    def test_zones_while_it_is_at_work(self):
        for zone, letter in ("kernel", "k"), ("movable", "m"):
            m = self.machine(devices=[Dax(size=2 * GiB)])
            m.faults.delay = 0.2
            d = self.daemon(m, policy(zone=zone))
            d.wait(lambda d=d: d.device()["blocks"]["online"] > 1, "some are online")
            device = d.device()
            self.assertEqual(device["state"], "working")
            self.assertEqual(device["blocks"][zone], device["blocks"]["online"])
            self.assertEqual(device["states"].count(letter), device["blocks"]["online"])
            m.faults.delay = 0
            d.wait_state("dax0.0", "online")

    def test_describe(self):
        m = self.machine(memmap_on_memory=True, devices=[Dax(size=1 * GiB)])
        d = self.daemon(m)
        d.wait_state("dax0.0", "online")
        all_of_it = d.describe()
        self.assertEqual(all_of_it["format"], 1)
        self.assertEqual(all_of_it["kernel"], {"block_size": 128 * MiB, "memmap_on_memory": True,
                                               "memmap_on_memory_why": None, "module": True,
                                               "module_why": None, "kmem": True})
        device = all_of_it["devices"][0]
        self.assertEqual({k: device[k] for k in ("name", "backing", "target_node", "size",
                                                 "memmap_mode", "zone", "order", "rule",
                                                 "action")},
                         {"name": "dax0.0", "backing": "hmem", "target_node": 1, "size": GiB,
                          "memmap_mode": "auto", "zone": "movable", "order": "fast",
                          "rule": None, "action": "online"})
        self.assertEqual((device["memdevs"], device["uuid"]), ([], None))
        self.assertEqual(device["budget"]["node"], 0)
        self.assertEqual(set(device["reasons"][0]), {"code", "text", "a", "b", "node"})

    def test_messages(self):
        m = self.machine(devices=[Dax(size=1 * GiB)])
        d = self.daemon(m)
        d.wait_state("dax0.0", "online")
        d.settle()
        for name in ("POLICY_LOADED", "DECIDED", "FIRST_BLOCK", "DONE"):
            self.assertEqual(len(d.message(name)), 1, name)
        self.assertEqual(d.message("DONE")[0]["MEMMAPD_DEVICE"], "dax0.0")


class Ctl(MemmapdTest):
    def setUp(self):
        super().setUp()
        if not os.access(built("MEMMAPCTL", "ctl/memmapctl"), os.X_OK):
            self.skipTest("memmapctl is not built")

    def test_status(self):
        m = self.machine(devices=[Dax(size=1 * GiB), Dax("dax1.0", "pmem", size=1 * GiB)])
        d = self.daemon(m)
        d.wait_state("dax0.0", "online")
        table = d.ctl("status", check=0).stdout
        self.assertRegex(table, r"(?m)^dax0\.0 .*online")
        self.assertRegex(table, r"(?m)^dax1\.0 .*ignored")
        self.assertIn("dax0.0", d.ctl(check=0).stdout)
        shown = json.loads(d.ctl("status", "--json", check=0).stdout)
        self.assertEqual([x["name"] for x in shown["devices"]], ["dax0.0", "dax1.0"])
        self.assertEqual(d.ctl("status", "dax7.0").returncode, 4)

    def test_explain(self):
        m = self.machine(ram=768 * MiB, free=300 * MiB, devices=[Dax(size=64 * GiB)])
        d = self.daemon(m, policy(allow_seeds=False))
        d.wait_state("dax0.0", "refused")
        self.assertIn(PARAMETER, d.ctl("explain", "dax0.0", check=0).stdout)
        json.loads(d.ctl("explain", "dax0.0", "--json=short", check=0).stdout)

    def test_check_and_reload(self):
        m = self.machine(devices=[Dax(size=1 * GiB)])
        d = self.daemon(m, policy(action="ignore"))
        d.wait_state("dax0.0", "ignored")
        d.ctl("check", d.policy_path, check=0)
        d.set_policy(BAD_POLICY)
        self.assertIn(f"{d.policy_path}:3", d.ctl("check", d.policy_path, check=1).stderr)
        self.assertIn("memmapp", d.ctl("reload", check=1).stderr)
        d.set_policy(policy())
        d.ctl("reload", check=0)
        d.wait_state("dax0.0", "online")

    def test_not_running(self):
        m = self.machine()
        d = self.daemon(m, start=False)
        self.assertEqual(d.ctl("status").returncode, 3)


if __name__ == "__main__":
    sys.exit(unittest.main())
