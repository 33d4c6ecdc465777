"""The command that measures the cost prints every way once; its times are nobody's promise."""

import importlib.util

import pytest

from tools.load import cost

TINY = ["--seconds", "12", "--together", "2", "--times", "1"]


def test_both_tables_are_complete(capsys):
    shapes = ["--leads", "1", "3", "--rates", "125", "--lengths-s", "11"]
    assert cost.main([*TINY, *shapes]) == 0
    lines = capsys.readouterr().out.splitlines()
    beside = [
        name for name in cost.BESIDE if importlib.util.find_spec("sleepecg") or name[0] != "s"
    ]
    first = [line for line in lines if line.startswith("simulator")]
    whole = ["whole path, pieces of 10 s", "whole path, live"]
    together = ["2 together, pieces of 10 s", "2 together, live"]
    assert [line[11:39].strip() for line in first] == [*whole, *together, *beside]
    figures = {line[11:39].strip(): [float(f) for f in line[39:].split()] for line in first}
    xqrs = figures["xqrs"][0]
    for cpu_s, ratio, speed in figures.values():
        assert cpu_s > 0.0
        assert ratio == pytest.approx(cpu_s / xqrs, rel=0.05, abs=0.02)
        assert speed == pytest.approx(3600.0 / cpu_s, rel=0.05, abs=1.0)
    second = [line.split() for line in lines[lines.index(first[-1]) + 2 :]]
    assert [row[:3] for row in second] == [
        ["1", "360", "60"],
        ["3", "360", "60"],
        ["2", "125", "60"],
        ["2", "360", "11"],
    ]
    assert all(float(row[3]) > 0.0 for row in second)


def test_a_record_that_is_not_there_is_told(tmp_path):
    with pytest.raises(cost.MonitorError, match="cannot read record"):
        cost.main([*TINY, "--data", str(tmp_path), "--records", "100"])
