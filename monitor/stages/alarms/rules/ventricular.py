"""Rules of ventricular ectopy, from beat labels; called once for every new beat.

Condition delay of each: the labelling of its last beat, at most about 1.5 s.

This file is long because it is the list of all ventricular rules.
"""

from __future__ import annotations

from itertools import pairwise

from monitor.messages import AamiClass, AlertKind, Beat
from monitor.stages.alarms.engine import Finding
from monitor.stages.alarms.rule import at_each_beat
from monitor.stages.alarms.view import View
from monitor.stages.ectopy import ventricular_cycles

_N, _V, _F = AamiClass.N, AamiClass.V, AamiClass.F
_PROBABLE = 0.8  # mean probability of V of all beats of a run (V or F of those labelled V)
_SURE = 0.8  # probability of V
_SURELY_NORMAL = 0.8  # probability of N
_ALIKE = 0.9  # correlation of beats of one shape
_SIMILAR = 0.8  # correlation of a couplet that need not be premature ...
_PREMATURE = 0.85  # ... which is this share of the usual interval
_EVEN = 1.15  # longest over shortest interval of a run that keeps its pace
_PACE = 1.25  # longest interval around a capture beat, over that of the VT rate
_BEFORE_PAUSE = 0.95  # interval before ventricular beats of bigeminy, over that after them


def _samples(beats: list[Beat]) -> tuple[int, ...]:
    return tuple(beat.sample for beat in beats)


def _intervals(beats: list[Beat]) -> list[int]:
    return [b.sample - a.sample for a, b in pairwise(beats)]


def _closed_run(view: View) -> list[Beat]:
    """Run of ventricular beats that the newest beat, not itself ventricular, ends."""
    if not view.beats or view.beats[-1].label is _V:
        return []
    return view.run_of_v(back=1)


def _sure(view: View, run: list[Beat]) -> bool:
    """Whether the classifier is sure of a run: of normal beats in noise it is not."""
    return sum(beat.probability(_V) for beat in run) >= view.settings.v_certainty * len(run)


@at_each_beat(AlertKind.VT, while_learning=True)
def vt(view: View) -> Finding | None:
    """``vt_beats`` ventricular beats in a row at ``vt_bpm`` or faster.

    Criterion of the CinC Challenge 2015 and of bedside monitors (5 beats, 100 bpm). Labels in
    a fast run are less sure than elsewhere, so among the last ``vt_beats`` there may be others:
    as long as all together are most probably ventricular, or those have the shape of the
    ventricular ones, or are few in a steady run. The last may be such a beat if all intervals are
    alike, S, F or Q: another focus would not keep the pace. A capture beat does not end VT, see
    :func:`_captured`. And what the classifier calls ventricular must on average be so more probably
    than not, ``vt_certainty``.
    """
    s = view.settings
    if not view.beats or view.beats[-1].label is AamiClass.N:
        return None
    last = view.last(s.vt_beats)
    if not _is_vt(view, last):
        last = view.last(s.vt_beats + 1)
        if not _captured(view, last):
            return None
    rate = view.rate_bpm(last)
    run = view.run_of_v(back=len(last) - 1)[:-1] + last
    text = f"VT {len(run)} beats, {rate:.0f} >= {s.vt_bpm:.0f}"
    return Finding(run[0].sample, text, round(rate), s.vt_bpm, _samples(run))


def _is_vt(view: View, run: list[Beat]) -> bool:
    """Whether a run that is long enough is fast and ventricular."""
    if not _fast_and_sure(view, run, view.settings.vt_beats):
        return False
    if run[-1].label is not _V and max(_intervals(run)) > _EVEN * min(_intervals(run)):
        return False
    return _probable(run) or _of_one_shape(view, run) or _steady(view, run)


def _captured(view: View, run: list[Beat]) -> bool:
    """Whether one beat of any kind stands between two or more ventricular ones on each side.

    In VT a sinus impulse may capture the ventricles now and then (W. Dressler and H. Roesler, Am
    Heart J 44:485-493, 1952): the beats around it keep their pace.
    """
    if not _fast_and_sure(view, run, view.settings.vt_beats + 1):
        return False
    others = [i for i, beat in enumerate(run) if beat.label is not _V]
    if len(others) != 1 or not 2 <= others[0] <= len(run) - 3:
        return False
    return max(_intervals(run)) <= _PACE * 60.0 / view.settings.vt_bpm * view.rate_hz


def _fast_and_sure(view: View, run: list[Beat], size: int) -> bool:
    """Whether a run is long and fast, and the classifier sure of what it calls ventricular."""
    s = view.settings
    if len(run) < size or view.rate_bpm(run) < s.vt_bpm:
        return False
    wide = [_wide(beat) for beat in run if beat.label is _V]
    return sum(wide) >= s.vt_certainty * len(wide)


