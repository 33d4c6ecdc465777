"""A real browser without a window: the Chromium of the system, driven by Playwright."""

import os
import shutil

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--autoplay-policy=user-gesture-required",
)


@pytest.fixture(scope="session")
def chromium():
    """Give the browser; where it must be there, its absence is a failure."""
    program = next((found for name in NAMES if (found := shutil.which(name))), None)
    if program is None:
        if os.environ.get("ECG_MONITOR_REQUIRE_BROWSER"):
            pytest.fail("ECG_MONITOR_REQUIRE_BROWSER is set, but there is no Chromium")
        pytest.skip("needs Chromium (apt-get install chromium)")
    playwright = pytest.importorskip("playwright.sync_api", reason="needs the package playwright")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=list(OPTIONS))
        yield browser
        browser.close()


class Page:
    """A page, with what it said on its console, and words for what a test looks at."""

    def __init__(self, browser, width=1280, height=800, theme="dark"):
        self.context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=theme
        )
        self.context.set_default_timeout(60_000)  # for what hangs
        self.page = self.context.new_page()
        self.faults = []
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))

    def _said(self, message):
        # that the station is gone, and that a test looks at pixels, is not the page's fault
        ours = any(word in message.text for word in ("ERR_CONNECTION", "willReadFrequently"))
        if message.type in ("error", "warning") and not ours:
            self.faults.append(message.text)

    def until(self, condition, argument=None):
        """Wait until a condition in the page holds; give its value.

        An element that is not there yet makes the condition throw: that is "not yet".
        """
        tried = f"try {{ return ({condition})(argument); }} catch {{ return false; }}"
        patient = f"(argument) => {{ {tried} }}"
        return self.page.wait_for_function(patient, arg=argument).json_value()

    def state(self, name, value):
        """Wait until the page says so of itself (``data-name`` of the body)."""
        self.until("([name, value]) => document.body.dataset[name] === value", [name, value])

    def text(self, selector):
        return self.page.inner_text(selector)


@pytest.fixture
def open_page(chromium):
    """Give a function that opens a page; at the end none may have said an error."""
    pages = []

    def opened(url, **options):
        page = Page(chromium, **options)
        pages.append(page)
        page.page.goto(url)
        return page

    yield opened
    faults = [fault for page in pages for fault in page.faults]
    for page in pages:
        page.context.close()
    assert not faults, faults
