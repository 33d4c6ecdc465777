"""Who may send a stream when two senders use its name. Pure.

The sender that announced a stream has it for as long as it is heard. Another one that announces
the same name is a claimant: its messages wait, for a moment, to see whether the owner has only
gone (a program that crashed and was started again). If the owner is silent for longer than it
ever was of late, the stream passes to the claimant and nothing of what it sent is lost; if not,
the claimant is refused, and may announce again.
"""

from __future__ import annotations

from monitor.messages import Samples, StreamInfo
from monitor.wire.protocol import Packet

MIN_PATIENCE_S = 0.5
MAX_PATIENCE_S = 3.0
PAUSES = 3.0  # times the longest pause of late between two messages
FADES = 0.9
CLAIM_S = 4.0  # after so long a claim is decided
MAX_HELD = 512  # messages of a claimant: what a device repeats comes at once
MAX_HELD_BYTES = 2 * 1024 * 1024  # of samples


class Ownership:
    """The owner of one stream's name, and who claims it.

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
        """Note that the owner has sent something."""
        self._pause_s = max(now_s - self.heard_s, FADES * self._pause_s)
        self.heard_s = now_s

    def silent(self, looked_s: float) -> bool:
        """Tell whether the owner was gone when the input was last found empty."""
        patience_s = max(PAUSES * self._pause_s, MIN_PATIENCE_S)
        return looked_s - self.heard_s > min(patience_s, MAX_PATIENCE_S)

    def hold(self, packet: Packet, now_s: float) -> bool:
        """Let a message of another sender wait; tell whether it may."""
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
        """Give what waits; nobody claims the stream then."""
        held, self._held, self._held_bytes = self._held, [], 0
        return held

    def passes_to(self, publisher: str, now_s: float) -> None:
        """Let another sender own the stream."""
        self.publisher, self.heard_s, self._pause_s = publisher, now_s, 0.0
