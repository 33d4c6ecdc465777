"""Rules of asystole, ventricular fibrillation and the heart rate; asked at every hop."""

from __future__ import annotations

from monitor.messages import AlertKind
from monitor.stages.alarms.engine import Finding
from monitor.stages.alarms.row import Row, row_of
from monitor.stages.alarms.rule import at_each_hop
from monitor.stages.alarms.view import View

_VF_RHYTHMS = ("VFIB", "VFL")
_PULSES_ALIKE = 12  # so many last pulses must be of one height
_PULSE_SPREAD = 0.15  # standard deviation of the logs of their heights
_PAUSE = 1.5  # one pause in a row of intervals counts for so much of the next longest


@at_each_hop(AlertKind.ASYSTOLE)
def asystole(view: View) -> Finding | None:
    """No QRS for ``asystole_s`` of watched signal.

    Criterion of the PhysioNet/CinC Challenge 2015 and of bedside monitors (4 s). Condition
    delay: ``asystole_s``; and ``watch.settle_s``, in which a QRS just past would be announced, if
    anything steep is in the newest signal.
    """
    limit = view.settings.asystole_s
    onset = view.watched.quiet_from
    seconds = view.seconds_since(onset)
    if view.suspended or seconds < limit or _fibrillates(view):
        return None
    if view.quiet_s < limit and not view.newest_is_still:
        return None
    last = (onset,) if onset in view.rpeaks else ()
    text = f"ASYSTOLE no QRS for {seconds:.0f} >= {limit:g} s"
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

    The criterion of the CinC Challenge 2015, 17 beats in a row (``extreme_tachy_beats``), and the
    rate as displayed, of 12 intervals. Condition delay: that of the R peaks.
    """
    limit = view.settings.extreme_tachy_bpm
    found = _above(view, AlertKind.EXTREME_TACHY, limit)
    if found is not None:
        return found
    rate = _mean_bpm(view, view.row(view.settings.extreme_tachy_beats))
    if rate is None or rate <= limit:
        return None
    return _rate_finding(view, AlertKind.EXTREME_TACHY, rate, ">", limit)


@at_each_hop(AlertKind.EXTREME_BRADY)
def extreme_brady(view: View) -> Finding | None:
    """Heart rate under ``extreme_brady_bpm``: the low limit less 10, as monitors set it.

    The criterion of the CinC Challenge 2015, 5 beats in a row (``extreme_brady_beats``), and the
    rate as displayed. The beats of the pulse waveform count too, where the last twelve are of one
    height: P waves and pacing pulses that are taken for beats make none. A row that is over the
    limit by no more than ``extreme_margin_bpm`` is under it. Condition delay: that of the R peaks
    or pulses.
    """
    s = view.settings
    found = _below(view, AlertKind.EXTREME_BRADY, s.extreme_brady_bpm)
    if found is not None or view.suspended:
        return found
    most = s.extreme_brady_bpm + s.extreme_margin_bpm
    count = s.extreme_brady_beats
    pulses = [pulse.sample for pulse in view.even_pulses(_PULSES_ALIKE, _PULSE_SPREAD)]
    for row, what in ((view.row(count), ""), (row_of(pulses, count), " (pulse)")):
        rate = _mean_bpm(view, row)
        if row is not None and rate is not None and round(rate) <= most:
            text = f"EXTREME BRADY {rate:.0f} <= {most:.0f}{what}"
            return Finding(row.samples[0], text, round(rate), most, () if what else row.samples)
    return None


def _mean_bpm(view: View, row: Row | None) -> float | None:
    """Rate over a row of beats of signal watched without a break; None without one.

    The interval that is still open counts when it is the longest. A standstill is no interval, and
    one pause makes no slow rate.
    """
    if row is None or view.suspended or row.samples[0] < view.watched.since_sample:
        return None
    longest, second, others = row.longest, row.second, row.others
    still_open = view.settled_sample - row.samples[-1]
    if still_open > longest:  # it takes the place of the first
        later = row.intervals[1:]
        longest, second, others = still_open, max(later), sum(later)
    if longest >= view.settings.asystole_s * view.rate_hz:
        return None
    total = others + min(float(longest), _PAUSE * second)
    return 60.0 * len(row.intervals) * view.rate_hz / total


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
