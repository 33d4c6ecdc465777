"""The shape of a beat: a sum of Gaussians of the heart vector.

After McSharry et al. (2003), doi:10.1109/TBME.2003.808805, whose P, Q, R, S and T are Gaussians
along a limit cycle. Here the waves lie in time, not in phase: their widths do not stretch with the
RR interval. Only QT and PR follow the rate, as in a heart. Each wave is a vector, so all leads
agree. T rises slowly and falls faster.

A wave is (part, centre s, SD before s, SD after s, x, y, z mV), centre counted from the
reference instant of the QRS; x points left, y down, z to the back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from monitor.sources.simulator.events import BeatEvent

Wave: TypeAlias = tuple[str, float, float, float, float, float, float]

SUPPORT_BEFORE_S = 0.40  # no wave of a beat begins earlier than this before its instant
SUPPORT_AFTER_S = 0.90
_REACH = 4.5  # SDs; beyond this a wave is under 4e-5 of its peak
_P = (0.040, 0.125, -0.015)

_NORMAL_QRS: tuple[Wave, ...] = (
    ("qrs", -0.024, 0.0070, 0.0070, -0.16, -0.06, -0.22),
    ("qrs", 0.000, 0.0105, 0.0115, 0.95, 1.05, 0.42),
    ("qrs", 0.026, 0.0095, 0.0110, -0.20, -0.20, 0.34),
)
_LBBB_QRS: tuple[Wave, ...] = (
    ("qrs", -0.024, 0.016, 0.018, 0.35, 0.40, 0.35),
    ("qrs", 0.008, 0.020, 0.020, 0.62, 0.62, 0.75),
    ("qrs", 0.046, 0.020, 0.024, 0.62, 0.38, 0.55),
)
_RBBB_QRS: tuple[Wave, ...] = (
    ("qrs", -0.022, 0.008, 0.008, -0.14, -0.05, -0.24),
    ("qrs", 0.000, 0.0115, 0.0125, 0.90, 1.00, 0.35),
    ("qrs", 0.048, 0.018, 0.024, -0.50, -0.12, -0.55),
)

# Direction of the QRS by site of origin: outflow tract of the right ventricle, inferior wall of
# the left, apex of the right, lateral wall of the left. Second vector: the late, notched part.
_VENTRICULAR: tuple[tuple[tuple[float, float, float], tuple[float, float, float]], ...] = (
    ((0.30, 1.15, 0.65), (0.35, 0.70, 0.80)),
    ((-0.35, -1.15, -0.70), (-0.75, -0.55, -0.75)),
    ((0.70, -0.85, 0.60), (0.50, -0.75, 0.95)),
    ((-1.05, 0.85, -0.20), (-0.65, 0.75, -0.70)),
)


@dataclass(frozen=True, slots=True)
class Shape:
    """Waves of one beat as arrays: ``vectors_mv`` has shape (waves, 3)."""

    centre_s: NDArray[np.float64]
    before_s: NDArray[np.float64]
    after_s: NDArray[np.float64]
    vectors_mv: NDArray[np.float64]
    qrs: NDArray[np.bool_]
    begin_s: float
    end_s: float

    def render(self, offset_s: NDArray[np.float64], only_qrs: bool = False) -> NDArray[np.float64]:
        """Heart vector in mV, shape (n, 3), at times ``offset_s`` from the beat's instant."""
        pick = self.qrs if only_qrs else slice(None)
        d = offset_s[:, None] - self.centre_s[pick]
        sd = np.where(d < 0.0, self.before_s[pick], self.after_s[pick])
        g: NDArray[np.float64] = np.exp(-0.5 * (d / sd) ** 2) @ self.vectors_mv[pick]
        return g


def qt_s(rr_s: float) -> float:
    """QT interval by the Framingham formula: 0.40 s at 60 bpm, 0.154 s per s of RR.

    Sagie et al. (1992), doi:10.1016/0002-9149(92)90562-D; unlike Bazett's square root it stays
    plausible at high rates.
    """
    return 0.40 + 0.154 * (min(max(rr_s, 0.28), 1.4) - 1.0)


