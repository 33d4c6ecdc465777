"""A feed: messages of a running monitor, from a local analysis or from a subscription."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from monitor.messages import Message


@dataclass(frozen=True, slots=True)
class Status:
    """Facts about the feed itself; ``stream`` is empty while no stream is known.

    ``text`` says what is going on for people ("loading the beat classifier", "waiting for
    samples", "finished"). ``lag_s`` is how far analysis is behind the newest sample. ``lost``: what
    watches the stream has gone, though nobody has ended it; without a stream, all of it.
    """

    stream: str
    text: str = ""
    speed: float | None = None
    lag_s: float | None = None
    lost_samples: int = 0
    duplicates: int = 0
    reordered: int = 0
    lost: bool = False


Deliver: TypeAlias = Callable[[Message | Status], None]


class Feed(Protocol):
    """Delivers messages in order from a thread of its own, until the stream ends or it is stopped.

    ``run`` is called once, in a worker thread, so that a slow terminal never holds up analysis;
    it raises :class:`~monitor.errors.MonitorError` when it cannot go on. The other methods are
    called from the dashboard's thread and only leave a note for the worker.
    """

    def run(self, deliver: Deliver) -> None:
        """Work until the end; every message goes to ``deliver``, which never blocks for long."""
        ...

    def stop(self) -> None:
        """Ask ``run`` to return soon."""
        ...

    def acknowledge(self, stream: str, alert_id: int | None) -> None:
        """Acknowledge one alert of a stream, or all of them (None)."""
        ...
