"""Tools of each kind that run until they are interrupted, and tell when they have begun."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.faults.script import Answer

# Whoever opens a named pipe waits for whoever opens its other end: so the test knows that a tool has begun. Nothing is
# written into it, since the test closes it at once.
SETUP = """
%load_ext chatnb
import asyncio, threading, time
from contextlib import suppress
from functools import partial
import chatnb
from chatnb.context.web import fetch
from chatnb.tools.search.base import Hit
from chatnb.tools.web import web_tools
from tests.tools.browsing import Found, is_loopback

released = threading.Event()

def begun():
    with open("begun", "w"):
        pass

@chatnb.tool
def on_a_thread():
    begun()
    released.wait()

@chatnb.tool
async def on_the_loop():
    begun()
    await asyncio.Event().wait()

@chatnb.tool
async def that_will_not_end():
    begun()
    while not released.is_set():
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(0.05)

@chatnb.tool(where="kernel")
def in_the_cell():
    begun()
    time.sleep(1000)

def read_page():
    "Stand for the tool below, which reads pages of this machine here."

read_page.__chatnb_tool__ = web_tools(Found(), partial(fetch, is_address_allowed=is_loopback))[1]
"""


@dataclass(frozen=True, slots=True)
class Case:
    """A tool that a model calls, and how the cell tells what became of it.

    Attributes
    ----------
    options
        Of the question, which turn the tool on.
    is_asked
        Whether the user is asked before it runs.
    goes_on
        What is said of what could not be stopped.
    """

    tool: str
    arguments: Mapping[str, Any]
    options: str = ""
    is_asked: bool = False
    goes_on: str = ""


CASES = {
    "a function on a thread": Case(
        "on_a_thread", {}, goes_on="A thread cannot be stopped, so this goes on: on_a_thread."
    ),
    "an asynchronous function": Case("on_the_loop", {}),
    "an asynchronous function that does not stop": Case(
        "that_will_not_end", {}, goes_on="This has not ended yet: that_will_not_end."
    ),
    "a function in the cell": Case("in_the_cell", {}),
    "code": Case("run_python", {"code": "begun()\nwhile True: pass"}, "-t python", is_asked=True),
    "code that waits": Case("run_python", {"code": "begun()\nawait asyncio.sleep(1000)"}, "-t python", is_asked=True),
    "code in a trial": Case("run_python", {"code": "open('begun').close()\nwhile True: pass"}, "-t python --trial"),
    "a command": Case("run_command", {"command": ": > begun; sleep 1000 & sleep 1000"}, "-t shell", is_asked=True),
}


def calling(case: Case) -> list[Answer]:
    call = {"function": {"name": case.tool, "arguments": dict(case.arguments)}}
    return [Answer(text="I call it.", tool_calls=[call]), Answer(text="It is done.")]
