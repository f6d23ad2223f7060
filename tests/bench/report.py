#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes the tables and the plot in docs/bench from what in-and-out.sh printed."""

import argparse
import datetime
import json
import re
import statistics
import sys
from pathlib import Path
from xml.sax.saxutils import escape

HERE = Path(__file__).resolve().parent
LINE = re.compile(r"@BENCH (\{.*\})")
# In the order of the tables and of the plot.
CONTENDERS = {
    "auto": "kernel auto-online",
    "loop": "a loop, ascending",
    "daxctl": "daxctl",
    "bare": "a loop in our order, on the blocks",
    "memmapd-ram": "memmapd, memmaps in RAM",
    "memmapd-device": "memmapd, on the blocks",
    "memmapd-seed": "memmapd, in seeds",
    "memmapd-mixed": "memmapd, mixed",
    "memmapd-native": "memmapd, stock kmem",
}
SIZES = {
    "128": "128 blocks of 128 MiB (16 GiB)",
    "384": "384 blocks of 128 MiB (48 GiB)",
    "1024": "1024 blocks of 128 MiB (128 GiB)",
    "2g": "64 blocks of 2 GiB (128 GiB)",
}
OURS = "#2a7f9e"
THEIRS = "#b0b0b0"


class Measured:
    """All rounds of one contender on one size, one way."""

    def __init__(self, rounds):
        self.rounds = rounds

    def median(self, key):
        return statistics.median(r[key] for r in self.rounds)

    def seconds(self):
        """The median, and the span if there is one."""
        values = [r["last"] / 1000 for r in self.rounds]
        text = f"{statistics.median(values):.2f}"
        return text + (f" ({min(values):.2f} to {max(values):.2f})" if len(values) > 1 else "")


def gathered(rounds):
    """{(variant, contender, way): Measured}"""
    found = {}
    for one in rounds:
        found.setdefault((one["variant"], one["contender"], one["way"]), []).append(one)
    return {key: Measured(rounds) for key, rounds in found.items()}


def read(logs):
    """What the logs there are tell."""
    return gathered(json.loads(line) for log in sorted(logs.glob("in-and-out@*.log"))
                    for line in LINE.findall(log.read_text(errors="replace")))


def kernel_of(logs):
    for log in logs.glob("in-and-out@*.log"):
        match = re.search(r"Linux version (\S+)", log.read_text(errors="replace"))
        if match:
            return match[1]
    sys.exit("bench: no log tells its kernel")


def ratio(measured, peer, key="last"):
    if not peer:
        return "-"
    times = peer.median(key) / measured.median(key)
    return f"{times:.1f}" if times < 10 else f"{times:.0f}"


def of_size(results, variant):
    """One table, in Markdown."""
    def get(contender, way):
        return results.get((variant, contender, way))

    lines = [f"## {SIZES[variant]}", "",
             "| | in: s | times as fast as auto-online | as daxctl | first block: s | RAM: MiB "
             "| CPU: s | out: s | times as fast as daxctl |",
             "|---|---|---|---|---|---|---|---|---|"]
    for contender, title in CONTENDERS.items():
        into, out = get(contender, "in"), get(contender, "out")
        if not into or not out:
            continue
        lines.append(
            f"| {title} | {into.seconds()} | {ratio(into, get('auto', 'in'))} "
            f"| {ratio(into, get('daxctl', 'in'))} | {into.median('first') / 1000:.2f} "
            f"| {into.median('ram') / 2**20:.0f} | {into.median('cpu') / 1000:.2f} "
            f"| {out.seconds()} | {ratio(out, get('daxctl', 'out'))} |")
    return "\n".join(lines)


def in_short(results):
    """What README shows: 1024 blocks, with memmapd's memmaps on the device."""
    who = ("auto", "daxctl", "memmapd-device")
    into, out = ([results["1024", name, way] for name in who] for way in ("in", "out"))

    def row(title, measured, key):
        times = [ratio(measured[-1], one, key) for one in measured[:-1]]
        return f"| {title} | {' | '.join(times)} | 1 |"

    return "\n".join([
        "| time, by that of memmapd | kernel's auto-online | daxctl | memmapd |",
        "|---|---|---|---|",
        row("until all is online", into, "last"),
        row("until the first block is online", into, "first"),
        row("until all is out again", out, "last"),
        "| RAM used, in MiB | "
        + " | ".join(f"{one.median('ram') / 2**20:.0f}" for one in into) + " |"])


