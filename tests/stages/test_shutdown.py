from monitor.messages import LeadState, Quality, RPeak, StreamInfo
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


def test_memory_is_bounded_and_recent_spans_are_kept():
    shutdown = Shutdown(INFO)
    for k in range(10_000):
        shutdown.push(hop(k, k % 4 != 0))
    assert len(shutdown._spans) < 40
    last = 9_996 * 25
    assert shutdown.outside(peaks(last, last + 25)) == peaks(last + 25)
