# SPDX-License-Identifier: LGPL-2.1-or-later
"""What memmapctl shows of devices: list, show, map and log."""
import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest
from pathlib import Path

from fakemachine import Dax, GiB, JournalFile, MiB, built, policy
from harness import MemmapdTest, rule

CATALOG = Path(__file__).resolve().parents[2] / "systemd/memmapd.catalog"
ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
# When the first message of a test was sent, in this machine's time.
START = time.mktime((2026, 1, 31, 12, 0, 0, 0, 0, -1))


class Look(MemmapdTest):
    def directory(self):
        # pylint: disable-next=consider-using-with
        d = tempfile.TemporaryDirectory(prefix="memmapd-look-")
        self.addCleanup(d.cleanup)
        return d.name

    def journal(self, entries=(), **kw):
        j = JournalFile(self.directory() + "/journal", int(START)).add(entries, **kw)
        self.addCleanup(j.close)
        return j

    def said(self, daemon):
        """A journal with all that memmapd said.  Returns its directory."""
        j = self.journal(daemon.messages)
        j.close()
        return j.directory

    def out(self, daemon, *args, check=0):
        done = daemon.ctl(*args, check=check)
        return done.stderr if check else done.stdout

    def terminal(self, daemon, *args, columns=80, **environment):
        """What it prints on a terminal."""
        program = built("MEMMAPCTL", "ctl/memmapctl")
        env = {**daemon.environment(program), "TERM": "xterm", **environment}
        del env["LD_PRELOAD"]
        pid, fd = pty.fork()
        if pid == 0:
            fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
            os.execvpe(program, [program, *args], env)
        text = b""
        try:
            while data := os.read(fd, 65536):
                text += data
        except OSError:
            pass                # this is how a terminal ends
        os.close(fd)
        self.assertEqual(os.waitpid(pid, 0)[1], 0)
        return text.decode().replace("\r\n", "\n")


class List(Look):
    def two(self):
        m = self.machine(devices=[Dax(size=1 * GiB), Dax("dax1.0", "pmem", size=1 * GiB)])
        d = self.daemon(m)
        d.wait_state("dax0.0", "online")
        return d

    def test_table(self):
        d = self.two()
        lines = [line.split() for line in self.out(d, "list").splitlines()]
        self.assertEqual(lines, [
            ["DEVICE", "STATE", "SIZE", "ONLINE", "NODE", "BACKING", "REGION"],
            ["dax0.0", "online", "1G", "1G", "1", "hmem", d.device()["region"]],
            ["dax1.0", "ignored", "1G", "0B", "1", "pmem", d.device("dax1.0")["region"]]])
        bare = [line.split() for line in self.out(d, "list", "--no-legend").splitlines()]
        self.assertEqual(bare, lines[1:])

    def test_json(self):
        d = self.two()
        shown = json.loads(self.out(d, "list", "--json=short"))
        self.assertEqual(shown["format"], 1)
        self.assertEqual(shown["devices"][0], {
            "name": "dax0.0", "state": "online", "size": 1 * GiB, "online": 1 * GiB,
            "target_node": 1, "backing": "hmem", "region": d.device()["region"]})

    def test_nothing_there(self):
        d = self.daemon(self.machine())
        self.assertEqual(self.out(d, "list"), "There are no dax devices.\n")
        self.assertEqual(self.out(d, "list", "--no-legend"), "")

    def test_color(self):
        d = self.two()
        self.assertIn("\x1b[32monline", self.terminal(d, "list"))
        self.assertNotIn("\x1b", self.terminal(d, "list", "--color", "never"))
        self.assertNotIn("\x1b", self.terminal(d, "list", NO_COLOR="1"))
        self.assertNotIn("\x1b", self.terminal(d, "list", TERM="dumb"))
        self.assertIn("\x1b[32m", self.out(d, "list", "--color=always"))
        self.assertNotIn("\x1b", self.out(d, "list", "--color=auto"))

    def test_usage(self):
        d = self.daemon(self.machine())
        for args in (["list", "dax0.0"], ["list", "-n", "1"], ["list", "--color=red"],
                     ["status", "--no-legend"], ["show"], ["show", "a", "b"],
                     ["map", "--since", "today"], ["log", "a", "b"], ["status", "-x"],
                     ["show", "-f", "dax0.0"]):
            self.assertEqual(len(self.out(d, *args, check=2).splitlines()), 1, args)


