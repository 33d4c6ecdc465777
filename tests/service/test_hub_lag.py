"""Streams that are behind, and a machine that is too slow. Time is handed in."""

import pytest
from desk import Desk, in_process, of
from service_parts import Sender

from monitor.messages import (
    Alert,
    AlertKind,
    AlertState,
    Beat,
)
from monitor.wire.protocol import Heartbeat, StreamState


@pytest.mark.parametrize("jump_s", [-3600.0, -2.0, 2.0, 3600.0])
def test_a_clock_that_jumps_is_no_lag(jump_s):
    desk, sender = Desk(), Sender()
    wall_s, off_s, lags = 1e9, 0.0, []
    for second in range(40):
        off_s = jump_s if second >= 20 else 0.0  # the clock of the sender
        for quarter in range(4):
            sent_ns = round((wall_s + second + 0.25 * quarter + off_s) * 1e9)
            sender.sent_ns = sent_ns
            frames = [sender.samples(50)] if second or quarter else [sender.announce()]
            desk.now_s += 0.25
            desk.out += desk.hub.receive_all(
                [(f, "") for f in frames], desk.now_s, sent_ns + 10**7 - round(off_s * 1e9)
            )
        lags.append(of(StreamState, desk.tick(0.0))[-1].lag_s)
    assert max(lags[1:]) < 0.1
    assert of(Alert, desk.out) == [a for a in of(Alert, desk.out) if a.kind is AlertKind.VT]


def behind(desk, sender, lag_s, ticks, saturated=True):
    """Time passes, each second of signal comes ``lag_s`` after it was sent."""
    new = []
    for _ in range(ticks):
        sender.sent_ns = round((desk.now_s + 1.0 - lag_s) * 1e9)
        frames = [(sender.samples(200), "")]
        desk.now_s += 1.0
        new += desk.hub.receive_all(frames, desk.now_s, round(desk.now_s * 1e9))
        looked_s = desk.now_s - (5.0 if saturated else 0.0)
        new += desk.hub.tick(desk.now_s, looked_s)
    desk.out += new
    return new


def test_a_stream_far_behind_raises_an_alarm_until_it_has_caught_up():
    desk, sender = Desk(), Sender()
    desk.take(sender.announce())
    late = []
    for lag_s in (0.1, 0.9, 1.8, 2.7, 3.6, 4.5, 5.4, 6.3, 7.2, 8.1, 9.0, 9.9, 10.8):
        late += of(Alert, behind(desk, sender, lag_s, 1))
    late = [a for a in late if a.kind is AlertKind.ANALYSIS_LATE]
    assert [(a.state, a.value) for a in late] == [
        (AlertState.RAISED, 5.0),
        (AlertState.UPDATED, 10.0),
    ]
    assert late[0].text == "Analysis is more than 5 s behind the signal"
    assert [a for a in of(Alert, behind(desk, sender, 3.0, 3)) if a.id < 0] == []
    (cleared,) = [a for a in of(Alert, behind(desk, sender, 0.2, 3)) if a.id < 0]
    assert cleared.state is AlertState.CLEARED


def test_display_is_shed_while_the_machine_is_too_slow():
    desk, sender = Desk(), Sender()
    desk.take(sender.announce())
    behind(desk, sender, 0.1, 3)
    assert not desk.hub.overload.shedding  # saturated, but in time
    behind(desk, sender, 0.9, 3, saturated=False)
    assert not desk.hub.overload.shedding  # late, but not for our sake
    new = behind(desk, sender, 1.7, 11)
    assert desk.hub.overload.shedding
    assert len(of(StreamState, new)) < 5
    assert len(of(Heartbeat, new)) == 11
    assert of(Heartbeat, new)[-1].late == 1
    assert any("too slow: 1 of 1 live streams are late, the worst by" in s for s in desk.said)
    new = behind(desk, sender, 0.1, 3, saturated=False)
    assert not desk.hub.overload.shedding
    assert len(of(StreamState, new)) >= 2
    assert any("caught up" in line for line in desk.said)
    desk.take(sender.end())
    assert of(Beat, desk.out) == of(Beat, in_process(sender.info, sender.at))


def test_a_replay_faster_than_real_time_is_not_late():
    desk, sender = Desk(), Sender()
    desk.take(sender.announce())
    for _ in range(10):
        sender.sent_ns = round((desk.now_s - 9.0) * 1e9)
        for _ in range(10):
            desk.hub.receive(sender.samples(200), desk.now_s, round(desk.now_s * 1e9))
        desk.tick(1.0, looked=False)
    assert not desk.hub.overload.shedding
    assert [a for a in of(Alert, desk.out) if a.id < 0] == []


def test_when_the_machine_is_too_slow_the_fastest_stream_is_named():
    desk, sender, fast = Desk(), Sender(), Sender("source-2", "archive")
    desk.take(sender.announce(), fast.announce())
    for number in range(11):
        fast.sent_ns = round(desk.now_s * 1e9)
        desk.hub.receive(fast.samples(4000), desk.now_s, fast.sent_ns)
        behind(desk, sender, 0.1 + 0.3 * number, 1)
    assert any("most signal comes from archive, at 20 times real time" in s for s in desk.said)
