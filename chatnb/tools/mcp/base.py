"""What a server is, and how it fails."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from urllib.parse import urlsplit

from ..search.clean import line

_SHORTEST_SECRET = 6  # what is shorter stands in any text


class McpFailed(Exception):  # noqa: N818 - named after what happened
    """A server, or a tool of it, did not do what was asked; says what happened and what to do."""


@dataclass(frozen=True, slots=True)
class McpServer:
    """A server: a program that is started here (`command`), or an address (`url`).

    What may hold a secret is not in the text of it, so that a log or a traceback gives nothing away.

    Attributes
    ----------
    name
        What the user calls it.
    environment
        Variables that the program gets besides those that say who and where the user is; it inherits no other.
    folder
        Where the program runs, and where the path of `command` begins; empty: in the user's home.
    secrets
        What is never to be quoted of what it says, besides all of `environment` and `headers`.
    """

    name: str
    command: str = ""
    arguments: tuple[str, ...] = field(default=(), repr=False)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    folder: str = ""
    url: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: frozenset[str] = field(default=frozenset(), repr=False)

    @property
    def is_local(self) -> bool:
        """Whether it is a program, with all the rights of the user."""
        return bool(self.command)

    @property
    def place(self) -> str:
        """Where it is, as far as that may be shown.

        Examples
        --------
        >>> McpServer("a", url="https://ada:pw@host:81/s3cret?key=1").place, McpServer("b", "/usr/bin/npx").place
        ('https://host:81', 'npx')
        """
        if self.is_local:
            return PurePath(self.command).name
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"

    def quoted(self, text: str, limit: int = 300, *, is_end: bool = False) -> str:
        """Return the beginning or the end of what it said as one line, cleaned, without the secrets that it was given."""
        for secret in sorted(
            {*self.secrets, *self.environment.values(), *self.headers.values()}, key=len, reverse=True
        ):
            if len(secret) >= _SHORTEST_SECRET:
                text = text.replace(secret, "***")
        words = line(text, len(text))
        return f"…{words[1 - limit :]}" if is_end and len(words) > limit else line(words, limit)
