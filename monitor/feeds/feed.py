"""The feed protocol: messages of a running monitor, from a local analysis or a subscription."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from monitor.messages import Message


@dataclass(frozen=True, slots=True)
class Status:
    """Facts about the feed itself; ``stream`` is empty while no stream is known.

    ``text`` tells people the state ("loading the analysis", "waiting for samples", "finished").
    ``lag_s`` is how far the analysis is behind the newest sample. ``lost`` is true when the
    service is gone though the stream has not ended; without a stream it holds for all streams.
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

    ``run`` is called once, in a worker thread, so that a slow terminal never delays the analysis.
    It raises :class:`~monitor.errors.MonitorError` when it cannot go on. The dashboard's thread
    calls the other methods; they only leave a request for the worker.
    """

    def run(self, deliver: Deliver) -> None:
        """Work until the end. Every message goes to ``deliver``, which never blocks for long."""
        ...

    def stop(self) -> None:
        """Ask ``run`` to return soon."""
        ...

    def acknowledge(self, stream: str, alert_id: int | None) -> None:
        """Acknowledge one alert of a stream; None acknowledges all."""
        ...

    def fetch_strip(self, stream: str, alert_id: int) -> None:
        """Ask for the signal published with an alert; it comes as a snippet if it is still kept."""
        ...
