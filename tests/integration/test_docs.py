# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the README, the guide and the man pages show: policies that are valid, and commands
that do what is said of them, on a machine that is not there."""
import json
import os
import shlex
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "tests"), str(ROOT / "tests/bench")]
# pylint: disable=wrong-import-position
import report  # noqa: E402
import texts  # noqa: E402
from fakemachine import Cxl, Expander, GiB, built, policy  # noqa: E402
from harness import MemmapdTest  # noqa: E402

PAGES = [ROOT / "README.md", ROOT / "docs/guide.md", *sorted(ROOT.glob("contrib/*/README.md")),
         *sorted((ROOT / "man").glob("*.scd"))]

# What is not ours, or changes the machine, is not run.
OTHERS = {"apt-get", "mokutil", "ndctl", "cxl", "mkdir", "journalctl", "grep", "echo", "cat",
          "ansible-playbook", "memmapd"}
# How a verb may end on that machine: with 0 if it is not here.
MAY_END = {"diff": (0, 1), "doctor": (0, 1, 7), "log": (0, 1), "monitor": (124,)}


def simple(line):
    """The programs of a line, each with its arguments."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    words, found = list(lexer), [[]]
    for word in words:
        if set(word) <= set("|&;"):
            found.append([])
        else:
            found[-1].append(word)
    return found


class Policies(unittest.TestCase):
    def check(self, shown):
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory, "policy.json")
            path.write_text(json.dumps(shown), encoding="utf-8")
            done = subprocess.run([built("MEMMAPCTL", "ctl/memmapctl"), "check", path], text=True,
                                  capture_output=True, timeout=30, check=False)
        return done.returncode, done.stderr

    def test_valid(self):
        """And nothing in them is doubtful."""
        n = 0
        for page in PAGES:
            for shown in texts.policies(page):
                with self.subTest(page.name, shown=shown):
                    self.assertEqual(self.check(shown), (0, ""))
                    n += 1
        self.assertGreaterEqual(n, 8)

    def test_the_test(self):
        self.assertEqual(self.check({"version": 1, "defaults": {"memmapp": "ram"}})[0], 1)


class Commands(MemmapdTest):
    def machine_with_all(self):
        """An expander, its region, and its device."""
        m = self.machine(ram=4 * GiB)
        m.cxl = Cxl(m)
        m.cxl.plug(Expander(0))
        d = self.daemon(m, policy(create_region=True), installed=True)
        d.wait_state("dax0.0", "online")
        d.settle()
        return m, d

    def run_line(self, line):
        """In a directory with what the text speaks of; /etc and /tmp are elsewhere."""
        m, d = self.machine_with_all()
        work = Path(m.root, "work")
        for name in "work/tmp", "etc/kubernetes/node-feature-discovery/features.d":
            Path(m.root, name).mkdir(parents=True)
        for name in "policy.json", "new.json":
            Path(work, name).write_text(json.dumps(policy(ram_reserve="5%")), encoding="utf-8")
        # What another line has made before.
        if "tar -xf" in line:
            self.run_in(work, d, "memmapctl snapshot machine && tar -czf machine.tar.gz machine")
        for path, to in (("/etc/", f"{m.root}/etc/"), ("/tmp/", f"{work}/tmp/"), (" /tmp ", f" {work}/tmp "),
                         ("DIRECTORY", "tmp")):
            line = line.replace(path, to)
        return self.run_in(work, d, line)

    def run_in(self, work, d, line):
        env = {**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": d.bus.address,
               "PATH": f"{os.path.dirname(built('MEMMAPCTL', 'ctl/memmapctl'))}:{os.environ['PATH']}"}
        return subprocess.run(["timeout", "10", "sh", "-c", line], cwd=work, env=env, text=True,
                              capture_output=True, stdin=subprocess.DEVNULL, check=False)

    def assertUnit(self, words):
        """systemctl: of what memmapd has."""
        for word in words[1:]:
            if not word.startswith("-") and word not in ("enable", "restart", "stop", "start",
                                                         "daemon-reload", "disable"):
                unit = word if "." in word else word + ".service"
                self.assertTrue(any((ROOT / f).exists() for f in
                                    (f"systemd/{unit}", f"systemd/{unit}.in",
                                     f"contrib/kubernetes/{unit}")), unit)

    def ends_with(self, line):
        """What it may: of several programs it is the first that fails, or the last."""
        verbs = [next((w for w in words[1:] if not w.startswith("-")), "status")
                 for words in simple(line) if words[0] == "memmapctl"]
        self.assertNotIn("--yes", line)
        return {code for verb in verbs for code in MAY_END.get(verb, (0,))} | {0}

    def test_all(self):
        lines = {line for page in PAGES for line in texts.commands(page)}
        run = 0
        for line in sorted(lines):
            programs = {words[0] for words in simple(line) if words}
            with self.subTest(line):
                if "memmapctl" in programs:
                    self.assertLessEqual(programs, {"memmapctl", "cp", "tar", "awk", "jq"}, line)
                    done = self.run_line(line)
                    self.assertIn(done.returncode, self.ends_with(line), done.stdout + done.stderr)
                    self.assertNotIn("--help", done.stderr)
                    run += 1
                elif "systemctl" in programs:
                    self.assertUnit(simple(line)[0])
                else:
                    self.assertTrue(programs <= OTHERS or line.startswith(("./dev ", "cp ")), line)
        self.assertGreaterEqual(run, 25, lines)

    def test_the_test(self):
        """It would be seen: a verb that is not there, a device that is not."""
        self.assertNotIn(self.run_line("memmapctl stats").returncode, self.ends_with("memmapctl stats"))
        self.assertNotIn(self.run_line("memmapctl map dax7.0").returncode,
                         self.ends_with("memmapctl map dax7.0"))


class Figures(unittest.TestCase):
    def test_speed(self):
        """README's first screen is what the benchmark has printed last."""
        kept = json.loads((ROOT / "docs/bench/results.json").read_text(encoding="utf-8"))
        short = report.in_short(report.gathered(kept["rounds"]))
        self.assertIn(f"\n\n{short}\n\n", (ROOT / "README.md").read_text(encoding="utf-8"))


if __name__ == "__main__":
    unittest.main()
