# SPDX-License-Identifier: LGPL-2.1-or-later
"""The files that the policy is made of: laid on each other, refused, changed."""
import os
import sys
import time
import unittest

import dbus.exceptions

from fakemachine import Dax, GiB, policy
from harness import BAD_POLICY, MemmapdTest, rule

VENDOR = "/usr/share/memmapd"


class FilesTest(MemmapdTest):
    def installed(self, machine, main=None, start=True):
        d = self.daemon(machine, main, installed=True, start=start)
        if start:
            d.wait_message("POLICY_LOADED")
        return d

    def one(self, **kw):
        return self.machine(devices=[Dax(size=1 * GiB)], memmap_on_memory=True, **kw)

    def policy_error(self, d):
        return d.describe()["daemon"]["policy_error"]


class Layers(FilesTest):
    """What is found at the start."""

    def test_nothing_installed(self):
        d = self.installed(self.one())
        self.assertIsNone(d.wait_state("dax0.0", "online")["rule_file"])
        daemon = d.describe()["daemon"]
        self.assertEqual((daemon["policy"], daemon["policy_files"]), ("built in", []))

    def test_the_operators_file_hides_the_vendors(self):
        m = self.one()
        d = self.installed(m, policy(rule("mine")), start=False)
        vendor = m.root + VENDOR + "/policy.json"
        d.put(vendor, policy(rule("theirs"), action="ignore"))
        d.start()
        device = d.wait_state("dax0.0", "online")
        self.assertEqual((device["rule"], device["rule_file"]), ("mine", d.policy_path))
        self.assertEqual(d.describe()["daemon"]["policy_files"], [d.policy_path])
        os.unlink(d.policy_path)
        d.wait(lambda: d.describe()["daemon"]["policy"] == vendor, "the vendor's is in force")

    def test_the_vendors_file_can_be_masked(self):
        m = self.one()
        d = self.installed(m, start=False)
        d.put(m.root + VENDOR + "/policy.json", policy(action="ignore"))
        os.makedirs(m.root + "/etc/memmapd")
        os.symlink("/dev/null", d.policy_path)
        d.start()
        d.wait_state("dax0.0", "online")
        self.assertEqual(d.describe()["daemon"]["policy"], "built in")

    def test_drop_ins_override_in_the_order_of_their_names(self):
        m = self.one()
        d = self.installed(m, policy(rule("main"), memmap="ram", order="ascending"), start=False)
        paths = [d.drop_in("20-b.json", policy(rule("b", {"backing": "cxl"}), zone="kernel")),
                 d.drop_in("10-a.json", policy(rule("a"), zone="movable", memmap="device"),
                           VENDOR)]
        d.drop_in("20-b.json", BAD_POLICY, VENDOR)          # hidden
        for name in ".hidden.json", "30-c.json~", "30-c.json.bak":
            d.drop_in(name, BAD_POLICY)
        d.start()
        device = d.wait_state("dax0.0", "online")
        self.assertEqual((device["rule"], device["rule_file"]), ("a", paths[1]))
        self.assertEqual([device[k] for k in ("memmap_mode", "zone", "order")],
                         ["device", "kernel", "ascending"])
        self.assertEqual(d.describe()["daemon"]["policy_files"],
                         [d.policy_path, paths[1], paths[0]])
        self.assertIn("and 2 drop-ins, 3 rules", d.wait_message("POLICY_LOADED")["MESSAGE"])
        self.assertIn("/policy.json and 2 drop-ins", d.ctl("status", check=0).stdout)
        self.assertIn(f'"a" ({paths[1]})', d.ctl("explain", "dax0.0", check=0).stdout)

    def test_the_vendors_drop_in_can_be_masked(self):
        m = self.one()
        d = self.installed(m, policy(), start=False)
        d.drop_in("10-a.json", policy(action="ignore"), VENDOR)
        os.makedirs(os.path.dirname(d.drop_in("")))
        os.symlink("/dev/null", d.drop_in("10-a.json"))
        d.start()
        d.wait_state("dax0.0", "online")
        self.assertEqual(d.describe()["daemon"]["policy_files"], [d.policy_path])
        os.unlink(d.drop_in("10-a.json"))
        d.wait(lambda: len(d.describe()["daemon"]["policy_files"]) == 2, "it is not masked")

    def test_a_named_file_is_all(self):
        m = self.one()
        d = self.daemon(m, policy(), start=False)
        d.drop_in("10-a.json", policy(action="ignore"))
        d.start()
        d.wait_state("dax0.0", "online")
        self.assertEqual(d.describe()["daemon"]["policy_files"], [d.policy_path])

    def test_warnings(self):
        d = self.installed(self.one(), policy(memmap="seed"), start=False)
        path = d.drop_in("10-a.json", policy(
            rule("all"), rule("cxl", {"backing": "cxl"}), rule("add", action="plug")))
        d.start()
        d.wait_message("POLICY_LOADED")
        said = "\n".join(m["MESSAGE"] for m in d.message("POLICY_DOUBTFUL"))
        self.assertRegex(said, rf'{path}:\d+:\d+: warning: /rules/1: .*"all", matches every device')
        self.assertRegex(said, rf"{path}:\d+:\d+: warning: /rules/2/action: .*refused")
        self.assertEqual(len(d.describe()["daemon"]["policy_warnings"]), 3)
        # Not again for the same files.
        d.reload()
        d.wait_message("POLICY_LOADED", 2)
        self.assertEqual(len(d.message("POLICY_DOUBTFUL")), 3)


