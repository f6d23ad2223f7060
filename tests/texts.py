# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the README, the guide and the man pages show, set apart from their text: policies, and
commands as they are typed."""

import json
import re
import textwrap


def blocks(text, indent="    "):
    """What is set apart from the text, each as it stands there."""
    fenced, block = False, []
    for line in [*text.splitlines(), ""]:
        if line.strip() == "```":
            fenced = not fenced
            if not fenced:
                yield textwrap.dedent("\n".join(block))
            block = []
        elif fenced or (line.startswith(indent) and line.strip()):
            block.append(line)
        elif block:
            yield textwrap.dedent("\n".join(block))
            block = []


def blocks_of(page):
    """Of a file: in a man page, they stand behind a tab."""
    return blocks(page.read_text(encoding="utf-8"), "\t" if page.suffix == ".scd" else "    ")


def is_policy(block):
    return block.startswith("{")


def policies(page):
    """Those that are shown as a whole; a rule alone is made one of it."""
    for block in filter(is_policy, blocks_of(page)):
        shown = json.loads(block)
        yield shown if "version" in shown else {"version": 1, "rules": [shown]}


def commands_in(block):
    """Lines for a shell."""
    for line in map(str.strip, block.splitlines()):
        if re.match(r"(\./)?[a-z][a-z-]* [^:=]*", line) and not re.match(r"\S+:", line):
            yield line


def commands(page):
    """In a man page, text stands indented as well: there they are those that name a command as
    it is typed, and not in bold."""
    for block in blocks_of(page):
        if page.suffix != ".scd":
            yield from commands_in(block)
            continue
        for line in block.splitlines():
            line = re.sub(r"\\(.)", r"\1", line.strip()).removesuffix("++")
            if re.match(r"(memmapctl|systemctl|tar|journalctl|mokutil|cxl) [a-z-]", line):
                yield line


def sections(page):
    """(name, text) of each part of a page that has a heading; the name is that of a file."""
    parts = re.split(r"(?m)^## (.+)\n", page.read_text(encoding="utf-8"))
    for heading, text in zip(parts[1::2], parts[2::2]):
        yield re.sub(r"\W+", "-", heading.lower()), text


def files(page):
    """What a machine needs to do as a page says, as (name, content): of each section, the commands
    in the order in which they stand there, and its policies."""
    for name, text in sections(page):
        found = list(blocks(text))
        lines = [line for block in found if not is_policy(block) for line in commands_in(block)]
        shown = [block for block in found if is_policy(block)]
        if lines:
            yield name, "".join(line + "\n" for line in lines)
        for number, block in enumerate(shown, 1):
            yield f"{name}-{number}.json", block + "\n"
