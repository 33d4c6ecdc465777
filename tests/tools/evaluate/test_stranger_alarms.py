"""Alarms of strangers: what is counted, and what is printed of it."""

import json
from functools import partial

import numpy as np
import pytest
import wfdb

from monitor.messages import Alert, AlertKind, AlertState, Priority, Rhythm
from monitor.stages import fibrillation
from tools.evaluate import alarm_tallies, blind_lethal, stranger_vf, stranger_vt, strangers
from tools.evaluate.alarm_runs import Result
from tools.evaluate.study import Study
from tools.train.runs import Bag

RATE_HZ = 250.0


def alert(kind, state, at_s):
    sample = round(at_s * RATE_HZ)
    return Alert("s", 1, 1, kind, Priority.HIGH, state, sample - 500, sample, f"{kind}")


def made_of(kinds, length_s=120.0):
    """What a monitor that raises some alarms 5 s before the end says."""
    raised = [alert(kind, AlertState.RAISED, length_s - 5.0) for kind in kinds]
    return Result("r", RATE_HZ, length_s, raised, [Rhythm("s", 0, 0, "AFIB")])


@pytest.fixture
def monitor(monkeypatch):
    """Let a recording give the alarms that its name asks for; count how often it is asked."""
    asked = []

    def analyse(case):
        asked.append((case.path.name, case.pulse))
        kinds = {"b": [AlertKind.EXTREME_BRADY], "v": [AlertKind.VF]}.get(case.path.name[0], [])
        return made_of([] if case.pulse and case.path.name == "b2" else kinds)

    monkeypatch.setattr(alarm_tallies, "analyse", analyse)
    return asked


@pytest.fixture
def data(tmp_path):
    """A folder of the Challenge with four records, and one of vfdb."""
    folder = tmp_path / "cinc2015-more"
    folder.mkdir()
    for name in ("b1", "b2", "n1", "n2"):
        (folder / f"{name}.hea").write_text("")
    lines = ("b1,Bradycardia,1", "b2,Bradycardia,0", "n1,Bradycardia,1", "n2,Bradycardia,0")
    (folder / "ALARMS").write_text("\n".join(lines))
    folder = tmp_path / "vfdb"
    folder.mkdir()
    signal = np.zeros((30000, 1))
    wfdb.wrsamp(
        "v1", RATE_HZ, ["mV"], ["II"], signal, fmt=["16"], adc_gain=[200.0], baseline=[0],
        write_dir=str(folder),
    )  # fmt: skip
    samples = np.array([0, 26250, 29500])
    names = ["(N", "(VF", "(N"]
    wfdb.wrann("v1", "atr", samples, ["+"] * 3, aux_note=names, fs=RATE_HZ, write_dir=str(folder))
    return tmp_path


def test_each_decision_of_the_challenge_is_counted(data, monitor):
    counts = alarm_tallies.challenge([data / "cinc2015-more"], data / "w", ["Bradycardia"], False)
    assert {name: tally.tolist() for name, tally in counts.items()} == {
        "cinc2015-more/b1": [1, 0, 0, 0],
        "cinc2015-more/b2": [0, 0, 1, 0],
        "cinc2015-more/n1": [0, 1, 0, 0],
        "cinc2015-more/n2": [0, 0, 0, 1],
    }
    row = alarm_tallies.challenge_row("here", counts)
    assert row.startswith("| here | 4 | 1/2 50.0 (0 to 100) | 1/2 50.0 (0 to 100) | 25.0 (")
    again = alarm_tallies.challenge([data / "cinc2015-more"], data / "w", ["Bradycardia"], False)
    assert len(monitor) == 4  # what was said is kept
    assert again.keys() == counts.keys()


def test_the_pulse_is_another_measurement(data, monitor):
    counts = alarm_tallies.challenge([data / "cinc2015-more"], data / "w", ["Bradycardia"], True)
    assert counts["cinc2015-more/b2"].tolist() == [0, 0, 0, 1]
    assert monitor[0] == ("b1", True)


def test_episodes_and_false_alarms_are_counted(data, monitor):
    path = data / "vfdb" / "v1"

    def counts(work, kind):
        told_of = partial(alarm_tallies.said, work=data / work)
        return alarm_tallies.episodes([path], told_of, kind)

    assert counts("w", AlertKind.VF)["vfdb/v1"].tolist() == [1, 0, 0, 120 / 3600]
    assert counts("w", AlertKind.VT)["vfdb/v1"][:2].sum() == 0
    wfdb.wrann(
        "v1", "atr", np.array([0]), ["+"], aux_note=["(N"], fs=RATE_HZ, write_dir=str(path.parent)
    )
    without = counts("w2", AlertKind.VF)
    assert without["vfdb/v1"][2] == 1
    assert alarm_tallies.episode_row("vfdb", without) == "| vfdb | 1 | 0/0 - | 1 30.0 (30 to 30) |"


