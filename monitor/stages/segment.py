"""Cuts a window of the signal around every R peak, as the model bundle wants it.

Rules that hold here:

1. Every R peak gives exactly one window, in order, as soon as its signal is complete
   (and, if the bundle asks, the next R peak is known or can no longer be waited for).
2. Training cuts its windows with this same class, so the network meets in use what it
   learned on. Window values depend on the signal alone, not on how it was delivered.
3. Missing signal is bridged by straight lines. A window with too little real signal is not
   ``valid``; the classifier refuses it.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.messages import FloatArray, LeadState, RPeak, Samples, StreamInfo
from monitor.models.manifest import Manifest
from monitor.ring import Ring
from monitor.stages.bridging import bridged

KERNEL_HALF_S = 0.04  # half length of the anti-alias kernel: five lobes at 125 Hz
CUTOFF_HZ_PER_RATE = 0.36  # pass band edge as a share of the output rate: 45 Hz at 125 Hz
HISTORY_S = 8.0  # R peaks may be decided this late (search-back) and still get their window
QRS_S = 0.1  # around the R peak at least three quarters of the samples must be real
MIN_VALID_SHARE = 0.5  # of all samples of the window


@dataclass(frozen=True, slots=True, eq=False)
class BeatWindow:
    """The signal around one R peak.

    Parameters
    ----------
    rpeak
        The beat.
    values_mv
        Shape (length - pad,), float32: signal of the lead ``rpeak.lead`` at the rate of the
        bundle, median removed.
    rr_s
        Interval from the previous R peak; None after a start or a hole.
    following_rr_s
        Interval to the next R peak; None if the bundle does not wait for it or it did not
        come in time.
    valid
        Whether enough of the window is real signal to be labelled.
    second_lead, second_mv
        Another lead and its values at the same times, if the bundle takes two leads and the
        other is usable; else None.
    """

    rpeak: RPeak
    values_mv: FloatArray
    rr_s: float | None
    following_rr_s: float | None
    valid: bool
    second_lead: int | None = None
    second_mv: FloatArray | None = None


class Resampler:
    """Gives the values of a signal at the times of a beat window, band-limited.

    Windowed-sinc interpolation (Hann window, cut-off 0.36 of the output rate), evaluated
    directly at the wanted times: no phase, no state, any rate. The weights of each output
    sample add up to one, so a constant stays the constant.

    Parameters
    ----------
    rate_hz
        Rate of the signal.
    manifest
        Gives rate, length and position of the R peak of the window.
    """

    def __init__(self, rate_hz: float, manifest: Manifest) -> None:
        out_hz = manifest.rate_hz
        half_s = max(KERNEL_HALF_S * 125.0 / out_hz, 3.0 / rate_hz)
        count = manifest.length - manifest.pad
        position = (np.arange(count) - manifest.r_index) * (rate_hz / out_hz)
        reach = math.ceil(half_s * rate_hz)
        first = np.floor(position).astype(np.int64) - reach + 1
        taps = first[:, None] + np.arange(2 * reach)[None, :]
        distance_s = (taps - position[:, None]) / rate_hz
        cutoff_hz = min(CUTOFF_HZ_PER_RATE * out_hz, 0.45 * rate_hz)
        inside = np.abs(distance_s) < half_s
        weights = np.sinc(2.0 * cutoff_hz * distance_s) * inside
        weights *= np.cos(0.5 * np.pi * distance_s / half_s) ** 2
        self.before = int(-taps.min())
        self.after = int(taps.max())
        self._taps = taps + self.before
        self._weights = weights / weights.sum(axis=1, keepdims=True)

    def __call__(self, signal: NDArray[np.float64]) -> NDArray[np.float64]:
        """Resample ``signal``, (..., n): from R - ``before`` to R + ``after`` inclusive."""
        taken = signal.take(self._taps, axis=-1)
        taken *= self._weights
        return np.asarray(np.add.reduce(taken, axis=-1))


class Segmenter:
    """Cuts the window of every R peak out of the stream.

    Parameters
    ----------
    info
        The stream.
    manifest
        The window that the model wants.
    """

    def __init__(self, info: StreamInfo, manifest: Manifest) -> None:
        self._rate_hz = info.rate_hz
        self._manifest = manifest
        self._resample = Resampler(info.rate_hz, manifest)
        keep = self._resample.before + self._resample.after + math.ceil(HISTORY_S * info.rate_hz)
        self._recent = Ring(keep, len(info.leads), info.start_sample)
        self._holes: deque[int] = deque()  # samples at which the stream went on after a hole
        self._previous: int | None = None
        self._pending: deque[tuple[RPeak, float | None, float]] = deque()
        self._recent_rr_s = 0.8
        self._qrs = round(QRS_S * info.rate_hz)
        self._usable = [True] * len(info.leads)

    def push(
        self,
        block: Samples,
        rpeaks: list[RPeak],
        leads: tuple[LeadState, ...] | None = None,
    ) -> list[BeatWindow]:
        """Take one hop and the R peaks decided in it; give the windows now complete.

        ``leads`` are the states of the leads in this hop: a lead that is not ok is not taken
        as second lead of the windows that end here. Without them all are taken.
        """
        if leads is not None:
            self._usable = [state is LeadState.OK for state in leads]
        if len(block.values_mv) and block.start_sample != self._recent.end_sample:
            self._holes.append(block.start_sample)
        self._recent.write(block.start_sample, block.values_mv)
        self._enqueue(rpeaks)
        done: list[BeatWindow] = []
        while self._pending and self._complete():
            done.append(self._cut())
        return done

    def flush(self, rpeaks: list[RPeak] | None = None) -> list[BeatWindow]:
        """Give the windows still waiting, and those of the last ``rpeaks``, at the end."""
        self._enqueue(rpeaks or [])
        return [self._cut() for _ in range(len(self._pending))]

    def _enqueue(self, rpeaks: list[RPeak]) -> None:
        for rpeak in rpeaks:
            broken = False
            while self._holes and self._holes[0] <= rpeak.sample:
                broken = self._holes.popleft() > (self._previous or 0) or broken
            rr_s = None
            if self._previous is not None and not broken:
                rr_s = (rpeak.sample - self._previous) / self._rate_hz
                self._recent_rr_s += 0.25 * (min(rr_s, 2.0) - self._recent_rr_s)
            self._previous = rpeak.sample
            wait_s = min(
                self._manifest.following_rr * self._recent_rr_s, self._manifest.following_cap_s
            )
            self._pending.append((rpeak, rr_s, wait_s))

    def _complete(self) -> bool:
        rpeak, _, wait_s = self._pending[0]
        if self._recent.end_sample <= rpeak.sample + self._resample.after:
            return False
        if not wait_s or len(self._pending) > 1:
            return True
        return self._recent.end_sample >= rpeak.sample + wait_s * self._rate_hz

    def _cut(self) -> BeatWindow:
        rpeak, rr_s, wait_s = self._pending.popleft()
        following_rr_s = None
        if wait_s and self._pending and self._pending[0][1] is not None:
            interval_s = self._pending[0][1]
            following_rr_s = interval_s if interval_s <= wait_s else None
        leads = [rpeak.lead]
        second = 0 if rpeak.lead else 1
        if self._manifest.leads > 1 and second < len(self._usable) and self._usable[second]:
            leads.append(second)
        signal, valid = self._around(rpeak.sample, leads)
        values = self._resample(signal)
        values = (values - [[_median(row)] for row in values]).astype(np.float32)
        if len(leads) > 1 and valid[1]:
            return BeatWindow(rpeak, values[0], rr_s, following_rr_s, valid[0], second, values[1])
        return BeatWindow(rpeak, values[0], rr_s, following_rr_s, valid[0])

    def _around(self, sample: int, leads: list[int]) -> tuple[NDArray[np.float64], list[bool]]:
        """Give the signal from R - before to R + after of some leads, and which are valid.

        Shape (leads, n), mV; holes are bridged.
        """
        before, after = self._resample.before, self._resample.after
        wanted = self._recent.span(sample - before, sample + after + 1)[:, leads]
        signal = wanted.T.astype(np.float64, "C")
        valid = [True] * len(leads)
        if math.isfinite(np.add.reduce(signal, axis=None)):
            return signal, valid
        for k, row in enumerate(signal):
            known = np.isfinite(row)
            if known.all():
                continue
            near = known[max(before - self._qrs, 0) : before + self._qrs + 1]
            enough = known.sum() >= MIN_VALID_SHARE * len(row)
            valid[k] = bool(near.sum() >= 0.75 * len(near) and enough)
            signal[k] = bridged(row)
        return signal, valid


def _median(values: NDArray[np.float64]) -> float:
    """Median of finite values; several times faster than numpy's own for so few."""
    half = len(values) // 2
    if len(values) % 2:
        return float(np.partition(values, half)[half])
    part = np.partition(values, (half - 1, half))
    return float(part[half - 1] + part[half]) / 2.0
