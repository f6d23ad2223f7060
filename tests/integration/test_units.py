# SPDX-License-Identifier: LGPL-2.1-or-later
"""The units: systemd understands them, and nothing is switched on by installing them."""
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SYSTEMD = ROOT / "systemd"
UNITS = {"memmapd.service": "memmapd.service.in", "memmapd-metrics.timer": "memmapd-metrics.timer"}


class Verify(unittest.TestCase):
    """By systemd-analyze, in a tree with nothing but them and the targets."""

    def said(self, change=lambda text: text):
        with tempfile.TemporaryDirectory() as root:
            units = Path(root, "usr/lib/systemd/system")
            units.mkdir(parents=True)
            for program in ("usr/bin/memmapctl", "usr/sbin/memmapd", "bin/sh",
                            "usr/libexec/memmapd/memmapd-load-module"):
                Path(root, program).parent.mkdir(parents=True, exist_ok=True)
                Path(root, program).touch(0o755)
            for target in Path("/usr/lib/systemd/system").glob("*.target"):
                shutil.copyfile(target, units / target.name)
            names = []
            for source in (*SYSTEMD.glob("*.service*"), *SYSTEMD.glob("*.timer"),
                           *(ROOT / "contrib/kubernetes").glob("memmapd-labels.*")):
                text = source.read_text(encoding="utf-8")
                for key in "bin", "sbin":
                    text = text.replace(f"@{key}dir@", f"/usr/{key}")
                text = text.replace("@pkglibexecdir@", "/usr/libexec/memmapd")
                names.append(source.name.removesuffix(".in"))
                (units / names[-1]).write_text(change(text), encoding="utf-8")
            done = subprocess.run(["systemd-analyze", f"--root={root}", "verify", "--man=no", *names],
                                  text=True, capture_output=True, timeout=60, check=False)
            return sorted(names), done.returncode, done.stdout + done.stderr

    def test_verify(self):
        names, code, said = self.said()
        self.assertEqual((code, said), (0, ""))
        self.assertEqual(names, ["memmapd-claim.service", "memmapd-labels.service",
                                 "memmapd-labels.timer", "memmapd-metrics.service",
                                 "memmapd-metrics.timer", "memmapd.service"])

    def test_the_test(self):
        self.assertIn("Unknown", self.said(lambda t: t.replace("NoNewPrivileges", "NoPrivileges"))[2])


class Preset(unittest.TestCase):
    """What "systemctl preset" makes of them, as it is run when an RPM package comes."""

    def enabled(self, *presets):
        with tempfile.TemporaryDirectory() as root:
            units = Path(root, "usr/lib/systemd/system")
            where = Path(root, "usr/lib/systemd/system-preset")
            for directory in units, where, Path(root, "etc/systemd/system"):
                directory.mkdir(parents=True)
            for unit, source in UNITS.items():
                (units / unit).write_bytes((SYSTEMD / source).read_bytes())
            for preset in presets:
                (where / f"85-{preset.name}").write_bytes(preset.read_bytes())
            subprocess.run(["systemctl", "--root", root, "preset", *UNITS], check=True, timeout=60,
                           capture_output=True)
            return {link.name for link in Path(root, "etc").rglob("*") if link.is_symlink()}

    def test_disabled(self):
        self.assertEqual(self.enabled(SYSTEMD / "memmapd.preset"), set())

    def test_without_it(self):
        """systemd enables what no preset speaks of."""
        self.assertEqual(self.enabled(), set(UNITS))


if __name__ == "__main__":
    unittest.main()
