"""Messages of workers come to the front as they were, with what the journal needs of them."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from message_strategies import alerts, events, infos

from monitor.journal.entries import AlertSignal, Memory, draft_of, is_kept
from monitor.service.outgoing import Outgoing
from monitor.wire.frames import written
from monitor.wire.protocol import topic_of
from monitor.workers.messages import OUTGOING, pack_outgoing, unpack_outgoing

signals = st.none() | st.builds(
    AlertSignal, st.integers(-5, 2**40), st.text("{}ab", min_size=1), st.binary(max_size=50)
)
memories = st.dictionaries(
    st.text("abc", min_size=1), st.builds(Memory, st.text(), st.integers(0, 2**50))
)


@st.composite
def outgoing(draw):
    body = draw(st.one_of(alerts, infos, events))
    text, payload = written(body)
    draft = draft_of(body) if is_kept(body) else None
    if draft is not None:
        draft = replace(draft, signal=draw(signals))
    return Outgoing(topic_of(body), text, tuple(payload), draft)


@given(st.lists(outgoing(), max_size=5), memories)
def test_they_come_back(sent, kept):
    frames = pack_outgoing(sent, kept)
    assert frames[0] == OUTGOING
    assert unpack_outgoing(frames) == (sent, kept)


def test_samples_and_what_was_left_out():
    payload = np.arange(6, dtype="<f4").tobytes()
    sent = [
        Outgoing(b"samples.a", '{"stream":"a"}', (payload,)),
        Outgoing(b"samples.a", ""),
        Outgoing(b"beat.b", '{"stream":"b"}'),
    ]
    assert unpack_outgoing(pack_outgoing(sent, {})) == (sent, {})
