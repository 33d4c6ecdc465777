"""Which samples of a sender can be analysed, in which unit. Pure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from monitor.messages import Samples, StreamInfo
from monitor.wire.fields import MAX_INT
from monitor.wire.protocol import MAX_SIGNAL_S, ProtocolError, Unit


def usable(samples: Samples, info: StreamInfo, unit: Unit) -> Samples:
    """Give samples of a stream in mV; ``unit`` is that in which ECG leads came.

    Raises
    ------
    ProtocolError
        If they do not fit what was announced, or are too many at once.
    """
    if samples.start_sample < 0 or samples.end_sample > MAX_INT:
        raise ProtocolError(
            f"stream {info.stream}: sample index {samples.start_sample} is out of range"
        )
    length, leads = samples.values_mv.shape
    if length > MAX_SIGNAL_S * info.rate_hz:  # others would wait for it
        raise ProtocolError(
            f"stream {info.stream}: a message of {length / info.rate_hz:.1f} s of signal; "
            f"at most {MAX_SIGNAL_S:g} s may come at once"
        )
    if leads != len(info.leads):
        raise ProtocolError(
            f"stream {info.stream} was announced with {len(info.leads)} lead(s), "
            f"but samples of {leads} came"
        )
    if unit is Unit.MILLIVOLT:
        return samples
    scale = np.full(leads, unit.mv, np.float32)
    if info.pulse:  # the last one: it is in a unit of its own
        scale[-1] = 1.0
    return replace(samples, values_mv=samples.values_mv * scale)