def text(results, kernel, variants):
    rounds = max(len(m.rounds) for m in results.values())
    return "\n\n".join([
        "<!-- SPDX-License-Identifier: LGPL-2.1-or-later -->\n"
        "<!-- Written by ./dev bench; not to be edited. -->",
        "# How long it takes, in and out",
        f"Linux {kernel} in a virtual machine under software emulation (QEMU, TCG, two CPUs), "
        f"{datetime.date.today()}; medians of {rounds} rounds and their span. Under emulation "
        "only the ratios mean something. \"In\" is from the moment the device appears to its last "
        "block online in the movable zone, \"out\" until its last block is gone. \"RAM\" is what "
        "is less on node 0 afterwards, \"CPU\" what the commands, memmapd and its workers used, the "
        "kernel's work on their behalf included.",
        "![The same as a plot](in-and-out.svg)",
        *(["## In short: 128 GiB in 1024 blocks, memmaps on the device", in_short(results)]
          if "1024" in variants else []),
        *(of_size(results, v) for v in variants),
    ]) + "\n"


class Plot:
    """A bar for each contender, a panel for each size and way."""

    WIDTH, LABELS, BAR, GAP, HEAD = 900, 220, 14, 5, 34

    def __init__(self):
        self.y, self.parts = 10, []

    def write(self, x, y, words, weight="normal", anchor="start"):
        self.parts.append(f'<text x="{x:.0f}" y="{y:.0f}" font-weight="{weight}" '
                          f'text-anchor="{anchor}">{escape(words)}</text>')

    def panel(self, title, bars):
        """bars: [(label, seconds, ours)]"""
        self.write(10, self.y + 16, title, "bold")
        self.y += self.HEAD - 8
        longest = max(seconds for _, seconds, _ in bars)
        room = self.WIDTH - self.LABELS - 80
        for label, seconds, ours in bars:
            width = max(1, room * seconds / longest)
            self.write(self.LABELS - 8, self.y + 11, label, anchor="end")
            self.parts.append(f'<rect x="{self.LABELS}" y="{self.y}" width="{width:.1f}" '
                              f'height="{self.BAR}" fill="{OURS if ours else THEIRS}"/>')
            self.write(self.LABELS + width + 6, self.y + 11, f"{seconds:.2f} s")
            self.y += self.BAR + self.GAP
        self.y += 12

    def svg(self):
        body = "\n".join(self.parts)
        return (f'<!-- SPDX-License-Identifier: LGPL-2.1-or-later -->\n'
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.WIDTH} {self.y}" '
                f'font-family="sans-serif" font-size="12">\n'
                f'<rect width="100%" height="100%" fill="white"/>\n{body}\n</svg>\n')


def plot(results, variants):
    picture = Plot()
    for variant in variants:
        for way, title in (("in", "taken in"), ("out", "taken out")):
            bars = [(name, results[variant, c, way].median("last") / 1000, c.startswith("memmapd"))
                    for c, name in CONTENDERS.items() if (variant, c, way) in results]
            picture.panel(f"{SIZES[variant]}, {title}", bars)
    return picture.svg()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("logs", type=Path, help="directory of the runner's logs")
    parser.add_argument("--into", type=Path, default=HERE.parents[1] / "docs/bench")
    args = parser.parse_args()
    results = read(args.logs)
    if not results:
        sys.exit(f"bench: no result in {args.logs}")
    variants = [v for v in SIZES if any(key[0] == v for key in results)]
    kernel = kernel_of(args.logs)
    args.into.mkdir(parents=True, exist_ok=True)
    (args.into / "README.md").write_text(text(results, kernel, variants))
    (args.into / "in-and-out.svg").write_text(plot(results, variants))
    (args.into / "results.json").write_text(json.dumps(
        {"kernel": kernel, "date": str(datetime.date.today()),
         "rounds": [r for m in results.values() for r in m.rounds]}, indent=1) + "\n")
    print((args.into / "README.md").read_text())


if __name__ == "__main__":
    main()
