"""The table of ``annotate``: whole in a file, and within 80 columns for common records."""

from monitor.annotate import Summary
from monitor.archive.task import Outcome
from monitor.commands.annotate_table import print_failures, print_results


def outcome(record: str, kept: bool = False) -> Outcome:
    beats = {"N": 1565, "S": 110, "V": 1964, "F": 415, "Q": 4}
    summary = Summary(
        record, 360.0, ("MLII", "V1"), 1805.6, beats, 103.0, 1234.0, 0.0, {}, "d", "m", 12.3
    )
    return Outcome(record, record, summary, kept=kept)


def test_a_common_record_fits_80_columns(capsys):
    print_results([outcome("208")], "out")
    out = capsys.readouterr().out
    assert max(len(line.rstrip()) for line in out.splitlines()) <= 80
    assert "CPU s" in out
    assert "1 record, 30.1 min of signal" in out


def test_nothing_is_cut_in_a_file(capsys):
    print_results([outcome("a_record_with_a_name_of_its_own" * 2), outcome("208", True)], "out")
    out = capsys.readouterr().out
    assert out.count(" 12.3") == 2
    assert "2 records (1 finished before), 1.0 h of signal" in out
    assert "…" not in out


def test_every_failure_has_a_row_with_its_reason(capsys):
    wrong = "record [bad]: its worker process was killed, perhaps for want of memory"
    print_failures([Outcome("sub/[bad]", wrong=wrong), Outcome("208", wrong="no such file")])
    out = capsys.readouterr().out
    assert "sub/[bad]" in out
    assert wrong in out
    assert "no such file" in out


def test_of_very_many_records_only_the_sums_are_shown(capsys):
    print_results([outcome(f"r{k}") for k in range(1001)], "out")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "written to out: a summary of each record is in its .summary.json"
    assert lines[1].startswith("1001 records, 502.1 h of signal")
    print_failures([Outcome(f"r{k}", wrong="no") for k in range(1200)])
    assert sum(" no " in line for line in capsys.readouterr().out.splitlines()) == 1000
