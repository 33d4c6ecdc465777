"""Technical alarms about the signal. They do not latch and end with their cause."""

from __future__ import annotations

from monitor.messages import LeadState
from monitor.stages.alarms.engine import Finding
from monitor.stages.alarms.view import View

_OFF = (LeadState.LEAD_OFF, LeadState.FLAT)
_NOT_NOISE = {LeadState.INVALID: "SAMPLES MISSING", LeadState.SATURATED: "SATURATED"}
_SUSPENDED = ": arrhythmia analysis suspended"


def lead_off(view: View) -> Finding | None:
    """One lead or more off, or giving a constant, for ``lead_off_s``.

    A stopped heart leaves a restless baseline; a line that is exactly constant comes from the
    equipment. It is not called asystole, and the text says what it is.
    """
    since = view.lead_off_since
    if since is None or view.seconds_since(since) < view.settings.lead_off_s:
        return None
    named = tuple(zip(view.leads, view.lead_states, strict=True))
    off = [lead for lead, state in named if state is LeadState.LEAD_OFF]
    flat = [lead for lead, state in named if state is LeadState.FLAT]
    parts = [f"LEAD OFF {', '.join(off)}"] if off else []
    parts += [f"NO SIGNAL (constant line) {', '.join(flat)}"] if flat else []
    return Finding(since, "; ".join(parts) + (_SUSPENDED if view.suspended else ""))


def noise(view: View) -> Finding | None:
    """Signal unusable for ``noise_s``, and not only because leads are off.

    The text says what else it is where no lead is noisy: other things are to be done about it.
    """
    since = view.watched.unusable_since
    connected = {state for state in view.lead_states if state not in _OFF}
    if since is None or not connected:
        return None
    if view.seconds_since(since) < view.settings.noise_s:
        return None
    words = [text for state, text in _NOT_NOISE.items() if state in connected]
    what = ", ".join(words) if connected <= _NOT_NOISE.keys() else "NOISE"
    return Finding(since, what + _SUSPENDED)


def amplitude(view: View) -> Finding | None:
    """Signal that is too large or too small to be an ECG in millivolts."""
    return None if view.suspended else view.amplitude.finding(view.sample + 1)


def samples_lost(view: View) -> Finding | None:
    """Tell of missing samples, until ``lost_s`` of signal have come without loss."""
    if view.lost_until is None or view.seconds_since(view.lost_until) >= view.settings.lost_s:
        return None
    lost = view.lost_samples
    text = f"{lost} samples lost ({lost / view.rate_hz:.2f} s)"
    return Finding(view.lost_from, text, float(lost))


def learning(view: View) -> Finding | None:
    """After a start beats are learned: until then arrhythmia detection is not available."""
    if not view.learning:
        return None
    return Finding(view.start_sample, "LEARNING: arrhythmia detection not yet available")