class Broken(FilesTest):
    """One mistake, and the policy stays what it was."""

    def test_a_broken_drop_in(self):
        m = self.one()
        d = self.installed(m, policy(memmap="device"))
        d.wait_state("dax0.0", "online")
        path = d.drop_in("50-broken.json", BAD_POLICY)
        error = d.wait(lambda: self.policy_error(d), "it is refused")
        self.assertIn(f"{path}:3:17: /defaults/memmapp:", error)
        self.assertIn('did you mean "memmap"?', error)
        d.drop_in("10-good.json", policy(memmap="ram"))
        with self.assertRaises(dbus.exceptions.DBusException) as c:
            d.reload()
        self.assertIn(path, str(c.exception))
        self.assertIn("old policy stays in force", d.wait_message("POLICY_BAD")["MESSAGE"])
        self.assertEqual(d.describe()["daemon"]["policy_files"], [d.policy_path])
        m.add(Dax("dax1.0", size=1 * GiB))
        d.wait_state("dax1.0", "online")
        self.assertEqual(m.devices["dax1.0"].map, "d" * 8)
        os.unlink(path)
        d.wait(lambda: not self.policy_error(d), "it is in force")
        m.add(Dax("dax2.0", size=1 * GiB))
        d.wait_state("dax2.0", "online")
        self.assertEqual(m.devices["dax2.0"].map, "r" * 8)

    def test_broken_at_the_start(self):
        m = self.one()
        d = self.installed(m, policy(), start=False)
        path = d.drop_in("50-broken.json", BAD_POLICY)
        other = d.drop_in("60-broken.json", "{")
        d.start()
        self.assertIn(path, d.wait_state("dax0.0", "unknown")["message"])
        self.assertIn("1 more", self.policy_error(d))
        d.drop_in("50-broken.json", policy())
        d.wait(lambda: other in self.policy_error(d), "the other one is left")
        os.unlink(other)
        d.wait_state("dax0.0", "online")

    def test_said_once(self):
        d = self.installed(self.one(), policy())
        path = d.drop_in("50-broken.json", BAD_POLICY)
        d.wait_message("POLICY_BAD")
        os.utime(path)
        d.drop_in("README", "nothing")
        time.sleep(0.6)
        self.assertEqual(len(d.message("POLICY_BAD")), 1)

    @unittest.skipUnless(os.getuid() == 0, "only root can give files away")
    def test_not_roots(self):
        d = self.installed(self.one(), policy())
        d.wait_state("dax0.0", "online")
        path = d.drop_in("10-a.json", policy(action="ignore"))
        d.wait(lambda: len(d.describe()["daemon"]["policy_files"]) == 2, "it is in force")
        os.chown(path, 65534, 0)
        error = d.wait(lambda: self.policy_error(d), "it is refused")
        self.assertIn(f"{path}: the file belongs to user 65534", error)
        os.chown(path, 0, 0)
        d.wait(lambda: not self.policy_error(d), "it is in force")

    def test_writable_by_others(self):
        d = self.installed(self.one(), policy())
        d.wait_state("dax0.0", "online")
        path = d.drop_in("10-a.json", policy())
        directory = os.path.dirname(path)
        for path, mode, good in ((path, 0o664, 0o644), (path, 0o646, 0o600),
                                 (directory, 0o775, 0o755), (directory, 0o1777, 0o700)):
            os.chmod(path, mode)
            error = d.wait(lambda: self.policy_error(d), f"{mode:o} is refused")
            self.assertIn(f"chmod go-w {path}", error)
            self.assertIn(f"{mode:04o}", error)
            os.chmod(path, good)
            d.wait(lambda: not self.policy_error(d), f"{good:o} is good")

    def test_what_is_no_file(self):
        d = self.installed(self.one(), policy())
        os.makedirs(os.path.dirname(d.drop_in("")))
        for i, make in enumerate((os.mkdir, os.mkfifo, lambda p: os.symlink("none", p))):
            path = d.drop_in(f"{i}.json")
            make(path)
            self.assertIn(path, d.wait(lambda: self.policy_error(d), "it is refused"))
            os.rename(path, path + "-")
            d.wait(lambda: not self.policy_error(d), "it is gone")


