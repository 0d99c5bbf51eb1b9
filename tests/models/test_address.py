"""Addresses in every form."""

import inspect
import re

import pytest
from ollama._client import _parse_host

from chatnb.errors import SettingsError
from chatnb.models.address import address, is_loopback, is_own
from chatnb.models.demo import ScriptedProvider

EXAMPLES = re.findall(r">>> _parse_host\((.*?)\)\n\s*'(.*?)'", inspect.getdoc(_parse_host) or "")


def test_the_package_has_examples() -> None:
    assert len(EXAMPLES) > 20


@pytest.mark.parametrize(("host", "url"), [(host.strip("'"), url) for host, url in EXAMPLES if host != "None"])
def test_every_form_of_the_ollama_package_means_the_same_here(host: str, url: str) -> None:
    assert address(host) == url


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("0.0.0.0:8080", "http://127.0.0.1:8080"),
        ("http://0.0.0.0:8080", "http://127.0.0.1:8080"),
        ("[::]:8080", "http://[::1]:8080"),
        ("::1", "http://[::1]:11434"),
        ("fe80::1%eth0", "http://[fe80::1%eth0]:11434"),
        (" '1.2.3.4:5' ", "http://1.2.3.4:5"),
        ('"localhost"', "http://localhost:11434"),
        ("localhost:notaport", "http://localhost:11434"),
        ("localhost:99999", "http://localhost:11434"),
        ("ollama.com", "https://ollama.com:443"),
        ("HTTPS://Lab.Local", "https://Lab.Local:443"),
    ],
)
def test_the_forms_of_the_program_are_understood_too(host: str, url: str) -> None:
    assert address(host) == url


@pytest.mark.parametrize(
    "host",
    ["ftp://lab", "a b", "a:b:c", "u:secret@lab", "http://u:secret@lab", "ftp://secret@lab", "lab?x=1", "lab#x"],
)
def test_what_is_no_address_is_a_settings_error_that_shows_one(host: str) -> None:
    with pytest.raises(SettingsError, match="http://") as caught:
        address(host)

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("host", "is_here"),
    [("", True), ("localhost", True), ("127.0.0.9", True), ("::1", True), ("0.0.0.0", True), ("lab", False)],
)
def test_this_machine_is_known(host: str, is_here: bool) -> None:
    assert is_loopback(address(host)) is is_here


def test_an_address_is_its_own_address() -> None:
    once = address("lab.local:8080/ollama/")

    assert address(once) == once


@pytest.mark.parametrize(
    "host",
    [
        "",
        "localhost",
        "127.0.0.9",
        "[::1]",
        "0.0.0.0",
        "10.1.2.3",
        "172.31.0.1",
        "192.168.1.7:8080",
        "169.254.1.1",
        "100.101.102.103",
        "fd12:3456::1",
        "fe80::1%eth0",
        "::ffff:192.168.0.1",
        "gpu",
        "gpu.local",
        "GPU.Lan",
        "box.home.arpa",
        "host.docker.internal",
        "http://gpu.:11434",
    ],
)
def test_this_machine_and_private_networks_are_ones_own(host: str) -> None:
    assert is_own(address(host))


@pytest.mark.parametrize(
    "host",
    [
        "https://ollama.com",
        "8.8.8.8",
        "172.32.0.1",
        "100.128.0.1",
        "192.169.0.1",
        "2001:4860:4860::8888",
        "::ffff:8.8.8.8",
        "gpu.lab.example.org",
        "localhost.example.org",
        "notlocal.com",
        "134744072",
        "0x08080808",
        "0x8.0x8.0x8.0x8",
    ],
)
def test_what_looks_public_is_not_ones_own(host: str) -> None:
    assert not is_own(address(host))


@pytest.mark.parametrize(
    "shown",
    [
        "",
        "OpenAI",
        "the cloud",
        "https://api.example.com/v1",
        "http://localhost@example.com",
        "http://example.com\\@localhost",
        "http://[::1",
        "http://loc\u0430l",
        "http:///nowhere",
    ],
)
def test_an_address_of_another_provider_that_names_no_own_host_is_not_ones_own(shown: str) -> None:
    assert not is_own(shown)


def test_a_provider_that_asks_nobody_is_ones_own() -> None:
    assert is_own(ScriptedProvider().address)
