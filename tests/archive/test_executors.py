"""How many workers there are, if the user does not say."""

import os
import sys

import pytest

from monitor.archive import executors
from monitor.archive.executors import WORKER_MIB, usual_jobs
from monitor.cli import main


@pytest.mark.parametrize(
    ("records", "processors", "free_mib", "jobs"),
    [
        (100, 8, 1 << 20, 8),
        (6, 8, 1 << 20, 3),
        (3, 8, 1 << 20, 1),  # a worker that starts for one record costs more than it gives
        (1, 8, 1 << 20, 1),
        (100, 64, 4 * WORKER_MIB + 5, 4),
        (100, 8, 100, 1),
        (100, 1, 1 << 20, 1),
    ],
)
def test_workers_are_as_many_as_are_worth_it(records, processors, free_mib, jobs, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(processors)), raising=False)
    monkeypatch.setattr(executors, "_free_mib", lambda: free_mib)
    assert usual_jobs(records) == jobs


def test_the_free_memory_of_this_machine():
    assert 0 < executors._free_mib() <= 1 << 30


def test_a_cluster_without_ray_says_what_to_install(monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, "ray", None)
    (tmp_path / "a.hea").write_text("a 1 250 10\na.dat 16 200/mV 16 0 0 0 0 II\n")
    argv = ["annotate", str(tmp_path), "--out", str(tmp_path / "out"), "--cluster", "local"]
    assert main(argv) == 2
    assert "needs the package ray: pip install 'ecg-monitor[cluster]'" in capsys.readouterr().err
