"""Fixtures for tests in a real browser: Chromium, driven by Playwright."""

import shutil

import pytest

# Names of the program in Debian's package and elsewhere.
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def browser():
    """Return a Chromium without a window; fails where there is none: these tests are asked for."""
    from playwright.sync_api import sync_playwright

    found = next(filter(None, map(shutil.which, PROGRAMS)), None)
    assert found, f"no browser: install one of {', '.join(PROGRAMS)}"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser):
    """Return a function that opens an address, with options of a context such as color_scheme.

    The test fails if a page reports an error or a warning on its console.
    """
    contexts, reported = [], []

    def open_address(address: str, **options):
        contexts.append(context := browser.new_context(**options))
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("console", lambda m: m.type in ("error", "warning") and reported.append(m.text))
        page.on("pageerror", lambda error: reported.append(str(error)))
        page.goto(address)
        return page

    yield open_address
    for context in contexts:
        context.close()
    assert not reported
