"""Prompts with places for columns."""

import math

import pytest

from chatnb.errors import SettingsError
from chatnb.rows.template import Template

ROW = {"text": "a {id} b", "id": 7, "none": None, "nan": math.nan, "two words": "x"}


@pytest.mark.parametrize(
    ("prompt", "filled"),
    [
        ("{text}!", "a {id} b!"),  # what a row holds is no template
        ("{id}{id}", "77"),
        ("{two words}", "x"),
        ("[{none}{nan}]", "[]"),
        ("{{id}} {id}", "{id} 7"),
        ('{"id": {id}, "of": {}}', '{"id": 7, "of": {}}'),
        ("{id:>5} {id.real} {id!r} {id}", "{id:>5} {id.real} {id!r} 7"),  # names, and no code
    ],
)
def test_columns_and_nothing_else_stand_in_braces(prompt: str, filled: str) -> None:
    assert Template(prompt, list(ROW)).filled(ROW) == filled


@pytest.mark.parametrize(
    ("prompt", "says"),
    [("{txt}", "Did you mean {text}?"), ("Hello", "names no column"), ("{{id}}", "names no column")],
)
def test_a_prompt_without_a_column_of_the_table_is_refused(prompt: str, says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Template(prompt, list(ROW))

    assert says in str(caught.value)
