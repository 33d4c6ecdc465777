"""What a reader corrected is applied again."""

from dataclasses import replace

import pytest
from report_parts import INFO, RATE_HZ, analysis_of

from monitor.errors import MonitorError
from monitor.messages import Gap, GapKind
from monitor.report.contents import make_report
from monitor.report.edits import apply_edits
from monitor.report.write import annotate
from monitor.sinks.annotation_format import END, beginning, encode

LABELS = "NNNNVNNNNN"


def saved(tmp_path, rows, rate_hz=RATE_HZ, name="made.edt"):
    file = tmp_path / name
    file.write_bytes(beginning(rate_hz) + encode(rows) + END)
    return file


def rows_of(analysis, labels):
    beats = zip(analysis.beats, labels, strict=True)
    return [(beat.sample, label, 0, 0, "") for beat, label in beats if label != "-"]


def test_our_own_annotations_change_nothing(tmp_path):
    analysis = analysis_of(LABELS)
    file = annotate(analysis).write(tmp_path, "made", analysis.end_sample)
    edited, changed = apply_edits(analysis, file)
    assert changed == 0
    assert edited.beats == analysis.beats


def test_labels_are_changed_and_counted(tmp_path):
    analysis = analysis_of(LABELS)
    edited, changed = apply_edits(analysis, saved(tmp_path, rows_of(analysis, "NNNNNNSVNN")))
    assert changed == 3
    figures = make_report(edited, edited=changed).figures
    assert figures.beats == {"N": 8, "S": 1, "V": 1, "F": 0, "Q": 0}
    assert edited.beats[4].classifier == "edited"
    assert edited.beats[0] == analysis.beats[0]


def test_an_interval_spans_a_beat_that_was_removed(tmp_path):
    analysis = analysis_of(LABELS)
    edited, changed = apply_edits(analysis, saved(tmp_path, rows_of(analysis, "NNNN-NNNNN")))
    assert changed == 1
    assert len(edited.beats) == 9
    assert edited.beats[4].rr_s == pytest.approx(1.6)
    assert [b.rr_s for b in edited.beats[5:]] == [0.8] * 4


def test_a_new_beat_divides_its_interval(tmp_path):
    analysis = analysis_of(LABELS)
    rows = rows_of(analysis, LABELS)
    middle = (rows[1][0] + rows[2][0]) // 2
    edited, changed = apply_edits(
        analysis, saved(tmp_path, sorted([*rows, (middle, "S", 0, 0, "")]))
    )
    assert changed == 1
    assert [b.rr_s for b in edited.beats[2:4]] == [0.4, 0.4]
    assert edited.beats[2].probabilities == (0, 1, 0, 0, 0)


def test_no_interval_goes_over_a_hole(tmp_path):
    analysis = analysis_of(LABELS)
    hole = Gap("made", analysis.beats[4].sample + 10, 100, GapKind.HOLE)
    beats = list(analysis.beats)
    beats[5] = replace(beats[5], rr_s=None)
    analysis = replace(analysis, events=(*beats, hole))
    edited, _ = apply_edits(analysis, saved(tmp_path, rows_of(analysis, "NNNN-NNNNN")))
    assert edited.beats[4].rr_s is None
    same, _ = apply_edits(analysis, saved(tmp_path, rows_of(analysis, LABELS)))
    assert same.beats[5].rr_s is None


def test_other_symbols_are_read_by_class(tmp_path, monkeypatch):
    analysis = analysis_of(LABELS)
    file = tmp_path / "made.atr"
    import wfdb

    symbols = [*"NLRAVEjF/Q"]
    samples = [beat.sample for beat in analysis.beats]
    monkeypatch.chdir(tmp_path)
    import numpy as np

    wfdb.wrann("made", "atr", np.array(samples), symbols, fs=RATE_HZ)
    edited, _ = apply_edits(analysis, file)
    assert "".join(beat.label.value for beat in edited.beats) == "NNNSVVSFQQ"


@pytest.mark.parametrize(
    ("rows", "rate_hz", "said"),
    [
        ([(200, "N", 0, 0, "")], 360.0, "360 Hz"),
        ([(1_000_000, "N", 0, 0, "")], RATE_HZ, "beat at sample 1000000"),
        ([(200, "+", 0, 0, "(N")], RATE_HZ, "has no beats"),
    ],
)
def test_edits_of_another_recording_are_refused(tmp_path, rows, rate_hz, said):
    with pytest.raises(MonitorError, match=said):
        apply_edits(analysis_of(LABELS), saved(tmp_path, rows, rate_hz))


def test_edits_before_the_first_sample_are_refused(tmp_path):
    later = replace(analysis_of("N"), info=replace(INFO, start_sample=5000), events=())
    with pytest.raises(MonitorError, match="of another recording"):
        apply_edits(later, saved(tmp_path, [(200, "N", 0, 0, "")]))


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(MonitorError, match=r"no annotation file .*nothing\.edt"):
        apply_edits(analysis_of(LABELS), tmp_path / "nothing.edt")
