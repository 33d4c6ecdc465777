"""The analysis of a whole recording, for programs and notebooks."""

import json
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from monitor.analysis import analyse, joined
from monitor.annotate import annotate_record
from monitor.config import Settings
from monitor.errors import MonitorError
from monitor.messages import Samples, StreamInfo
from monitor.pictures.marks import Text
from monitor.sources.simulator import Simulator
from monitor.sources.simulator.wfdb_writer import write_wfdb


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    folder = tmp_path_factory.mktemp("record")
    write_wfdb(Simulator("vt"), folder, "vt")
    return folder / "vt"


@pytest.fixture(scope="module")
def analysis(record):
    return analyse(record)


def test_the_figures_are_those_of_annotate(record, analysis, tmp_path):
    from dataclasses import replace

    summary = annotate_record(record, tmp_path, Settings())
    assert replace(analysis.summary, cpu_s=0.0) == replace(summary, cpu_s=0.0)
    counted = {}
    for beat in analysis.beats:
        counted[beat.label.value] = counted.get(beat.label.value, 0) + 1
    assert counted == summary.beats
    assert len(analysis.raised) == sum(summary.alerts.values())
    assert analysis.duration_s == summary.duration_s


def test_the_strip_shows_the_beats_of_its_span(analysis):
    drawing = analysis.strip(30.0, 10.0, title="here")
    labels = [i.text for i in drawing.items if isinstance(i, Text) and i.text in set("NSVFQ")]
    expected = [b.label.value for b in analysis.beats if 25 <= analysis.seconds(b.sample) <= 35]
    assert labels == expected
    assert "here" in {i.text for i in drawing.items if isinstance(i, Text)}


def test_a_strip_at_the_edge_stays_inside(analysis):
    for at_s in (-5.0, 0.0, analysis.duration_s, 1e9):
        assert analysis.strip(at_s, 10.0).width_mm == pytest.approx(260, abs=0.1)
    assert analysis.strip(0.0, 1e9).width_mm == pytest.approx(
        10 + analysis.duration_s * 25, abs=0.1
    )


def test_an_unknown_lead_is_named(analysis):
    with pytest.raises(MonitorError, match="has no lead V9"):
        analysis.strip(1.0, leads=("V9",))


def test_a_notebook_shows_figures_and_strips(analysis):
    html = analysis._repr_html_()
    assert "mean heart rate" in html
    assert html.count("<svg") >= 1
    root = ElementTree.fromstring(f"<div>{html}</div>")
    titles = [element.text for element in root.iter("{http://www.w3.org/2000/svg}title")]
    assert titles[0] == next(a.text for a in analysis.raised if a.kind == "vt")


def test_annotate_draws_a_strip_of_each_alert(record, tmp_path):
    annotate_record(record, tmp_path, Settings(), plots=tmp_path)
    lines = (tmp_path / "vt.alerts.jsonl").read_text().splitlines()
    raised = [a for a in map(json.loads, lines) if a["state"] == "raised"]
    shown = [a for a in raised if a["priority"] != "technical"]
    files = sorted(tmp_path.glob("vt_*.svg"))
    assert shown
    assert [f.stem.split("_", 2)[2] for f in files] == [a["kind"] for a in shown]
    for file, alert in zip(files, shown, strict=True):
        assert alert["text"] in ElementTree.parse(file).getroot()[0].text


def test_pieces_are_joined_with_their_holes():
    info = StreamInfo("a", 250.0, ("II",), 100)
    a = np.arange(4, dtype=np.float32)[:, None]
    pieces = [Samples("a", 100, a), Samples("a", 102, a + 10), Samples("a", 108, a + 20)]
    nan = np.nan
    expected = [0, 1, 2, 3, 12, 13, nan, nan, 20, 21, 22, 23]
    assert np.array_equal(joined(info, pieces)[:, 0], expected, equal_nan=True)


def test_what_cannot_be_kept_is_refused():
    info = StreamInfo("a", 250.0, ("II",))
    piece = np.zeros((1, 1), np.float32)
    with pytest.raises(MonitorError, match="too long for one report"):
        joined(info, [Samples("a", 0, piece), Samples("a", 1 << 40, piece)])
