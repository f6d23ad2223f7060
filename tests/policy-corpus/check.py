#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Judge the corpus of policy files by the schema.

The decoder's own test judges the same files, so that the two agree:

    accept/          both accept
    refuse/          both refuse, the schema or before it the JSON parser
    refuse-decoder/  the decoder refuses what no schema can describe

The schema itself is checked as well: each key has a description and examples
that are valid, and what memmapd ships as its default is accepted.
"""

import json
import pathlib
import sys

from jsonschema import Draft202012Validator

HERE = pathlib.Path(__file__).resolve().parent
POLICY = HERE.parent.parent / "policy"


def refuse_constant(name):
    raise ValueError(f"{name} is not JSON")


def load(path):
    """Strictly: Python would take NaN, and guess encodings."""
    text = path.read_bytes().decode("utf-8")
    return json.loads(text, parse_constant=refuse_constant)


def complaint(validator, path):
    """Why the file is refused, or None."""
    try:
        policy = load(path)
    except (ValueError, RecursionError) as e:
        return f"not JSON: {e}"
    for error in validator.iter_errors(policy):
        return f"/{'/'.join(map(str, error.absolute_path))}: {error.message}"
    return None


def check_files(validator, directory, accept):
    """Yields what is judged otherwise than its directory says."""
    paths = sorted(directory.glob("*.json"))
    if not paths:
        yield f"{directory}: no files"
    for path in paths:
        why = complaint(validator, path)
        if accept and why:
            yield f"{path}: refused: {why}"
        elif not accept and not why:
            yield f"{path}: accepted"


def subschemas(schema, where="#"):
    """Yields all definitions and properties."""
    for group in ("properties", "$defs"):
        for name, sub in schema.get(group, {}).items():
            yield f"{where}/{group}/{name}", sub
            yield from subschemas(sub, f"{where}/{group}/{name}")


def check_schema(schema):
    """Yields what is missing in the schema, and examples that it refuses."""
    Draft202012Validator.check_schema(schema)
    for where, sub in [("#", schema), *subschemas(schema)]:
        if list(sub) == ["$ref"]:
            continue
        for key in ("description", "examples"):
            if not sub.get(key):
                yield f"{where}: no {key}"
        # The references in it are relative to the whole.
        validator = Draft202012Validator({**sub, "$defs": schema["$defs"]})
        for example in sub.get("examples", []):
            if not validator.is_valid(example):
                yield f"{where}: refuses its own example {example!r}"
        if sub.get("type") == "object" and sub.get("additionalProperties") is not False:
            yield f"{where}: allows unknown keys"


def main():
    schema = load(POLICY / "policy.schema.json")
    validator = Draft202012Validator(schema)
    failures = [
        *check_schema(schema),
        *check_files(validator, HERE / "accept", True),
        *check_files(validator, HERE / "refuse", False),
        *check_files(validator, HERE / "refuse-decoder", True),
    ]
    why = complaint(validator, POLICY / "policy.json")
    if why:
        failures.append(f"policy.json: refused: {why}")

    for failure in failures:
        print(failure, file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
