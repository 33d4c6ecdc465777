"""Send the samples of a source to a service without loss."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import replace

import zmq

from monitor.errors import MonitorError
from monitor.messages import End, Samples, StreamInfo
from monitor.wire.endpoints import (
    Context,
    connect,
    log_to_stderr,
    new_publisher_id,
    new_socket,
)
from monitor.wire.frames import encode, pieces
from monitor.wire.keys import ClientKeys
from monitor.wire.protocol import MAX_PAYLOAD_BYTES, MAX_SIGNAL_S, Body, topic_of
from monitor.wire.refusals import answer_topic
from monitor.wire.sequence import SequenceCounter
from monitor.wire.sockets import INPUT_QUEUE

ANNOUNCE_PERIOD_S = 1.0
ANNOUNCE_SIGNAL_S = 4.0
PATIENCE_MS = 200
LINGER_S = 30.0
BUSY_S = 5.0
ANSWER_S = 2.0  # of sending: before this an answer may not have come yet
ANSWER_MS = 500


class SamplePublisher:
    """Connects to the input of a service and sends streams to it.

    The socket is an XPUB that does not drop. It waits for the service before the first sample, and
    whenever the service is slower than the source. So memory is bounded and no sample is lost, at
    any speed.

    Parameters
    ----------
    endpoint
        The service's ``--input``.
    log
        Takes lines for the operator.
    patience_s
        Give up if no service is there after this time; None waits without limit.
    clock
        Monotonic seconds.
    keys
        Our keys, for a service that asks for them.
    device
        A name of the sending device that survives a restart; "" for none. By it the service
        sees that another device has taken over a stream.

    Raises
    ------
    MonitorError
        If ``endpoint`` is not valid.
    """

    def __init__(
        self,
        endpoint: str,
        log: Callable[[str], object] = log_to_stderr,
        patience_s: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        keys: ClientKeys | None = None,
        device: str = "",
    ) -> None:
        self._endpoint = endpoint
        self._log = log
        self._patience_s = patience_s
        self._clock = clock
        self._publisher = new_publisher_id()
        self._device = device
        self._numbers = SequenceCounter()
        self._subscribed = False
        self._refused = False
        self._answer_topic = b""
        self._unwatched = ""  # why, as the service says
        self._context: Context = zmq.Context()
        self._socket = new_socket(self._context, zmq.XPUB, INPUT_QUEUE)
        self._socket.setsockopt(zmq.XPUB_NODROP, 1)
        self._socket.setsockopt(zmq.XPUB_VERBOSE, 1)  # a service that comes back is noticed
        self._socket.setsockopt(zmq.SNDTIMEO, PATIENCE_MS)
        try:
            self._refusal = connect(self._socket, endpoint, "--publish", keys)
        except BaseException:
            self.close(0)
            raise

    def publish(self, info: StreamInfo, chunks: Iterable[Samples]) -> int:
        """Send one stream from announcement to end; give the number of samples sent.

        The announcement is repeated each second, each :data:`ANNOUNCE_SIGNAL_S` of signal and
        before the end: the messages that wait in our queue for a restarted service must be
        complete in themselves.
        The end is also sent after an error or an interrupt, but not to a service that has refused
        us. If the service refuses the stream only (it has no place for it, say), the operator is
        told and the samples are still sent: the service may take them later.

        Raises
        ------
        MonitorError
            If no service came within ``patience_s``, it refuses us, the source failed, or it
            refused the stream to the end.
        """
        self.wait_for_service()
        self._unwatched = unwatched = ""
        self._answer_topic = f"{answer_topic(info.stream, self._publisher)} ".encode()
        self._send(info)
        began_s = announced_s = self._clock()
        announced_sample = info.start_sample
        next_sample, sent = info.start_sample, 0
        try:
            for chunk in chunks:
                self._check()
                if (
                    self._newcomers()
                    or next_sample - announced_sample >= ANNOUNCE_SIGNAL_S * info.rate_hz
                ):
                    announced_s, announced_sample = self._clock(), next_sample
                    self._send(_moved(info, next_sample))
                for piece in pieces(chunk, info.rate_hz, MAX_PAYLOAD_BYTES, MAX_SIGNAL_S):
                    self._send(piece)
                next_sample, sent = chunk.end_sample, sent + len(chunk.values_mv)
                if self._clock() - announced_s >= ANNOUNCE_PERIOD_S:
                    announced_s, announced_sample = self._clock(), next_sample
                    self._send(_moved(info, next_sample))
        finally:
            if not self._refused:
                self._send(_moved(info, next_sample), LINGER_S)
                if not self._unwatched and self._clock() - began_s < ANSWER_S:
                    self._socket.poll(ANSWER_MS)  # sent so fast that it could not answer yet
                self._newcomers()
                unwatched = self._unwatched
                self._send(End(info.stream, next_sample), LINGER_S)
        if unwatched:
            raise MonitorError(
                f"the service at {self._endpoint} refused stream {info.stream}: {unwatched}; "
                "what was sent last has not been watched"
            )
        return sent

    def wait_for_service(self) -> None:
        """Wait until a service has subscribed."""
        began_s = self._clock()
        said = False
        while not self._subscribed and not self._newcomers():
            if self._socket.poll(PATIENCE_MS):
                continue
            self._check()
            waited_s = self._clock() - began_s
            if self._patience_s is not None and waited_s >= self._patience_s:
                raise MonitorError(
                    f"no service at {self._endpoint} after {waited_s:.0f} s; start "
                    f"`ecg-monitor serve --input {self._endpoint}`"
                )
            if not said:
                said = True
                self._log(f"waiting for `ecg-monitor serve` at {self._endpoint}")

    def close(self, linger_s: float = LINGER_S) -> None:
        """Close; queued messages may still leave for ``linger_s``, unless we are refused."""
        self._context.destroy(0 if self._refused else round(linger_s * 1000))

    def __enter__(self) -> SamplePublisher:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _check(self) -> None:
        """Raise if the service refuses us, from the start or after our key was revoked."""
        try:
            self._refusal.check()
        except MonitorError:
            self._refused = True
            raise

    def _newcomers(self) -> bool:
        """Tell whether a service has subscribed since the last call."""
        came = False
        while True:
            try:
                message = self._socket.recv(zmq.NOBLOCK)
            except zmq.Again:
                self._subscribed |= came
                return came
            if message[1:].startswith(b"refused."):
                self._answered(message)
            else:
                came |= message[:1] == b"\x01"

    def _answered(self, message: bytes) -> None:
        """Take the service's answer about a stream: see :mod:`monitor.wire.refusals`."""
        topic = self._answer_topic
        if not topic or not message[1:].startswith(topic):
            return  # about another sender's
        name = topic.split(b".")[1].decode()
        reason = message[1 + len(topic) :].decode("utf-8", "replace")
        reason = "".join(c if c.isprintable() else "?" for c in reason)[:500]
        if message[:1] == b"\x01" and reason != self._unwatched:
            self._unwatched = reason
            self._log(f"the service at {self._endpoint} does not watch stream {name}: {reason}")
        elif message[:1] == b"\x00" and self._unwatched:
            self._unwatched = ""
            self._log(f"stream {name} is not refused any more")

    def _send(self, body: Body, patience_s: float | None = None) -> None:
        topic = topic_of(body)
        number = self._numbers.next(topic)
        frames = encode(body, self._publisher, number, time.time_ns(), device=self._device)
        began_s = self._clock()
        said = False
        while True:
            try:
                self._socket.send_multipart(frames)
            except zmq.Again:  # wait on, open to interrupts
                self._check()
                waited_s = self._clock() - began_s
                if patience_s is not None and waited_s > patience_s:
                    self._log(f"the service at {self._endpoint} takes nothing any more: giving up")
                    return
                if waited_s > BUSY_S and not said:
                    said = True
                    self._log(f"the service at {self._endpoint} is busy or gone: waiting")
                continue
            return


def _moved(info: StreamInfo, start_sample: int) -> StreamInfo:
    return replace(info, start_sample=start_sample)
