"""The structure of JSON, and of JSON Lines."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from ..summaries.texts import clip, count
from .sample import Sample, composed

_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\Z)|[\[\]{},]', re.DOTALL)
_CLOSERS = {"[": "]", "{": "}"}
_DEPTH = 6
_MERGED = 100
_KEYS = 50
_RECORDS = 1_000
_SHOWN = 5
_LINE = 400
_TYPES = {str: "text", bool: "true or false", int: "integer", float: "number", type(None): "null"}


def describe_json(sample: Sample, limit: int) -> str:
    """Return the keys, types and lengths of a JSON document, and how its text begins."""
    try:
        value, consumed = (json.loads(sample.text), len(sample.text)) if sample.is_whole else _beginning(sample.text)
    except (ValueError, RecursionError) as error:
        return _broken(sample, "JSON", error, limit)
    what = "a list of " + sample.total(len(value), consumed, "item") if isinstance(value, list) else _kinds([value])
    first = f"JSON, {sample.size_bytes:,} bytes: {what}."
    heading = "structure:" if sample.is_whole else f"structure (of its first {consumed:,} characters):"
    text = sample.text[: max(limit // 2, 1)]
    return composed(first, [(heading, list(_structure([value], 1))), ("It begins:", text.splitlines())], limit)


def describe_lines(sample: Sample, limit: int) -> str:
    """Return the keys and types of JSON Lines, the number of lines, and the first ones."""
    whole = sample.text if sample.is_whole else sample.text[: sample.text.rfind("\n") + 1]
    lines = [line for line in whole.split("\n") if line.strip()]
    try:
        records = [json.loads(line) for line in lines[:_RECORDS]]
    except (ValueError, RecursionError) as error:
        return _broken(sample, "JSON Lines", error, limit)
    if not records:
        return _broken(sample, "JSON Lines", f"its first line is longer than {len(sample.text):,} characters", limit)
    first = f"JSON Lines, {sample.size_bytes:,} bytes: {sample.total(len(lines), len(whole), 'line')}."
    structure = (f"structure (of the first {count(len(records), 'line')}):", list(_structure(records, 1)))
    return composed(first, [structure, ("first lines:", [clip(line, _LINE) for line in lines[:_SHOWN]])], limit)


def _broken(sample: Sample, form: str, error: object, limit: int) -> str:
    first = clip(f"{sample.size_bytes:,} bytes that are named {form} and could not be parsed: {error}", _LINE)
    return composed(first, [("They begin:", sample.text[: max(limit // 2, 1)].splitlines())], limit)


def _beginning(text: str) -> tuple[Any, int]:
    """Return the value that a cut document begins, and how many characters of it were used.

    It is cut at the last comma, or within its last text, and every open bracket is closed.
    """
    stack: list[str] = []
    cut_at, closers = 0, ""
    for token in _TOKEN.finditer(text):
        match token[0]:
            case "[" | "{" as bracket:
                stack.append(_CLOSERS[bracket])
            case "]" | "}":
                if stack:
                    stack.pop()
            case ",":
                cut_at, closers = token.start(), "".join(reversed(stack))
    if cut_at:
        return json.loads(text[:cut_at] + closers), cut_at
    # One huge text: half of an escape at its end is cut off with what surrounds it.
    return json.loads(re.sub(r"\\[^\\]{0,5}\Z", "", text) + '"' + "".join(reversed(stack))), len(text)


def _structure(values: Sequence[Any], depth: int) -> Iterator[str]:
    """Yield a line for each key and list below values that stand at the same place."""
    indent = "  " * depth
    if depth > _DEPTH:
        return
    objects = [value for value in values if isinstance(value, dict)]
    keys = dict.fromkeys(key for each in objects for key in each)
    for key in list(keys)[:_KEYS]:
        found = [each[key] for each in objects if key in each]
        rare = f" (in {len(found):,} of {len(objects):,})" if len(found) < len(objects) else ""
        yield f"{indent}{clip(str(key), _LINE // 4)}: {_kinds(found)}{rare}"
        yield from _structure(found, depth + 1)
    if len(keys) > _KEYS:
        yield f"{indent}… {len(keys) - _KEYS:,} more keys"
    items = [item for value in values if isinstance(value, list) for item in value[:_MERGED]][: _MERGED * 10]
    if any(isinstance(item, dict | list) for item in items):
        yield f"{indent}each: {_kinds(items)}"
        yield from _structure(items, depth + 1)


def _kinds(values: Sequence[Any]) -> str:
    """Return what values are: "integer or null", "list of 2 to 7 (text)", "object with 3 keys"."""
    names: dict[str, None] = {}
    for value in values[:_MERGED]:
        match value:
            case dict():
                names["object" if len(values) > 1 else f"object with {count(len(value), 'key')}"] = None
            case list():
                names["list"] = None
            case _:
                names[_TYPES[type(value)]] = None
    if "list" in names:
        lists = [value for value in values[:_MERGED] if isinstance(value, list)]
        low, high = min(map(len, lists)), max(map(len, lists))
        items = [item for each in lists for item in each[:_MERGED]]
        of = f" ({_kinds(items)})" if items and not any(isinstance(item, dict | list) for item in items) else ""
        names = {
            f"list of {low:,}{f' to {high:,}' if high > low else ''}{of}" if name == "list" else name: None
            for name in names
        }
    return " or ".join(names)
