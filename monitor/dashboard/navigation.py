"""The user's place on the dashboard: the view, the tile, the event. Pure.

Rules:

1. What is chosen is held by name, never by place: when the order changes, it stays chosen.
2. Nothing is chosen until the user chooses: a key never acts on a stream that came there by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

from monitor.dashboard.events import Event, EventKey
from monitor.dashboard.keys import Action
from monitor.dashboard.ward import Grid
from monitor.dashboard.waveform import DOTS_PER_S


class View(Enum):
    """A view that fills the screen."""

    WARD = "ward"
    BED = "bed"
    EVENTS = "events"


@dataclass(frozen=True, slots=True)
class Place:
    """The user's place.

    ``view`` is None until the user has chosen one: the ward if there are several streams.
    ``before`` is the view from which the events were opened. ``chosen`` is the tile, ``page`` the
    page of the ward while none is chosen. ``event`` is the event, None if there is none;
    ``all_streams`` lists those of all. ``back_s`` is how far the strip has been moved back,
    ``strip_dots_per_s`` its time scale, None for the whole strip.
    """

    view: View | None = None
    before: View = View.WARD
    chosen: str = ""
    page: int = 0
    event: EventKey | None = None
    all_streams: bool = False
    back_s: float = 0.0
    strip_dots_per_s: int | None = None

    def view_of(self, streams: int) -> View:
        """Give the view to show for so many streams."""
        if self.view is not None:
            return self.view
        return View.WARD if streams > 1 else View.BED


def in_ward(place: Place, action: Action, order: Sequence[str], grid: Grid) -> Place:
    """Move in the ward; ``order`` are all streams as they stand, over all pages."""
    if not order:
        return place
    steps = {
        Action.LEFT: -1,
        Action.RIGHT: 1,
        Action.NEXT_STREAM: 1,
        Action.UP: -grid.columns,
        Action.DOWN: grid.columns,
        Action.PAGE_UP: -grid.per_page,
        Action.PAGE_DOWN: grid.per_page,
    }
    if action is Action.FIRST:
        return replace(place, chosen="", page=0)
    if action is Action.BACK:
        return replace(place, chosen="")
    if action not in steps:
        return place
    if place.chosen not in order:
        if action in (Action.PAGE_UP, Action.PAGE_DOWN):
            page = place.page + (1 if action is Action.PAGE_DOWN else -1)
            return replace(place, chosen="", page=min(max(page, 0), grid.pages - 1))
        first = min(place.page, grid.pages - 1) * grid.per_page
        return replace(place, chosen=order[first])
    at = order.index(place.chosen) + steps[action]
    if action in (Action.UP, Action.DOWN) and not 0 <= at < len(order):
        return place
    at = min(max(at, 0), len(order) - 1)
    return replace(place, chosen=order[at], page=at // grid.per_page)


def in_events(place: Place, action: Action, events: Sequence[Event], rows: int) -> Place:
    """Move in the list of events, of which ``rows`` are seen at once, and in the strip."""
    keys = [event.key for event in events]
    at = keys.index(place.event) if place.event in keys else 0
    match action:
        case Action.UP | Action.DOWN | Action.PAGE_UP | Action.PAGE_DOWN | Action.FIRST:
            step = {
                Action.UP: -1,
                Action.DOWN: 1,
                Action.PAGE_UP: -rows,
                Action.PAGE_DOWN: rows,
                Action.FIRST: -len(keys),
            }[action]
            at = min(max(at + step, 0), len(keys) - 1)
            return replace(place, event=keys[at] if keys and at >= 0 else None, back_s=0.0)
        case Action.LEFT:
            return replace(place, back_s=min(place.back_s + 1.0, 9.0))
        case Action.RIGHT:
            return replace(place, back_s=max(place.back_s - 1.0, 0.0))
        case Action.SLOWER | Action.FASTER:
            return replace(place, strip_dots_per_s=_next_rate(place, action is Action.FASTER))
        case _:
            return place


def _next_rate(place: Place, faster: bool) -> int | None:
    """Give the next time scale of the strip; slower than the slowest shows the whole strip."""
    rates = (None, *(rate for rate in DOTS_PER_S if rate >= 20))
    at = rates.index(place.strip_dots_per_s) + (1 if faster else -1)
    return rates[min(max(at, 0), len(rates) - 1)]
