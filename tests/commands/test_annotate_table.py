"""The table of ``annotate``: whole in a file, and within 80 columns for common records."""

from pathlib import Path

from monitor.annotate import Summary
from monitor.commands.annotate import _print_table


def summary(record: str) -> Summary:
    beats = {"N": 1565, "S": 110, "V": 1964, "F": 415, "Q": 4}
    return Summary(
        record, 360.0, ("MLII", "V1"), 1805.6, beats, 103.0, 1234.0, 0.0, {}, "d", "m", 12.3
    )


def test_a_common_record_fits_80_columns(capsys):
    _print_table([summary("208")], Path("out"))
    out = capsys.readouterr().out
    assert max(len(line.rstrip()) for line in out.splitlines()) <= 80
    assert "CPU s" in out
    assert "1 record, 30.1 min of signal" in out


def test_nothing_is_cut_in_a_file(capsys):
    _print_table([summary("a_record_with_a_name_of_its_own" * 2), summary("208")], Path("out"))
    out = capsys.readouterr().out
    assert out.count(" 12.3") == 2
    assert "2 records, 1.0 h of signal" in out
    assert "…" not in out
