"""A simulated record is read back by the wfdb package as it was made."""

import numpy as np
import pytest
import wfdb

from monitor.errors import MonitorError
from monitor.sources.simulator import Fault, Scenario, Segment, Simulator, simulate, write_wfdb

SCENARIO = Scenario(
    "record",
    "",
    (Segment("sinus", 12.0, pvc_per_min=15.0), Segment("vf", 5.0), Segment("sinus", 8.0)),
    (
        Fault("nan", 3.0, 0.5, ("V1",)),
        Fault("gap", 5.0, 1.0),
        Fault("muscle", 8.0, 2.0, ("II",)),
        Fault("lead_off", 20.0, 10.0),
    ),
)


@pytest.mark.parametrize("rate_hz", [250.0, 360.0])
def test_round_trip(tmp_path, rate_hz):
    simulator = Simulator(SCENARIO, rate_hz, ("II", "V1"), seed=4)
    header = write_wfdb(simulator, tmp_path / "new", "sim1")
    assert header == tmp_path / "new" / "sim1.hea"
    values, truth = simulate(simulator)
    record = wfdb.rdrecord(str(tmp_path / "new" / "sim1"))
    assert (record.fs, record.sig_name, record.units) == (rate_hz, ["II", "V1"], ["mV", "mV"])
    assert np.array_equal(np.isnan(record.p_signal), np.isnan(values))
    assert np.nanmax(np.abs(record.p_signal - values)) <= 0.00051
    digital = wfdb.rdrecord(str(tmp_path / "new" / "sim1"), physical=False)
    assert digital.checksum == digital.calc_checksum()

    marks = wfdb.rdann(str(tmp_path / "new" / "sim1"), "atr")
    assert marks.fs == rate_hz
    pairs = list(zip(marks.sample.tolist(), marks.symbol, strict=True))
    beats = [pair for pair in pairs if pair[1] not in "+~[]"]
    assert [symbol for _, symbol in beats] == [b.symbol for b in truth.beats]
    assert max(abs(s - b.sample) for (s, _), b in zip(beats, truth.beats, strict=True)) <= 1
    notes = [note.rstrip("\0") for note in marks.aux_note]
    assert [n for n in notes if n.startswith("(")] == ["(N", "(VF", "(N"]
    assert [p for p in pairs if p[1] in "[]"] == [
        (round(12 * rate_hz), "["),
        (round(17 * rate_hz), "]"),
    ]
    noise = {
        n: s
        for n, s in zip(notes, marks.subtype.tolist(), strict=True)
        if n in ("nan", "gap", "muscle", "lead_off")
    }
    assert noise == {"nan": 2 * 17, "gap": -1, "muscle": 1, "lead_off": -1}


def test_an_unusable_place_or_name_or_endless_stream(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(MonitorError, match="cannot write"):
        write_wfdb(Simulator("sinus", duration_s=2.0), blocked, "a")
    with pytest.raises(MonitorError, match="record name"):
        write_wfdb(Simulator("sinus", duration_s=2.0), tmp_path, "a b")
    with pytest.raises(MonitorError, match="duration_s"):
        write_wfdb(Simulator("sinus", loop=True), tmp_path, "a")
