"""Hostile answers in a real JupyterLab, where the HTML of a cell that was run is not sanitised."""

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.canary import Canary, listening
from tests.browser.driver import Lab, opened_lab
from tests.browser.server import LabServer
from tests.browser.showing import huge, texts
from tests.hostile import HOSTILE

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(400)]

ROOT = Path(__file__).parents[2]
CELLS = 6
MOST_OUTPUTS = 50
"""JupyterLab draws no more of one cell until it is asked to."""

# What no Markdown of an answer becomes; JupyterLab's own elements around it stand outside of these.
LIVE = """() => {
  const found = [];
  const allowed = new Set(['http:', 'https:', 'mailto:']);
  for (const output of document.querySelectorAll('.jp-RenderedMarkdown')) {
    const bad = 'script,img,image,picture,iframe,frame,object,embed,form,input:not([type=checkbox]),textarea,select,' +
      'button,style,link,meta,base,svg,video,audio,source,template,dialog,[data-commandlinker-command],[id^=jp-]';
    for (const node of output.querySelectorAll(bad)) found.push(node.outerHTML.slice(0, 200));
    for (const node of output.querySelectorAll('*')) {
      for (const attribute of node.attributes)
        if (attribute.name.startsWith('on')) found.push(node.outerHTML.slice(0, 200));
      const href = node.getAttribute('href');
      // An address that cannot be read leads nowhere.
      if (href !== null && !href.startsWith('#') && URL.canParse(href, document.baseURI) &&
          !allowed.has(new URL(href, document.baseURI).protocol))
        found.push(node.outerHTML.slice(0, 200));
    }
  }
  return found;
}"""
# As a mouse and a keyboard would, all over the answers.
TOUCH = """() => {
  const kinds = ['mouseover', 'mouseenter', 'pointerover', 'focus', 'focusin', 'toggle', 'animationstart', 'transitionend'];
  for (const node of document.querySelectorAll('.jp-RenderedMarkdown *'))
    for (const kind of kinds) node.dispatchEvent(new Event(kind, {bubbles: true}));
}"""


@pytest.fixture(scope="module")
def open_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    """Run a JupyterLab that renders every output, on the screen or not, and whose kernels know these tests."""
    settings = {"@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"}}
    with LabServer(tmp_path_factory.mktemp("hostile"), {"PYTHONPATH": str(ROOT)}, settings) as server:
        yield server


@pytest.fixture
def open_lab(browser: Browser, open_server: LabServer) -> Iterator[Lab]:
    """Open a window on it."""
    with opened_lab(browser, open_server) as lab:
        yield lab
    open_server.end_kernels()


def settle(lab: Lab) -> None:
    """Wait until everything is drawn that will be, and touch it."""
    lab.js("() => window.jupyterapp.shell.currentWidget.content.rendermime.latexTypesetter?.typeset(document.body)")
    lab.page.wait_for_timeout(1_000)
    lab.js(TOUCH)
    lab.page.wait_for_timeout(1_000)


def assert_harmless(lab: Lab, canary: Canary) -> None:
    """Fail if anything ran, was loaded, or could."""
    assert lab.js("() => window.__pwned") is None
    assert canary.heard == []
    assert [request for request in lab.requests if request.startswith(canary.url)] == []
    assert lab.js(LIVE) == []


def count_outputs(lab: Lab) -> int:
    """Return how many answers are rendered."""
    return int(lab.js("() => document.querySelectorAll('.jp-RenderedMarkdown').length"))


def test_there_are_a_hundred_answers_and_more() -> None:
    assert len(HOSTILE) >= 100
    assert len({text for _, text in HOSTILE}) == len(HOSTILE)


def test_without_protection_an_answer_takes_over_the_page(open_lab: Lab) -> None:
    """Shows that the tests below can fail."""
    with listening() as canary:
        attack = texts(canary.url)[17]
        assert "onerror" in attack
        open_lab.open_cells([f"from IPython.display import Markdown, display\ndisplay(Markdown({attack!r}))"])

        open_lab.run(0)

        open_lab.page.wait_for_function("() => window.__pwned === 1", timeout=20_000)
        assert open_lab.js(LIVE) != []
        open_lab.page.wait_for_timeout(500)
        assert canary.heard == ["/js"]


@pytest.mark.parametrize("everywhere", [False, True], ids=["as the answer", "wherever words are shown"])
def test_nothing_runs_and_nothing_is_loaded(
    open_lab: Lab, open_server: LabServer, canary: Canary, everywhere: bool
) -> None:
    count = len(texts(canary.url))
    edges = [count * part // CELLS for part in range(CELLS + 1)]
    cells = [
        "from tests.browser.showing import show_hostile\n"
        f"show_hostile(get_ipython(), {canary.url!r}, {start}, {stop}, everywhere={everywhere})"
        for start, stop in pairwise(edges)
    ]
    path = open_lab.open_cells(cells, f"hostile-{everywhere}.ipynb")

    for index in range(CELLS):
        open_lab.run(index, timeout_s=120)
    settle(open_lab)

    assert count_outputs(open_lab) == count
    assert "jp-mod-trusted" in open_lab.output_html(0)
    assert_harmless(open_lab, canary)

    notebook = open_lab.save(path.name)
    open_lab.open(path.name)
    settle(open_lab)

    assert count_outputs(open_lab) == count
    assert "jp-mod-trusted" in open_lab.output_html(0)
    assert_harmless(open_lab, canary)

    notebook["metadata"]["title"] = "changed, so that its signature does not fit any more"
    copy = open_server.root / f"copy-{everywhere}.ipynb"
    copy.write_text(json.dumps(notebook))
    open_lab.open(copy.name)
    settle(open_lab)

    assert count_outputs(open_lab) == count
    assert "jp-mod-trusted" not in open_lab.output_html(0)
    assert_harmless(open_lab, canary)


@pytest.mark.parametrize("name", [name for name, _ in huge("")])
def test_a_huge_answer_does_not_stop_the_page(open_lab: Lab, canary: Canary, name: str) -> None:
    text = dict(huge(canary.url))[name]
    cell = (
        "from tests.browser.showing import huge\n"
        "from tests.views.logs import COUNTED, said, turn\n"
        "from tests.views.surfaces import shown\n"
        "from chatnb.views.notebook import NotebookView\n"
        f"events = turn(said(dict(huge({canary.url!r}))[{name!r}], 100_000), COUNTED)\n"
        "shown(NotebookView(get_ipython(), is_live=True, footer=True), [events]);"
    )
    open_lab.open_cells([cell], "huge.ipynb")

    open_lab.run(0, timeout_s=120)
    drawn = min(len(open_lab.outputs(0)), MOST_OUTPUTS)
    open_lab.page.wait_for_function(
        "(count) => document.querySelectorAll('.jp-RenderedMarkdown').length >= count", arg=drawn, timeout=60_000
    )

    assert sum(len(output["data"]["text/markdown"]) for output in open_lab.outputs(0)) >= len(text)
    assert_harmless(open_lab, canary)
