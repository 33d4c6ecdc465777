"""The messages between the front of a service and its workers. Pure.

The first frame is the kind. Samples go as they came: ``[SAMPLES, key of the sender, *frames]``. All
else is JSON, and what is published has its texts and payloads in frames of their own. Nothing that
a sender wrote is read here; only a worker reads it, with all checks.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from monitor.journal.entries import AlertSignal, Memory
from monitor.service.outgoing import Outgoing, drafted

# to a worker
PREPARE = b"prepare"  # load the analysis: JSON
BEGIN = b"begin"  # take a place: JSON
SAMPLES = b"samples"  # a message of a sender
EMPTY = b"empty"  # nothing waits at the front
REQUEST = b"request"  # [number, text]
NEWCOMER = b"newcomer"  # a subscriber has come
WANTED = b"wanted"  # topics that are subscribed to
STATUS = b"status"  # once a second: JSON
STOP = b"stop"
# from a worker
READY = b"ready"  # the analysis is loaded
FAILED = b"failed"  # it cannot be loaded: JSON
HERE = b"here"  # without a place yet
OUTGOING = b"outgoing"  # [memories, flags, frames ...]
ANSWER = b"answer"  # [number, text]
ANSWERS = b"answers"  # topics that tell senders something
TICK = b"tick"  # once a second: JSON
LINE = b"line"  # of the log: JSON
DONE = b"done"  # after STOP, behind the last message

_TEXT, _PAYLOAD, _SIGNAL = 1, 2, 4  # which frames follow the topic


@dataclass(frozen=True, slots=True)
class Tick:
    """What a worker tells once a second.

    ``received`` counts the messages of senders that it has taken; ``appeared`` the streams that
    have begun; ``over``: all that came have ended.
    """

    positions: Mapping[str, int]
    received: int = 0
    appeared: int = 0
    over: bool = True


@dataclass(frozen=True, slots=True)
class Status:
    """What the front tells once a second.

    ``journal`` and ``output`` say why events are not stored or published, ``recording`` why streams
    are not recorded. ``elsewhere`` streams are watched by other workers.
    """

    journal: str = ""
    output: str = ""
    recording: Mapping[str, str] | None = None
    elsewhere: int = 0


def packed(data: Any) -> bytes:
    """Give plain values as JSON."""
    return json.dumps(data, separators=(",", ":")).encode()


def unpacked(data: bytes) -> Any:
    """Give plain values back."""
    return json.loads(data)


def pack_outgoing(outgoing: Sequence[Outgoing], memories: Mapping[str, Memory]) -> list[bytes]:
    """Give the frames that carry messages to be published, and the states of their streams."""
    flags = bytearray()
    frames: list[bytes] = []
    for out in outgoing:
        signal = None if out.draft is None else out.draft.signal
        flags.append(
            (_TEXT if out.text else 0)
            | (_PAYLOAD if out.payload else 0)
            | (_SIGNAL if signal is not None else 0)
        )
        frames.append(out.topic)
        if out.text:
            frames.append(out.text.encode())
        frames += out.payload[:1]
        if signal is not None:
            frames += [b"%d" % signal.alert_id, signal.text.encode(), signal.samples]
    kept = packed({name: [m.text, m.next_sample] for name, m in memories.items()})
    return [OUTGOING, kept, bytes(flags), *frames]


def unpack_outgoing(frames: Sequence[bytes]) -> tuple[list[Outgoing], dict[str, Memory]]:
    """Give back what :func:`pack_outgoing` packed."""
    memories = {name: Memory(*kept) for name, kept in unpacked(frames[1]).items()}
    rest = iter(frames[3:])
    return [_outgoing(flag, rest) for flag in frames[2]], memories


def _outgoing(flag: int, frames: Iterable[bytes]) -> Outgoing:
    rest = iter(frames)
    topic = next(rest)
    text = next(rest).decode() if flag & _TEXT else ""
    payload = (next(rest),) if flag & _PAYLOAD else ()
    signal = None
    if flag & _SIGNAL:
        signal = AlertSignal(int(next(rest)), next(rest).decode(), next(rest))
    return Outgoing(topic, text, payload, drafted(topic, text, signal))
