"""The signal that travels with an alarm."""

import numpy as np
import pytest

from monitor.messages import (
    Alert,
    AlertKind,
    AlertState,
    Priority,
    Samples,
    Snippet,
    StreamInfo,
)
from monitor.pipeline import Pipeline
from monitor.sources.simulator import Simulator
from monitor.stages.snippets import MAX_SNIPPET_LEADS, Snippets
from monitor.wire.protocol import MAX_PAYLOAD_BYTES

RATE_HZ = 100.0


def alert(sample, state=AlertState.RAISED, priority=Priority.HIGH):
    return Alert("s", 3, 7, AlertKind.VT, priority, state, sample, sample, "VT")


def signal(length, leads=2):
    values = np.arange(length, dtype=np.float32)
    return np.stack([values + 1e5 * lead for lead in range(leads)], axis=1)


def fed(values, hop=25, holes=()):
    kept = Snippets(StreamInfo("s", RATE_HZ, tuple(f"L{i}" for i in range(values.shape[1]))))
    for at in range(0, len(values), hop):
        if at not in holes:
            kept.push(Samples("s", at, values[at : at + hop]))
    return kept


def test_it_is_the_ten_seconds_before_right_behind_the_alert():
    values = signal(3000)
    raised = alert(2999)
    first, second = fed(values).follow([raised])
    assert first is raised
    assert second == Snippet("s", 3, 7, 2000, values[2000:3000])
    assert (second.end_sample, second.values_mv.dtype) == (3000, np.float32)


def test_after_a_start_it_is_what_there_is():
    values = signal(400)
    [_, snippet] = fed(values).follow([alert(399)])
    assert snippet == Snippet("s", 3, 7, 0, values)


def test_what_is_missing_is_nan_and_the_rest_is_in_its_place():
    values = signal(2000)
    [_, snippet] = fed(values, holes=(1500, 1525)).follow([alert(1999)])
    assert snippet.start_sample == 1000
    expected = values[1000:].copy()
    expected[500:550] = np.nan
    np.testing.assert_array_equal(snippet.values_mv, expected)


@pytest.mark.parametrize(
    "other",
    [
        alert(999, AlertState.UPDATED),
        alert(999, AlertState.CLEARED),
        alert(999, AlertState.ACKNOWLEDGED),
        alert(999, priority=Priority.TECHNICAL),
    ],
)
def test_other_transitions_and_technical_alerts_have_none(other):
    assert fed(signal(1000)).follow([other]) == [other]


def test_its_size_is_bounded_at_the_highest_rate_and_with_the_most_leads():
    info = StreamInfo("s", 1000.0, tuple(f"L{i}" for i in range(32)))
    kept = Snippets(info)
    kept.push(Samples("s", 0, np.zeros((12_000, 32), np.float32)))
    [_, snippet] = kept.follow([alert(11_999)])
    assert snippet.values_mv.shape == (10_000, MAX_SNIPPET_LEADS)
    assert snippet.values_mv.nbytes <= MAX_PAYLOAD_BYTES


def test_snippets_differ_when_their_signal_does():
    one = Snippet("s", 1, 1, 0, np.array([[1.0], [np.nan]], np.float32))
    same = Snippet("s", 1, 1, 0, np.array([[1.0], [np.nan]], np.float32))
    other = Snippet("s", 1, 1, 0, np.array([[1.0], [0.0]], np.float32))
    assert one == same
    assert one != other
    assert one != "s"


def test_every_physiological_alarm_of_a_stream_carries_its_signal():
    source = Simulator("vt", stream="s")
    chunks = list(source.chunks())
    pipeline = Pipeline(source.info)
    events = [event for chunk in chunks for event in pipeline.push(chunk)] + pipeline.flush()
    whole = np.concatenate([chunk.values_mv for chunk in chunks])
    raised = [
        (event, after)
        for event, after in zip(events, [*events[1:], None], strict=True)
        if isinstance(event, Alert)
        and event.state is AlertState.RAISED
        and event.priority is not Priority.TECHNICAL
    ]
    assert AlertKind.VT in {event.kind for event, _ in raised}
    for event, snippet in raised:
        assert isinstance(snippet, Snippet)
        assert (snippet.alert_id, snippet.seq) == (event.id, event.seq)
        assert snippet.end_sample == event.sample + 1
        np.testing.assert_array_equal(
            snippet.values_mv, whole[snippet.start_sample : snippet.end_sample]
        )
