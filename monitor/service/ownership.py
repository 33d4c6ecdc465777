"""The owner of a stream, other senders that claim it, and how often it may begin anew. Pure.

The sender that announced a stream owns it while it is heard. Another sender that announces the same
name is a claimant. Its messages wait for a moment, because the owner may have crashed and started
again under a new id. If the owner stays silent for longer than it lately was, the stream passes to
the claimant, and no message of it is lost. If not, the claimant is refused, and may announce again.
"""

from __future__ import annotations

from dataclasses import dataclass

from monitor.messages import Samples, StreamInfo
from monitor.wire.protocol import Packet, Unit

MIN_PATIENCE_S = 0.5
MAX_PATIENCE_S = 3.0
PAUSES = 3.0  # times the longest recent pause between two messages
FADES = 0.9  # per message: an old long pause is forgotten
CLAIM_S = 4.0  # a claim is decided after this time
MAX_HELD = 512  # messages of a claimant: a device repeats many at once
MAX_HELD_BYTES = 2 * 1024 * 1024  # of samples
AT_ONCE = 30  # beginnings
PERIOD_S = 2.0  # one more beginning each
AGAIN_S = 30.0  # of signal that a sender may repeat when it comes back


@dataclass(frozen=True, slots=True)
class Announcement:
    """The announcement of a stream, with its sender.

    ``key`` is the sender's, empty without keys. ``unit`` is that of the ECG leads as they come.
    ``device`` is a name of the sender that outlives its restarts; empty if it gives none.
    """

    info: StreamInfo
    publisher: str
    key: str = ""
    unit: Unit = Unit.MILLIVOLT
    device: str = ""


def continues(info: StreamInfo, before: StreamInfo, next_sample: int, silent_s: float) -> bool:
    """Tell whether the samples of an announcement go on from where the stream stood.

    ``silent_s`` is for how long the former sender has been silent.
    """
    ahead_s = (info.start_sample - next_sample) / before.rate_hz
    return info.start_sample > 0 and -AGAIN_S <= ahead_s <= silent_s + AGAIN_S


def repeats(info: StreamInfo, before: StreamInfo, next_sample: int) -> bool:
    """Tell whether a sender that came back begins with the last samples that it had sent before.

    They are dropped by their index. A sender that counts from the beginning of the stream, or from
    far back, has begun anew.
    """
    back = next_sample - info.start_sample
    return info.start_sample > before.start_sample and back <= AGAIN_S * info.rate_hz


class Ownership:
    """Knows the owner of one stream, and who claims it.

    Parameters
    ----------
    publisher
        Id of the sender that has announced the stream.
    now_s
        Monotonic seconds.
    """

    def __init__(self, publisher: str, now_s: float) -> None:
        self.publisher = publisher
        self.heard_s = now_s
        self._pause_s = 0.0
        self._claimed_s = now_s
        self._held: list[Packet] = []
        self._held_bytes = 0

    def heard(self, now_s: float) -> None:
        """Note a message of the owner."""
        self._pause_s = max(now_s - self.heard_s, FADES * self._pause_s)
        self.heard_s = now_s

    def silent(self, looked_s: float) -> bool:
        """Tell whether the owner was gone when the input was last found empty."""
        patience_s = max(PAUSES * self._pause_s, MIN_PATIENCE_S)
        return looked_s - self.heard_s > min(patience_s, MAX_PATIENCE_S)

    def hold(self, packet: Packet, now_s: float) -> bool:
        """Hold a message of another sender; False if it is refused."""
        if not self._held:
            if not isinstance(packet.body, StreamInfo):
                return False
            self._claimed_s = now_s
        elif packet.publisher != self._held[0].publisher:
            return False
        size = packet.body.values_mv.nbytes if isinstance(packet.body, Samples) else 0
        if len(self._held) >= MAX_HELD or self._held_bytes + size > MAX_HELD_BYTES:
            return False
        self._held.append(packet)
        self._held_bytes += size
        return True

    def holds(self, publisher: str) -> bool:
        """Tell whether messages of this sender are waiting."""
        return bool(self._held) and self._held[0].publisher == publisher

    def decided(self, now_s: float, free: bool) -> bool:
        """Tell whether a claim is to be decided now."""
        return bool(self._held) and (free or now_s - self._claimed_s > CLAIM_S)

    def released(self) -> list[Packet]:
        """Give the held messages; the claim is over."""
        held, self._held, self._held_bytes = self._held, [], 0
        return held

    def passes_to(self, publisher: str, now_s: float) -> None:
        """Make another sender the owner."""
        self.publisher, self.heard_s, self._pause_s = publisher, now_s, 0.0


class RestartLimit:
    """Allows a stream :data:`AT_ONCE` beginnings, and one more each :data:`PERIOD_S`.

    Each beginning makes an analysis and lines in the journal. A sender that announces something
    else with every message would push the events of other streams out of the journal.
    """

    def __init__(self, now_s: float) -> None:
        self._left = float(AT_ONCE)
        self._counted_s = now_s

    def allow(self, now_s: float) -> bool:
        """Tell whether the stream may begin anew now, and count it if so."""
        more = (now_s - self._counted_s) / PERIOD_S
        self._left, self._counted_s = min(self._left + more, float(AT_ONCE)), now_s
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True
