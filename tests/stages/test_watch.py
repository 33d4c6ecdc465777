import pickle

import numpy as np

from monitor.config import WatchSettings
from monitor.messages import LeadState, Quality, RPeak, Samples, StreamInfo
from monitor.stages.segment import BeatWindow
from monitor.stages.watch import Watch

INFO = StreamInfo("s", 100.0, ("II",))
HOP = 25


def watch() -> Watch:
    return Watch(INFO, WatchSettings())


def push(held: Watch, k: int, usable: bool) -> None:
    state = LeadState.OK if usable else LeadState.LEAD_OFF
    quality = Quality("s", HOP * k, HOP * (k + 1), (state,), usable)
    held.push(Samples("s", HOP * k, np.zeros((HOP, 1), np.float32)), quality)


def peaks(*samples):
    return [RPeak("s", sample, sample + 40) for sample in samples]


def test_only_what_lies_in_the_shutdown_is_left_out():
    held = watch()
    assert held.take(peaks(10))[0] == peaks(10)
    for k, usable in enumerate([True, False, False, True]):
        push(held, k, usable)
    assert held.take(peaks(10, 24, 25, 60, 74, 75))[0] == peaks(10, 24, 75)


def windows(*samples):
    """Beat windows at ``samples``, each with the interval from the one before."""
    rr_s = [None, *(np.diff(samples) / INFO.rate_hz).tolist()]
    values = np.zeros(8, np.float32)
    return [
        BeatWindow(p, values, rr, None, True) for p, rr in zip(peaks(*samples), rr_s, strict=True)
    ]


def test_an_interval_with_a_shutdown_in_it_is_not_known():
    held = watch()
    assert held.rr_s(windows(10, 20)) == {10: None, 20: 0.1}
    for k, usable in enumerate([True, False, False, True, True]):
        push(held, k, usable)
    assert held.rr_s(windows(4, 24, 80, 110)) == {4: None, 24: 0.2, 80: None, 110: 0.3}
    # where a beat in it was seen the interval to that is a guess too
    assert held.rr_s(windows(24, 60, 80, 110)) == {24: None, 80: None, 110: 0.3}


def test_memory_is_bounded_and_recent_spans_are_kept():
    held = watch()
    sizes = []
    for k in range(10_000):
        push(held, k, k % 4 != 0)
        if k % 1000 == 999:
            sizes.append(len(pickle.dumps(held)))
    assert max(sizes[2:]) < 1.05 * min(sizes[2:])  # larger numbers take more bytes at first
    last = 9_996 * HOP
    assert held.take(peaks(last, last + HOP))[0] == peaks(last + HOP)


def test_time_without_a_qrs_begins_at_the_last_r_peak_or_where_watching_began():
    held = watch()
    push(held, 0, True)
    assert held.take([])[1].quiet_from == 0
    assert held.take(peaks(20))[1].quiet_from == 20
    push(held, 1, False)
    assert held.take([])[1].unusable_since == HOP
    push(held, 2, True)
    state = held.take([])[1]
    assert (state.since_sample, state.quiet_from, state.unusable_since) == (50, 50, None)


def test_a_hole_and_a_long_shutdown_end_what_was_known():
    held = watch()
    push(held, 0, True)
    held.take(peaks(20))
    push(held, 4, True)
    state = held.take([])[1]
    assert state.after_hole
    assert state.forget
    assert state.since_sample == state.quiet_from == 100
    told = []
    for k in range(5, 27):
        push(held, k, False)
        told.append(held.take([])[1].forget)
    assert told == [False] * 20 + [True] * 2  # 5 s are 20 hops
    held.at_end()
    assert not held.take([])[1].forget


def test_a_stream_is_watched_from_its_first_hop_on():
    held = watch()
    push(held, 8, True)
    assert held.take([])[1].since_sample == 8 * HOP
    assert not held.take([])[1].after_hole
