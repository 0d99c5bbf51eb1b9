"""Renderers of Markdown with raw HTML on: what one of them makes live is live somewhere."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self, TypeAlias

import commonmark  # type: ignore[import-untyped]  # it has no types of its own, and none are published
import mistune
from markdown_it import MarkdownIt
from nbconvert.filters.markdown_mistune import markdown2html_mistune

from tests import node

Render: TypeAlias = Callable[[Sequence[str]], list[str]]

# The versions that JupyterLab 4.6 bundles.
PACKAGES = ("marked@16.4.2", "marked-gfm-heading-id@4.1.4", "marked-mangle@1.1.13")
PLUGINS = (
    "strikethrough",
    "footnotes",
    "table",
    "url",
    "task_lists",
    "def_list",
    "abbr",
    "mark",
    "insert",
    "superscript",
    "subscript",
    "math",
    "ruby",
    "spoiler",
)


class JupyterLab:
    """The way of a text through JupyterLab 4.6 (render.mjs), in a process of node that takes many texts at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        node.install(self._folder, PACKAGES)
        script = Path(__file__).with_name("render.mjs")
        self._process = subprocess.Popen(
            [shutil.which("node") or "node", str(script), str(self._folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._pipe(self._process.stdin).close()
            self._process.wait(timeout=10)
            self._pipe(self._process.stdout).close()

    def __call__(self, texts: Sequence[str]) -> list[str]:
        """Render the texts."""
        assert self._process is not None
        source = self._pipe(self._process.stdin)
        source.write(json.dumps(texts) + "\n")
        source.flush()
        pages: list[str] = json.loads(self._pipe(self._process.stdout).readline())
        return pages

    @staticmethod
    def _pipe(pipe: IO[str] | None) -> IO[str]:
        assert pipe is not None
        return pipe


def python_renderers() -> Iterator[tuple[str, Render]]:
    """Yield the renderers that are Python packages, by name."""
    linked = MarkdownIt("commonmark", {"html": True, "linkify": True}).enable(["table", "linkify", "strikethrough"])
    # It is left to whoever uses it to refuse addresses; JupyterLab's renderer does not look at them either.
    linked.validateLink = lambda url: bool(url) or True  # type: ignore[method-assign]  # this is the hook that it offers
    if linked.linkify is not None:
        # It links "//example.org" too, which leads to the web from where the web is read.
        linked.linkify.add("//", None)
    rich = mistune.create_markdown(escape=False, plugins=list(PLUGINS), renderer=mistune.HTMLRenderer(escape=False))
    parser, writer = commonmark.Parser(), commonmark.HtmlRenderer()
    yield "markdown-it", _each(linked.render)
    yield "mistune", _each(lambda text: str(rich(text)))
    yield "commonmark", _each(lambda text: str(writer.render(parser.parse(text))))
    yield "nbconvert", _each(markdown2html_mistune)


def _each(render: Callable[[str], str]) -> Render:
    return lambda texts: [render(text) for text in texts]
