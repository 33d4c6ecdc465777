"""The remote feed: the messages of a service, received by a subscription."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable

from monitor.feeds.feed import Deliver, Status
from monitor.feeds.strips import StripRequests
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

SILENT_S = 3.0  # a service sends a heartbeat each second: three are missing
WAIT_S = 0.1

_STATUS_TEXTS = {
    StreamStatus.WAITING: "waiting for samples",
    StreamStatus.LIVE: "",
    StreamStatus.STALE: "no samples are coming in",
    StreamStatus.ENDED: "finished",
    StreamStatus.QUARANTINED: "analysis stopped",
}


class SubscriberFeed:
    """A service's messages as a :class:`~monitor.feeds.feed.Feed`.

    A new subscriber learns the present state from the states that the service repeats. The first
    message delivered of a stream is its :class:`~monitor.messages.StreamInfo`.

    Parameters
    ----------
    endpoint
        The service's ``--output``.
    control
        The service's ``--control``, to acknowledge alerts; None if that is not possible.
    stream
        Only this stream; None for all.
    until_ended
        Return when all streams seen so far have ended; do not wait for more.
    clock
        Monotonic seconds.
    keys
        Our keys, for a service that asks for them.
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
        self._acknowledgements: deque[tuple[str, int | None]] = deque()
        self._strips = StripRequests()
        self._infos: dict[str, StreamInfo] = {}
        self._ended: set[str] = set()  # by their senders
        self._over: set[str] = set()  # ended, or their service has stopped
        self._active: dict[str, dict[int, Alert]] = {}
        self._early: dict[str, list[Alert]] = {}  # of streams whose info has not come
        self._told: set[str] = set()  # introduced by the present service
        self._new: set[str] = set()  # introduced; the first state has not come
        self._publisher = ""
        self._note = ""

    def run(self, deliver: Deliver) -> None:
        """Deliver until :meth:`stop`, or until all streams have ended if so asked.

        Raises
        ------
        MonitorError
            If an endpoint is not valid, or the service refuses us.
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
            strips = ControlClient(self._control, self._keys) if self._control else None
            if strips is not None:
                stack.callback(strips.close)
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
                if strips is not None:
                    self._strips.follow(strips, deliver, self._clock())
                if self._until_ended and self._infos and self._over >= self._infos.keys():
                    return

    def stop(self) -> None:
        """Ask :meth:`run` to return soon."""
        self._stop.set()

    def acknowledge(self, stream: str, alert_id: int | None) -> None:
        """Ask the service to acknowledge; its answer comes as alerts."""
        self._acknowledgements.append((stream, alert_id))

    def fetch_strip(self, stream: str, alert_id: int) -> None:
        """Ask the service's journal for the signal before an alert."""
        self._strips.want(stream, alert_id)

    def _take(self, packet: Packet, sequences: TopicSequences, deliver: Deliver) -> None:
        body = packet.body
        if packet.publisher != self._publisher:  # the service was restarted
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
            # its state comes within a second with all active alerts; keep the alerts that come
            # before it, since the state does not repeat these transitions
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
        """Deliver an info, then the active alerts again: a display starts anew with an info."""
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
            if state.journal_last is None:  # without a journal a service forgets earlier alarms
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
        if stopped:  # its sender has not ended it: its patient is not watched
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
        while self._acknowledgements:
            control.acknowledge(*self._acknowledgements.popleft())
        answer = control.answer()
        if answer is not None:
            self._note = f"not acknowledged: {answer}" if answer else ""
