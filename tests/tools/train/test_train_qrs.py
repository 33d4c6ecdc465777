"""The judge's weights are those of the stated commit and data, and a fit can be repeated."""

import runpy
import shutil
import subprocess
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from monitor.errors import MonitorError
from monitor.stages.detect import doubt, doubt_weights, weights
from monitor.stages.detect.evidence import NAMES
from monitor.stages.detect.judge import Judge
from tools import shipped_detect
from tools.data.variants import Variants
from tools.shipped_detect import DATA_SHA256, DOUBT, JUDGE, ROOT, Shipped, data_digest, digest
from tools.train import deferred as fit_doubt
from tools.train import qrs as fit_detect
from tools.train.qrs import Evidence, Round, Weights, fit, joined, log_odds


def test_the_weights_are_the_stated_ones() -> None:
    assert digest(Path(weights.__file__)) == JUDGE.sha256
    assert digest(Path(doubt_weights.__file__)) == DOUBT.sha256


def test_the_data_are_the_stated_ones(data_dir: Path) -> None:
    assert data_digest(data_dir) == DATA_SHA256


@pytest.mark.parametrize("tool", [fit_detect, fit_doubt])
def test_missing_data_are_named(
    tool: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--data", str(tmp_path), "--out", str(tmp_path / "weights.py")]
    assert tool.main(arguments) == 1
    assert "101.hea" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_clone_without_the_history_is_told_so(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipped_detect, "ROOT", tmp_path)
    with pytest.raises(MonitorError, match="whole history"):
        shipped_detect.fit_as_shipped(JUDGE, data_dir, tmp_path / "weights.py", 1)


@pytest.mark.parametrize("shipped", [JUDGE, DOUBT])
def test_the_commit_holds_the_tool_that_fits_them(shipped: Shipped) -> None:
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
        [*here, "show", f"{shipped.commit}:tools/{shipped.tool}.py"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert 'parser.add_argument("--out"' in shown.stdout


def made_evidence() -> Evidence:
    rng = np.random.default_rng(0)
    figures = rng.standard_normal((6000, len(NAMES))).astype(np.float32)
    labels = (figures[:, 0] + figures[:, 4] > 0.0).astype(np.float32)
    return Evidence(figures, labels, np.zeros(6000, bool))


SHORT = Round((), (8, 4), 3, unlabelled=2.0, fast=4.0, fast_s=0.6)


def test_the_same_evidence_gives_the_same_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fit_detect, "BATCH", 128)
    evidence = made_evidence()
    one, other = (fit(evidence, SHORT, fit_detect.teacher()) for _ in range(2))
    assert one == other
    assert one.layers == (8, 4, 1)
    judge = one.judge()
    odds = np.array([judge.log_odds(row.tolist()) for row in evidence.figures[:500]])
    assert np.mean((odds > 0.0) == (evidence.labels[:500] > 0.5)) > 0.9
    assert odds == pytest.approx(log_odds(one, evidence.figures[:500]))
    fit_detect.write(one, tmp_path / "w.py")
    written = runpy.run_path(str(tmp_path / "w.py"))
    assert Weights(written["LAYERS"], written["NUMBERS"].strip().replace("\n", " ")) == one


def test_without_labels_the_teacher_is_learnt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fit_detect, "BATCH", 128)
    labelled = made_evidence()
    rows = labelled.figures.copy()
    rows[:, 1] += 20.0  # another kind of signal
    teacher = log_odds(fit_detect.teacher(), rows)
    assert 500 < np.count_nonzero(teacher > 0.0) < 5500
    other = Evidence(rows, np.zeros(6000, np.float32), np.ones(6000, bool))
    how = SHORT._replace(epochs=12)
    odds = log_odds(fit(joined([labelled, other]), how, fit_detect.teacher()), rows)
    assert np.mean((odds > 0.0) == (teacher > 0.0)) > 0.9


def test_weights_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="are 3 numbers, not 177"):
        Judge((8, 1), "1 2 3").log_odds([0.0] * len(NAMES))


@pytest.mark.parametrize("variant", ["clean", "second", "first motion 0", "vt muscle6", "holes"])
def test_what_is_near_a_beat_is_one_candidate(data_dir: Path, variant: str) -> None:
    """As often as a candidate is weighed, it has the same label; most beats have one."""
    evidence = fit_detect.labelled(data_dir, "208", variant, 7, fit_detect.teacher())
    assert evidence.figures.shape == (len(evidence.labels), len(NAMES))
    beats = evidence.labels.sum() / len(evidence.labels)
    assert 0.3 < beats < 0.98
    assert not evidence.unlabelled.any()


@pytest.mark.parametrize(
    ("source", "name"), [("vfdb", "430"), ("cinc2015", "v729l"), ("simulator", "vt")]
)
def test_a_source_without_labels_gives_none(data_dir: Path, source: str, name: str) -> None:
    evidence = fit_detect.unlabelled(data_dir, source, name, 7, fit_detect.teacher())
    assert len(evidence.figures) > 100
    assert evidence.unlabelled.all()
    assert not evidence.labels.any()


def test_what_is_in_doubt_in_noise_is_labelled(data_dir: Path) -> None:
    evidence = fit_doubt.collect(data_dir, "208", "motion 0", 7, None)
    assert evidence.figures.shape == (len(evidence.labels), len(doubt.NAMES))
    assert len(evidence.labels) > 50
    assert 0.1 < evidence.labels.mean() < 0.9
    loud = evidence.figures[:, doubt.NAMES.index("loud")]
    assert 0.0 < loud.min() <= loud.max() <= 1.0
    others = fit_doubt.collect(data_dir, "208", "motion 0", 7, weights_of_doubt())
    assert others.figures.shape != evidence.figures.shape  # other decisions, other doubts


def weights_of_doubt() -> Weights:
    return Weights(doubt_weights.LAYERS, doubt_weights.NUMBERS)


def test_a_variant_that_is_none_is_refused(data_dir: Path) -> None:
    with pytest.raises(ValueError, match="'mution'"):
        fit_detect.labelled(data_dir, "101", "mution 6", 7, fit_detect.teacher())


@pytest.mark.parametrize(
    "variant",
    sorted(
        {v for how in fit_detect.ROUNDS for c in how.collects for v in c.variants}
        | {*fit_doubt.NOISES, *fit_doubt.OTHERS}
    ),
)
def test_every_variant_of_the_fit_can_be_made(data_dir: Path, variant: str) -> None:
    made = Variants(data_dir).make("101", variant, np.random.default_rng(0))
    assert made.signal.dtype == np.float32
    assert len(made.beats) > 100
    assert made.beats.max() < len(made.signal)


def test_the_second_network_is_fitted_the_same_again(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fit_doubt, "RECORD_SETS", {"ds1": ("106", "208")})
    monkeypatch.setattr(fit_doubt, "NOISES", ("motion 0",))
    monkeypatch.setattr(fit_doubt, "OTHERS", ())
    monkeypatch.setattr(fit_doubt, "HOW", Round((), (4,), 2))
    written = []
    for workers in ("1", "2"):
        out = tmp_path / f"{workers}.py"
        options = ["--data", str(data_dir), "--out", str(out), "--workers", workers, "--anew"]
        assert fit_doubt.main(options) == 0
        written.append(out.read_bytes())
    assert written[0] == written[1]
    network = runpy.run_path(str(tmp_path / "1.py"))
    weights = Weights(network["LAYERS"], network["NUMBERS"])
    assert weights.layers == (4, 1)
    assert np.isfinite(weights.judge(len(doubt.NAMES)).log_odds([0.1] * len(doubt.NAMES)))