def _wide(beat: Beat) -> float:
    """Probability that a beat is ventricular, or a fusion with one."""
    return beat.probability(_V) + beat.probability(_F)


def _probable(run: list[Beat]) -> bool:
    """Whether all beats together are most probably ventricular, and none is surely normal."""
    together = sum(
        beat.probability(_V) + (beat.probability(_F) if beat.label is _V else 0.0) for beat in run
    )
    normal = max(beat.probability(_N) for beat in run)
    return together >= _PROBABLE * len(run) and normal < _SURELY_NORMAL


def _of_one_shape(view: View, run: list[Beat]) -> bool:
    """Whether most of a run is ventricular, and each beat inside has the shape of a sure one.

    Unless it is surely normal: then it is the first one that is mistaken.
    """
    ventricular = [beat for beat in run if beat.label is _V]
    if run[0].label is not _V or 2 * len(ventricular) <= len(run):
        return False
    sure = [beat for beat in ventricular if beat.probability(_V) >= _SURE]
    return all(
        beat.probability(_N) < _SURELY_NORMAL
        and any(view.shapes.likeness(beat, v) >= _ALIKE for v in sure)
        for beat in run
        if beat.label is not _V
    )


def _steady(view: View, run: list[Beat]) -> bool:
    """Whether a fast run may hold one other beat, or two that are abnormal too (S, F, Q).

    Behind its first beat, and if the classifier is not sure that one is normal; if no interval is
    more than 10 % longer than those of the VT rate; and not in atrial fibrillation, where aberrant
    beats come in fast, broken runs.
    """
    others = [beat for beat in run if beat.label is not _V]
    if not others:
        return True
    if run[0].label is not _V or view.af_since is not None or len(others) > 2:
        return False
    if len(others) == 2 and any(beat.label is AamiClass.N for beat in others):
        return False
    if max(beat.probability(_N) for beat in others) >= _SURELY_NORMAL:
        return False
    longest_s = max(_intervals(run)) / view.rate_hz
    return longest_s <= 1.1 * 60.0 / view.settings.vt_bpm


@at_each_beat(AlertKind.NSVT)
def nsvt(view: View) -> Finding | None:
    """Run of 3 to ``vt_beats`` - 1 ventricular beats at ``vt_bpm`` or faster.

    Non-sustained VT of bedside monitors. Given when the run has ended.
    """
    s = view.settings
    run = _closed_run(view)
    if not 3 <= len(run) < s.vt_beats or view.rate_bpm(run) < s.vt_bpm or not _sure(view, run):
        return None
    rate = view.rate_bpm(run)
    text = f"NSVT {len(run)} beats, {rate:.0f} >= {s.vt_bpm:.0f}"
    return Finding(run[0].sample, text, round(rate), s.vt_bpm, _samples(run))


@at_each_beat(AlertKind.V_RUN)
def v_run(view: View) -> Finding | None:
    """Run of ``v_run_beats`` to ``vt_beats`` - 1 ventricular beats slower than ``vt_bpm``.

    Monitors call it "run of PVCs" (more than 2, fewer than VT). Given when the run has ended.
    """
    s = view.settings
    run = _closed_run(view)
    if not s.v_run_beats <= len(run) < s.vt_beats or not _sure(view, run):
        return None
    rate = view.rate_bpm(run)
    if rate >= s.vt_bpm:
        return None
    text = f"RUN OF PVCS {len(run)} beats at {rate:.0f} bpm"
    return Finding(run[0].sample, text, len(run), s.v_run_beats, _samples(run))


@at_each_beat(AlertKind.AIVR)
def aivr(view: View) -> Finding | None:
    """Accelerated ventricular rhythm: ``vt_beats`` or more, slower than VT, not brady.

    Mindray: five or more ventricular beats at 40 to the VT rate.
    """
    s = view.settings
    return _slow_run(view, "VENTRICULAR RHYTHM", s.v_brady_bpm, s.vt_bpm)


@at_each_beat(AlertKind.V_BRADY)
def v_brady(view: View) -> Finding | None:
    """Ventricular bradycardia: ``vt_beats`` or more, slower than ``v_brady_bpm``.

    Mindray: five or more ventricular beats under 40 bpm.
    """
    return _slow_run(view, "VENTRICULAR BRADY", 0.0, view.settings.v_brady_bpm)


def _slow_run(view: View, name: str, low_bpm: float, high_bpm: float) -> Finding | None:
    need = view.settings.vt_beats
    run = view.run_of_v()
    if len(run) < need or not _sure(view, run[-need:]):
        return None
    rate = view.rate_bpm(run[-need:])
    if not low_bpm <= rate < high_bpm:
        return None
    text = f"{name} {len(run)} beats, {rate:.0f} < {high_bpm:.0f}"
    return Finding(run[0].sample, text, round(rate), high_bpm, _samples(run))


