"""Plan the made rhythms: the order of the beats, their intervals and their P waves.

:mod:`tools.data.rhythms` says what each rhythm is for, and sets the beats.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

STEP = 0.35  # largest change of log RR that is still taken for the sinus node's own
RUN_RATIO = 0.7  # of RR, below which a sudden lasting change is an atrial run whatever its P wave


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


def plan_pac(rng: np.random.Generator, ventricular: bool) -> Iterator[Plan]:
    """Sinus rhythm with atrial and ventricular premature beats, and short atrial runs."""
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
        if choice < s_share:
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
            rr_s = base * (2.0 - ratio if rng.random() < 0.7 else rng.uniform(0.6, 1.2))
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
                    rr_s = level * (2.0 - ratio if rng.random() < 0.7 else rng.uniform(0.6, 1.2))
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
