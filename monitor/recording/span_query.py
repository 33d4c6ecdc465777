"""The request ``signal`` on the control socket: a span of a stream's signal. Pure.

``{"schema": 1, "command": "signal", "stream": "bed-7", "start_sample": A, "end_sample": B}`` is
answered with ``start_sample``, ``shape`` [samples, leads], ``rate_hz``, ``leads``, ``wall_ns`` of
the first sample and ``values``: float32 little-endian, mV, C order, in base64; NaN is unknown.
The answer ends at the newest sample; it holds at most :data:`MAX_VALUES` values.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from monitor.errors import MonitorError
from monitor.messages import FloatArray, StreamInfo
from monitor.wire.jsonform import refusal_in
from monitor.wire.protocol import ProtocolError

MAX_VALUES = 40_000  # 55 s of two leads at 360 Hz


@dataclass(frozen=True, slots=True, eq=False)
class Span:
    """Consecutive samples, shape (n, leads), mV; ``wall_ns`` is about the time of the first."""

    info: StreamInfo
    start_sample: int
    values_mv: FloatArray
    wall_ns: int


class SignalMemory(Protocol):
    """Recent signal of all streams (:class:`monitor.recording.recent.RecentSignal`)."""

    def span(self, stream: str, start_sample: int, end_sample: int) -> Span | None:
        """Give the samples, None if none is known."""
        ...


def signal_answer(request: Mapping[str, Any], kept: SignalMemory | None) -> dict[str, Any]:
    """Answer a ``signal`` request.

    Raises
    ------
    ProtocolError
        If the request is not well formed, or nothing of the span is known.
    """
    stream = request.get("stream")
    places = [request.get("start_sample"), request.get("end_sample")]
    if not all(isinstance(p, int) and not isinstance(p, bool) and 0 <= p < 2**53 for p in places):
        raise ProtocolError("start_sample and end_sample must be whole numbers, 0 or more")
    start, end = (int(place or 0) for place in places)
    if not start < end <= start + MAX_VALUES:
        raise ProtocolError(f"end_sample must lie 1 to {MAX_VALUES} samples after start_sample")
    try:
        StreamInfo(stream if isinstance(stream, str) else "", 360.0, ("I",))
    except MonitorError as error:
        raise ProtocolError(str(error)) from error
    span = kept.span(str(stream), start, end) if kept is not None else None
    if span is None:
        raise ProtocolError(f"no signal of stream {stream} from {start} to {end} is known any more")
    length, leads = span.values_mv.shape
    if length * leads > MAX_VALUES:
        raise ProtocolError(f"at most {MAX_VALUES // leads} samples of {leads} leads at once")
    return {
        "ok": True,
        "stream": stream,
        "start_sample": start,
        "shape": [length, leads],
        "rate_hz": span.info.rate_hz,
        "leads": list(span.info.leads),
        "pulse": span.info.pulse,
        "source": span.info.source,
        "wall_ns": span.wall_ns,
        "values": base64.b64encode(np.ascontiguousarray(span.values_mv, "<f4").tobytes()).decode(),
    }


def read_answer(reply: Mapping[str, Any]) -> Span:
    """Read the answer of :func:`signal_answer`.

    Raises
    ------
    ProtocolError
        If the reply is a refusal, or cannot be read.
    """
    reason = refusal_in(reply)
    if reason:
        raise ProtocolError(f"refused: {reason}")
    try:
        length, leads = reply["shape"]
        values = np.frombuffer(base64.b64decode(reply["values"], validate=True), "<f4")
        info = StreamInfo(
            reply["stream"],
            float(reply["rate_hz"]),
            tuple(map(str, reply["leads"])),
            reply["start_sample"],
            str(reply["source"]),
            str(reply.get("pulse", "")),
        )
        if len(info.leads) != leads:
            raise ValueError("leads and shape do not agree")
        return Span(info, info.start_sample, values.reshape(length, leads), int(reply["wall_ns"]))
    except (KeyError, TypeError, ValueError, OverflowError, MonitorError) as error:
        raise ProtocolError(f"the answer cannot be read ({error})") from error
