# SPDX-License-Identifier: LGPL-2.1-or-later
"""memmapctl plan and snapshot: what is planned is what memmapd then does."""
import json
import os
import subprocess
import tempfile
import unittest

from fakemachine import PAGE, Dax, GiB, MiB, built, policy
from harness import BAD_POLICY, MemmapdTest, rule

LETTER = {"ram": "r", "device": "d", "seed": "s", "kernel": "k", "movable": "m"}


class WhatIf(MemmapdTest):
    def ctl(self, *args, check=0):
        done = subprocess.run([built("MEMMAPCTL", "ctl/memmapctl"), *args], text=True,
                              capture_output=True, timeout=30, check=False)
        self.assertEqual(done.returncode, check, done.stdout + done.stderr)
        return done

    def file(self, text):
        with tempfile.NamedTemporaryFile("w", suffix=".json", delete=False) as f:
            f.write(text if isinstance(text, str) else json.dumps(text))
        self.addCleanup(os.unlink, f.name)
        return f.name

    def plan(self, machine, what=None, *options):
        """The description; the machine itself is the snapshot."""
        machine.tree.put("/snapshot.json", json.dumps({"format": 1, "page_size": 4096}))
        done = self.ctl("plan", "--json", "--snapshot", machine.root,
                        "--policy", self.file(what or policy()), *options)
        return json.loads(done.stdout)

    def device(self, *args):
        return self.plan(*args)["devices"][0]

    def maps(self, device):
        """Placements and zones as the fake machine shows them, a letter a block."""
        placed = zones = ""
        for run in device["plan"]["runs"]:
            n = run["to"] - run["from"] + 1
            placed += LETTER[run["memmap"]] * n
            zones += LETTER[run["zone"]] * n
        return placed, zones

    def steps(self, machine):
        """Of what was done: to bind is one, whatever has to be written for it."""
        bound = next(i for i, w in enumerate(machine.actions())
                     if w[:2] == ["new_id", "memmapd_kmem"])
        return 1 + len([w for w in machine.actions()[bound:]
                        if w[0] in ("plug", "online", "place")])

    def assertDoneAsPlanned(self, machine, what):
        planned = self.device(machine, what)
        self.assertEqual(planned["state"], "planned")
        free = machine.nodes[0].kernel_free
        done = self.taken(machine, what)
        self.assertEqual(self.maps(planned), (machine.devices["dax0.0"].map, machine.states()))
        self.assertEqual(planned["plan"]["steps"], self.steps(machine))
        self.assertEqual(planned["plan"]["ram_cost"],
                         (free - machine.nodes[0].kernel_free) * PAGE)
        for key in ("verdict", "action", "memmap_mode", "zone", "order", "rule", "budget"):
            self.assertEqual(planned[key], done[key], key)
        self.assertEqual(self.codes(planned), self.codes(done))
        return planned

    def small(self, **kw):
        return self.machine(ram=768 * MiB, free=300 * MiB, devices=[Dax(size=64 * GiB)], **kw)

    def test_in_ram(self):
        m = self.machine(devices=[Dax(size=8 * GiB)])
        planned = self.assertDoneAsPlanned(m, policy())
        self.assertEqual(planned["plan"], {
            "steps": 1 + 1 + 64 + 64, "ram_cost": 128 * MiB, "seeds": 0,
            "runs": [{"from": 0, "to": 63, "wanted": True, "zone": "movable", "memmap": "ram",
                      "seed": False}]})

    def test_in_seeds(self):
        planned = self.assertDoneAsPlanned(self.small(), policy())
        self.assertEqual([r["seed"] for r in planned["plan"]["runs"]], [True, True, False])
        self.assertEqual(planned["plan"]["ram_cost"], 2 * MiB)

    def test_on_the_device(self):
        self.assertDoneAsPlanned(self.small(memmap_on_memory=True), policy())

    def test_in_the_kernel_zone(self):
        self.assertDoneAsPlanned(self.machine(devices=[Dax(size=4 * GiB)]),
                                 policy(zone="kernel", order="descending"))

    def test_mixed(self):
        planned = self.assertDoneAsPlanned(self.small(memmap_on_memory=True),
                                           policy(memmap="mixed"))
        self.assertEqual({r["memmap"] for r in planned["plan"]["runs"]}, {"ram", "device"})

    def test_what_is_done_is_not_planned_again(self):
        m = self.small()
        self.taken(m)
        planned = self.device(m)
        self.assertEqual((planned["state"], planned["plan"]["steps"]), ("online", 0))

    def test_fresh_is_as_before(self):
        for ram, how in ((768 * MiB, {}), (2 * GiB, {"memmap": "ram"})):
            m = self.machine(ram=ram, free=300 * MiB,
                             devices=[Dax(size=(16 if how else 64) * GiB)])
            before = self.device(m, policy(**how))
            self.taken(m, policy(**how))
            after = self.device(m, policy(**how), "--fresh")
            self.assertEqual(self.maps(after), self.maps(before))
            # It is bound already.
            self.assertEqual(after["plan"]["steps"], before["plan"]["steps"] - 1)
            # The kernel keeps less back of RAM once there is other memory.
            self.assertEqual(after["budget"]["free"], before["budget"]["free"])

    def test_one_after_the_other(self):
        m = self.machine(ram=1 * GiB, free=500 * MiB, possible=3, memmap_on_memory=True, devices=[
            Dax("dax2.0", size=16 * GiB, target_node=1),
            Dax("dax10.0", size=16 * GiB, target_node=2)])
        first, second = self.plan(m)["devices"]
        self.assertEqual([first["name"], second["name"]], ["dax2.0", "dax10.0"])
        self.assertEqual((first["budget"]["promised"], first["plan"]["ram_cost"]), (0, 256 * MiB))
        self.assertEqual(second["budget"]["promised"], 256 * MiB)
        self.assertEqual({r["memmap"] for r in first["plan"]["runs"]}, {"ram"})
        self.assertEqual({r["memmap"] for r in second["plan"]["runs"]}, {"device"})

    def test_nothing_is_changed(self):
        m = self.small()
        before = m.tree.snapshot()
        self.plan(m)
        self.assertEqual(m.tree.snapshot(), before)
        self.assertEqual(m.log, [])

    def test_refused(self):
        d = self.device(self.small(), policy(memmap="ram"))
        self.assertEqual((d["state"], d["verdict"]), ("refused", "refuse"))
        self.assertEqual(d["plan"], {"steps": 0, "ram_cost": 0, "seeds": 0, "runs": []})
        self.assertIn("cannot carry all memmaps", d["message"])
        self.assertIn("help-bytes", self.codes(d))

    def test_ignored(self):
        d = self.device(self.machine(devices=[Dax(backing="pmem")]),
                        policy(rule(match={"min_size": "1G"})))
        self.assertEqual((d["state"], d["plan"]["steps"]), ("ignored", 0))

    def test_as_if_the_module_were_loaded(self):
        m = self.machine(devices=[Dax(size=2 * GiB)], module=False, kmem=False)
        self.assertIn("no-backend", self.codes(self.device(m)))
        self.assertEqual(self.device(m, None, "--module")["state"], "planned")

    def test_of_the_kernel_driver_that_lets_go(self):
        """Its blocks are offline: taken over, they come anew."""
        m = self.machine(devices=[Dax(size=2 * GiB, driver="kmem")])
        planned = self.device(m)
        self.taken(m)
        self.assertEqual(self.maps(planned), (m.devices["dax0.0"].map, m.states()))
        self.assertEqual(planned["plan"]["steps"], self.steps(m))

    def test_same_json_as_explain(self):
        m = self.machine(devices=[Dax(size=2 * GiB)])
        planned = self.plan(m)
        d = self.daemon(m)
        d.wait_state("dax0.0", "online")
        described = json.loads(d.ctl("status", "--json", check=0).stdout)
        self.assertEqual(planned.keys(), described.keys())
        self.assertEqual(planned["devices"][0].keys() - {"plan"}, described["devices"][0].keys())
        self.assertEqual(planned["kernel"], described["kernel"])
        self.assertTrue(planned["daemon"]["dry_run"])

    def test_text(self):
        m = self.small()
        self.plan(m)
        out = self.ctl("plan", "--snapshot", m.root, "--policy", self.file(policy())).stdout
        self.assertRegex(out, r"(?m)^dax0\.0: planned\. Would be taken in\.$")
        self.assertRegex(out, r"(?m)^  block 0: kernel, memmap in RAM; seeds for others$")
        self.assertRegex(out, r"(?m)^  blocks 9-511: movable, memmap in a seed$")
        self.assertRegex(out, r"(?m)^  \d+ steps, 2 MiB of RAM of the [0-9.]+ MiB that node 0 has")
        self.assertRegex(out, r"(?m)^  1\. No rule matches")

    def test_mistakes(self):
        m = self.small()
        self.plan(m)
        bad = self.file(BAD_POLICY)
        self.assertIn(f"{bad}:3:", self.ctl("plan", "--policy", bad, check=1).stderr)
        self.assertIn("snapshot.json", self.ctl("plan", "--snapshot", "/proc", check=1).stderr)
        for about in ('{"format": 2, "page_size": 4096}', '{"format": 1, "page_size": 65536}',
                      "nonsense", ""):
            m.tree.put("/snapshot.json", about)
            self.assertIn(m.root, self.ctl("plan", "--snapshot", m.root, check=1).stderr)
        for wrong in (["status", "--fresh"], ["check", "--policy", bad, bad], ["plan", "dax0.0"],
                      ["snapshot"], ["snapshot", "a", "b"]):
            self.ctl(*wrong, check=2)

    def test_broken_machine(self):
        m = self.small()
        self.plan(m)
        m.tree.put("/proc/zoneinfo", "nothing of the kind")
        self.assertIn("Cannot read", self.ctl("plan", "--snapshot", m.root, check=1).stderr)

    def test_snapshot(self):
        """Of the machine this runs on, whatever it is."""
        with tempfile.TemporaryDirectory() as where:
            self.ctl("snapshot", where + "/new")
            self.assertEqual(os.stat(where + "/new").st_mode & 0o777, 0o700)
            with open(where + "/new/snapshot.json") as f:
                about = json.load(f)
            self.assertEqual(about["kernel"], os.uname().release)
            with open(where + "/new/proc/zoneinfo") as f:
                self.assertIn("zone", f.read())
            self.ctl("plan", "--snapshot", where + "/new")
            self.assertIn("not there yet", self.ctl("snapshot", where + "/new", check=1).stderr)
            self.ctl("snapshot", where + "/no/where", check=1)


if __name__ == "__main__":
    unittest.main()
