"""A signal in the wrong unit is told from an ECG in millivolts, on real records."""

import numpy as np
import pytest
import wfdb

from monitor.messages import Alert, AlertKind, AlertState, Beat, Priority, Samples, StreamInfo
from monitor.pipeline import Pipeline
from monitor.sources.simulator import Simulator

RECORDS = ("mitdb/208", "mitdb/101", "vfdb/418", "cinc2015/a105l")


def events_of(values_mv, rate_hz, cut=None):
    leads = tuple(f"lead {i}" for i in range(values_mv.shape[1]))
    pipeline = Pipeline(StreamInfo("s", float(rate_hz), leads))
    cut = cut or len(values_mv)
    events = []
    for at in range(0, len(values_mv), cut):
        events += pipeline.push(Samples("s", at, values_mv[at : at + cut]))
    return events + pipeline.flush()


def amplitude_alerts(events):
    return [e for e in events if isinstance(e, Alert) and e.kind is AlertKind.AMPLITUDE]


@pytest.fixture(params=RECORDS)
def record(request, data_dir):
    header = wfdb.rdheader(str(data_dir / request.param))
    channels = [i for i, unit in enumerate(header.units) if unit == "mV"][:2]
    stop = round(30 * header.fs)
    got = wfdb.rdrecord(str(data_dir / request.param), sampto=stop, channels=channels)
    return got.p_signal, got.fs


@pytest.mark.slow
def test_millivolts_are_not_remarked_on(record):
    values, rate_hz = record
    events = events_of(values.astype(np.float32), rate_hz)
    assert sum(isinstance(e, Beat) for e in events) > 10
    assert not amplitude_alerts(events)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("factor", "words"),
    [(1000.0, "mV (uV sent as mV?)"), (0.001, "uV (V sent as mV, or no electrode?)")],
)
def test_a_unit_that_is_wrong_by_a_thousand_is_said_within_20_s(record, factor, words):
    values, rate_hz = record
    alerts = amplitude_alerts(events_of((values * factor).astype(np.float32), rate_hz))
    assert alerts[0].state is AlertState.RAISED
    assert alerts[0].priority is Priority.TECHNICAL
    assert words in alerts[0].text
    assert "e+" not in alerts[0].text  # 1220 mV, not 1.22e+03 mV
    assert alerts[0].sample <= 20 * rate_hz
    assert AlertState.CLEARED not in {alert.state for alert in alerts}


@pytest.mark.slow
def test_it_does_not_depend_on_the_pieces(data_dir):
    record = wfdb.rdrecord(str(data_dir / "mitdb" / "208"), sampto=7200)
    values = (record.p_signal * 1000).astype(np.float32)
    assert amplitude_alerts(events_of(values, 360, 7)) == amplitude_alerts(events_of(values, 360))


@pytest.mark.slow
def test_a_true_asystole_is_no_matter_of_units():
    simulator = Simulator("asystole", stream="s")
    pipeline = Pipeline(simulator.info)
    events = [e for chunk in simulator.chunks() for e in pipeline.push(chunk)]
    assert any(isinstance(e, Alert) and e.kind is AlertKind.ASYSTOLE for e in events)
    assert not amplitude_alerts(events)
