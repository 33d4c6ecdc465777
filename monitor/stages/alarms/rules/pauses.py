"""Rules of beats that are late, missing or irregular, and of supraventricular rhythms."""

from __future__ import annotations

from monitor.messages import AamiClass, AlertKind
from monitor.stages.af import changes, irregularity
from monitor.stages.alarms.engine import Finding
from monitor.stages.alarms.rule import at_each_beat, at_each_hop
from monitor.stages.alarms.view import View

_V = AamiClass.V


@at_each_hop(AlertKind.PAUSE)
def pause(view: View) -> Finding | None:
    """No QRS for ``pause_s`` (3 s in monitors), not yet asystole.

    Condition delay: ``pause_s`` and ``watch.settle_s``; it does not wait for the next beat.
    """
    limit = view.settings.pause_s
    if view.suspended or not view.rpeaks or view.rpeaks[-1] < view.watched.since_sample:
        return None
    if view.quiet_s < limit:
        return None
    last = view.rpeaks[-1]
    return Finding(last, f"PAUSE > {limit:g} s", round(view.quiet_s, 2), limit, (last,))


@at_each_hop(AlertKind.PAUSES_PER_MIN)
def pauses_per_min(view: View) -> Finding | None:
    """``pauses_per_min`` or more intervals of ``pause_s`` in the last minute.

    Mindray: 1 to 15 a minute. Counted from R peaks that followed each other while the signal was
    watched.
    """
    limit = view.settings.pauses_per_min
    found = view.pauses
    if len(found) < limit:
        return None
    text = f"PAUSES/min {len(found)} >= {limit}"
    return Finding(found[0], text, len(found), limit, found)


@at_each_beat(AlertKind.MISSED_BEAT)
def missed_beat(view: View) -> Finding | None:
    """One interval of ``missed_beat_ratio`` times the mean of those before it.

    GE: 1.8 times. As Mindray asks, the beats around it are normal, the three intervals before
    are regular (within 15 % of their mean) and the one after is under 1.5 times their mean:
    a rate that falls is no missed beat. Condition delay: the labelling of the beat after.
    """
    beats = view.beats
    if len(beats) < 7 or any(beats[-i].label is not AamiClass.N for i in range(1, 7)):
        return None
    before = [(beats[-i].sample - beats[-i - 1].sample) / view.rate_hz for i in (3, 4, 5)]
    mean_s = sum(before) / 3.0
    if max(abs(rr - mean_s) for rr in before) > 0.15 * mean_s:
        return None
    after, late, last = beats[-1].sample, beats[-2].sample, beats[-3].sample
    if (after - late) / view.rate_hz >= 1.5 * mean_s:
        return None
    rr_s = (late - last) / view.rate_hz
    limit_s = view.settings.missed_beat_ratio * mean_s
    if not limit_s < rr_s < view.settings.pause_s or last < view.watched.since_sample:
        return None
    text = f"MISSED BEAT RR {rr_s:.2f} > {limit_s:.2f} s"
    return Finding(last, text, round(rr_s, 2), round(limit_s, 2), (last, late))


@at_each_beat(AlertKind.SVT)
def svt(view: View) -> Finding | None:
    """``svt_beats`` beats in a row from above the ventricles at ``svt_bpm`` or faster.

    PatientNet: eight beats, 150 bpm. Condition delay: the labelling of the last beat.
    """
    s = view.settings
    size = len(view.beats)
    if size < s.svt_beats:
        return None
    run = [view.beats[size - s.svt_beats + i] for i in range(s.svt_beats)]
    if any(beat.label not in (AamiClass.N, AamiClass.S) for beat in run):
        return None
    rate = view.rate_bpm(run)
    if rate < s.svt_bpm:
        return None
    evidence = tuple(beat.sample for beat in run)
    text = f"SVT {rate:.0f} >= {s.svt_bpm:.0f}"
    return Finding(run[0].sample, text, round(rate), s.svt_bpm, evidence)


@at_each_beat(AlertKind.FREQUENT_SVEB)
def frequent_sveb(view: View) -> Finding | None:
    """More than ``sveb_per_min`` premature supraventricular beats in the last minute.

    The counterpart of the limit of PVCs a minute. Premature: at most 0.9 of the usual interval,
    so a rate that rises gives none for long. They must be spread over half a minute: by then the
    same labels in fibrillation have its name.
    """
    limit = view.settings.sveb_per_min
    found = view.of_the_minute(AamiClass.S)
    if len(found) <= limit or view.seconds_since(found[0]) < 30.0 or view.af_since is not None:
        return None
    return Finding(found[0], f"SVEB/min {len(found)} > {limit}", len(found), limit, found)


@at_each_beat(AlertKind.IRREGULAR)
def irregular(view: View) -> Finding | None:
    """RR intervals that change by ``irregular_rr_change`` over ``irregular_beats`` beats.

    GE and Mindray tell of it beside AF. Intervals next to ventricular beats are left out; the
    measure is that of :mod:`monitor.stages.af`, with a lower limit.
    """
    s = view.settings
    if len(view.beats) < s.irregular_beats:
        return None
    beats = [view.beats[-i] for i in range(s.irregular_beats, 0, -1)]
    found = changes([beat.sample for beat in beats], [beat.label is _V for beat in beats])
    if len(found) < s.irregular_beats // 2 or beats[0].sample < view.watched.since_sample:
        return None
    measure = irregularity([change for _, change, _ in found], [rr for _, _, rr in found])
    if measure <= s.irregular_rr_change:
        return None
    text = f"IRREGULAR HR RR change {100 * measure:.0f} > {100 * s.irregular_rr_change:.0f} %"
    evidence = tuple(beat.sample for beat in beats)
    return Finding(beats[0].sample, text, round(measure, 3), s.irregular_rr_change, evidence)


@at_each_hop(AlertKind.AF)
def af(view: View) -> Finding | None:
    """Atrial fibrillation (see :mod:`monitor.stages.af`) for ``af_s``.

    Condition delay: half the window of the detector, about 16 beats, and ``af_s``.
    """
    since = view.af_since
    if since is None or view.seconds_since(since) < view.settings.af_s:
        return None
    evidence = tuple(beat.sample for beat in view.beats if beat.sample >= view.af_onset)
    return Finding(view.af_onset, "ATRIAL FIBRILLATION", beats=evidence)


@at_each_hop(AlertKind.AF_END)
def af_end(view: View) -> Finding | None:
    """Atrial fibrillation that was announced has been absent for ``af_end_s``.

    Mindray: 0 to 30 minutes.
    """
    since = view.af_ended
    if since is None or not view.just_passed(since, view.settings.af_end_s):
        return None
    return Finding(since, "END OF ATRIAL FIBRILLATION")
