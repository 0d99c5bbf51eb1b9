"""The rows of a table, and answers as typed columns beside them, for pandas, polars, pyarrow and what else narwhals knows."""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from ..errors import AnswerInvalid, SettingsError
from ..schema import Schema

ANSWER = "answer"
"""The column of an answer that has no columns of its own."""

ERROR = "error"
"""The column that says why a row has no answer; nothing where it has one."""

# What pandas calls them where values may be missing; without a look at the values, so that a failure changes no type.
_OF_PANDAS = {"string": "string", "integer": "Int64", "number": "Float64", "boolean": "boolean"}


class Table:
    """A table in memory.

    Raises
    ------
    SettingsError
        If it is none that is known, or not in memory.
    """

    def __init__(self, native: Any) -> None:
        # Lazy: it costs 50 ms, and only tables need it.
        import narwhals.stable.v2 as narwhals  # noqa: PLC0415

        self._narwhals = narwhals
        try:
            self._frame = narwhals.from_native(native, eager_only=True)
        except narwhals.exceptions.DuplicateError as error:
            raise SettingsError(f"Columns of one name cannot be told apart. Rename them. ({error})") from error
        except TypeError as error:
            raise SettingsError(
                f"A {type(native).__name__} has no rows that can be asked about. Give a DataFrame of pandas, polars, Dask, "
                "or a table of pyarrow; one that is lazy has to be collected first."
            ) from error

    def __len__(self) -> int:
        return len(self._frame)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of its columns."""
        return tuple(map(str, self._frame.columns))

    def rows(self, columns: Sequence[str]) -> Iterator[Mapping[str, Any]]:
        """Yield what each row has in some columns."""
        # By position: a name may be a number, or a tuple.
        chosen = self._frame[:, [self.columns.index(name) for name in columns]]
        return (dict(zip(columns, row, strict=True)) for row in chosen.iter_rows())

    def with_columns(self, columns: Mapping[str, Sequence[Any]], kinds: Mapping[str, str]) -> Any:
        """Return the table with more columns, as the same kind of table that it was.

        Parameters
        ----------
        kinds
            Their types in words of JSON schema; what is named otherwise, or not at all, is what the library makes of it.
        """
        nw = self._narwhals
        types = {"string": nw.String, "integer": nw.Int64, "number": nw.Float64, "boolean": nw.Boolean}
        implementation = self._frame.implementation
        added = []
        for name, values in columns.items():
            kind = kinds.get(name, "")
            if implementation.is_pandas():
                pandas = implementation.to_native_namespace()
                native = pandas.Series(list(values), dtype=_OF_PANDAS.get(kind, "object"), index=self._index())
                added.append(nw.from_native(native, series_only=True).alias(name))
            else:
                added.append(nw.new_series(name, list(values), types.get(kind), backend=implementation))
        return self._frame.with_columns(*added).to_native()

    def refuse(self, names: Collection[str]) -> None:
        """Raise SettingsError if the table has a column of that name already."""
        if taken := [name for name in names if name in self.columns]:
            raise SettingsError(
                f"The table has a column {taken[0]!r} already. Rename or drop it, or give the new ones a prefix."
            )

    def _index(self) -> Any:
        return self._frame.to_native().index


class Form:
    """Which columns answers become.

    Parameters
    ----------
    schema
        What the answers fit. An object becomes a column for each of its properties; anything else, and text, one.
    prefix
        Stands before the name of each column.
    """

    def __init__(self, schema: Schema | None, prefix: str = "") -> None:
        self._schema, self._prefix = schema, prefix
        described: Mapping[str, Any] = schema.json if schema else {"type": "string"}
        properties: Mapping[str, Any] = described.get("properties") or {}
        is_object = described.get("type") == "object" and properties
        definitions: Mapping[str, Any] = described.get("$defs", {})
        self._fields = tuple(properties) if is_object else ()
        parts = properties if is_object else {ANSWER: described}
        self.kinds = {prefix + name: _kind(part, definitions) for name, part in parts.items()}
        self.kinds[prefix + ERROR] = "string"

    def columns(self, texts: Sequence[str], errors: Sequence[str]) -> Mapping[str, Sequence[Any]]:
        """Return what each column holds; nothing in the rows that have an error."""
        values: list[Any] = []
        said: list[str | None] = []
        for text, error in zip(texts, errors, strict=True):
            value, why = (None, error) if error else self._value(text)
            values.append(value)
            said.append(why or None)
        columns: dict[str, Sequence[Any]] = {}
        if self._fields:
            for name in self._fields:
                columns[self._prefix + name] = [None if value is None else value.get(name) for value in values]
        else:
            columns[self._prefix + ANSWER] = values
        return {**columns, self._prefix + ERROR: said}

    def _value(self, text: str) -> tuple[Any, str]:
        """Return what an answer says, or why it cannot be read."""
        if self._schema is None:
            return text, ""
        try:
            value = _plain(self._schema.parse(text))
        except AnswerInvalid as error:  # it fitted when it came: a type's own checks are not in its JSON schema
            return None, str(error)
        return value if not self._fields or isinstance(value, dict) else {}, ""


def _kind(part: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """Return the type of a column, in words of JSON schema; empty where it is none of the simple ones.

    Examples
    --------
    >>> _kind({"anyOf": [{"type": "integer"}, {"type": "null"}]}, {})
    'integer'
    >>> _kind({"$ref": "#/$defs/Mood"}, {"Mood": {"enum": ["good", "bad"], "type": "string"}})
    'string'
    """
    if "$ref" in part:
        return _kind(definitions.get(str(part["$ref"]).rpartition("/")[2], {}), {})
    if "anyOf" in part:
        kinds = {_kind(each, definitions) for each in part["anyOf"] if each.get("type") != "null"}
        return kinds.pop() if len(kinds) == 1 else ""
    kind = part.get("type", "")
    if kind == "string" and part.get("format"):  # a date or time, which the answer's type has made of it
        return ""
    return kind if isinstance(kind, str) and kind in _OF_PANDAS else ""


def _plain(value: Any) -> Any:
    """Return a value of a user's own types as dicts, lists and what stands in a cell of a table."""
    from pydantic_core import to_jsonable_python  # noqa: PLC0415 - 0.1 s that only who asks for a schema is to pay

    match value:
        case enum.Enum():
            return value.value
        case dict():
            return {str(key): _plain(each) for key, each in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_plain(each) for each in value]
    if hasattr(value, "model_fields_set"):  # a model of pydantic's
        return {name: _plain(getattr(value, name)) for name in type(value).model_fields}
    if hasattr(value, "__dataclass_fields__"):
        return {name: _plain(getattr(value, name)) for name in value.__dataclass_fields__}
    if isinstance(value, str | int | float | bool | type(None)) or hasattr(value, "isoformat"):
        return value
    return to_jsonable_python(value)
