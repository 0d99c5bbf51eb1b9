"""Find what looks like a key, a token or a password: by its form, by the name it is given, by the environment.

Three sources. The rules of detect-secrets know the forms of many services' keys. A few forms that it does not know, or
only in part, are added here: those of model providers, a whole PEM block, a whole JSON Web Token. And what a text
assigns to a name such as `password` or `api_key` is looked at with rules of our own.

Of detect-secrets only the patterns are used, which are constants: its scanning wants files, asks global settings, and
takes the name in front of GitHub's and GitLab's tokens for the token (1.5.0, `findall` with a group). Its rule for
public addresses is left out, since they are no secrets; and its two rules by entropy, which take hashes, ids and
encoded data for secrets; and its rule by name, which knows no `token` and sees only the first secret on a line.

https://github.com/Yelp/detect-secrets
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from .errors import SettingsError

SHORTEST = 6
"""A value of fewer characters is never taken for a secret: it would be found in half of all words."""

_WINDOW = 16_384
_OVERLAP = 2_048

# What is no secret, and what the forms below know better: they find more, or take no quadratic time.
_LEFT_OUT = {"Public IP (ipv4)", "JSON Web Token", "Private Key", "NPM tokens", "OpenAI Token"}

_FORMS: tuple[tuple[str, str], ...] = (
    ("API key", r"(?<![A-Za-z0-9_-])sk-(?=[A-Za-z_-]{0,100}[0-9])[A-Za-z0-9_-]{20,}"),
    ("Hugging Face token", r"\bhf_[A-Za-z0-9]{30,}"),
    ("Google API key", r"\bAIza[A-Za-z0-9_-]{35}"),
    ("Google OAuth secret", r"\b(?:GOCSPX-[A-Za-z0-9_-]{28}|ya29\.[A-Za-z0-9_-]{20,})"),
    ("GitHub token", r"\bgithub_pat_[A-Za-z0-9_]{36,}"),
    ("API key", r"\b(?:gsk_|xai-|pplx-|nvapi-|r8_)[A-Za-z0-9_-]{32,}"),
    ("Databricks token", r"\bdapi[0-9a-f]{32}(?:-[0-9])?\b"),
    ("DigitalOcean token", r"\bdo[opr]_v1_[0-9a-f]{64}"),
    ("Slack token", r"\bxapp-[0-9]-[A-Za-z0-9-]{20,}"),
    ("Stripe key", r"\b[rs]k_test_[A-Za-z0-9]{24,}"),
    ("npm token", r"\bnpm_[A-Za-z0-9]{36}|_authToken\s*=\s*([^\s\"']{8,})"),
    ("JSON Web Token", r"\beyJ[A-Za-z0-9_-]{8,4096}\.eyJ[A-Za-z0-9_-]{8,8192}\.[A-Za-z0-9_-]*"),
    ("access token", r"(?i)\bbearer\s+(?=[a-z._~+/-]{0,100}[0-9])([a-z0-9._~+/-]{16,}=*)"),
    ("Basic Auth Credentials", r"://:([^\s:/?#\[\]@]{6,})@"),  # as Redis has it, without a name
    ("login", r"(?i)\bauthorization[\"']?\s*[:=]\s*[\"']?basic\s+([a-z0-9+/]{8,}=*)"),
)

# Within a line a key's line breaks may be written as "\n". A block that was cut off has no end: its lines count.
_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
    r"(?:(?:(?!-----)[\s\S]){0,20000}-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
    r"|(?:[\s\\nr]*[A-Za-z0-9+/=]{16,})+)"
    r"|\bPrivate-Lines: \d+(?:\s+[A-Za-z0-9+/=]{16,})+"
)

_PASSWORD = r"pass(?:word|wd|phrase|code)|pwd|secret(?!ar)|contrase[nñ]a|credential|(?<![a-z])pass(?![a-z])"  # noqa: S105 - names
_KEY = (
    r"token(?!i[sz])|(?:api|access|secret|private|auth|account|client|service|storage|subscription"
    r"|encryption|signing|master)[_-]?key"
)
# What follows such a word in a name and says that the value is about a secret, not the secret.
_ABOUT = r"(?!\w{0,40}(?:url|uri|path|file|dir|name|env|field|column|label|type|count|limit|len|length|size|ttl)\b)"
_NAMING = ("pass", "pwd", "secret", "contrase", "credential", "token", "key")  # one of them is in each such name
_NAME = rf"(?:(?P<password>{_PASSWORD})|{_KEY}){_ABOUT}\w{{0,40}}"

_QUOTED = re.compile(
    rf"(?i){_NAME}\\{{0,4}}[\"']?\]?(?:[ \t]*:[ \t]*\w+)?[ \t]{{0,8}}(?::=|={{1,3}}|!=|=>|:)[ \t]{{0,8}}"
    r"(?P<prefix>[rbuf]{0,2})(?P<quote>\\{0,4}[\"'])(?P<value>(?:(?!(?P=quote))[^\s\\]){6,400})(?P=quote)"
)
_BARE = re.compile(rf"(?i){_NAME}[ \t]?[=:][ \t]?(?P<value>[^\s\"'`;&,(){{}}\[\]<>$\\]{{8,400}})(?=[\s;&]|$)")

_WORDS = re.compile(r"[A-Za-z]?[a-z]*(?:[-_./: ][A-Za-z]?[a-z]*)*|[A-Z_]+")
_READABLE = re.compile(
    r"(?:(?:[A-Za-z][a-z]*|[A-Z]+)\d{0,2}|v?\d{1,4})(?:[-_./: ]+(?:(?:[A-Za-z][a-z]*|[A-Z]+)\d{0,2}|v?\d{1,4}))*"
)
_TEMPLATE = re.compile(r"<.*>|\{.*\}|\$.*|%\(.*|\[.*\]")
_PLACE = re.compile(
    r"\w+://[^@]*|[~.]{1,2}/.*|(?:/[\w.-]+){2,}/?|[\w./-]+\.(?:json|ya?ml|toml|txt|pem|key|env|ini|cfg|csv|py)"
)
_STRANGE = 20  # words of so many characters together are a passphrase
_LONG = 12

_SECRET_NAME = re.compile(
    r"(?:^|_)(?:\w*(?:TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|APIKEY|PWD)S?|KEYS?|PASS|PAT|CREDENTIALS?)(?:_|$)"
)
_NO_SECRETS = {"PWD", "OLDPWD"}  # the working folder


def require_rules() -> None:
    """Make sure that secrets can be found.

    Raises
    ------
    SettingsError
        If detect-secrets is not installed.
    """
    if importlib.util.find_spec("detect_secrets") is None:
        raise SettingsError(
            "Keys and passwords are to be kept from the model, but what finds them is not installed.\n"
            "Install it: pip install 'chatnb[secrets]'\n"
            'Or send everything as it is: %config ChatConfig.secrets = "never"'
        )


def secrets_in(text: str) -> dict[str, str]:
    """Return what looks like a secret in a text, with its kind in words.

    Takes about a second for a megabyte, in steps of milliseconds, so that other threads can go on. The first call
    loads the rules.
    """
    found = {match[0]: "private key" for match in _PRIVATE_KEY.finditer(text)}
    for window in _windows(text):
        for kind, pattern in _patterns():
            for match in pattern.finditer(window):
                if value := _secret_of(match):
                    found.setdefault(value, kind)
        # Few lines name a secret, and to look for a word is a tenth of the work of these two patterns.
        named = "\n".join(line for line in window.splitlines() if any(word in line.lower() for word in _NAMING))
        for pattern, is_secret in ((_QUOTED, _is_quoted_secret), (_BARE, _is_bare_secret)):
            for match in pattern.finditer(named):
                if is_secret(match):
                    found.setdefault(match["value"], "password" if match["password"] else "key or token")
    return found


def secrets_of(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the values of the variables whose names say that they are secrets, with where each is from.

    Numbers, plain words, places and existing paths are none, whatever their name.

    Examples
    --------
    >>> secrets_of({"LAB_TOKEN": "f81d4fae7dec", "TOKENIZERS_PARALLELISM": "false", "PWD": "/home/ada"})
    {'f81d4fae7dec': 'value of LAB_TOKEN'}
    """
    return {
        value: f"value of {name}"
        for name, value in environment.items()
        if name not in _NO_SECRETS and _SECRET_NAME.search(name.upper()) and _is_secret_value(value)
    }


