"""What sounds: the audible side of the alarms, apart from their states.

Rules that hold here (IEC 60601-1-8 names the states; the choices are those of ward monitors):

1. The highest priority among the live alarms that are not acknowledged sounds.
2. Acknowledging silences the alarms that are live; whatever is raised later sounds.
3. Audio pause silences everything for ``audio_pause_s``, unless an alarm is raised whose
   priority is higher than all that were sounding when the pause began: that breaks through.
4. A pause ends by itself; nothing is ever silenced for good.
"""

from __future__ import annotations

from monitor.config import AlarmSettings
from monitor.messages import Alert, AlertState, Priority

_ORDER = (Priority.TECHNICAL, Priority.LOW, Priority.MEDIUM, Priority.HIGH)


class Audio:
    """Folds the transitions of one stream; time is the sample index.

    Parameters
    ----------
    rate_hz
        Sampling rate.
    settings
        Length of the pause.
    """

    def __init__(self, rate_hz: float, settings: AlarmSettings) -> None:
        self._pause_samples = round(settings.audio_pause_s * rate_hz)
        self._waiting: dict[int, Priority] = {}  # live and not acknowledged, by id
        self._paused_until = -1
        self._breaks_through = -1  # rank an alarm must exceed to be heard in the pause

    def take(self, alert: Alert) -> None:
        """Take the next transition."""
        if alert.state is AlertState.RAISED:
            self._waiting[alert.id] = alert.priority
            if _ORDER.index(alert.priority) > self._breaks_through:
                self._paused_until = -1
        elif alert.state is not AlertState.UPDATED:
            self._waiting.pop(alert.id, None)

    def pause(self, sample: int) -> None:
        """Silence what sounds now for the length of a pause."""
        sounding = self.sounding(sample)
        self._breaks_through = -1 if sounding is None else _ORDER.index(sounding)
        self._paused_until = sample + self._pause_samples

    def sounding(self, sample: int) -> Priority | None:
        """Priority that sounds at ``sample``; None is silence."""
        if sample < self._paused_until or not self._waiting:
            return None
        return max(self._waiting.values(), key=_ORDER.index)