class Show(Look):
    def test_online(self):
        m = self.machine(devices=[Dax(size=1 * GiB)])
        d = self.daemon(m, policy(rule("mine", {"backing": "hmem"}, memmap="ram")))
        d.wait_state("dax0.0", "online")
        text = self.out(d, "show", "dax0.0", "-D", self.said(d))
        for line in (r"\* dax0\.0 - 1 GiB of hmem memory",
                     r" +State: online: All 8 blocks are online.*",
                     r' +Decided: take by rule "mine", memmap ram, zone movable, order fast',
                     r" +Why: Node 0 can carry all memmaps: .*",
                     r" +Place: node 1, region hmem.*", r" +Driver: memmapd_kmem, backend chunked",
                     r" +Online: 1024 of 1024 MiB, 8 of 8 blocks of 128 MiB",
                     r" +Zones: kernel 0 MiB, movable 1024 MiB",
                     r" +Memmaps: 16 MiB, 2048 KiB for each block: ram 8"):
            self.assertRegex(text, rf"(?m)^{line}$")
        messages = text.split("\n\n")[1].splitlines()
        self.assertEqual(len(messages), len([e for e in d.messages if "MEMMAPD_DEVICE" in e]))
        self.assertIn("dax0.0: ", messages[-1])

    def test_json(self):
        m = self.machine(devices=[Dax(size=1 * GiB)])
        d = self.daemon(m)
        d.wait_state("dax0.0", "online")
        shown = json.loads(self.out(d, "show", "--json", "-n1", "-D", self.said(d), "dax0.0"))
        log = shown.pop("log")
        self.assertEqual(shown, d.device())
        self.assertEqual([x["message"] for x in log],
                         [[e for e in d.messages if "MEMMAPD_DEVICE" in e][-1]["MESSAGE"]])

    def test_refused(self):
        m = self.machine(ram=768 * MiB, free=300 * MiB, devices=[Dax(size=64 * GiB)])
        d = self.daemon(m, policy(allow_seeds=False))
        device = d.wait_state("dax0.0", "refused")
        text = self.out(d, "show", "dax0.0", "-D", self.said(d))
        self.assertIn(f"State: refused: {device['message']}\n", text)
        self.assertRegex(text, r"(?m)^ +Decided: refuse by the defaults, ")
        self.assertNotIn("Why:", text)

    def test_no_journal(self):
        """It is said, and the device is shown all the same."""
        m = self.machine(devices=[Dax(size=1 * GiB)])
        d = self.daemon(m)
        d.wait_state("dax0.0", "online")
        done = d.ctl("show", "dax0.0", "-D", self.directory(), check=0)
        self.assertIn("State: online", done.stdout)
        self.assertIn("no journal that you may read", done.stderr)

    def test_no_device(self):
        d = self.daemon(self.machine())
        self.assertIn("dax7.0", self.out(d, "show", "dax7.0", check=4))
        d.stop()
        self.out(d, "show", "dax7.0", check=3)