def shape(event: BeatEvent, min_sd_s: float) -> Shape:
    """Shape of one beat; ``min_sd_s`` keeps a pacing spike visible at low sampling rates."""
    waves = _waves(event, min_sd_s)
    numbers = np.array([wave[1:] for wave in waves])
    centre, before, after = numbers[:, 0], numbers[:, 1], numbers[:, 2]
    return Shape(
        centre,
        before,
        after,
        numbers[:, 3:],
        np.array([wave[0] == "qrs" for wave in waves]),
        float((centre - _REACH * before).min()),
        float((centre + _REACH * after).max()),
    )


def _waves(event: BeatEvent, min_sd_s: float) -> list[Wave]:
    scale = event.segment.amplitude
    if event.kind == "p":
        return [_p_wave(0.0, scale, _P)]
    waves: list[Wave] = []
    if event.pr_s is not None:
        # an ectopic atrial focus: earlier, flatter, other axis
        vector = (-0.05, 0.075, -0.06) if event.kind == "pac" else _P
        waves.append(_p_wave(-event.pr_s, scale, vector))
    qt = qt_s(event.rr_s)
    gain = scale * event.gain
    t_gain = scale * event.t_gain * event.segment.t_scale
    if event.kind in ("pvc", "escape", "paced"):
        form = 2 if event.kind == "paced" else event.form
        waves += _ventricular_waves(form, qt, gain, t_gain)
        if event.kind == "paced":
            sd = max(0.0008, min_sd_s)
            # electrodes in the right apex: the artefact points to them
            waves.append(("spike", -0.088, sd, sd, 0.9, 1.9, 0.6))
    elif event.kind == "fusion":
        half = 0.5 * gain
        waves += _ventricular_waves(event.form, qt, half, 0.5 * t_gain)
        waves += _supraventricular_waves("normal", qt, half, 0.5 * t_gain, event.segment.st_mv)
    else:
        waves += _supraventricular_waves(event.kind, qt, gain, t_gain, event.segment.st_mv)
    return waves


def _p_wave(centre_s: float, scale: float, vector: tuple[float, float, float]) -> Wave:
    x, y, z = vector
    return ("p", centre_s, 0.021, 0.023, scale * x, scale * y, scale * z)


def _scaled(wave: Wave, gain: float) -> Wave:
    part, centre, before, after, x, y, z = wave
    return (part, centre, before, after, gain * x, gain * y, gain * z)


def _supraventricular_waves(
    kind: str, qt: float, gain: float, t_gain: float, st_mv: float
) -> list[Wave]:
    qrs = {"lbbb": _LBBB_QRS, "rbbb": _RBBB_QRS}.get(kind, _NORMAL_QRS)
    waves = [_scaled(wave, gain) for wave in qrs]
    stretch = qt / 0.38
    peak_s = 0.78 * qt - 0.045 + (0.035 if kind in ("lbbb", "rbbb") else 0.0)
    # secondary repolarisation change: T against the late part of the QRS
    x, y, z = {"lbbb": (-0.22, -0.12, -0.40), "rbbb": (0.24, 0.20, 0.16)}.get(
        kind, (0.22, 0.26, -0.12)
    )
    before, after = 0.052 * stretch, 0.034 * stretch
    waves.append(("t", peak_s, before, after, t_gain * x, t_gain * y, t_gain * z))
    if kind == "svt":  # the atria are activated backwards, just after the ventricles
        waves.append(("p", 0.105, 0.018, 0.018, -0.02, -0.07, -0.03))
    if st_mv:
        st_s = 0.045 + 0.5 * (peak_s - 0.045)
        wide = 0.38 * (peak_s - 0.045)
        waves.append(("t", st_s, 0.6 * wide, wide, 0.5 * st_mv, 0.85 * st_mv, 0.0))
    return waves


def _ventricular_waves(form: int, qt: float, gain: float, t_gain: float) -> list[Wave]:
    (ax, ay, az), (bx, by, bz) = _VENTRICULAR[form]
    stretch = qt / 0.38
    peak_s = 0.80 * qt - 0.02
    tx, ty, tz = (-0.55 * (a + b) * 0.5 for a, b in ((ax, bx), (ay, by), (az, bz)))
    return [
        ("qrs", -0.014, 0.026, 0.025, gain * ax, gain * ay, gain * az),
        ("qrs", 0.030, 0.024, 0.027, gain * bx, gain * by, gain * bz),
        ("t", peak_s, 0.058 * stretch, 0.042 * stretch, t_gain * tx, t_gain * ty, t_gain * tz),
    ]
