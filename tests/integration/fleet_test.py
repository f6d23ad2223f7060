# SPDX-License-Identifier: LGPL-2.1-or-later
"""The Ansible role of contrib/ansible, on machines that are not there: "./dev fleet".

It is not among the other integration tests, as Ansible is much to install for it."""
import json
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

from fakemachine import Dax, GiB, MiB, built, policy
from harness import MemmapdTest

ANSIBLE = Path(__file__).resolve().parents[2] / "contrib/ansible"
OK, FAILED = 0, 2


class Fleet(MemmapdTest):
    def fleet(self, *machines):
        """Hosts with memmapd: {name: daemon}."""
        daemons = {}
        for i, machine in enumerate(machines):
            d = self.daemon(machine, policy(), installed=True)
            d.wait_state("dax0.0", "online", "refused")
            daemons[f"host{i}"] = d
        return daemons

    def play(self, daemons, wanted, code, *options, **more):
        """Runs the playbook of the README.  Returns what it said."""
        hosts = {name: {"memmapd_policy_path": d.policy_path,
                        "memmapd_environment": {"DBUS_SYSTEM_BUS_ADDRESS": d.bus.address}}
                 for name, d in daemons.items()}
        inventory = {"expanders": {"hosts": hosts, "vars": {
            "ansible_connection": "local", "ansible_python_interpreter": "/usr/bin/python3",
            "ansible_become": False, "memmapd_enable": False, "memmapd_policy": wanted,
            "memmapd_ctl": built("MEMMAPCTL", "ctl/memmapctl"), **more}}}
        with tempfile.TemporaryDirectory() as home:
            path = Path(home, "hosts.json")
            path.write_text(json.dumps(inventory), encoding="utf-8")
            done = subprocess.run(["ansible-playbook", "-i", path, *options, "site.yml"],
                                  cwd=ANSIBLE, text=True, capture_output=True, timeout=300,
                                  check=False, env={**os.environ, "HOME": home, "LC_ALL": "C.UTF-8",
                                                    "ANSIBLE_NOCOLOR": "1"})
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout

    def machine_of(self, **kw):
        return self.machine(devices=[Dax(size=2 * GiB)], **kw)

    def test_rolled_out(self):
        daemons = self.fleet(self.machine_of(), self.machine_of())
        wanted = policy({"name": "huge", "match": {"target_node": 7}, "use": {"gigantic_pages": True}},
                        ram_reserve="1G")
        before = {n: Path(d.policy_path).read_bytes() for n, d in daemons.items()}
        # First it is only looked at.
        self.play(daemons, wanted, OK, "--check")
        for name, d in daemons.items():
            self.assertEqual(Path(d.policy_path).read_bytes(), before[name])
        said = self.play(daemons, wanted, OK)
        for d in daemons.values():
            self.assertEqual(json.loads(Path(d.policy_path).read_text(encoding="utf-8")), wanted)
            self.assertTrue(d.message("POLICY_LOADED")[-1]["MESSAGE"].endswith(", 1 rule."))
            self.assertEqual(Path(d.policy_path).stat().st_mode & 0o777, 0o644)
        self.assertEqual(said.count("Reload memmapd"), 2)
        self.assertIn("host1", said)
        # Once more there is nothing to do.
        again = self.play(daemons, wanted, OK)
        self.assertNotIn("changed=1", again)
        self.assertNotIn("Reload memmapd", again)

    def test_a_mistake_changes_nothing(self):
        daemons = self.fleet(self.machine_of())
        d = daemons["host0"]
        before = Path(d.policy_path).read_bytes()
        said = self.play(daemons, {"version": 1, "defaults": {"memmapp": "ram"}}, FAILED)
        self.assertIn("memmapp", said)
        self.assertEqual(Path(d.policy_path).read_bytes(), before)
        self.assertIsNone(d.describe()["daemon"]["policy_error"])

    def test_the_rest_is_left_alone_once_one_fails(self):
        """What is refused is read back, and the second machine keeps what it has."""
        small = {"ram": 768 * MiB, "free": 300 * MiB}
        refused = self.machine(devices=[Dax(size=64 * GiB)], **small)
        daemons = self.fleet(refused, self.machine_of())
        before = Path(daemons["host1"].policy_path).read_bytes()
        wanted = policy(memmap="ram")
        # It has to come anew for the policy to be asked about it.
        refused.remove("dax0.0")
        refused.add(Dax(size=64 * GiB))
        said = self.play(daemons, wanted, FAILED)
        self.assertIn("dax0.0 is refused: ", said)
        self.assertEqual(Path(daemons["host1"].policy_path).read_bytes(), before)
        said = self.play(daemons, wanted, OK, memmapd_bad_states=[])
        self.assertEqual(json.loads(Path(daemons["host1"].policy_path).read_text("utf-8")), wanted)


class Lint(unittest.TestCase):
    def test_lint(self):
        with tempfile.TemporaryDirectory() as home:
            done = subprocess.run(["ansible-lint", "--offline", "--nocolor", "--strict", "."],
                                  cwd=ANSIBLE, text=True, capture_output=True, timeout=300,
                                  check=False, env={**os.environ, "HOME": home, "LC_ALL": "C.UTF-8"})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(done.stdout, "")


if __name__ == "__main__":
    unittest.main()
