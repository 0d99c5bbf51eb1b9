"""What is taken for a secret, and what is not."""

import sys
from importlib.machinery import BuiltinImporter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatnb.detection import require_rules, secrets_in, secrets_of
from chatnb.errors import SettingsError
from tests.keys import ORDINARY, lines_with_secrets, made, private_key


def without(text: str, secrets: dict[str, str]) -> str:
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "")
    return text


@pytest.mark.parametrize(("line", "secret"), lines_with_secrets(), ids=lambda text: text[:24])
def test_secrets_of_known_kinds_are_found_whole(line: str, secret: str) -> None:
    found = secrets_in(line)

    assert secret not in without(line, found)
    assert not set(secret.splitlines()) & set(without(line, found).splitlines()) - {""}


@pytest.mark.parametrize("line", ORDINARY, ids=lambda line: line[:24])
def test_ordinary_lines_hold_none(line: str) -> None:
    assert secrets_in(line) == {}


def test_both_corpora_are_of_a_size_that_says_something() -> None:
    assert len(lines_with_secrets()) >= 40
    assert len(ORDINARY) >= 40


def test_all_secrets_of_one_text_are_found() -> None:
    lines, secrets = zip(*lines_with_secrets(), strict=True)

    found = secrets_in("\n".join(lines))

    assert not [secret for secret in secrets if secret in without("\n".join(lines), found)]


def test_a_line_may_hold_several() -> None:
    found = secrets_in('{"password": "hunter2!", "db_password": "kaffee&9", "token": "a8f5f167f44f4964"}')

    assert found == {"hunter2!": "password", "kaffee&9": "password", "a8f5f167f44f4964": "key or token"}


def test_a_private_key_that_was_cut_off_is_hidden_as_far_as_it_goes() -> None:
    cut = private_key()[:300]

    assert without(f"I see\n{cut}", secrets_in(f"I see\n{cut}")).startswith("I see\n")
    assert len(without(cut, secrets_in(cut))) < 64


def test_the_kind_is_told_in_words() -> None:
    key = made("AK" + "IA", 16, "ABCDEFG1234567")

    assert secrets_in(f"key {key}") == {key: "AWS Access Key"}


@given(before=st.integers(16_300, 16_500), line=st.booleans())
def test_where_a_long_text_is_cut_for_the_search_no_secret_is_lost(before: int, line: bool) -> None:
    secret = made("hf" + "_", 34)
    filler = ("a " * 8_250)[: before - 1] + ("\n" if line else " ")

    assert secret in secrets_in(f"{filler}{secret} {'b ' * 9_000}")


@pytest.mark.parametrize(
    "piece",
    ["password", "password=", "sk-", "tokena_", "//a", "://a:", "eyJaaaaaaaaaa", "-----BEGIN RSA PRIVATE KEY-----"],
)
def test_hostile_lines_end(piece: str) -> None:
    assert secrets_in(piece * (100_000 // len(piece))) == {}


@pytest.mark.parametrize(
    "name",
    ["OPENAI_API_KEY", "HF_TOKEN", "AWS_SECRET_ACCESS_KEY", "PGPASSWORD", "MYSQL_PWD", "DB_PASS", "Api_Key", "GH_PAT"],
)
def test_variables_that_name_secrets_give_their_values(name: str) -> None:
    assert secrets_of({name: "s3cr3t-value"}) == {"s3cr3t-value": f"value of {name}"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PWD", "/home/ada1"),
        ("OLDPWD", "s3cr3t-value"),
        ("KEYBOARD", "us-intl-102"),
        ("MONKEY", "Macaca-1758"),
        ("PATH", "/usr/bin:/bin-2"),
        ("API_KEY", "abc1"),
        ("MAX_TOKENS", "1000000"),
        ("USE_TOKEN", "always"),
        ("TOKEN_URL", "https://auth.example.org/v1"),
        ("SSH_KEY", "~/.ssh/id_ed25519"),
        ("API_KEY", "<your key 1>"),
    ],
)
def test_other_variables_do_not(name: str, value: str) -> None:
    assert secrets_of({name: value}) == {}


def test_the_path_of_a_key_is_no_secret(tmp_path: Path) -> None:
    key = tmp_path / "Key 1"
    key.touch()

    assert secrets_of({"SSH_KEY": str(key)}) == {}


def test_without_the_detector_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "meta_path", [BuiltinImporter])
    monkeypatch.delitem(sys.modules, "detect_secrets", raising=False)

    with pytest.raises(SettingsError, match=r"pip install 'chatnb\[secrets\]'(.|\n)*never"):
        require_rules()
