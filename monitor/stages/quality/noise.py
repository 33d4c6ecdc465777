"""Finds noise that hides the beats, and tells it from fibrillation and silence."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.config import QualitySettings
from monitor.messages import LeadState
from monitor.stages.quality.texture import Texture

# The figures below were read off DS1, VFDB and DS1 with noise added; they are rounded.
# Beats stand out: the curve's peak is so many times its median. Typical is 15, seldom less
# than 5; fibrillation has 2, seldom more than 4.
BEATS = 4.5
CLEAR_BEATS = 8.0
LEARN_S = 4.0
# How fast the memory of clean signal moves, per second.
FAST = 0.08
DOWN = 0.02
SLOW = 0.002
# Muscle noise: fine grain against the curve's median. Fibrillation has 0.04, seldom 0.09;
# muscle noise as strong as the QRS complexes more than 0.1.
MUSCLE_GRAIN = 0.085
MUSCLE_PEAK = 6.0
LASTING = 1.4  # times as much is asked for where the lead has always been restless
# Motion: the curve is small against the swing (0.1; fibrillation and tachycardia 0.3, seldom
# 0.15), and it stands out less than beats do, but more than the steady waves of fibrillation.
# The baseline goes astray rather than to and fro: its way in two seconds is 2 to 3 swings;
# tachycardia has 4 and more.
MOTION_CURVE = 0.17
MOTION_PEAK = 8.0
MOTION_LEAST_PEAK = 3.0
MOTION_WAY = 3.0
# With no beats seen yet, only large and unmistakable muscle noise counts: it may be asystole.
UNKNOWN_TIMES = 5.0
UNKNOWN_GRAIN = 0.15
UNKNOWN_PEAK = 3.0


@dataclass(slots=True)
class _Clean:
    """What the lead looks like when it is clean, mV."""

    peak: float
    median: float
    swing: float


class Noise:
    """Compares the texture of one lead with what it was while beats stood out.

    Parameters
    ----------
    settings
        ``muscle_part``, ``motion_ratio`` and ``noise_mv`` are used.

    Notes
    -----
    The memory of clean signal follows quickly while beats stand out clearly at about the known
    height, and by 0.2 % a second otherwise: two minutes of noise do not become the norm. It never
    moves beyond the present value.
    """

    def __init__(self, settings: QualitySettings) -> None:
        self._settings = settings
        self._clean: _Clean | None = None
        self._lessons: list[tuple[float, float, float]] = []

    def forget(self) -> None:
        """Begin to learn again, after a gap or a fault; the memory of clean signal stays."""
        self._lessons.clear()

    def push(self, hop_s: float, texture: Texture) -> LeadState:
        """Judge the texture and learn from it."""
        settings = self._settings
        peak, median, fine, swing, way = texture
        clean = self._clean
        if clean is None:
            if peak > BEATS * median:
                self._lessons.append((peak, median, swing))
                if len(self._lessons) * hop_s >= LEARN_S:
                    middle = len(self._lessons) // 2
                    self._clean = _Clean(
                        *(sorted(v)[middle] for v in zip(*self._lessons, strict=True))
                    )
            noisy = (
                median > UNKNOWN_TIMES * settings.noise_mv
                and fine > UNKNOWN_GRAIN * median
                and peak < UNKNOWN_PEAK * median
            )
            return LeadState.NOISY if noisy else LeadState.OK
        raised = median > settings.motion_ratio * clean.median
        part = settings.muscle_part if raised else LASTING * settings.muscle_part
        muscle = (
            median > max(settings.noise_mv, part * clean.peak)
            and fine > MUSCLE_GRAIN * median
            and peak < MUSCLE_PEAK * median
        )
        motion = (
            raised
            and swing > settings.motion_ratio * clean.swing
            and median < MOTION_CURVE * swing
            and way < MOTION_WAY * swing
            and MOTION_LEAST_PEAK * median < peak < MOTION_PEAK * median
        )
        as_known = peak < 2.5 * clean.peak and swing < 2.0 * clean.swing
        fast = as_known and peak > CLEAR_BEATS * median
        up = 1.0 + hop_s * (FAST if fast else SLOW)
        down = 1.0 - hop_s * (FAST if fast else DOWN if peak > BEATS * median else SLOW)
        clean.peak = min(max(peak, clean.peak * down), clean.peak * up)
        clean.median = min(max(median, clean.median * down), clean.median * up)
        clean.swing = min(max(swing, clean.swing * down), clean.swing * up)
        return LeadState.NOISY if muscle or motion else LeadState.OK
