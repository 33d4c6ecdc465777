"""Rules of ventricular ectopy, from beat labels; called once for every new beat."""

from __future__ import annotations

from monitor.messages import AamiClass, Beat
from monitor.stages.alarms.engine import Finding
from monitor.stages.alarms.view import View

_V = AamiClass.V


def _samples(beats: list[Beat]) -> tuple[int, ...]:
    return tuple(beat.sample for beat in beats)


def _closed_run(view: View) -> list[Beat]:
    """Run of ventricular beats that the newest beat, not itself ventricular, ends."""
    if not view.beats or view.beats[-1].label is _V:
        return []
    return view.run_of_v(back=1)


def v_run(view: View) -> Finding | None:
    """Run of ``v_run_beats`` or more ventricular beats that is not VT.

    Monitors call it "run of PVCs" (more than 2). Condition delay: the label of the beat
    that ends the run.
    """
    s = view.settings
    run = _closed_run(view)
    if len(run) < s.v_run_beats:
        return None
    rate = view.rate_bpm(run)
    if len(run) >= s.vt_beats and rate >= s.vt_bpm:
        return None
    text = f"RUN OF PVCS {len(run)} beats at {rate:.0f} bpm"
    return Finding(run[0].sample, text, len(run), s.v_run_beats, _samples(run))


def couplet(view: View) -> Finding | None:
    """Two ventricular beats between others. Condition delay: the label of the fourth beat."""
    run = _closed_run(view)
    if len(run) != 2 or len(view.beats) < 4:
        return None
    return Finding(run[0].sample, "COUPLET", beats=_samples(run))


def bigeminy(view: View) -> Finding | None:
    """Every second beat ventricular for ``bigeminy_cycles`` cycles (three in monitors).

    Condition delay: the label of the last beat.
    """
    return _cycles(view, 2, view.settings.bigeminy_cycles, "BIGEMINY")


def _cycles(view: View, period: int, cycles: int, name: str) -> Finding | None:
    need = period * cycles
    if len(view.beats) < need:
        return None
    tail = [view.beats[i - need] for i in range(need)]
    phases = {i % period for i, beat in enumerate(tail) if beat.label is _V}
    if len(phases) != 1 or sum(beat.label is _V for beat in tail) != cycles:
        return None
    return Finding(tail[0].sample, name, cycles, cycles, _samples(tail))
