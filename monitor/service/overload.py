"""When the machine is too slow for its streams: say so, and shed what is for the eye first. Pure.

The order in which things give way:

1. Nothing, while the input is found empty now and then: a queue that forms is being worked off.
2. Samples are no longer shown to subscribers, and states come each :data:`STATE_PERIOD` seconds
   instead of each second, once the input has not been empty for :data:`SATURATED_S` and a live
   stream is :data:`SHED_LAG_S` behind. Every message left out takes its number, so a subscriber
   sees what is missing; the heartbeat counts them.
3. Analysis, alerts, beats, the journal and recordings are never shed. They come late: the state of
   every stream tells its lag, and from :data:`monitor.service.pace.LATE_S` on there is an alarm.
4. When the queues are full the senders are held back (see :mod:`monitor.wire.sockets`).
"""

from __future__ import annotations

from collections.abc import Collection

SATURATED_S = 1.0
SHED_LAG_S = 0.5  # the label of a beat has about so long left within 1.5 s of its R peak
STATE_PERIOD = 5


class Overload:
    """Judges once a second whether to shed, from how far each live stream is behind."""

    def __init__(self) -> None:
        self.shedding = False
        self.shed = 0  # messages left out so far
        self.late = 0  # live streams that are behind now
        self._ticks = 0

    @property
    def shows_states(self) -> bool:
        """Whether the states are to be shown this second."""
        return not self.shedding or self._ticks % STATE_PERIOD == 0

    def judge(self, behind_s: Collection[float], saturated_s: float, fastest: str = "") -> str:
        """Take the lag of each live stream, and for how long the input was never empty.

        Gives what the operator is to be told, mostly nothing; ``fastest`` is added to it.
        """
        self._ticks += 1
        self.late = sum(lag_s > SHED_LAG_S for lag_s in behind_s)
        saturated = saturated_s > SATURATED_S
        if not self.shedding and saturated and self.late:
            self.shedding, self._ticks = True, 0
            return (
                f"too slow: {self.late} of {len(behind_s)} live streams are late, the worst by "
                f"{max(behind_s):.1f} s; samples are no longer shown to subscribers{fastest}"
            )
        if self.shedding and not saturated and not self.late:
            self.shedding = False
            return f"caught up; {self.shed} messages were not shown so far"
        return ""
