# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tables of what came out."""

import datetime


def columns(lines):
    """Lines of cells, as text."""
    widths = [max(map(len, column)) for column in zip(*lines)]
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(line, widths)).rstrip()
                     for line in lines)


def of_matrix(chosen, outcome):
    """The outcomes of tests of a matrix: its last axis goes to the right."""
    rows, right = {}, {}
    for spec in chosen:
        *left, (axis, value) = spec.point.items()
        right.setdefault(value, f"{axis}={value}")
        rows.setdefault(tuple(left), {})[value] = outcome.get(spec.name, "-")
    lines = [[*(key for key, _ in next(iter(rows))), *right.values()]]
    for left, cells in rows.items():
        lines.append([*(value for _, value in left), *(cells.get(c, "-") for c in right)])
    return columns(lines)


def verdict(batch, specs):
    """What is to be said of a test, that is of all its variants, on one kernel."""
    if not specs[0].is_for(batch.kernel):
        return "-"
    failed = [s.name.partition("@")[2] for s in specs if s.name not in batch.seconds]
    if not failed:
        return "ok"
    return " ".join(["FAIL", *("@" + name for name in failed if name)])


def of_kernels(chosen, batches):
    """Each test on each kernel, in Markdown."""
    tests = {}
    for spec in chosen:
        tests.setdefault(spec.path.stem, []).append(spec)
    versions = [b.version or b.kernel for b in batches]
    lines = [["test", "machines", *versions], ["---"] * (2 + len(batches))]
    for name, specs in tests.items():
        lines.append([name, str(len(specs)), *(verdict(b, specs) for b in batches)])
    lines.append(["minutes", "", *(f"{b.took / 60:.0f}" for b in batches)])
    text = [f"{datetime.date.today()}, Debian's Linux {', '.join(versions)}: "
            f"{sum(b.passed for b in batches)} passed, {sum(b.failed for b in batches)} failed.",
            "", *("| " + " | ".join(line) + " |" for line in lines)]
    why = [f"- {name}: {specs[0].only}" for name, specs in tests.items()
           if any(not specs[0].is_for(b.kernel) for b in batches)]
    return "\n".join([*text, *([""] + why if why else [])]) + "\n"
