"""What ``blind`` measures of each set, on small records: whose word counts, and what is counted."""

import numpy as np
import pytest
import wfdb

from monitor.errors import MonitorError
from monitor.messages import Alert, AlertKind, AlertState, Priority, Rhythm
from tools.evaluate import blind_af, blind_challenge, blind_fibrillation
from tools.evaluate.alarm_runs import Result

RATE_HZ = 250


def record(folder, name, notes=(), seconds=400, comments=()):
    """Write a record of two flat leads, and its annotations: (seconds, symbol, note)."""
    folder.mkdir(parents=True, exist_ok=True)
    wfdb.wrsamp(
        name,
        fs=RATE_HZ,
        units=["mV", "mV"],
        sig_name=["II", "V"],
        p_signal=np.zeros((seconds * RATE_HZ, 2)),
        fmt=["16", "16"],
        adc_gain=[200.0, 200.0],
        baseline=[0, 0],
        write_dir=str(folder),
        comments=list(comments),
    )
    if notes:
        at, symbols, words = zip(*notes, strict=True)
        samples = np.array(at) * RATE_HZ
        wfdb.wrann(name, "atr", samples, list(symbols), aux_note=list(words), write_dir=str(folder))


def alert(kind, at_s, state=AlertState.RAISED):
    sample = round(at_s * RATE_HZ)
    return Alert("r", 1, 1, kind, Priority.HIGH, state, sample, sample, str(kind))


def result(name, alerts=(), rhythms=(), seconds=400):
    return Result(name, RATE_HZ, float(seconds), list(alerts), list(rhythms))


def test_fibrillation_counts_marks_where_there_are_no_rhythms(tmp_path, monkeypatch):
    record(tmp_path, "cu01", [(100, "[", ""), (160, "]", ""), (300, "[", "")])
    record(
        tmp_path, "418", [(10, "+", "(N"), (200, "+", "(VT"), (230, "+", "(VFL"), (260, "+", "(N")]
    )
    said = {
        "cu01": [alert(AlertKind.VF, 104), alert(AlertKind.VF, 161, AlertState.CLEARED)],
        "418": [alert(AlertKind.VF, 30), alert(AlertKind.VF, 40, AlertState.CLEARED),
                alert(AlertKind.VT, 205), alert(AlertKind.VT, 220, AlertState.CLEARED)],
    }  # fmt: skip
    monkeypatch.setattr(
        blind_fibrillation, "analyse", lambda case: result(case.path.name, said[case.path.name])
    )
    found = blind_fibrillation.measure(tmp_path, ["cu01", "418"])
    assert (found["vf_episodes"], found["vf_found"]) == (3, 1)
    assert (found["vt_episodes"], found["vt_found"]) == (1, 1)
    assert found["vf_false"] == 1
    assert "false VF 418 at 30 s" in found["wrong"]


def test_duration_of_fibrillation_of_the_atria(tmp_path, monkeypatch):
    record(tmp_path, "04015", [(10, "+", "(N"), (100, "+", "(AFIB"), (300, "+", "(N")])
    (tmp_path / "00735.hea").write_text("00735 0 250 9205760\n")
    changes = ((0, "N"), (150, "AFIB"), (350, "N"))
    rhythms = [Rhythm("r", at_s * RATE_HZ, at_s * RATE_HZ, name) for at_s, name in changes]
    monkeypatch.setattr(blind_af, "analyse", lambda case: result(case.path.name, (), rhythms))
    found = blind_af.measure(tmp_path, ["00735", "04015"])
    assert found["af_records"] == 1
    assert (found["af_se"], found["af_pp"]) == (75.0, 75.0)
    assert found["af_se_interval"] == [75.0, 75.0]


@pytest.fixture
def silent(monkeypatch):
    """A monitor that raises VT from 4:52 on in the records named."""
    asked = []

    def analyse(case):
        asked.append(case)
        alerts = [alert(AlertKind.VT, 292)] if case.path.name in ("v1", "e1") else []
        return result(case.path.name, alerts, seconds=300)

    monkeypatch.setattr(blind_challenge, "analyse", analyse)
    return asked


def test_alarms_are_told_by_the_file_alarms(tmp_path, silent):
    for name in ("v1", "v2", "v3"):
        record(tmp_path / "training", name, seconds=1)
    (tmp_path / "training" / "ALARMS").write_text("v1,Ventricular_Tachycardia,1\nv2,Asystole,1\n")
    records = ["training/v1", "training/v2", "training/v3"]
    found = blind_challenge.measure(tmp_path, records)
    assert found["alarms"] == 2
    assert found["ecg_counts"] == {"Asystole": {"FN": 1}, "Ventricular_Tachycardia": {"TP": 1}}
    assert found["ecg_score"] == round(100 / 6, 1)
    assert [case.pulse for case in silent] == [False, False, True, True]
    assert {case.stop_s for case in silent} == {300.0}


def test_the_alarm_of_a_shorter_record_sounds_at_its_end(tmp_path, monkeypatch):
    record(tmp_path, "v1", seconds=1, comments=["Ventricular_Tachycardia", "True alarm"])
    for at_s, outcome in ((112, "TP"), (80, "FN")):
        alerts = [alert(AlertKind.VT, at_s), alert(AlertKind.VT, at_s + 5, AlertState.CLEARED)]
        made = result("v1", alerts, seconds=120)
        monkeypatch.setattr(blind_challenge, "analyse", lambda case, made=made: made)
        found = blind_challenge.measure(tmp_path, ["v1"])
        assert found["ecg_counts"] == {"Ventricular_Tachycardia": {outcome: 1}}


def test_alarms_are_told_by_the_labels_of_vtac(tmp_path, silent):
    for name in ("e1", "e2", "e3"):
        record(tmp_path / "waveforms" / "r1", name, seconds=1)
    (tmp_path / "event_labels.csv").write_text(
        "record,event,decision\nr1,e1,False\nr1,e2,True\nr1,e3,Uncertain\n"
    )
    records = [f"waveforms/r1/e{k}" for k in (1, 2, 3)]
    found = blind_challenge.measure(tmp_path, records)
    assert found["alarms"] == 2
    assert found["ecg_counts"] == {"Ventricular_Tachycardia": {"FP": 1, "FN": 1}}


def test_alarms_are_told_by_comments_of_the_headers(tmp_path, silent):
    record(tmp_path, "v1", seconds=1, comments=["Ventricular_Tachycardia", "True alarm"])
    record(tmp_path, "v2", seconds=1)
    found = blind_challenge.measure(tmp_path, ["v1", "v2"])
    assert found["with_pulse_counts"] == {"Ventricular_Tachycardia": {"TP": 1}}
    with pytest.raises(MonitorError, match="tells which alarms are true"):
        blind_challenge.measure(tmp_path, ["v2"])
