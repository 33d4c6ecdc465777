"""WFDB, EDF and CSV of the same signal: the same units, the same alerts, through the command."""

import json

import edfio
import numpy as np
import pytest

from monitor.cli import main
from monitor.sources.simulator import Simulator, simulate

RATE_HZ = 250
CUT_S = 20


@pytest.fixture(scope="module")
def clean():
    """Give 40 s of two leads in mV."""
    simulator = Simulator("sinus", rate_hz=RATE_HZ, leads=("II", "V1"), duration_s=40.0)
    return simulate(simulator)[0].astype(np.float64)


def wfdb_record(folder, values, unit):
    digital = np.nan_to_num(np.round(values * 1000), nan=-32768).astype("<i2")
    digital.tofile(folder / "w.dat")
    lines = [f"r.dat 16 1000{unit} 16 0 0 0 0 {lead}".replace("r.", "w.") for lead in ("II", "V1")]
    text = "\n".join([f"w 2 {RATE_HZ} {len(values)} 1:2:3 7/8/199", *lines])
    (folder / "w.hea").write_bytes(text.encode("latin-1"))
    return folder / "w"


def edf_file(folder, values, unit):
    signals = [
        edfio.EdfSignal(
            column, RATE_HZ, label=lead, physical_dimension=unit, physical_range=(-5, 5)
        )
        for lead, column in zip(("ECG II", "ECG V1"), values.T, strict=True)
    ]
    edfio.Edf(signals).write(folder / "e.edf")
    return (folder / "e.edf").rename(folder / "e.REC")


def csv_file(folder, values, unit):
    path = folder / "c.csv"
    np.savetxt(path, values, "%.4f", ",", header=f"II{unit},V1{unit}", comments="")
    return path


def annotated(tmp_path, *argv):
    out = tmp_path / "out"
    assert main(["annotate", *map(str, argv), "--out", str(out)]) == 0
    (summary,) = out.glob("*.summary.json")
    (alerts,) = out.glob("*.alerts.jsonl")
    return json.loads(summary.read_text()), list(map(json.loads, alerts.read_text().splitlines()))


@pytest.mark.parametrize("write", [wfdb_record, edf_file, csv_file])
def test_the_unit_that_the_user_says_scales_every_kind_of_recording(tmp_path, clean, write):
    argv = ["--rate", RATE_HZ] if write is csv_file else []
    path = write(tmp_path, clean, "")
    summary, alerts = annotated(tmp_path, path, "--unit", "mV", *argv)
    assert summary["leads"] == ["II", "V1"]
    assert sum(summary["beats"].values()) > 40
    assert "amplitude" not in {alert["kind"] for alert in alerts}
    _, alerts = annotated(tmp_path, path, "--unit", "microvolts", *argv)
    assert "amplitude" in {alert["kind"] for alert in alerts}  # it is, as was said, 1000 times less


@pytest.mark.parametrize("write", [wfdb_record, csv_file])
def test_a_lead_that_gives_no_samples_is_told_from_every_file(tmp_path, clean, write):
    argv = ["--rate", RATE_HZ] if write is csv_file else []
    values = clean.copy()
    values[CUT_S * RATE_HZ :, 0] = np.nan
    unit = "/mV" if write is wfdb_record else " [mV]"
    _, alerts = annotated(tmp_path, write(tmp_path, values, unit), *argv)
    (told,) = [alert for alert in alerts if alert["kind"] == "lead_off"]
    assert told["text"] == "NO SIGNAL (samples missing) II"
    assert CUT_S < told["sample"] / RATE_HZ < CUT_S + 2
