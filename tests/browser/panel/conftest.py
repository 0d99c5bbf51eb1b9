"""A panel to play with."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.panel.harness import PanelPage, opened_panel


@pytest.fixture
def panel(browser: Browser) -> Iterator[PanelPage]:
    """Open a window for a panel in the light theme; nothing is shown in it yet."""
    with opened_panel(browser) as panel:
        yield panel
