"""Technical alarms about the signal. They do not latch and end with their cause."""

from __future__ import annotations

from monitor.stages.alarms.engine import Finding
from monitor.stages.alarms.view import View


def lead_off(view: View) -> Finding | None:
    """Every lead is off, or gives a constant, for ``lead_off_s``.

    A stopped heart leaves a restless baseline; a line that is exactly constant comes from the
    equipment. It is not called asystole, and the text says what it is.
    """
    since = view.lead_off_since
    if since is None or view.seconds_since(since) < view.settings.lead_off_s:
        return None
    what = "NO SIGNAL (constant line)" if view.flat else "LEAD OFF"
    return Finding(since, f"{what}: arrhythmia analysis suspended")


def noise(view: View) -> Finding | None:
    """Signal unusable for ``noise_s``, and not because leads are off."""
    since = view.unusable_since
    if since is None or view.lead_off_since is not None:
        return None
    if view.seconds_since(since) < view.settings.noise_s:
        return None
    return Finding(since, "NOISE: arrhythmia analysis suspended")


def learning(view: View) -> Finding | None:
    """After a start beats are learned: until then arrhythmia detection is not available."""
    if not view.learning:
        return None
    return Finding(view.start_sample, "LEARNING: arrhythmia detection not yet available")
