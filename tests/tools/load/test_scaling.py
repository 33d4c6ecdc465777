"""The tools that measure an archive: all ways give the same, a long record needs no more memory."""

import pytest

from tools.load import long_record, scaling

pytestmark = pytest.mark.slow


def test_an_archive_one_after_the_other(capsys):
    options = ["--records", "2", "--minutes", "0.2", "--jobs", "1", "1", "--no-cluster"]
    assert scaling.main(options) == 0
    row = capsys.readouterr().out.splitlines()[-1].split()
    assert row[:3] == ["--jobs", "1", "2"]
    assert row[-2:] == ["the", "same"]


def test_ways_that_differ_are_a_failure(tmp_path, capsys):
    def way(text):
        def run(out):
            out.mkdir()
            (out / "a.mon").write_text(text)
            return scaling.Run(1, 0, 1.0, 1.0, 60.0, 1.0)

        return run

    assert scaling.show({"one": way("x"), "two": way("x")}, tmp_path) == 0
    (tmp_path / "b").mkdir()
    assert scaling.show({"one": way("x"), "two": way("y")}, tmp_path / "b") == 1
    assert "DIFFER" in capsys.readouterr().out


def test_the_fastest_run_of_each_way_counts(tmp_path, capsys):
    times_s = iter([60.0, 30.0, 40.0, 20.0])

    def way(out):
        out.mkdir()
        (out / "a.mon").write_text("x")
        return scaling.Run(1, 0, 1.0, 1.0, next(times_s), 1.0)

    assert scaling.show({"one": way, "two": way}, tmp_path, times=2) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[-2:]]
    assert [row[2] for row in rows] == ["40.0", "20.0"]
    assert rows[1][6] == "2.00"


def test_memory_does_not_grow_with_the_record(capsys):
    """At a low rate, which is quick: what is kept of each hop would show as well."""
    options = ["--hours", "0.17", "0.67", "--rate-hz", "125", "--most-mib", "8"]
    assert long_record.main(options) == 0
    out = capsys.readouterr().out
    assert "from the shortest to the longest" in out