def test_false_alarms_are_those_that_the_reference_does_not_show(data, monitor):
    path = data / "vfdb" / "v1"
    right = alarm_tallies.false_alarms([path], data / "w", AlertKind.VF)
    assert right["vfdb/v1"].tolist() == [0, 120 / 3600]
    wfdb.wrann(
        "v1", "atr", np.array([0]), ["+"], aux_note=["(N"], fs=RATE_HZ, write_dir=str(path.parent)
    )
    wrong = alarm_tallies.false_alarms([path], data / "w2", AlertKind.VF)
    assert wrong["vfdb/v1"].tolist() == [1, 120 / 3600]
    assert alarm_tallies.false_row("x", wrong) == "| x | 1 | 1 in 0.0 h 30.0 (30 to 30) |"


def test_the_score_counts_a_missed_alarm_five_times():
    assert alarm_tallies.score(np.array([8.0, 1.0, 3.0, 4.0])) == pytest.approx(60.0)
    assert alarm_tallies.score(np.zeros(4)) is None


@pytest.mark.parametrize("name", ["vt", "vf", "asystole", "brady", "tachy", "af"])
def test_each_section_prints_what_is_there(data, monitor, name, capsys, monkeypatch):
    monkeypatch.setattr(strangers, "data_folder", lambda given: given)
    monkeypatch.setattr(stranger_vt, "recordings", lambda folder: [])
    assert name in strangers.SECTIONS
    assert strangers.main([name, "--data", str(data), "--work", str(data / "w"), "--quick"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("## ")
    if name == "brady":
        assert "| cinc2015-more, with pulse | 4 | 1/2 50.0 (0 to 100) | 2/2" in text


def test_the_whole_of_a_section_has_episodes(data, monitor):
    module = __import__("tools.evaluate.stranger_vf", fromlist=["section"])
    text = module.section(Study(data, data / "w"))
    assert "| vfdb | 1 | 1/1 100.0 (100 to 100) | 0 0.0 (0 to 0) |" in text


def test_a_record_is_judged_by_weights_fitted_without_it(data, monitor, monkeypatch):
    folder = data / "vfdb"
    for end in (".hea", ".dat", ".atr"):
        (folder / f"v2{end}").write_bytes((folder / f"v1{end}").read_bytes().replace(b"v1", b"v2"))
    monkeypatch.setattr(stranger_vf, "read", lambda path: path.name)
    monkeypatch.setattr(stranger_vf, "fit", lambda others: (others, 0.5))
    seen = {}

    def analyse(case):
        seen[case.path.name] = (fibrillation.WEIGHTS, fibrillation.BIAS)
        return made_of([AlertKind.VF])

    monkeypatch.setattr(stranger_vf, "analyse", analyse)
    shipped = fibrillation.WEIGHTS
    text = stranger_vf.section(Study(data, data / "w"))
    assert seen == {"v1": (["v2"], 0.5), "v2": (["v1"], 0.5)}
    assert fibrillation.WEIGHTS is shipped
    assert "| vfdb, weights without the record | 2 | 2/2" in text


def test_blind_states_false_lethal_alarms(data, monitor):
    found = blind_lethal.measure(data / "vfdb", ["v1"])
    assert found["false_vf_per_hour"] == 0.0
    assert found["false_vf_per_hour_interval"] == [0.0, 0.0]
    assert json.dumps(found)


def test_no_patient_is_judged_by_a_score_fitted_on_it(data, monitor, monkeypatch):
    """The weights of a fit are the patients it was given; each must be found by others."""
    paths = [data / d / f"{k}" for d in ("cinc2015", "vfdb", "mitdb") for k in range(5)]

    class Fitted:
        def __init__(self, bags):
            self.patients = {bag.patient for bag in bags}

        def most(self, bag):
            assert bag.patient not in self.patients
            return 1.0 if bag.ventricular else -1.0

    def bags_of(path, looks):
        patient = f"{path.parent.name}/{path.name}"
        return [Bag(np.empty((0, 8)), truth, 1.0, patient) for truth in (True, False)]

    monkeypatch.setattr(stranger_vt, "recordings", lambda folder: paths)
    monkeypatch.setattr(stranger_vt, "looks_of", lambda path, work: None)
    monkeypatch.setattr(stranger_vt, "bags_of", bags_of)
    monkeypatch.setattr(stranger_vt, "fit", Fitted)
    text = stranger_vt.section(Study(data, data / "w", quick=True))
    good = "5 | 5/5 100.0 (100 to 100) | 5/5 100.0 (100 to 100) | 100.0 (100 to 100) |"
    for database in ("cinc", "vfdb", "mitdb"):
        assert f"| {database}, other folds | {good}" in text
        assert f"| {database}, trained without it | {good}" in text
