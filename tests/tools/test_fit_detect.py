"""The judge's weights are those of the stated commit and data, and a fit can be repeated."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from monitor.errors import MonitorError
from monitor.stages.detect import weights
from monitor.stages.detect.evidence import NAMES
from monitor.stages.detect.judge import Judge
from tools import fit_detect, shipped_detect
from tools.shipped_detect import COMMIT, DATA_SHA256, ROOT, WEIGHTS_SHA256, data_digest, digest


def test_the_weights_are_the_stated_ones() -> None:
    assert digest(Path(weights.__file__)) == WEIGHTS_SHA256


def test_the_data_are_the_stated_ones(data_dir: Path) -> None:
    assert data_digest(data_dir) == DATA_SHA256


def test_missing_data_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--data", str(tmp_path), "--out", str(tmp_path / "weights.py")]
    assert fit_detect.main(arguments) == 1
    assert "101.hea" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_clone_without_the_history_is_told_so(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipped_detect, "ROOT", tmp_path)
    with pytest.raises(MonitorError, match="whole history"):
        shipped_detect.fit_as_shipped(data_dir, tmp_path / "weights.py")


def test_the_commit_holds_the_tool_that_fits_them() -> None:
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a git clone")
    here = [git, "-C", str(ROOT)]
    shallow = subprocess.run(
        [*here, "rev-parse", "--is-shallow-repository"], capture_output=True, text=True, check=False
    )
    if shallow.stdout.strip() != "false":
        pytest.skip("a clone without its history")
    shown = subprocess.run(
        [*here, "show", f"{COMMIT}:tools/fit_detect.py"], capture_output=True, text=True, check=True
    )
    assert 'parser.add_argument("--out"' in shown.stdout


def test_the_same_evidence_gives_the_same_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fit_detect, "EPOCHS", 3)
    monkeypatch.setattr(fit_detect, "BATCH", 128)
    rng = np.random.default_rng(0)
    figures = rng.standard_normal((6000, len(NAMES))).astype(np.float32)
    labels = (figures[:, 0] + figures[:, 4] > 0.0).astype(np.float32)
    texts = [fit_detect.write(fit_detect.fit(figures, labels), tmp_path / "w.py") for _ in "ab"]
    assert texts[0] == texts[1]
    monkeypatch.setattr(Judge, "numbers", texts[0])
    odds = np.array([Judge().log_odds(row.tolist()) for row in figures[:500]])
    assert np.mean((odds > 0.0) == (labels[:500] > 0.5)) > 0.9
