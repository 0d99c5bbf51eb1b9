"""A schema turns an answer into a value, and says what is wrong with one that does not fit."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict
from typing_extensions import TypedDict

from chatnb.errors import AnswerInvalid, SettingsError
from chatnb.schema import Schema


class Fruit(BaseModel):
    """A pydantic model, as a user writes one."""

    name: str
    price: float


@dataclass
class Basket:
    """A dataclass with a dataclass's defaults and nested values."""

    fruits: list[Fruit]
    owner: str = "nobody"


class Box(TypedDict):
    """A mapping of known keys."""

    size: int


FRUIT_JSON: Mapping[str, Any] = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "price": {"$ref": "#/$defs/money"}},
    "required": ["name", "price"],
    "$defs": {"money": {"type": "number", "minimum": 0}},
}


def test_an_answer_becomes_a_value_of_a_pydantic_model() -> None:
    schema = Schema.of(Fruit)

    value = schema.parse('{"name": "apple", "price": 0.5}')

    assert value == Fruit(name="apple", price=0.5)


def test_an_answer_becomes_a_dataclass_with_its_defaults() -> None:
    schema = Schema.of(Basket)

    value = schema.parse('{"fruits": [{"name": "fig", "price": 1}]}')

    assert value == Basket([Fruit(name="fig", price=1.0)], owner="nobody")


@pytest.mark.parametrize(
    ("target", "text", "expected"),
    [
        (Box, '{"size": 3}', {"size": 3}),
        (list[int], "[1, 2]", [1, 2]),
        (dict[str, float], '{"a": 1}', {"a": 1.0}),
        (bool, "true", True),
        (int | None, "null", None),
    ],
)
def test_any_type_that_pydantic_knows_is_a_schema(target: Any, text: str, expected: object) -> None:
    schema = Schema.of(target)

    value = schema.parse(text)

    assert value == expected


def test_a_json_schema_gives_plain_json() -> None:
    schema = Schema.of(FRUIT_JSON)

    value = schema.parse('{"name": "apple", "price": 0.5}')

    assert value == {"name": "apple", "price": 0.5}


def test_a_json_schema_is_sent_as_it_was_given() -> None:
    given = json.loads(json.dumps({**FRUIT_JSON, "$id": "https://example.org/fruit"}))

    schema = Schema.of(given)

    assert schema.json == given == {**FRUIT_JSON, "$id": "https://example.org/fruit"}


def test_the_json_of_a_type_describes_it() -> None:
    schema = Schema.of(Fruit)

    described = schema.json

    assert described["required"] == ["name", "price"]
    assert described["properties"]["price"]["type"] == "number"


def test_an_answer_in_a_fence_of_code_is_read_too() -> None:
    schema = Schema.of(Fruit)

    value = schema.parse('\n```json\n{"name": "apple", "price": 0.5}\n```\n')

    assert value == Fruit(name="apple", price=0.5)


@pytest.mark.parametrize("target", [Fruit, FRUIT_JSON], ids=["type", "json"])
def test_an_answer_that_does_not_fit_says_what_and_where_and_what_to_do(target: Any) -> None:
    schema = Schema.of(target)
    text = '{"name": "apple", "price": "cheap"}'

    with pytest.raises(AnswerInvalid) as caught:
        schema.parse(text)

    assert "price:" in str(caught.value)
    assert "number" in str(caught.value)
    assert "'cheap'" in str(caught.value)
    assert "%chat again" in str(caught.value)
    assert caught.value.text == text


@pytest.mark.parametrize("target", [Fruit, FRUIT_JSON], ids=["type", "json"])
def test_an_answer_that_breaks_off_is_no_json_and_told_so(target: Any) -> None:
    schema = Schema.of(target)

    with pytest.raises(AnswerInvalid) as caught:
        schema.parse('{"name": "apple", "pri')

    assert str(caught.value).startswith("The answer is no JSON: ")
    assert "num_predict" in str(caught.value)


def test_many_faults_are_listed_up_to_a_limit() -> None:
    schema = Schema.of(list[int])

    with pytest.raises(AnswerInvalid) as caught:
        schema.parse(json.dumps(["x"] * 9))

    assert "0: " in str(caught.value)
    assert "; and 4 more" in str(caught.value)


def test_values_of_json_are_checked_as_json_even_by_a_strict_model() -> None:
    class Strict(BaseModel):
        model_config = ConfigDict(strict=True)
        sizes: tuple[int, ...]

    schema = Schema.of(Strict)

    value = schema.check({"sizes": [1, 2]})

    assert value == Strict(sizes=(1, 2))


def test_checking_says_what_does_not_fit() -> None:
    schema = Schema.of(FRUIT_JSON)

    with pytest.raises(ValueError, match="price: must be bigger than or equal to 0"):
        schema.check({"name": "apple", "price": -1})


def test_a_default_of_a_json_schema_is_not_put_into_the_answer() -> None:
    schema = Schema.of({"type": "object", "properties": {"a": {"default": 1}}})

    value = schema.parse("{}")

    assert value == {}


@pytest.mark.parametrize(
    "target",
    [
        object(),
        lambda: None,
        {"type": "objct"},
        {"properties": ["a"]},
        {"$ref": "#/nowhere"},
        {"type": "object", "properties": {"a": {"pattern": "("}}},
    ],
)
def test_what_is_no_schema_is_refused_at_once(target: Any) -> None:
    with pytest.raises(SettingsError):
        Schema.of(target)


@pytest.mark.parametrize("uri", ["http://127.0.0.1:9/x.json", "https://example.invalid/x", "file:///etc/hostname"])
def test_nothing_that_a_schema_points_to_is_fetched(uri: str) -> None:
    with pytest.raises(SettingsError, match="fetches nothing"):
        Schema.of({"$ref": uri})


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_any_json_fits_the_schema_that_asks_for_nothing(value: Any) -> None:
    schema = Schema.of({})

    parsed = schema.parse(json.dumps(value))

    assert parsed == value


def test_jsonschema_is_never_imported() -> None:
    program = (
        "import sys; from chatnb.schema import Schema; before = 'pydantic' in sys.modules;"
        "Schema.of({'type': 'string'}).parse('1' and '\"a\"'); Schema.of(int);"
        "print(before, 'jsonschema' in sys.modules)"
    )

    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)

    assert said.stdout.split() == ["False", "False"]
