"""Hostile answers rendered as HTML and put into a real page: nothing runs, nothing is asked for."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from chatnb.markdown.html import stylesheet, to_html
from tests.browser.canary import Canary, listening
from tests.hostile import answers

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

PUT = """(texts) => {
  for (const html of texts) {
    const text = document.createElement('div');
    text.innerHTML = html;
    document.body.append(text);
  }
}"""
# As a mouse and a keyboard would; and each link and button is clicked, without leaving the page.
TOUCH = """() => {
  document.addEventListener('click', (event) => event.preventDefault());
  const kinds = ['mouseover', 'pointerover', 'focus', 'focusin', 'toggle', 'animationstart', 'transitionend'];
  for (const node of document.body.querySelectorAll('*')) {
    for (const kind of kinds) node.dispatchEvent(new Event(kind, {bubbles: true}));
    if (node.matches('a, button')) node.click();
  }
}"""


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Open an empty page that has our stylesheet."""
    context = browser.new_context()
    page = context.new_page()
    page.set_content(f"<!doctype html><style>{stylesheet()}</style><body></body>")
    yield page
    context.close()


def settle(page: Page, canary: Canary) -> None:
    """Touch everything, and ask for something behind whatever the page has asked for by then."""
    page.evaluate(TOUCH)
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    page.evaluate("(url) => fetch(url).then(() => fetch(url))", f"{canary.url}/last")


def test_without_rendering_an_answer_takes_over_the_page(page: Page) -> None:
    """Shows that the test below can fail."""
    with listening() as canary:
        texts = [text for name, text in answers(canary.url) if name.startswith("handler")]

        page.evaluate(PUT, texts)

        page.wait_for_function("() => window.__pwned === 1")


def test_nothing_of_a_hostile_answer_runs_or_is_asked_for(page: Page, canary: Canary) -> None:
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    shown = [to_html(text) for _, text in answers(canary.url)]

    page.evaluate(PUT, shown)
    settle(page, canary)

    assert page.evaluate("() => document.body.children.length") == len(shown)
    assert page.evaluate("() => window.__pwned") is None
    assert canary.heard == ["/last", "/last"]
    assert requests == [f"{canary.url}/last"] * 2


def test_the_browser_finds_the_code_and_draws_the_formula(page: Page) -> None:
    code = "if x < 1:\n\tprint('&amp; <b>')"

    page.evaluate(PUT, [to_html(f"```python\n{code}\n```\n\n$$\\frac{{a}}{{b}}$$")])

    assert page.evaluate("() => document.querySelector('pre.chatnb-code').textContent") == code
    assert page.evaluate("() => document.querySelector('mfrac').getBoundingClientRect().height") > 0
