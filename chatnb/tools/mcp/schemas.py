"""JSON schemas of strangers, made fit for the servers of models: without references, plain in form, and harmless to read."""

from __future__ import annotations

from typing import Any

from ...messages import Json
from ..search.clean import clean, line

_PARAMETER_CHARACTERS = 400  # of what is said of one parameter
_DEPTH = 30
_NODES = 2_000


def inlined(schema: dict[str, Json]) -> dict[str, Json]:
    """Return a schema with what its references name in their place: servers of models drop references.

    One that refers to itself, or grows large by it, stays as it is.
    """
    left = _NODES

    def replaced(node: Json, within: tuple[str, ...]) -> Json:
        nonlocal left
        left -= 1
        if left < 0 or len(within) > _DEPTH:
            raise _TooLargeError
        if isinstance(node, list):
            return [replaced(each, within) for each in node]
        if not isinstance(node, dict):
            return node
        target = node.get("$ref")
        if isinstance(target, str) and target.startswith("#/"):
            if target in within:
                raise _TooLargeError
            rest = {key: value for key, value in node.items() if key != "$ref"}
            found = _at(schema, target)
            if isinstance(found, dict):
                return replaced({**found, **rest}, (*within, target))
        return {key: replaced(value, within) for key, value in node.items() if key not in ("$defs", "definitions")}

    try:
        result: dict[str, Json] = replaced(schema, ())
    except _TooLargeError:
        return schema
    return result


def cleaned(schema: dict[str, Json]) -> dict[str, Json]:
    """Return a schema with its descriptions made harmless; raises ValueError if more of it would have to be changed."""

    def tidied(node: Json, depth: int) -> Json:
        if depth > _DEPTH:
            raise ValueError("its schema is nested too deeply")
        if isinstance(node, list):
            return [tidied(each, depth + 1) for each in node]
        if isinstance(node, str) and clean(node) != node:
            raise ValueError("its schema holds characters that are not seen")
        if not isinstance(node, dict):
            return node
        result: dict[str, Json] = {}
        for key, value in node.items():
            if clean(key) != key or "\n" in key:
                raise ValueError("its schema holds names that are not seen as they are")
            is_said = key in ("description", "title") and isinstance(value, str)
            result[key] = line(value, _PARAMETER_CHARACTERS) if is_said else tidied(value, depth + 1)
        return result

    result: dict[str, Json] = tidied(schema, 0)
    return result


def require_plain(schema: Any) -> None:
    """Raise ValueError if a part of a schema has a form that servers of models refuse."""
    if not isinstance(schema, dict):
        raise ValueError("its schema has parts that are no schemas")  # noqa: TRY004 - the definition's value is at fault
    kinds, required = schema.get("type", []), schema.get("required", [])
    is_plain = (
        _is_texts([kinds] if isinstance(kinds, str) else kinds)
        and _is_texts(required)
        and isinstance(schema.get("description", ""), str)
        and isinstance(schema.get("enum", []), list)
        and isinstance(schema.get("properties", {}), dict)
        and isinstance(schema.get("anyOf", []), list)
    )
    if not is_plain:
        raise ValueError("its schema has another form than JSON schemas have")
    for part in (*schema.get("properties", {}).values(), *schema.get("anyOf", [])):
        require_plain(part)


class _TooLargeError(Exception):
    """A schema that is not to be inlined."""


def _at(schema: Json, pointer: str) -> Json:
    for step in pointer.removeprefix("#/").split("/"):
        schema = schema.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(schema, dict) else None
    return schema


def _is_texts(value: Json) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)
