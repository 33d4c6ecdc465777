"""Rules of a pacemaker: a pulse that captures nothing, and one that does not come.

Pulses are found by :mod:`monitor.stages.pacing`.
"""

from __future__ import annotations

from itertools import pairwise
from statistics import median

from monitor.messages import AlertKind
from monitor.stages.alarms.engine import Finding
from monitor.stages.alarms.rule import at_each_hop
from monitor.stages.alarms.view import View

_EARLY_S = 0.05  # the R peak of a captured beat may be put so long before its pulse
_USUAL = 8  # intervals that the usual one is the median of


@at_each_hop(AlertKind.NO_CAPTURE)
def no_capture(view: View) -> Finding | None:
    """``capture_pulses`` pacing pulses in a row without a QRS within ``capture_s``.

    For a patient that counts as ``paced``. Mindray: no QRS for 300 ms after a pulse. A pulse that
    soon after a QRS cannot capture and does not count. Condition delay: ``capture_s`` and
    ``watch.settle_s``.
    """
    s = view.settings
    if not view.paced or view.suspended:
        return None
    reach, early = round(s.capture_s * view.rate_hz), round(_EARLY_S * view.rate_hz)
    lost: list[int] = []
    for pulse in reversed(view.pacing_pulses):
        if pulse - reach < view.watched.since_sample:
            break
        if pulse + reach > view.settled_sample:
            continue
        if any(-early <= peak - pulse <= reach for peak in view.rpeaks):
            break
        if any(-reach <= peak - pulse < -early for peak in view.rpeaks):
            continue
        lost.append(pulse)
        if len(lost) == s.capture_pulses:
            text = f"NO CAPTURE no QRS within {s.capture_s:g} s of {len(lost)} pulses"
            return Finding(lost[-1], text, len(lost), s.capture_pulses)
    return None


@at_each_hop(AlertKind.NO_PACING)
def no_pacing(view: View) -> Finding | None:
    """Neither pulse nor QRS for ``no_pacing_ratio`` times the usual interval.

    For a patient that counts as ``paced``. Mindray: 1.75 times the interval. Condition delay: that
    time and ``watch.settle_s``.
    """
    s = view.settings
    peaks = list(view.rpeaks)[-_USUAL - 1 :]
    if not view.paced or view.suspended or len(peaks) <= _USUAL:
        return None
    if peaks[0] < view.watched.since_sample:
        return None
    usual_s = median(b - a for a, b in pairwise(peaks)) / view.rate_hz
    last = max(peaks[-1], *list(view.pacing_pulses)[-1:])
    quiet_s = (view.settled_sample - last) / view.rate_hz
    limit_s = s.no_pacing_ratio * usual_s
    if quiet_s < limit_s:
        return None
    text = f"NO PACING no pulse for {quiet_s:.1f} > {limit_s:.1f} s"
    return Finding(last, text, round(quiet_s, 2), round(limit_s, 2))
