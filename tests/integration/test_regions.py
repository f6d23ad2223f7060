# SPDX-License-Identifier: LGPL-2.1-or-later
"""Regions are made of CXL expanders that none uses, if the policy says so."""
import errno
import os
import subprocess
import tempfile
import time
import unittest
import unittest.mock
from pathlib import Path

from fakemachine import Cxl, Expander, GiB, MiB, policy
from fakemachine.daemon import built
from harness import MemmapdTest, rule


class Regions(MemmapdTest):
    def cxl(self, *expanders, **kw):
        m = self.machine(ram=2 * GiB)
        m.cxl = Cxl(m, **kw)
        for e in expanders:
            m.cxl.plug(e)
        return m

    def regions(self, m):
        """What each region is made of."""
        with m.lock:
            return {r.name: [r.targets[i].name for i in sorted(r.targets)]
                    for r in m.cxl.regions.values()}

    def assertNothingStays(self, m):
        self.assertEqual(self.regions(m), {})
        self.assertEqual({e.name: e.dpa for e in m.cxl.expanders.values() if e.dpa}, {})
        self.assertEqual(self.left(m), [])

    def left(self, m):
        run = m.root + "/run/memmapd"
        return [n for n in os.listdir(run) if n.startswith("region")] if os.path.isdir(run) else []

    def test_off_by_default(self):
        m = self.cxl(Expander(0))
        d = self.daemon(m, policy(rule(create_region=False), create_region=True))
        d.settle()
        self.assertEqual(m.actions("cxl"), [])

    def test_at_start_and_live(self):
        m = self.cxl(Expander(0, 1 * GiB))
        d = self.daemon(m, policy(create_region=True))
        d.wait_state("dax0.0", "online")
        self.assertEqual(self.regions(m), {"region0": ["mem0"]})
        self.assertEqual(m.cxl.regions["region0"].size, 1 * GiB)
        self.assertAllOnline(m)
        self.assertEqual(d.wait_message("REGION_CREATED")["MESSAGE"],
                         "region0: Made of mem0 in decoder0.0: 1024 MiB.")
        m.cxl.plug(Expander(1, 2 * GiB))
        d.wait_state("dax1.0", "online")
        self.assertEqual(self.regions(m), {"region0": ["mem0"], "region1": ["mem1"]})
        self.assertEqual(d.message("REGION_CREATED")[1]["MEMMAPD_DEVICE"], "region1")
        self.assertEqual((self.left(m), d.message("REGION_FAILED")), ([], []))
        self.assertHealthy(m)

    def test_rules_see_what_is_known(self):
        m = self.cxl(*(Expander(n, 1 * GiB) for n in range(4)))
        d = self.daemon(m, policy(
            rule("not this one", {"memdev": "mem1"}),
            rule("nor this", {"serial": "0x1002"}, create_region=True, action="ignore"),
            rule("nor by node", {"target_node": 1}, create_region=True),
            rule("this", {"backing": "cxl", "min_size": "1G", "serial": "0x1003"},
                 create_region=True)))
        d.wait_message("REGION_CREATED")
        d.settle()
        self.assertEqual(self.regions(m), {"region0": ["mem3"]})

    def test_rules_see_node_and_firmware(self):
        m = self.cxl(Expander(0, node=1), Expander(1, firmware="FAKE 2"), Expander(2, node=-1))
        d = self.daemon(m, policy(
            rule("far away", {"expander_node": 1}, create_region=True),
            rule("with the cure", {"firmware": "*2"}, create_region=True)))
        d.wait_state("dax0.0", "online")
        d.wait_state("dax1.0", "online")
        d.settle()
        self.assertEqual(self.regions(m), {"region0": ["mem0"], "region1": ["mem1"]})

    def test_rules_see_the_root_decoder(self):
        """Once there is a region; before, nobody can tell in which window it will be."""
        m = self.cxl(Expander(0))
        d = self.daemon(m, policy(
            rule("not before", {"decoder": "decoder0.0"}, zone="kernel", create_region=False),
            rule("not at all", {"decoder": "decoder0.1"}, action="ignore"), create_region=True))
        d.wait_state("dax0.0", "online")
        self.assertEqual(d.device("dax0.0")["rule"], "not before")
        self.assertIn("region region0 of decoder0.0", d.ctl("show", "-n0", "dax0.0", check=0).stdout)

    def test_interleaved(self):
        m = self.cxl(Expander(0, 1 * GiB), Expander(1, 512 * MiB))
        d = self.daemon(m, policy(create_region={"ways": 2, "granularity": 1024}))
        d.wait_state("dax0.0", "online")
        r = m.cxl.regions["region0"]
        self.assertEqual((r.ways, r.granularity, r.size), (2, 1024, 1 * GiB))
        self.assertIn("mem0 and mem1", d.wait_message("REGION_CREATED")["MESSAGE"])

    def test_interleaved_over_bridges(self):
        m = self.cxl(Expander(0, bridge=1), Expander(1, bridge=0), bridges=2, interleaved=True)
        d = self.daemon(m, policy(create_region=True))
        d.wait_state("dax0.0", "online")
        self.assertEqual(self.regions(m), {"region0": ["mem1", "mem0"]})

    def test_waits_for_the_second(self):
        m = self.cxl(Expander(0))
        d = self.daemon(m, policy(create_region={"ways": 2}))
        d.wait(lambda: "waiting for more" in d.log, "it waits")
        d.settle()
        self.assertEqual(m.actions("cxl"), [])
        m.cxl.plug(Expander(1))
        d.wait_state("dax0.0", "online")
        self.assertEqual(self.regions(m), {"region0": ["mem0", "mem1"]})
        self.assertEqual(d.log.count("waiting for more"), 1)

    def test_what_is_used_is_let_be(self):
        used, disabled = Expander(0), Expander(1, enabled=False)
        used.dpa, used.mode = 256 * MiB, "pmem"
        m = self.cxl(used, disabled, Expander(2, 0, pmem=1 * GiB))
        d = self.daemon(m, policy(create_region=True))
        d.settle()
        self.assertEqual(m.actions("cxl"), [])
        self.assertEqual(d.message("REGION_FAILED"), [])

    def test_no_window(self):
        m = self.cxl(Expander(0, bridge=1), bridges=2)
        d = self.daemon(m, policy(create_region=True))
        said = d.wait_message("REGION_FAILED")
        self.assertIn("no window of addresses", said["MESSAGE"])
        self.assertEqual((said["MEMMAPD_DEVICE"], said["ERRNO"]), ("mem0", str(errno.ENXIO)))

    def test_no_room(self):
        m = self.cxl(Expander(0, 2 * GiB), extent=1 * GiB)
        d = self.daemon(m, policy(create_region=True))
        self.assertIn("in decoder0.0: there is no room", d.wait_message("REGION_FAILED")["MESSAGE"])

    def test_old_kernel(self):
        m = self.cxl(Expander(0), can_create=False)
        d = self.daemon(m, policy(create_region=True))
        self.assertIn("Linux can since 6.3", d.wait_message("REGION_FAILED")["MESSAGE"])

    def test_libraries(self):
        """The daemon has none that only its workers and memmapd-load-module have use for."""
        m = self.cxl(Expander(0))
        d = self.daemon(m, policy(create_region=True))
        d.wait_message("REGION_CREATED")
        maps = Path(f"/proc/{d.process.pid}/maps").read_text(encoding="utf-8")
        self.assertRegex(maps, "/libsystemd")
        self.assertNotRegex(maps, "/lib(cxl|kmod|crypto|uuid)|/memmapd-cxl")

    def no_module(self, content):
        """What is said when the daemon's module with libcxl is this."""
        m = self.cxl(Expander(0))
        with tempfile.TemporaryDirectory() as first:
            self.module = Path(first, "memmapd-cxl.so")
            self.module.write_bytes(content)
            with unittest.mock.patch.dict(os.environ, LD_LIBRARY_PATH=first):
                d = self.daemon(m, policy(create_region=True))
            said = d.wait_message("REGION_FAILED")
        self.assertEqual(said["ERRNO"], str(errno.ELIBACC))
        self.assertEqual(self.regions(m), {})
        self.assertNothingStays(m)
        return said["MESSAGE"]

    def test_without_libcxl(self):
        """It is loaded when it is needed, and what is in the way is told."""
        said = self.no_module(b"no library\n" * 100)
        self.assertIn(f"libcxl cannot be used: {self.module}: ", said)

    def test_half_upgraded(self):
        """The module that is installed is newer than the daemon that runs."""
        memmapd = built("MEMMAPD", "daemon/memmapd")
        module = Path(memmapd).with_name("memmapd-cxl.so").read_bytes()
        version = subprocess.check_output([memmapd, "--version"]).split()[1] + b"\0"
        self.assertEqual(module.count(version), 1)
        said = self.no_module(module.replace(version, version[:-2] + b"~\0"))
        self.assertIn("another version of memmapd", said)

    def test_failure_leaves_nothing(self):
        for step in ("create", "interleave_ways", "size", "mode", "dpa_size", "target0", "commit",
                     "bind"):
            with self.subTest(step=step):
                m = self.cxl(Expander(0))
                m.faults.failing["cxl", step] = [errno.EIO, 1]
                d = self.daemon(m, policy(create_region=True))
                said = d.wait_message("REGION_FAILED")
                d.settle()
                for part in ("mem0", "decoder", os.strerror(errno.EIO) if step != "bind" else "No",
                             "cxl create-region"):
                    self.assertIn(part, said["MESSAGE"])
                self.assertRegex(said["MESSAGE"], r"\(at decoder(0|20)\.0\)")
                self.assertNothingStays(m)
                self.assertEqual(len(d.message("REGION_FAILED")), 1)

    def test_retry(self):
        m = self.cxl(Expander(0))
        m.faults.failing["cxl", "commit"] = [errno.EBUSY, 2]
        d = self.daemon(m, policy(create_region=True, retry={"times": 3, "delay": "10ms"}))
        d.wait_state("dax2.0", "online")
        self.assertEqual(len(self.refused(m)), 2)
        self.assertEqual(len(d.message("REGION_FAILED")), 1)

    def refused(self, m):
        return [line for line in m.log if line.startswith("commit ") and line.endswith(" EBUSY")]

    def test_no_more_tries(self):
        m = self.cxl(Expander(0))
        m.faults.failing["cxl", "commit"] = [errno.EBUSY, 3]
        d = self.daemon(m, policy(create_region=True, retry={"times": 1, "delay": "10ms"}))
        d.wait(lambda: len(self.refused(m)) == 2, "it is tried again")
        d.settle()
        self.assertEqual(len(self.refused(m)), 2)
        self.assertEqual(len(d.message("REGION_FAILED")), 1)
        # A reload is one more try, and its retry another one.
        d.reload()
        d.wait_state("dax3.0", "online")
        self.assertEqual(len(d.message("REGION_FAILED")), 2)

    STEPS = ("create", "interleave_granularity", "interleave_ways", "size", "dpa_size", "mode",
             "target0", "commit", "bind")

    def test_killed(self):
        """At each step; then another daemon brings it to an end."""
        for step in self.STEPS:
            with self.subTest(step=step):
                self.kill_at(step)

    def kill_at(self, step):
        m = self.cxl()
        d = self.daemon(m, policy(create_region=True))
        killed = []

        def hook(line):
            if line.split()[0] == step and not killed:
                killed.append(line)
                d.sigkill()
                time.sleep(0.1)
        m.faults.hook = hook
        m.cxl.plug(Expander(0))
        d.wait(lambda: not d.running, "it is killed", alive=False)
        self.assertEqual(len(killed), 1)
        self.assertEqual(self.left(m), ["region-region0.json"])
        d.start()
        d.wait(lambda: m.devices, "there is a device")
        d.wait_state(next(iter(m.devices)), "online")
        # It may be that fast where the kernel had finished it.
        d.wait(lambda: not self.left(m), "nothing is half made")
        self.assertEqual(list(self.regions(m).values()), [["mem0"]])
        # What the kernel had in hand it finished.
        self.assertIn("is finished" if step in ("commit", "bind") else "is deleted",
                      d.wait_message("REGION_CONVERGED")["MESSAGE"])

    def test_dry_run(self):
        m = self.cxl(Expander(0))
        d = self.daemon(m, policy(create_region=True), "--dry-run")
        d.wait(lambda: "regions would be made" in d.log, "it says so")
        d.settle()
        self.assertEqual(m.actions("cxl"), [])
        self.assertEqual(d.log.count("regions would be made"), 1)


if __name__ == "__main__":
    unittest.main()
