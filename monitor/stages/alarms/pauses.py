"""Rules of beats that are late or missing."""

from __future__ import annotations

from monitor.stages.alarms.engine import Finding
from monitor.stages.alarms.view import View


def pause(view: View) -> Finding | None:
    """No QRS for ``pause_s`` (3 s in monitors), not yet asystole.

    Condition delay: ``pause_s`` and ``settle_s``; it does not wait for the next beat.
    """
    limit = view.settings.pause_s
    if view.suspended or not view.rpeaks or view.rpeaks[-1] < view.watched_since:
        return None
    if view.quiet_s < limit:
        return None
    last = view.rpeaks[-1]
    return Finding(last, f"PAUSE > {limit:g} s", view.quiet_s, limit, (last,))
