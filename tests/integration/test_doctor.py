# SPDX-License-Identifier: LGPL-2.1-or-later
"""memmapctl doctor: what stands in the way is found, and nothing else."""
import json
import os
import subprocess
import unittest

from fakemachine import Dax, GiB, MiB, built, policy
from harness import BAD_POLICY, PARAMETER, MemmapdTest


class Doctor(MemmapdTest):
    def look(self, machine, code=0, *options):
        machine.tree.put("/snapshot.json", json.dumps({"format": 1, "page_size": 4096}))
        done = subprocess.run([built("MEMMAPCTL", "ctl/memmapctl"), "doctor", *options,
                               "--snapshot", machine.root], text=True, capture_output=True,
                              timeout=30, check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertEqual(done.stderr, "")
        return done.stdout

    def findings(self, machine, code=0):
        """{check: finding}, each check there once."""
        said = json.loads(self.look(machine, code, "--json"))
        self.assertEqual(said["format"], 1)
        found = {f["check"]: f for f in said["findings"]}
        self.assertEqual(len(found), len(said["findings"]))
        return found

    def assertFinding(self, finding, severity, what, remedy=None):
        self.assertEqual(finding["severity"], severity, finding)
        self.assertIn(what, finding["what"])
        if remedy is None:
            self.assertIsNone(finding["remedy"])
        else:
            self.assertIn(remedy, finding["remedy"])

    def test_nothing_is_wrong(self):
        m = self.machine(memmap_on_memory=True)
        m.tree.put("/sys/devices/system/memory/auto_online_blocks", "offline\n")
        found = self.findings(m)
        self.assertEqual({f["severity"] for f in found.values()}, {"good"}, found)
        self.assertEqual(set(found), {"module", "memmap-on-memory", "auto-online", "zones",
                                      "blocks"})

    def test_boot_parameter(self):
        self.assertFinding(self.findings(self.machine())["memmap-on-memory"], "note",
                           PARAMETER, "update-grub")

    def test_module(self):
        m = self.machine(module=False)
        self.assertFinding(self.findings(m, 1)["module"], "wrong", "not loaded", "memmapd-dkms")
        m.tree.put("/run/memmapd/module", "the kernel refuses the signature of memmapd_kmem\n")
        self.assertFinding(self.findings(m, 1)["module"], "wrong", "refuses the signature",
                           "SECURE BOOT")

    def test_module_and_what_there_is_of_it(self):
        """Each thing that is missing has a remedy of its own, for the kernel that runs."""
        m = self.machine(module=False)
        m.tree.put("/proc/sys/kernel/osrelease", "6.1.0-9-amd64\n")
        modules = "/lib/modules/6.1.0-9-amd64/modules.dep"

        def says(what, *remedy):
            found = self.findings(m, 1)["module"]
            self.assertIn(what, found["what"])
            for part in remedy:
                self.assertIn(part, found["remedy"])

        m.tree.put(modules, "kernel/drivers/dax/kmem.ko:\n")
        says("was not built for this kernel", "Install memmapd-dkms and linux-headers-6.1.0-9-amd64")
        m.tree.dir("/var/lib/dkms/memmapd")
        says("was not built for this kernel", "dkms autoinstall -k 6.1.0-9-amd64")
        m.tree.put(modules, "updates/dkms/memmapd_kmem.ko:\n")
        says("not loaded", "modprobe memmapd_kmem")
        for why, remedy in (("memmapd_kmem was built for another kernel than this", "--force -k 6.1"),
                            ("memmapd_kmem is blacklisted in modprobe.d", "Remove the line"),
                            ("the kernel refuses the signature of memmapd_kmem", "mokutil --import")):
            m.tree.put("/run/memmapd/module", why + "\n")
            says(why, remedy)

    def test_config(self):
        m = self.machine()
        m.tree.put("/proc/sys/kernel/osrelease", "6.1.0-9-amd64\n")
        config = ["CONFIG_MEMORY_HOTPLUG=y", "CONFIG_MEMORY_HOTREMOVE=y",
                  "CONFIG_MHP_MEMMAP_ON_MEMORY=y", "CONFIG_DAX=y", "CONFIG_DEV_DAX=m",
                  "CONFIG_DEV_DAX_HMEM=m", "CONFIG_DEV_DAX_KMEM=m"]

        def look(lines, code=0):
            m.tree.put("/boot/config-6.1.0-9-amd64", "\n".join(lines) + "\n")
            return self.findings(m, code)["config"]

        self.assertFinding(look(config), "good", "all that memmapd can use")
        for i, option in enumerate(line.split("=")[0] for line in config):
            lines = [*config[:i], f"# {option} is not set", *config[i + 1:]]
            needed = option in ("CONFIG_MEMORY_HOTPLUG", "CONFIG_DAX", "CONFIG_DEV_DAX")
            self.assertFinding(look(lines, int(needed)), "wrong" if needed else "note",
                               f"without {option}.", option)

    def test_blocks(self):
        """What fills no block is named, and the size that would."""
        m = self.machine(devices=[Dax(size=8 * GiB)])
        self.assertFinding(self.findings(m)["blocks"], "good", "128 MiB, and all devices")
        m = self.machine(devices=[Dax(ranges=[(64 * GiB + 64 * MiB, 1 * GiB)])])
        self.assertFinding(self.findings(m)["blocks"], "note", "128 MiB of dax0.0 fill no",
                           "multiples of 128 MiB")
        m = self.machine(devices=[Dax(ranges=[(64 * GiB + 64 * MiB, 128 * MiB)])])
        self.assertFinding(self.findings(m, 1)["blocks"], "wrong", "no whole memory block",
                           "from one multiple of 128 MiB")

    def test_no_hotplug(self):
        m = self.machine()
        os.unlink(m.tree.path("/sys/devices/system/memory/block_size_bytes"))
        self.assertFinding(self.findings(m, 1)["hotplug"], "wrong", "cannot add memory",
                           "CONFIG_MEMORY_HOTPLUG")

    def test_auto_online(self):
        m = self.machine()
        m.tree.put("/sys/devices/system/memory/auto_online_blocks", "online_movable\n")
        self.assertFinding(self.findings(m)["auto-online"], "note", '"online_movable"',
                           "memhp_default_state=offline")

    def test_firmware_memory(self):
        m = self.machine()
        m.tree.put("/proc/cmdline", "quiet\n")
        self.assertNotIn("soft-reserve", self.findings(m))
        m.tree.put("/proc/cmdline", "quiet efi=nosoftreserve\n")
        self.assertFinding(self.findings(m)["soft-reserve"], "note", "efi=nosoftreserve", "without")

    def test_cxl(self):
        m = self.machine()
        m.tree.put("/sys/bus/acpi/devices/ACPI0017:00/hid", "ACPI0017\n")
        self.assertFinding(self.findings(m, 1)["cxl"], "wrong", "does not drive", "cxl_acpi")
        m.tree.put("/sys/bus/cxl/devices/root0/devtype", "cxl_port\n")
        self.assertFinding(self.findings(m)["cxl"], "good", "CXL")

    def test_zones(self):
        m = self.machine(ram=1 * GiB, free=500 * MiB, devices=[Dax(size=8 * GiB)])
        self.assertFinding(self.findings(m)["zones"], "good", "movable")
        self.taken(m, policy(memmap="seed", zone="movable"))
        self.assertFinding(self.findings(m, 1)["zones"], "wrong", "movable", '"zone": "auto"')

    def test_text(self):
        m = self.machine()
        m.tree.put("/sys/devices/system/memory/auto_online_blocks", "online\n")
        lines = self.look(m).splitlines()
        self.assertIn("good   memmapd_kmem is loaded.", lines)
        self.assertIn("       Boot with memhp_default_state=offline.", lines)
        self.assertNotIn("\033", "".join(lines))


class Running(MemmapdTest):
    """The machine is the one that the test runs on; memmapd has another."""

    def findings(self, daemon):
        done = daemon.ctl("doctor", "--json")
        self.assertEqual(done.stderr, "")
        return {f["check"]: f for f in json.loads(done.stdout)["findings"]}

    def test_devices(self):
        d = self.daemon(self.machine(devices=[Dax(size=8 * GiB)]))
        d.wait_state("dax0.0", "online")
        found = self.findings(d)
        self.assertEqual([found[c]["severity"] for c in ("daemon", "policy", "device")],
                         ["good"] * 3)
        self.assertIn("1 dax device, and nothing wrong with it", found["device"]["what"])

    def test_refused(self):
        d = self.daemon(self.machine(ram=768 * MiB, free=300 * MiB,
                                     devices=[Dax(size=64 * GiB)]),
                        policy(memmap="ram"))
        d.wait_state("dax0.0", "refused")
        found = self.findings(d)["device"]
        self.assertEqual(found["severity"], "wrong")
        self.assertRegex(found["what"], "^dax0.0 is refused: .*memmap")
        self.assertIn("memmapctl explain dax0.0", found["remedy"])
        self.assertEqual(d.ctl("doctor").returncode, 1)

    def test_broken_policy(self):
        d = self.daemon(self.machine())
        d.set_policy(BAD_POLICY)
        self.assertEqual(d.ctl("reload").returncode, 1)
        found = self.findings(d)["policy"]
        self.assertEqual(found["severity"], "wrong")
        self.assertIn(":3:", found["what"])

    def test_not_running(self):
        d = self.daemon(self.machine(), start=False)
        done = d.ctl("doctor")
        self.assertIn(done.returncode, (1, 3))
        self.assertIn("memmapd is not running", done.stderr)
        self.assertIn("memmap", done.stdout)


if __name__ == "__main__":
    unittest.main()
