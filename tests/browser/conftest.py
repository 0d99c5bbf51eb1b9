"""A real JupyterLab for the tests of this folder."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from chatnb.labextension import install
from tests.browser.canary import Canary, listening
from tests.browser.driver import Lab, find_chromium, opened_lab, running_browser
from tests.browser.server import LabServer

# Five seconds are not enough on a machine that does other things as well.
expect.set_options(timeout=20_000)


# Playwright's loop stands in the way of async tests, so it ends with the module.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Run a Chromium."""
    program = find_chromium()
    if program is None:
        pytest.skip("No Chromium was found: install the package chromium, or set CHROMIUM to its path.")
    with running_browser(program) as browser:
        yield browser


@pytest.fixture(scope="module")
def canary() -> Iterator[Canary]:
    """Listen for whatever a page or an answer asks for."""
    with listening() as canary:
        yield canary


@pytest.fixture(scope="session")
def lab_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    """Run a JupyterLab with the labextension for all tests; one with an environment of its own uses `LabServer`."""
    home = tmp_path_factory.mktemp("lab")
    install(home / "data" / "labextensions")
    with LabServer(home) as server:
        yield server


@pytest.fixture
def lab(browser: Browser, lab_server: LabServer) -> Iterator[Lab]:
    """Open a window on it; its kernels end with the test."""
    with opened_lab(browser, lab_server) as lab:
        yield lab
    lab_server.end_kernels(but="shared.ipynb")  # a module ends its own
