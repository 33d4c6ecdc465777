"""Hypothesis strategies for every message, over the whole range that the format carries."""

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from monitor.config import AlarmSettings
from monitor.messages import (
    AamiClass,
    Alert,
    AlertKind,
    AlertState,
    Beat,
    End,
    Gap,
    GapKind,
    LeadState,
    Priority,
    Quality,
    Rhythm,
    Samples,
    Snippet,
    StreamInfo,
    Vitals,
)
from monitor.wire.fields import MAX_INT, MAX_TIME_NS
from monitor.wire.protocol import Heartbeat, Limits, Mark, StreamState, StreamStatus

streams = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", fullmatch=True)
texts = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=60)
numbers = st.floats(allow_nan=False, allow_infinity=False)
maybe = st.none() | numbers
integers = st.integers(-MAX_INT, MAX_INT)
indices = st.integers(0, MAX_INT)
times = st.none() | st.integers(0, MAX_TIME_NS)

ecg_infos = st.builds(
    StreamInfo,
    stream=streams,
    rate_hz=st.floats(100, 1000),
    leads=st.lists(texts.filter(bool), min_size=1, max_size=32).map(tuple),
    start_sample=indices,
    source=texts,
)
infos = ecg_infos | ecg_infos.filter(lambda info: len(info.leads) > 1).map(
    lambda info: replace(info, pulse=info.leads[-1])
)
arrays = hnp.arrays(
    np.float32,
    st.tuples(st.integers(0, 20), st.integers(1, 5)),
    elements=st.floats(width=32, allow_nan=True, allow_infinity=True),
)
samples = st.builds(Samples, streams, indices, arrays, times)
snippets = st.builds(Snippet, streams, integers, integers, indices, arrays)
alerts = st.builds(
    Alert,
    stream=streams,
    id=integers,
    seq=integers,
    kind=st.sampled_from(AlertKind),
    priority=st.sampled_from(Priority),
    state=st.sampled_from(AlertState),
    onset_sample=integers,
    sample=integers,
    text=texts,
    value=maybe,
    limit=maybe,
    beats=st.lists(indices, max_size=8).map(tuple),
)
events = st.one_of(
    infos,
    st.builds(End, streams, indices),
    st.builds(Gap, streams, indices, indices, st.sampled_from(GapKind)),
    st.builds(
        Quality,
        streams,
        indices,
        indices,
        st.lists(st.sampled_from(LeadState), max_size=5).map(tuple),
        st.booleans(),
    ),
    st.builds(
        Beat,
        streams,
        indices,
        indices,
        st.sampled_from(AamiClass),
        st.tuples(numbers, numbers, numbers, numbers, numbers),
        maybe,
        indices,
        texts,
    ),
    st.builds(
        Vitals,
        streams,
        indices,
        maybe,
        maybe,
        st.booleans(),
        st.dictionaries(st.sampled_from([str(label) for label in AamiClass]), indices),
        indices,
    ),
    st.builds(Rhythm, streams, indices, indices, texts),
    alerts,
)
states = st.builds(
    StreamState,
    stream=streams,
    status=st.sampled_from(StreamStatus),
    text=texts,
    info=infos,
    sample=indices,
    alerts=st.lists(alerts, max_size=3).map(tuple),
    speed=maybe,
    lag_s=maybe,
    lost_samples=indices,
)
service_messages = st.one_of(
    states,
    st.builds(Heartbeat, streams, indices, indices, indices),
    st.builds(
        Limits,
        streams,
        indices,
        st.builds(AlarmSettings, asystole_s=st.floats(3, 10), off=st.just(("couplet",))),
    ),
)
marks = st.integers(1, MAX_INT).flatmap(
    lambda number: st.builds(Mark, st.just(number), st.integers(0, number - 1))
)

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["beat", "alert", "vt", "N", "ok", "208", "raised", "high", 1, 360.0]),
    lambda inner: (
        st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=10), inner, max_size=6)
    ),
    max_leaves=15,
)
