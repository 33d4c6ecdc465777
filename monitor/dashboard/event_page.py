"""The view of events: the list, the strip of one of them, the live signal. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from monitor.dashboard.events import Event, EventKey, Strip
from monitor.dashboard.snapshot import Snapshot, Wave
from monitor.dashboard.state import DashboardState
from monitor.messages import Alert, StreamInfo


@dataclass(frozen=True, slots=True, eq=False)
class EventLine:
    """One event of the list: its onset in signal time and its age, both in seconds, if known."""

    event: Event
    onset_s: float | None
    age_s: float | None

    @property
    def alert(self) -> Alert:
        """What was last said of it."""
        return self.event.alert


@dataclass(frozen=True, slots=True, eq=False)
class EventPage:
    """The events of ``stream``, or of all for "", the newest first.

    ``at`` is the place of the chosen one, -1 for none. ``strip`` is its frozen signal, None if
    there is none. ``live`` is its stream, as it is now.
    """

    stream: str
    lines: tuple[EventLine, ...]
    at: int
    strip: Wave | None
    live: Snapshot

    @property
    def chosen(self) -> EventLine | None:
        """The chosen event."""
        return self.lines[self.at] if self.at >= 0 else None


def event_page(
    state: DashboardState, now_s: float, stream: str, chosen: EventKey | None, back_s: float = 0.0
) -> EventPage:
    """Take what the view of events shows.

    Parameters
    ----------
    state
        All streams.
    now_s
        The clock that :meth:`DashboardState.fold` was given.
    stream
        Whose events; "" for those of all streams.
    chosen
        The chosen event.
    back_s
        So many seconds are left out at the end of the strip.
    """
    events = state.events.events(stream)
    at = next((n for n, event in enumerate(events) if event.key == chosen), -1)
    strip, shown = None, stream
    if at >= 0:
        shown = events[at].alert.stream
        info = state.streams[shown].info
        kept = state.events.strip(events[at].key)
        if kept is not None and info is not None:
            strip = _wave(kept, info, events[at], back_s)
    lines = tuple(_line(state, event, now_s) for event in events)
    return EventPage(stream, lines, at, strip, state.snapshot(shown, now_s))


def _line(state: DashboardState, event: Event, now_s: float) -> EventLine:
    stream = state.streams[event.alert.stream]
    if stream.info is None:
        return EventLine(event, None, None)
    age_s = stream.age_s(event.onset_sample, now_s)
    return EventLine(event, event.onset_sample / stream.info.rate_hz, age_s)


def _wave(strip: Strip, info: StreamInfo, event: Event, back_s: float) -> Wave:
    leads = strip.values_mv.shape[1]
    if leads < len(info.leads):  # a strip has the first leads only
        info = replace(info, leads=info.leads[:leads], pulse="")
    least = round(info.rate_hz)
    kept = max(len(strip.values_mv) - round(back_s * info.rate_hz), least)
    return Wave(
        info=info,
        start_sample=strip.start_sample,
        values_mv=strip.values_mv[:kept],
        beats=strip.beats,
        onsets=((event.onset_sample, event.alert.priority),),
    )
