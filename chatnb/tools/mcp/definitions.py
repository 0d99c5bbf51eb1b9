"""What a server says of a tool, made fit to be told to a model and to be decided about.

All of it is text of strangers. What a model reads of it is cleaned and bounded; a tool whose schema a server of models
might refuse, and with it every question, is left out.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from ...messages import Json
from ..search.clean import clean, line
from ..tool import Effect
from .base import McpServer
from .schemas import cleaned, inlined, require_plain

DESCRIPTION_CHARACTERS = 1_000
SCHEMA_CHARACTERS = 20_000
"""What a model reads of a tool, at most."""

_KINDS: Mapping[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
    "null": type(None),
}


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
    parameters = {"type": "object", "properties": {}, **cleaned(inlined(schema))}
    require_plain(parameters)
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


def _is_a(value: Json, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    if kind == "integer":
        return isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    return kind not in _KINDS or isinstance(value, _KINDS[kind])
