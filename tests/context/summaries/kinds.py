"""One object of each kind, with what its summary has to say; the benchmark reads this table, too."""

from __future__ import annotations

import array
import asyncio
import collections
import contextlib
import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import functools
import io
import itertools
import logging
import pathlib
import re
import sqlite3
import tempfile
import time
import types
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, NamedTuple, TypedDict
from unittest.mock import MagicMock, Mock

import matplotlib as mpl
import numpy as np
import pandas as pd  # type: ignore[import-untyped]
import polars as pl
import pyarrow as pa  # type: ignore[import-untyped]
import scipy.sparse  # type: ignore[import-untyped]
from IPython.display import HTML
from matplotlib.figure import Figure
from PIL import Image
from pydantic import BaseModel
from sklearn.linear_model import LinearRegression  # type: ignore[import-untyped]
from sklearn.pipeline import make_pipeline  # type: ignore[import-untyped]

mpl.use("agg")


@dataclasses.dataclass(frozen=True)
class Kind:
    """What is made, and what its summary holds in 2,000 characters."""

    name: str
    make: Callable[[], object]
    says: tuple[str, ...]
    is_hostile: bool = False


@dataclasses.dataclass
class Order:
    """What a customer bought."""

    id: int
    lines: list[int]


class Point(NamedTuple):
    """A place."""

    x: int
    y: int


class Colour(enum.Enum):
    """What something looks like."""

    RED = 1
    GREEN = 2


class Movie(TypedDict):
    """A film."""

    name: str
    year: int


class Config(BaseModel):
    """How to train."""

    rate: float = 0.1
    layers: list[int] = [64, 32]


class Account:
    """Money of a customer."""

    def __init__(self) -> None:
        self.balance = 12

    def deposit(self, amount: int) -> None:
        """Add money."""
        self.balance += amount


class Slotted:
    """Holds its attributes in slots."""

    __slots__ = ("empty", "held")

    def __init__(self) -> None:
        self.held = 7


class Tensor:
    """As torch's: the attributes are found on the class, a value is moved only when it is asked for."""

    def __init__(self, values: Any) -> None:
        self._values = np.asarray(values, dtype=np.float32)

    shape = property(lambda self: self._values.shape)
    dtype = property(lambda _: "torch.float32")
    device = property(lambda _: "cuda:0")
    requires_grad = property(lambda _: True)

    def min(self) -> Any:
        return self._values.min()

    def max(self) -> Any:
        return self._values.max()

    def tolist(self) -> Any:
        return self._values.tolist()


class ForModels:
    """Describes itself."""

    def _repr_llm_(self) -> str:
        return "the answer is 42"


class ForModelsInVain:
    """Cannot describe itself."""

    held = 1

    def _repr_llm_(self) -> str:
        raise RuntimeError


class Raises:
    """Has a repr that fails."""

    def __repr__(self) -> str:
        raise RuntimeError("no")


class Exits:
    """Has a repr that ends the program."""

    def __repr__(self) -> str:
        raise SystemExit


class Sleeps:
    """Has a repr that comes after a while."""

    def __init__(self) -> None:
        self.held = 5

    def __repr__(self) -> str:
        time.sleep(2)
        return "late"


class Loops:
    """Has a repr that never comes."""

    def __repr__(self) -> str:
        while True:
            pass


class Huge:
    """Has a repr of 1 GB."""

    def __init__(self) -> None:
        self._texts = ["x" * 10**9]

    def __repr__(self) -> str:
        return self._texts[0]


class Inventive:
    """Has every attribute."""

    def __getattr__(self, name: str) -> Any:
        return self

    def __call__(self, *_: object) -> Any:
        return self


class Closed:
    """Has no attribute."""

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(name)


class LiesAboutItsLength(list[int]):
    """Says that it is long, and that it is endless."""

    def __len__(self) -> int:
        return 10**9

    def __iter__(self) -> Iterator[int]:
        return itertools.count()


class LiesAboutItsKeys(dict[str, int]):
    """Has no length."""

    def __len__(self) -> int:
        raise RuntimeError

    def items(self) -> Any:
        raise RuntimeError


class LiesAboutItsText(str):
    """Is not what it is written as."""

    __slots__ = ()

    def __str__(self) -> str:
        raise RuntimeError

    def __getitem__(self, _: Any) -> str:
        raise RuntimeError


class LiesAboutItsClass:
    """Says that it is a dict."""

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return dict


