"""Hostile answers by the ten thousand, made safe and rendered with raw HTML on: nothing of them is live, code is exact.

`CHATNB_FUZZ_SEED` repeats a run, `CHATNB_FUZZ_CASES` makes a longer one.
"""

import os
import re
import secrets
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from chatnb.markdown.fences import Fence, pieces
from chatnb.markdown.safe import code_blocks, safe_markdown, whole_markdown
from tests.fuzz.generating import hostile
from tests.fuzz.live import codes, live
from tests.fuzz.renderers import JupyterLab, Render, python_renderers
from tests.hostile import answers

CACHE = Path(__file__).parents[2] / ".cache" / "jupyterlab-4.6"
BATCH = 500


@dataclass(frozen=True)
class Case:
    """A hostile answer, finished or not, and what is published of it."""

    text: str
    safe: str


@dataclass(frozen=True)
class Renderer:
    """A renderer by its name."""

    name: str
    render: Render

    def pages(self, texts: list[str]) -> Iterator[str]:
        """Render the texts, some at a time."""
        for start in range(0, len(texts), BATCH):
            yield from self.render(texts[start : start + BATCH])


@pytest.fixture(scope="module")
def seed(request: pytest.FixtureRequest) -> int:
    """Choose the seed, and tell it."""
    chosen = int(os.environ.get("CHATNB_FUZZ_SEED") or secrets.randbelow(10**9))
    capture = request.config.pluginmanager.get_plugin("capturemanager")
    with capture.global_and_fixture_disabled() if capture is not None else nullcontext():
        print(f"\nCHATNB_FUZZ_SEED={chosen}")  # noqa: T201 - whoever reads the log can repeat the run
    return chosen


@pytest.fixture(scope="module")
def cases(seed: int) -> list[Case]:
    """Make up answers; every other one is still being written."""
    count = int(os.environ.get("CHATNB_FUZZ_CASES") or (20_000 if os.environ.get("CI") else 4_000))
    random = Random(seed)  # noqa: S311 - repeatable, not secret
    found = []
    for number in range(count):
        text = hostile(random)
        if number % 2:
            text = whole_markdown(text[: random.randint(0, len(text))], is_final=False)
        found.append(Case(text, safe_markdown(text)))
    return found


@pytest.fixture(scope="module", params=["JupyterLab", "markdown-it", "mistune", "commonmark", "nbconvert"])
def renderer(request: pytest.FixtureRequest) -> Iterator[Renderer]:
    """Give one renderer after the other; the one of JupyterLab comes from npm, once."""
    if request.param == "JupyterLab":
        if not (CACHE / "node_modules").exists() and not (shutil.which("node") and shutil.which("npm")):
            pytest.skip("needs node and npm for JupyterLab's renderer")
        with JupyterLab(CACHE) as lab:
            yield Renderer("JupyterLab", lab)
    else:
        yield Renderer(request.param, dict(python_renderers())[request.param])


@pytest.fixture(scope="module")
def pages(renderer: Renderer, cases: list[Case]) -> list[str]:
    """Render what is published of each case."""
    return list(renderer.pages([case.safe for case in cases]))


def test_what_is_not_made_safe_is_live(renderer: Renderer, cases: list[Case]) -> None:
    texts = [case.text for case in cases[:600]]

    found = [list(live(page)) for page in renderer.pages(texts)]

    assert sum(map(bool, found)) > len(texts) / 4


def test_nothing_of_a_hostile_answer_is_live(pages: list[str], cases: list[Case], seed: int) -> None:
    found = [(case, page, things) for case, page in zip(cases, pages, strict=True) if (things := list(live(page)))]

    for case, page, things in sorted(found, key=lambda each: len(each[0].text))[:1]:
        pytest.fail(f"{len(found)} of {len(cases)}, seed {seed}: {things}\n{case.text!r}\n{case.safe!r}\n{page!r}")


def test_fenced_code_comes_out_exactly(renderer: Renderer, pages: list[str], cases: list[Case], seed: int) -> None:
    found = [
        (case, page, code)
        for case, page in zip(cases, pages, strict=True)
        if not _is_changed_by(renderer.name, case.safe) and (code := _missing(case.text, page)) is not None
    ]

    for case, page, code in sorted(found, key=lambda each: len(each[0].text))[:1]:
        pytest.fail(f"{len(found)} of {len(cases)}, seed {seed}: {code!r}\n{case.text!r}\n{case.safe!r}\n{page!r}")


def test_no_answer_of_the_corpus_is_live(renderer: Renderer) -> None:
    # The Python renderers take minutes for a megabyte of brackets.
    named = [
        (name, text)
        for name, text in answers("http://127.0.0.1:9")
        if len(text) < 10_000 or renderer.name == "JupyterLab"
    ]

    shown = renderer.pages([safe_markdown(text) for _, text in named])

    assert {name: things for (name, _), page in zip(named, shown, strict=True) if (things := list(live(page)))} == {}


def _is_changed_by(name: str, safe: str) -> bool:
    r"""Tell whether a renderer changes such code in any text.

    Some change tabs in lists and quotes. JupyterLab takes out a backslash of \\( \\), counts what looks like its own
    places of formulas, and shows the quote marks and indentation between dollars on two lines.
    """
    inner = [piece for piece in pieces(safe) if isinstance(piece, Fence) and piece.margin]
    has_tabs = name in ("mistune", "nbconvert", "JupyterLab") and "\t" in safe
    has_formulas = any("$" in line or "\\begin" in line for fence in inner for line in fence.code)
    has_places = re.search(r"\\\\[()\[\]]|@@\d", safe) is not None
    return has_tabs or (name == "JupyterLab" and (has_formulas or has_places))


def _missing(text: str, page: str) -> str | None:
    # In any order: mistune moves some blocks.
    shown = Counter(_comparable(code) for code in codes(page))
    for block in code_blocks(text):
        if not _comparable(block.code):
            continue
        # nbconvert puts the name of a language that it does not know before the code.
        ways = (_comparable(block.code), _comparable(f"{block.language}\n{block.code}"))
        way = next((way for way in ways if shown[way]), None)
        if way is None:
            return block.code
        shown[way] -= 1
    return None


def _comparable(code: str) -> str:
    """Leave out what renderers do not keep: NUL, byte order marks, and spaces in empty lines."""
    return re.sub(r"(?m)^\s+$", "", re.sub("[\x00\ufeff\ufffd]", "", code)).strip("\n")
