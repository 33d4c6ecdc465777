"""Make rhythms that the training patients did not have, from their own beats.

The training half of the MIT-BIH database has two patients in atrial fibrillation and six with
more than a few atrial premature beats; a network learns those patients, not the rhythm.
Here the beats of every training patient are cut out, straightened, and set again at the
intervals of another rhythm:

- ``af``: unrelated intervals, no P waves, fibrillatory waves; premature is not ectopic there.
- ``pac``: sinus rhythm with premature atrial beats, alone and in runs, whose P waves are
  inverted, shifted, enlarged, lost in the T wave or unchanged; and with ventricular beats.
- ``sick``: slow sinus beats and pauses between runs of atrial beats, which may outnumber them.
- ``sinus``: respiratory arrhythmia, drifts and jumps of the rate, pauses; all beats normal.
- ``mixed``: these four in turn, some minutes each, for paroxysms confuse a running context.
- ``step``: sinus rhythm whose rate rises or falls within a few beats and stays there; normal,
  but for single premature beats and atrial runs, much faster or of other P waves.

QRS complexes, T waves and ventricular beats stay the patient's own.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tools.data.rhythm_plans import PLANS, Plan

RHYTHMS = ("af", "pac", "sick", "sinus", "mixed", "step")
BEATS = 500  # of each made stream
LEAD_IN_S = 0.28  # cut before the R peak: P wave included
TAIL_S = 0.45  # cut after the R peak: T wave included
P_END_S = 0.06  # before the R peak the P wave part ends


class Pieces:
    """The beats of a record, cut out and straightened so that they begin and end at zero."""

    def __init__(
        self,
        signal: NDArray[np.float64],
        rate_hz: float,
        peaks: NDArray[np.int64],
        symbols: list[str],
    ) -> None:
        self.rate_hz = rate_hz
        self._signal = signal
        self._peaks = peaks
        before = np.diff(peaks, prepend=peaks[0] - 2 * round(rate_hz)) / rate_hz
        after = np.diff(peaks, append=peaks[-1] + round(rate_hz)) / rate_hz
        inside = (peaks > 0.5 * rate_hz) & (peaks < len(signal) - 0.7 * rate_hz)
        kind = np.array(["V" if s in "VE" else "N" if s in "NLR" else "-" for s in symbols])
        whole = inside & (before > 0.42) & (after > 0.5)
        self.normal = np.flatnonzero((kind == "N") & whole)
        self.ventricular = np.flatnonzero((kind == "V") & inside & (after > 0.4))
        self._after = after

    def cut(self, beat: int, plan: Plan) -> tuple[NDArray[np.float64], int]:
        """Give one beat, and the position of its R peak in it."""
        rate = self.rate_hz
        lead_in = round(LEAD_IN_S * rate)
        tail = round(min(TAIL_S, float(self._after[beat]) - 0.12) * rate)
        peak = int(self._peaks[beat])
        piece = self._signal[peak - lead_in : peak + tail].copy()  # (samples, leads)
        edge = max(2, round(0.02 * rate))
        piece -= np.linspace(piece[:edge].mean(axis=0), piece[-edge:].mean(axis=0), len(piece))
        end = lead_in - round(P_END_S * rate)
        if plan.symbol != "V" and (plan.p_gain != 1.0 or plan.p_shift_s):
            part = piece[:end]
            line = np.linspace(part[:edge].mean(axis=0), part[-edge:].mean(axis=0), len(part))
            wave = (part - line) * np.hanning(len(part) + 2)[1:-1, None] ** 0.25
            shift = round(plan.p_shift_s * rate)
            moved = np.zeros_like(wave)
            if shift >= 0:
                moved[: len(wave) - shift] = wave[shift:]
            else:
                moved[-shift:] = wave[:shift]
            piece[:end] = line + plan.p_gain * moved
        taper = np.ones(len(piece))
        taper[:edge] = np.linspace(0, 1, edge)
        taper[-edge:] = np.linspace(1, 0, edge)
        return piece * taper[:, None], lead_in


def make(
    rhythm: str,
    signal: NDArray[np.float64],
    rate_hz: float,
    peaks: NDArray[np.int64],
    symbols: list[str],
    rng: np.random.Generator,
) -> tuple[NDArray[np.float64], NDArray[np.int64], list[str]] | None:
    """Set the beats of a record in another rhythm; None if it has too few normal beats.

    Parameters
    ----------
    rhythm
        One of :data:`RHYTHMS`.
    signal
        Shape (samples, leads), in mV.
    peaks, symbols
        Reference R peaks and beat symbols.

    Returns
    -------
    Signal, R peaks and symbols of the made stream.
    """
    pieces = Pieces(signal, rate_hz, peaks, symbols)
    if len(pieces.normal) < 100:
        return None
    plans = PLANS[rhythm](rng, len(pieces.ventricular) >= 10)
    count = 2 * BEATS if rhythm == "mixed" else BEATS
    canvas = np.zeros((round(count * 2.3 * rate_hz), signal.shape[1]))
    fibrillates = np.zeros(len(canvas), bool)
    made: list[int] = []
    labels: list[str] = []
    at = rate_hz
    pointer = int(rng.integers(len(pieces.normal)))
    for _ in range(count):
        plan = next(plans)
        pointer = (pointer + int(rng.integers(1, 4))) % len(pieces.normal)
        beat = int(pieces.normal[pointer])
        if plan.symbol == "V":
            beat = int(rng.choice(pieces.ventricular))
        at += plan.rr_s * rate_hz
        piece, lead_in = pieces.cut(beat, plan)
        start = round(at) - lead_in
        if start + len(piece) + rate_hz > len(canvas):
            break
        canvas[start : start + len(piece)] += piece
        if plan.fibrillation:
            fibrillates[round(at - plan.rr_s * rate_hz) : round(at)] = True
        made.append(start + lead_in)
        labels.append(plan.symbol)
    length = round(made[-1] + rate_hz)
    if fibrillates.any():
        waves = _fibrillation(length, rate_hz, signal, peaks, rng)
        canvas[:length] += waves * fibrillates[:length, None]
    return canvas[:length], np.array(made, np.int64), labels


def _fibrillation(
    length: int,
    rate_hz: float,
    signal: NDArray[np.float64],
    peaks: NDArray[np.int64],
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    size = np.median(np.abs(signal[peaks] - np.median(signal, axis=0)), axis=0)  # (leads,)
    knots = np.arange(0, length + 2 * rate_hz, 0.7 * rate_hz)
    rate = np.interp(np.arange(length), knots, rng.uniform(4.5, 8.5, len(knots)))
    level = np.interp(np.arange(length), knots, rng.uniform(0.3, 1.0, len(knots)))
    phase = 2 * np.pi * np.cumsum(rate) / rate_hz
    wave = np.sin(phase) + 0.4 * np.sin(2 * phase + 1.0)
    strength = rng.uniform(0.0, 0.12, signal.shape[1])
    return np.asarray((level * wave)[:, None] * strength * size)
