"""How many streams are watched, and which may be forgotten to make room. Pure.

Rules that hold here:

1. A place is taken by a stream that is live, or announced and waited for. One that is stale,
   quarantined or over holds up nobody; when it is heard again it is watched again, place or not.
2. What is not watched stays known: a stale stream until it is discharged, an ended one while a
   lethal alarm has not been acknowledged. There is room for :data:`MAX_KEPT` of them.
3. Only what needs no person any more makes room for others.
"""

from __future__ import annotations

from collections.abc import Mapping

from monitor.service.stream import MonitoredStream

MAX_KEPT = 256
FORGET_ENDED_S = 60.0


class Places:
    """The places of a hub.

    Parameters
    ----------
    max_streams
        Streams that are watched at a time.
    streams
        All that are known, by name; the hub's own.
    """

    def __init__(self, max_streams: int, streams: Mapping[str, MonitoredStream]) -> None:
        self._max = max_streams
        self._streams = streams

    @property
    def reason(self) -> str:
        """Why a stream gets no place."""
        return f"already {self._max} streams (see --max-streams)"

    @property
    def taken(self) -> bool:
        """No place is left."""
        return sum(stream.watched for stream in self._streams.values()) >= self._max

    @property
    def crowded(self) -> bool:
        """No other stream can be known, not even as one that is refused."""
        return len(self._streams) >= self._max + MAX_KEPT

    def dispensable(self, now_s: float) -> str | None:
        """Give the stream that can be forgotten first, None if a person is needed for each."""
        found = [
            (not stream.ended, stream.heard_s, name)
            for name, stream in self._streams.items()
            if not stream.alarming
            and (stream.ended or (stream.turned_away and now_s - stream.heard_s > FORGET_ENDED_S))
        ]
        return min(found)[2] if found else None
