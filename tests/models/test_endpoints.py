"""Endpoints of the settings, and their keys: found where they are, refused where they are not, and nowhere else."""

import asyncio
import json
import logging
import sys
import traceback
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from traitlets import TraitError
from traitlets.config import Config

from chatnb.chat import Chat
from chatnb.config import ChatConfig
from chatnb.errors import ModelError, ModelRefused, SettingsError
from chatnb.models.base import Model
from chatnb.models.endpoints import endpoints_of, headers_of, key_of, openai_endpoint
from chatnb.models.openai import OpenAIProvider
from chatnb.settings import Endpoint, Settings
from tests.faults.script import Answer, ErrorLine, Instruction, Malformed, Refuse, Reset, Status
from tests.faults.server import FaultServer
from tests.models.asking import heard

KEY = "sk-lab-4f2a9c81d3e7zqvx"  # its last characters stand in no id, which is hexadecimal
LAB = {"base_url": "http://gpu:8000/v1", "api_key_env": "LAB_KEY"}


def test_an_endpoint_is_what_the_settings_say() -> None:
    config = ChatConfig(environment={}, config=Config({"ChatConfig": {"endpoints": {"lab": LAB}}}))

    assert config.settings().endpoints == {"lab": Endpoint("lab", "http://gpu:8000/v1", "LAB_KEY")}


def test_endpoints_can_come_from_the_environment() -> None:
    config = ChatConfig(environment={"CHATNB_ENDPOINTS": '{"lab": {"base_url": "gpu:8000"}}'})

    assert config.settings().endpoints["lab"].base_url == "http://gpu:8000/v1"


@pytest.mark.parametrize(
    ("said", "base_url"),
    [
        ("http://gpu:8000/v1", "http://gpu:8000/v1"),
        ("http://gpu:8000/v1/", "http://gpu:8000/v1"),
        ("gpu:8000", "http://gpu:8000/v1"),
        ("https://lab.example.org", "https://lab.example.org/v1"),
        ("https://openrouter.ai/api/v1", "https://openrouter.ai/api/v1"),
        ("http://[::1]:8000", "http://[::1]:8000/v1"),
    ],
)
def test_an_address_is_understood_as_people_write_it(said: str, base_url: str) -> None:
    assert endpoints_of({"lab": {"base_url": said}})["lab"].base_url == base_url


KEYS: dict[str, Mapping[str, Any]] = {
    "api_key": {"base_url": "gpu:8000", "api_key": KEY},
    "token": {"base_url": "gpu:8000", "token": KEY},
    "in the place of a variable": {"base_url": "gpu:8000", "api_key_env": KEY},
    "in the place of a variable, without dashes": {"base_url": "gpu:8000", "api_key_env": "a1b2c3d4e5f6a7b8c9d0e1"},
    "in the place of an entry": {"base_url": "gpu:8000", "api_key_keyring": KEY},
    "in a header": {"base_url": "gpu:8000", "headers": {"Authorization": f"Bearer {KEY}"}},
    "in a header of another name": {"base_url": "gpu:8000", "headers": {"X-Api-Key": KEY}},
    "in a header without a telling name": {"base_url": "gpu:8000", "headers": {"X-Lab": f"Bearer {KEY}"}},
    "in a placeholder": {"base_url": "gpu:8000", "headers": {"X-Lab": f"${{{KEY}}}"}},
    "in the address": {"base_url": f"http://me:{KEY}@gpu:8000"},
    "in the path": {"base_url": f"https://gateway.example/{KEY}/v1"},
    "in the query": {"base_url": f"http://gpu:8000/v1?key={KEY}"},
    "under a name of its own": {"base_url": "gpu:8000", KEY: True},
    "alone": KEY,  # type: ignore[dict-item]  # what somebody may write all the same
}


@pytest.mark.parametrize("said", KEYS.values(), ids=KEYS.keys())
def test_a_key_in_the_settings_is_refused_and_not_repeated(said: Mapping[str, Any]) -> None:
    config = ChatConfig(environment={})

    with pytest.raises((SettingsError, TraitError)) as caught:
        config.endpoints = {"lab": said}

    assert isinstance(caught.value, SettingsError)
    shown = "".join(traceback.format_exception(caught.value))
    for key in (KEY, "a1b2c3d4e5f6a7b8c9d0e1"):
        assert key not in str(caught.value)
        assert key not in shown
        assert key not in repr(config.origins())
    assert config.settings().endpoints == {}


def test_a_key_is_told_where_it_belongs() -> None:
    with pytest.raises(SettingsError, match=r'"api_key_env": "LAB_KEY"'):
        endpoints_of({"lab": {"base_url": "gpu:8000", "api_key": KEY}})


