"""The last seconds of the signal and of what the filters make of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

HISTORY_S = 6.0
HIGHEST = 6.0  # heights are cut here, so that a spike does not reign over its surroundings


def top_of(values: Array) -> float:
    """Give the highest of some values, in a quarter of the time that ``max`` takes for so few."""
    return float(values[values.argmax()])


class History:
    """Signal, band, envelope (per lead) and height (all leads together) of the last seconds.

    A *place* is an index into these arrays; the newest sample is at ``at - 1`` and has the
    stream index ``end - 1``.

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
        size = 2 * self.keep  # little memory stays in the cache
        self.signal = np.zeros((leads, size))  # mV
        self.band = np.zeros((leads, size))  # mV
        self.envelope = np.zeros((leads, size))  # mV/s
        self.height = np.zeros(size)  # in units of the typical QRS
        self.at = self.keep
        self.end = start_sample

    def grow(self, n: int) -> int:
        """Make room for the next ``n`` samples, which are the caller's to fill in.

        Returns
        -------
        int
            By how much all earlier places became smaller.
        """
        moved = 0
        if self.at + n > len(self.height):
            moved = self.at - self.keep
            for array in (self.signal, self.band, self.envelope, self.height):
                array[..., : self.keep] = array[..., moved : self.at]
            self.at = self.keep
        self.at += n
        self.end += n
        return moved

    def recent(self, lead: int, n: int) -> Array:
        """Envelope of a lead over the last ``n`` samples."""
        return self.envelope[lead, self.at - n : self.at]

    def tops(self, lead: int, n: int) -> tuple[float, float]:
        """Highest envelope of a lead in the two halves of the last ``n`` samples."""
        recent = self.recent(lead, n)
        return float(recent[: n // 2].max()), float(recent[n // 2 :].max())

    def rescale(self, scale: Sequence[float], n: int | None = None) -> None:
        """Put the leads together anew: the height of the last ``n`` samples, or of all."""
        start = 0 if n is None else self.at - n
        height, envelope = self.height[start : self.at], self.envelope[:, start : self.at]
        np.multiply(envelope[0], scale[0], out=height)
        for lead in range(1, len(scale)):
            height += envelope[lead] * scale[lead]
        np.minimum(height, HIGHEST, out=height)

    def tops_apart(
        self, start: int, stop: int, apart: int, least: float, lead: int | None = None
    ) -> list[int]:
        """Places in [start, stop) above ``least`` that are the highest within ``apart`` samples.

        Of the height, or of the envelope of one lead.
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
