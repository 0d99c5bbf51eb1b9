"""What a run did to the variables comes back: the same names, the same objects, with what they held."""

from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatnb.tools.undo import Undo


def ran(namespace: dict[str, Any], code: str, **limits: int) -> Undo:
    undo = Undo(namespace, **limits)
    with undo.watching(set(namespace)):
        exec(code, {}, namespace)  # noqa: S102 - the test's own
    return undo


VALUES = st.recursive(
    st.integers() | st.text(max_size=3) | st.none(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3) | st.tuples(inner, inner)
    ),
    max_leaves=8,
)
STEPS = st.lists(
    st.sampled_from(
        [
            "a = 1",
            "b = a",
            "c = [b]",
            "del a",
            "a.append(a)",
            "a.clear()",
            "b['k'] = b",
            "b[0].append(2)",
            "b.pop()",
            "a, b = b, a",
            "a.extend([1, 2])",
            "b.update(c)",
            "d = {}",
        ]
    ),
    max_size=8,
)


def shape(value: Any, seen: tuple[int, ...] = ()) -> Any:
    """Return the objects that a value is made of, by their identity."""
    if id(value) in seen:
        return id(value)
    if isinstance(value, dict):
        return id(value), [(id(key), shape(each, (*seen, id(value)))) for key, each in value.items()]
    if isinstance(value, list | tuple):
        return id(value), [shape(each, (*seen, id(value))) for each in value]
    return id(value)


@given(st.dictionaries(st.sampled_from("abc"), VALUES), STEPS)
def test_undo_restores_exactly_the_namespace(namespace: dict[str, Any], steps: list[str]) -> None:
    kept = dict(namespace)
    before = {name: shape(value) for name, value in namespace.items()}
    undo = Undo(namespace)

    with undo.watching():
        for step in steps:
            try:
                exec(step, {}, namespace)  # noqa: S102
            except (AttributeError, TypeError, KeyError, IndexError, NameError, ValueError):
                continue
    if str(undo.changes):
        undo.undo()

    assert namespace.keys() == kept.keys()
    assert all(namespace[name] is kept[name] for name in kept)
    assert {name: shape(value) for name, value in namespace.items()} == before


CHANGED: list[tuple[Callable[[], Any], str]] = [
    (lambda: [1, [2]], "x[1].append(3)"),
    (lambda: {"a": {"b": 1}}, "x['a']['b'] = 2"),
    (lambda: {1, 2}, "x.add(3)"),
    (lambda: bytearray(b"ab"), "x[0] = 0"),
    (lambda: deque([1, 2], maxlen=2), "x.append(3)"),
    (lambda: defaultdict(list, a=[1]), "x['b']; x['a'].append(2)"),
    (lambda: OrderedDict(a=1, b=2), "x.move_to_end('a')"),
    (lambda: Counter("aab"), "x.update('a')"),
    (lambda: ([1],), "x[0].append(2)"),
    (lambda: np.arange(6.0).reshape(2, 3), "x[0] = 9"),
    (lambda: np.array([1.0, np.nan]), "x[1] = 2"),
    (lambda: np.array([[1], "a"], dtype=object), "x[1] = 'b'"),
    (lambda: np.arange(4), "x.resize(6, refcheck=False)"),
    (lambda: pd.DataFrame({"a": [1, 2], "b": ["x", None]}), "x.loc[0, 'a'] = 9; x['c'] = 1; del x['b']"),
    (lambda: pd.DataFrame({"a": [1, 2]}), "x.columns = ['z']"),
    (lambda: pd.DataFrame({"a": [1, 2]}), "x.index.name = 'n'"),
    (lambda: pd.DataFrame({"a": [1, 2]}), "x.attrs['k'] = 1"),
    (lambda: pd.Series([1, 2], name="n"), "x.iloc[0] = 9; x.name = 'm'"),
    (lambda: pl.DataFrame({"a": [1, 2]}), "x[0, 'a'] = 9"),
    (lambda: pl.DataFrame({"a": [1, 2]}), "x.columns = ['b']"),
    (lambda: pl.Series("a", [1, 2]), "x[0] = 9"),
]


@pytest.mark.parametrize(("make", "code"), CHANGED)
def test_a_change_in_place_comes_back_into_the_same_object(make: Callable[[], Any], code: str) -> None:
    value, expected = make(), make()
    namespace = {"x": value}
    undo = ran(namespace, code)
    assert undo.changes.changed == ("x",)

    undone = undo.undo()

    assert namespace["x"] is value
    assert repr(value) == repr(expected)
    assert getattr(value, "attrs", None) == getattr(expected, "attrs", None)
    assert undone.failed == ()


@pytest.mark.parametrize("make", [make for make, _ in CHANGED])
def test_what_is_only_read_has_not_changed(make: Callable[[], Any]) -> None:
    undo = ran({"x": make()}, "repr(x)")

    assert str(undo.changes) == ""
    with pytest.raises(LookupError, match="nothing to undo"):
        undo.undo()


def test_it_is_told_what_a_run_did() -> None:
    undo = ran({"a": 1, "b": 2, "c": [], "d": 3}, "a = 5\ndel b\nc.append(1)\ne = 1")

    assert str(undo.changes) == "added: e; replaced: a; deleted: b; changed: c"


def test_what_is_too_large_is_told_and_stays_changed() -> None:
    namespace: dict[str, Any] = {"rows": list(range(50)), "table": np.zeros(100)}
    undo = ran(namespace, "rows.append(1)\ntable[0] = 1\nn = 1", bytes_limit=100, elements_limit=10)

    undone = undo.undo()

    assert undone.unseen == ("rows", "table")
    assert (len(namespace["rows"]), namespace["table"][0], "n" in namespace) == (51, 1, False)


def test_what_the_code_names_is_copied_first() -> None:
    namespace = {"other": list(range(8)), "rows": list(range(8))}
    undo = Undo(namespace, elements_limit=10)

    with undo.watching({"rows"}):
        namespace["rows"].append(1)
    undo.undo()

    assert len(namespace["rows"]) == 8


def test_an_object_of_another_kind_is_told() -> None:
    class Model:
        weight = 0

    undo = ran({"model": Model(), "n": 1, "t": (1, "a")}, "model.weight = 1")

    assert undo.changes.unseen == ("model",)


def test_what_the_user_did_to_other_variables_since_stays() -> None:
    namespace: dict[str, Any] = {"a": 1, "rows": [1], "other": [1]}
    undo = ran(namespace, "a = 2")
    namespace["other"].append(2)
    namespace["new"] = 1

    undo.undo()

    assert namespace == {"a": 1, "rows": [1], "other": [1, 2], "new": 1}


def test_a_run_that_fails_can_be_undone() -> None:
    namespace = {"a": 1}
    undo = Undo(namespace)

    with pytest.raises(ZeroDivisionError), undo.watching():
        exec("a = 2; 1 / 0", {}, namespace)  # noqa: S102
    undo.undo()

    assert namespace["a"] == 1


def test_what_cannot_be_put_back_is_told() -> None:
    namespace = {"x": np.zeros(3)}
    undo = ran(namespace, "x[0] = 1; x.flags.writeable = False")

    undone = undo.undo()

    assert undone.failed == ("x",)


def test_it_is_undone_once() -> None:
    undo = ran({"a": 1}, "a = 2")
    undo.undo()

    with pytest.raises(LookupError):
        undo.undo()
