"""What one browser is sent next. Pure.

Rules:

1. Nothing is queued for a browser. Its viewer knows how far it was told; each call gives what is
   new since, once. A browser that takes its frames slowly is asked for less often, and what it
   missed comes together: numbers and alarms always in full, signal as far as :data:`CATCH_UP_S`.
2. The first call gives the whole ward, so a browser that comes back has no hole in its list.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import numpy as np

from monitor.web.alarm_list import row_fields
from monitor.web.bed import Bed
from monitor.web.frames import Piece, encode
from monitor.web.ward import Ward

CATCH_UP_S = 3.0
FILL_S = 10.0  # of signal that a browser begins with
TILE_RATE_HZ = 250.0  # a tile shows no more; the bedside page gets every sample
TICK_S = 1.0
MAX_LEADS = 3
MAX_BEATS = 100  # a browser begins with


@dataclass(slots=True)
class _Told:
    """How far a browser was told of one bed."""

    version: int = 0
    begun: int = -1
    sample: int = 0


@dataclass(slots=True)
class _Watched:
    """The bed whose page is open, and how far its browser was told."""

    name: str
    leads: tuple[int, ...]
    begun: int = -1
    beat: int = 0
    number: int = -1
    change: int = -1


@dataclass(slots=True)
class Viewer:
    """Decides for one browser.

    Parameters
    ----------
    ward
        What is known; read only.
    """

    ward: Ward
    _told: dict[int, _Told] = field(default_factory=dict)
    _watched: _Watched | None = None
    _gone: int = -1
    _ticked_s: float = -TICK_S
    _lost: bool = False

    def watch(self, name: str | None, leads: tuple[int, ...] = (0, 1)) -> None:
        """Open the page of a bed, or the ward (None)."""
        if name is None:
            self._watched = None
        else:
            self._watched = _Watched(name, tuple(lead for lead in leads if lead >= 0)[:MAX_LEADS])
        for told in self._told.values():
            told.begun = -1  # the traces of the new page begin filled

    def frames(self, now_s: float, wall_ms: int) -> list[str | bytes]:
        """Give the frames to send now, in order: JSON as text, signal as bytes."""
        out: list[str | bytes] = []
        lost = self.ward.lost(now_s)
        if now_s - self._ticked_s >= TICK_S or lost != self._lost:
            self._ticked_s, self._lost = now_s, lost
            out.append(_text({"type": "tick", "wall_ms": wall_ms, **self._service(lost)}))
        if self._gone != self.ward.gone:
            self._gone = self.ward.gone
            there = {bed.number for bed in self.ward.beds.values()}
            self._told = {n: told for n, told in self._told.items() if n in there}
            out.append(_text({"type": "ward", "names": list(self.ward.beds)}))
        beds = [bed for bed in self.ward.beds.values() if self._is_new(bed)]
        if beds:
            out.append(_text({"type": "beds", "beds": [bed.fields() for bed in beds]}))
        bed = self.ward.beds.get(self._watched.name) if self._watched else None
        if self._watched is not None and bed is not None:
            out += self._page(self._watched, bed)
            pieces = [self._piece(bed, self._watched.leads)]
        else:
            pieces = [self._piece(bed, (0,)) for bed in self.ward.beds.values()]
        new = [piece for piece in pieces if piece is not None]
        if new and not lost:
            out.append(encode(new))
        return out

    def _service(self, lost: bool) -> dict[str, object]:
        service = self.ward.service
        return {
            "lost": lost,
            "heard": service.heard_s is not None,
            "endpoint": service.endpoint,
            "publisher": service.publisher,
            "problem": service.problem,
            "late": service.late,
            "turned_away": service.turned_away,
        }

    def _is_new(self, bed: Bed) -> bool:
        told = self._told.setdefault(bed.number, _Told())
        if told.version == bed.version:
            return False
        told.version = bed.version
        return True

    def _page(self, watched: _Watched, bed: Bed) -> list[str | bytes]:
        """Give the new beats and the rows of the alarm list that have changed."""
        out: list[str | bytes] = []
        if watched.number != bed.number:  # another bed of the same name
            watched.number, watched.begun, watched.change = bed.number, -1, -1
        if watched.begun != bed.begun:
            watched.begun, watched.beat = bed.begun, 0
        beats = bed.beats.after(watched.beat, MAX_BEATS)
        watched.beat = bed.beats.count
        if beats:
            fields = {"name": bed.name, "begun": bed.begun, "beats": beats}
            out.append(_text({"type": "beats", **fields}))
        if watched.change != bed.alarms.change:
            whole = watched.change < bed.alarms.forgotten
            rows = [row_fields(row) for row in bed.alarms.after(watched.change)]
            watched.change = bed.alarms.change
            out.append(_text({"type": "events", "name": bed.name, "whole": whole, "rows": rows}))
        return out

    def _piece(self, bed: Bed, leads: tuple[int, ...]) -> Piece | None:
        """Give the signal of a bed since the last frame; None if there is none."""
        if bed.info is None or bed.ring is None:
            return None
        columns = [lead for lead in leads if lead < len(bed.info.leads)] or [0]
        tile = self._watched is None
        step = max(1, int(bed.info.rate_hz // TILE_RATE_HZ)) if tile else 1
        told, end = self._told.setdefault(bed.number, _Told()), bed.ring.end_sample
        if told.begun != bed.begun:
            told.begun = bed.begun
            told.sample = max(bed.ring.first_sample, end - round(FILL_S * bed.info.rate_hz))
        elif end - told.sample > CATCH_UP_S * bed.info.rate_hz:
            told.sample = end - round(bed.info.rate_hz)
        start = -(-told.sample // step) * step
        if start >= end:
            return None
        values = bed.ring.span(start, end)[::step]
        told.sample = start + len(values) * step
        chosen = np.ascontiguousarray(values[:, columns])
        return Piece(bed.number, bed.begun, start, step, chosen)


def _text(fields: dict[str, object]) -> str:
    return json.dumps(fields, separators=(",", ":"), allow_nan=False)
