"""What a service remembers of its streams over its own end. Pure."""

import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from lives import Life, of, one_alarm
from message_strategies import alerts, indices, infos, streams
from service_parts import Sender

from monitor.config import AlarmSettings
from monitor.journal.entries import Memory
from monitor.messages import (
    Samples,
)
from monitor.service.memory import RESUME_S, StreamMemory, recalled
from monitor.wire.fields import fields_from_dict
from monitor.wire.jsonform import loads
from monitor.wire.protocol import Limits, Unit


def test_limits_are_restored():
    first, sender = one_alarm()
    new = first.request(command="limits", stream="a", set={"hr_high_bpm": 133, "off": ["couplet"]})
    (limits,) = of(Limits, new)
    second = Life(first)
    second.take(sender.samples(100))
    reply, _ = second.hub.request(b'{"schema":1,"command":"limits","stream":"a"}')
    assert json.loads(reply)["limits"]["hr_high_bpm"] == 133.0
    assert json.loads(reply)["limits"]["off"] == ["couplet"]
    assert limits.limits.hr_high_bpm == 133.0


def test_limits_can_be_changed_while_the_stream_is_awaited():
    first, sender = one_alarm()
    first.request(command="limits", stream="a", set={"hr_high_bpm": 133})
    second = Life(first)
    second.request(command="limits", stream="a", set={"hr_low_bpm": 44})
    second.take(sender.samples(100))
    reply, _ = second.hub.request(b'{"schema":1,"command":"limits","stream":"a"}')
    limits = json.loads(reply)["limits"]
    assert (limits["hr_high_bpm"], limits["hr_low_bpm"]) == (133.0, 44.0)


def test_a_key_keeps_its_stream():
    first, sender = Life(), Sender()
    first.out += first.hub.receive_all([(sender.announce(), "key-1")], 100.0, 0)
    second = Life(first)
    assert second.hub.receive_all([(sender.samples(), "key-2")], 100.0, 0) == []
    assert of(Samples, second.hub.receive_all([(sender.samples(), "key-1")], 100.0, 0))


def test_what_was_long_ago_is_over():
    first, _ = one_alarm()
    after_ns = round(RESUME_S * 1e9) + 1
    assert [m.ended for m in recalled(first.kept(), after_ns)[0]] == [False]  # VT is active
    first.request(command="acknowledge", stream="a", alert_id=None)
    (kept,) = first.kept().values()
    quiet = replace(fields_from_dict(StreamMemory, loads(kept.text.encode())), alerts=())
    assert [m.ended for m in recalled({"a": Memory(quiet.text(), 0)}, after_ns)[0]] == [True]


def test_numbers_that_may_have_been_used_are_left_out():
    first, _ = one_alarm()
    (memory,), _ = recalled(first.kept(), 0, unsure=50)
    assert (memory.last_id, memory.last_seq) == (50, 50)
    assert (memory.last_technical_id, memory.last_technical_seq) == (-50, -50)


def test_a_memory_that_cannot_be_read_concerns_its_stream_alone():
    first, _ = one_alarm()
    kept = first.kept() | {"b": Memory('{"stream":"b"}', 0), "c": Memory("\x00", 0)}
    memories, problems = recalled(kept, 0)
    assert [memory.stream for memory in memories] == ["a"]
    assert [problem.partition(" cannot be restored: ")[0] for problem in problems] == [
        "stream b",
        "stream c",
    ]


@given(
    st.builds(
        StreamMemory, streams, infos, st.just("p"), st.just("k"), st.booleans(), indices, indices,
        indices, indices, indices, st.lists(alerts, max_size=3).map(tuple),
        st.none() | st.just(AlarmSettings(asystole_s=5.0, off=("couplet",))), st.sampled_from(Unit),
    )
)  # fmt: skip
def test_a_memory_comes_back_as_it_was(memory):
    kept = {memory.stream: Memory(memory.text(), memory.next_sample)}
    assert recalled(kept, 0) == ([memory], [])