def _windows(text: str) -> Iterator[str]:
    """Cut a text at ends of lines, since a search holds all threads up; a longer line into pieces that overlap."""
    start = 0
    while start < len(text):
        end = start + _WINDOW
        after_line = text.rfind("\n", start, end) + 1 if end < len(text) else len(text)
        if after_line > start:
            yield text[start:after_line]
            start = after_line
        else:
            yield text[start:end]
            start = end - _OVERLAP


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    # An optional extra, which takes 0.2 s to load.
    from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class  # noqa: PLC0415
    from detect_secrets.plugins.base import RegexBasedDetector  # noqa: PLC0415

    rules: Mapping[str, Any] = get_mapping_from_secret_type_to_class()
    theirs = [
        (kind, pattern)
        for kind, rule in sorted(rules.items())
        if kind not in _LEFT_OUT and issubclass(rule, RegexBasedDetector)
        for pattern in rule.denylist
    ]
    return (*((kind, re.compile(pattern)) for kind, pattern in _FORMS), *theirs)


def _secret_of(match: re.Match[str]) -> str:
    """Return the secret itself, without what stands around it; "" if it is none."""
    inner = max((group for group in match.groups() if group), key=len, default="")
    if _TEMPLATE.fullmatch(inner):
        return ""
    # A group is the secret or no more than its beginning ("ghp"). A plain word is one only together with its login.
    is_secret = len(inner) >= SHORTEST and not _is_plain(inner)
    return inner if is_secret else match[0].strip(" \t\r\n=:\"'")


def _is_bare_secret(match: re.Match[str]) -> bool:
    return _is_random(match["value"], SHORTEST if match["password"] else _LONG)


def _is_quoted_secret(match: re.Match[str]) -> bool:
    value = match["value"]
    if _TEMPLATE.fullmatch(value) or _PLACE.fullmatch(value) or ("f" in match["prefix"].lower() and "{" in value):
        return False
    return not _is_plain(value) if match["password"] else _is_random(value, _LONG)


def _is_plain(value: str) -> bool:
    """Return whether it is a word, a label, or one character again and again."""
    return len(set(value)) <= 2 or (len(value) < _STRANGE and _WORDS.fullmatch(value) is not None)  # noqa: PLR2004


def _is_random(value: str, shortest: int) -> bool:
    """Return whether it is nothing that a person would call something."""
    has_both = re.search(r"\d", value) and re.search(r"[A-Za-z]", value)
    return bool(len(value) >= shortest and has_both and not _READABLE.fullmatch(value) and not _PLACE.fullmatch(value))


def _is_secret_value(value: str) -> bool:
    if len(value) < SHORTEST or re.fullmatch(r"[\d.,:+-]*", value) or _is_plain(value):
        return False
    return not (_TEMPLATE.fullmatch(value) or _PLACE.fullmatch(value) or _is_path(value))


def _is_path(value: str) -> bool:
    try:
        return "\n" not in value and Path(value).exists()
    except (OSError, ValueError):  # too long, or with characters that no path has
        return False
