"""Gives each lead its state, with hysteresis in time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from monitor.config import QualitySettings
from monitor.messages import LeadState, Quality, Samples, StreamInfo
from monitor.stages.bridging import bridged
from monitor.stages.hop_rows import HopRow
from monitor.stages.quality.contact import Contact, Runs
from monitor.stages.quality.measures import Measured, Meter
from monitor.stages.quality.noise import Noise
from monitor.stages.quality.texture import Texture
from monitor.stages.steps import Steps, run_alone


class QualityGate:
    """Judges every lead of one stream, hop by hop.

    Parameters
    ----------
    info
        The stream; its rate and number of leads are used.
    settings
        Limits; see :class:`monitor.config.QualitySettings`.
    """

    def __init__(self, info: StreamInfo, settings: QualitySettings) -> None:
        self._rate_hz = info.rate_hz
        self._meter = Meter(info.rate_hz, len(info.leads))
        self._leads = [_Lead(info.rate_hz, settings) for _ in info.leads]
        self._end_sample: int | None = None

    def push(self, block: Samples) -> Quality:
        """Judge one hop; ``block.values_mv`` has shape (n, leads), mV, NaN where missing."""
        return self.push_row(HopRow([block]))[0]

    def push_row(self, row: HopRow) -> list[Quality]:
        """Judge hops in order; the result is that of each hop by itself."""
        return run_alone(self.steps(row))

    def steps(self, row: HopRow) -> Steps[list[Quality]]:
        """Like :meth:`push_row`, but what is measured may be so for many streams together.

        Of each lead, two seconds of signal and a few numbers are kept.
        """
        if row.start_sample != self._end_sample:
            self._meter.forget()
            for lead in self._leads:
                lead.forget()
        self._end_sample = row.end_sample
        values, whole = row.values, row.whole
        leads, hops, _ = values.shape
        filled = values
        if not all(whole):
            filled = values.copy()
            for k in (k for k in range(hops) if not whole[k]):
                before = filled[:, k - 1, -1] if k else self._meter.last_mv
                for at in range(leads):
                    filled[at, k] = bridged(values[at, k], before[at])
        measured: Measured = yield self._meter.inputs(filled)
        self._meter.take(filled, measured)
        runs = measured.runs
        verdicts = []
        for k, block in enumerate(row.blocks):
            texture = measured.textures[k]
            states = tuple(
                [
                    judge.push(
                        values[at, k],
                        runs[at * hops + k] if whole[k] else None,
                        texture[at] if texture else None,
                    )
                    for at, judge in enumerate(self._leads)
                ]
            )
            verdicts.append(
                Quality(
                    stream=block.stream,
                    sample=block.start_sample,
                    end_sample=block.end_sample,
                    leads=states,
                    usable=LeadState.OK in states,
                )
            )
        return verdicts


class _Lead:
    """The state of one lead, and for how long it has been noisy or good."""

    def __init__(self, rate_hz: float, settings: QualitySettings) -> None:
        self._rate_hz = rate_hz
        self._settings = settings
        self._contact = Contact(rate_hz, settings)
        self._noise = Noise(settings)
        self._state = LeadState.OK
        self.forget()

    def forget(self) -> None:
        """Drop what a hole invalidates. The state stays: the samples after the hole change it."""
        self._contact.forget()
        self._noise.forget()
        self._noisy_s = 0.0
        self._good_s = 0.0

    def push(self, x: NDArray[np.float64], runs: Runs | None, texture: Texture | None) -> LeadState:
        """Take the samples of one hop (n,) and, once known, the texture of the last seconds.

        ``runs`` are those of the hop; None if samples are missing.
        """
        hop_s = len(x) / self._rate_hz
        finding = self._contact.push(x, runs, hop_s, texture)
        if finding is None:
            return self._state
        if finding is not LeadState.OK:
            self._noise.forget()
        elif texture is not None:
            finding = self._noise.push(hop_s, texture)
        if finding is LeadState.OK:
            self._noisy_s = max(0.0, self._noisy_s - hop_s)
            self._good_s += hop_s
            if self._good_s >= self._settings.recover_s:
                self._state = LeadState.OK
            return self._state
        self._good_s = 0.0
        if finding is LeadState.NOISY:
            self._noisy_s += hop_s
            if self._noisy_s < self._settings.noise_s and self._state is LeadState.OK:
                return self._state
        self._state = finding
        return self._state
