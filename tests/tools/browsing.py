"""The tools `web`, called as a model calls them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from chatnb.context.download import Address
from chatnb.context.web import Page, fetch
from chatnb.messages import ToolCall, ToolResult
from chatnb.tools.search.base import Hit, SearchFailed
from chatnb.tools.toolbox import Toolbox
from chatnb.tools.web import web_tools


@dataclass(frozen=True, slots=True)
class Found:
    """A provider that finds what it was made with."""

    hits: Sequence[Hit] = ()
    error: str = ""
    asked: list[tuple[str, int]] = field(default_factory=list)
    name: str = "TestSearch"

    async def search(self, query: str, limit: int) -> Sequence[Hit]:
        self.asked.append((query, limit))
        if self.error:
            raise SearchFailed(self.error)
        return self.hits[:limit]


def is_loopback(address: Address) -> bool:
    return str(address) == "127.0.0.1"


fetch_here = partial(fetch, is_address_allowed=is_loopback)


async def run(
    name: str,
    arguments: dict[str, Any],
    search: Found | None = None,
    read: Callable[[str], Page] = fetch_here,
) -> ToolResult:
    box = Toolbox(web_tools(search or Found(), read))
    async with aclosing(box.run([ToolCall("1", name, arguments)])) as results:
        [only] = [result async for result in results]
        return only
