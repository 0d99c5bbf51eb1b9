"""Prompts with places for columns."""

import math
from decimal import Decimal

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
import pytest

from chatnb.errors import SettingsError
from chatnb.rows.template import Template

ROW = {"text": "a {id} b", "id": 7, "none": None, "nan": math.nan, "two words": "x"}
MISSING = {"nat": pd.NaT, "na": pd.NA, "decimal": Decimal("NaN"), "many": np.array([1, 2])}


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


def test_what_is_missing_leaves_nothing_whatever_a_library_calls_it() -> None:
    assert Template("[{nat}{na}{decimal}] {many}", list(MISSING)).filled(MISSING) == "[] [1 2]"


@pytest.mark.parametrize(
    ("prompt", "says"),
    [("{txt}", "Did you mean {text}?"), ("Hello", "names no column"), ("{{id}}", "names no column")],
)
def test_a_prompt_without_a_column_of_the_table_is_refused(prompt: str, says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Template(prompt, list(ROW))

    assert says in str(caught.value)
