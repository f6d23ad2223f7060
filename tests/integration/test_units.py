# SPDX-License-Identifier: LGPL-2.1-or-later
"""The units: nothing is switched on by installing them."""
import subprocess
import tempfile
import unittest
from pathlib import Path

SYSTEMD = Path(__file__).resolve().parents[2] / "systemd"
UNITS = {"memmapd.service": "memmapd.service.in", "memmapd-metrics.timer": "memmapd-metrics.timer"}


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
