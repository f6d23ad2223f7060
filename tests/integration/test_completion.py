# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the shells complete for memmapctl, asked of the shells themselves."""
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import tempfile
import termios
import time
import unittest
from pathlib import Path

from fakemachine import built

HERE = Path(__file__).resolve().parents[2] / "ctl/completion"
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
DEVICES = ["dax0.0", "dax1.0"]


def environment():
    program = Path(built("MEMMAPCTL", "ctl/memmapctl"))
    return {"PATH": f"{program.resolve().parent}:/usr/bin:/bin", "HOME": "/nonexistent",
            "LC_ALL": "C.UTF-8", "TERM": "dumb"}


class Bash:
    def complete(self, line):
        words = line.split(" ")
        script = (f"source {HERE}/memmapctl.bash\n"
                  f"_memmapctl_devices() {{ printf '%s\\n' {' '.join(DEVICES)}; }}\n"
                  f"COMP_WORDS=({' '.join(w or repr('') for w in words)})\n"
                  f"COMP_CWORD={len(words) - 1}\n"
                  "_memmapctl; printf '%s\\n' \"${COMPREPLY[@]}\"\n")
        done = subprocess.run(["bash", "--norc", "-c", script], env=environment(), text=True,
                              capture_output=True, timeout=60, check=True)
        return set(done.stdout.split())


class Fish:
    def complete(self, line):
        script = (f"source {HERE}/memmapctl.fish\n"
                  f"function __memmapctl_devices; printf '%s\\n' {' '.join(DEVICES)}; end\n"
                  f"complete -C '{line}'\n")
        with tempfile.TemporaryDirectory() as home:
            done = subprocess.run(["fish", "--no-config", "-c", script], text=True,
                                  env={**environment(), "HOME": home},
                                  capture_output=True, timeout=60, check=True)
        return {text.split("\t")[0].rstrip("/") for text in done.stdout.splitlines()}


class Zsh:
    """It completes on a terminal alone: what it lists there."""

    RC = """PS1='READY> '
LISTMAX=0
setopt no_beep no_always_last_prompt no_prompt_cr
fpath=({directory} $fpath)
autoload -U compinit && compinit -u -D
autoload +X _memmapctl
_memmapctl 2>/dev/null
_memmapctl_devices() {{ compadd {devices} }}
bindkey '^D' list-choices
"""

    def __init__(self):
        self.text = ""

    def read(self, fd, until, timeout=60):
        """What comes until there is this, and nothing more for a moment."""
        end = time.monotonic() + timeout
        self.text = ""
        while time.monotonic() < end:
            if select.select([fd], [], [], 0.5)[0]:
                self.text += ESCAPES.sub("", os.read(fd, 65536).decode(errors="replace"))
            elif re.search(until, self.text):
                return self.text
        raise AssertionError(f"zsh did not say {until}: {self.text!r}")

    def complete(self, line):
        with tempfile.TemporaryDirectory() as home:
            Path(home, ".zshrc").write_text(
                self.RC.format(directory=HERE, devices=" ".join(DEVICES)), encoding="ascii")
            return self.ask(home, line)

    def ask(self, home, line):
        pid, fd = pty.fork()
        if pid == 0:
            # What does not fit on it zsh does not list before it has asked.
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("4H", 200, 160, 0, 0))
            os.execvpe("zsh", ["zsh", "-d", "-i"], {**environment(), "ZDOTDIR": home})
        try:
            self.read(fd, "READY> $")
            os.write(fd, line.encode() + b"\x04")
            listed = self.read(fd, r"\n(.*\n)*.*READY> " + re.escape(line))
            listed = listed.replace("\r", "").partition("\n")[2].rpartition("\n")[0]
            return {word for row in listed.splitlines() for word in row.split("--")[0].split()
                    if row.strip()} | set(re.findall(r"(?m)^(--\S+)", listed))
        finally:
            os.close(fd)
            os.waitpid(pid, 0)


class Completion:
    """Mixed into a test of each shell."""

    def verbs(self):
        """As --help has them."""
        done = subprocess.run([built("MEMMAPCTL", "ctl/memmapctl"), "--help"], text=True,
                              capture_output=True, timeout=30, check=True)
        section = done.stdout.partition("Verbs:\n")[2].partition("Options:\n")[0]
        return set(re.findall(r"(?m)^  ([a-z-]+)", section))

    def test_verbs(self):
        verbs = self.verbs()
        self.assertIn("status", verbs)
        self.assertEqual(self.shell().complete("memmapctl "), verbs)

    def test_beginning_of_a_verb(self):
        found = self.shell().complete("memmapctl s")
        self.assertEqual({v for v in found if not v.startswith("-")},
                         {v for v in self.verbs() if v.startswith("s")})

    def test_devices(self):
        self.assertEqual(self.shell().complete("memmapctl explain "), set(DEVICES))
        self.assertEqual(self.shell().complete("memmapctl --json status "), set(DEVICES))

    def test_values_of_an_option(self):
        self.assertEqual(self.shell().complete("memmapctl metrics --format "),
                         {"openmetrics", "nfd"})

    def test_devices_behind_options_with_a_value(self):
        for options in "-n 3", "--lines 3", "-x -n 3", "--color never":
            self.assertEqual(self.shell().complete(f"memmapctl {options} show "), set(DEVICES))
        self.assertEqual(self.shell().complete("memmapctl map dax0.0 "), set(DEVICES))

    def test_options(self):
        self.assertTrue({"--json", "--policy", "--help", "--follow", "--catalog", "--color"}
                        <= self.shell().complete("memmapctl --"))

    def test_files(self):
        self.assertIn("/etc/passwd", self.shell().complete("memmapctl check /etc/passw"))


    def test_words_of_an_option(self):
        self.assertEqual(self.shell().complete("memmapctl map --color "),
                         {"auto", "always", "never"})

    def test_directory_of_a_short_option(self):
        self.assertIn("systemd", {word.rstrip("/").split("/")[-1] for word in
                                  self.shell().complete("memmapctl log -D /etc/sy")})


class InBash(Completion, unittest.TestCase):
    shell = Bash

    def test_value_of_an_option(self):
        self.assertIn("/etc/passwd", self.shell().complete("memmapctl plan --policy /etc/passw"))


class InFish(Completion, unittest.TestCase):
    shell = Fish


class InZsh(Completion, unittest.TestCase):
    shell = Zsh

    def test_files(self):
        """A single one is not listed, it is filled in."""
        self.assertIn("passwd-", self.shell().complete("memmapctl check /etc/passw"))


if __name__ == "__main__":
    unittest.main()
