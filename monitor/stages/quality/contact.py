"""Finds leads without contact: missing, constant, railed and pinned samples."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.config import QualitySettings
from monitor.messages import LeadState
from monitor.stages.quality.texture import Texture

# A baseline that stands still this long between beats comes from a coarse converter, on which
# asystole may be constant too; so many such rests within some minutes prove it.
REST_S = 0.1
RESTS = 5.0
REST_HALF_LIFE_S = 60.0
# After the rails an amplifier glides back: a swing this many times the beats in it, and more
# than this part of the way between the rails, is that glide and not asystole.
GLIDE_RATIO = 10.0
GLIDE_PART = 0.01
GLIDE_MAX_S = 10.0


class Runs(NamedTuple):
    """The extremes of the samples of a hop, and its runs of equal samples."""

    high: float
    low: float
    first: float
    last: float
    changes: int  # samples unlike their predecessor
    before: int  # samples before the first change
    after: int  # samples after the last change, and with it


def runs_of(x: NDArray[np.float64]) -> list[Runs]:
    """Give those of each row of samples, shape (rows, n)."""
    n = x.shape[1]
    moved = x[:, 1:] != x[:, :-1]
    changes: list[int] = np.add.reduce(moved, 1, dtype=np.intp).tolist()
    before = after = [0] * len(x)
    if n > 1:
        before, after = moved.argmax(axis=1).tolist(), moved[:, ::-1].argmax(axis=1).tolist()
    highest, lowest = np.maximum.reduce(x, 1).tolist(), np.minimum.reduce(x, 1).tolist()
    rows = zip(highest, lowest, x[:, 0].tolist(), x[:, -1].tolist(), strict=True)
    return [
        Runs(*row, count, before[k] + 1 if count else n, after[k] + 1 if count else n)
        for k, (row, count) in enumerate(zip(rows, changes, strict=True))
    ]


class Contact:
    """Finds samples that no electrode gave; one lead.

    Parameters
    ----------
    rate_hz
        Of the stream.
    settings
        ``hold_s``, ``missing_s``, ``constant_s``, ``coarse_constant_s``, ``lead_off_s``,
        ``pinned_fraction`` and ``hum_mv`` are used.

    Notes
    -----
    The rails of the converter are not known. The highest and the lowest sample so far stand for
    them; a signal is pinned while it repeats one of these exactly. The tops of
    clipped QRS complexes are pinned too, but only for a small part of every second.
    """

    def __init__(self, rate_hz: float, settings: QualitySettings) -> None:
        self._rate_hz = rate_hz
        self._settings = settings
        self._top = -np.inf
        self._bottom = np.inf
        self._rests = 0.0
        self.forget()

    def forget(self) -> None:
        """Drop what a hole invalidates; the converter behind it is still the same."""
        self._last = np.nan
        self._run = 0  # samples equal to their predecessor, up to now
        self._missing_s = 0.0
        self._pinned_s = 0.0
        self._glide_s = 0.0

    def push(
        self,
        x: NDArray[np.float64],
        runs: Runs | None,
        hop_s: float,
        texture: Texture | None,
    ) -> LeadState | None:
        """Judge one hop, shape (n,), NaN where missing; None if there is nothing to judge.

        ``runs`` are those of the hop if no sample is missing.
        """
        settings = self._settings
        keep = max(0.0, 1.0 - hop_s / settings.hold_s)
        self._missing_s *= keep
        if runs is None:
            known = ~np.isnan(x)
            missing = len(x) - int(np.count_nonzero(known))
            self._missing_s += missing / self._rate_hz
            if self._missing_s > settings.missing_s:
                self._last, self._run, self._pinned_s, self._glide_s = np.nan, 0, 0.0, 0.0
                return LeadState.INVALID
            if missing == len(x):  # a lead that never gave a sample is not good
                return LeadState.INVALID if self._top < self._bottom else None
            x = x[known]
            runs = runs_of(x[None])[0]
        self._follow(x, runs, hop_s, keep)
        return self._judge(hop_s, texture)

    def _follow(self, x: NDArray[np.float64], runs: Runs, hop_s: float, keep: float) -> None:
        """Update runs of equal samples, the rails and the time spent at them."""
        high, low, first, last, changes, before, after = runs
        n = len(x)
        if high > self._top or low < self._bottom:
            self._pinned_s = 0.0  # so the old one was no rail
            self._top, self._bottom = max(self._top, high), min(self._bottom, low)
        self._pinned_s *= keep
        self._rests *= 0.5 ** (hop_s / REST_HALF_LIFE_S)
        if high == low == self._last:
            self._run += n
        else:
            run = self._run + before if first == self._last else self._run
            rest = REST_S * self._rate_hz
            limit = self._settings.constant_s * self._rate_hz
            # a run at a rail says nothing about how fine the converter is
            if rest <= run < limit and self._last not in (self._top, self._bottom):
                self._rests += 1.0
            if changes > 1 and n - changes >= rest:  # else too few are equal
                places = np.flatnonzero(x[1:] != x[:-1])
                if int((places[1:] - places[:-1]).max()) >= rest:
                    self._rests += 1.0
            self._run = after
        if self._bottom < self._top and (high == self._top or low == self._bottom):
            same = x[1:] == x[:-1]
            rail = (x[1:] == self._top) | (x[1:] == self._bottom)
            self._pinned_s += int(np.count_nonzero(same & rail)) / self._rate_hz
        self._last = last

    def _judge(self, hop_s: float, texture: Texture | None) -> LeadState:
        settings = self._settings
        constant_s = self._run / self._rate_hz
        coarse = self._rests >= RESTS
        railed = self._bottom < self._top and self._last in (self._top, self._bottom)
        if constant_s >= settings.lead_off_s and railed:
            self._glide_s = GLIDE_MAX_S
            return LeadState.LEAD_OFF
        longest_s = settings.coarse_constant_s if coarse else settings.constant_s
        if constant_s >= longest_s and not railed:
            return LeadState.FLAT
        if not coarse and self._pinned_s >= settings.pinned_fraction * settings.hold_s:
            self._glide_s = GLIDE_MAX_S
            return LeadState.SATURATED
        if texture is not None:
            if texture.fine > max(settings.hum_mv, 0.9 * texture.peak):
                return LeadState.LEAD_OFF
            if self._glide_s > 0.0:
                part = GLIDE_PART * (self._top - self._bottom)
                if texture.swing > max(GLIDE_RATIO * texture.peak, part):
                    self._glide_s -= hop_s
                    return LeadState.SATURATED
                self._glide_s = 0.0
        return LeadState.OK
