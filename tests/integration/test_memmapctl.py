#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""memmapctl against a made-up memmapd, on a bus of its own.

The bus is a dbus-daemon with the bus policy that is installed.  MEMMAPCTL is
the program to test.
"""

import copy
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[2]
MEMMAPCTL = os.environ.get("MEMMAPCTL", "memmapctl")
# Distributions have the module dbus for their own interpreter only.
PYTHON = sys.executable if importlib.util.find_spec("dbus") else "/usr/bin/python3"
NOBODY = 65534
GIB = 1 << 30

BUS_CONFIG = """<!DOCTYPE busconfig PUBLIC
 "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <deny own="*"/>
    <deny send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
    <allow send_destination="org.freedesktop.DBus"/>
  </policy>
  <policy user="{user}"><allow own="org.memmapd1"/></policy>
  {include}
</busconfig>
"""

ONLINE = {
    "name": "dax0.0", "backing": "hmem", "region": "hmem.0", "target_node": 1,
    "size": 4 * GIB, "trimmed": 0, "driver": "memmapd_kmem", "backend": "chunked",
    "state": "online", "message": "All 32 blocks are online.",
    "verdict": "take", "action": "online", "memmap_mode": "auto", "zone": "movable",
    "order": "fast", "rule": None,
    "blocks": {"total": 32, "wanted": 32, "plugged": 32, "online": 32, "failed": 0,
               "kernel": 0, "movable": 32},
    "memmap": {"ram": 32, "device": 0, "seed": 0, "bytes_per_block": 2 << 20},
    "map": "r" * 32, "progress": None, "budget": None,
    "reasons": [{"code": "defaults", "text": "No rule matches.", "a": 0, "b": 0, "node": -1}],
}

SEEDED = {
    "name": "dax1.0", "backing": "cxl", "region": "region0", "target_node": 2,
    "size": 62 * GIB, "trimmed": 64 << 20, "driver": "memmapd_kmem", "backend": "chunked",
    "state": "working", "message": None,
    "verdict": "take", "action": "online", "memmap_mode": "auto", "zone": "movable",
    "order": "fast", "rule": "expanders",
    "blocks": {"total": 496, "wanted": 496, "plugged": 65, "online": 64, "failed": 0,
               "kernel": 2, "movable": 62},
    "memmap": {"ram": 1, "device": 0, "seed": 64, "bytes_per_block": 2 << 20},
    "map": "r" + "s" * 64 + "." * 431, "progress": {"done": 65, "total": 496},
    "budget": {"node": 0, "free": 700 << 20, "reclaimable": 100 << 20, "watermark": 12345678,
               "reserve": 200 << 20, "promised": 0, "total": (600 << 20) - 12345678},
    "reasons": [
        {"code": "rule", "text": "The rule \"expanders\" matches.", "a": 0, "b": 0, "node": -1},
        {"code": "exceeds", "text": "That is more than the budget.", "a": 1, "b": 2, "node": 0},
        {"code": "seeds", "text": "Eight seeds take the rest.", "a": 8, "b": 495, "node": 2}],
}

REFUSED = {
    "name": "dax2.0", "backing": "hmem", "region": None, "target_node": None,
    "size": 2 * GIB, "trimmed": 0, "driver": None, "backend": None,
    "state": "refused", "message": "A process has its device node open.",
    "verdict": "refuse", "action": "online", "memmap_mode": "auto", "zone": "movable",
    "order": "fast", "rule": None, "blocks": None, "memmap": None, "map": None,
    "progress": None, "budget": None, "reasons": [],
}

DESCRIPTION = {
    "format": 1,
    "daemon": {"version": "0.1.0", "dry_run": False, "policy": "/etc/memmapd/policy.json",
               "policy_error": None},
    "kernel": {"block_size": 128 << 20, "memmap_on_memory": False,
               "memmap_on_memory_why": "the kernel was booted without it", "module": True},
    "devices": [ONLINE, SEEDED, REFUSED],
}


def serve(directory):
    """The made-up daemon: says what the files in the directory hold."""
    # pylint: disable=import-outside-toplevel
    import dbus
    import dbus.mainloop.glib
    import dbus.service
    from gi.repository import GLib

    interface = "org.memmapd1.Manager"

    class PolicyInvalid(dbus.DBusException):
        _dbus_error_name = "org.memmapd1.Error.PolicyInvalid"

    class Manager(dbus.service.Object):
        @dbus.service.method(interface, out_signature="s")
        def Describe(self):  # pylint: disable=invalid-name
            return (directory / "describe").read_text()

        @dbus.service.method(interface, in_signature="s", out_signature="s")
        def Timeline(self, device):  # pylint: disable=invalid-name
            return (directory / f"timeline-{device}").read_text()

        @dbus.service.method(interface, in_signature="a(ss)", out_signature="s")
        def Diff(self, files):  # pylint: disable=invalid-name
            (directory / "asked").write_text(json.dumps(files))
            return (directory / "diff").read_text()

        @dbus.service.method(interface)
        def Reload(self):  # pylint: disable=invalid-name
            (directory / "reloaded").touch()
            if (directory / "error").exists():
                raise PolicyInvalid((directory / "error").read_text())

    dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
    bus = dbus.SystemBus()
    name = dbus.service.BusName("org.memmapd1", bus)
    manager = Manager(bus, "/org/memmapd1")
    print("ready", flush=True)
    GLib.MainLoop().run()
    del name, manager


class Case(unittest.TestCase):
    """Has a bus, and a daemon on it when start_daemon() was called."""

    def setUp(self):
        self.directory = Path(tempfile.mkdtemp(prefix="memmapctl-"))
        self.directory.chmod(0o755)
        self.addCleanup(shutil.rmtree, self.directory)
        self.log = (self.directory / "log").open("w")  # pylint: disable=consider-using-with
        self.addCleanup(self.log.close)
        self.socket = self.directory / "bus"
        self.environment = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C.UTF-8",
            "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={self.socket}"}
        # What sanitizers and coverage want is passed on.
        for name, value in os.environ.items():
            if re.match(r"[A-Z]*SAN_OPTIONS$|LD_|GCOV_|LLVM_", name):
                self.environment[name] = value
        self.start_bus()

    def start(self, command):
        # Not in a with: it is to go on until the test ends.
        # pylint: disable-next=consider-using-with
        process = subprocess.Popen(command, env=self.environment, stdout=subprocess.PIPE,
                                   stderr=self.log)
        self.addCleanup(self.stop, process)
        self.assertTrue(process.stdout.readline(),
                        f"{command[0]} did not start: {(self.directory / 'log').read_text()}")
        return process

    @staticmethod
    def stop(process):
        process.kill()
        process.wait()
        process.stdout.close()

    def start_bus(self):
        policy = ROOT / "systemd/org.memmapd1.conf"
        # The user root may own the name; whoever else runs the tests, too.
        config = self.directory / "bus.conf"
        config.write_text(BUS_CONFIG.format(
            socket=self.socket, user=os.getuid(), include=f"<include>{policy}</include>"))
        self.bus = self.start(["dbus-daemon", "--nofork", "--print-address",
                               f"--config-file={config}"])

    def start_daemon(self, description=None):
        self.describe(description or DESCRIPTION)
        return self.start([PYTHON, __file__, "--serve", str(self.directory)])

    def describe(self, description):
        text = description if isinstance(description, str) else json.dumps(description)
        (self.directory / "describe").write_text(text)

    def run_ctl(self, *arguments, code=0, **more):
        result = subprocess.run([MEMMAPCTL, *arguments], env=self.environment, check=False,
                                capture_output=True, text=True, timeout=60, **more)
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        if code != 0:
            self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)
        return result.stderr if code else result.stdout


class TestStatus(Case):
    def setUp(self):
        super().setUp()
        self.start_daemon()

    def test_default_verb(self):
        self.assertEqual(self.run_ctl(), self.run_ctl("status"))

    def test_table(self):
        text = self.run_ctl("status")
        head = re.search(r"^DEVICE.*$", text, re.M)[0].split()
        self.assertEqual(head, ["DEVICE", "SIZE", "NODE", "BACKING", "STATE", "ONLINE",
                                "MEMMAP", "ZONE", "PROGRESS", "RULE"])
        self.assertRegex(text, r"(?m)^dax0\.0 +4 GiB +1 +hmem +online +32/32 +ram 32 +movable"
                               r" +- +-$")
        self.assertRegex(text, r"(?m)^dax1\.0 +62 GiB +2 +cxl +working +64/496 +seed 64, ram 1"
                               r" +kernel 2, movable 62 +65/496 +expanders$")
        self.assertRegex(text, r"(?m)^dax2\.0 +2 GiB +- +hmem +refused +- +- +- +- +-$")

    def test_around_the_table(self):
        text = self.run_ctl("status")
        self.assertIn("memmapd 0.1.0, policy /etc/memmapd/policy.json\n", text)
        self.assertIn("no memmap on memory: the kernel was booted without it\n", text)
        self.assertIn("\ndax2.0: A process has its device node open.\n", text)
        self.assertNotIn("dax0.0: ", text)
        self.assertNotIn("\x1b", text)

    def test_bad_policy_is_shown(self):
        description = copy.deepcopy(DESCRIPTION)
        description["daemon"].update(policy_error="line 3: no such key", dry_run=True)
        self.describe(description)
        text = self.run_ctl()
        self.assertIn("not in force as it is now: line 3: no such key\n", text)
        self.assertIn("dry run", text)

    def test_chosen_devices(self):
        text = self.run_ctl("status", "dax0.0")
        self.assertIn("dax0.0", text)
        self.assertNotIn("dax1.0", text)

    def test_json(self):
        self.assertEqual(json.loads(self.run_ctl("--json")), DESCRIPTION)
        short = self.run_ctl("status", "--json=short")
        self.assertEqual(json.loads(short), DESCRIPTION)
        self.assertEqual(short.count("\n"), 1)
        self.assertEqual(list(json.loads(short)), list(DESCRIPTION))

    def test_json_of_chosen_devices(self):
        chosen = json.loads(self.run_ctl("--json=short", "status", "dax2.0", "dax0.0"))
        self.assertEqual(chosen, {**DESCRIPTION, "devices": [REFUSED, ONLINE]})

    def test_no_such_device(self):
        self.assertIn("dax9.9", self.run_ctl("status", "dax0.0", "dax9.9", code=4))
        self.run_ctl("explain", "dax9.9", code=4)

    def test_no_devices(self):
        self.describe({**DESCRIPTION, "devices": []})
        self.assertIn("There are no dax devices.", self.run_ctl())
        self.describe({"format": 1})
        self.assertIn("There are no dax devices.", self.run_ctl())

    def test_fields_may_be_missing(self):
        self.describe({"format": 1, "daemon": None, "kernel": None,
                       "devices": [{"name": "dax0.0"}, {}, None]})
        self.assertRegex(self.run_ctl(), r"(?m)^dax0\.0 .* unknown ")
        self.run_ctl("explain", "dax0.0")

    def test_what_is_not_understood(self):
        for text in "no json", "[]", '{"format": 2}', "{}":
            self.describe(text)
            self.run_ctl(code=1)

    def test_full_disk(self):
        with open("/dev/full", "w", encoding="ascii") as full:
            result = subprocess.run([MEMMAPCTL], env=self.environment, check=False,
                                    stdout=full, stderr=subprocess.PIPE)
        self.assertEqual(result.returncode, 1)

    def terminal(self, **environment):
        """The output on a terminal, as script(1) makes one."""
        if not shutil.which("script"):
            self.skipTest("script(1) is not installed")
        result = subprocess.run(["script", "-qec", MEMMAPCTL, "/dev/null"], check=True,
                                env={**self.environment, "TERM": "xterm", **environment},
                                stdin=subprocess.DEVNULL, capture_output=True, text=True)
        return result.stdout

    def test_colors(self):
        self.assertIn("\x1b[31mrefused", self.terminal())
        self.assertNotIn("\x1b", self.terminal(NO_COLOR="1"))
        self.assertNotIn("\x1b", self.terminal(TERM="dumb"))


class TestExplain(Case):
    def setUp(self):
        super().setUp()
        self.start_daemon()

    def test_sum(self):
        text = self.run_ctl("explain", "dax1.0")
        for sign, name, size, exact in (
                (" ", "free", "700 MiB", 700 << 20),
                (r"\+", "reclaimable", "100 MiB", 100 << 20),
                ("-", "watermarks", "11.7 MiB", 12345678),
                ("-", "reserve of the policy", "200 MiB", 200 << 20),
                ("=", "budget, not below 0", "588.2 MiB", (600 << 20) - 12345678),
                (" ", "496 memmaps of 2 MiB", "992 MiB", 992 << 20)):
            self.assertRegex(text, rf"(?m)^  {sign} {name} +{re.escape(size)} +{exact} bytes$")

    def test_reasons_in_order(self):
        text = self.run_ctl("explain", "dax1.0")
        numbered = [f"  {i}. {r['text']}" for i, r in enumerate(SEEDED["reasons"], 1)]
        self.assertIn("\n".join(numbered), text)
        self.assertIn('Rule       "expanders"', text)

    def test_blocks_and_map(self):
        text = self.run_ctl("explain", "dax1.0")
        self.assertIn("64 online: 62 movable, 2 kernel", text)
        self.assertIn("64 MiB (67108864 bytes) lost to alignment", text)
        self.assertRegex(text, r"(?m)^  block 0 +in RAM$")
        self.assertRegex(text, r"(?m)^  blocks 1 to 64 +in a seed block of the device$")
        self.assertRegex(text, r"(?m)^  blocks 65 to 495 +none, not plugged$")

    def test_refused(self):
        text = self.run_ctl("explain", "dax2.0")
        self.assertIn("dax2.0: refused\nA process has", text)
        self.assertIn("none matched", text)
        self.assertNotIn("Budget", text)

    def test_json(self):
        self.assertEqual(json.loads(self.run_ctl("explain", "--json", "dax1.0")), SEEDED)


class TestLook(Case):
    """What test_look.py has no machine for."""

    def setUp(self):
        super().setUp()
        self.start_daemon()

    def test_made_of(self):
        memdevs = [{"name": "mem0", "serial": "0x64", "vendor_id": None, "health": "ok"},
                   {"name": "mem1", "serial": None, "qos_class": 3}]
        self.describe({**DESCRIPTION, "devices": [{**SEEDED, "memdevs": memdevs}]})
        text = self.run_ctl("show", "dax1.0", "-n0")
        self.assertIn("\n    Made of: mem0 serial 0x64 health ok\n    Made of: mem1 QoS class 3\n",
                      text)
        self.assertIn("\n   Progress: 65 of 496 steps, at full pace\n", text)
        self.assertIn("\n      Place: node 2, region region0\n", text)
        self.assertIn("\n       Lost: 64 MiB, to alignment\n", text)
        self.assertIn("\n        Why: Eight seeds take the rest.\n", text)
        self.assertIn("mem0       serial 0x64 health ok\n", self.run_ctl("explain", "dax1.0"))

    def test_order_and_failures(self):
        device = {**ONLINE, "held": True, "operation": {"kind": "remove", "back": True},
                  "blocks": {**ONLINE["blocks"], "failed": 2}}
        self.describe({**DESCRIPTION, "devices": [device]})
        text = self.run_ctl("show", "dax0.0", "-n0")
        for line in ("Order: remove, and back", "Held: the policy does nothing to it",
                     "Failed: 2 blocks"):
            self.assertRegex(text, rf"(?m)^ +{line}$")

    def test_fields_may_be_missing(self):
        self.describe({"format": 1, "daemon": None, "kernel": None,
                       "devices": [{"name": "dax0.0"}, {}, None]})
        self.assertRegex(self.run_ctl("list"), r"(?m)^dax0\.0 +unknown +0B +0B +- +- +-$")
        self.assertIn("State: unknown\n", self.run_ctl("show", "dax0.0", "-n0"))
        self.assertIn("nothing is known of its blocks\n", self.run_ctl("map"))
        for verb in ["list"], ["map"], ["show", "-n0", "dax0.0"]:
            json.loads(self.run_ctl(*verb, "--json"))

    def test_map_of_each_kind(self):
        device = {**ONLINE, "map": "rrddss??....", "states": "kmkmkm-m.x~m"}
        self.describe({**DESCRIPTION, "devices": [device]})
        self.assertIn("\n     0 #r#d#so?.x~?\n", self.run_ctl("map"))
        device.update(map="rrdd??", states="kmkmkm")
        self.describe({**DESCRIPTION, "devices": [device]})
        self.assertIn("\n     0 RrDd??\n", self.run_ctl("map"))

    def test_map_of_several_in_a_cell(self):
        """A failure and a seed are not lost among the others; the others vote."""
        states, places = ["m"] * 8192, ["s"] * 4096 + ["r"] * 4096
        states[5], states[1001] = "k", "x"
        places[1001] = "."
        places[2000:2003], places[2008:2013] = "ddd", "ddddd"
        self.describe({**DESCRIPTION, "devices": [
            {**ONLINE, "map": "".join(places), "states": "".join(states)}]})
        text = self.run_ctl("map")
        self.assertIn("\n1 cell = 8 blocks; ", text)
        cells = "".join(re.findall(r"(?m)^ *\d+ (\S+)$", text))
        expected = ["s"] * 512 + ["r"] * 512
        expected[0], expected[125], expected[251] = "#", "x", "d"
        self.assertEqual(cells, "".join(expected))

    def test_map_of_an_older_daemon(self):
        self.assertIn("nothing is known of its blocks", self.run_ctl("map", "dax0.0"))


class TestPlot(Case):
    """The real memmapd has its own test of this, test_plot.py."""

    def plot(self, timeline, code=0):
        self.start_daemon()
        text = timeline if isinstance(timeline, str) else json.dumps(timeline)
        (self.directory / "timeline-dax0.0").write_text(text)
        return self.run_ctl("plot", "dax0.0", code=code)

    def test_as_many_as_there_may_be(self):
        n = 16384
        samples = [{"usec": i * 100000, "free": GIB + i, "total": i << 20} for i in range(1024)]
        svg = self.plot({"format": 1, "name": "dax<&0.0", "began": 0, "usec": 102400000, "payer": 0,
                         "target_node": 1, "map": "r" * n, "states": "m" * n,
                         "plugged": [i * 6000 for i in range(n)],
                         "online": [i * 6000 + 3000 for i in range(n)], "samples": samples})
        self.assertLess(len(svg), 4 << 20)
        root = ElementTree.fromstring(svg)
        self.assertLess(float(root.get("height")), 1200)
        self.assertEqual(sum(e.get("class") == "ram" for e in root), n + 1)
        self.assertTrue(any((e.text or "").startswith("dax<&0.0: 16384 blocks in 102.400 s")
                            for e in root))
        self.assertIn("20 s", [e.text for e in root])

    def test_nothing_to_draw(self):
        self.assertIn("nothing to draw", self.plot({"format": 1}, code=1))
        for text in "no json", "[]", '{"format": 2}':
            self.plot(text, code=1)


class TestReload(Case):
    def test_reload(self):
        self.start_daemon()
        self.assertEqual(self.run_ctl("reload"), "")
        self.assertTrue((self.directory / "reloaded").exists())

    def test_bad_policy(self):
        self.start_daemon()
        (self.directory / "error").write_text("policy.json:3: unknown key \"mmap\"")
        self.assertIn("policy.json:3: unknown key \"mmap\"", self.run_ctl("reload", code=1))

    @unittest.skipUnless(os.getuid() == 0, "only root can become somebody else")
    def test_only_root(self):
        self.start_daemon()
        program = self.directory / "memmapctl"
        shutil.copy(MEMMAPCTL, program)
        program.chmod(0o755)

        def as_nobody(*arguments):
            return subprocess.run([program, *arguments], env=self.environment, check=False,
                                  user=NOBODY, group=NOBODY, extra_groups=[],
                                  capture_output=True, text=True)

        self.assertEqual(as_nobody("status").returncode, 0)
        (self.directory / "diff").write_text('{"format": 1, "devices": []}')
        self.assertEqual(as_nobody("diff", "--sysroot", self.directory).returncode, 0)
        denied = as_nobody("reload")
        self.assertEqual(denied.returncode, 1)
        self.assertIn("try again as root", denied.stderr)
        self.assertFalse((self.directory / "reloaded").exists())


class TestDiff(Case):
    """The real memmapd has its own test of this, test_diff.py."""

    def setUp(self):
        super().setUp()
        self.start_daemon()
        self.file = self.directory / "policy.json"
        self.file.write_text('{ "version": 1 }\n')

    def diff(self, answer, code):
        text = answer if isinstance(answer, str) else json.dumps(answer)
        (self.directory / "diff").write_text(text)
        return self.run_ctl("diff", str(self.file), code=code)

    def test_files_are_sent(self):
        self.diff({"format": 1, "devices": []}, 0)
        self.assertEqual(json.loads((self.directory / "asked").read_text()),
                         [[str(self.file), '{ "version": 1 }\n']])

    def test_no_devices(self):
        self.assertIn("There are no dax devices.", self.diff({"format": 1}, 0))

    def test_fields_may_be_missing(self):
        devices = [{"name": "dax0.0", "new": {"verdict": "take"}}, {}, None]
        self.assertRegex(self.diff({"format": 1, "devices": devices}, 0),
                         r"(?m)^dax0\.0 +unknown +\? +- -> take +- ")

    def test_what_is_not_understood(self):
        for text in "no json", "[]", '{"format": 2}':
            self.diff(text, 2)


class TestAbsence(Case):
    def test_not_running(self):
        for verb in (["status"], ["explain", "dax0.0"], ["reload"], ["--json"], ["list"],
                     ["show", "dax0.0"], ["map"]):
            self.assertIn("systemctl start memmapd", self.run_ctl(*verb, code=3))

    def test_died(self):
        daemon = self.start_daemon()
        self.run_ctl()
        daemon.kill()
        daemon.wait()
        self.run_ctl(code=3)

    def test_no_bus(self):
        self.environment["DBUS_SYSTEM_BUS_ADDRESS"] = f"unix:path={self.directory}/none"
        self.assertIn("no system bus", self.run_ctl(code=3))
        # A socket that nobody listens on any more.
        self.environment["DBUS_SYSTEM_BUS_ADDRESS"] = f"unix:path={self.socket}"
        self.bus.kill()
        self.bus.wait()
        self.assertIn("no system bus", self.run_ctl(code=3))


class TestUsage(Case):
    def test_usage(self):
        for arguments in (["nonsense"], ["explain"], ["explain", "a", "b"], ["reload", "a"],
                          ["check", "--merge"], ["--json=xml"], ["--nonsense"],
                          ["reload", "--json"]):
            self.run_ctl(*arguments, code=2)

    def test_help_and_version(self):
        self.assertIn("explain DEVICE", self.run_ctl("--help"))
        self.assertRegex(self.run_ctl("--version"), r"^memmapctl \d")


class TestCheck(Case):
    def check(self, text, code):
        path = self.directory / "policy.json"
        path.write_text(text)
        return self.run_ctl("check", str(path), code=code)

    def test_good(self):
        self.assertIn("policy.json", self.check('{"version": 1, "rules": []}', 0))

    def test_bad(self):
        self.assertIn("policy.json:3", self.check('{\n"version": 1,\n"ruels": []\n}', 1))

    def test_unreadable(self):
        self.assertIn("none.json", self.run_ctl("check", f"{self.directory}/none.json", code=1))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(Path(sys.argv[2]))
    else:
        unittest.main()
