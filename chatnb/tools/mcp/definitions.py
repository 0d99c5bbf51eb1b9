"""What a server says of a tool, made fit to be told to a model and to be decided about.

All of it is text of strangers. What a model reads of it is cleaned and bounded; a tool whose schema a server of models
might refuse, and with it every question, is left out.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...messages import Json
from ..search.clean import clean, line
from ..tool import Effect
from .base import McpServer

DESCRIPTION_CHARACTERS = 1_000
SCHEMA_CHARACTERS = 20_000
"""What a model reads of a tool, at most."""

_PARAMETER_CHARACTERS = 400
_DEPTH = 30
_NODES = 2_000
_NAME = 64
_DIGITS = 8
_MARKED = re.compile(r"_[0-9a-f]{8}$")
_KINDS: Mapping[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
    "null": type(None),
}
_WHOLE = ("properties", "anyOf", "oneOf", "allOf", "items", "$defs")


@dataclass(frozen=True, slots=True)
class Definition:
    """A tool as its server describes it.

    Attributes
    ----------
    name
        What the server calls it.
    parameters
        A JSON schema of an object.
    effects
        See `effects_of`.
    digest
        Another one for whatever its server changes of the definition, the invisible too.
    """

    name: str
    description: str
    parameters: Mapping[str, Json]
    effects: frozenset[Effect]
    digest: str

    def check(self, arguments: Mapping[str, Json]) -> Mapping[str, Json]:
        """Return the arguments if their names and kinds fit.

        The server checks the rest. No library does it here: those that compile a schema run what a stranger wrote, and
        a pattern may take for ever.

        Raises
        ------
        ValueError
            If they do not; says why, for the model.
        """
        known = self.parameters["properties"]
        missing = [name for name in self.parameters.get("required", ()) if name not in arguments]
        if missing:
            raise ValueError(f"Missing: {', '.join(missing)}.")
        for name, value in arguments.items():
            if name not in known and self.parameters.get("additionalProperties") is False:
                raise ValueError(f"There is no argument {name!r}. There are: {', '.join(known) or 'none'}.")
            kinds = known.get(name, {}).get("type")
            kinds = [kinds] if isinstance(kinds, str) else kinds or ()
            if kinds and not any(_is_a(value, kind) for kind in kinds):
                raise ValueError(f"{name}: {' or '.join(kinds)} is needed, and it is {json.dumps(value)[:100]}.")
        return arguments


def define(server: McpServer, tool: Mapping[str, Json]) -> Definition:
    """Return the definition of a tool from what the server lists of it.

    Parameters
    ----------
    tool
        `name`, `description`, `inputSchema`, `annotations`:
        https://modelcontextprotocol.io/specification/2025-11-25/server/tools#tool

    Raises
    ------
    ValueError
        If the tool cannot be told to a model; says why.
    """
    schema, annotations = tool.get("inputSchema"), tool.get("annotations") or {}
    raw = json.dumps([server.place, tool.get("name"), tool.get("description"), schema, annotations], sort_keys=True)
    if not isinstance(schema, dict) or schema.get("type", "object") != "object":
        raise ValueError("its schema is none of an object")
    if len(raw) > 2 * SCHEMA_CHARACTERS:
        raise ValueError(f"what it says of itself has {len(raw):,} characters")
    parameters = {"type": "object", "properties": {}, **_cleaned(_inlined(schema))}
    _require_plain(parameters)
    if len(json.dumps(parameters)) > SCHEMA_CHARACTERS:
        raise ValueError("its schema is too large")
    said = clean(str(tool.get("description") or annotations.get("title") or "")).strip()
    if len(said) > DESCRIPTION_CHARACTERS:
        said = f"{said[: DESCRIPTION_CHARACTERS - 1]}…"
    # Named as what it is: a text that tells a model what to do would else stand there as if we had said it.
    description = f"A tool of the MCP server {line(server.name, 60)}, which says of it: {said or '[nothing]'}"
    return Definition(
        str(tool["name"]),
        description,
        parameters,
        effects_of(annotations, is_local=server.is_local),
        hashlib.sha256(raw.encode(errors="surrogatepass")).hexdigest(),
    )


def effects_of(hints: Mapping[str, Json], *, is_local: bool) -> frozenset[Effect]:
    """Return what a tool may do; nothing is believed that would let it run without a yes.

    A program has the rights of its user, so calling it runs code, whatever it says; it writes unless it says that it
    reads alone, and is on the network unless it says that its world is closed. What is at an address is always on the
    network, which also makes its results text that may carry instructions. Without a hint the worst holds, as the
    protocol has it.

    Examples
    --------
    >>> sorted(effects_of({}, is_local=True)), sorted(effects_of({"readOnlyHint": True}, is_local=False))
    (['network', 'runs', 'writes'], ['network'])
    >>> sorted(effects_of({"readOnlyHint": True, "openWorldHint": False}, is_local=True))
    ['runs']
    """
    effects: set[Effect] = {"runs"} if is_local else {"network"}
    if hints.get("readOnlyHint") is not True:
        effects.add("writes")
    if hints.get("openWorldHint") is not False:
        effects.add("network")
    return frozenset(effects)


def names_of(
    tools: Sequence[tuple[str, str]], reserved: Collection[str] = (), servers: Collection[str] = ()
) -> list[str]:
    """Return for each server and tool what a model calls it: `server_tool`.

    Where that is too long, or may name something else as well, some digits are added: a server cannot take the name, and
    so the permissions, of another one's tool, whether that one is connected with or not.

    Parameters
    ----------
    reserved
        Names of other tools.
    servers
        All servers that there are, if more than those of the tools.

    Examples
    --------
    >>> names_of([("git hub", "list.issues"), ("a", "b_c"), ("a_b", "c")])
    ['git_hub_list_issues', 'a_b_c_662f0bbb', 'a_b_c']
    """
    plain = [_named(server, tool) for server, tool in tools]
    taken = {name.casefold() for name in reserved}
    all_servers = {*servers, *(server for server, _ in tools)}
    names = []
    for (server, tool), name in zip(tools, plain, strict=True):
        twins = sum(pair[0] == server and name.casefold() == _named(*pair).casefold() for pair in tools)
        # Of two servers that might have the name, the one whose own name is the longer part of it has it.
        others = (other for other in all_servers if other != server and len(_slug(other)) >= len(_slug(server)))
        is_another = any(may_have(other, name) for other in others)
        is_plain = twins == 1 and not is_another and name.casefold() not in taken and len(name) <= _NAME
        if not is_plain or _MARKED.search(name):  # nor can it take one that has got its digits
            name = marked(name, hashlib.sha256(f"{server}\0{tool}".encode()).hexdigest())  # noqa: PLW2901
        names.append(name)
    return names


def may_have(server: str, name: str) -> bool:
    """Tell whether a server may have a tool of that name.

    Examples
    --------
    >>> may_have("git hub", "git_hub_list"), may_have("git", "github_list")
    (True, False)
    """
    return name.casefold().startswith(f"{_slug(server)}_".casefold())


def marked(name: str, digest: str) -> str:
    """Return a name with the first digits of a digest, not longer than a name may be."""
    return f"{name[: _NAME - _DIGITS - 1]}_{digest[:_DIGITS]}"


def _named(server: str, tool: str) -> str:
    return f"{_slug(server)}_{_slug(tool)}"


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_") or "tool"


def _is_a(value: Json, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    if kind == "integer":
        return isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    return kind not in _KINDS or isinstance(value, _KINDS[kind])


def _inlined(schema: dict[str, Json]) -> dict[str, Json]:
    """Return a schema with what its references name in their place: servers of models drop references.

    One that refers to itself, or grows large by it, stays as it is.
    """
    left = _NODES

    def inlined(node: Json, within: tuple[str, ...]) -> Json:
        nonlocal left
        left -= 1
        if left < 0 or len(within) > _DEPTH:
            raise _TooLargeError
        if isinstance(node, list):
            return [inlined(each, within) for each in node]
        if not isinstance(node, dict):
            return node
        target = node.get("$ref")
        if isinstance(target, str) and target.startswith("#/"):
            if target in within:
                raise _TooLargeError
            rest = {key: value for key, value in node.items() if key != "$ref"}
            found = _at(schema, target)
            if isinstance(found, dict):
                return inlined({**found, **rest}, (*within, target))
        return {key: inlined(value, within) for key, value in node.items() if key not in ("$defs", "definitions")}

    try:
        result: dict[str, Json] = inlined(schema, ())
    except _TooLargeError:
        return schema
    return result


class _TooLargeError(Exception):
    """A schema that is not to be inlined."""


def _at(schema: Json, pointer: str) -> Json:
    for step in pointer.removeprefix("#/").split("/"):
        schema = schema.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(schema, dict) else None
    return schema


def _cleaned(schema: dict[str, Json]) -> dict[str, Json]:
    """Return a schema with its descriptions made harmless; what else would have to be changed makes the tool unfit."""

    def cleaned(node: Json, depth: int) -> Json:
        if depth > _DEPTH:
            raise ValueError("its schema is nested too deeply")
        if isinstance(node, list):
            return [cleaned(each, depth + 1) for each in node]
        if isinstance(node, str) and clean(node) != node:
            raise ValueError("its schema holds characters that are not seen")
        if not isinstance(node, dict):
            return node
        result: dict[str, Json] = {}
        for key, value in node.items():
            if clean(key) != key or "\n" in key:
                raise ValueError("its schema holds names that are not seen as they are")
            is_said = key in ("description", "title") and isinstance(value, str)
            result[key] = line(value, _PARAMETER_CHARACTERS) if is_said else cleaned(value, depth + 1)
        return result

    result: dict[str, Json] = cleaned(schema, 0)
    return result


def _require_plain(schema: Any, depth: int = 0) -> None:
    """Raise if a part of a schema has a form that servers of models refuse."""
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
        _require_plain(part, depth + 1)


def _is_texts(value: Json) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)
