"""The messages that leave the hub: written, with what the journal keeps of them.

Rules:

1. The snippet of an alarm is kept with the alert that has its stream, number and transition.
2. A message that cannot be written quarantines its stream. What that gives follows at once for a
   message that is journalled, else after the batch in which it happened.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace

from monitor.journal.entries import (
    MAX_TEXT_BYTES,
    Draft,
    Memory,
    alert_signal_of,
    draft_of,
    is_kept,
)
from monitor.messages import Alert, Samples, Snippet
from monitor.service.hub import Hub
from monitor.service.outgoing import Outgoing, Outlet
from monitor.wire.frames import pieces, written
from monitor.wire.protocol import Body, Heartbeat, ProtocolError, StreamState, topic_of

PIECE_BYTES = 16 * 1024  # of samples: the queue of a slow subscriber is counted in messages
DISPLAY = (Samples, StreamState, Heartbeat)  # not needed when nobody watches


class Outbox:
    """Writes messages and hands them to the outlet, in order.

    Parameters
    ----------
    hub
        Knows the streams; told of a message that cannot be given out.
    outlet
        Journals and sends.
    wall_ns
        Wall clock.

    Attributes
    ----------
    shed
        Display messages left out so far, because the service was too slow.
    """

    def __init__(
        self,
        hub: Hub,
        outlet: Outlet,
        wall_ns: Callable[[], int],
    ) -> None:
        self.shed = 0
        self._hub = hub
        self._outlet = outlet
        self._wall_ns = wall_ns

    def publish(self, bodies: Iterable[Body]) -> None:
        """Write all messages, and hand them on in the same order."""
        batch = [*bodies]
        while batch:
            failed: list[Body] = []
            outgoing = self._written(batch, failed)
            drafts = [out.draft for out in outgoing if out.draft is not None]
            self._outlet.send(outgoing, self._memories(drafts))
            batch = failed

    def _written(self, bodies: Iterable[Body], failed: list[Body]) -> list[Outgoing]:
        """Write messages; put into ``failed`` what those set off that cannot be written."""
        outgoing: list[Outgoing] = []
        alerts: dict[tuple[str, int, int], int] = {}  # stream, id, seq: place
        waiting = deque(bodies)
        while waiting:
            body = waiting.popleft()
            try:
                if not is_kept(body):
                    outgoing += self._shown(body)
                    if isinstance(body, Snippet):
                        self._keep_signal(body, outgoing, alerts)
                    continue
                draft = draft_of(body)
            except ProtocolError as error:
                if is_kept(body):
                    reason = f"cannot be stored: {error}"
                    waiting.extendleft(reversed(self._hub.fail(body.stream, reason)))
                else:
                    failed += self._hub.fail(body.stream, f"cannot be published: {error}")
                continue
            if isinstance(body, Alert):
                alerts[body.stream, body.id, body.seq] = len(outgoing)
            outgoing.append(Outgoing(topic_of(body), draft.text, (), draft, body))
        return outgoing

    def _shown(self, body: Body) -> list[Outgoing]:
        """Write a message that is not journalled, in pieces if it is long."""
        topic = topic_of(body)
        info = self._hub.info(body.stream) if isinstance(body, Samples) else None
        parts: list[Body] = [body]
        if isinstance(body, Samples) and info is not None:
            parts = [*pieces(body, info.rate_hz, PIECE_BYTES, math.inf)]
        wanted = not isinstance(body, DISPLAY) or self._outlet.wants(topic)
        if wanted and isinstance(body, Samples) and self._hub.overload.shedding:
            self.shed += len(parts)
            wanted = False
        out: list[Outgoing] = []
        for part in parts:
            text, payload = written(part) if wanted else ("", [])
            if len(text.encode()) > MAX_TEXT_BYTES:
                raise ProtocolError(f"a message of {len(text)} characters is too large")
            out.append(Outgoing(topic, text, tuple(payload), None, None if out else body))
        return out

    def _keep_signal(
        self,
        snippet: Snippet,
        outgoing: list[Outgoing],
        alerts: dict[tuple[str, int, int], int],
    ) -> None:
        """Keep a snippet with the draft of its alert."""
        place = alerts.get((snippet.stream, snippet.alert_id, snippet.seq))
        info = self._hub.info(snippet.stream)
        if place is None or info is None:
            return
        out = outgoing[place]
        if out.draft is not None:
            signal = alert_signal_of(snippet, info, self._wall_ns())
            outgoing[place] = replace(out, draft=replace(out.draft, signal=signal))

    def _memories(self, drafts: Iterable[Draft]) -> dict[str, Memory]:
        """Give the state, for a restart, of every stream that has a draft."""
        found = {draft.stream: self._hub.memory(draft.stream) for draft in drafts}
        return {
            name: Memory(memory.text(), memory.next_sample)
            for name, memory in found.items()
            if memory is not None
        }
