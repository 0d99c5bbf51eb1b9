"""Reading `mcpServers`."""

import json
from pathlib import Path
from typing import Any

import pytest

from chatnb.errors import SettingsError
from chatnb.tools.mcp.config import Configured, parse_servers, servers_of

SECRET = "sesame-street"  # noqa: S105 - of nothing


def test_programs_and_addresses_are_read_with_variables_of_the_environment() -> None:
    config = {
        "mcpServers": {
            "files": {"command": "npx", "args": ["-y", "${PACKAGE:-server}"], "env": {"KEY": "${KEY}"}, "cwd": "/srv"},
            "notes": {"type": "http", "url": "https://example.org/mcp", "headers": {"Authorization": "Bearer ${KEY}"}},
            "off": {"command": "x", "disabled": True, "whatever": 1},
        }
    }

    files, notes = parse_servers(config, {"KEY": SECRET})

    assert (files.name, files.command, files.arguments) == ("files", "npx", ("-y", "server"))
    assert (files.environment, files.folder, files.is_local) == ({"KEY": SECRET}, "/srv", True)
    assert (notes.url, notes.headers, notes.is_local) == (
        "https://example.org/mcp",
        {"Authorization": f"Bearer {SECRET}"},
        False,
    )


def test_no_text_of_a_server_holds_its_secrets() -> None:
    config = {
        "a": {"command": "run", "args": ["--key", SECRET], "env": {"KEY": SECRET}},
        "b": {"url": f"https://ada:{SECRET}@host/{SECRET}?key={SECRET}", "headers": {"X": SECRET}},
    }

    servers = parse_servers(config, {})

    assert SECRET not in f"{servers!r} {servers} {[server.place for server in servers]}"
    assert servers[1].place == "https://host"


def test_what_a_server_says_is_quoted_without_the_secrets_it_was_given() -> None:
    (server,) = parse_servers(
        {"a": {"command": "run", "args": ["${KEY}"], "env": {"B": "open-barley"}}}, {"KEY": SECRET}
    )

    quoted = server.quoted(f"bad key {SECRET},\n\x1b[31mnot open-barley")

    assert quoted == "bad key ***, not ***"


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        ({"comand": "x"}, "'comand', which chatnb does not know. Did you mean 'command'?"),
        ({"command": "x", "autoApprove": []}, "'autoApprove'"),
        ({}, 'needs either "command"'),
        ({"command": "x", "url": "http://h"}, 'needs either "command"'),
        ({"command": "x", "type": "pigeon"}, 'needs either "command"'),
        ({"command": "x", "type": "http"}, "has the type 'http', but \"command\""),
        ({"command": "x", "headers": {}}, "headers would do nothing"),
        ({"url": "http://h", "env": {"A": SECRET}}, "env would do nothing"),
        ({"url": "http://h/sse", "type": "sse"}, "older transport SSE"),
        ({"command": ["x"]}, "command is no text"),
        ({"command": " "}, "command is no text"),
        ({"command": "a\0b"}, "command is no text"),
        ({"command": "x", "args": "a b"}, "args is no list of texts"),
        ({"command": "x", "args": [1]}, "args is no list of texts"),
        ({"command": "x", "env": {"A": 1}}, "env is no mapping"),
        ({"command": "x", "env": {"A": "${NOT_SET}"}}, "env.A needs the environment variable NOT_SET"),
        ({"url": f"file:///{SECRET}"}, "url is no address"),
        ({"url": f"http://{SECRET}:port"}, "url is no address"),
        ({"url": f"http://h/ {SECRET}"}, "url is no address"),
        ({"url": "http://h", "headers": {"A": f"{SECRET}\r\nB: c"}}, "cannot be sent"),
        ({"url": "http://h", "headers": {"A b": SECRET}}, "cannot be sent"),
        ("npx", "is no mapping"),
    ],
)
def test_what_cannot_be_is_told_with_its_place_and_without_its_value(entry: Any, complaint: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_servers({"mcpServers": {"one": entry}}, {})

    assert complaint in str(caught.value)
    assert "mcpServers.one" in str(caught.value)
    assert SECRET not in str(caught.value)


def test_keys_beside_mcpservers_are_told() -> None:
    with pytest.raises(SettingsError, match="'inputs'"):
        parse_servers({"mcpServers": {}, "inputs": []}, {})


def test_what_is_wrong_with_one_server_does_not_take_the_others_away(tmp_path: Path) -> None:
    servers = {
        "good": {"command": "run"},
        "off": {"command": "run", "disabled": True},
        "lost": {"command": "run", "env": {"KEY": "${NO_SUCH_VARIABLE_42}"}},
        "odd": 5,
        "files": {"command": "run"},
    }

    configured = servers_of(servers, tmp_path / "none.json", taken=["files"])

    assert [server.name for server in configured.servers] == ["good"]
    assert set(configured.faults) == {"lost", "odd", "files"}
    assert "NO_SUCH_VARIABLE_42, which is not set" in configured.faults["lost"]


def test_a_setting_takes_the_place_of_the_users_file_and_a_file_may_hold_more(tmp_path: Path) -> None:
    own, other = tmp_path / "own.json", tmp_path / "other.json"
    own.write_text(json.dumps({"mcpServers": {"mine": {"command": "run"}}, "theme": {"dark": True}}), "utf-8-sig")
    other.write_text(json.dumps({"other": {"command": "run"}}), "utf-8")

    found = [servers_of(setting, own).servers for setting in ("", str(other), {"third": {"command": "run"}})]

    assert [[server.name for server in servers] for servers in found] == [["mine"], ["other"], ["third"]]
    assert servers_of("", tmp_path / "none.json") == Configured()


@pytest.mark.parametrize("text", ["{'a': 'sesame-street'", "[]", '{"mcpServers": ["sesame-street"]}', "\xff"])
def test_a_file_that_is_none_of_servers_is_told_without_what_it_holds(text: str, tmp_path: Path) -> None:
    file = tmp_path / "servers.json"
    file.write_bytes(text.encode("latin-1"))

    with pytest.raises(SettingsError) as told:
        servers_of(str(file), tmp_path / "none.json")

    assert SECRET not in str(told.value)


def test_a_file_that_is_named_and_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read from"):
        servers_of(str(tmp_path / "servers.json"), tmp_path / "none.json")
