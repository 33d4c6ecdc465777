"""Reports of what a server has stored: its recording, its journal."""

import json
from dataclasses import replace

import numpy as np
import pytest
from journal_parts import journal, written

from monitor.analysis import analyse
from monitor.config import RecordingSettings
from monitor.errors import MonitorError
from monitor.journal.entries import Query, alert_signal_of, draft_of
from monitor.journal.place import open_reader
from monitor.messages import (
    Alert,
    AlertState,
    Beat,
    End,
    Gap,
    Quality,
    Rhythm,
    Samples,
    Snippet,
    StreamInfo,
)
from monitor.pipeline import Pipeline
from monitor.recording.recorder import Recorder
from monitor.report.contents import make_report
from monitor.report.page import page
from monitor.report.recorded import Period, read_journal, read_recorded
from monitor.sources.simulator import Simulator

WALL_NS = 1_795_255_987_250_000_000
HOUR_NS = 3_600_000_000_000


def play(folder, scenario="vt", stream="bed-7", start=0, wall_ns=WALL_NS, segment_s=600.0):
    """Analyse a simulated patient and store it as the service does; give its events."""
    source = Simulator(scenario, stream=stream)
    info = replace(source.info, start_sample=start)
    recorder = Recorder(
        folder, RecordingSettings(segment_s=segment_s), lambda text: None, lambda: wall_ns
    )
    recorder.take(info, wall_ns)
    pipeline = Pipeline(info)
    events, at = [], start
    for chunk in source.chunks():
        piece = Samples(stream, at, chunk.values_mv)
        at += len(chunk.values_mv)
        came = wall_ns + round((at - start) / info.rate_hz * 1e9)
        recorder.take(piece, came)
        for event in pipeline.push(piece):
            events.append(event)
            if isinstance(event, Beat | Rhythm | Quality | Gap):
                recorder.take(event, came)
    for event in pipeline.flush():
        events.append(event)
        if isinstance(event, Beat | Rhythm | Quality | Gap):
            recorder.take(event, came)
    recorder.take(End(stream, at), came)
    recorder.close()
    return info, events


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recorded")
    info, events = play(folder, start=5_000)
    alerts = [e for e in events if isinstance(e, Alert)]
    snippets = {e.alert_id: e for e in events if isinstance(e, Snippet)}
    with journal(folder / "ward.db", wall_ns=lambda: WALL_NS + 1_000_000_000) as kept:
        drafts = []
        for alert in alerts:
            draft = draft_of(alert)
            if alert.state is AlertState.RAISED and alert.id in snippets:
                signal = alert_signal_of(snippets[alert.id], info, WALL_NS + 30_000_000_000)
                draft = replace(draft, signal=signal)
            drafts.append(draft)
        drafts.append(draft_of(replace(alerts[0], stream="other")))
        kept.keep(drafts)
        written(kept)
    return folder, info, events


def beats_of(events):
    found = [event for event in events if isinstance(event, Beat)]
    return [(b.sample, b.label, b.rr_s) for b in sorted(found, key=lambda b: b.sample)]


def test_a_recording_gives_the_beats_that_were_found(stored):
    folder, info, events = stored
    analysis = read_recorded(folder, "bed-7", Period(), folder / "ward.db")
    found, expected = beats_of(analysis.events), beats_of(events)
    assert [b[:2] for b in found] == [b[:2] for b in expected]
    assert [b[2] for b in found] == pytest.approx([b[2] for b in expected], nan_ok=True)
    assert analysis.info.start_sample == 5_000
    assert analysis.info.leads == info.leads
    assert analysis.begun.year == 2026


def test_a_recording_gives_signal_rhythms_and_alerts(stored):
    folder, _, events = stored
    analysis = read_recorded(folder, "bed-7", Period(), folder / "ward.db")
    direct = np.concatenate([c.values_mv for c in Simulator("vt", stream="bed-7").chunks()])
    assert np.nanmax(np.abs(analysis.values_mv - direct)) < 0.003
    names = [e.name for e in sorted(
        (e for e in events if isinstance(e, Rhythm)), key=lambda e: e.sample)]  # fmt: skip
    assert [r.name for r in analysis.rhythms] == names
    raised = [e for e in events if isinstance(e, Alert) and e.state is AlertState.RAISED]
    assert [a.id for a in analysis.raised] == [a.id for a in raised]
    report = make_report(analysis)
    assert report.figures.ventricular.longest.beats >= 6
    assert report.figures.alerts["vt"] == 1


