"""BrainFlow's own boards without hardware: the synthetic one, and files it plays back."""

import itertools

import numpy as np
import pytest
import wfdb

pytest.importorskip("brainflow")

from brainflow.board_shim import BoardIds, BoardShim
from brainflow.data_filter import DataFilter

from monitor.errors import MonitorError
from monitor.sources.brainflow_board import BrainFlowBoard, SampleCounter

pytestmark = pytest.mark.filterwarnings("ignore:pkg_resources", "ignore::DeprecationWarning")
RATE_HZ = 250
FACTS = BoardShim.get_board_descr(BoardIds.SYNTHETIC_BOARD)


def read(text, count=None, **options):
    source = BrainFlowBoard(text, **options)
    chunks, out, have = source.chunks(), [], 0
    for chunk in chunks:
        out.append(chunk)
        have += len(chunk.values_mv)
        if count and have >= count:
            break
    chunks.close()
    index = np.concatenate([c.start_sample + np.arange(len(c.values_mv)) for c in out])
    return source.info, index, np.concatenate([c.values_mv for c in out])


@pytest.fixture
def stamped(monkeypatch):
    """Stamp the samples of a board, which stamps late what it is not given the processor for."""
    data_of = BoardShim.get_board_data

    def by(indices):
        indices = iter(indices)

        def data(board):
            got = data_of(board)
            times_s = [1.7e9 + next(indices) / RATE_HZ for _ in range(got.shape[1])]
            got[FACTS["timestamp_channel"]] = times_s
            return got

        monkeypatch.setattr(BoardShim, "get_board_data", data)

    return by


@pytest.mark.slow
def test_the_synthetic_board(stamped):
    stamped(itertools.count())
    info, index, values = read("synthetic", 400)
    assert (info.stream, info.rate_hz, info.leads) == ("synthetic", RATE_HZ, ("ECG1",))
    assert info.source == "BrainFlow Synthetic"
    assert (index == np.arange(len(index))).all()
    assert 0.001 < np.ptp(values) < 0.5  # a wave of some microvolts, and noise


@pytest.mark.slow
def test_a_record_played_back_is_the_record_with_its_losses(data_dir, tmp_path, stamped):
    record = wfdb.rdrecord(str(data_dir / "vfdb" / "418"), sampfrom=5000, sampto=5000 + 1600)
    count = np.arange(1600)
    lost = np.concatenate([np.arange(600, 603), np.arange(1001, 1061)])
    data = np.zeros((FACTS["num_rows"], 1600))
    data[FACTS["ecg_channels"][:2]] = record.p_signal.T * 1000
    data[FACTS["package_num_channel"]] = count % 256
    data[FACTS["timestamp_channel"]] = 1.7e9 + count / RATE_HZ
    path = tmp_path / "run.csv"
    DataFilter.write_file(np.ascontiguousarray(np.delete(data, lost, axis=1)), str(path), "w")
    kept = np.delete(count, lost)

    stamped(np.ceil(kept / 12) * 12)  # in bursts: the counter must tell what is lost
    info, index, values = read(
        f"playback?file={path}&master_board=synthetic", leads=("II", "V1"), stream="bed-7"
    )
    assert (info.stream, info.leads) == ("bed-7", ("II", "V1"))
    assert index.tolist() == kept.tolist()
    assert np.abs(values - record.p_signal[kept]).max() < 1e-6


def counted(kept, jitter_s, to=256, period=1):
    """Lost samples by a counter, with stamps as they arrive in one-millisecond bursts."""
    times = kept / RATE_HZ + np.random.default_rng(1).uniform(0, jitter_s, len(kept))
    counter = (kept // period) % to
    meter, out = SampleCounter(RATE_HZ), []
    for at in range(0, len(kept), 77):
        out += meter.lost(times[at : at + 77], counter[at : at + 77].astype(float)).tolist()
    return np.array(out)


@pytest.mark.parametrize("jitter_s", [0.0, 0.03])
@pytest.mark.parametrize("length", [1, 10, 200, 254, 300, 2000])
def test_a_counter_tells_what_was_lost(length, jitter_s):
    kept = np.delete(np.arange(5000), np.arange(1500, 1500 + length))
    lost = counted(kept, jitter_s)
    assert lost[1500] == length
    assert lost.sum() == length


@pytest.mark.parametrize(("to", "period"), [(201, 1), (100, 1), (256, 2), (1, 1), (256, 12)])
def test_a_counter_that_counts_otherwise_is_not_believed(to, period):
    assert not counted(np.arange(5000), 0.01, to, period).any()


@pytest.mark.parametrize(
    ("text", "options", "complaint"),
    [
        ("nonsense", {}, "BrainFlow has no board 'nonsense'; it has synthetic, playback"),
        ("", {}, "no board ''; it has synthetic, playback"),
        ("gangl", {}, "it has ganglion"),
        ("synthetic?port=3", {}, "no parameter 'port'; known: channels, serial_port"),
        ("synthetic?ip_port=x", {}, "ip_port: 'x' is no number"),
        ("synthetic?channels=17", {}, "has ECG channels 1 to 16, not '17'"),
        ("synthetic?channels=1,2", {"leads": ("II",)}, "2 channel.*, but 1 lead name"),
        ("synthetic", {"unit": "kg"}, "unit 'kg' is not a voltage"),
        ("crown", {}, "has no ECG channel"),
        ("aavaa_v3", {}, "50 Hz is outside"),
        ("playback?file=none.csv&master_board=synthetic", {}, "cannot read none.csv"),
        ("playback?file=none.csv", {}, "say its master_board"),
        ("cyton?serial_port=/dev/none", {}, "BrainFlow Cyton cannot be reached"),
    ],
)
def test_what_cannot_be_used_is_refused(text, options, complaint, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MonitorError, match=complaint):
        BrainFlowBoard(text, **options)
