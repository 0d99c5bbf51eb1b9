"""A decorated function stays what it is, and a model is told all that it needs to call it."""

import datetime as dt
from collections.abc import Callable
from functools import partial
from typing import Any, Literal
from unittest import mock

import pytest
from pydantic import BaseModel

import chatnb
from chatnb.errors import SettingsError
from chatnb.tools.tool import Tool, tool, tool_of


class Point(BaseModel):
    """A type of the user's own."""

    x: float
    y: float = 0.0


class Node(BaseModel):
    """A type that holds itself."""

    value: int
    children: list["Node"] = []


@tool
def describe(schema: Point, title: str, days: list[dt.date], mode: Literal["a", "b"] = "a") -> str:
    """Describe a point.

    Parameters
    ----------
    title
        What it is called.
    """
    return f"{schema} {title} {days} {mode}"


def made(function: Callable[..., Any]) -> Tool:
    found = tool_of(function)
    assert found is not None
    return found


def test_a_decorated_function_is_still_the_function() -> None:
    def add(x: int, y: int = 1) -> int:
        return x + y

    decorated = tool(add)

    assert decorated is add
    assert decorated(2) == 3


def test_the_public_decorator_is_this_one() -> None:
    public = chatnb.tool

    assert public is tool


def test_a_model_is_told_name_summary_types_and_descriptions() -> None:
    spec = made(describe).spec

    properties = spec.parameters["properties"]
    assert (spec.name, spec.description) == ("describe", "Describe a point.")
    assert properties["title"] == {"type": "string", "description": "What it is called."}
    assert properties["days"] == {"type": "array", "items": {"type": "string", "format": "date"}}
    assert properties["mode"] == {"type": "string", "enum": ["a", "b"], "default": "a"}
    assert spec.parameters["required"] == ["schema", "title", "days"]


def test_a_type_of_the_users_own_is_told_in_place_since_servers_drop_references() -> None:
    parameters = made(describe).spec.parameters

    point = parameters["properties"]["schema"]
    assert point["properties"]["x"] == {"type": "number"}
    assert "$defs" not in parameters


def test_a_type_that_holds_itself_keeps_its_reference() -> None:
    @tool
    def walk(node: Node) -> None: ...

    parameters = made(walk).spec.parameters

    node = parameters["properties"]["node"]
    assert node["properties"]["children"]["items"] == {"$ref": "#/$defs/Node"}
    assert "Node" in parameters["$defs"]


def test_a_function_without_parameters_and_docstring_is_a_tool_too() -> None:
    @tool
    def ping():  # type: ignore[no-untyped-def]  # noqa: ANN202 - as a user may write it
        pass

    spec = made(ping).spec

    assert spec.description == ""
    assert spec.parameters["type"] == "object"
    assert spec.parameters["properties"] == {}


def test_arguments_become_the_types_that_the_function_asks_for() -> None:
    check = made(describe).check

    arguments = check({"schema": {"x": "1"}, "title": "t", "days": ["2026-11-21"]})

    assert arguments == {"schema": Point(x=1.0), "title": "t", "days": [dt.date(2026, 11, 21)]}


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        ({"title": "t", "days": []}, "schema: Field required"),
        ({"schema": {"x": "far"}, "title": "t", "days": []}, "schema.x: "),
        ({"schema": {"x": 1}, "title": "t", "days": [], "more": 1}, "more: Extra inputs"),
        ({"schema": {"x": 1}, "title": "t", "days": [], "mode": "c"}, "mode: "),
    ],
)
def test_arguments_that_do_not_fit_say_which_and_why(arguments: dict[str, Any], fault: str) -> None:
    check = made(describe).check

    with pytest.raises(ValueError, match=fault):
        check(arguments)


def test_a_function_with_open_keywords_takes_any_of_them() -> None:
    @tool
    def note(**facts: str) -> None: ...

    arguments = made(note).check({"anything": "goes"})

    assert arguments == {"anything": "goes"}


def test_name_and_thread_can_be_chosen() -> None:
    @tool(name="draw-it", where="kernel")
    def draw() -> None: ...

    chosen = made(draw)

    assert (chosen.spec.name, chosen.where) == ("draw-it", "kernel")


def test_a_plain_function_runs_in_a_worker_and_an_asynchronous_one_on_the_loop() -> None:
    @tool
    def plain() -> None: ...

    @tool
    async def waiting() -> None: ...

    where = made(plain).where, made(waiting).where

    assert where == ("worker", "loop")


def test_an_asynchronous_function_cannot_run_elsewhere() -> None:
    async def waiting() -> None: ...

    with pytest.raises(SettingsError, match="leave where="):
        tool(where="kernel")(waiting)


def test_a_method_and_a_partial_can_be_tools_by_another_way() -> None:
    class Till:
        def add(self, price: float) -> float:
            return price

    method = Tool.of(Till().add)
    with_default = Tool.of(partial(describe, title="t"), name="shorter")

    assert list(method.spec.parameters["properties"]) == ["price"]
    assert with_default.spec.parameters["required"] == ["schema", "days"]


def positional(x: int, /) -> None: ...


def starred(*x: int) -> None: ...


def unresolved(x: "Nowhere") -> None: ...  # type: ignore[name-defined]  # noqa: F821 - this is what is tested


def strange(x: mock.Mock) -> None: ...


@pytest.mark.parametrize("function", [positional, starred, unresolved, strange, lambda: None, partial(positional)])
def test_what_no_model_could_call_is_refused_when_it_is_decorated(function: Callable[..., Any]) -> None:
    with pytest.raises(SettingsError):
        Tool.of(function)


def test_looking_for_tools_runs_no_code_of_what_is_looked_at() -> None:
    class Proxy:
        def __getattr__(self, name: str) -> object:
            raise AssertionError(name)

    found = tool_of(Proxy())

    assert found is None
