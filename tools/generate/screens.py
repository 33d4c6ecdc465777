"""Make the pictures of the central station anew, from the real program in a real browser.

    python -m tools.generate.screens docs/images

A server, its central station and a ward of simulated patients run for a minute; then Chromium
shows the ward and one bedside page at the width of a phone, a desk and a wall. Needs Chromium and
the package playwright.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.errors import MonitorError
from tools.load.browsed_ward import chromium, ward
from tools.load.ward import EVENTFUL

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SETTLE_S = 45.0
SHOWN_S = 12.0


def shoot(browser: Browser, url: str, path: Path, size: tuple[int, int], theme: str) -> None:
    """Make one picture; on a bedside page the newest event that has a strip is chosen."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if theme == "dark" else "light",
    )
    page = context.new_page()
    page.goto(url)
    page.wait_for_function("() => document.body.dataset.link === 'live'")
    page.click("#sound")
    time.sleep(SHOWN_S)
    if "/bed/" in url:
        page.locator(".event", has=page.locator(".chip[data-priority=high]")).first.click()
        page.wait_for_selector("[data-part=stripcanvas]:not([hidden])")
        time.sleep(2.0)
        page.evaluate("() => { document.activeElement.blur(); scrollTo(0, 0) }")
    page.screenshot(path=path)
    context.close()
    print(path)


PICTURES = (
    ("ward-400", "", (400, 860), "dark"),
    ("ward-1280", "", (1280, 720), "dark"),
    ("ward-3840", "", (3840, 2160), "dark"),
    ("ward-light-1280", "", (1280, 720), "light"),
    ("bedside-400", "#/bed/bed-2", (400, 860), "light"),
    ("bedside-1280", "#/bed/bed-2", (1280, 900), "dark"),
    ("bedside-3840", "#/bed/bed-2", (3840, 2160), "dark"),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path, help="folder of the pictures")
    parser.add_argument("--beds", type=int, default=16)
    parser.add_argument("--only", help="only pictures whose name holds this")
    args = parser.parse_args(argv)
    args.out.mkdir(parents=True, exist_ok=True)
    try:
        with ward(args.beds, EVENTFUL, 1e6, silent=1) as station, chromium() as browser:
            time.sleep(SETTLE_S)
            for name, place, size, theme in PICTURES:
                if args.only is None or args.only in name:
                    path = args.out / f"central-station-{name}.png"
                    shoot(browser, station.url + place, path, size, theme)
    except MonitorError as error:
        print(f"screens: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
