"""Make a function into a tool: something that a model may call."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, NotRequired, TypeVar, get_type_hints, overload

from ..errors import SettingsError
from ..messages import Json, ToolSpec
from ..schema import Schema
from .docstring import parameters, summary

F = TypeVar("F", bound=Callable[..., Any])

Where = Literal["worker", "kernel", "loop"]
"""The thread that a tool runs on: one of its own, the kernel's (where the cells run), or the event loop's."""

Effect = Literal["reads", "writes", "runs", "network"]
"""What a tool does besides computing: reads files or variables, changes them, runs code, reaches the network."""

TIME_LIMIT_S = 120.0
"""How long a tool may take, unless it says otherwise."""

_MARK = "__chatnb_tool__"
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")  # what the servers take
_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that a model may call.

    Attributes
    ----------
    spec
        What the model is told of it.
    function
        Called with keyword arguments, as `check` returns them.
    where
        See `Where`; a function of "loop" is fast or asynchronous, since everything waits for it.
    check
        Turns the model's arguments into the function's; raises ValueError if they do not fit.
    effects
        What it may do; nothing for a function that its user has vouched for by making it a tool.
    preview
        Returns what a user sees of a call before it is allowed, besides its arguments: a diff, or what code would touch.
    scope
        Returns what a remembered yes to a call covers, such as a folder or a host; without it, that very call alone.
    time_limit_s
        After so many seconds a call counts as failed.
    is_networked
        Whether what it returns is the text of strangers even where it does not reach the network itself.
    """

    spec: ToolSpec
    function: Callable[..., Any]
    where: Where = "worker"
    check: Callable[[Mapping[str, Json]], Mapping[str, Any]] = field(default=dict, repr=False, compare=False)
    effects: frozenset[Effect] = frozenset()
    preview: Callable[[Mapping[str, Any]], str] | None = field(default=None, repr=False, compare=False)
    scope: Callable[[Mapping[str, Any]], str] | None = field(default=None, repr=False, compare=False)
    time_limit_s: float = TIME_LIMIT_S
    is_networked: bool = False

    @classmethod
    def of(
        cls,
        function: Callable[..., Any],
        *,
        name: str = "",
        where: Where | None = None,
        effects: Iterable[Effect] = (),
        preview: Callable[[Mapping[str, Any]], str] | None = None,
        scope: Callable[[Mapping[str, Any]], str] | None = None,
        time_limit_s: float = TIME_LIMIT_S,
    ) -> Tool:
        """Return a function as a tool; see `tool` and the attributes."""
        name = name or str(getattr(function, "__name__", ""))
        if not _NAME.fullmatch(name):
            raise SettingsError(
                f"{name!r} cannot be a tool's name: letters, digits, _ and -, at most 64. "
                'Give it one: @chatnb.tool(name="...")'
            )
        is_async = inspect.iscoroutinefunction(function)
        if is_async and where not in (None, "loop"):
            raise SettingsError(f'The tool {name} is asynchronous, so it runs on the loop: leave where="{where}" out.')
        docstring = inspect.getdoc(function) or ""
        schema = Schema.of(_arguments(function, name, parameters(docstring)))
        return cls(
            ToolSpec(name, summary(docstring), _plain(schema.json)),
            function,
            where or ("loop" if is_async else "worker"),
            schema.check,
            frozenset(effects),
            preview,
            scope,
            time_limit_s,
        )


@overload
def tool(function: F, /) -> F: ...
@overload
def tool(*, name: str = "", where: Where | None = None) -> Callable[[F], F]: ...
def tool(function: F | None = None, /, *, name: str = "", where: Where | None = None) -> F | Callable[[F], F]:
    """Let models call a function; it stays as callable as before.

    The model is told the first paragraph of its docstring, its parameters with their types, and what the docstring
    says of them (in numpydoc's form or Google's). Arguments are checked against the types before it is called.

    Parameters
    ----------
    name
        What the model calls it; by default its own name.
    where
        The thread that it runs on. "worker": one of its own, as plain functions do by default. "kernel": where the
        cells run, for what is not to be touched elsewhere, such as matplotlib or a database's connection. "loop": as
        asynchronous functions do.

    Raises
    ------
    SettingsError
        If the function cannot be told to a model.

    Examples
    --------
    >>> @tool
    ... def add(x: int, y: int = 1) -> int:
    ...     "Add two numbers."
    ...     return x + y
    >>> add(1, 2)
    3
    >>> tool_of(add).spec.parameters["required"]
    ['x']
    """

    def decorate(function: F) -> F:
        setattr(function, _MARK, Tool.of(function, name=name, where=where))
        return function

    return decorate if function is None else decorate(function)


def tool_of(value: object) -> Tool | None:
    """Return the tool that `@tool` made of a function, or None."""
    if not callable(value):  # what most of a namespace is; the look below takes ten times as long
        return None
    # Static: a proxy's or a mock's own lookup is not to run for each thing in a namespace.
    found = inspect.getattr_static(value, _MARK, None)
    return found if isinstance(found, Tool) else None


def _arguments(function: Callable[..., Any], name: str, described: Mapping[str, str]) -> Any:
    """Return the TypedDict of a function's arguments."""
    # Lazy: see schema.py. A TypedDict takes any name of a parameter; a model has names of its own.
    from pydantic import ConfigDict, Field, with_config  # noqa: PLC0415
    from typing_extensions import TypedDict  # noqa: PLC0415

    try:
        signature = inspect.signature(function)
        hints = get_type_hints(inspect.unwrap(getattr(function, "func", function)), include_extras=True)
    except (NameError, TypeError, ValueError) as error:
        raise SettingsError(f"The tool {name} has types or a signature that cannot be read: {error}") from error
    fields: dict[str, Any] = {}
    extra: Literal["allow", "forbid"] = "forbid"
    for key, parameter in signature.parameters.items():
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            extra = "allow"
            continue
        if parameter.kind not in _NAMED:
            raise SettingsError(f"The tool {name} takes {parameter} by its place; models give arguments by name.")
        default = parameter.default
        shown: Any = {"default": default} if isinstance(default, str | int | float) else None  # a bool is an int
        told = Field(description=described.get(key), json_schema_extra=shown)
        hint = Annotated[hints.get(key, Any), told]  # type: ignore[valid-type]  # known at run time only
        fields[key] = hint if default is inspect.Parameter.empty else NotRequired[hint]
    made = TypedDict(name, fields)  # type: ignore[misc]  # likewise
    return with_config(ConfigDict(extra=extra))(made)


def _plain(schema: Mapping[str, Json]) -> Mapping[str, Json]:
    """Return a schema without titles, which repeat the names, and without references, which servers drop.

    A type that holds itself keeps its references.
    """
    definitions = schema.get("$defs", {})

    def plain(node: Json, within: tuple[str, ...] = ()) -> Json:
        if isinstance(node, list):
            return [plain(item, within) for item in node]
        if not isinstance(node, dict):
            return node
        target = str(node.get("$ref", "")).removeprefix("#/$defs/")
        if target in definitions and target not in within:
            rest = {key: value for key, value in node.items() if key != "$ref"}
            return plain({**definitions[target], **rest}, (*within, target))
        return {
            key: plain(value, within)
            for key, value in node.items()
            if key != "$defs" and not (key == "title" and isinstance(value, str))
        }

    result: dict[str, Json] = {"properties": {}, **plain(schema)}
    return {**result, "$defs": definitions} if '"$ref"' in json.dumps(result) else result
