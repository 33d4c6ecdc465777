"""Keeps the last seconds of the signal, as received and filtered."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

HISTORY_S = 6.0
HIGHEST = 6.0  # heights are clipped here, so that a spike does not hide the beats around it


def top_of(values: Array) -> float:
    """Give the highest of a few values; four times as fast as ``max`` for so few."""
    return float(values[values.argmax()])


class History:
    """Signal, band, envelope (per lead) and height (all leads together) of the last seconds.

    A *place* is an index into these arrays. The newest sample is at place ``at - 1`` and has the
    stream index ``end - 1``; ``valid_end`` is just past the last valid sample of any lead.
    :class:`monitor.ring.Ring` keeps the signal as received; this class keeps filtered float64
    values that change in place.

    Parameters
    ----------
    rate_hz
        Sampling rate.
    leads
        Number of leads.
    start_sample
        Stream index of the first sample that will come.
    """

    def __init__(self, rate_hz: float, leads: int, start_sample: int) -> None:
        self.keep = round(HISTORY_S * rate_hz)
        size = 2 * self.keep  # small enough to stay in the cache
        self.signal = np.zeros((leads, size))  # mV
        self.band = np.zeros((leads, size))  # mV
        self.envelope = np.zeros((leads, size))  # mV/s
        self.height = np.zeros(size)  # in units of the typical QRS
        self.at = self.keep
        self.end = start_sample
        self.valid_end = start_sample

    def index(self, place: int) -> int:
        """Stream index of a place."""
        return place - self.at + self.end

    def place(self, index: int) -> int:
        """Place of a stream index."""
        return index + self.at - self.end

    def grow(self, n: int) -> None:
        """Make room for the next ``n`` samples; the caller fills them in. Places may move."""
        if self.at + n > len(self.height):
            moved = self.at - self.keep
            for array in (self.signal, self.band, self.envelope, self.height):
                array[..., : self.keep] = array[..., moved : self.at]
            self.at = self.keep
        self.at += n
        self.end += n

    def recent(self, lead: int, n: int) -> Array:
        """Envelope of a lead over the last ``n`` samples."""
        return self.envelope[lead, self.at - n : self.at]

    def tops(self, lead: int, n: int) -> tuple[float, float]:
        """Highest envelope of a lead in the two halves of the last ``n`` samples."""
        recent = self.recent(lead, n)
        return float(recent[: n // 2].max()), float(recent[n // 2 :].max())

    def rescale(self, scale: Sequence[float], n: int | None = None) -> None:
        """Combine the leads again: the height of the last ``n`` samples, or of all."""
        start = 0 if n is None else self.at - n
        height, envelope = self.height[start : self.at], self.envelope[:, start : self.at]
        np.multiply(envelope[0], scale[0], out=height)
        for lead in range(1, len(scale)):
            height += envelope[lead] * scale[lead]
        np.minimum(height, HIGHEST, out=height)

    def tops_apart(
        self, start: int, stop: int, apart: int, least: float, lead: int | None = None
    ) -> list[int]:
        """Find places in [start, stop) above ``least`` that are the highest within ``apart``.

        It looks at the height, or at the envelope of ``lead``; ``apart`` is in samples.
        """
        height = self.height if lead is None else self.envelope[lead]
        found, open_parts = [], [(start, stop)]
        while open_parts:
            start, stop = open_parts.pop()
            if start >= stop:
                continue
            place = start + int(height[start:stop].argmax())
            top = height[place]
            if top <= least:
                continue
            around = height[place - apart : place + apart + 1]
            if height[place - 1] < top >= top_of(around):
                found.append(place)
            open_parts += (place + apart + 1, stop), (start, place - apart)
        return sorted(found)
