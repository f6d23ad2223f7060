# SPDX-License-Identifier: LGPL-2.1-or-later
"""memmapctl doctor finds rules of udev that bring memory online, and what to do about them."""
import json
import subprocess
import unittest
from pathlib import Path

from fakemachine import Dax, GiB, built
from harness import MemmapdTest

ETC, RUN, LIB = "/etc/udev/rules.d", "/run/udev/rules.d", "/usr/lib/udev/rules.d"

# Of the forms in which distributions have them.
VIRTUAL = """\
# Memory and CPUs that a hypervisor adds
ATTR{[dmi/id]sys_vendor}=="Some Vendor", GOTO="hotadd_apply"
GOTO="hotadd_end"

LABEL="hotadd_apply"
SUBSYSTEM=="memory", ACTION=="add", TEST=="state", ATTR{state}!="online", \\
# in between
  ATTR{state}="online"
SUBSYSTEM=="cpu", ACTION=="add", ATTR{online}=="0", ATTR{online}="1"
LABEL="hotadd_end"
"""
BY_VARIABLE = """\
SUBSYSTEM!="memory", GOTO="memory_end"
ACTION!="add", GOTO="memory_end"
ENV{.state}="online"
CONST{virt}=="none", ENV{.state}="online_movable"
ATTR{state}=="offline", ATTR{state}="$env{.state}"
LABEL="memory_end"
"""
SHORT = 'SUBSYSTEM=="memory", ACTION=="add", ATTR{state}="online"\n'
BY_SHELL = """KERNEL=="memory[0-9]*", RUN+="/bin/sh -c 'echo online >/sys$devpath/state'"\n"""
HARMLESS = {
    "cpu": 'SUBSYSTEM=="cpu", ATTR{online}=="0", ATTR{online}="1"\n',
    "comment": "# " + SHORT,
    "asks": 'SUBSYSTEM=="memory", ATTR{state}=="online", ENV{IS}="online"\n',
    "offline": 'SUBSYSTEM=="memory", ATTR{state}="offline"\n',
    "another-attribute": 'SUBSYSTEM=="memory", ATTR{phys_device}="online"\n',
    "another-subsystem": 'SUBSYSTEM=="block", ATTR{state}="online"\n',
    "after-the-label": 'SUBSYSTEM!="memory", GOTO="end"\nLABEL="end"\nATTR{state}="online"\n',
    "broken": 'SUBSYSTEM=="memory, ATTR{state}=online\n',
    "empty": "", "backslash": "\\", "blank": " \n\t\n",
}


