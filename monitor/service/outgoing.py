"""Messages on their way out of the service, and the interface of what takes them. Pure.

What makes a message writes its fields. What sends it journals it, numbers it and adds the envelope.
The two may be in different processes (:mod:`monitor.workers`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from monitor.journal.entries import AlertSignal, Draft, Memory
from monitor.wire.frames import body_of
from monitor.wire.protocol import JOURNALLED, Body

NO_PLACE = '"journal_last":null'
"""Stands in a state until its stream's place in the journal is known; no text can contain it."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message: its topic, its fields as a JSON object, its payload.

    An empty ``text`` is a message that is not sent; it takes its number all the same. One to be
    journalled has a ``draft``. ``body`` is the message for local sinks; of one that is cut into
    pieces only the first has it.
    """

    topic: bytes
    text: str
    payload: tuple[bytes, ...] = ()
    draft: Draft | None = None
    body: Body | None = None

    @property
    def kind(self) -> bytes:
        """Kind of the message."""
        return self.topic.partition(b".")[0]

    @property
    def stream(self) -> str:
        """Name of its stream."""
        return self.topic.partition(b".")[2].decode("ascii")

    def message(self) -> Body:
        """Read the message back.

        Raises
        ------
        ProtocolError
            If it cannot be read.
        """
        return body_of(self.topic, self.text, self.payload)


def drafted(topic: bytes, text: str, signal: AlertSignal | None = None) -> Draft | None:
    """Give the draft for the journal of a written message; None for one that is not kept.

    >>> drafted(b"end.208", '{"stream":"208","sample":720}')
    Draft(stream='208', kind='end', sample=720, text='{"stream":"208","sample":720}', alert=None, \
priority=None, state=None, signal=None)
    """
    kind, _, stream = topic.decode("ascii").partition(".")
    if kind not in JOURNALLED or not text:
        return None
    fields = json.loads(text)
    sample = fields["start_sample"] if kind == "info" else fields["sample"]
    alert = fields if kind == "alert" else {"kind": None, "priority": None, "state": None}
    found = alert["kind"], alert["priority"], alert["state"]
    return Draft(stream, kind, sample, text, *found, signal)


class Outlet(Protocol):
    """Takes the messages that leave a service."""

    @property
    def trouble(self) -> str:
        """Why events are not stored; empty while they are."""
        ...

    def wants(self, topic: bytes) -> bool:
        """Tell whether anybody has subscribed to a topic."""
        ...

    def send(self, outgoing: Sequence[Outgoing], memories: Mapping[str, Memory]) -> None:
        """Journal what is to be kept, with the states of the streams; then send all in order."""
        ...

    def note(self, positions: Mapping[str, int]) -> None:
        """Take the next sample of every stream, once a second."""
        ...

    def take_problem(self) -> str:
        """Give why messages were not sent since the last call; empty if none failed."""
        ...
