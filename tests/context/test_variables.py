"""Variables are found by name and path, with nothing evaluated that need not be."""

from __future__ import annotations

import hashlib
import time
import types
from typing import Any

import pandas as pd  # type: ignore[import-untyped]
import polars as pl
import pytest
from IPython.core.interactiveshell import InteractiveShell

from chatnb.context.base import Reference
from chatnb.context.variables import VariablesSource
from chatnb.errors import ContextNotFound, ContextRefused
from chatnb.messages import Context


class Model:
    """Has an attribute, a property, one that fails, one that hangs."""

    count = 0

    def __init__(self) -> None:
        self.lr = 0.5

    @property
    def loss(self) -> int:
        Model.count += 1
        return 3

    @property
    def broken(self) -> int:
        raise RuntimeError

    @property
    def slow(self) -> int:
        time.sleep(2)
        return 1

    def __getattr__(self, name: str) -> Any:
        if name == "made_up":
            return "invented"
        raise AttributeError(name)


def read(path: str, kind: str = "var", **namespace: Any) -> Context:
    """Read one variable of a namespace."""
    (part,) = VariablesSource(namespace).read(Reference(kind, path)).parts
    assert isinstance(part, Context)
    return part


def test_a_variable_is_read_with_its_label_and_reference() -> None:
    part = read("sizes", sizes=[1, 2])

    assert part == Context.of("variable sizes", "list of 2 elements: int\n  [1, 2]", "var:sizes")
    assert part.sha256 == hashlib.sha256(part.text.encode()).hexdigest()


@pytest.mark.parametrize("kind", ["var", ""])
@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("model.lr", "float: 0.5"),
        ("model.loss", "int: 3"),
        ("model.made_up", "invented"),
        ("config.model.lr", "float: 0.5"),
        ("config['a b'][0]", "int: 7"),
        ('config["a b"][-1]', "int: 8"),
        ("df.price", "named 'price'"),
        ("df['unit price']", "named 'unit price'"),
        ("frame.price", "polars"),
        ("module.answer", "int: 42"),
    ],
)
def test_a_path_leads_to_what_is_stored_there(path: str, says: str, kind: str) -> None:
    module = types.ModuleType("module")
    module.__dict__["answer"] = 42
    namespace = {
        "model": Model(),
        "config": {"model": Model(), "a b": [7, 8]},
        "df": pd.DataFrame({"price": [1], "unit price": [2]}),
        "frame": pl.DataFrame({"price": [1]}),
        "module": module,
    }

    part = read(path, kind, **namespace)

    assert says in part.text
    assert part.label == f"variable {path}"
    assert part.ref == f"var:{path}"


@pytest.mark.parametrize(
    "path",
    [
        "nothing",
        "df.nothing",
        "model.broken",
        "model.nothing",
        "sizes[5]",
        "sizes[",
        "sizes()",
        "./docs",
        "",
        "1",
        "len",
        "df.price + 1",
    ],
)
def test_what_is_not_there_is_not_found(path: str) -> None:
    source = VariablesSource({"df": pd.DataFrame({"price": [1]}), "model": Model(), "sizes": [1]})

    with pytest.raises(ContextNotFound):
        source.read(Reference("", path))


def test_a_property_that_hangs_is_given_up_with_what_to_do() -> None:
    source = VariablesSource({"model": Model()})

    with pytest.raises(ContextRefused, match="Assign it to a name"):
        source.read(Reference("var", "model.slow"))


def test_a_stored_part_evaluates_no_property() -> None:
    Model.count = 0

    read("config.model.lr", config={"model": Model()})

    assert Model.count == 0


def test_a_key_that_a_defaultdict_would_make_is_not_made() -> None:
    config: dict[str, Any] = {"a": 1}

    with pytest.raises(ContextNotFound):
        read("config.b", config=config)

    assert config == {"a": 1}


def test_names_are_the_users_alone_data_and_the_newest_first_then_columns() -> None:
    shell = InteractiveShell()  # type: ignore[no-untyped-call]
    shell.user_ns.update(first=1, pandas=pd, _private=2, df=pd.DataFrame({"price": [1], "unit price": [2]}))

    names = list(VariablesSource(shell.user_ns).names())

    assert names == ["df", "first", "pandas", "df.price"]


def test_a_name_of_ipython_is_read_only_where_it_is_asked_for_as_a_variable() -> None:
    source = VariablesSource({"In": ["", "1 + 1"]})

    part = source.read(Reference("var", "In")).parts[0]

    assert isinstance(part, Context)
    assert "1 + 1" in part.text
    with pytest.raises(ContextNotFound, match="var:In"):
        source.read(Reference("", "In"))