class Changes(FilesTest):
    """Seen without being told."""

    def wait_zone(self, d, zone):
        """The policy in force is the one with that zone, as a new device shows."""
        m, name = d.machine, f"dax{len(d.machine.devices)}.0"
        time.sleep(0.5)
        m.add(Dax(name, size=1 * GiB))
        self.assertEqual(d.wait_state(name, "online")["zone"], zone)

    def loaded(self, d):
        return len(d.message("POLICY_LOADED"))

    def change(self, d, act):
        """@act makes the daemon read its policy again."""
        n = self.loaded(d)
        act()
        d.wait_message("POLICY_LOADED", n + 1)

    def text(self, zone):
        return f'{{ "version": 1, "defaults": {{ "ram_reserve": 0, "zone": "{zone}" }} }}\n'

    def test_renamed_over(self):
        d = self.installed(self.machine(possible=4), policy())
        self.change(d, lambda: d.set_policy(self.text("kernel")))
        self.wait_zone(d, "kernel")

    def test_moved_in_and_out(self):
        m = self.machine(possible=4)
        d = self.installed(m, policy())
        elsewhere = m.root + "/srv/policy.json"
        d.put(elsewhere, self.text("kernel"))
        self.change(d, lambda: os.rename(elsewhere, d.policy_path))
        self.wait_zone(d, "kernel")
        self.change(d, lambda: os.rename(d.policy_path, elsewhere))
        self.assertEqual(d.describe()["daemon"]["policy"], "built in")

    def test_written_in_place(self):
        d = self.installed(self.machine(possible=4), policy())

        def write():
            with open(d.policy_path, "w") as f:
                f.write(self.text("kernel"))
        self.change(d, write)
        self.wait_zone(d, "kernel")
        self.assertEqual(d.message("POLICY_BAD"), [])

    def test_half_written(self):
        d = self.installed(self.machine(possible=4), policy())
        text = self.text("kernel")
        with open(d.policy_path, "w") as f:
            f.write(text[:20])
            f.flush()
            # Somebody else changes something meanwhile, so that it is read.
            os.utime(d.policy_path)
            d.wait(lambda: self.policy_error(d), "half of it is refused")
            self.assertEqual(self.loaded(d), 1)
            f.write(text[20:])
        d.wait(lambda: not self.policy_error(d), "all of it is in force")
        self.wait_zone(d, "kernel")

    def test_as_editors_do(self):
        d = self.installed(self.machine(possible=4), policy())
        backup = d.policy_path + "~"

        def edit():
            with open(os.path.dirname(d.policy_path) + "/.policy.json.swp", "w") as f:
                f.write("swap")
            os.rename(d.policy_path, backup)
            with open(d.policy_path, "w") as f:
                f.write(self.text("kernel"))
            os.unlink(backup)
        self.change(d, edit)
        self.wait_zone(d, "kernel")

    def test_directories_come_and_go(self):
        m = self.machine(possible=4)
        d = self.installed(m)
        self.assertFalse(os.path.exists(m.root + "/etc"))
        self.change(d, lambda: d.drop_in("10-a.json", self.text("kernel")))
        self.wait_zone(d, "kernel")
        moved = m.root + "/etc/memmapd.old"
        self.change(d, lambda: os.rename(m.root + "/etc/memmapd", moved))
        self.assertEqual(d.describe()["daemon"]["policy_files"], [])
        self.change(d, lambda: os.rename(moved, m.root + "/etc/memmapd"))
        self.change(d, lambda: d.drop_in("20-b.json", self.text("movable"), VENDOR))
        self.wait_zone(d, "movable")

    def test_behind_a_link(self):
        m = self.machine(possible=4)
        d = self.installed(m, policy(), start=False)
        elsewhere = m.root + "/srv/policy.json"
        d.put(elsewhere, self.text("movable"))
        os.unlink(d.policy_path)
        os.symlink("../../srv/policy.json", d.policy_path)
        d.start()
        d.wait_message("POLICY_LOADED")
        self.change(d, lambda: d.put(elsewhere, self.text("kernel")))
        self.wait_zone(d, "kernel")

        def write():
            with open(elsewhere, "w") as f:
                f.write(self.text("movable"))
        self.change(d, write)
        os.chmod(m.root + "/srv", 0o777)
        with self.assertRaises(dbus.exceptions.DBusException) as c:
            d.reload()
        self.assertIn(f"chmod go-w {m.root}/etc/memmapd/../../srv", str(c.exception))

    def test_the_named_file(self):
        d = self.daemon(self.machine(possible=4), policy())
        d.wait_message("POLICY_LOADED")
        self.change(d, lambda: d.set_policy(self.text("kernel")))
        self.wait_zone(d, "kernel")

    def test_what_is_no_change(self):
        d = self.installed(self.machine(), policy())
        d.set_policy(policy())
        os.utime(d.policy_path)
        time.sleep(0.6)
        self.assertEqual(self.loaded(d), 1)

    def cpu(self, d):
        """Switches to the daemon's process, which is how often it woke up."""
        with open(f"/proc/{d.process.pid}/status") as f:
            return sum(int(line.split()[1]) for line in f if "voluntary_ctxt_switches" in line)

    def test_idle(self):
        d = self.installed(self.one(), policy())
        d.wait_state("dax0.0", "online")
        d.drop_in("10-a.json", BAD_POLICY)
        d.wait(lambda: self.policy_error(d), "it is refused")
        time.sleep(0.5)
        before = self.cpu(d)
        time.sleep(2)
        self.assertEqual(self.cpu(d), before)


if __name__ == "__main__":
    sys.exit(unittest.main())
