"""Ask for tools to be called where a model has no form of its own for that: an envelope of JSON, in words and as a schema.

An answer is one of two objects, and its first key tells which:

    {"calls": [{"name": "add", "arguments": {"a": 17, "b": 25}}]}
    {"answer": "It is 42."}

A model decides once, with its first word. The name comes before the arguments, so that a server that writes by the
schema allows only those of that tool. Everything a model has called, answered and got back before is shown in the
same form: small models do again what they see.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from ..messages import Context, Json, Message, Text, ToolCall, ToolResult, ToolSpec, now
from .base import Request

MOST_CALLS = 8
"""Calls of one answer. Small models, once they repeat themselves, would go on for ever."""

DEPTH = 12
"""Levels of a tool's parameters that are asked for as they are."""

_HOW = """\
Write one JSON object and nothing else, in one of two forms:
{"calls": [{"name": "...", "arguments": {...}}]} calls tools, one or several at once. You get their results.
{"answer": ...} answers the user.
Call a tool only if you need it and its result is not there yet. Else answer."""

_RESULTS = "These are the results of your calls. The user did not write them."

_ANY: Json = {"type": ["string", "number", "boolean", "null", "array", "object"]}
_ANSWER = "envelope_answer"  # the name of a rule of the grammar, which a name of the schema itself would replace


def spelled_out(request: Request) -> Request:
    """Return a request as a model gets it that calls no tools by itself; the same if it has nothing to do with any.

    An answer that was begun (the last message is an assistant's) goes on as text, without tools.
    """
    if request.tools and request.messages[-1].role != "assistant":
        return enveloped(request)
    return in_words(request) if holds_tools(request) else request


def holds_tools(request: Request) -> bool:
    """Return whether there are tools to call in a request, or any were called."""
    called = (isinstance(part, ToolCall | ToolResult) for message in request.messages for part in message.parts)
    return bool(request.tools) or any(called)


def enveloped(request: Request) -> Request:
    """Return a request as a model gets it that knows no tools: they are text, and its answer is an envelope."""
    told, how = description(request.tools)
    messages = list(_in_words(request.messages, in_envelopes=True))
    if messages and messages[0].role == "system":
        messages[0] = replace(messages[0], parts=(told, *messages[0].parts, Text(f"\n\n{how.text}")))
    else:
        messages.insert(0, Message("", "", "system", (told, how), now()))
    return replace(request, messages=tuple(messages), tools=(), schema=envelope_schema(request.tools, request.schema))


def in_words(request: Request) -> Request:
    """Return a request without tools; those that were called before are text."""
    return replace(request, messages=tuple(_in_words(request.messages, in_envelopes=False)), tools=())


def description(tools: Sequence[ToolSpec]) -> tuple[Context, Text]:
    """Return what a model is told of tools in words, and of how they are called."""
    return Context("the tools, as their makers describe them", "\n".join(map(_described, tools))), Text(_HOW)


def worded(message: Message, *, in_envelopes: bool) -> Message:
    """Return one message as it is in a request that is in words; of results, without the order of their calls.

    Parameters
    ----------
    in_envelopes
        Whether there are tools to call, so that earlier answers have the form that the next one is to have.
    """
    return next(_in_words([message], in_envelopes=in_envelopes))


def envelope_schema(tools: Sequence[ToolSpec], answer: Mapping[str, Json] | None = None) -> dict[str, Json]:
    """Return the schema of an envelope.

    Parameters
    ----------
    tools
        What may be called; at least one. Of their parameters only the shape is asked for (`shape`).
    answer
        The schema of the answer; None is a text.

    Examples
    --------
    >>> schema = envelope_schema([ToolSpec("now", "Tell the time.", {})])
    >>> [list(form["properties"]) for form in schema["anyOf"]]
    [['calls'], ['answer']]
    """
    calls = [_object({"name": {"enum": [tool.name]}, "arguments": _arguments(tool)}) for tool in tools]
    listed = {"type": "array", "items": {"anyOf": calls}, "minItems": 1, "maxItems": MOST_CALLS}
    if answer is None:
        return {"anyOf": [_object({"calls": listed}), _object({"answer": {"type": "string"}})]}
    # There its own references, which begin at its root, can be kept.
    return {
        "anyOf": [_object({"calls": listed}), _object({"answer": {"$ref": f"#/$defs/{_ANSWER}"}})],
        "$defs": {_ANSWER: _moved(answer, f"#/$defs/{_ANSWER}")},
    }


