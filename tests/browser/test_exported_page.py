"""An exported page in a real browser: nothing runs, nothing is asked for, and it reads in light, in dark and on paper."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pypdfium2  # type: ignore[import-untyped]  # it has no types
import pytest
from playwright.sync_api import Browser, Page

from chatnb.exports.html import as_html
from chatnb.messages import Text
from tests.browser.canary import Canary
from tests.browser.test_html import TOUCH
from tests.exports import examples
from tests.hostile import answers

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

FORMULA = "The mean:\n\n$$\\frac{1}{n}\\sum_{i=1}^{n} x_i$$"
# The least contrast of text with what is behind it, of all that is shown (https://www.w3.org/TR/WCAG22/#contrast-minimum).
CONTRAST = """(ground) => {
  const channel = (value) => (value /= 255) <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  const light = (colour) => {
    const [r, g, b] = colour.match(/[\\d.]+/g).map(Number).map(channel);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (node) => {
    for (; node; node = node.parentElement) {
      const colour = getComputedStyle(node).backgroundColor;
      if (!/, 0\\)$/.test(colour)) return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  const said = [...document.body.querySelectorAll('*')].filter((node) =>
    node.getClientRects().length && [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim()));
  return Math.min(...said.map((node) => {
    const [one, other] = [getComputedStyle(node).color, ground || behind(node)].map(light);
    return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
  }));
}"""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory, canary: Canary) -> Path:
    """Write a session with everything, and one with every hostile answer, as one page."""
    formula = examples.turn(7, "And the mean?", examples.said(Text(FORMULA)))
    said = [Text(text) for _, text in answers(canary.url) if len(text) < 10_000]
    hostile = [
        message for number, part in enumerate(said) for message in examples.turn(number, part.text, examples.said(part))
    ]
    whole = examples.everything()
    whole = replace(whole, messages=(*whole.messages, *formula))
    path = tmp_path_factory.mktemp("export") / "chat.html"
    path.write_text("".join(as_html([whole, examples.session(*hostile, title="Hostile")])), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def requests() -> list[str]:
    """Return the addresses that the page asks for."""
    return []


@pytest.fixture(scope="module")
def page(browser: Browser, file: Path, requests: list[str]) -> Iterator[Page]:
    """Open the page, and touch everything in it."""
    context = browser.new_context()
    page = context.new_page()
    page.on("request", lambda request: requests.append(request.url))
    page.goto(file.as_uri())
    page.evaluate(TOUCH)
    page.wait_for_load_state("networkidle")
    yield page
    context.close()


def test_it_runs_nothing_and_asks_for_nothing(page: Page, requests: list[str], file: Path, canary: Canary) -> None:
    scripts, pwned = page.evaluate("() => [document.scripts.length, window.__pwned]")

    assert (scripts, pwned) == (0, None)
    assert [url for url in requests if not url.startswith("data:")] == [file.as_uri()]
    assert canary.heard == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_of_it_can_be_read_in_both_schemes(page: Page, scheme: str) -> None:
    page.emulate_media(color_scheme="light" if scheme == "light" else "dark")

    background = page.evaluate("() => getComputedStyle(document.body).backgroundColor")

    assert background == {"light": "rgb(255, 255, 255)", "dark": "rgb(13, 17, 23)"}[scheme]
    assert page.evaluate(CONTRAST) >= 4.5
    assert page.evaluate("() => document.querySelector('mfrac').getBoundingClientRect().height") > 20


def test_it_is_printed_as_dark_on_white_with_each_session_on_a_page_of_its_own(page: Page, tmp_path: Path) -> None:
    page.emulate_media(media="print", color_scheme="dark")

    on_white = page.evaluate(CONTRAST, "rgb(255, 255, 255)")  # printers leave out what is behind
    page.pdf(path=tmp_path / "chat.pdf")

    with pypdfium2.PdfDocument(tmp_path / "chat.pdf") as printed:
        pages = [sheet.get_textpage().get_text_range() for sheet in printed]
    first = next(number for number, text in enumerate(pages) if "Hostile" in text)
    assert "How long are the names?" in pages[0]
    assert pages[first].startswith("Hostile")
    assert first > 0
    assert on_white >= 4.5
