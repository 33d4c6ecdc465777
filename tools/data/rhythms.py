"""Rhythms that the training patients did not have, made of beats that they did have.

The training half of the MIT-BIH database has two patients in atrial fibrillation and six with
more than a few atrial premature beats; a network learns those patients, not the rhythm.
Here the beats of every training patient are cut out, straightened, and set again at the
intervals of another rhythm:

- ``af``: unrelated intervals, no P waves, fibrillatory waves; premature is not ectopic there.
- ``pac``: sinus rhythm with premature atrial beats, alone and in runs, whose P waves are
  inverted, shifted, enlarged, lost in the T wave or unchanged; and with ventricular beats, some of
  them interpolated. At times the premature beats come in turn with normal ones, as in bigeminy.
- ``sick``: slow sinus beats and pauses between runs of atrial beats, which may outnumber them.
- ``sinus``: respiratory arrhythmia, drifts and jumps of the rate, pauses; all beats normal.
- ``mixed``: these four in turn, some minutes each, for paroxysms confuse a running context.
- ``step``: sinus rhythm whose rate rises or falls within a few beats and stays there; normal,
  but for single premature beats and atrial runs, much faster or of other P waves.

QRS complexes, T waves and ventricular beats stay the patient's own.

This file is long because it is the list of all made rhythms, a small function each.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RHYTHMS = ("af", "pac", "sick", "sinus", "mixed", "step")
BEATS = 500  # of each made stream
LEAD_IN_S = 0.28  # cut before the R peak: P wave included
TAIL_S = 0.45  # cut after the R peak: T wave included
STEP = 0.35  # largest change of log RR that is still taken for the sinus node's own
IN_TURN = 0.01  # probability at a beat that premature beats begin to come in turn
RUN_RATIO = 0.7  # of RR, below which a sudden lasting change is an atrial run whatever its P wave
P_END_S = 0.06  # before the R peak the P wave part ends


@dataclass(frozen=True, slots=True)
class Plan:
    """One beat to be set: its class (N, A, V), the interval before it, its P wave."""

    symbol: str
    rr_s: float
    p_gain: float = 1.0
    p_shift_s: float = 0.0
    fibrillation: bool = False  # of the atria, around this beat


def _premature_p(rng: np.random.Generator) -> tuple[float, float]:
    kind = rng.integers(5)
    gain = (1.0, -0.8, 0.0, 1.6, 0.6)[kind] * rng.uniform(0.7, 1.3)
    return float(gain), float(rng.uniform(-0.04, 0.06))


def plan_af(rng: np.random.Generator, ventricular: bool) -> Iterator[Plan]:
    """Atrial fibrillation; the rate drifts."""
    spread = rng.uniform(0.12, 0.32)
    v_share = rng.uniform(0.0, 0.12) if ventricular else 0.0
    level = np.log(rng.uniform(0.5, 1.0))
    drift = 0.0
    while True:
        drift += rng.normal(0, 0.01) - 0.005 * drift
        rr_s = float(np.exp(level + drift + spread * rng.standard_normal()))
        if rng.random() < v_share:
            yield Plan("V", max(0.32, rr_s * rng.uniform(0.55, 0.95)), 0.0, 0.0, True)
        else:
            yield Plan("N", min(max(0.34, rr_s), 2.2), 0.0, 0.0, True)


def _behind_v(rng: np.random.Generator, usual_s: float, ratio: float) -> float:
    """Give the RR interval behind a ventricular beat.

    The pause is compensatory, or the beat is interpolated between two sinus beats that come in
    time, or the sinus node is reset.
    """
    kind = rng.random()
    interpolated_s = usual_s * (rng.uniform(1.0, 1.12) - ratio)
    if kind < 0.5 and interpolated_s > 0.35:
        return float(interpolated_s)
    return float(usual_s * (2.0 - ratio if kind < 0.8 else rng.uniform(0.6, 1.2)))


def _in_turn(rng: np.random.Generator, base: float, ventricular: bool) -> Iterator[Plan]:
    """Bigeminy, trigeminy, quadrigeminy: a premature beat behind every one, two or three."""
    between = int(rng.integers(1, 4))
    ratio = rng.uniform(0.5, 0.88)
    gain, shift = _premature_p(rng)
    is_v = ventricular and rng.random() < 0.4
    pause = rng.uniform(1.0, 1.3)
    for _ in range(int(rng.integers(5, 41))):
        base *= float(np.exp(rng.normal(0, 0.01)))
        now = ratio * float(np.exp(rng.normal(0, 0.03)))
        if is_v:
            yield Plan("V", max(0.3, base * now), 0.0)
            yield Plan("N", _behind_v(rng, base, now))
        else:
            yield Plan("A", max(0.3, base * now), gain, shift)
            yield Plan("N", base * pause * float(np.exp(rng.normal(0, 0.02))))
        for _ in range(between - 1):
            yield Plan("N", base * float(np.exp(rng.normal(0, 0.02))))


def plan_pac(rng: np.random.Generator, ventricular: bool) -> Iterator[Plan]:
    """Sinus rhythm with atrial and ventricular premature beats, in turn too, and atrial runs."""
    base = rng.uniform(0.6, 1.15)
    depth = rng.uniform(0.01, 0.06)
    s_share = float(np.exp(rng.uniform(np.log(0.02), np.log(0.35))))
    v_share = rng.uniform(0.0, 0.15) if ventricular else 0.0
    phase = 0.0
    rr_s = base
    while True:
        phase += rr_s * 2 * np.pi * 0.25
        base *= float(np.exp(rng.normal(0, 0.004) - 0.01 * np.log(base / 0.85)))
        normal = base * (1 + depth * np.sin(phase) + rng.normal(0, 0.01))
        choice = rng.random()
        if rng.random() < IN_TURN:
            yield from _in_turn(rng, base, ventricular)
        elif choice < s_share:
            length = 1 if rng.random() < 0.75 else int(rng.integers(2, 12))
            ratio = rng.uniform(0.5, 0.88)
            gain, shift = _premature_p(rng)
            if length > 2 and ratio > RUN_RATIO and gain > 0.5:
                shift = float(rng.choice((-0.05, 0.05)))
            for _ in range(length):
                rr_s = max(0.3, base * ratio * (1 + rng.normal(0, 0.02)))
                yield Plan("A", rr_s, gain, shift)
            rr_s = base * rng.uniform(1.0, 1.3)
            yield Plan("N", rr_s)
        elif choice < s_share + v_share:
            ratio = rng.uniform(0.45, 0.9)
            yield Plan("V", max(0.3, base * ratio), 0.0)
            rr_s = _behind_v(rng, base, ratio)
            yield Plan("N", rr_s)
        else:
            rr_s = float(normal)
            yield Plan("N", rr_s)


def plan_sick(rng: np.random.Generator, ventricular: bool) -> Iterator[Plan]:
    """Slow sinus rhythm and pauses between atrial runs."""
    slow = rng.uniform(1.1, 2.0)
    fast = max(slow * rng.uniform(0.35, 0.62), 0.4)
    most = rng.integers(2, 16)
    few = rng.integers(1, 8)
    while True:
        for _ in range(int(rng.integers(1, few + 1))):
            yield Plan("N", slow * float(np.exp(rng.normal(0, 0.06))))
        gain, shift = _premature_p(rng)
        ratio = rng.uniform(0.85, 1.15)
        for _ in range(int(rng.integers(1, most + 1))):
            yield Plan("A", fast * ratio * float(np.exp(rng.normal(0, 0.03))), gain, shift)
        if ventricular and rng.random() < 0.03:
            yield Plan("V", fast * rng.uniform(0.6, 1.2), 0.0)


def plan_sinus(rng: np.random.Generator, ventricular: bool) -> Iterator[Plan]:
    """Give normal beats only, at uneven rate."""
    base = rng.uniform(0.55, 1.3)
    depth = rng.uniform(0.03, 0.16)
    breath_hz = rng.uniform(0.12, 0.35)
    phase = 0.0
    target = base
    while True:
        if rng.random() < 0.01:
            target = base * rng.uniform(0.65, 1.4)
        base += 0.08 * (target - base)
        rr_s = float(base * (1 + depth * np.sin(phase) + rng.normal(0, 0.01)))
        if rng.random() < 0.008:
            rr_s *= rng.uniform(1.5, 2.2)
        phase += rr_s * 2 * np.pi * breath_hz
        yield Plan("N", max(rr_s, 0.35))


def plan_mixed(rng: np.random.Generator, ventricular: bool) -> Iterator[Plan]:
    """One rhythm after the other, 40 to 250 beats each."""
    while True:
        plan = (plan_af, plan_pac, plan_sick, plan_sinus, plan_af, plan_pac)[rng.integers(6)]
        beats = plan(rng, ventricular)
        for _ in range(int(rng.integers(40, 251))):
            yield next(beats)


def plan_step(rng: np.random.Generator, ventricular: bool) -> Iterator[Plan]:
    """Sinus rhythm with lasting steps of the rate; and atrial runs, faster or of other P waves."""
    usual = level = target = rng.uniform(0.6, 1.15)
    depth = rng.uniform(0.0, 0.04)
    breath_hz = rng.uniform(0.12, 0.35)
    s_share = rng.uniform(0.0, 0.04)
    v_share = rng.uniform(0.0, 0.15) if ventricular else 0.0
    pr_share = rng.uniform(0.0, 0.09)  # of a change of RR
    phase = 0.0
    while True:
        reached = int(rng.integers(1, 7))  # beats until the new rate is reached
        step = (target - level) / reached
        for k in range(int(rng.integers(20, 121))):
            level = level + step if k < reached else target
            rr_s = level * (1 + depth * np.sin(phase) + rng.normal(0, 0.008))
            phase += rr_s * 2 * np.pi * breath_hz
            choice = rng.random()
            if choice < s_share + v_share:
                ratio = rng.uniform(0.5, 0.85)
                if choice < s_share:
                    yield Plan("A", max(0.3, level * ratio), *_premature_p(rng))
                    rr_s = level * rng.uniform(1.0, 1.3)
                else:
                    yield Plan("V", max(0.3, level * ratio), 0.0)
                    rr_s = _behind_v(rng, level, ratio)
            shift_s = min(max(pr_share * (usual - level), -0.03), 0.03)
            yield Plan("N", max(float(rr_s), 0.35), 1.0, shift_s)
        if rng.random() < 0.4:
            ratio, (gain, shift_s) = rng.uniform(0.5, 0.85), _premature_p(rng)
            alike = gain > 0.5  # the P wave
            if alike and ratio > RUN_RATIO:
                shift_s = float(rng.choice((-0.05, 0.05)))
            for _ in range(int(rng.integers(3, 31) if alike else rng.integers(8, 61))):
                rr_s = max(0.35, level * ratio * (1 + rng.normal(0, 0.02)))
                yield Plan("A", rr_s, gain, shift_s)
        if abs(np.log(target / usual)) > 0.05 and rng.random() < 0.6:
            target = usual
        else:
            now = float(np.log(target / usual))
            change = rng.uniform(max(-STEP, now - STEP), min(STEP, now + STEP))
            target = min(max(usual * float(np.exp(change)), 0.42), 1.6)


PLANS = {
    "af": plan_af,
    "pac": plan_pac,
    "sick": plan_sick,
    "sinus": plan_sinus,
    "mixed": plan_mixed,
    "step": plan_step,
}


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
