#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""memmapctl check: files by themselves, together, and as they are installed.

MEMMAPCTL is the program to test.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

MEMMAPCTL = os.environ.get("MEMMAPCTL", "memmapctl")

GOOD = '{ "version": 1 }\n'
BAD = '{\n"version": 1,\n"ruels": []\n}\n'
SHADOWED = """{
  "version": 1,
  "rules": [
    { "name": "all", "match": {} },
    { "name": "none is left", "match": { "backing": "cxl" } }
  ]
}
"""


def one_rule(name, **settings):
    return json.dumps({"version": 1, "rules": [{"name": name, "match": {}, **settings}]})


class Case(unittest.TestCase):
    def setUp(self):
        self.root = Path(tempfile.mkdtemp(prefix="memmapctl-"))
        self.addCleanup(shutil.rmtree, self.root)

    def put(self, path, text, mode=0o644):
        path = self.root / path
        path.parent.mkdir(0o755, parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(mode)
        return str(path)

    def check(self, *arguments, code=0):
        done = subprocess.run([MEMMAPCTL, "check", *arguments], check=False, text=True,
                              capture_output=True, timeout=60)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def installed(self, *arguments, code=0):
        return self.check("--sysroot", str(self.root), *arguments, code=code)

    def json(self, *arguments, code=0):
        done = self.check("--json", *arguments, code=code)
        self.assertEqual(done.stderr, "")
        said = json.loads(done.stdout)
        self.assertEqual((said["format"], said["good"]), (1, code == 0))
        return said


class Files(Case):
    def test_each_alone(self):
        good, bad = self.put("a.json", one_rule("x")), self.put("b.json", BAD)
        done = self.check(good, bad, good, code=1)
        self.assertEqual(done.stdout, f"{good}: good, 1 rule\n" * 2)
        self.assertEqual(done.stderr,
                         f'{bad}:3:1: /ruels: unknown key "ruels"; did you mean "rules"?\n')

    def test_warnings_are_no_mistakes(self):
        path = self.put("a.json", SHADOWED)
        done = self.check(path)
        self.assertEqual(done.stdout, f"{path}: good, 2 rules\n")
        self.assertEqual(done.stderr, f"{path}:5:5: warning: /rules/1: no device gets to this "
                                      'rule: /rules/0, "all", matches every device\n')

    def test_together(self):
        # Each is good, alone as well as in the other order.
        seed = self.put("a.json", '{ "version": 1, "defaults": { "memmap": "seed" } }')
        plug = self.put("b.json", one_rule("add", action="plug"))
        for arguments in (seed, plug), (plug,), (seed,):
            self.assertEqual(self.check(*arguments).stderr, "")
        done = self.check("--merge", seed, plug)
        self.assertEqual(done.stdout, f"{seed}: good, 0 rules\n{plug}: good, 1 rule\n"
                                      "Together: good, 1 rule\n")
        self.assertRegex(done.stderr, rf"^{plug}:1:\d+: warning: /rules/0/action: .*refused")
        bad = self.put("c.json", BAD)
        done = self.check("--merge", seed, bad, plug, code=1)
        self.assertNotIn("Together", done.stdout)
        self.assertEqual(done.stdout.count("good"), 2)

    def test_names_of_several_files(self):
        a, b = self.put("a.json", one_rule("x")), self.put("b.json", one_rule("x"))
        self.assertEqual(self.check(a, b).stderr, "")
        said = self.check("--merge", a, b).stderr
        self.assertRegex(said, rf"^{b}:1:\d+: warning: /rules/0/name: /rules/0 of {a} is \"x\" too")

    def test_who_may_write_it_does_not_matter_yet(self):
        path = self.put("a.json", GOOD, 0o666)
        self.check(path)

    def test_json(self):
        good, bad = self.put("a.json", SHADOWED), self.put("b.json", BAD)
        said = self.json(good, bad, code=1)
        self.assertEqual(said["files"],
                         [{"path": good, "good": True, "masked": False, "rules": 2},
                          {"path": bad, "good": False, "masked": False, "rules": 0}])
        self.assertEqual([(f["path"], f["line"], f["column"], f["pointer"], f["warning"])
                          for f in said["findings"]],
                         [(good, 5, 5, "/rules/1", True), (bad, 3, 1, "/ruels", False)])
        self.assertIn('did you mean "rules"?', said["findings"][1]["message"])
        self.assertIsNone(self.json("none.json", code=1)["findings"][0]["line"])

    def test_json_of_several_files(self):
        a, b = self.put("a.json", one_rule("a")), self.put("b.json", one_rule("b"))
        self.assertEqual(self.json("--merge", a, b)["rules"],
                         [{"name": "b", "file": b}, {"name": "a", "file": a}])

    def test_what_is_no_file(self):
        os.mkfifo(self.root / "fifo")
        for path in self.root, self.root / "fifo", "/dev/null", self.root / "none":
            self.assertIn(f"{path}: ", self.check(str(path), code=1).stderr)

    def test_usage(self):
        path = self.put("a.json", GOOD)
        for arguments in ("--merge",), ("--sysroot", "/", path), ("--merge", "--sysroot", "/"):
            self.check(*arguments, code=2)
        for verb in "status", "reload":
            done = subprocess.run([MEMMAPCTL, verb, "--sysroot", "/"], check=False,
                                  capture_output=True, text=True)
            self.assertEqual(done.returncode, 2, done.stderr)


class Installed(Case):
    def test_nothing(self):
        self.assertEqual(self.installed().stdout,
                         "There is no policy file; what is built in holds.\n")

    def test_all_layers(self):
        main = self.put("etc/memmapd/policy.json", one_rule("main"))
        self.put("usr/share/memmapd/policy.json", BAD)
        self.put("usr/share/memmapd/policy.d/20.json", BAD)
        vendor = self.put("usr/share/memmapd/policy.d/10.json", one_rule("vendor"))
        upper = self.put("etc/memmapd/policy.d/30.json", one_rule("upper"))
        mask = self.root / "etc/memmapd/policy.d/20.json"
        mask.symlink_to("/dev/null")
        self.assertEqual(self.installed().stdout,
                         f"{main}: good, 1 rule\n{vendor}: good, 1 rule\n{mask}: masked\n"
                         f"{upper}: good, 1 rule\nTogether: good, 3 rules\n")
        said = self.json("--sysroot", str(self.root))
        self.assertEqual([r["name"] for r in said["rules"]], ["upper", "vendor", "main"])
        self.assertEqual([f["masked"] for f in said["files"]], [False, False, True, False])

    def test_mistakes(self):
        self.put("etc/memmapd/policy.json", GOOD)
        bad = [self.put(f"etc/memmapd/policy.d/{i}.json", BAD) for i in range(2)]
        said = self.installed(code=1).stderr.splitlines()
        self.assertEqual([line.split(" ")[0] for line in said], [f"{b}:3:1:" for b in bad])

    def test_who_may_write_it(self):
        path = self.put("etc/memmapd/policy.d/1.json", GOOD, 0o664)
        self.assertIn(f"chmod go-w {path}\n", self.installed(code=1).stderr)
        os.chmod(path, 0o644)
        self.installed()
        directory = self.root / "etc/memmapd/policy.d"
        directory.chmod(0o777)
        self.assertIn(f"chmod go-w {directory}\n", self.installed(code=1).stderr)


if __name__ == "__main__":
    sys.exit(unittest.main())
