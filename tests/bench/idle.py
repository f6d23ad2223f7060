#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes docs/bench/idle.md of the log of idle.sh: idle.py LOG."""

import datetime
import json
import re
import statistics
import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs/bench"
LINE = re.compile(r"@BENCH (\{.*\})")


def started(one):
    """systemd takes those of type "simple" for started before they have done anything."""
    if one["type"] == "simple":
        return "-"
    return f"{statistics.median(one['start_ms'])} ({min(one['start_ms'])} to {max(one['start_ms'])})"


def table(found):
    yield "| | PSS: KiB | its own: KiB | start: ms | wake-ups a minute |"
    yield "|---|---:|---:|---:|---:|"
    for one in found:
        yield (f"| {one['service']} | {one['pss_kib']} | {one['private_kib']} | {started(one)} "
               f"| {one['wakes'] * 60 / one['seconds']:.1f} |")


def main():
    log = Path(sys.argv[1]).read_text(errors="replace")
    found = [json.loads(text) for text in LINE.findall(log)]
    kernel = re.search(r"Linux version (\S+)", log)
    if not found or not kernel:
        sys.exit(f"idle: no result in {sys.argv[1]}")
    text = ["<!-- SPDX-License-Identifier: LGPL-2.1-or-later -->",
            "<!-- Written by ./dev bench idle; not to be edited. -->", "# While nothing happens", "",
            "memmapd, with a device taken in, and three other daemons of a Debian 12, all at the same",
            f"time in a virtual machine under software emulation, Linux {kernel[1]}, "
            f"{datetime.date.today()}. \"Start\"",
            "is until systemd knows that it is there, the median of "
            f"{len(found[0]['start_ms'])} and their span; \"-\" where it",
            "does not ask. memmapd wakes for its watchdog alone, every 15 to 22 s.", "", *table(found)]
    DOCS.mkdir(parents=True, exist_ok=True)
    (DOCS / "idle.md").write_text("\n".join(text) + "\n")
    print("\n".join(table(found)))


if __name__ == "__main__":
    main()