def test_a_database_gives_what_a_file_gives(stored, postgres):
    folder, _, _ = stored
    url, reader = postgres.database(), open_reader(folder / "ward.db")
    drafts = []
    for entry in reader.entries(Query()):
        signal = None
        if entry.draft.state == "raised":
            signal = reader.alert_signal(entry.draft.stream, json.loads(entry.draft.text)["id"])
        drafts.append(replace(entry.draft, signal=signal))
    reader.close()
    with journal(url, wall_ns=lambda: WALL_NS + 1_000_000_000) as kept:
        kept.keep(drafts)
    for period in (Period(), Period(since_ns=WALL_NS)):
        one, two = (read_journal(j, "bed-7", period) for j in (folder / "ward.db", url))
        assert np.array_equal(one.values_mv, two.values_mv, equal_nan=True)
        assert one.events == two.events
        assert len(one.raised) > 0
    one, two = (
        read_recorded(folder, "bed-7", Period(), j).raised for j in (folder / "ward.db", url)
    )
    assert one == two
    with pytest.raises(MonitorError, match=r"journal postgresql://\S+ has no signal"):
        read_journal(url, "bed-9", Period())


def test_without_a_journal_there_are_no_alerts(stored):
    folder, _, _ = stored
    assert read_recorded(folder, "bed-7", Period()).raised == ()


def test_a_journal_gives_the_signal_before_its_alerts(stored):
    folder, _, events = stored
    analysis = read_journal(folder / "ward.db", "bed-7", Period())
    snippets = sorted((e for e in events if isinstance(e, Snippet)), key=lambda s: s.start_sample)
    for snippet in snippets:
        first = snippet.start_sample - analysis.info.start_sample
        part = analysis.values_mv[first : first + len(snippet.values_mv)]
        assert np.array_equal(part, snippet.values_mv, equal_nan=True)
    report = make_report(analysis)
    assert report.figures.alerts["vt"] == 1
    text = page(report)
    assert "no beats" in text
    assert "all beats" not in text
    assert text.count("<figure data-at") == len(report.shown) > 0


def test_segments_are_joined_and_a_hole_is_one(tmp_path):
    _, events = play(tmp_path, "sinus", segment_s=30.0)
    files = sorted((tmp_path / "bed-7").glob("*.hea"))
    analysis = read_recorded(tmp_path, "bed-7", Period())
    assert [b[:2] for b in beats_of(analysis.events)] == [b[:2] for b in beats_of(events)]
    assert len(analysis.rhythms) == len([e for e in events if isinstance(e, Rhythm)])
    assert len(files) == 2
    assert not analysis.holes


def test_a_segment_that_is_gone_is_a_hole(tmp_path):
    play(tmp_path, "tour", segment_s=30.0)
    files = sorted((tmp_path / "bed-7").glob("*.hea"))
    assert len(files) > 3
    files[1].unlink()
    analysis = read_recorded(tmp_path, "bed-7", Period())
    (hole,) = analysis.holes
    assert hole.length == pytest.approx(30 * analysis.info.rate_hz, rel=0.05)
    after = next(beat for beat in analysis.beats if beat.sample > hole.sample)
    assert after.rr_s is None
    assert make_report(analysis).figures.analysed_s <= analysis.duration_s - 28


def test_a_stream_that_began_anew_is_another_signal(tmp_path):
    play(tmp_path, "sinus", wall_ns=WALL_NS)
    play(tmp_path, "vt", wall_ns=WALL_NS + HOUR_NS)
    newest = read_recorded(tmp_path, "bed-7", Period())
    assert newest.begun.hour == 11
    assert any(beat.label == "V" for beat in newest.beats)
    before = read_recorded(tmp_path, "bed-7", Period(until_ns=WALL_NS + HOUR_NS // 2))
    assert before.begun.hour == 10
    assert not any(beat.label == "V" for beat in before.beats)
    assert before.end_sample > 0


def test_what_is_not_there_is_said(tmp_path, stored):
    folder, _, _ = stored
    with pytest.raises(MonitorError, match="no recording of a stream bed-9"):
        read_recorded(folder, "bed-9", Period())
    with pytest.raises(MonitorError, match="no recording of a stream bed-7 at that time"):
        read_recorded(folder, "bed-7", Period(until_ns=1))
    with pytest.raises(MonitorError, match="no signal of alerts of a stream bed-9"):
        read_journal(folder / "ward.db", "bed-9", Period())
    with pytest.raises(MonitorError, match="there is no journal"):
        read_journal(tmp_path / "none.db", "bed-7", Period())


def test_the_stream_is_analysed_as_the_record_would_be(tmp_path):
    """The figures of a stream's report are those of its recording, analysed anew."""
    play(tmp_path, "vt")
    (header,) = (tmp_path / "bed-7").glob("*.hea")
    anew = make_report(analyse(header.with_suffix("")))
    kept = make_report(read_recorded(tmp_path, "bed-7", Period()))
    assert kept.figures.beats == anew.figures.beats
    assert kept.figures.rates == anew.figures.rates
    assert kept.figures.ventricular == anew.figures.ventricular
    assert isinstance(kept.analysis.info, StreamInfo)
