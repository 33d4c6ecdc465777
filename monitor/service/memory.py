"""The state of a stream that outlives a restart of the service.

Pure: the journal keeps the text; the stream makes the memory and continues from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from monitor.config import AlarmSettings
from monitor.journal.entries import Memory
from monitor.messages import Alert, StreamInfo
from monitor.service.ownership import Announcement
from monitor.wire.fields import ProtocolError, fields_from_dict, fields_to_dict
from monitor.wire.jsonform import dumps, loads
from monitor.wire.protocol import Unit

RESUME_S = 86_400.0
"""A stream last heard longer ago, without an active alert, has ended; its numbers go on."""


@dataclass(frozen=True, slots=True)
class StreamMemory:
    """The state of a stream that the service needs after a restart.

    ``alerts`` are the active ones; ``limits`` is None while nobody has set any. The numbers are the
    last ones used, so that none is used twice; the ``technical`` ones are those of the equipment
    alerts. Journals hold the fields by these names.
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

    @property
    def announced(self) -> Announcement:
        """The last announcement of the stream."""
        return Announcement(self.info, self.publisher, self.key, self.unit, self.device)

    def text(self) -> str:
        """Give the memory as one line of JSON."""
        return dumps(fields_to_dict(self))


def recalled(
    kept: Mapping[str, Memory], wall_ns: int, unsure: int = 0
) -> tuple[list[StreamMemory], list[str]]:
    """Read memories back; give them, and one line for each that cannot be read.

    ``unsure`` is how many numbers may have been used since without being written.
    """
    memories, problems = [], []
    for name, remembered in kept.items():
        try:
            memory = fields_from_dict(StreamMemory, loads(remembered.text.encode()))
        except ProtocolError as error:
            problems.append(f"stream {name} cannot be restored: {error}")
            continue
        # a stream with an active alert has not ended, however long ago it was heard
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