@pytest.mark.parametrize(
    "text", [f'{{"lab": {{"base_url": "gpu", "api_key": "{KEY}"}}}}', f'{{"lab": {KEY}', f'"{KEY}"', KEY]
)
def test_a_key_in_the_variable_of_the_endpoints_is_not_repeated(text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        ChatConfig(environment={"CHATNB_ENDPOINTS": text})

    assert KEY not in str(caught.value)
    assert KEY not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"base_url": 3},
        {"base_url": "ftp://gpu"},
        {"base_url": "http://"},
        {"base_url": "http://gpu:port"},
        {"base_url": "http://gpu:8000/v1#x"},
        {"base_url": "gpu 8000"},
        {"base_url": "gpu", "headers": []},
        {"base_url": "gpu", "headers": {"X Y": "a"}},
        {"base_url": "gpu", "headers": {"X": "a\nb"}},
        {"base_url": "gpu", "headers": {"X": 3}},
        {"base_url": "gpu", "continues": "yes"},
        {"base_url": "gpu", "colour": "red"},
        None,
    ],
    ids=str,
)
def test_what_cannot_be_is_refused_with_a_sentence(said: Any) -> None:
    with pytest.raises(SettingsError, match="lab"):
        endpoints_of({"lab": said})


@pytest.mark.parametrize("name", ["ollama", "scripted", "", "a b", "a:b", "1", 3])
def test_a_name_that_cannot_be_a_prefix_is_refused(name: Any) -> None:
    with pytest.raises(SettingsError, match="name of an endpoint"):
        endpoints_of({name: {"base_url": "gpu:8000"}})


def test_a_key_is_read_when_it_is_sent() -> None:
    endpoint = endpoints_of({"lab": LAB})["lab"]

    assert key_of(endpoint, {"LAB_KEY": f" {KEY}\n"}) == KEY
    assert key_of(Endpoint("lab", "http://gpu:8000/v1"), {"LAB_KEY": KEY}) == ""
    with pytest.raises(ModelRefused, match=r"LAB_KEY is not set.\n.*getpass"):
        key_of(endpoint, {})
    with pytest.raises(ModelRefused, match="characters that no key has"):
        key_of(endpoint, {"LAB_KEY": "sk-\u2028x"})


def test_a_key_may_be_in_the_systems_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = {("chatnb", "lab"): KEY}
    keyring = types.ModuleType("keyring")
    keyring.__dict__["get_password"] = lambda service, entry: kept.get((service, entry))
    keyring.__spec__ = types.SimpleNamespace()  # type: ignore[assignment]  # it is looked for, not used
    monkeypatch.setitem(sys.modules, "keyring", keyring)
    endpoint = endpoints_of({"lab": {**LAB, "api_key_keyring": "lab"}})["lab"]

    assert key_of(endpoint, {}) == KEY
    assert key_of(endpoint, {"LAB_KEY": "other"}) == "other"
    kept.clear()
    with pytest.raises(ModelRefused, match=r"nothing for chatnb lab\.\n.*\n.*keyring set chatnb lab"):
        key_of(endpoint, {})


async def test_a_real_keyring_without_a_backend_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    provider = OpenAIProvider(Endpoint("lab", "http://127.0.0.1:9/v1", api_key_keyring="lab"))

    with pytest.raises(ModelRefused, match="the keyring has nothing for chatnb lab"):
        await provider.models()
    await provider.aclose()


def test_headers_name_variables_too() -> None:
    said = {"base_url": "gpu", "headers": {"X-Api-Key": "${LAB_KEY}", "X-Project": "demo"}}
    endpoint = endpoints_of({"lab": said})["lab"]

    assert headers_of(endpoint, {"LAB_KEY": KEY}) == {"X-Api-Key": KEY, "X-Project": "demo"}
    with pytest.raises(ModelRefused, match="LAB_KEY"):
        headers_of(endpoint, {})


def test_openai_is_where_its_own_variables_say() -> None:
    there = openai_endpoint({"OPENAI_API_KEY": KEY, "OPENAI_ORG_ID": "org-1"})
    mine = openai_endpoint({"OPENAI_BASE_URL": "http://localhost:8000/v1"})

    assert (there.base_url, there.api_key_env) == ("https://api.openai.com/v1", "OPENAI_API_KEY")
    assert there.headers == (("OpenAI-Organization", "${OPENAI_ORG_ID}"),)
    assert mine == Endpoint("openai", "http://localhost:8000/v1")


async def test_key_and_headers_are_sent_to_the_server_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_KEY", KEY)
    with FaultServer() as server:
        said = {"base_url": server.url, "api_key_env": "LAB_KEY", "headers": {"X-Project": "demo"}}
        provider = OpenAIProvider(endpoints_of({"lab": said})["lab"])
        await provider.models()
        await heard(provider.model("tinychat"))

    assert [each.headers["authorization"] for each in server.exchanges] == [f"Bearer {KEY}"] * 2
    assert server.chats[0].headers["x-project"] == "demo"


