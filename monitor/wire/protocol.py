"""Messages of the wire protocol: those of the monitor, and those of the service itself. Pure.

:mod:`monitor.wire.frames` gives their form on the wire.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

from monitor.config import AlarmSettings
from monitor.messages import Alert, Message, Quality, Rhythm, StreamInfo
from monitor.wire.fields import ProtocolError, fields_from_dict, shown
from monitor.wire.jsonform import TYPES

__all__ = [
    "Heartbeat",
    "Packet",
    "ProtocolError",
    "StreamState",
    "Unit",
    "topic_of",
]

SCHEMA = 1
MAX_PAYLOAD_BYTES = 1024 * 1024  # 8 s of 32 leads at 1000 Hz
MAX_SIGNAL_S = 20.0  # in one message of samples to a service
SERVICE_STOPPED = "the service has stopped"
"""Text of the last state of a stream that its sender has not ended."""


class StreamStatus(StrEnum):
    """The status of one stream, as the service tells it."""

    WAITING = "waiting"  # announced, no samples yet
    LIVE = "live"
    STALE = "stale"  # no samples for some seconds
    ENDED = "ended"
    QUARANTINED = "quarantined"  # not analysed; ``text`` says why


class Unit(StrEnum):
    """Unit of the samples that a sender announces."""

    MILLIVOLT = "mV"
    MICROVOLT = "uV"
    VOLT = "V"

    @property
    def mv(self) -> float:
        """Millivolts in one of it."""
        return {Unit.MILLIVOLT: 1.0, Unit.MICROVOLT: 1e-3, Unit.VOLT: 1e3}[self]


@dataclass(frozen=True, slots=True)
class StreamState:
    """The state of a stream: sent each second and to newcomers, so that nobody misses an alarm.

    ``alerts`` holds the last transition of every active alert, and of those that ended in the
    last seconds. ``lag_s`` is the age of the newest samples when they had been analysed, from
    the time they were sent; ``speed`` is signal time over wall time. Counts are of the samples
    and messages that came (or did not) from the source. ``journal_last`` is the number of the
    last message of the stream that was journalled. ``quality`` and ``rhythm`` are those in force,
    for who joined after they had last changed.
    """

    stream: str
    status: StreamStatus
    text: str
    info: StreamInfo
    sample: int
    alerts: tuple[Alert, ...] = ()
    speed: float | None = None
    lag_s: float | None = None
    lost_samples: int = 0
    lost_messages: int = 0
    duplicates: int = 0
    reordered: int = 0
    refused: int = 0
    journal_last: int | None = None
    quality: Quality | None = None
    rhythm: Rhythm | None = None


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Sent each second by the service: it is there, and how many streams it knows.

    ``late`` live streams are behind; ``shed`` messages for the eye (samples) have been left out
    so far, because the machine is too slow. ``refused`` messages broke the rules; ``denied`` counts
    connections, messages and requests refused for who sent them, or for how much. ``turned_away``
    streams are being sent and not watched, since there is no place for them; they are not in
    ``streams``.
    """

    stream: str  # the publisher's id: a heartbeat belongs to no stream
    streams: int
    refused: int = 0
    unknown: int = 0
    late: int = 0
    shed: int = 0
    denied: int = 0
    turned_away: int = 0


@dataclass(frozen=True, slots=True)
class Limits:
    """The alarm limits of a stream from ``sample`` on: sent when somebody has changed them."""

    stream: str
    sample: int
    limits: AlarmSettings


Body: TypeAlias = Message | StreamState | Heartbeat | Limits

KINDS: dict[str, type[Any]] = {
    **TYPES,
    "limits": Limits,
    "state": StreamState,
    "heartbeat": Heartbeat,
}


JOURNALLED = frozenset({"info", "end", "gap", "alert", "limits"})
"""Kinds of messages that a service keeps in its journal."""


@dataclass(frozen=True, slots=True)
class Mark:
    """The place of a message in the journal of the service.

    ``number`` grows from message to message, over restarts too; ``before`` is the number of the
    message of the same stream that was journalled before it, 0 if there was none.
    """

    number: int
    before: int


@dataclass(frozen=True, slots=True)
class Packet:
    """One decoded message with what its sender said about the sending.

    ``unit`` is that of the samples that an announcement announces, ``device`` the name of what
    sends them; samples themselves are as they came.
    """

    topic: bytes
    publisher: str
    sequence: int
    sent_ns: int
    body: Body
    mark: Mark | None = None
    unit: Unit = Unit.MILLIVOLT
    device: str = ""


@dataclass(frozen=True, slots=True)
class Announced:
    """Facts in an announcement beside the stream.

    ``device`` is a name of the sending device that stays the same when it is restarted, if it
    has one: a serial number, say.
    """

    unit: Unit = Unit.MILLIVOLT
    device: str = ""


_NAMES = {kind: name for name, kind in KINDS.items()}


def kind_of(body: Body) -> str:
    """Name of the message's kind, the first half of its topic."""
    try:
        return _NAMES[type(body)]
    except KeyError:
        raise ProtocolError(f"{type(body).__name__} is not a message") from None


def topic_of(body: Body) -> bytes:
    """Topic under which a message is sent."""
    return f"{kind_of(body)}.{body.stream}".encode("ascii", "replace")


def body_from_dict(fields: Mapping[str, Any]) -> Body:
    """Make a message from an event of the journal: ``type`` and its fields.

    Raises
    ------
    ProtocolError
        If it is not such an event.
    """
    kind = fields.get("type")
    if not isinstance(kind, str) or kind not in JOURNALLED:
        raise ProtocolError(f"{shown(kind)} is not a type of event that is journalled")
    body: Body = fields_from_dict(KINDS[kind], fields)
    return body
