"""Writes a strip for each alert of a recording, from the signal that comes with the alert."""

from __future__ import annotations

from collections import deque
from pathlib import Path

from monitor.errors import MonitorError
from monitor.messages import Alert, AlertState, Beat, Event, Samples, Snippet, StreamInfo
from monitor.pictures.strip import Lead, Mark, strip
from monitor.pictures.svg import svg
from monitor.sinks.lines import clock_text

SETTLED_S = 3.0  # beats are labelled well before this
KEPT_BEATS = 200
SHOWN_LEADS = 3


class AlertStrips:
    """Takes what a recording gives, and writes ``NAME_0007_vt.svg`` for its seventh alert, a VT.

    Parameters
    ----------
    folder
        Where the pictures go.
    name
        Of the recording.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = name
        self._info: StreamInfo | None = None
        self._beats: deque[Beat] = deque(maxlen=KEPT_BEATS)
        self._raised: dict[int, Alert] = {}
        self._waiting: deque[Snippet] = deque()
        self._written = 0

    def take(self, item: StreamInfo | Samples | Event) -> None:
        """Take the stream, a piece of its signal, or an event.

        Raises
        ------
        MonitorError
            If a picture cannot be written.
        """
        match item:
            case StreamInfo():
                self._info = item
            case Beat():
                self._beats.append(item)
                self._draw_settled(item.sample)
            case Alert() if item.state is AlertState.RAISED:
                self._raised[item.id] = item
            case Snippet():
                self._waiting.append(item)
            case _:
                pass

    def finish(self) -> None:
        """Write the pictures that still wait for beats.

        Raises
        ------
        MonitorError
            If a picture cannot be written.
        """
        while self._waiting:
            self._draw(self._waiting.popleft())

    def _draw_settled(self, sample: int) -> None:
        assert self._info is not None
        settled = sample - SETTLED_S * self._info.rate_hz
        while self._waiting and self._waiting[0].end_sample <= settled:
            self._draw(self._waiting.popleft())

    def _draw(self, snippet: Snippet) -> None:
        assert self._info is not None
        alert = self._raised.pop(snippet.alert_id)
        rate_hz, start = self._info.rate_hz, snippet.start_sample
        marks = [
            Mark((beat.sample - start) / rate_hz, beat.label.value, beat.rr_s)
            for beat in sorted(self._beats, key=lambda beat: beat.sample)
            if start <= beat.sample < snippet.end_sample
        ]
        names = self._info.ecg.leads[: min(SHOWN_LEADS, snippet.values_mv.shape[1])]
        leads = [Lead(name, snippet.values_mv[:, i]) for i, name in enumerate(names)]
        first_s = (start - self._info.start_sample) / rate_hz
        last_s = first_s + len(snippet.values_mv) / rate_hz
        note = f"{self._name}   {clock_text(first_s)} to {clock_text(last_s)}"
        title = f"{alert.text}   ({alert.priority})"
        onset_s = (alert.onset_sample - start) / rate_hz
        span = (onset_s, (alert.sample - start) / rate_hz)
        drawing = strip(leads, rate_hz, marks, title, note, span)
        self._written += 1
        path = self._folder / f"{self._name}_{self._written:04d}_{alert.kind}.svg"
        try:
            path.write_text(svg(drawing), encoding="utf-8")
        except OSError as error:
            raise MonitorError(f"cannot write {path}: {error.strerror or error}") from error