def broken_class() -> type:
    """Return a class that answers nothing; made here, since whoever collects tests asks classes for things."""

    class Broken(type):
        def __repr__(cls) -> str:
            raise RuntimeError

        def __getattribute__(cls, name: str) -> Any:
            raise RuntimeError(name)

    class OfBroken(metaclass=Broken):
        """Its class answers nothing."""

    return OfBroken


def mean_price(prices: list[float], *, weight: float = 1.0) -> float:
    """Return the mean."""
    return weight * sum(prices) / len(prices)


async def fetch() -> int:
    """Return one."""
    return 1


async def stream() -> AsyncIterator[int]:
    """Yield one."""
    yield 1


def countdown() -> Iterator[int]:
    """Yield down to one."""
    yield from (2, 1)


def table() -> pd.DataFrame:
    """Return a table of some types of columns."""
    return pd.DataFrame(
        {
            "price": [1.5, -2.0, None],
            "city": ["Oslo", "Rome", "Oslo"],
            "day": pd.date_range("2020-01-01", periods=3),
            "thing": [object(), {}, Raises()],
            "sold": [True, False, True],
        }
    )


def tall() -> pd.DataFrame:
    """Return 10 million rows of 20 columns."""
    rows = 10_000_000
    numbers = np.random.default_rng(0).random((rows, 17))
    frame = pd.DataFrame(numbers, columns=[f"c{number}" for number in range(17)])
    frame["number"] = np.arange(rows)
    frame["day"] = np.arange(rows).astype("datetime64[s]")
    frame["city"] = pd.Categorical.from_codes(np.arange(rows) % 3, ["Oslo", "Rome", "Bonn"])
    return frame


def wide() -> pd.DataFrame:
    """Return 1,000 rows of 5,000 columns."""
    numbers = np.random.default_rng(0).random((1_000, 5_000))
    return pd.DataFrame(numbers, columns=[f"c{number}" for number in range(5_000)])


def recursive_list() -> list[Any]:
    """Return a list that holds itself."""
    held: list[Any] = [1]
    held.append(held)
    return held


def recursive_dict() -> dict[str, Any]:
    """Return a dict that holds itself."""
    held: dict[str, Any] = {}
    held["self"] = held
    return held


def deep() -> list[Any]:
    """Return a list in a list, ten thousand times."""
    held: list[Any] = []
    for _ in range(10_000):
        held = [held]
    return held


def closed_file() -> object:
    """Return a file that is closed."""
    with tempfile.TemporaryFile("w+") as file:
        return file


def closed_database() -> object:
    """Return a connection that is closed."""
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        return connection


def raised() -> BaseException:
    """Return an error with its traceback."""
    try:
        mean_price([])
    except ZeroDivisionError as error:
        error.add_note("no prices")
        return error
    raise AssertionError


def plot() -> Figure:
    """Return a figure with two lines."""
    figure = Figure()
    axes = figure.subplots()
    axes.plot([1, 2, 3], label="north")
    axes.plot([3, 2, 1], label="south")
    axes.set(title="Sales", xlabel="month", ylabel="EUR")
    return figure


async def _task() -> object:
    task = asyncio.ensure_future(fetch())
    await task
    return task


def task() -> object:
    """Return a task that is done."""
    return asyncio.run(_task())


def html() -> object:
    """Return what IPython shows as HTML."""
    return HTML("<b>x</b>")  # type: ignore[no-untyped-call]


def structured() -> object:
    """Return an array of records."""
    return np.array([(1, 2.5), (2, 3.5)], dtype=[("id", "i4"), ("price", "f8")])


def objects() -> object:
    """Return an array of objects, some of them hostile."""
    held = np.empty(3, dtype=object)
    held[:] = [Raises(), Sleeps(), 3]
    return held


def fitted() -> object:
    """Return a fitted model."""
    return LinearRegression().fit(np.arange(6).reshape(3, 2), [1, 2, 3])


