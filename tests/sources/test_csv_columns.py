"""Which columns are leads, and which tells the time: by name, and by what they hold."""

import numpy as np
import pytest
import wfdb

from monitor.errors import MonitorError
from monitor.sources.calibration import Calibration
from monitor.sources.csv_lines import CsvLines
from monitor.sources.csv_names import Says, part, says
from monitor.sources.csv_table import Said

RATE_HZ = 360
SAMPLES = 5 * RATE_HZ


@pytest.fixture(scope="module")
def ecg(data_dir):
    return wfdb.rdrecord(str(data_dir / "mitdb" / "100"), sampto=SAMPLES).p_signal[:, 0]


@pytest.fixture
def columns(ecg):
    """What a table may hold beside the signal, as texts."""
    i = np.arange(SAMPLES)
    t = i / RATE_HZ
    noise = np.random.default_rng(1).normal(0, 0.02, SAMPLES)
    return {
        "ecg": [f"{v:.4f}" for v in ecg],
        "adc": [f"{v:.0f}" for v in ecg * 200 + 512],
        "count": [str(k) for k in i],
        "byte": [str(k % 256) for k in i],
        "nibble": [str(k % 16) for k in i],
        "constant": ["0"] * SAMPLES,
        "label": [str(int(k) % 3) for k in t],
        "word": ["N"] * SAMPLES,
        "hr": [f"{72 + k % 5:.0f}" for k in t],
        "slow": [f"{36.5 + 0.1 * np.sin(k / 5):.4f}" for k in t],
        "acc": [f"{1 + v:.4f}" for v in noise],
        "date": ["2024-03-05"] * SAMPLES,
        "empty": [""] * SAMPLES,
        "s": [f"{k:.5f}" for k in t],
        "ms": [f"{1000 * k:.0f}" for k in t],
        "unix_ms": [f"{1.7e12 + 1000 * k:.0f}" for k in t],
        "unix_s": [f"{1.7e9 + k:.6f}" for k in t],
        "ns": [f"{763 * 10**15 + int(k * 1e9)}" for k in t],
        "iso": [f"2024-03-05T23:59:{57 + k:09.6f}" if k < 3 else
                f"2024-03-06T00:00:{k - 3:09.6f}" for k in t],
        "clock": [f"23:59:{57 + k:06.3f}" if k < 3 else f"00:00:{k - 3:06.3f}" for k in t],
        "german": [f"05.03.2024 12:00:{k:06.3f}" for k in t],
        "bursts": [f"{np.floor(k):.3f}" for k in t],
        "constant_time": ["12.5"] * SAMPLES,
    }  # fmt: skip


@pytest.fixture
def play(tmp_path, columns):
    def read(names, kinds, skip=(), rate_hz=RATE_HZ, leads=(), calibration=None, pulse="off"):
        rows = zip(*(columns[kind] for kind in kinds), strict=True)
        lines = [",".join(row) for i, row in enumerate(rows) if i not in skip]
        path = tmp_path / "x.csv"
        path.write_text("\n".join([*([",".join(names)] if names else []), *lines]) + "\n")
        notes = []
        calibration = calibration or Calibration("mV")
        said = Said(rate_hz, leads, calibration, pulse)
        source = CsvLines(path, said, say=notes.append)
        chunks = [chunk for chunk in source.chunks() if len(chunk.values_mv)]
        index = np.concatenate([c.start_sample + np.arange(len(c.values_mv)) for c in chunks])
        return source.info, index, np.concatenate([c.values_mv for c in chunks]), "\n".join(notes)

    return read


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Sample Index", "count"), ("Sample Index", "byte"), ("nSeq", "nibble"), ("i", "count"),
        ("Unnamed: 0", "count"), ("", "count"), ("label", "label"), ("class", "label"),
        ("target", "constant"), ("foo", "label"), ("foo", "word"), ("foo", "constant"),
        ("foo", "hr"), ("foo", "slow"), ("HR", "hr"), ("Heart_Rate", "hr"), ("SpO2 (%)", "hr"),
        ("x", "acc"), ("acc_x", "acc"), ("Accel Channel 0", "acc"), ("gyro.y", "acc"),
        ("millis", "ms"), ("date", "date"), ("lead", "word"), ("lead_off", "label"),
        ("ecg_quality", "label"), ("ECG HR", "hr"), ("battery [V]", "hr"), ("foo", "ms"),
        ("temp [C]", "acc"), ("EMG", "acc"), ("foo", "empty"), ("rpeaks", "label"),
        ("LO+", "label"),
    ],
)  # fmt: skip
@pytest.mark.parametrize(("signal", "order"), [("II", 1), ("value", -1)])
def test_what_is_no_lead_is_left_out(play, ecg, name, kind, signal, order):
    names, kinds = [name, signal], [kind, "ecg"]
    info, index, values, notes = play(names[::order], kinds[::order])
    assert info.leads == (signal,)
    assert (index == np.arange(SAMPLES)).all()
    assert values[:, 0] == pytest.approx(ecg, abs=1e-4)
    timed = kind in ("count", "byte", "nibble", "ms") and name not in ("", "foo", "i")
    assert timed or f"left out: {name or 'without a name'} (" in notes


