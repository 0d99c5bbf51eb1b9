"""A chat with a real model: what was said before, and tools that are really called."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from chatnb.chat import Chat
from chatnb.messages import ToolCall, ToolResult
from chatnb.settings import Settings
from chatnb.stores.tinydb import TinyStore
from chatnb.tools.tool import tool
from chatnb.tools.toolbox import Toolbox
from tests.ollama.server import OllamaServer

pytestmark = pytest.mark.ollama

# What the tiny model is to say, since of itself it knows no such form.
ENVELOPE = '{"calls": [{"name": "add", "arguments": {"a": 17, "b": 25}}]}'


@pytest.fixture
def chat(ollama_server: OllamaServer, tmp_path: Path) -> Iterator[Chat]:
    settings = Settings(host=ollama_server.url, options={"seed": 1})
    chat = Chat("tinychat", settings=settings, store=TinyStore(tmp_path))
    yield chat
    chat.close()


@tool
def add(a: int, b: int) -> int:
    """Add two numbers.

    Parameters
    ----------
    a, b
        The numbers.
    """
    return a + b


@tool(where="kernel")
def read_file(path: str) -> str:
    """Read a file."""
    raise FileNotFoundError(path)


@tool
def get_variable(name: str | int) -> str:  # after the first call the tiny model makes numbers of names
    """Get the value of a variable."""
    return "7"


def test_a_follow_up_depends_on_what_was_said(chat: Chat) -> None:
    chat.ask_now("My name is Ada.")

    reply = chat.ask_now("What is my name?")

    assert "Ada" in reply.text


def test_a_real_model_calls_a_tool_and_reads_its_result(chat: Chat) -> None:
    chat.tools = Toolbox([add])

    reply = chat.ask_now("Add 17 and 25.")

    [call] = [part for part in reply.parts if isinstance(part, ToolCall)]
    [result] = [part for part in reply.parts if isinstance(part, ToolResult)]
    assert (call.name, call.arguments) == ("add", {"a": 17, "b": 25})
    assert (result.text, result.is_error) == ("42", False)
    assert reply.answer == "The calculator says: 42"


def test_a_real_model_reads_that_a_tool_failed(chat: Chat) -> None:
    chat.tools = Toolbox([read_file], chat.portal.on_kernel)

    reply = chat.ask_now("Read the file data/notes.txt.")

    [result] = [part for part in reply.parts if isinstance(part, ToolResult)]
    assert (result.text, result.is_error) == ("Error: FileNotFoundError: data/notes.txt", True)
    assert reply.answer.startswith("The tool failed: Error")


def test_a_real_model_that_calls_without_end_is_stopped(chat: Chat) -> None:
    chat.tools = Toolbox([get_variable])
    chat.settings = Settings(host=chat.settings.host, model="tinychat", tool_rounds=2)

    reply = chat.ask_now('Keep calling the tool get_variable with {"name": "x"}.')

    results = [part for part in reply.parts if isinstance(part, ToolResult)]
    assert reply.outcome == "tool_limit"
    assert [result.is_error for result in results] == [False, False, True]


def test_what_a_real_model_calls_is_read_in_the_next_turn_too(chat: Chat) -> None:
    chat.tools = Toolbox([add])
    chat.ask_now("Add 17 and 25.")

    reply = chat.ask_now("What is the capital of France?")

    assert "Paris" in reply.text


def test_a_real_model_without_tools_calls_them_through_an_envelope(chat: Chat) -> None:
    chat.settings = Settings(host=chat.settings.host, model="tinyplain", options={"seed": 1})
    chat.tools = Toolbox([add])

    reply = chat.ask_now(f"Repeat after me: {ENVELOPE}")

    calls = [part for part in reply.parts if isinstance(part, ToolCall)]
    results = [part for part in reply.parts if isinstance(part, ToolResult)]
    assert (calls[0].name, calls[0].arguments) == ("add", {"a": 17, "b": 25})
    assert results[0].text == "42"
    assert reply.answer
    assert chat.last_plan is not None
    assert chat.last_plan.read.tools == ()


def test_a_real_model_without_tools_reads_what_another_one_called(chat: Chat) -> None:
    chat.tools = Toolbox([add])
    chat.ask_now("Add 17 and 25.")
    chat.settings = Settings(host=chat.settings.host, model="tinyplain", options={"seed": 1})
    chat.tools = None

    reply = chat.ask_now("What is the capital of France?")

    assert "Paris" in reply.text


def test_a_real_model_calls_a_second_tool_after_the_result_of_the_first(chat: Chat) -> None:
    texts = {"a.txt": "apples", "b.txt": "bananas"}

    def read_file(path: str) -> str:
        """Read a file."""
        return texts[path]

    chat.tools = Toolbox([read_file])

    reply = chat.ask_now("Read the file a.txt and then the file b.txt.")

    happened = [part for part in reply.parts if isinstance(part, ToolCall | ToolResult)]
    assert [type(part) for part in happened] == [ToolCall, ToolResult, ToolCall, ToolResult]
    assert [part.text for part in happened if isinstance(part, ToolResult)] == ["apples", "bananas"]
    assert "bananas" in reply.answer


def test_a_real_model_is_told_that_its_arguments_do_not_fit(chat: Chat) -> None:
    chat.tools = Toolbox([add])
    # What it says to so long an error is nonsense.
    chat.settings = Settings(host=chat.settings.host, model="tinychat", options={"num_predict": 120}, tool_rounds=1)

    reply = chat.ask_now('Call the tool add with {"a": "many", "b": 1}.')

    result = next(part for part in reply.parts if isinstance(part, ToolResult))
    assert result.is_error
    assert "The arguments do not fit" in result.text