KINDS = (
    Kind("None", lambda: None, ("NoneType: None",)),
    Kind("bool", lambda: True, ("bool: True",)),
    Kind("int", lambda: 12345, ("int: 12345",)),
    Kind("huge int", lambda: 10**10**6, ("about 1,000,001 digits",)),
    Kind("float", lambda: 0.25, ("float: 0.25",)),
    Kind("complex", lambda: 1 + 2j, ("complex: (1+2j)",)),
    Kind("Decimal", lambda: decimal.Decimal("1.10"), ("Decimal('1.10')",)),
    Kind("Fraction", lambda: fractions.Fraction(1, 3), ("Fraction(1, 3)",)),
    Kind("huge Fraction", lambda: fractions.Fraction(1, 10**10_000), ("10,001 digits",)),
    Kind("UUID", lambda: uuid.UUID(int=1), ("000000000001",)),
    Kind("short text", lambda: "two\nlines", ("str of 9 characters, 2 lines", "two\nlines")),
    Kind("long text", lambda: "head " + "x" * 10**7 + " tail", ("str of 10,000,010 characters", "head x", "x tail")),
    Kind("text with control characters", lambda: "a\x1b[31m\x00", ("\\x1b[31m\\x00",)),
    Kind("bytes", lambda: b"\x00\x01" * 10**6, ("bytes of 2,000,000 bytes", "\\x00\\x01")),
    Kind("bytearray", lambda: bytearray(b"abc"), ("bytearray of 3 bytes",)),
    Kind("memoryview", lambda: memoryview(b"abc"), ("memoryview of 3 bytes",)),
    Kind("datetime", lambda: dt.datetime(2020, 1, 2, tzinfo=dt.UTC), ("datetime.datetime(2020, 1, 2",)),
    Kind("timedelta", lambda: dt.timedelta(days=2), ("timedelta(days=2)",)),
    Kind("Path", lambda: pathlib.Path("data/raw.csv"), ("data/raw.csv",)),
    Kind("regular expression", lambda: re.compile(r"(?P<year>\d+)-(\d+)", re.IGNORECASE), ("year", "2 groups")),
    Kind("range", lambda: range(10**9), ("range(0, 1000000000)",)),
    Kind("empty list", list, ("list, empty",)),
    Kind("list", lambda: list(range(1_000_000)), ("list of 1,000,000 elements: int", "[999999] 999999")),
    Kind("mixed list", lambda: [1, "a", None], ("int (1), str (1), NoneType (1)", "[1, 'a', None]")),
    Kind("list of tables", lambda: [table(), table()], ("3 rows x 5 columns",)),
    Kind("tuple", lambda: (1, 2), ("tuple of 2 elements", "(1, 2)")),
    Kind("set", lambda: {1, 2}, ("set of 2 elements", "{1, 2}")),
    Kind("frozenset", lambda: frozenset({1}), ("frozenset({1})",)),
    Kind("deque", lambda: collections.deque(range(10**5)), ("collections.deque of 100,000",)),
    Kind("array.array", lambda: array.array("d", [1.0]), ("array('d', [1.0])",)),
    Kind(
        "dict",
        lambda: {"a": {"b": [1, 2], "c": "x" * 300}},
        ("dict with 1 key", "'a': dict with 2 keys", "'b': [1, 2]"),
    ),
    Kind("large dict", lambda: dict.fromkeys(range(10**6), 0.5), ("1,000,000 keys: int -> float", "more keys")),
    Kind("Counter", lambda: collections.Counter("aab"), ("collections.Counter with 2 keys", "'a': 2")),
    Kind("keys of a dict", {"a": 1}.keys, ("dict_keys of 1 element", "['a']")),
    Kind("namespace", lambda: types.SimpleNamespace(rate=0.1), ("rate: 0.1",)),
    Kind("named tuple", lambda: Point(1, 2), ("Point, a named tuple of 2 fields", "x: 1")),
    Kind("enum", lambda: Colour.RED, ("Colour.RED: 1", "RED, GREEN")),
    Kind("class of an enum", lambda: Colour, ("RED=1, GREEN=2",)),
    Kind("TypedDict", lambda: Movie, ("Movie(TypedDict)", "name: ", "year: ")),
    Kind("dataclass", lambda: Order(7, [1, 2]), ("Order, a dataclass of 2 fields", "id: 7", "lines: [1, 2]")),
    Kind(
        "dataclass that holds much",
        lambda: Order(7, list(range(10**7))),
        ("10,000,000 in all",),
    ),
    Kind("list of dataclasses that hold much", lambda: [Order(7, list(range(10**7)))], ("list of 1 element", "Order")),
    Kind("pydantic model", Config, ("a pydantic model of 2 fields", "rate: 0.1", "layers: [64, 32]")),
    Kind("object", Account, ("Money of a customer.", "balance: 12", "methods: deposit")),
    Kind("object with slots", Slotted, ("held: 7",)),
    Kind("object that describes itself for models", ForModels, ("the answer is 42",)),
    Kind("object that fails to", ForModelsInVain, ("Cannot describe itself.",)),
    Kind(
        "pandas DataFrame",
        table,
        (
            "3 rows x 5 columns",
            "price: float64, 1 null (33%), min -2, mean -0.25, max 1.5",
            "city: ",
            "2020-01-01 to 2020-01-03",
            "67% true",
            "first 3 rows",
            "Oslo",
        ),
    ),
    Kind(
        "tall pandas DataFrame",
        tall,
        ("10,000,000 rows x 20 columns", "from a sample of 5,000 rows", "c0: float64", "city: category"),
    ),
    Kind("wide pandas DataFrame", wide, ("1,000 rows x 5,000 columns", "more columns")),
    Kind(
        "pandas DataFrame with equal names",
        lambda: pd.DataFrame([[1, 2]], columns=["a", "a"]),
        ("a (column 1): int64",),
    ),
    Kind(
        "pandas DataFrame with two levels of columns",
        lambda: pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", 1), ("a", 2)])),
        ("('a', 1): int64",),
    ),
    Kind("empty pandas DataFrame", pd.DataFrame, ("0 rows x 0 columns",)),
    Kind(
        "pandas Series",
        lambda: pd.Series([1, 2, 3], name="price"),
        ("named 'price', 3 rows, int64", "min 1, mean 2, max 3"),
    ),
    Kind("pandas Index", lambda: pd.date_range("2020", periods=9), ("9 labels", "datetime64")),
    Kind("pandas groups", lambda: table().groupby("city"), ("by 'city'", "2 groups", "3 rows x 5 columns")),
    Kind(
        "polars DataFrame",
        lambda: pl.DataFrame({"a": [1, None], "b": ["x", "x"]}),
        ("2 rows x 2 columns", "a: Int64, 1 null (50%)", "most often 'x' (100%)"),
    ),
    Kind(
        "tall polars DataFrame",
        lambda: pl.from_pandas(tall()),
        ("10,000,000 rows x 20 columns", "c0: Float64", "city: "),
    ),
    Kind("wide polars DataFrame", lambda: pl.from_pandas(wide()), ("1,000 rows x 5,000 columns", "more columns")),
    Kind("polars Series", lambda: pl.Series("a", [1, 2]), ("named 'a', 2 rows, Int64",)),
    Kind("polars LazyFrame", lambda: pl.LazyFrame({"a": [1], "b": ["x"]}), ("lazy", "a: Int64", "b: String")),
    Kind("polars groups", lambda: pl.DataFrame({"a": [1]}).group_by("a"), ("by ('a',)", "1 row x 1 column")),
    Kind("pyarrow Table", lambda: pa.table({"a": [1, 2]}), ("2 rows x 1 column", "a: int64, min 1, mean 1.5, max 2")),
    Kind("pyarrow RecordBatch", lambda: pa.record_batch({"a": [1]}), ("1 row x 1 column",)),
    Kind("pyarrow Array", lambda: pa.array([1, None]), ("2 values, int64, 1 null",)),
    Kind("numpy array", lambda: np.arange(12.0).reshape(3, 4), ("shape (3, 4), float64", "min 0, mean 5.5, max 11")),
    Kind("large numpy array", lambda: np.zeros((5_000, 5_000)), ("shape (5000, 5000)", "from a sample of")),
    Kind("numpy array with gaps", lambda: np.array([1.0, np.nan]), ("1 NaN", "max 1")),
    Kind("numpy array of records", structured, ("id: int32, min 1", "price: float64")),
    Kind("numpy array of objects", objects, ("shape (3,), object", "first: <"), is_hostile=True),
    Kind("numpy array without dimensions", lambda: np.array(3), ("0-dimensional", "first: 3")),
    Kind(
        "numpy array of dates",
        lambda: np.array(["2020-01-01", "NaT"], dtype="M8[D]"),
        ("2020-01-01 to 2020-01-01", "1 NaT"),
    ),
    Kind("empty numpy array", lambda: np.empty((0, 3)), ("shape (0, 3)",)),
    Kind(
        "masked numpy array",
        lambda: np.ma.masked_array([1, 2, 3], [False, True, False]),
        ("1 masked", "the 2 others: min 1"),
    ),
    Kind("numpy scalar", lambda: np.float64(0.5), ("numpy.float64: 0.5",)),
    Kind("tensor", lambda: Tensor([[1, 2], [3, 4]]), ("shape (2, 2)", "torch.float32", "on cuda:0", "min 1, max 4")),
    Kind(
        "sparse matrix",
        lambda: scipy.sparse.eye_array(1_000, format="csr"),
        ("shape (1000, 1000)", "1,000 stored (0.10% of all)"),
    ),
    Kind("estimator", fitted, ("fitted", "fit_intercept=True", "coef_: numpy.ndarray, shape (2,)")),
    Kind("pipeline", lambda: make_pipeline(LinearRegression()), ("not fitted", "steps=")),
    Kind("figure", plot, ("1 axes", "'Sales'", "'month'", "2 lines", "line 'north', 3 points")),
    Kind("picture", lambda: Image.new("RGB", (640, 480)), ("640 x 480 pixels, mode RGB",)),
    Kind("function", lambda: mean_price, ("function", "weight: 'float' = 1.0", "return weight * sum(prices)")),
    Kind("lambda", lambda: lambda: 1, ("function",)),
    Kind("builtin function", lambda: len, ("function len(obj, /)", "number of items")),
    Kind("method", lambda: Account().deposit, ("method", "deposit(amount: 'int')")),
    Kind(
        "partial", lambda: functools.partial(mean_price, weight=2.0), ("functools.partial", "mean_price", "weight=2.0")
    ),
    Kind("async function", lambda: fetch, ("async function",)),
    Kind("class", lambda: Account, ("class ", "Money of a customer.", "def deposit")),
    Kind("builtin class", lambda: dict, ("class dict", "dict.popitem")),
    Kind("module", lambda: itertools, ("module itertools", "combinations")),
    Kind("generator", countdown, ("generator countdown, not finished; not consumed", "yield from")),
    Kind("asynchronous generator", stream, ("asynchronous generator stream",)),
    Kind("iterator", lambda: iter([1, 2]), ("list_iterator, an iterator, 2 left; not consumed",)),
    Kind("endless iterator", itertools.count, ("itertools.count, an iterator; not consumed",)),
    Kind("task", task, ("done", "of ")),
    Kind("exception", raised, ("ZeroDivisionError: float division by zero", "in mean_price", "note: 'no prices'")),
    Kind("open bytes", lambda: io.BytesIO(b"abc"), ("a file, open", "3 bytes")),
    Kind("closed file", closed_file, ("a file, closed",)),
    Kind("database", closed_database, ("sqlite3.Connection",)),
    Kind("logger", lambda: logging.getLogger("chatnb"), ("'chatnb'",)),
    Kind("display object", html, ("HTML, shown by IPython", "<b>x</b>")),
    Kind("repr that raises", Raises, ("its repr raises RuntimeError",), is_hostile=True),
    Kind("repr that exits", Exits, ("Has a repr that ends the program.",), is_hostile=True),
    Kind("repr that sleeps", Sleeps, ("held: 5", "too long"), is_hostile=True),
    Kind("repr that loops", Loops, ("too long",), is_hostile=True),
    Kind("repr of 1 GB", Huge, ("repr: xxx",), is_hostile=True),
    Kind("list of what hangs", lambda: [Sleeps(), Loops(), 5], ("list of 3 elements", "5"), is_hostile=True),
    Kind("every attribute", Inventive, ("Has every attribute.",), is_hostile=True),
    Kind("no attribute", Closed, ("Has no attribute.",), is_hostile=True),
    Kind("mock", Mock, ("unittest.mock.Mock",), is_hostile=True),
    Kind("magic mock", MagicMock, ("MagicMock",), is_hostile=True),
    Kind("mock of a DataFrame", lambda: Mock(spec=pd.DataFrame), ("Mock",), is_hostile=True),
    Kind("recursive list", recursive_list, ("list of 2 elements", "itself"), is_hostile=True),
    Kind("recursive dict", recursive_dict, ("dict with 1 key", "itself"), is_hostile=True),
    Kind("deep list", deep, ("list of 1 element",), is_hostile=True),
    Kind("list that lies about its length", lambda: LiesAboutItsLength([1, 2]), ("of 2 elements",), is_hostile=True),
    Kind("dict that lies about its keys", lambda: LiesAboutItsKeys(a=1), ("'a': 1",), is_hostile=True),
    Kind("text that lies", lambda: LiesAboutItsText("true"), ("true",), is_hostile=True),
    Kind("object that lies about its class", LiesAboutItsClass, ("Says that it is a dict.",), is_hostile=True),
    Kind("object of a broken class", lambda: broken_class()(), ("OfBroken",), is_hostile=True),  # noqa: PLW0108 - it has to be called twice
    Kind("broken class", broken_class, ("class ", "OfBroken"), is_hostile=True),
)
