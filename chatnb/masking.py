"""Put placeholders in place of secrets, and the secrets back."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from itertools import count

from .detection import require_rules, secrets_in, secrets_of

PLACEHOLDER = re.compile(r"<SECRET_[1-9][0-9]{0,5}>")
"""Short and telling, so that models repeat it as it is; it ends with what no number goes on with."""


class Mask:
    """The secrets of one conversation: each has one placeholder, the same in every text.

    A secret that was found once is hidden wherever it stands, in earlier texts too. Only its exact characters are:
    what is encoded, cut or spelled out is not recognised, nor are secrets in pictures.

    May be used on several event loops, each on a thread of its own: what is iterated over is a copy, and a number is
    given once.

    Parameters
    ----------
    environment
        Variables whose values are hidden where their names say that they are secrets; read again for each question.

    Raises
    ------
    SettingsError
        If detect-secrets is not installed.

    Examples
    --------
    >>> mask = Mask({"LAB_TOKEN": "f81d4fae7dec"})
    >>> mask.hide("curl -H 'X-Token: f81d4fae7dec'")
    "curl -H 'X-Token: <SECRET_1>'"
    >>> mask.found
    ('value of LAB_TOKEN',)
    >>> mask.reveal("Do not publish <SECRET_1>!")
    'Do not publish f81d4fae7dec!'
    """

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        require_rules()
        self._environment = os.environ if environment is None else environment
        self._kinds: dict[str, str] = {}  # by secret
        self._placeholders: dict[str, str] = {}  # by what each stands for
        self._values: dict[str, str] = {}  # by placeholder
        self._searched: set[bytes] = set()
        self._numbers = count(1)

    @property
    def found(self) -> tuple[str, ...]:
        """What was found so far, in words without the values: "AWS Access Key", "value of OPENAI_API_KEY"."""
        return tuple(self._kinds.values())

    def found_in(self, hidden: str) -> tuple[str, ...]:
        """Return what the placeholders of a hidden text stand for, in words without the values."""
        values = [self._values.get(placeholder, "") for placeholder in PLACEHOLDER.findall(hidden)]
        return tuple(self._kinds[value] for value in dict.fromkeys(values) if value in self._kinds)

    def hide(self, text: str) -> str:
        """Return a text with placeholders for the secrets that it holds; `reveal` gives the same text back."""
        self._note(secrets_of(self._environment))
        if digest := self._unsearched(text):
            self._note(secrets_in(text))
            self._searched.add(digest)
        return self.replace(text)

    async def learn(self, texts: Iterable[str]) -> None:
        """Find the secrets of texts, without holding the event loop up; each text is searched only once."""
        self._note(secrets_of(self._environment))
        new = {digest: text for text in texts if (digest := self._unsearched(text))}
        if new:
            for found in await asyncio.to_thread(lambda: [secrets_in(text) for text in new.values()]):
                self._note(found)
            self._searched.update(new)

    def replace(self, text: str, *, keep_placeholders: bool = False) -> str:
        """Return a text with placeholders for the secrets that are known by now.

        Parameters
        ----------
        keep_placeholders
            Whether what looks like a placeholder is one, as in what a model wrote itself. Else it is hidden, too, so
            that nobody's own text is taken for a secret.
        """
        known = [secret for secret in tuple(self._kinds) if secret in text]
        if not known and "<SECRET_" not in text:
            return text

        def replaced(match: re.Match[str]) -> str:
            if keep_placeholders and PLACEHOLDER.fullmatch(match[0]):
                return match[0]
            return self._placeholder(match[0])

        longest_first = sorted(known, key=len, reverse=True)
        return re.sub("|".join([PLACEHOLDER.pattern, *map(re.escape, longest_first)]), replaced, text)

    def reveal(self, text: str, *, in_json: bool = False) -> str:
        """Return a text with the secrets in place of their placeholders; unknown ones stay.

        Parameters
        ----------
        in_json
            Whether the placeholders stand in strings of JSON, where a secret's quotes and line breaks are escaped.
        """

        def revealed(match: re.Match[str]) -> str:
            value = self._values.get(match[0], match[0])
            return json.dumps(value, ensure_ascii=False)[1:-1] if in_json else value

        return PLACEHOLDER.sub(revealed, text)

    def may_go_on(self, text: str) -> bool:
        """Return whether a text is the beginning, and no more, of a placeholder that stands for something."""
        return any(placeholder.startswith(text) and placeholder != text for placeholder in tuple(self._values))

    def _note(self, found: Mapping[str, str]) -> None:
        for secret, kind in found.items():
            if not PLACEHOLDER.fullmatch(secret):
                self._kinds.setdefault(secret, kind)

    def _placeholder(self, value: str) -> str:
        if value not in self._placeholders:
            # Another thread may have been quicker: then its placeholder counts, and this one stands for the same.
            placeholder = f"<SECRET_{next(self._numbers)}>"
            self._values[placeholder] = value
            self._placeholders.setdefault(value, placeholder)
        return self._placeholders[value]

    def _unsearched(self, text: str) -> bytes:
        """Return the digest of a text that was not searched yet, else nothing."""
        digest = hashlib.sha256(text.encode(errors="surrogatepass")).digest()
        return b"" if digest in self._searched else digest
