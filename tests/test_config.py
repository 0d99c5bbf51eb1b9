"""Where a setting's value comes from."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from traitlets import TraitError
from traitlets.config import Config

from chatnb.config import ChatConfig
from chatnb.errors import SettingsError
from chatnb.settings import RetryPolicy, Settings


def origin(config: ChatConfig, name: str) -> str:
    return next(setting.origin for setting in config.origins() if setting.name == name)


def test_without_anything_the_defaults_hold() -> None:
    config = ChatConfig(environment={})

    assert config.settings() == Settings()
    assert {setting.origin for setting in config.origins()} == {"default"}


def test_the_environment_goes_over_the_default() -> None:
    config = ChatConfig(environment={"CHATNB_MODEL": "tiny", "CHATNB_TIMEOUT": "5", "CHATNB_SAVE": "false"})

    settings = config.settings()

    assert (settings.model, settings.timeout_s, settings.save) == ("tiny", 5.0, False)
    assert origin(config, "model") == "CHATNB_MODEL"


def test_a_configuration_file_goes_over_the_environment() -> None:
    config = ChatConfig(environment={"CHATNB_MODEL": "tiny"}, config=Config({"ChatConfig": {"model": "large"}}))

    assert config.settings().model == "large"
    assert origin(config, "model") == "configuration file"


def test_what_is_set_by_hand_goes_over_all() -> None:
    config = ChatConfig(environment={"CHATNB_MODEL": "tiny"}, config=Config({"ChatConfig": {"model": "large"}}))

    config.model = "mine"

    assert config.settings().model == "mine"
    assert origin(config, "model") == "%config"


def test_ollamas_own_variable_names_the_host_where_ours_does_not() -> None:
    theirs = ChatConfig(environment={"OLLAMA_HOST": "gpu:11434"})
    ours = ChatConfig(environment={"OLLAMA_HOST": "gpu:11434", "CHATNB_HOST": "other"})

    assert (theirs.settings().host, origin(theirs, "host")) == ("gpu:11434", "OLLAMA_HOST")
    assert (ours.settings().host, origin(ours, "host")) == ("other", "CHATNB_HOST")


def test_a_password_in_the_address_of_ollama_is_not_shown() -> None:
    config = ChatConfig(environment={"OLLAMA_HOST": "http://ada:hunter2@gpu:11434"})

    assert "hunter2" not in repr(config.origins())


def test_options_of_ollama_can_come_from_the_environment() -> None:
    config = ChatConfig(environment={"CHATNB_OPTIONS": '{"temperature": 0}'})

    assert config.settings().options == {"temperature": 0}


def test_a_variable_that_cannot_be_is_an_error_that_names_it() -> None:
    with pytest.raises(SettingsError, match=r"CHATNB_TIMEOUT is 'soon'.*ChatConfig\.timeout"):
        ChatConfig(environment={"CHATNB_TIMEOUT": "soon"})


def test_a_value_out_of_range_is_refused_and_the_old_one_stays() -> None:
    config = ChatConfig(environment={})

    with pytest.raises(TraitError):
        config.retry_attempts = 0

    assert config.settings().retry == RetryPolicy()


def test_every_setting_can_be_set_and_says_what_it_is() -> None:
    fields = {field.name.removesuffix("_s") for field in dataclasses.fields(Settings)} - {"retry"}
    fields |= {f"retry_{field.name.removesuffix('_s')}" for field in dataclasses.fields(RetryPolicy)}

    settings = {setting.name: setting.help for setting in ChatConfig(environment={}).origins()}

    assert fields <= set(settings)
    assert all(settings.values())


def test_the_environment_is_the_process_own_unless_another_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATNB_HOME", str(Path.home()))

    assert ChatConfig().settings().home == str(Path.home())


def test_mcp_servers_are_a_mapping_or_a_path_and_what_stands_in_them_is_never_shown() -> None:
    secret = {"mcpServers": {"notes": {"command": "run", "env": {"KEY": "sesame-street"}}}}
    config = ChatConfig(environment={"CHATNB_MCP": "~/servers.json"})
    path = config.mcp

    config.mcp = secret
    shown = [repr(setting.value) for setting in config.origins() if setting.name == "mcp"]
    with pytest.raises(TraitError) as refused:
        config.mcp = [secret]

    assert path == "~/servers.json"
    assert config.mcp == secret
    assert shown == ["<notes>"]
    assert "sesame" not in config.class_get_help(config)
    assert "sesame" not in str(refused.value)
