"""The whole signal path: the same samples give bit-identical events, however they come."""

from functools import cache

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.messages import Alert, Beat, Quality, Samples, StreamInfo, Vitals
from monitor.pipeline import Pipeline
from monitor.sources.simulator import Simulator
from monitor.sources.wfdb.record import WfdbRecord


def events_of(info, chunks):
    pipeline = Pipeline(info)
    events = []
    for chunk in chunks:
        events += pipeline.push(chunk)
    return events + pipeline.flush()


def cut(values, sizes):
    """Samples of one array in pieces of the given sizes, over and over."""
    at, i = 0, 0
    while at < len(values):
        n = sizes[i % len(sizes)]
        yield Samples("s", at, values[at : at + n])
        at += n
        i += 1


@cache
def simulated(scenario, seconds, rate_hz=250.0):
    source = Simulator(scenario, rate_hz=rate_hz, stream="s")
    pieces, n = [], 0
    for chunk in source.chunks():
        pieces.append(chunk.values_mv)
        n += len(chunk.values_mv)
        if n >= seconds * rate_hz:
            break
    return source.info, np.concatenate(pieces)


@cache
def whole(scenario, seconds):
    info, values = simulated(scenario, seconds)
    return events_of(info, [Samples("s", 0, values)])


@pytest.mark.slow
@pytest.mark.parametrize("scenario", ["tour", "vt", "lead_off"])
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(sizes=st.lists(st.integers(1, 2000), min_size=1, max_size=8))
def test_any_chunking_gives_identical_events(scenario, sizes):
    info, values = simulated(scenario, 40.0)
    assert events_of(info, cut(values, sizes)) == whole(scenario, 40.0)


def test_one_sample_at_a_time():
    info, values = simulated("vt", 40.0)
    assert events_of(info, cut(values, [1])) == whole("vt", 40.0)


@pytest.mark.slow
@pytest.mark.parametrize("record", ["208", "114"])
def test_real_record_in_any_pieces(data_dir, record):
    source = WfdbRecord(data_dir / "mitdb" / record, stop_s=90.0, stream="s")
    values = np.concatenate([c.values_mv for c in source.chunks()])
    reference = events_of(source.info, [Samples("s", 0, values)])
    assert sum(isinstance(e, Beat) for e in reference) > 60
    for sizes in ([7], [360], [1, 1000, 13]):
        assert events_of(source.info, cut(values, sizes)) == reference


@pytest.mark.slow
def test_events_are_in_order_and_causal():
    info, values = simulated("tour", 120.0)
    pipeline = Pipeline(info)
    beats, alerts, vitals = [], [], []
    for chunk in cut(values, [50]):
        for event in pipeline.push(chunk):
            names = ("decided_sample", "end_sample", "sample")
            decided = next(getattr(event, name) for name in names if hasattr(event, name))
            assert decided <= chunk.end_sample, "an event knows of samples that have not come"
            for kind, found in ((Beat, beats), (Alert, alerts), (Vitals, vitals)):
                if isinstance(event, kind):
                    found.append(event)
    samples = [b.sample for b in beats]
    assert samples == sorted(set(samples))
    assert [a.seq for a in alerts] == list(range(alerts[0].seq, alerts[0].seq + len(alerts)))
    assert alerts
    seconds = np.diff([v.sample for v in vitals]) / info.rate_hz
    assert np.all(np.abs(seconds - 1.0) < 0.3)  # once a second, on whole hops


@pytest.mark.slow
def test_garbage_gives_no_beats_and_no_crash():
    info = StreamInfo("s", 250.0, ("II", "V1"))
    rng = np.random.default_rng(0)
    n = 5000
    silent = [
        np.zeros((n, 2)),
        np.full((n, 2), np.nan),
        np.full((n, 2), 5.0),
        np.full((n, 2), np.inf),
    ]
    noise = [rng.normal(0, 1e6, (n, 2)), np.where(rng.random((n, 2)) < 0.5, np.nan, 0.0)]
    for values in silent + noise:
        events = events_of(info, [Samples("s", 0, values.astype(np.float32))])
        if any(values is s for s in silent):
            assert not [e for e in events if isinstance(e, Beat)]
        rates = [e.heart_rate_bpm for e in events if isinstance(e, Vitals)]
        assert all(rate is None or rate > 0 for rate in rates)


def test_no_samples_at_all():
    assert Pipeline(StreamInfo("s", 250.0, ("II",))).flush() == []


def test_no_interval_reaches_over_a_shutdown():
    info, values = simulated("lead_off", 60.0)
    events = events_of(info, cut(values, [500]))
    off = [e for e in events if isinstance(e, Quality)]
    start = next(q.sample for q in off if not q.usable)
    end = next(q.sample for q in off if q.usable and q.sample > start)
    beats = [e for e in events if isinstance(e, Beat)]
    first = next(b for b in beats if b.sample >= end)
    assert first.rr_s is None
    known = [b for b in beats if b.rr_s is not None]
    assert len(known) > len(beats) - 10
    assert not [b for b in known if b.sample - b.rr_s * info.rate_hz < end and b.sample > start]