def test_the_user_wins(play, columns):
    info, _, values, _ = play(["HR", "ecg", "x"], ["hr", "ecg", "acc"], leads=("x", "hr"))
    assert info.leads == ("x", "HR")
    assert values[:, 0] == pytest.approx(np.array(columns["acc"], float))


def test_a_named_lead_is_one_even_while_it_is_flat(play):
    assert play(["II", "V5", "foo"], ["constant", "ecg", "ecg"])[0].leads == ("II", "V5")


def test_no_lead_is_an_error_that_lists_the_columns(play):
    with pytest.raises(MonitorError, match=r"no ECG lead .*x \(named .*label .*--leads") as error:
        play(["x", "label"], ["acc", "label"])
    assert "\n" not in str(error.value)


def test_axes_in_volts_are_frank_leads():
    assert says(*part("x [mV]")) is Says.LEAD
    assert says(*part("x")) is says(*part("x [g]")) is Says.OTHER


@pytest.mark.parametrize("leads", [(), ("II",)])
@pytest.mark.parametrize(
    "kinds", [["ecg"], ["s", "ecg"], ["nibble", "constant", "ecg", "constant"]]
)
def test_without_a_header(play, ecg, kinds, leads):
    if leads and len(kinds) == 4:
        pytest.skip("four columns want four names")
    info, _, values, _ = play([], kinds, leads=leads)
    assert info.leads == (leads or ("ECG",))
    assert values[:, 0] == pytest.approx(ecg, abs=1e-4)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("time", "s"), ("t", "s"), ("Zeit [s]", "s"), ("elapsed_ms", "ms"), ("time", "ms"),
        ("millis", "ms"), ("timeMs", "ms"), ("t(ms)", "ms"), ("unix", "unix_ms"),
        ("epoch", "unix_s"), ("timestamp", "unix_s"), ("sensor timestamp [ns]", "ns"),
        ("timestamp", "ns"), ("Phone timestamp", "iso"), ("date", "iso"), ("Uhrzeit", "clock"),
        ("hh:mm:ss.fff", "clock"), ("datum", "german"), ("Sample Index", "count"),
        ("Sample Index", "byte"), ("nSeq", "nibble"), ("sample #", "count"), ("time", "count"),
        ("time [fortnights]", "s"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("told", [True, False], ids=["rate", "no rate"])
def test_lost_samples_are_a_gap_by_any_column_that_tells_the_time(play, ecg, name, kind, told):
    lost = range(1000, 1010)  # fewer than a counter of 4 bits goes round in
    if not told and kind in ("count", "byte", "nibble"):
        with pytest.raises(MonitorError, match="say the sampling rate of the lines"):
            play([name, "ecg"], [kind, "ecg"], rate_hz=None)
        return
    names, kinds = [name, "ecg"], [kind, "ecg"]
    info, index, values, notes = play(names, kinds, skip=lost, rate_hz=RATE_HZ if told else None)
    assert info.rate_hz == RATE_HZ
    assert told or f"360 Hz by column {name!r}" in notes
    kept = [i for i in range(SAMPLES) if i not in lost]
    assert index.tolist() == kept
    assert values[:, 0] == pytest.approx(ecg[kept], abs=1e-4)


@pytest.mark.parametrize(
    ("name", "kind", "why"),
    [
        ("time", "bursts", "does not rise evenly"), ("time", "constant_time", "does not change"),
        ("time", "acc", "does not rise"), ("time", "word", "is no time"),
        ("timestamp", "nibble", "does not rise"),
    ],
)  # fmt: skip
def test_a_time_that_is_none_is_said_to_be_unused(play, name, kind, why):
    info, index, _, notes = play([name, "ecg"], [kind, "ecg"])
    assert (info.leads, index.tolist()) == (("ecg",), list(range(SAMPLES)))
    assert "no column tells the time" in notes
    assert f"{name} ({why}" in notes


def test_of_several_times_the_one_that_fits_is_used(play):
    names, kinds = ["Phone time", "time [ms]", "ecg"], ["bursts", "ms", "ecg"]
    _, index, _, notes = play(names, kinds, skip=range(900, 1000), rate_hz=None)
    assert index.tolist() == [*range(900), *range(1000, SAMPLES)]
    assert "by column 'time [ms]'" in notes


@pytest.mark.parametrize("name", ["elapsed_ms", "time"])
def test_a_rate_that_the_time_contradicts_is_refused(play, name):
    with pytest.raises(MonitorError, match="announced at 500 Hz, but its time stamps say 360 Hz"):
        play([name, "ecg"], ["ms", "ecg"], rate_hz=500)


def test_adc_units(play, ecg):
    adc = Calibration(gain=200, baseline=512)
    info, _, values, _ = play(["millis", "value"], ["ms", "adc"], calibration=adc)
    assert info.leads == ("value",)
    assert values[:, 0] == pytest.approx(ecg, abs=0.003)
    with pytest.raises(MonitorError, match="II is in uV, but --gain is for ADC units"):
        play(["II [uV]"], ["adc"], calibration=adc)
    lenient = Calibration(gain=200, baseline=512, strict=False)
    assert play(["II [mV]"], ["ecg"], calibration=lenient)[2][:, 0] == pytest.approx(ecg, abs=1e-4)
    with pytest.raises(MonitorError, match=r"the unit of II is not said: add --unit .*--gain"):
        play(["II"], ["adc"], calibration=Calibration())
