"""Rules of ventricular ectopy, from beat labels; called once for every new beat.

Condition delay of each: the labelling of its last beat, at most about 1.5 s.
"""

from __future__ import annotations

from itertools import pairwise

from monitor.messages import AamiClass, AlertKind, Beat
from monitor.stages.alarms.engine import Finding
from monitor.stages.alarms.rule import at_each_beat
from monitor.stages.alarms.runs import is_ventricular
from monitor.stages.alarms.view import View
from monitor.stages.ectopy import ventricular_cycles

_V = AamiClass.V
_SIMILAR = 0.8  # correlation of a couplet that need not be premature ...
_PREMATURE = 0.85  # ... which is this share of the usual interval
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
    """``vt_beats`` beats in a row at ``vt_bpm`` or faster that are probably ventricular.

    Criterion of the CinC Challenge 2015 and of bedside monitors (5 beats, 100 bpm). The labels in
    a fast run are less sure than elsewhere, so the run is judged as a whole, by the score of
    :mod:`monitor.stages.alarms.runs`: it must be ventricular with a probability of at least
    ``vt_certainty``.
    """
    s = view.settings
    last = view.last(s.vt_beats)
    if len(last) < s.vt_beats or view.rate_bpm(last) < s.vt_bpm:
        return None
    if not is_ventricular(last, len(view.run_of_v()), view.shapes, s.vt_certainty):
        return None
    rate = view.rate_bpm(last)
    run = view.run_of_v(back=len(last) - 1)[:-1] + last
    text = f"VT {len(run)} beats, {rate:.0f} >= {s.vt_bpm:.0f}"
    return Finding(run[0].sample, text, round(rate), s.vt_bpm, _samples(run))


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
