"""The written protocol says what the code says."""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import Any, get_args

import pytest

from chatnb.events import Event
from chatnb.messages import Message, Part, Seam, Usage
from chatnb.server.commands import ACTIONS
from chatnb.wire import to_json
from tests.golden.logs import LOGS
from tests.server.serving import PROTOCOL, checking

DEFINITIONS = PROTOCOL["definitions"]
TAGGED = (*get_args(Part), *get_args(Event))
ADDED = {"Message": {"is_hidden", "branches"}}  # what a session, not the message, knows


@pytest.mark.parametrize("cls", [*TAGGED, Usage, Seam, Message], ids=lambda cls: cls.__name__)
def test_every_event_and_part_stands_in_the_protocol_with_its_fields(cls: Any) -> None:
    written = DEFINITIONS[cls.__name__]
    tag = {"type"} if cls in TAGGED else set()
    needed = {f.name for f in fields(cls) if f.default is MISSING and f.default_factory is MISSING}

    assert set(written["properties"]) - ADDED.get(cls.__name__, set()) == {f.name for f in fields(cls)} | tag
    assert set(written["required"]) == needed | tag
    assert not tag or written["properties"]["type"] == {"const": cls.__name__}


def test_every_event_may_be_told() -> None:
    named = {each["$ref"].rpartition("/")[2] for each in DEFINITIONS["Event"]["oneOf"]}

    assert named == {cls.__name__ for cls in get_args(Event)}


def test_every_command_stands_in_the_protocol() -> None:
    named = [each["$ref"].rpartition("/")[2] for each in DEFINITIONS["FromClient"]["oneOf"]]

    assert {DEFINITIONS[name]["properties"]["do"]["const"] for name in named} == set(ACTIONS)


def test_events_of_every_kind_fit_it() -> None:
    check = checking("Event")
    events = [event for log in LOGS.values() for event in log]

    for event in events:
        check(to_json(event))
    assert {type(event) for event in events} == set(get_args(Event))
