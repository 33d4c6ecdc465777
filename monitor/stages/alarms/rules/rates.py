"""Rules of asystole, ventricular fibrillation and the heart rate; asked at every hop."""

from __future__ import annotations

from monitor.messages import AlertKind
from monitor.stages.alarms.engine import Finding
from monitor.stages.alarms.rule import at_each_hop
from monitor.stages.alarms.view import View

_VF_RHYTHMS = ("VFIB", "VFL")


@at_each_hop(AlertKind.ASYSTOLE)
def asystole(view: View) -> Finding | None:
    """No QRS for ``asystole_s`` of watched signal.

    Criterion of the PhysioNet/CinC Challenge 2015 and of bedside monitors (4 s). Condition
    delay: ``asystole_s`` and ``watch.settle_s``, in which a QRS just past would be announced.
    """
    limit = view.settings.asystole_s
    if view.suspended or view.quiet_s < limit or _fibrillates(view):
        return None
    onset = view.watched.quiet_from
    seconds = view.seconds_since(onset)
    last = (onset,) if onset in view.rpeaks else ()
    text = f"ASYSTOLE no QRS for {seconds:.0f} > {limit:g} s"
    return Finding(onset, text, round(seconds, 2), limit, last)


@at_each_hop(AlertKind.VF)
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


@at_each_hop(AlertKind.EXTREME_TACHY)
def extreme_tachy(view: View) -> Finding | None:
    """Heart rate over ``extreme_tachy_bpm``: the high limit and 20, as monitors set it.

    The CinC Challenge 2015 asks for 140 bpm over 17 beats; the rate here averages 12.
    Condition delay: that of the heart rate, see :mod:`monitor.stages.heart_rate`.
    """
    return _above(view, AlertKind.EXTREME_TACHY, view.settings.extreme_tachy_bpm)


@at_each_hop(AlertKind.EXTREME_BRADY)
def extreme_brady(view: View) -> Finding | None:
    """Heart rate under ``extreme_brady_bpm``: the low limit less 10, as monitors set it.

    The CinC Challenge 2015 asks for 40 bpm over 5 beats; when slow, the rate here averages 4
    intervals. Condition delay: that of the heart rate.
    """
    return _below(view, AlertKind.EXTREME_BRADY, view.settings.extreme_brady_bpm)


@at_each_hop(AlertKind.HR_HIGH)
def hr_high(view: View) -> Finding | None:
    """Heart rate, as displayed, over ``hr_high_bpm``.

    The limit that IEC 60601-2-27 asks of every monitor. Condition delay: that of the heart rate.
    """
    return _above(view, AlertKind.HR_HIGH, view.settings.hr_high_bpm)


@at_each_hop(AlertKind.HR_LOW)
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