class DoctorUdev(MemmapdTest):
    def setUp(self):
        super().setUp()
        self.m = self.machine(memmap_on_memory=True, devices=[Dax(size=1 * GiB)])
        self.m.tree.dir(ETC)

    def doctor(self, *options, code=None):
        done = subprocess.run([built("MEMMAPCTL", "ctl/memmapctl"), "doctor", "--sysroot",
                               self.m.root, *options], text=True, capture_output=True, timeout=30,
                              check=False, stdin=subprocess.DEVNULL)
        if code is not None:
            self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout

    def found(self):
        return [f for f in json.loads(self.doctor("--json"))["findings"] if f["check"] == "udev"]

    def one(self, severity="note"):
        [f] = self.found()
        self.assertEqual(f["severity"], severity, f)
        return f

    def path(self, name):
        return Path(self.m.tree.path(name))

    def test_there_is_no_udev(self):
        self.path(ETC).rmdir()
        self.assertEqual(self.found(), [])

    def test_harmless(self):
        for name, text in HARMLESS.items():
            with self.subTest(name):
                self.m.tree.put(f"{LIB}/50-{name}.rules", text)
                self.assertEqual(self.one("good")["what"], "udev has no rule that brings memory online.")
                self.path(f"{LIB}/50-{name}.rules").unlink()
        self.m.tree.put(f"{LIB}/README", SHORT)
        self.one("good")

    def test_found(self):
        for text, lines in ((VIRTUAL, "6-8"), (BY_VARIABLE, "5"), (SHORT, "1"), (BY_SHELL, "1"),
                            (SHORT.replace("online", "online_movable"), "1"),
                            (SHORT.rstrip(), "1"), ("\n" + SHORT + HARMLESS["cpu"] + SHORT, "2, 4"),
                            (SHORT.replace('"online"', 'e"online"'), "1"),
                            ('SUBSYSTEM=="cpu|memory", ATTR{state}:="online"', "1")):
            with self.subTest(text):
                self.m.tree.put(f"{LIB}/40-x.rules", text)
                self.assertIn(f": /{LIB[1:]}/40-x.rules, line {lines}.", self.one()["what"])

    def test_remedy(self):
        for text, remedy in (
                (SHORT, f"ln -s /dev/null {ETC}/80-x.rules"),
                (BY_VARIABLE, f"ln -s /dev/null {ETC}/80-x.rules"),
                (VIRTUAL, f"sed '6,8s/^/#/' {LIB}/80-x.rules >{ETC}/80-x.rules")):
            self.m.tree.put(f"{LIB}/80-x.rules", text)
            self.assertIn(remedy, self.one()["remedy"].splitlines())
            self.assertIn("a DIMM", self.one()["remedy"])

    def test_the_remedies_help(self):
        """As they are told."""
        self.m.tree.put(f"{LIB}/80-x.rules", VIRTUAL)
        for _ in range(2):
            [command] = [line for line in self.one()["remedy"].splitlines() if line.startswith("sed")]
            command = command.replace(" /", f" {self.m.root}/").replace(">/", f">{self.m.root}/")
            subprocess.run(["sh", "-ec", command], check=True)
            self.one("good")
            # Once for what the distribution has, and once for one's own.
            self.m.tree.put(f"{ETC}/80-x.rules", VIRTUAL)
        self.path(f"{ETC}/80-x.rules").unlink()
        self.path(f"{ETC}/80-x.rules").symlink_to("/dev/null")
        self.one("good")

    def test_which_file_counts(self):
        self.m.tree.put(f"{LIB}/80-x.rules", SHORT)
        self.m.tree.put(f"{RUN}/80-x.rules", SHORT + SHORT)
        self.assertIn("/run/udev/rules.d/80-x.rules, line 1, 2", self.one()["what"])
        self.m.tree.put(f"{ETC}/80-x.rules", "# nothing\n")
        self.one("good")
        self.m.tree.put(f"{ETC}/80-x.rules", "\n" + SHORT)
        f = self.one()
        self.assertIn("/etc/udev/rules.d/80-x.rules, line 2", f["what"])
        self.assertIn("sed -i '2,2s/^/#/' /etc/udev/rules.d/80-x.rules", f["remedy"])
        # It is somebody's own.
        self.assertIsNone(f["fix"])
        self.m.tree.put(f"{LIB}/81-y.rules", SHORT)
        self.assertEqual(len(self.found()), 2)

    def test_fix(self):
        self.m.tree.put(f"{LIB}/40-x.rules", VIRTUAL)
        self.m.tree.put(f"{LIB}/80-y.rules", SHORT)
        self.assertEqual({f["fix"]["state"] for f in self.found()}, {"missing"})
        shown = self.doctor("--fix", code=7)
        self.assertFalse(list(self.path(ETC).iterdir()))
        self.assertIn(f"+++ {self.m.root}{ETC}/40-x.rules\n+# Made by", shown)
        self.assertIn('\n+#  ATTR{state}="online"\n+SUBSYSTEM=="cpu"', shown)
        self.doctor("--fix", "--yes", code=0)
        self.one("good")
        made = self.path(f"{ETC}/40-x.rules").read_text(encoding="utf-8").splitlines()
        was = VIRTUAL.splitlines()
        self.assertEqual(made[3:], was[:5] + ["#" + line for line in was[5:8]] + was[8:])
        self.assertTrue(all(line.startswith("# ") for line in made[:3]))
        rest = self.path(f"{ETC}/80-y.rules").read_text(encoding="utf-8")
        self.assertTrue(all(line.startswith("# ") for line in rest.splitlines()), rest)
        # Undone, it is as before.
        for path in self.path(ETC).iterdir():
            path.unlink()
        self.assertEqual(len(self.found()), 2)

    def test_no_dax_device_no_fix(self):
        """Others may count on it."""
        self.m.remove("dax0.0")
        self.m.tree.put(f"{LIB}/80-y.rules", SHORT)
        f = self.one()
        self.assertIsNone(f["fix"])
        self.assertNotIn("--fix", f["remedy"])


if __name__ == "__main__":
    unittest.main()
