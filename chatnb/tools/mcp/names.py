"""What a model calls the tools of other people's servers, so that none takes the place of another."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Sequence

_NAME = 64  # characters, at most
_DIGITS = 8
_MARKED = re.compile(r"_[0-9a-f]{8}$")


def names_of(
    tools: Sequence[tuple[str, str]], reserved: Collection[str] = (), servers: Collection[str] = ()
) -> list[str]:
    """Return for each server and tool what a model calls it: `server_tool`.

    Where that is too long, or may name something else as well, some digits are added: a server cannot take the name, and
    so the permissions, of another one's tool, whether that one is connected with or not.

    Parameters
    ----------
    reserved
        Names of other tools.
    servers
        All servers that there are, if more than those of the tools.

    Examples
    --------
    >>> names_of([("git hub", "list.issues"), ("a", "b_c"), ("a_b", "c")])
    ['git_hub_list_issues', 'a_b_c_662f0bbb', 'a_b_c']
    """
    plain = [_named(server, tool) for server, tool in tools]
    taken = {name.casefold() for name in reserved}
    all_servers = {*servers, *(server for server, _ in tools)}
    names = []
    for (server, tool), name in zip(tools, plain, strict=True):
        twins = sum(pair[0] == server and name.casefold() == _named(*pair).casefold() for pair in tools)
        # Of two servers that might have the name, the one whose own name is the longer part of it has it.
        others = (other for other in all_servers if other != server and len(_slug(other)) >= len(_slug(server)))
        is_another = any(may_have(other, name) for other in others)
        is_plain = twins == 1 and not is_another and name.casefold() not in taken and len(name) <= _NAME
        if not is_plain or _MARKED.search(name):  # nor can it take one that has got its digits
            name = marked(name, hashlib.sha256(f"{server}\0{tool}".encode()).hexdigest())  # noqa: PLW2901
        names.append(name)
    return names


def may_have(server: str, name: str) -> bool:
    """Tell whether a server may have a tool of that name.

    Examples
    --------
    >>> may_have("git hub", "git_hub_list"), may_have("git", "github_list")
    (True, False)
    """
    return name.casefold().startswith(f"{_slug(server)}_".casefold())


def marked(name: str, digest: str) -> str:
    """Return a name with the first digits of a digest, not longer than a name may be."""
    return f"{name[: _NAME - _DIGITS - 1]}_{digest[:_DIGITS]}"


def _named(server: str, tool: str) -> str:
    return f"{_slug(server)}_{_slug(tool)}"


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_") or "tool"