async def test_no_key_follows_a_redirect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_KEY", KEY)
    with FaultServer([Status(307)]) as server:
        provider = OpenAIProvider(Endpoint("lab", f"{server.url}/v1", "LAB_KEY"))

        with pytest.raises(ModelRefused, match="no key is sent there"):
            await heard(provider.model("tinychat"))

    assert len(server.chats) == 1


TROUBLES: dict[str, Instruction] = {
    "refused": Refuse(),
    "key": Status(401, f"Incorrect API key provided: {KEY}. Received={KEY[:5]}********{KEY[-4:]}"),
    "gateway": Status(400, f"Authentication Error, Received API Key = {KEY}"),
    "server": Status(500, f"Bearer {KEY} failed"),
    "event": Answer(ErrorLine(3, f"key {KEY} has no credit")),
    "reset": Answer(Reset(3)),
    "malformed": Answer(Malformed(3)),
    "no JSON": Answer(Malformed(3, f"the key {KEY} is unknown".encode())),
    "another form": Answer(Malformed(3, json.dumps({"choices": [{"delta": f"the key {KEY} is unknown"}]}).encode())),
    "well": Answer(),
}


SLASHED = "sk-lab/4f2a9c81d3e7zqvx=="
SAID = "The key sk-lab\\/4f2a9c81d3e7zqvx\\u003d\\u003d is unknown"


@pytest.mark.parametrize(
    "answer",
    [
        f'401 No\r\nContent-Length: {len(SAID) + 26}\r\n\r\n{{"error": {{"message": "{SAID}"}}}}',
        f'200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: {{"error": {{"message": "{SAID}"}}}}\n\n',
        f"307 There\r\nContent-Length: 0\r\nLocation: /login?key={SLASHED}\r\n\r\n",
        f"307 There\r\nContent-Length: 0\r\nLocation: /login?key={quote(SLASHED, safe='')}\r\n\r\n",
    ],
    ids=["refusal", "event", "address", "quoted address"],
)
async def test_a_key_that_is_repeated_in_another_spelling_is_not_shown(
    answer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_KEY", SLASHED)

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0]))
        writer.write(f"HTTP/1.1 {answer}".encode())
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(respond, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        provider = OpenAIProvider(Endpoint("lab", f"http://127.0.0.1:{port}/v1", "LAB_KEY"))
        trace = await trace_of(provider.model("tinychat"))

    assert "…" in trace[1]
    assert "zqvx" not in "".join(trace)


@pytest.mark.parametrize("value", ["two\r\nX-Lines: zqvx", "zqvx\N{LATIN SMALL LETTER U WITH DIAERESIS}"])
async def test_a_variable_that_no_header_can_hold_is_refused_and_not_repeated(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_KEY", value)
    provider = OpenAIProvider(Endpoint("lab", "http://127.0.0.1:9/v1", headers=(("X-Api-Key", "${LAB_KEY}"),)))

    trace = await trace_of(provider.model("tinychat"))

    assert "The variable LAB_KEY of the environment" in trace[1]
    assert "zqvx" not in "".join(trace)


async def trace_of(model: Model) -> list[str]:
    """Return everything that a traceback shows of a failed question, the variables of each frame included."""
    try:
        await heard(model)
    except ModelError as error:
        trace = traceback.TracebackException.from_exception(error, capture_locals=True)
        return ["".join(trace.format()), repr(error), repr(error.__cause__), repr(vars(error))]
    return []


def texts_in(folder: Path) -> list[str]:
    return [path.read_text(encoding="utf-8") for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("instruction", TROUBLES.values(), ids=TROUBLES.keys())
async def test_a_key_is_in_no_text_that_anybody_sees(
    instruction: Instruction,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("LAB_KEY", KEY)
    with FaultServer([instruction]) as server:
        endpoint = Endpoint("lab", f"{server.url}/v1", "LAB_KEY", headers=(("X-Api-Key", "${LAB_KEY}"),))
        settings = Settings(model="lab:tinychat", endpoints={"lab": endpoint}, home=str(tmp_path))
        chat = Chat(settings=settings)
        turn = chat.ask("What is the mean?")
        await turn.wait()
        provider, name = chat.catalog.find("lab:tinychat", settings)
        shown = [
            repr(each) for each in (turn.log, turn.reply, settings, provider, vars(provider), provider.model(name))
        ]
        shown += await trace_of(provider.model(name))
        await asyncio.to_thread(chat.close)

    kept = await asyncio.to_thread(texts_in, tmp_path)
    assert any("What is the mean?" in text for text in kept)
    output = capfd.readouterr()
    for text in (*shown, *kept, caplog.text, output.out, output.err):
        assert KEY not in text
        assert KEY[-4:] not in text
