"""Technical alarms about the signal. They do not latch and end with their cause."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.messages import AlertKind, LeadState
from monitor.stages.alarms.engine import Finding
from monitor.stages.alarms.rule import at_each_hop
from monitor.stages.alarms.view import View

_OFF = (LeadState.LEAD_OFF, LeadState.FLAT)
_NOT_NOISE = {LeadState.INVALID: "SAMPLES MISSING", LeadState.SATURATED: "SATURATED"}
_SUSPENDED = ": arrhythmia analysis suspended"


@at_each_hop(AlertKind.LEAD_OFF)
def lead_off(view: View) -> Finding | None:
    """One lead or more off, giving a constant, or giving no samples, for ``lead_off_s``.

    A stopped heart leaves a restless baseline; a line that is exactly constant comes from the
    equipment, and so do samples that are missing. It is not called asystole, and the text says
    what it is.
    """
    if view.lead_off_since is None and not view.absent.any:
        return None
    since = [began for began in view.absent.since if began is not None]
    missing = _named(view, [began is not None for began in view.absent.since])
    off = flat = ""
    began = view.lead_off_since
    if began is not None and view.seconds_since(began) >= view.settings.lead_off_s:
        since.append(began)
        off = _named(view, [state is LeadState.LEAD_OFF for state in view.lead_states])
        flat = _named(view, [state is LeadState.FLAT for state in view.lead_states])
    if not since:
        return None
    parts = [f"LEAD OFF {off}"] if off else []
    parts += [f"NO SIGNAL (constant line) {flat}"] if flat else []
    parts += [f"NO SIGNAL (samples missing) {missing}"] if missing else []
    return Finding(min(since), "; ".join(parts) + (_SUSPENDED if view.suspended else ""))


def _named(view: View, which: Sequence[bool]) -> str:
    return ", ".join(lead for lead, so in zip(view.leads, which, strict=True) if so)


@at_each_hop(AlertKind.NOISE)
def noise(view: View) -> Finding | None:
    """Signal unusable for ``noise_s``, and not only because leads are off or without samples.

    The text says what else it is where no lead is noisy: other things are to be done about it.
    """
    since = view.watched.unusable_since
    if since is None:
        return None
    connected = {
        state
        for state, absent in zip(view.lead_states, view.absent.since, strict=True)
        if state not in _OFF and absent is None
    }
    if not connected:
        return None
    if view.seconds_since(since) < view.settings.noise_s:
        return None
    words = [text for state, text in _NOT_NOISE.items() if state in connected]
    what = ", ".join(words) if connected <= _NOT_NOISE.keys() else "NOISE"
    return Finding(since, what + _SUSPENDED)


@at_each_hop(AlertKind.AMPLITUDE)
def amplitude(view: View) -> Finding | None:
    """Signal that is too large or too small to be an ECG in millivolts."""
    return None if view.suspended else view.amplitude.finding(view.sample + 1)


@at_each_hop(AlertKind.SAMPLES_LOST)
def samples_lost(view: View) -> Finding | None:
    """Tell of missing samples, until ``lost_s`` of signal have come without loss."""
    if view.lost_until is None or view.seconds_since(view.lost_until) >= view.settings.lost_s:
        return None
    lost = view.lost_samples
    text = f"{lost} samples lost ({lost / view.rate_hz:.2f} s)"
    return Finding(view.lost_from, text, float(lost))


@at_each_hop(AlertKind.LEARNING)
def learning(view: View) -> Finding | None:
    """After a start, beats are learned; until then there is no arrhythmia detection.

    Learning ends after ``learning_beats``, and after ``learning_s`` at the latest.
    """
    if not view.learning:
        return None
    return Finding(view.start_sample, "LEARNING: arrhythmia detection not yet available")
