"""An endless stream in bounded memory; ``python -m tools.load.soak --hours 2`` is the long form."""

import subprocess
import sys
from pathlib import Path

import pytest

from monitor.messages import AamiClass, Beat
from monitor.sources.simulator import TrueBeat
from tools.load.soak import Labels, grew_worse

ROOT = Path(__file__).resolve().parents[3]
N, V = AamiClass.N, AamiClass.V


def beat(sample, label):
    return Beat("s", sample, sample, label, (0.2,) * 5, None, 0, "test")


@pytest.mark.skipif(sys.platform != "linux", reason="reads resident memory from /proc")
def test_memory_is_flat_after_the_first_minutes():
    done = subprocess.run(
        [sys.executable, "-m", "tools.load.soak", "--hours", "0.75", "--rate-hz", "125"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "grown by" in done.stdout
    assert "Alert" in done.stdout
    assert "labels right: first half" in done.stdout


def test_labels_that_get_worse_are_seen():
    assert not grew_worse([(90, 100)] * 10, 0.5)
    assert not grew_worse([(90, 100)] * 5 + [(89, 100)] * 5, 0.5)  # within three standard errors
    assert grew_worse([(90, 100)] * 5 + [(70, 100)] * 5, 0.5)
    assert grew_worse([(0, 0), (0, 0)], 0.5)  # no beats at all


def test_a_label_is_right_if_beat_and_class_are():
    labels = Labels(100.0)
    true = [TrueBeat(at, label, "N") for at, label in ((100, N), (200, V), (300, N), (400, N))]
    found = [beat(114, N), beat(201, N), beat(316, N), beat(400, N)]
    labels.add(true, found)
    assert labels.count(100 + 1000) == (0, 0)  # it may still be decided
    assert labels.count(400 + 1000) == (1, 3)
    assert labels.count(5000) == (1, 1)
