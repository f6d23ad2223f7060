#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a look at the whole machine, a decision on each device and a plan for it take,
from a few blocks to the most that a machine can have: growth.py BUILD.  Writes a table
and its numbers to docs/bench."""

import datetime
import json
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import made_up

DOCS = Path(__file__).resolve().parents[2] / "docs/bench"
DEVICES = (8, 64, 256, 1024)
BLOCKS = 128
STATES = {"new": "nothing is taken in", "half": "every other device is", "taken": "all are"}
TIMES = 5


def command(build, tree):
    return [build / "ctl/memmapctl", "plan", "--snapshot", tree, "--json"]


def seconds(args):
    """CPU and wall time of one run."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(args, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
            time.monotonic() - began)


def instructions(args):
    """Those of our own, not of the kernel."""
    done = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *args],
                          check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    return int(re.search(r"Collected : (\d+)", done.stderr).group(1))


def opens(args):
    """How often a file was opened."""
    done = subprocess.run(["strace", "-f", "-c", "-e", "trace=openat", *args], check=True,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    return int(re.search(r"(\d+)(?:\s+\d+)? openat", done.stderr).group(1))


def measure(build, devices, state):
    with tempfile.TemporaryDirectory(dir="/dev/shm") as tree:
        made_up.make(tree, devices, BLOCKS, state)
        args = command(build, tree)
        runs = [seconds(args) for _ in range(TIMES)]
        return {"devices": devices, "blocks": devices * BLOCKS, "state": state,
                "cpu_seconds": min(cpu for cpu, _ in runs), "seconds": min(wall for _, wall in runs),
                "instructions": instructions(args), "opens": opens(args)}


def table(rows):
    yield "| machine | devices | blocks | s | CPU s | instructions a block | opens a block |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    for r in rows:
        yield (f"| {STATES[r['state']]} | {r['devices']} | {r['blocks']} | {r['seconds']:.2f} | "
               f"{r['cpu_seconds']:.2f} | {r['instructions'] / r['blocks']:.0f} | "
               f"{r['opens'] / r['blocks']:.2f} |")


def main():
    build = Path(sys.argv[1]).resolve()
    rows = [measure(build, devices, state) for state in STATES for devices in DEVICES]
    DOCS.mkdir(parents=True, exist_ok=True)
    (DOCS / "growth.json").write_text(json.dumps(rows, indent=1) + "\n")
    text = ["<!-- SPDX-License-Identifier: LGPL-2.1-or-later -->", "# Growth", "",
            "Made by `./dev bench growth`. A made-up machine is looked at as a whole, each",
            "of its devices is decided on, and a plan is made, by `memmapctl plan --snapshot`;",
            f"seconds are the best of {TIMES}, instructions are those outside the kernel.",
            f"{datetime.date.today()}, {subprocess.getoutput('nproc')} cores.", "", *table(rows)]
    (DOCS / "growth.md").write_text("\n".join(text) + "\n")
    print("\n".join(table(rows)))


if __name__ == "__main__":
    main()
