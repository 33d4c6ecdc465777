"""Measuring on patients not trained on: nobody measured is trained on; intervals; one log."""

import json
import sys
import types

import numpy as np
import pytest

from monitor.errors import MonitorError
from tools.evaluate import blind, blind_labels, stranger_labels, strangers
from tools.evaluate.label_sections import DEVELOPMENT, replace_strangers, strangers_part
from tools.evaluate.study import Study, databases_of, deal, interval, shown

NAMES = [f"{d}/{k}" for d in ("mitdb", "svdb") for k in range(8)]


@pytest.fixture
def trainings(monkeypatch):
    """Trainings asked for: their patients stand for the network."""
    asked = []

    def train(folder, names, work, seed, title):
        asked.append((title, tuple(names)))
        return frozenset(names)

    def measured(study, patient, net):
        assert patient not in net
        matrix = np.zeros((7, 7), np.int64)
        matrix[0, 0], matrix[1, 1], matrix[2, 2], matrix[0, 1] = 80, 9, 8, 1
        matrix[1, 0] = 1
        matrix[2, 0] = 2
        return matrix

    monkeypatch.setattr(stranger_labels, "patients", lambda folder: NAMES)
    monkeypatch.setattr(stranger_labels, "train", train)
    monkeypatch.setattr(stranger_labels, "with_reference", measured)
    monkeypatch.setattr(stranger_labels, "with_own", measured)
    return asked


def test_nobody_is_measured_with_a_network_that_has_seen_the_patient(trainings, tmp_path):
    text = stranger_labels.section(Study(tmp_path, tmp_path, folds=4))
    assert len(trainings) == 4 + 2
    titles = [title for title, _ in trainings]
    assert titles[-2:] == ["without mitdb", "without svdb"]
    assert not any(name.startswith("svdb/") for name in trainings[-1][1])
    cells = "80.0 (80 to 80) / 100.0 (100 to 100) | 90.0 (90 to 90) / 90.0 (90 to 90)"
    # F1: N 160/164, S 18/20, V 16/18
    cells += " | 92.1 (92 to 92)"
    assert f"| other 3 of 4 folds | svdb | own | 8 | {cells} |" in text
    assert f"| svdb | mitdb | reference | 8 | {cells} |" in text


def test_quick_leaves_the_own_r_peaks_out(trainings, tmp_path):
    text = stranger_labels.section(Study(tmp_path, tmp_path, quick=True))
    assert "| svdb | reference |" in text
    assert "| own |" not in text


def test_an_interval_is_wide_where_patients_differ():
    def ratio(total):
        return float(total[0] / total[1]) if total[1] else None

    alike = {str(k): np.array([9.0, 10.0]) for k in range(20)}
    unlike = {str(k): np.array([10.0 * (k % 2), 10.0]) for k in range(20)}
    assert interval(alike, ratio) == (0.9, 0.9)
    low, high = interval(unlike, ratio)
    assert low < 0.35
    assert high > 0.65
    assert interval(unlike, ratio) == (low, high)
    assert interval({"a": np.zeros(2)}, ratio) is None
    assert shown({"a": np.zeros(2)}, ratio) == "-"
    assert shown({}, ratio) == "-"
    assert shown(alike, lambda total: 100 * ratio(total)) == "90.0 (90 to 90)"


def test_every_patient_is_in_one_fold_and_each_database_in_all():
    names = [f"mitdb/{k}" for k in range(10)] + [f"svdb/{k}" for k in range(13)]
    dealt = deal(names, 4)
    assert databases_of(names) == ["mitdb", "svdb"]
    assert sorted(name for fold in dealt for name in fold) == sorted(names)
    for fold in dealt:
        assert 2 <= sum(name.startswith("mitdb/") for name in fold) <= 3
        assert 3 <= sum(name.startswith("svdb/") for name in fold) <= 4
    assert dealt == deal(names, 4)
    assert dealt != deal(names, 4, seed=2)


def test_each_section_is_run_in_order_and_printed(monkeypatch, tmp_path, capsys):
    asked = []

    def section(study):
        asked.append(study)
        return f"## part {len(asked)}"

    for name in ("first", "second"):
        module = types.ModuleType(f"tools.evaluate.stranger_{name}")
        module.section = section
        monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(strangers, "SECTIONS", ("first", "second"))
    monkeypatch.setattr(strangers, "data_folder", lambda given: tmp_path)
    assert strangers.main(["--seed", "3", "--folds", "5", "--work", str(tmp_path)]) == 0
    assert asked == [Study(tmp_path, tmp_path, 3, 5)] * 2
    assert capsys.readouterr().out == "## part 1\n## part 2\n"
    assert strangers.main(["second", "--quick"]) == 0
    assert asked[-1].quick
    assert len(asked) == 3


def test_the_section_stands_before_the_figures_of_development():
    part = strangers_part("| a |", "python -m x")
    card = replace_strangers(f"# card\n\n{DEVELOPMENT}text\n", part)
    assert card.index("Patients not trained on") < card.index("DS2 of MIT-BIH")
    other = strangers_part("| b |", "python -m x")
    assert replace_strangers(card, other) == card.replace("| a |", "| b |")


@pytest.mark.parametrize(
    ("options", "words"),
    [(["none"], "no section 'none'"), (["--write"], "--write is for the section labels alone")],
)
def test_options_of_strangers_that_make_no_sense_are_refused(options, words, capsys):
    with pytest.raises(SystemExit) as stop:
        strangers.main(options)
    assert stop.value.code == 2
    assert words in capsys.readouterr().err


def test_every_blind_run_is_a_line_of_the_log(tmp_path, monkeypatch, capsys):
    folder = tmp_path / "svdb"
    folder.mkdir()
    for name in ("800", "801"):
        (folder / f"{name}.hea").write_text("")
    matrix = np.zeros((7, 7), np.int64)
    matrix[0, 0], matrix[2, 2], matrix[2, 0] = 90, 3, 1
    monkeypatch.setattr(blind_labels, "matrix", lambda path: matrix)
    monkeypatch.setitem(blind.KINDS, "svdb", ("labels",))
    log = tmp_path / "logs" / "blind.jsonl"
    for _ in range(2):
        assert blind.main(["--data", str(folder), "--log", str(log)]) == 0
    first, second = map(json.loads, log.read_text().splitlines())
    assert first["set"] == "svdb"
    assert first["records"] == ["800", "801"]
    assert first["figures"]["v_se"] == 75.0
    assert first["figures"]["v_se_interval"] == [75.0, 75.0]
    assert first["figures"]["s_se"] is None
    assert first["weights_sha256"] == second["weights_sha256"] == blind.weights_sha256()
    assert "v_se: 75.0" in capsys.readouterr().out


def test_a_blind_run_says_what_is_wrong_with_its_folder(tmp_path, monkeypatch):
    (tmp_path / "svdb").mkdir()
    with pytest.raises(MonitorError, match="no WFDB records in"):
        blind.main(["--data", str(tmp_path / "svdb")])
    with pytest.raises(MonitorError, match="names no set"):
        blind.main(["--data", str(tmp_path)])
    (tmp_path / "svdb" / "800.hea").write_text("")
    with pytest.raises(MonitorError, match="no record 999 in"):
        blind.main(["--data", str(tmp_path / "svdb"), "--records", "999"])

    def refuse(*_):
        raise OSError("no route to host")

    monkeypatch.setattr(blind.wfdb, "dl_database", refuse)
    with pytest.raises(MonitorError, match="cannot download svdb from PhysioNet: no route"):
        blind.main(["--data", str(tmp_path / "svdb"), "--download"])
