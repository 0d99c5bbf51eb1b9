"""The table of attacks: a model calls real tools through a whole chat, and nothing gets through without a yes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chatnb.printing import printable
from chatnb.stores.tinydb import TinyStore
from tests.attacks.mcp_table import SERVERS, ServerAttack
from tests.attacks.table import CODE, TABLE, Attack
from tests.attacks.world import SECRET, Outcome, World, world
from tests.tools.mcp.running import connected, hostile
from tests.views.surfaces import SURFACES, shown

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")

# What a terminal obeys, what turns a line around, what does not show.
MANY = 1_000  # calls that a terminal's library takes long to lay out
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


@pytest.fixture
def attacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with world(tmp_path) as made:
        monkeypatch.chdir(made.folder)
        monkeypatch.setenv("LAB_TOKEN", SECRET)
        yield made


async def played(attack: Attack, here: World) -> Outcome:
    here.own = attack.own

    def filled(value: Any) -> Any:
        match value:
            case str():
                names = {
                    "{outside}": str(here.outside),
                    "{inside}": here.inside.url[7:],
                    "{port}": str(here.server.port),
                }
                for name, text in names.items():
                    value = value.replace(name, text)
                return value
            case dict():
                return {key: filled(each) for key, each in value.items()}
        return value

    rounds = [[(name, filled(dict(arguments))) for name, arguments in calls] for calls in attack.rounds]
    return await here.attacked(rounds, attack.typed, attack.policy, is_internet_here=attack.is_internet_here)


SLOW = {"a pattern that takes for ever"}
ROWS = [pytest.param(row, id=name, marks=pytest.mark.slow if name in SLOW else ()) for name, row in TABLE.items()]


@pytest.mark.parametrize("attack", ROWS)
async def test_nothing_gets_through_without_a_yes(attack: Attack, attacked: World) -> None:
    before = attacked.files()

    outcome = await played(attack, attacked)

    assert outcome.turn.reply.outcome == "done"
    assert len(outcome.results) == sum(map(len, attack.rounds))
    assert attack.told in outcome.results[-1].text
    assert attack.seen in outcome.seen
    assert OBEYED.findall(outcome.seen.replace("\n", "")) == []
    assert SECRET not in outcome.read
    assert attacked.inside.asked == []
    assert attack.is_internet_here or attacked.server.asked == []
    after = attacked.files()
    assert {name for name in before | after if before.get(name) != after.get(name)} == attack.changes
    screens = ("notebook", "notebook without a reader", "terminal", "terminal without a screen")
    for name in screens[: 1 if len(outcome.results) > MANY else 4]:
        surface = SURFACES[name]()
        shown(surface.view, [outcome.turn.log])
        assert printable(surface.seen()) == surface.seen()
        assert not re.search("<(img|script|iframe)|]\\(http", surface.seen()) or "terminal" in name


@pytest.mark.parametrize("attack", CODE.values(), ids=CODE)
async def test_a_yes_is_all_that_hidden_code_needs(attack: Attack, attacked: World) -> None:
    """Show that the table's code is no dummy: each piece does what it hides."""
    [[(name, arguments)]] = attack.rounds

    outcome = await attacked.attacked([[(name, arguments)]], "y", {}, is_internet_here=False)
    attacked.shell.user_ns.clear()

    assert attack.seen in outcome.seen
    assert (attacked.folder / "owned").exists()


@pytest.mark.parametrize("attack", SERVERS.values(), ids=SERVERS)
async def test_no_server_gets_through_without_a_yes(attack: ServerAttack, attacked: World, tmp_path: Path) -> None:
    schema = {"type": "object", "properties": {}}
    definition = {"name": "act", "description": "Act.", "inputSchema": schema, **attack.definition}
    (tmp_path / "tools.json").write_text(json.dumps([definition]))
    before = attacked.files()

    server = hostile(attack.behaviour, tmp_path / "tools.json")
    async with connected(server, call_limit_s=2 if attack.behaviour == "hangs" else 60) as servers:
        attacked.own = servers.tools()
        outcome = await attacked.attacked([[(attack.tool, {})]], attack.typed, {}, is_internet_here=False)

    assert outcome.turn.reply.outcome == "done"
    assert attack.told in outcome.results[-1].text
    assert attack.seen in outcome.seen
    assert OBEYED.findall(outcome.seen.replace("\n", "")) == []
    assert attacked.files() == before


CRASH = """
import os, sys
from chatnb.chat import Chat
from chatnb.events import ToolStarted
from chatnb.messages import ToolCall
from chatnb.models.scripted import ScriptedModel
from chatnb.settings import Settings
from chatnb.stores.tinydb import TinyStore
from chatnb.tools.tool import Tool
from chatnb.tools.toolbox import Toolbox

def crash():
    os._exit(3)

model = ScriptedModel([ToolStarted(ToolCall("1", "crash", {}))], ["Done."])
chat = Chat(model, store=TinyStore(sys.argv[1]), settings=Settings(), tools=Toolbox([Tool.of(crash)]))
chat.ask_now("Crash!")
"""


def test_what_ends_the_process_loses_nothing_that_was_asked(tmp_path: Path) -> None:
    """Show what holds where nothing can: a function of the user's own may end the process of all."""
    done = subprocess.run([sys.executable, "-c", CRASH, str(tmp_path)], timeout=60, check=False)

    store = TinyStore(tmp_path)
    [info] = store.sessions()
    assert done.returncode == 3
    assert [message.text for message in store.load(info.id).messages][:1] == ["Crash!"]
