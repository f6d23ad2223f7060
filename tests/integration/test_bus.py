# SPDX-License-Identifier: LGPL-2.1-or-later
"""The bus: what is promised of it, and an object for each device."""
import json
import re
import subprocess
import time
import unittest
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import dbus

from fakemachine import Dax, GiB, policy
from harness import BAD_POLICY, MemmapdTest

ROOT = Path(__file__).resolve().parents[2]
NAME, PATH = "org.memmapd1", "/org/memmapd1"
MANAGER, DEVICE = f"{NAME}.Manager", f"{NAME}.Device"
FIRST = f"{PATH}/device/dax0_2e0"


def description(element):
    """An interface as it stands, whatever the order: a line for each member."""
    found = set()
    for member in element:
        parts = [member.tag, member.get("name"), member.get("type", ""), member.get("access", "")]
        parts += [f"{a.get('direction', 'out')} {a.get('type')} {a.get('name', '')}"
                  for a in member.findall("arg")]
        parts += sorted(f"{a.get('name')}={a.get('value')}" for a in member.findall("annotation"))
        found.add(" ".join(parts))
    return found


class Promise(MemmapdTest):
    """What is installed for others to rely on is what is there; see memmapd(8), D-BUS."""

    def introspected(self, d, path):
        o = d.bus.connection.get_object(NAME, path)
        return ElementTree.fromstring(o.Introspect(
            dbus_interface="org.freedesktop.DBus.Introspectable"))

    def interface(self, d, path, name):
        return next(i for i in self.introspected(d, path).findall("interface")
                    if i.get("name") == name)

    def test_interfaces(self):
        d = self.daemon(self.machine(devices=[Dax(size=1 * GiB)]))
        d.wait_state("dax0.0", "online")
        for path, name in (PATH, MANAGER), (FIRST, DEVICE):
            written = ElementTree.parse(ROOT / f"systemd/{name}.xml").getroot().find("interface")
            self.assertEqual(written.get("name"), name)
            self.assertEqual(description(self.interface(d, path, name)), description(written))
        self.assertEqual([n.get("name") for n in self.introspected(d, f"{PATH}/device").findall("node")],
                         ["dax0_2e0"])

    def test_manual(self):
        """Each member has a paragraph, and no paragraph is of what is not there."""
        text = (ROOT / "man/memmapd.8.scd").read_text(encoding="utf-8")
        text = text.partition("\n# D-BUS\n")[2].partition("\n# ")[0]
        told = {name for line in re.findall(r"(?m)^\*.*$", text)
                for name in re.findall(r"\*([A-Z]\w+)\*", line)}
        there = {member.get("name") for name in (MANAGER, DEVICE) for member in
                 ElementTree.parse(ROOT / f"systemd/{name}.xml").getroot().find("interface")}
        self.assertEqual(told, there)

    def test_nobody_changes_anything(self):
        """What the bus lets anybody call either changes nothing or asks polkit."""
        allowed = set(re.findall(r'send_member="(\w+)"', (ROOT / "systemd/org.memmapd1.conf")
                                 .read_text(encoding="utf-8").partition('context="default"')[2]))
        members = {m.get("name") for m in ElementTree.parse(
            ROOT / f"systemd/{MANAGER}.xml").getroot().find("interface").findall("method")}
        self.assertEqual(members - allowed, {"Reload", "Plan"})
        self.assertNotIn("Set", allowed)


class Texts(MemmapdTest):
    """Policies of somebody else's: only looked at."""

    GOOD = json.dumps(policy(memmap="device"))

    def test_check(self):
        d = self.daemon(self.machine())
        said = json.loads(d.call("Check", "a(ss)", ([("mine", self.GOOD)],)))
        self.assertEqual((said["format"], said["good"], said["findings"]), (1, True, []))
        said = json.loads(d.call("Check", "a(ss)", ([("mine", self.GOOD), ("bad", BAD_POLICY)],)))
        self.assertFalse(said["good"])
        finding, = said["findings"]
        self.assertEqual((finding["path"], finding["line"], finding["pointer"]),
                         ("bad", 3, "/defaults/memmapp"))
        # It says what "memmapctl check" says.
        d.set_policy(BAD_POLICY)
        same = json.loads(d.ctl("check", "--json", d.policy_path, check=1).stdout)["findings"]
        self.assertEqual([{**finding, "path": d.policy_path}], same)

    def test_plan(self):
        m = self.machine(memmap_on_memory=True, devices=[Dax(size=1 * GiB)])
        d = self.daemon(m, policy(action="ignore"))
        d.wait_state("dax0.0", "ignored")

        def planned(*files):
            device, = json.loads(d.call("Plan", "a(ss)", (list(files) or dbus.Array(signature="(ss)"),)))["devices"]
            return device["verdict"], [r["memmap"] for r in device["plan"]["runs"] if r["wanted"]]
        self.assertEqual(planned(), ("ignore", []))
        self.assertEqual(planned(("mine", self.GOOD)), ("take", ["device"]))
        with self.assertRaises(dbus.DBusException) as e:
            planned(("bad", BAD_POLICY))
        self.assertEqual(e.exception.get_dbus_name(), "org.memmapd1.Error.PolicyInvalid")
        # Nothing was done, and nothing of it stays.
        self.assertEqual((d.device()["state"], m.actions("plug")), ("ignored", []))


