"""The snippet command against a service that is played: where alerts are found, what is known."""

import json

import numpy as np
import pytest
import wfdb

from monitor.cli import main
from monitor.errors import FAILED, USAGE, MonitorError
from monitor.messages import Samples, StreamInfo
from monitor.recording import span_query
from monitor.recording.recent import RecentSignal
from monitor.wire import subscriber

pytestmark = pytest.mark.slow

RATE_HZ = 250.0
INFO = StreamInfo("bed-7", RATE_HZ, ("II", "V1"))
SIGNAL = (np.arange(80_000, dtype=np.float32) % 5000 / 1000)[:, None] * np.ones(2, np.float32)


class Service:
    """Answers as a service does that remembers 120 s, and has journalled 600 alerts."""

    def __init__(self, endpoint, keys):
        self._memory = RecentSignal(None, lambda: 10**18)
        self._memory.deliver(INFO)
        self._memory.deliver(Samples("bed-7", 0, SIGNAL))

    def ask(self, request, patience_s):
        if request["command"] == "signal":
            try:
                return json.loads(json.dumps(span_query.signal_answer(request, self._memory)))
            except MonitorError as error:
                raise MonitorError(f"refused: {error}") from error
        if request["command"] == "history":
            numbers = range(request["after"] + 1, min(request["after"] + 201, 601))
            events = [{"id": n, "onset_sample": 60_000 + n} for n in numbers]
            return {"events": events, "through": numbers[-1], "last": 600}
        alerts = [{"id": 700, "onset_sample": 70_000}]
        return {"streams": [{"stream": "bed-7", "alerts": alerts}]}

    def close(self):
        pass


@pytest.fixture
def fetch(monkeypatch, tmp_path):
    monkeypatch.setattr(subscriber, "ControlClient", Service)

    def run(*options):
        code = main(["snippet", "bed-7", "--out", str(tmp_path), *map(str, options)])
        found = [wfdb.rdrecord(str(path.with_suffix(""))) for path in tmp_path.glob("*.hea")]
        return code, found

    return run


@pytest.mark.parametrize(
    ("options", "start", "end"),
    [
        (["--alert", 700], 67_500, 72_501),  # one of now
        (["--alert", 1, "--before", 20, "--after", 0], 55_001, 60_002),  # journalled, first page
        (["--alert", 555, "--before", 1, "--after", 1], 60_305, 60_806),  # third page
        (["--at", 79_000, "--after", 100], 76_500, 80_000),  # the signal has not come further
        (["--at", 60_000, "--before", 600], 50_000, 62_501),  # 120 s are remembered
        (["--at", 51_000, "--before", 60, "--after", 90], 50_000, 73_501),  # in several pieces
    ],
)
def test_what_is_known_around_it_becomes_a_record(fetch, options, start, end):
    code, (record,) = fetch(*options)
    assert code == 0
    assert (record.base_counter, record.sig_len) == (start, end - start)
    assert (record.p_signal.astype(np.float32) == SIGNAL[start:end]).all()


@pytest.mark.parametrize(
    ("options", "code", "reason"),
    [
        (["--alert", 601], FAILED, "has had no alert 601"),
        (["--at", 10], FAILED, "no signal of stream bed-7 from 10 to 11 is known any more"),
        (["--at", 70_000, "--before", 1e9], USAGE, "--before must lie in 0 to 3600"),
    ],
)
def test_what_cannot_be_had_is_said(fetch, capsys, options, code, reason):
    assert fetch(*options) == (code, [])
    assert reason in capsys.readouterr().err
