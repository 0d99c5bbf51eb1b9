"""Figures, pictures, models, records, files and connections, by the libraries that they come from."""

from __future__ import annotations

import io
import logging
import traceback
from collections.abc import Iterator
from itertools import islice
from typing import Any

from .kinds import Describer, Kind, Lines
from .lookup import attributes, has, library, of_class
from .texts import clip, count, figure, type_name

_AXES = 6
_FIELDS = 40


def kind_of(value: object) -> Kind | None:
    """Return the kind of an object of a library that says what its objects hold."""
    cls = type(value)
    for module, name, kind in _KINDS:
        if issubclass(cls, library(module, name)):
            return kind
    if issubclass(cls, io.IOBase):
        return _file
    if issubclass(cls, BaseException):
        return _exception
    if isinstance(of_class(cls, "__dataclass_fields__"), dict) or of_class(cls, "__attrs_attrs__"):
        return record
    return None


def _figure(value: Any, describer: Describer) -> Lines:
    width, height = value.get_size_inches()
    axes = value.get_axes()
    yield f"matplotlib figure of {figure(float(width))} x {figure(float(height))} inches with {count(len(axes), 'axes')[: -1 if len(axes) != 1 else None]}"
    if value.get_suptitle():
        yield f"title: {clip(value.get_suptitle(), 100)}"
    for one in axes[:_AXES]:
        yield from _axes(one, describer)
    if len(axes) > _AXES:
        yield f"… and {len(axes) - _AXES} more axes"


def _axes(value: Any, _: Describer) -> Lines:
    yield f"axes {clip(value.get_title() or '(no title)', 100)!r}: x {value.get_xlabel()!r} {_ends(value.get_xlim())}, y {value.get_ylabel()!r} {_ends(value.get_ylim())}"
    held = {"line": value.lines, "patch": value.patches, "collection": value.collections, "image": value.images}
    yield "  " + (", ".join(_plural(len(parts), noun) for noun, parts in held.items() if len(parts)) or "empty")
    for line in islice(value.lines, 8):
        yield f"  line {clip(str(line.get_label()), 60)!r}, {count(len(line.get_xdata(orig=True)), 'point')}"


def _plural(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 'es' if noun == 'patch' else 's'}"


def _ends(limits: Any) -> str:
    return " to ".join(figure(float(end)) for end in limits)


def _picture(value: Any, _: Describer) -> Lines:
    # Nothing of this reads the pixels.
    yield f"{type_name(type(value))}, {value.width:,} x {value.height:,} pixels, mode {value.mode}, format {value.format}"
    if filename := getattr(value, "filename", ""):
        yield f"file: {clip(str(filename), 200)}"


def _estimator(value: Any, describer: Describer) -> Lines:
    held = attributes(value)
    fitted = {name: part for name, part in held.items() if name.endswith("_") and not name.startswith("_")}
    yield f"{type_name(type(value))}, {'fitted' if fitted else 'not fitted'}"
    parameters = describer.call(lambda: value.get_params(deep=False))
    if parameters:
        yield "parameters:"
        yield from (f"  {name}={describer.brief(part)}" for name, part in islice(parameters.items(), _FIELDS))
    if fitted:
        yield "fitted:"
        yield from (f"  {name}: {describer.brief(part)}" for name, part in islice(fitted.items(), _FIELDS))


def model(value: Any, describer: Describer) -> Lines:
    """Yield the fields of a pydantic model."""
    names = of_class(type(value), "__pydantic_fields__") or {}
    held = attributes(value)
    yield f"{type_name(type(value))}, a pydantic model of {count(len(names), 'field')}"
    yield from _fields({name: held[name] for name in names if name in held}, describer)


def record(value: Any, describer: Describer) -> Lines:
    """Yield the fields of a dataclass or of what attrs made."""
    names = of_class(type(value), "__dataclass_fields__")
    word = "a dataclass" if names is not None else "an attrs class"
    names = list(names) if names is not None else [one.name for one in of_class(type(value), "__attrs_attrs__")]
    held = attributes(value)
    yield f"{type_name(type(value))}, {word} of {count(len(names), 'field')}"
    yield from _fields({name: held[name] for name in names if name in held}, describer)


def _fields(held: dict[str, Any], describer: Describer) -> Iterator[str]:
    yield from (f"  {name}: {describer.brief(part)}" for name, part in islice(held.items(), _FIELDS))


def _file(value: Any, describer: Describer) -> Lines:
    state = "closed" if value.closed else "open"
    mode = f", mode {value.mode!r}" if has(value, "mode") or hasattr(value, "mode") else ""
    yield f"{type_name(type(value))}, a file, {state}{mode}; not read"
    if hasattr(value, "name"):
        yield f"name: {describer.brief(value.name, 200)}"
    if hasattr(value, "encoding") and value.encoding:
        yield f"encoding: {value.encoding}"
    if isinstance(value, io.BytesIO) and not value.closed:
        yield count(value.getbuffer().nbytes, "byte")


def _exception(value: Any, describer: Describer) -> Lines:
    message = clip(describer.call(lambda: str(value)), max(describer.limit // 2, 40))
    yield f"{type_name(type(value))}: {message}"
    frames = traceback.extract_tb(value.__traceback__, limit=-3)
    yield from (f"  at {frame.filename}:{frame.lineno} in {frame.name}: {frame.line}" for frame in frames)
    yield from (f"note: {describer.brief(note, 200)}" for note in getattr(value, "__notes__", ()))
    if value.__cause__ is not None:
        yield f"caused by {describer.brief(value.__cause__)}"


def _database(value: Any, _: Describer) -> Lines:
    yield f"{type_name(type(value))}, a connection to an SQLite database"
    yield f"in a transaction: {value.in_transaction}; changes so far: {value.total_changes:,}"


def _display(value: Any, describer: Describer) -> Lines:
    yield f"{type_name(type(value))}, shown by IPython"
    held = {name: attributes(value).get(name) for name in ("url", "filename", "data", "metadata")}
    yield from (f"  {name}: {describer.brief(part, describer.limit // 2)}" for name, part in held.items() if part)


def _logger(value: Any, _: Describer) -> Lines:
    level = logging.getLevelName(value.level)
    yield f"{type_name(type(value))} {value.name!r}, level {level}, {count(len(value.handlers), 'handler')}"


_KINDS: tuple[tuple[str, str, Kind], ...] = (
    ("matplotlib.figure", "Figure", _figure),
    ("matplotlib.axes", "Axes", _axes),
    ("PIL.Image", "Image", _picture),
    ("sklearn.base", "BaseEstimator", _estimator),
    ("pydantic", "BaseModel", model),
    ("sqlite3", "Connection", _database),
    ("IPython.display", "DisplayObject", _display),
    ("logging", "Logger", _logger),
)
