"""``ecg-monitor history``: tables, JSON, CSV, filters, and what is wrong with a question."""

import csv
import io
import json

import pytest

from monitor.cli import main
from monitor.commands.history import wall_time
from monitor.errors import FAILED, USAGE
from monitor.journal.entries import draft_of
from monitor.journal.journal import Journal
from monitor.messages import Alert, AlertKind, AlertState, End, Gap, GapKind, Priority, StreamInfo

pytestmark = pytest.mark.slow

HOUR_NS = 3_600_000_000_000
NOON_NS = 1_772_366_400_000_000_000  # 2026-03-01T12:00Z

EVENTS = [
    StreamInfo("bed-1", 360.0, ("II", "V1"), 0, "WFDB mitdb/208"),
    Alert("bed-1", 1, 1, AlertKind.VT, Priority.HIGH, AlertState.RAISED, 90, 100, "VT 180", 180.0),
    Alert("bed-2", 1, 1, AlertKind.AF, Priority.MEDIUM, AlertState.RAISED, 5, 50, 'AF, "new"'),
    Gap("bed-1", 300, 36, GapKind.HOLE),
    Alert("bed-1", 1, 2, AlertKind.VT, Priority.HIGH, AlertState.CLEARED, 90, 400, "VT 180"),
    End("bed-1", 500),
]


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def path(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("history") / "j.db"
    if request.param == "postgres":
        path = request.getfixturevalue("postgres").database()
    clock = iter(range(NOON_NS, NOON_NS + 100 * HOUR_NS, HOUR_NS))
    journal = Journal(path, lambda: next(clock))
    for event in EVENTS:
        journal.keep([draft_of(event)])
    journal.close()
    return path


def history(capsys, path, *options):
    assert main(["history", "--journal", str(path), *options]) == 0
    return capsys.readouterr().out


def numbers(text):
    return [json.loads(line)["journal"] for line in text.splitlines()]


def test_the_table_has_a_line_an_event(capsys, path):
    head, *lines = history(capsys, path).splitlines()
    assert head.split() == ["number", "time", "stream", "kind", "state", "text"]
    assert [line.split()[0] for line in lines] == ["1", "2", "3", "4", "5", "6"]
    assert "WFDB mitdb/208, 360 Hz, II, V1" in lines[0]
    assert lines[1].split()[3:] == ["bed-1", "***", "vt", "raised", "VT", "180"]
    assert "hole: 36 samples from 300" in lines[3]


def test_json_holds_all_that_was_kept(capsys, path):
    lines = history(capsys, path, "--format", "json").splitlines()
    first, second = (json.loads(line) for line in lines[:2])
    assert first["type"] == "info"
    assert first["leads"] == ["II", "V1"]
    assert (second["journal"], second["wall_ns"]) == (2, NOON_NS + HOUR_NS)
    assert (second["kind"], second["value"], second["onset_sample"]) == ("vt", 180.0, 90)


def test_csv_can_be_read_again(capsys, path):
    rows = list(csv.DictReader(io.StringIO(history(capsys, path, "--format", "csv"))))
    assert [row["journal"] for row in rows] == ["1", "2", "3", "4", "5", "6"]
    assert rows[2]["text"] == 'AF, "new"'
    assert rows[3]["text"] == "hole: 36 samples from 300"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--stream", "bed-2"], [3]),
        (["--stream", "bed-2", "--stream", "bed-1"], [1, 2, 3, 4, 5, 6]),
        (["--kind", "vt", "--kind", "end"], [2, 5, 6]),
        (["--kind", "alert", "--stream", "bed-1"], [2, 5]),
        (["--priority", "medium"], [3]),
        (["--after", "4"], [5, 6]),
        (["--from", "2026-03-01T13:00Z", "--to", "2026-03-01T15:00Z"], [2, 3]),
        (["--from", "2026-03-01T14:00+01:00", "--to", "2026-03-01T13:30Z"], [2]),
        (["--from", "1s"], []),
    ],
)
def test_filters(capsys, path, options, expected):
    assert numbers(history(capsys, path, "--format", "json", *options)) == expected


def test_how_long_ago_is_before_now():
    now, hour, day = wall_time("0s"), wall_time("60m"), wall_time("1d")
    assert abs(now - hour - HOUR_NS) < 60e9
    assert abs(now - day - 24 * HOUR_NS) < 60e9


def test_there_is_no_journal(capsys, tmp_path):
    assert main(["history", "--journal", str(tmp_path / "none.db")]) == FAILED
    assert "there is no journal" in capsys.readouterr().err
    assert not (tmp_path / "none.db").exists()


def test_the_default_is_the_journal_of_the_default_service(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert main(["history"]) == FAILED
    assert f"{tmp_path}/ecg-monitor/journal-5555.db" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--kind", "nonsense"], "is not a kind of event"),
        (["--from", "yesterday"], "is not a time"),
        (["--from", "-3h"], "is not a time"),
        (["--after", "x"], "invalid int"),
        (["--priority", "urgent"], "invalid choice"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(capsys, options, words):
    with pytest.raises(SystemExit) as stop:
        main(["history", *(f"{options[0]}={options[1]}",)])
    assert stop.value.code == USAGE
    assert words in capsys.readouterr().err
