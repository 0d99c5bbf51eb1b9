"""JSON of messages, sessions and events, both ways: what the store keeps and what the panel and the server send.

A value is an object of its fields; a part or an event has its class under "type" besides. Fields that have their
default are left out, so that a file stays small and an old reader is not troubled by a new field. An unknown field is
ignored; an unknown type is an error.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime
from functools import cache
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from . import events, messages
from .errors import SettingsError
from .events import Event
from .messages import Json, Message, Session

VERSION = 1

_TAGGED: dict[str, type[Any]] = {cls.__name__: cls for cls in (*get_args(messages.Part), *get_args(events.Event))}
_NAMES = {cls: name for name, cls in _TAGGED.items()}


def to_json(value: Message | Session | Event) -> dict[str, Json]:
    """Return `value` as what `json.dumps` takes.

    Examples
    --------
    >>> to_json(events.TextDelta("Hi"))
    {'type': 'TextDelta', 'text': 'Hi'}
    """
    encoded: dict[str, Json] = _encode(value)
    return encoded


def message_from_json(data: Mapping[str, Json]) -> Message:
    """Return the message that `to_json` made `data` of.

    Raises
    ------
    SettingsError
        If `data` is not a message.
    """
    message: Message = _decoded(Message, data)
    return message


def session_from_json(data: Mapping[str, Json]) -> Session:
    """Return the session that `to_json` made `data` of; raises SettingsError if it is none."""
    session: Session = _decoded(Session, data)
    return session


def event_from_json(data: Mapping[str, Json]) -> Event:
    """Return the event that `to_json` made `data` of; raises SettingsError if it is none.

    Examples
    --------
    >>> event_from_json({"type": "TextDelta", "text": "Hi"})
    TextDelta(text='Hi')
    """
    event: Event = _decoded(Event, data)
    return event


def _decoded(hint: Any, data: Mapping[str, Json]) -> Any:
    try:
        return _decode(hint, data)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        name = "event" if hint is Event else hint.__name__.lower()
        raise SettingsError(f"This is no {name} that chatnb wrote ({error!r}): {str(data)[:200]}") from error


def _encode(value: Any) -> Any:
    match value:
        case str() | bool() | int() | float() | None:
            return value
        case bytes():
            return base64.b64encode(value).decode("ascii")
        case datetime():
            return value.isoformat()
        case Mapping():
            return {str(key): _encode(item) for key, item in value.items()}
        case Sequence():
            return [_encode(item) for item in value]
    cls: Any = type(value)
    tag = {"type": _NAMES[cls]} if cls in _NAMES else {}
    return tag | {name: _encode(item) for name, default in _defaults(cls) if (item := getattr(value, name)) != default}


def _decode(hint: Any, data: Any) -> Any:
    """Return `data` as the type `hint`; raises if it is of another kind."""
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        options = get_args(hint)
        if data is None and type(None) in options:
            return None
        options = tuple(option for option in options if option is not type(None))
        return _decode(options[0] if len(options) == 1 else _tagged(data, options), data)
    if origin is tuple:
        return tuple(_decode(get_args(hint)[0], item) for item in _checked(list, data))
    if origin is Literal:
        return _checked(str, data)  # a later version may know more of them
    if hint is Any:
        return data
    if hint is bytes:
        return base64.b64decode(data, validate=True)
    if hint is datetime:
        return datetime.fromisoformat(data)
    if hint is float:
        return float(_checked((int, float), data))
    if isinstance(hint, type) and is_dataclass(hint):
        types = _types(hint)
        _checked(dict, data)
        return hint(**{name: _decode(types[name], data[name]) for name in types if name in data})
    return _checked(origin or hint, data)


def _tagged(data: Any, options: tuple[Any, ...]) -> type[Any]:
    chosen = _TAGGED[data["type"]]
    if chosen not in options:
        raise ValueError(f"{data['type']} is not expected here")
    return chosen


def _checked(kind: type[Any] | tuple[type[Any], ...], data: Any) -> Any:
    if not isinstance(data, kind):
        raise TypeError(f"{data!r:.60} is not expected here")
    return data


@cache
def _types(cls: Any) -> Mapping[str, Any]:
    return get_type_hints(cls, vars(messages) | vars(events))


@cache
def _defaults(cls: Any) -> tuple[tuple[str, Any], ...]:
    """Return each field of `cls` with its default, or MISSING, which equals nothing."""
    return tuple((f.name, f.default_factory() if f.default_factory is not MISSING else f.default) for f in fields(cls))