def shape(schema: Json, depth: int = DEPTH) -> Json:
    """Return a schema of the same form, without anything that a server's grammar refuses.

    Patterns, references, `not`, `true` and more make Ollama (0.9.3) refuse the request, and `{}` is an object to it.
    Limits are left out, too: whoever runs the tool checks the arguments and tells the model, where a grammar would bend
    its words until they fit.

    Parameters
    ----------
    depth
        Below so many levels anything goes.

    Examples
    --------
    >>> shape({"type": "string", "pattern": "^[a-z]+$", "description": "A name."})
    {'type': 'string'}
    """

    def within(inner: Json) -> Json:
        return shape(inner, depth - 1)

    if depth == 0:
        return _ANY
    match schema:
        case {"$ref": _}:
            return _ANY
        case {"type": "object", "properties": dict(properties)}:
            required = schema.get("required")
            others = schema.get("additionalProperties", False)
            return {
                "type": "object",
                "properties": {name: within(each) for name, each in properties.items()},
                "required": [name for name in properties if isinstance(required, list) and name in required],
                "additionalProperties": within(others) if isinstance(others, dict) else bool(others),
            }
        case {"enum": [_, *_] as values}:
            return {"enum": values}
        case {"const": value}:
            return {"enum": [value]}
        case {"anyOf": [_, *_] as forms} | {"oneOf": [_, *_] as forms}:
            return {"anyOf": [within(form) for form in forms]}
        case {"type": [_, *_] as types}:
            return {"anyOf": [within({**schema, "type": each}) for each in types]}
        case {"type": "object", "additionalProperties": dict(others)}:
            return {"type": "object", "additionalProperties": within(others)}
        case {"type": "array", "items": dict(items)}:
            return {"type": "array", "items": within(items)}
        case {"type": "string" | "number" | "integer" | "boolean" | "null" | "array" | "object" as name}:
            return {"type": name}
        case _:
            return _ANY


def _arguments(tool: ToolSpec) -> Json:
    shaped = shape({**tool.parameters, "type": "object"})
    return shaped if shaped.get("type") == "object" else {"type": "object"}


def _object(properties: Mapping[str, Json]) -> dict[str, Json]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _moved(schema: Json, root: str) -> Json:
    """Return a schema whose references to itself begin at `root`."""
    match schema:
        case list():
            return [_moved(each, root) for each in schema]
        case dict():
            return {
                key: root + each[1:]
                if key == "$ref" and isinstance(each, str) and each[:1] == "#"
                else _moved(each, root)
                for key, each in schema.items()
            }
        case _:
            return schema


def _described(tool: ToolSpec) -> str:
    """Return what the model is told of a tool: one line, whatever its description holds."""
    return _json({"name": tool.name, "description": tool.description, "parameters": tool.parameters})


def _in_words(messages: Sequence[Message], *, in_envelopes: bool) -> Iterator[Message]:
    """Yield messages of roles that every template knows, with calls and results as text."""
    numbers: dict[str, int] = {}  # of the calls of one answer, by id
    for message in messages:
        match message.role:
            case "assistant":
                calls = [part for part in message.parts if isinstance(part, ToolCall)]
                numbers.update((call.id, number) for number, call in enumerate(calls, 1))
                yield _said(message, calls, in_envelopes=in_envelopes)
            case "tool":
                yield _given_back(message, numbers)
            case _:
                yield message


def _said(message: Message, calls: Sequence[ToolCall], *, in_envelopes: bool) -> Message:
    if not calls and not in_envelopes:
        return message
    text = message.text
    if calls:
        called = _json({"calls": [{"name": call.name, "arguments": call.arguments} for call in calls]})
        words = f"{text}\n\n{called}" if text else called
    else:
        words = _json({"answer": text})
    kept = (part for part in message.parts if not isinstance(part, Text | ToolCall))
    return replace(message, parts=(*kept, Text(words)))


def _given_back(message: Message, numbers: Mapping[str, int]) -> Message:
    """Return results as context of the user's, in the order of their calls; context is fenced (fenced.py)."""
    results = [part for part in message.parts if isinstance(part, ToolResult)]
    results.sort(key=lambda result: numbers.get(result.call_id, 0))
    contexts = [
        Context(f"result {number}, of {result.name}{', which failed' if result.is_error else ''}", result.text)
        for number, result in enumerate(results, 1)
    ]
    images = (image for result in results for image in result.images)
    return replace(message, role="user", parts=(*contexts, *images, Text(_RESULTS)))


def _json(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
