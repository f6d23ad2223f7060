# SPDX-License-Identifier: LGPL-2.1-or-later
"""memmapctl doctor --fix: what it writes, what it asks before, and what it leaves alone."""
import json
import os
import pty
import re
import select
import stat
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from fakemachine import Dax, GiB, built
from harness import PARAMETER, MemmapdTest

GRUB = "/etc/default/grub.d/memmapd.cfg"
KMEM = "/etc/modprobe.d/memmapd.conf"
MKCONFIG = Path("/usr/sbin/grub-mkconfig")
FIXED, BAD, USAGE, NOT_FIXED = 0, 1, 2, 7


class Fix(MemmapdTest):
    def setUp(self):
        super().setUp()
        self.m = self.machine()
        self.tree = self.m.tree
        self.tree.put("/usr/sbin/grub-mkconfig", MKCONFIG.read_text(encoding="utf-8"))
        self.tree.dir("/etc/default")
        self.tree.dir("/etc/modprobe.d")

    def path(self, name):
        return Path(self.tree.path(name))

    def command(self, *options):
        return [built("MEMMAPCTL", "ctl/memmapctl"), "doctor", "--sysroot", self.m.root, *options]

    def doctor(self, code, *options, umask=0o022):
        done = subprocess.run(self.command(*options), text=True, capture_output=True, timeout=30,
                              check=False, stdin=subprocess.DEVNULL, umask=umask)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def on_terminal(self, answer):
        """(exit code, what was on the screen)."""
        pid, fd = pty.fork()
        if pid == 0:
            os.execv(self.command()[0], self.command("--fix"))
        said, end = "", time.monotonic() + 30
        while time.monotonic() < end:
            if select.select([fd], [], [], 0.2)[0]:
                try:
                    said += os.read(fd, 65536).decode()
                except OSError:
                    break
                if said.endswith("[y/N] "):
                    os.write(fd, answer)
        os.close(fd)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), said.replace("\r", "")

    def files(self):
        """All that there is below /etc, with what is in it."""
        etc = self.path("/etc")
        return {str(p.relative_to(etc)): p.read_bytes() for p in etc.rglob("*") if p.is_file()}

    def held_by_kmem(self):
        self.m.add(Dax(size=1 * GiB), event=False)
        self.m.write("/sys/bus/dax/drivers/kmem/new_id", "dax0.0")

    def finding(self, check, code=0):
        found = json.loads(self.doctor(code, "--json").stdout)["findings"]
        return next((f for f in found if f["check"] == check), None)

    def test_shown_and_not_done(self):
        for options in ("--fix",), ("--fix", "--dry-run"), ("--fix", "--json"):
            said = self.doctor(NOT_FIXED, *options)
            self.assertEqual(self.files(), {})
            self.assertFalse(self.path("/etc/default/grub.d").exists())
            self.assertIn(PARAMETER, said.stdout)
            self.assertEqual("--yes" in said.stderr, "--dry-run" not in options)
        shown = self.doctor(NOT_FIXED, "--fix").stdout
        self.assertIn(f"+++ {self.m.root}{GRUB}\n+# Made by", shown)
        self.assertIn("Nothing was changed.", shown)

    def test_written(self):
        shown = self.doctor(NOT_FIXED, "--fix").stdout
        said = self.doctor(FIXED, "--fix", "--yes", umask=0o077)
        self.assertEqual(said.stderr, "")
        self.assertIn(f"{GRUB} is written.", said.stdout)
        self.assertIn("update-grub", said.stdout)
        self.assertEqual(list(self.files()), [GRUB.removeprefix("/etc/")])
        text = self.path(GRUB).read_text(encoding="ascii")
        self.assertEqual(re.findall(r"(?m)^\+(?!\+\+)(.*\n)", shown), text.splitlines(True))
        for path, mode in (GRUB, 0o644), ("/etc/default/grub.d", 0o755):
            self.assertEqual(stat.S_IMODE(self.path(path).stat().st_mode), mode)

    def written(self):
        """What changes if the file is written; when it was read last does not count."""
        st = self.path(GRUB).stat()
        return st.st_ino, st.st_mode, st.st_size, st.st_mtime_ns, st.st_ctime_ns

    def test_twice(self):
        self.doctor(FIXED, "--fix", "--yes")
        before = self.written()
        self.assertIn("is there: ", self.finding("memmap-on-memory")["remedy"])
        said = self.doctor(FIXED, "--fix", "--yes").stdout
        self.assertIn("is there already", said)
        self.assertIn("nothing to write", said)
        self.assertEqual(self.written(), before)
        self.doctor(FIXED, "--fix", "--dry-run")

    def test_somebody_elses(self):
        self.tree.put(GRUB, "GRUB_TIMEOUT=3\n")
        before = self.files()
        for options in ("--yes",), ("--dry-run",):
            self.assertIn("left as it is", self.doctor(BAD, "--fix", *options).stderr)
            self.assertEqual(self.files(), before)
        self.assertEqual(self.finding("memmap-on-memory")["fix"]["state"], "foreign")

    def test_somebody_elses_link(self):
        target = Path(self.m.root, "elsewhere")
        target.write_text("", encoding="ascii")
        self.path(GRUB).parent.mkdir()
        for to in target, Path("/nowhere"):
            self.path(GRUB).symlink_to(to)
            self.assertIn("left as it is", self.doctor(BAD, "--fix", "--yes").stderr)
            self.path(GRUB).unlink()
        self.assertEqual(target.read_bytes(), b"")

    def test_one_of_two_is_somebody_elses(self):
        self.held_by_kmem()
        self.tree.put(GRUB, "GRUB_TIMEOUT=3\n")
        self.doctor(BAD, "--fix", "--yes")
        self.assertEqual(self.files()["default/grub.d/memmapd.cfg"], b"GRUB_TIMEOUT=3\n")
        self.assertIn(b"\nblacklist kmem\n", self.files()["modprobe.d/memmapd.conf"])

    def test_cannot_be_written(self):
        self.path("/etc/default/grub.d").write_text("", encoding="ascii")
        self.assertIn("Cannot write", self.doctor(BAD, "--fix", "--yes").stderr)
        self.path("/etc/default/grub.d").unlink()
        self.path("/etc/default").rmdir()
        self.assertIn("Cannot write", self.doctor(BAD, "--fix", "--yes").stderr)

    def test_no_room_leaves_nothing(self):
        """A file of that size is not allowed: what was begun is not left behind."""
        limited = ["sh", "-c", 'trap "" XFSZ; ulimit -f 0; "$@"', "-", *self.command("--fix", "--yes")]
        done = subprocess.run(limited, text=True, stdout=subprocess.PIPE, timeout=30,
                              stderr=subprocess.PIPE, check=False)
        self.assertEqual(done.returncode, BAD, done.stderr)
        self.assertEqual(list(self.path("/etc/default/grub.d").iterdir()), [])

    def test_asked(self):
        for answer in b"n\n", b"\n", b"\x04":
            code, said = self.on_terminal(answer)
            self.assertEqual(code, NOT_FIXED, said)
            self.assertEqual(self.files(), {})
        code, said = self.on_terminal(b"y\n")
        self.assertEqual(code, FIXED, said)
        self.assertLess(said.index(f"{PARAMETER}\""), said.index("Write this?"))
        self.assertEqual(list(self.files()), [GRUB.removeprefix("/etc/")])

    def test_kmem(self):
        self.assertIsNone(self.finding("kmem"))
        self.held_by_kmem()
        self.assertIn("dax0.0", self.finding("kmem")["what"])
        self.doctor(FIXED, "--fix", "--yes")
        self.assertIn("\nblacklist kmem\n", self.path(KMEM).read_text(encoding="ascii"))
        self.assertIn("is there: boot", self.finding("kmem")["remedy"])

    def test_no_grub(self):
        """One that does not read drop-ins is not helped by them."""
        for script in "#!/bin/sh\n. /etc/default/grub\n", None:
            if script:
                self.tree.put("/usr/sbin/grub-mkconfig", script)
            else:
                self.path("/usr/sbin/grub-mkconfig").unlink()
            self.assertIn("nothing to write", self.doctor(FIXED, "--fix", "--yes").stdout)
            self.assertEqual(self.files(), {})
            self.assertIsNone(self.finding("memmap-on-memory")["fix"])
        self.tree.put("/etc/kernel/cmdline", "quiet\n")
        self.assertIn("kernel-install add", self.finding("memmap-on-memory")["remedy"])
        self.tree.put("/usr/sbin/grubby", "")
        self.assertIn(f"--args={PARAMETER}\n", self.finding("memmap-on-memory")["remedy"])

    def test_json(self):
        fix = self.finding("memmap-on-memory")["fix"]
        self.assertEqual((fix["state"], fix["path"], fix["command"]),
                         ("missing", GRUB, "/usr/sbin/update-grub"))
        done = self.doctor(FIXED, "--fix", "--yes", "--json")
        found = json.loads(done.stdout)["findings"]
        after = next(f for f in found if f["check"] == "memmap-on-memory")["fix"]
        self.assertEqual(after, {**fix, "state": "there"})
        self.assertEqual(self.path(GRUB).read_text(encoding="ascii"), fix["text"])

    def test_usage(self):
        for options in (("--yes",), ("--dry-run",), ("--fix", "--yes", "--dry-run"),
                        ("--fix", "--snapshot", self.m.root)):
            self.doctor(USAGE, *options)
        for verb in "status", "check":
            done = subprocess.run([self.command()[0], verb, "--fix"], capture_output=True,
                                  timeout=30, check=False)
            self.assertEqual(done.returncode, USAGE)

    def boot_line(self):
        """What GRUB's own script makes of what is below /etc."""
        tools = Path(tempfile.mkdtemp(dir=self.m.root))
        shown = tools / "10_linux"
        shown.write_text('#!/bin/sh\necho "linux $GRUB_CMDLINE_LINUX_DEFAULT"\n', encoding="ascii")
        shown.chmod(0o755)
        self.path("/etc/grub.d").mkdir(exist_ok=True)
        shown.rename(self.path("/etc/grub.d/10_linux"))
        script = MKCONFIG.read_text(encoding="utf-8")
        for before, after in ((r'^sysconfdir=.*', f'sysconfdir="{self.path("/etc")}"'),
                              (r'^grub_probe=.*', "grub_probe=/bin/true"),
                              (r'^grub_script_check=.*', "grub_script_check=/bin/true")):
            script, n = re.subn(f"(?m){before}", after, script)
            self.assertEqual(n, 1, before)
        done = subprocess.run(["sh", "-s", "--", "-o", f"{tools}/grub.cfg"], input=script, text=True,
                              capture_output=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return re.findall(r"(?m)^linux (.*)$", Path(f"{tools}/grub.cfg").read_text("utf-8"))

    def test_grub_takes_it(self):
        """Beside what the administrator has there."""
        self.tree.put("/etc/default/grub", 'GRUB_CMDLINE_LINUX_DEFAULT="quiet"\n')
        self.assertEqual(self.boot_line(), ["quiet"])
        self.doctor(FIXED, "--fix", "--yes")
        self.assertEqual(self.boot_line(), [f"quiet {PARAMETER}"])
        self.path(GRUB).unlink()
        self.assertEqual(self.boot_line(), ["quiet"])


if __name__ == "__main__":
    unittest.main()
