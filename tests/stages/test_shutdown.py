import numpy as np

from monitor.messages import LeadState, Quality, RPeak, StreamInfo
from monitor.stages.segment import BeatWindow
from monitor.stages.shutdown import Shutdown

INFO = StreamInfo("s", 100.0, ("II",))


def hop(k, usable):
    state = LeadState.OK if usable else LeadState.LEAD_OFF
    return Quality("s", 25 * k, 25 * (k + 1), (state,), usable)


def peaks(*samples):
    return [RPeak("s", sample, sample + 40) for sample in samples]


def test_only_what_lies_in_the_shutdown_is_left_out():
    shutdown = Shutdown(INFO)
    assert shutdown.outside(peaks(10)) == peaks(10)
    for k, usable in enumerate([True, False, False, True]):
        shutdown.push(hop(k, usable))
    assert shutdown.outside(peaks(10, 24, 25, 60, 74, 75)) == peaks(10, 24, 75)


def windows(*samples):
    """Beat windows at ``samples``, each with the interval from the one before."""
    rr_s = [None, *(np.diff(samples) / INFO.rate_hz).tolist()]
    values = np.zeros(8, np.float32)
    return [
        BeatWindow(p, values, rr, None, True) for p, rr in zip(peaks(*samples), rr_s, strict=True)
    ]


def test_an_interval_with_a_shutdown_in_it_is_not_known():
    shutdown = Shutdown(INFO)
    assert shutdown.intervals(windows(10, 20)) == {10: None, 20: 0.1}
    for k, usable in enumerate([True, False, False, True, True]):
        shutdown.push(hop(k, usable))
    found = shutdown.intervals(windows(4, 24, 80, 110))
    assert found == {4: None, 24: 0.2, 80: None, 110: 0.3}
    # where a beat in it was seen the interval to that is a guess too
    assert shutdown.intervals(windows(24, 60, 80, 110)) == {24: None, 80: None, 110: 0.3}


def test_memory_is_bounded_and_recent_spans_are_kept():
    shutdown = Shutdown(INFO)
    for k in range(10_000):
        shutdown.push(hop(k, k % 4 != 0))
    assert len(shutdown._spans) < 40
    last = 9_996 * 25
    assert shutdown.outside(peaks(last, last + 25)) == peaks(last + 25)