class Map(Look):
    def seeded(self):
        m = self.machine(ram=768 * MiB, free=300 * MiB, devices=[Dax(size=24 * GiB)])
        d = self.daemon(m)
        d.wait_state("dax0.0", "online")
        return m, d

    def rows(self, text):
        """The cells, joined."""
        return "".join(re.findall(r"(?m)^ *\d+ ([^ \n]+)$", text))

    def expected(self, machine):
        """The same by what the fake kernel knows."""
        dax = machine.devices["dax0.0"]
        seeds = "s" in dax.map
        return "".join("#" if zone == "k" and seeds else place.upper() if zone == "k" else
                       place if zone == "m" else zone
                       for place, zone in zip(dax.map, machine.states()))

    def test_seeds(self):
        m, d = self.seeded()
        text = self.out(d, "map")
        self.assertTrue(text.startswith("dax0.0: online, 24 GiB, 192 blocks of 128 MiB\n"), text)
        self.assertEqual(self.rows(text), self.expected(m))
        self.assertEqual(set(self.rows(text)), {"#", "s"})
        legend = text.split("\n\n")[1].splitlines()
        self.assertEqual([line[0] for line in legend], ["#", "s"])
        self.assertNotIn("1 cell", text)
        self.assertNotIn("seed", self.out(d, "map", "--no-legend"))

    def test_json(self):
        m, d = self.seeded()
        shown = json.loads(self.out(d, "map", "--json", "dax0.0"))
        self.assertEqual((shown["format"], shown["block_size"]), (1, 128 * MiB))
        runs = shown["devices"][0]["runs"]
        drawn = ""
        for run in runs:
            self.assertEqual(run["from"], len(drawn))
            self.assertEqual(run["state"], "online")
            self.assertEqual(run["seed"], run["zone"] == "kernel")
            drawn += ("#" if run["seed"] else run["memmap"][0]) * (run["to"] - run["from"] + 1)
        self.assertEqual(drawn, self.expected(m))

    def test_width(self):
        _, d = self.seeded()
        whole = self.rows(self.out(d, "map"))
        wide = self.terminal(d, "map", columns=300, NO_COLOR="1")
        self.assertEqual(self.rows(wide), whole)
        self.assertEqual(len(re.findall(r"(?m)^ *\d+ ", wide)), 1)
        narrow = self.terminal(d, "map", columns=10, NO_COLOR="1")
        self.assertIn("1 cell = 2 blocks", narrow)
        cells = self.rows(narrow)
        self.assertEqual(len(cells), len(whole) // 2)
        for i, cell in enumerate(cells):
            self.assertEqual(cell, "#" if "#" in whole[2 * i:2 * i + 2] else "s")

    def test_large(self):
        """16 rows at most, however many blocks there are."""
        m = self.machine(ram=64 * GiB, devices=[Dax(size=2048 * GiB)])
        d = self.daemon(m, policy(), "--dry-run")
        d.wait_state("dax0.0", "planned")
        text = self.out(d, "map")
        self.assertIn("dax0.0: planned, 2 TiB, 16384 blocks of 128 MiB\n1 cell = 16 blocks; ", text)
        self.assertEqual(re.findall(r"(?m)^ *(\d+) (\.+)$", text),
                         [(str(1024 * row), "." * 64) for row in range(16)])

    def test_color(self):
        m, d = self.seeded()
        colored = self.terminal(d, "map")
        self.assertIn("\x1b[", colored)
        self.assertEqual(self.rows(ESCAPE.sub("", colored)), self.expected(m))

    def test_failed_and_not_plugged(self):
        m = self.machine(devices=[Dax(size=1 * GiB)])
        m.faults.fail_plug(3, 5)
        d = self.daemon(m, policy(max_size="640M", memmap="ram", on_failure="keep"))
        d.wait_state("dax0.0", "degraded")
        d.settle()
        cells = self.rows(self.out(d, "map"))
        self.assertEqual(cells.count("x"), 1)
        self.assertEqual(cells[3], "x")
        self.assertEqual(cells.count("r"), d.device()["blocks"]["online"])
        self.assertIn(".", cells)
        text = self.out(d, "map")
        self.assertIn("x a step on it failed\n", text)
        self.assertIn(". not plugged\n", text)

    def test_offline_and_kernel_zone(self):
        m = self.machine(devices=[Dax(size=1 * GiB)])
        d = self.daemon(m, policy(zone="kernel", memmap="ram"))
        d.wait_state("dax0.0", "online")
        self.assertEqual(self.rows(self.out(d, "map")), "R" * 8)
        self.out(d, "offline", "dax0.0", "7")
        self.assertEqual(self.rows(self.out(d, "map")), "R" * 7 + "o")
        runs = json.loads(self.out(d, "map", "--json"))["devices"][0]["runs"]
        self.assertEqual(runs[1], {"from": 7, "to": 7, "state": "offline", "zone": None,
                                   "memmap": "ram", "seed": False})

    def test_no_device(self):
        d = self.daemon(self.machine())
        self.assertEqual(self.out(d, "map"), "There are no dax devices.\n")
        self.out(d, "map", "dax9.9", check=4)


class Log(Look):
    """The messages are those of the real memmapd, on their way through a journal."""

    def setUp(self):
        super().setUp()
        self.m = self.machine(devices=[Dax(size=1 * GiB), Dax("dax1.0", size=1 * GiB)])
        self.d = self.daemon(self.m)
        self.d.wait_state("dax0.0", "online")
        self.d.wait_state("dax1.0", "online")
        self.d.settle()

    def texts(self, device=None):
        return [e["MESSAGE"] for e in self.d.messages
                if device in (None, e.get("MEMMAPD_DEVICE"))]

    def log(self, *args, **kw):
        return [line.split(" ", 1) for line in self.out(self.d, "log", *args, **kw).splitlines()]

    def test_all_and_one(self):
        where = self.said(self.d)
        self.assertEqual([text for _, text in self.log("-D", where)], self.texts())
        mine = self.log("-D", where, "dax1.0")
        self.assertEqual([text for _, text in mine], self.texts("dax1.0"))
        self.assertLess(len(mine), len(self.texts()))
        self.assertEqual(self.log("-D", where, "dax9.9"), [])
        self.assertEqual(self.log("-D", where)[0][0], "2026-01-31T12:00:00.000")

    def test_lines(self):
        where, all_of_them = self.said(self.d), self.texts()
        for n in 0, 1, 2, len(all_of_them), 1000:
            self.assertEqual([text for _, text in self.log("-D", where, "-n", str(n))],
                             all_of_them[-n:] if n else [])
        self.assertEqual(len(self.log("-D", where, "-n", "all")), len(all_of_them))
        self.out(self.d, "log", "-n", "many", check=2)

    def test_since(self):
        where, all_of_them = self.said(self.d), self.texts()
        for since, left_out in (("2026-01-31", 0), ("2026-01-31 12:00", 0),
                                ("2026-01-31 12:00:02", 2), ("2026-01-31T12:00:03", 3),
                                ("2026-02-01", len(all_of_them)), ("today", len(all_of_them)),
                                ("yesterday", len(all_of_them)), ("00:00", len(all_of_them)),
                                ("-10min", len(all_of_them))):
            self.assertEqual([text for _, text in self.log("-D", where, "--since", since)],
                             all_of_them[left_out:], since)
        # The later of the two.
        self.assertEqual(len(self.log("-D", where, "-n1", "--since", "2026-01-31")), 1)
        self.assertEqual(len(self.log("-D", where, "-n1000", "--since", "2026-01-31 12:00:01")),
                         len(all_of_them) - 1)
        self.out(self.d, "log", "--since", "tomorrow", check=2)

    def test_only_memmapd(self):
        """What others say in its name is not shown."""
        j = self.journal([{"SYSLOG_IDENTIFIER": "memmapd", "MESSAGE": "true"},
                          {"SYSLOG_IDENTIFIER": "other", "MESSAGE": "not its"}])
        j.add([{"SYSLOG_IDENTIFIER": "memmapd", "MESSAGE": "forged"}], uid=65534).close()
        self.assertEqual([text for _, text in self.log("-D", j.directory)], ["true"])

    def test_json(self):
        lines = self.out(self.d, "log", "--json", "-D", self.said(self.d), "dax0.0").splitlines()
        shown = [json.loads(line) for line in lines]
        sent = [e for e in self.d.messages if e.get("MEMMAPD_DEVICE") == "dax0.0"]
        self.assertEqual([(x["message"], x["message_id"], x["device"], x["priority"])
                          for x in shown],
                         [(e["MESSAGE"], e.get("MESSAGE_ID"), "dax0.0", int(e["PRIORITY"]))
                          for e in sent])

    def test_color(self):
        j = self.journal([{"SYSLOG_IDENTIFIER": "memmapd", "MESSAGE": text, "PRIORITY": p}
                          for text, p in (("bad", 3), ("odd", 4), ("good", 6))])
        j.close()
        text = self.out(self.d, "log", "--color=always", "-D", j.directory)
        self.assertIn("\x1b[1;31mbad\x1b[m", text)
        self.assertIn("\x1b[1;33modd\x1b[m", text)
        self.assertRegex(text, r"(?m)^\S+ good$")

    def test_follow(self):
        j = self.journal(self.d.messages)
        program = built("MEMMAPCTL", "ctl/memmapctl")
        self.d.wait(lambda: self.texts()[-1] in self.d.ctl("log", "-D", j.directory).stdout,
                    "the journal is written")
        with subprocess.Popen([program, "log", "-f", "-n", "1", "-D", j.directory], text=True,
                              stdout=subprocess.PIPE) as follower:
            self.addCleanup(follower.kill)
            self.assertIn(self.texts()[-1], follower.stdout.readline())
            j.add([{"SYSLOG_IDENTIFIER": "memmapd", "MESSAGE": "one more"}])
            self.assertIn("one more", follower.stdout.readline())
            follower.terminate()

    def test_nothing_to_read(self):
        self.assertIn("no journal", self.out(self.d, "log", "-D", self.directory(), check=1))
        self.assertIn("Cannot read", self.out(self.d, "log", "-D", "/nonexistent", check=1))

    def test_catalog(self):
        """In a name space of its own: there is only one catalog on a machine."""
        root = self.directory()
        catalog = Path(root, "usr/lib/systemd/catalog")
        catalog.mkdir(parents=True)
        (catalog / "memmapd.catalog").write_text(CATALOG.read_text(encoding="utf-8"),
                                                 encoding="utf-8")
        subprocess.run(["journalctl", "--update-catalog", "--root", root], check=True, timeout=60)
        program, where = built("MEMMAPCTL", "ctl/memmapctl"), self.said(self.d)
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-ec",
             'mount --bind "$1/var/lib/systemd/catalog" /var/lib/systemd/catalog\n'
             '"$2" log -x -n2 -D "$3" dax0.0; "$2" log --json -x -D "$3" dax0.0',
             "sh", root, program, where], capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("\n    Subject: dax0.0 is taken in\n", done.stdout)
        last = json.loads(done.stdout.splitlines()[-1])
        self.assertIn("Nothing needs to be done.", last["catalog"])


if __name__ == "__main__":
    sys.exit(unittest.main())
