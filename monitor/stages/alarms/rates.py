"""Rules of asystole, ventricular fibrillation and the heart rate; asked at every hop."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from statistics import pstdev

from monitor.messages import AlertKind
from monitor.stages.alarms.engine import Finding
from monitor.stages.alarms.view import View

_PULSES_ALIKE = 12  # so many last pulses must be of one size
_PULSE_SPREAD = 0.15  # standard deviation of their log heights
_VF_RHYTHMS = ("VFIB", "VFL")


def asystole(view: View) -> Finding | None:
    """No QRS for ``asystole_s`` of watched signal.

    Criterion of the PhysioNet/CinC Challenge 2015 and of bedside monitors (4 s). Condition
    delay: ``asystole_s``; and ``settle_s``, in which a QRS just past would have been announced, if
    anything steep is in the newest signal.
    """
    limit = view.settings.asystole_s
    seconds = view.seconds_since(view.quiet_from)
    if view.suspended or seconds < limit or _fibrillates(view):
        return None
    if view.quiet_s < limit and not view.newest_is_still:
        return None
    last = (view.quiet_from,) if view.quiet_from in view.rpeaks else ()
    text = f"ASYSTOLE no QRS for {seconds:.0f} >= {limit:g} s"
    return Finding(view.quiet_from, text, round(seconds, 2), limit, last)


def vf(view: View) -> Finding | None:
    """Ventricular fibrillation or flutter, found in the waveform.

    Criterion: fibrillatory or flutter waves for about 4 s (CinC Challenge 2015); see
    :mod:`monitor.stages.fibrillation`. Condition delay: that of the detector.
    """
    if not _fibrillates(view) or view.rhythm is None:
        return None
    if view.rhythm.name == "VFL":  # regular: labels that say VT are then worth hearing too
        spares = frozenset({AlertKind.VT})
        return Finding(view.rhythm.sample, "VENTRICULAR FLUTTER", spares=spares)
    return Finding(view.rhythm.sample, "VENTRICULAR FIBRILLATION")


def _fibrillates(view: View) -> bool:
    return view.rhythm is not None and view.rhythm.name in _VF_RHYTHMS


def extreme_tachy(view: View) -> Finding | None:
    """Heart rate over ``extreme_tachy_bpm``: the high limit and 20, as monitors set it.

    The criterion is that of the CinC Challenge 2015, 17 beats in a row; the rate as displayed, of
    12 intervals, counts too. Condition delay: that of the R peaks.
    """
    limit = view.settings.extreme_tachy_bpm
    rate = _mean_bpm(view, view.settings.extreme_tachy_beats)
    found = _above(view, AlertKind.EXTREME_TACHY, limit)
    if found is None and rate is not None and rate > limit:
        return _rate_finding(view, AlertKind.EXTREME_TACHY, rate, ">", limit)
    return found


def extreme_brady(view: View) -> Finding | None:
    """Heart rate under ``extreme_brady_bpm``: the low limit less 10, as monitors set it.

    The criterion is that of the CinC Challenge 2015, 5 beats in a row; the rate as displayed
    counts too, and so does that of the pulse, where so many pulses of one size tell it: pacing
    pulses and P waves that are taken for beats make none. A rate that is over the limit by no more
    than ``extreme_margin_bpm``, what a rate read off a screen is wrong by, is under it: one missed
    weighs more than one too many. Condition delay: that of the R peaks or the pulses.
    """
    limit = view.settings.extreme_brady_bpm
    found = _below(view, AlertKind.EXTREME_BRADY, limit)
    if found is not None:
        return found
    most = limit + view.settings.extreme_margin_bpm
    rate = _mean_bpm(view, view.settings.extreme_brady_beats)
    if rate is not None and rate <= most:
        return _rate_finding(view, AlertKind.EXTREME_BRADY, rate, "<=", most)
    rate = _pulse_bpm(view, view.settings.extreme_brady_beats)
    if rate is not None and rate <= most:
        found = _rate_finding(view, AlertKind.EXTREME_BRADY, rate, "<=", most)
        return replace(
            found,
            text=f"{found.text} (pulse)",
            onset_sample=view.pulses[-view.settings.extreme_brady_beats].sample,
        )
    return None


def _pulse_bpm(view: View, pulses: int) -> float | None:
    """Rate of so many last pulses; None if they, and those before, are not of one size."""
    last = list(view.pulses)[-_PULSES_ALIKE:]
    if view.suspended or len(last) < max(pulses, _PULSES_ALIKE):
        return None
    if view.seconds_since(last[-1].sample) >= view.settings.asystole_s:
        return None  # that it stops may be the transducer's doing
    heights = [math.log(max(pulse.height, 1e-9)) for pulse in last]
    if pstdev(heights) > _PULSE_SPREAD:
        return None
    return _bpm(view, [b.sample - a.sample for a, b in pairwise(last[-pulses:])])


def _mean_bpm(view: View, beats: int) -> float | None:
    """Rate over so many last beats, whole bpm; None if there are not so many without a break.

    An interval that is still open counts when it is the longest. A standstill is no interval, and
    one pause alone makes no slow rate: it counts for 1.5 times the next longest at most.
    """
    if view.suspended or len(view.rpeaks) < beats:
        return None
    times = [view.rpeaks[i] for i in range(-beats, 0)]
    settled = view.sample + 1 - round(view.settings.settle_s * view.rate_hz)
    intervals = [b - a for a, b in pairwise(times)]
    if settled - times[-1] > max(intervals):
        intervals = [*intervals[1:], settled - times[-1]]
    if times[0] < view.watched_since:
        return None
    return _bpm(view, intervals)


def _bpm(view: View, intervals: list[int]) -> float | None:
    *rest, longest = sorted(intervals)
    if longest >= view.settings.asystole_s * view.rate_hz:
        return None
    total = sum(rest) + min(longest, 1.5 * rest[-1])
    return float(round(60.0 * len(intervals) * view.rate_hz / total))


def hr_high(view: View) -> Finding | None:
    """Heart rate, as displayed, over ``hr_high_bpm``.

    The limit that IEC 60601-2-27 asks of every monitor. Condition delay: that of the heart rate.
    """
    return _above(view, AlertKind.HR_HIGH, view.settings.hr_high_bpm)


def hr_low(view: View) -> Finding | None:
    """Heart rate, as displayed, under ``hr_low_bpm``.

    The limit that IEC 60601-2-27 asks of every monitor. Condition delay: that of the heart rate.
    """
    return _below(view, AlertKind.HR_LOW, view.settings.hr_low_bpm)


_NAMES = {
    AlertKind.EXTREME_TACHY: "EXTREME TACHY",
    AlertKind.EXTREME_BRADY: "EXTREME BRADY",
    AlertKind.HR_HIGH: "HR",
    AlertKind.HR_LOW: "HR",
}


def _rate(view: View) -> float | None:
    return None if view.suspended or view.vitals is None else view.vitals.heart_rate_bpm


def _above(view: View, kind: AlertKind, limit: float) -> Finding | None:
    rate = _rate(view)
    if rate is None or rate <= limit:
        return None
    return _rate_finding(view, kind, rate, ">", limit)


def _below(view: View, kind: AlertKind, limit: float) -> Finding | None:
    rate = _rate(view)
    if rate is None or rate >= limit:
        return None
    return _rate_finding(view, kind, rate, "<", limit)


def _rate_finding(view: View, kind: AlertKind, rate: float, sign: str, limit: float) -> Finding:
    beats = tuple(view.rpeaks)[-12:]
    onset = beats[0] if beats else view.sample
    return Finding(onset, f"{_NAMES[kind]} {rate:.0f} {sign} {limit:.0f}", rate, limit, beats)