@at_each_beat(AlertKind.COUPLET)
def couplet(view: View) -> Finding | None:
    """Two ventricular beats between others.

    Normal beats that noise disfigures come on time and each in another shape. So the two must be
    alike, or one of them early: GE asks for a coupling under 600 ms; here it is the patient's
    usual interval that counts.
    """
    run = _closed_run(view)
    usual_s = view.usual_rr_s(before=4)
    if len(run) != 2 or len(view.beats) < 4 or usual_s is None:
        return None
    samples = (view.beats[-4].sample, *_samples(run))
    early = min(b - a for a, b in pairwise(samples)) <= _PREMATURE * usual_s * view.rate_hz
    if not _sure(view, run) or not (early or view.shapes.likeness(*run) >= _SIMILAR):
        return None
    return Finding(run[0].sample, "COUPLET", beats=_samples(run))


@at_each_beat(AlertKind.BIGEMINY)
def bigeminy(view: View) -> Finding | None:
    """Every second beat ventricular, for ``bigeminy_cycles`` cycles (Mindray: three)."""
    return _cycles(view, 2, view.settings.bigeminy_cycles, "BIGEMINY")


@at_each_beat(AlertKind.TRIGEMINY)
def trigeminy(view: View) -> Finding | None:
    """Every third beat ventricular, for ``trigeminy_cycles`` cycles (Mindray: three)."""
    return _cycles(view, 3, view.settings.trigeminy_cycles, "TRIGEMINY")


def _cycles(view: View, period: int, cycles: int, name: str) -> Finding | None:
    """Cycles of one ventricular beat, which comes earlier than the next one after it."""
    tail = ventricular_cycles(view.beats, period, cycles)
    rr = _intervals(tail)
    before = [rr for rr, beat in zip(rr, tail[1:], strict=True) if beat.label is _V]
    after = [rr for rr, beat in zip(rr, tail, strict=False) if beat.label is _V]
    if not tail or sum(before) * len(after) > _BEFORE_PAUSE * sum(after) * len(before):
        return None
    return Finding(tail[0].sample, name, cycles, cycles, _samples(tail))


@at_each_beat(AlertKind.R_ON_T)
def r_on_t(view: View) -> Finding | None:
    """Isolated ventricular beat before, or within ``r_on_t_s`` after, the peak of the T wave.

    GE's criterion (100 ms). The peak is that of the patient's usual beat, see :mod:`.twave`.
    """
    beats = view.beats
    if len(beats) < 4 or beats[-2].label is not _V or len(_closed_run(view)) != 1:
        return None
    before, premature = beats[-3], beats[-2]
    coupling_s = (premature.sample - before.sample) / view.rate_hz
    usual_s = view.usual_rr_s(before=3)
    if usual_s is None or coupling_s >= usual_s:
        return None
    limit_s = view.t_wave.peak_s(usual_s) + view.settings.r_on_t_s
    if coupling_s > limit_s:
        return None
    text = f"R ON T coupling {1000 * coupling_s:.0f} <= {1000 * limit_s:.0f} ms"
    evidence = (before.sample, premature.sample)
    return Finding(premature.sample, text, round(coupling_s, 3), round(limit_s, 3), evidence)


@at_each_beat(AlertKind.MULTIFORM_PVC)
def multiform_pvc(view: View) -> Finding | None:
    """Ventricular beats of two or more forms within ``multiform_beats`` beats.

    GE's criterion (15 beats); forms as told apart by :mod:`.shapes`, each seen before: noise
    makes a new one of every beat.
    """
    size = len(view.beats)
    first = view.beats[max(0, size - view.settings.multiform_beats)].sample
    recent = [(sample, form) for sample, form in view.shapes.recent if sample >= first]
    forms = {form for _, form in recent}
    if len(forms) < 2 or view.beats[-1].label is not _V:
        return None
    evidence = tuple(sample for sample, _ in recent)
    return Finding(evidence[0], f"MULTIFORM PVCS {len(forms)} forms", len(forms), 2, evidence)


@at_each_beat(AlertKind.PVCS_PER_MIN)
def pvcs_per_min(view: View) -> Finding | None:
    """More than ``pvcs_per_min`` ventricular beats in the last minute (Mindray: 1 to 100)."""
    limit = view.settings.pvcs_per_min
    found = view.of_the_minute(_V)
    if len(found) <= limit:
        return None
    return Finding(found[0], f"PVC/min {len(found)} > {limit}", len(found), limit, found)
