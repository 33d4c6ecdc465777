"""``ecg-monitor report``: its figures are those of ``annotate`` and ``score``."""

import json
import re
import shutil
import sys

import pytest

from monitor.cli import main
from monitor.sources.simulator import Simulator
from monitor.sources.simulator.wfdb_writer import write_wfdb


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    folder = tmp_path_factory.mktemp("record")
    write_wfdb(Simulator("vt"), folder, "patient")
    return folder / "patient"


@pytest.fixture(scope="module")
def made(record, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    assert main(["report", str(record), "--out", str(out)]) == 0
    return out


def cells(page):
    """Names and values of all boxes of the page."""
    return dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", page))


def test_it_writes_page_pdf_and_annotations(record, made, tmp_path):
    assert sorted(f.name for f in made.iterdir()) == ["patient.html", "patient.mon", "patient.pdf"]
    assert main(["annotate", str(record), "--out", str(tmp_path)]) == 0
    assert (made / "patient.mon").read_bytes() == (tmp_path / "patient.mon").read_bytes()
    summary = json.loads((tmp_path / "patient.summary.json").read_text())
    found = cells((made / "patient.html").read_text())
    assert found["all beats"] == str(sum(summary["beats"].values()))
    assert found["heart rate, mean"] == f"{summary['mean_heart_rate_bpm']:.0f} bpm"
    for kind, count in summary["alerts"].items():
        assert found[kind] == str(count)


def test_a_record_too_short_for_a_comparison_says_so(made):
    page = (made / "patient.html").read_text()
    assert "No comparison with patient.atr" in page


def test_edits_are_applied_and_written(record, made, tmp_path, capsys):
    """The reference annotations stand for a reader's."""
    edits = tmp_path / "patient.edt"
    shutil.copy(f"{record}.atr", edits)
    options = ["--out", str(tmp_path / "o"), "--edits", str(edits), "--no-pdf"]
    assert main(["report", str(record), *options]) == 0
    page = (tmp_path / "o" / "patient.html").read_text()
    assert re.search(r"<dt>edited</dt><dd>a reader changed \d+ beats</dd>", page)
    assert not (tmp_path / "o" / "patient.pdf").exists()
    capsys.readouterr()
    compared = ["--records", "patient", "--start", "0", "--format", "json"]
    assert main(["score", str(record), str(tmp_path / "o" / "patient"), *compared]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert '"q_se": 100.0' in json.dumps(figures)
    assert '"v_se": 100.0' in json.dumps(figures)


def test_bad_input_is_one_line(record, tmp_path, capsys):
    assert main(["report", "no/such/record", "--out", str(tmp_path)]) != 0
    assert main(["report", str(record), "--out", str(tmp_path), "--from", "2h"]) == 2
    assert main(["report", str(record), "--out", str(tmp_path), "--edits", "none.edt"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    assert "add --record or --journal" in lines[1]
    assert lines[2] == "ecg-monitor: there is no file none.edt"


def test_a_missing_package_is_named_before_the_work(record, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "reportlab", None)
    out = tmp_path / "o"
    assert main(["report", str(record), "--out", str(out)]) == 2
    assert "pip install 'ecg-monitor[report]'" in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["100", "208", "217"])
def test_the_figures_of_a_record_are_those_of_score(name, data_dir, tmp_path, capsys):
    record = data_dir / "mitdb" / name
    assert main(["report", str(record), "--out", str(tmp_path)]) == 0
    capsys.readouterr()
    assert main(["score", str(record), str(tmp_path / name), "--format", "json"]) == 0
    scored = json.loads(capsys.readouterr().out)
    (figures,) = scored["records"]
    found = cells((tmp_path / f"{name}.html").read_text())
    names = {"q_se": "QRS sensitivity", "q_pp": "QRS positive predictivity",
             "v_se": "V sensitivity", "v_pp": "V positive predictivity"}  # fmt: skip
    for key, shown in names.items():
        value = figures["figures"][key]
        assert found[shown].startswith("–" if value is None else f"{value:.2f} %")
    assert found["RMS heart rate error"] == f"{figures['heart_rate']['rms_bpm']:.2f} bpm"
    for kind, runs in figures["runs"].items():
        couplets = runs["couplet"]
        if couplets["found"] or couplets["missed"] or couplets["false"]:
            counts = "{found} found, {missed} missed, {false} false".format(**couplets)
            assert found[f"{kind} couplets"] == counts
