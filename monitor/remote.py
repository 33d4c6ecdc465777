"""A service's messages as a feed: the remote counterpart of :mod:`monitor.live`."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable

from monitor.feed import Deliver, Status
from monitor.messages import Alert, AlertState, End, StreamInfo
from monitor.wire.follow import Follower
from monitor.wire.keys import ClientKeys
from monitor.wire.protocol import (
    SERVICE_STOPPED,
    Heartbeat,
    Limits,
    Packet,
    StreamState,
    StreamStatus,
)
from monitor.wire.sequence import TopicSequences
from monitor.wire.subscriber import ControlClient, Subscription

SILENT_S = 3.0
WAIT_S = 0.1

_STATUS_TEXTS = {
    StreamStatus.WAITING: "waiting for samples",
    StreamStatus.LIVE: "",
    StreamStatus.STALE: "no samples are coming in",
    StreamStatus.ENDED: "finished",
    StreamStatus.QUARANTINED: "analysis stopped",
}


class SubscriberFeed:
    """A service's messages as a :class:`~monitor.feed.Feed`.

    A newcomer gets what is going on from the states that the service repeats. Nothing of a
    stream is delivered before its :class:`~monitor.messages.StreamInfo`.

    Parameters
    ----------
    endpoint
        The service's ``--output``.
    control
        The service's ``--control``, for acknowledging; None for a display that cannot.
    stream
        Only this stream; None for all.
    until_ended
        Return when all streams that were seen have ended, instead of waiting for more.
    clock
        Monotonic seconds.
    keys
        Ours, where the service asks for them.
    """

    def __init__(
        self,
        endpoint: str,
        control: str | None = None,
        stream: str | None = None,
        until_ended: bool = False,
        clock: Callable[[], float] = time.monotonic,
        keys: ClientKeys | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._control = control
        self._stream = stream
        self._until_ended = until_ended
        self._clock = clock
        self._keys = keys
        self._stop = threading.Event()
        self._wishes: deque[tuple[str, int | None]] = deque()
        self._infos: dict[str, StreamInfo] = {}
        self._ended: set[str] = set()  # by their senders
        self._over: set[str] = set()  # those, and those whose service has stopped
        self._active: dict[str, dict[int, Alert]] = {}
        self._early: dict[str, list[Alert]] = {}  # of streams that are not introduced yet
        self._told: set[str] = set()  # by the service that speaks now
        self._new: set[str] = set()  # introduced, its state not yet seen
        self._publisher = ""
        self._note = ""

    def run(self, deliver: Deliver) -> None:
        """Deliver until :meth:`stop`, or until all streams have ended if so asked.

        Raises
        ------
        MonitorError
            If an endpoint is none, or the service refuses us.
        """
        deliver(Status(self._stream or "", f"waiting for a service at {self._endpoint}"))
        with contextlib.ExitStack() as stack:
            subscription = stack.enter_context(
                Subscription(self._endpoint, stream=self._stream, keys=self._keys)
            )
            control = ControlClient(self._control, self._keys) if self._control else None
            if control is not None:
                stack.callback(control.close)
            journal = ControlClient(self._control, self._keys) if self._control else None
            if journal is not None:
                stack.callback(journal.close)
            follower = Follower(subscription, journal, stream=self._stream)
            heard_s, silent = self._clock(), False
            while not self._stop.is_set():
                follower.wait(WAIT_S)
                packets = follower.receive()
                for packet in packets:
                    self._take(packet, subscription.sequences, deliver)
                if packets:
                    heard_s, silent = self._clock(), False
                elif not silent and self._clock() - heard_s > SILENT_S:
                    silent = True
                    text = f"no service at {self._endpoint}"
                    for stream in self._infos:
                        deliver(Status(stream, text, lost=stream not in self._ended))
                    if not self._infos:
                        deliver(Status(self._stream or "", text, lost=bool(self._publisher)))
                if control is not None:
                    self._talk(control)
                if self._until_ended and self._infos and self._over >= self._infos.keys():
                    return

    def stop(self) -> None:
        """Ask :meth:`run` to return soon."""
        self._stop.set()

    def acknowledge(self, stream: str, alert_id: int | None) -> None:
        """Ask the service to acknowledge; its answer comes as alerts."""
        self._wishes.append((stream, alert_id))

    def _take(self, packet: Packet, sequences: TopicSequences, deliver: Deliver) -> None:
        body = packet.body
        if packet.publisher != self._publisher:  # another life of the service: all is new
            deliver(Status(self._stream or "", f"connected to the service at {self._endpoint}"))
            deliver(Status(self._stream or ""))
            self._publisher = packet.publisher
            self._told.clear()
            self._early.clear()
        if isinstance(body, Heartbeat | Limits):
            return
        if isinstance(body, StreamState):
            self._take_state(body, sequences, deliver)
            return
        if isinstance(body, StreamInfo):
            self._introduce(body, deliver)
            return
        if body.stream not in self._infos:
            # its state will come within a second, with everything that matters, but not again
            # with what has come by then
            if isinstance(body, Alert):
                self._early.setdefault(body.stream, []).append(body)
            return
        if isinstance(body, End):
            self._ended.add(body.stream)
            self._over.add(body.stream)
        if isinstance(body, Alert):
            self._note_alert(body)
        deliver(body)

    def _introduce(self, info: StreamInfo, deliver: Deliver) -> None:
        """Deliver an info, with which a display begins anew, and what is active all the same."""
        self._infos[info.stream] = info
        self._told.add(info.stream)
        self._new.add(info.stream)
        self._ended.discard(info.stream)
        self._over.discard(info.stream)
        deliver(info)
        for alert in self._active.get(info.stream, {}).values():
            deliver(alert)
        for alert in self._early.pop(info.stream, []):
            self._note_alert(alert)
            deliver(alert)

    def _note_alert(self, alert: Alert) -> None:
        active = self._active.setdefault(alert.stream, {})
        active.pop(alert.id, None)
        if alert.state is not AlertState.CLEARED:
            active[alert.id] = alert

    def _take_state(self, state: StreamState, sequences: TopicSequences, deliver: Deliver) -> None:
        if state.stream not in self._told:
            if state.journal_last is None:  # this service knows nothing of earlier alarms
                self._active.pop(state.stream, None)
            self._introduce(state.info, deliver)
        if state.stream in self._new:
            self._new.remove(state.stream)
            for lasting in (state.quality, state.rhythm):
                if lasting is not None:
                    deliver(lasting)
        for alert in state.alerts:
            self._note_alert(alert)
            deliver(alert)
        ended = state.status is StreamStatus.ENDED
        if ended and state.stream not in self._over:
            self._ended.add(state.stream)
            self._over.add(state.stream)
            deliver(End(state.stream, state.sample + 1))
        stopped = state.text == SERVICE_STOPPED
        if stopped:  # nobody has ended it: its patient is not watched
            self._ended.discard(state.stream)
        missed = sequences.total().lost
        notes = [
            _STATUS_TEXTS[state.status],
            state.text,
            f"display missed {missed} messages" if missed else "",
            self._note,
        ]
        deliver(
            Status(
                state.stream,
                "; ".join(note for note in notes if note),
                state.speed,
                state.lag_s,
                state.lost_samples,
                state.duplicates,
                state.reordered,
                stopped,
            )
        )

    def _talk(self, control: ControlClient) -> None:
        while self._wishes:
            control.acknowledge(*self._wishes.popleft())
        answer = control.answer()
        if answer is not None:
            self._note = f"not acknowledged: {answer}" if answer else ""
