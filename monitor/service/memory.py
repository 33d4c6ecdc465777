"""What the service must remember of a stream over its own end, and how a stream goes on from it.

Pure: the journal keeps the text, the stream makes and takes the memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from monitor.config import AlarmSettings
from monitor.journal.entries import Memory
from monitor.messages import Alert, StreamInfo
from monitor.wire.fields import ProtocolError, fields_from_dict, fields_to_dict
from monitor.wire.jsonform import dumps, loads
from monitor.wire.protocol import Unit

RESUME_S = 86_400.0
"""A stream that was last heard of longer ago, and has no alert, has ended: its numbers go on."""


@dataclass(frozen=True, slots=True)
class StreamMemory:
    """A stream as a later life of the service needs it.

    ``alerts`` are the active ones; ``limits`` is None while nobody has set any. The numbers are
    the last ones used, so that none is used twice.
    """

    stream: str
    info: StreamInfo
    publisher: str
    key: str
    ended: bool
    next_sample: int
    last_id: int
    last_seq: int
    last_technical_id: int
    last_technical_seq: int
    alerts: tuple[Alert, ...] = ()
    limits: AlarmSettings | None = None
    unit: Unit = Unit.MILLIVOLT
    device: str = ""

    def text(self) -> str:
        """Give the memory as one line of JSON."""
        return dumps(fields_to_dict(self))


def recalled(
    kept: Mapping[str, Memory], wall_ns: int, unsure: int = 0
) -> tuple[list[StreamMemory], list[str]]:
    """Read memories back; give them, and a line about each that cannot be read.

    ``unsure`` is how many numbers may have been used since that were not written.
    """
    memories, problems = [], []
    for name, remembered in kept.items():
        try:
            memory = fields_from_dict(StreamMemory, loads(remembered.text.encode()))
        except ProtocolError as error:
            problems.append(f"stream {name} cannot be restored: {error}")
            continue
        # one that is stale has not ended, however long it is so
        old = not memory.alerts and wall_ns - remembered.wall_ns > RESUME_S * 1e9
        memories.append(
            replace(
                memory,
                ended=memory.ended or old,
                next_sample=remembered.next_sample,
                last_id=memory.last_id + unsure,
                last_seq=memory.last_seq + unsure,
                last_technical_id=memory.last_technical_id - unsure,
                last_technical_seq=memory.last_technical_seq - unsure,
            )
        )
    return memories, problems