class Devices(MemmapdTest):
    def objects(self, d):
        o = d.bus.connection.get_object(NAME, PATH)
        return {str(path): interfaces[DEVICE] for path, interfaces in o.GetManagedObjects(
            dbus_interface="org.freedesktop.DBus.ObjectManager").items() if DEVICE in interfaces}

    def get(self, d, name):
        o = d.bus.connection.get_object(NAME, FIRST)
        return o.Get(DEVICE, name, dbus_interface="org.freedesktop.DBus.Properties")

    def listen(self, d):
        """Returns what tells of the signals since, as (member, path, what is in it)."""
        with open(f"{d.dir}/signals", "w", encoding="utf-8") as log:
            heard = subprocess.Popen(["busctl", f"--address={d.bus.address}", "--json=short",
                                      "monitor", "--match=type='signal',sender='org.memmapd1'"],
                                     stdout=log, stderr=subprocess.DEVNULL)
        self.addCleanup(heard.wait)
        self.addCleanup(heard.terminate)
        time.sleep(1)

        def signals():
            with open(f"{d.dir}/signals", encoding="utf-8") as f:
                return [(m["member"], m["path"], m["payload"]["data"]) for m in map(
                    json.loads, (line for line in f if line.endswith("\n")))]
        return signals

    def test_properties(self):
        d = self.daemon(self.machine(devices=[Dax(size=1 * GiB), Dax("dax1.0", "pmem", size=1 * GiB)]))
        d.wait_state("dax0.0", "online")
        d.wait_state("dax1.0", "ignored")
        found = self.objects(d)
        self.assertEqual({p: (o["Name"], o["State"], o["Size"], o["Online"]) for p, o in found.items()},
                         {FIRST: ("dax0.0", "online", GiB, GiB),
                          f"{PATH}/device/dax1_2e0": ("dax1.0", "ignored", GiB, 0)})
        # Only for who asks: it is long.
        self.assertNotIn("Description", found[FIRST])
        self.assertEqual(json.loads(self.get(d, "Description")), d.device())
        self.assertEqual((self.get(d, "Message"), self.get(d, "TargetNode")),
                         (d.device()["message"], 1))

    def test_none_of_that_name(self):
        d = self.daemon(self.machine())
        for path in f"{PATH}/device/dax7_2e0", f"{PATH}/device/_", f"{PATH}/device":
            with self.assertRaises(dbus.DBusException):
                d.bus.connection.get_object(NAME, path, introspect=False).Get(
                    DEVICE, "State", dbus_interface="org.freedesktop.DBus.Properties")

    def test_signals(self):
        """One comes, changes and goes, and nobody has to ask."""
        m = self.machine()
        d = self.daemon(m, policy())
        signals = self.listen(d)
        m.add(Dax(size=1 * GiB))
        d.wait_state("dax0.0", "online")
        d.settle()
        m.write(f"/sys/devices/system/memory/memory{m.devices['dax0.0'].numbers[3]}/state", "offline")
        d.wait_state("dax0.0", "degraded")
        m.remove("dax0.0")
        d.wait(lambda: any(s[0] == "InterfacesRemoved" for s in signals()), "it goes")
        heard = signals()
        added = [(path, data) for member, path, data in heard if member == "InterfacesAdded"]
        self.assertEqual([(path, data[0]) for path, data in added], [(PATH, FIRST)])
        self.assertEqual(added[0][1][1][DEVICE]["Name"]["data"], "dax0.0")
        changed = [data[1] for member, path, data in heard
                   if member == "PropertiesChanged" and path == FIRST]
        states = [c["State"]["data"] for c in changed if "State" in c]
        for state in "working", "online", "degraded":
            self.assertIn(state, states)
        self.assertIn(7 * GiB // 8, [c["Online"]["data"] for c in changed])
        removed = [data for member, path, data in heard if member == "InterfacesRemoved"]
        self.assertEqual([data[0] for data in removed], [FIRST])
        self.assertIn(DEVICE, removed[0][1])
        d.wait(lambda: not self.objects(d), "there is no object")


if __name__ == "__main__":
    unittest.main()
