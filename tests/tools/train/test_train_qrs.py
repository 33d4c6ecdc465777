"""Fits of the QRS detector's networks: what they learn from, and that they can be repeated."""

import json
import shutil
import subprocess
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from monitor.errors import MonitorError
from monitor.sources.simulator import SCENARIOS
from monitor.stages.detect import deferred_decision, networks
from monitor.stages.detect.features import Features
from monitor.stages.detect.networks import Layers, QrsNetwork
from tools.data.variants import Variants
from tools.train import candidates, deferred, network, qrs
from tools.train.candidates import Examples, joined
from tools.train.network import Fit, fit, log_odds
from tools.train.qrs import Collect, Round
from tools.train.weights import SHIPPED, data_digest, main, provenance, read, write

pytestmark = pytest.mark.slow


def same(one: Layers, other: Layers) -> bool:
    return all(
        np.array_equal(a, b)
        for layer, beside in zip(one, other, strict=True)
        for a, b in zip(layer, beside, strict=True)
    )


@pytest.mark.parametrize("name", ["qrs", "deferred"])
def test_the_data_are_those_of_the_shipped_weights(data_dir: Path, name: str) -> None:
    assert data_digest(data_dir) == networks.shipped()[name].provenance["data_sha256"]


@pytest.mark.parametrize("tool", [qrs, deferred])
def test_missing_data_are_named(tool: ModuleType, tmp_path: Path) -> None:
    out = tmp_path / "weights.npz"
    with pytest.raises(MonitorError, match=r"101\.hea"):
        tool.main(["--data", str(tmp_path), "--out", str(out)])
    assert not out.exists()


def test_a_network_is_put_beside_the_others(tmp_path: Path) -> None:
    path, other = tmp_path / "one.npz", tmp_path / "other.npz"
    made: Layers = ((np.full((1, 20), 0.1), np.array([2.0])),)
    told = provenance("python -m tools.train.qrs", [1, 2], "ab" * 32)
    for each in (path, other):
        write(each, "qrs", made, told)
    assert path.read_bytes() == other.read_bytes()
    found = read(path)
    assert same(found["qrs"].layers, made)
    assert found["qrs"].provenance == {"network": "qrs", "layers": 1, **told}
    assert same(found["deferred"].layers, networks.shipped()["deferred"].layers)
    write(path, "deferred", made, told)
    assert same(read(path)["qrs"].layers, made)
    assert json.loads(json.dumps(told)) == told


def test_the_shipped_weights_written_again_are_the_same_file(tmp_path: Path) -> None:
    path = tmp_path / "weights.npz"
    shutil.copy(SHIPPED, path)
    found = networks.shipped()["qrs"]
    told = {k: v for k, v in found.provenance.items() if k not in ("network", "layers")}
    write(path, "qrs", found.layers, told)
    assert path.read_bytes() == SHIPPED.read_bytes()


def test_the_provenance_is_shown(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main([]) == 0
    shown = capsys.readouterr().out
    assert "qrs: 20 - 64 - 32 - 1 units" in shown
    assert networks.shipped()["deferred"].provenance["commit"] in shown
    (tmp_path / "no.npz").write_bytes(b"no")
    with pytest.raises(MonitorError, match="cannot read weights"):
        main([str(tmp_path / "no.npz")])


@pytest.mark.parametrize("name", ["qrs", "deferred"])
def test_the_commit_of_the_shipped_weights_holds_the_command_that_fits_them(name: str) -> None:
    root, told = Path(__file__).resolve().parents[3], networks.shipped()[name].provenance
    git = [shutil.which("git") or "", "-C", str(root)]
    if not git[0] or not (root / ".git").exists():
        pytest.skip("not a git clone")
    asked = [*git, "rev-parse", "--is-shallow-repository"]
    shallow = subprocess.run(asked, capture_output=True, text=True, check=False).stdout
    if shallow.strip() != "false":
        pytest.skip("a clone without its history")
    module = told["command"].split()[2].replace(".", "/")
    shown = [*git, "show", f"{told['commit']}:{module}.py"]
    text = subprocess.run(shown, capture_output=True, text=True, check=True).stdout
    assert 'parser.add_argument("--out"' in text


def made_examples() -> Examples:
    rng = np.random.default_rng(0)
    features = rng.standard_normal((6000, len(Features._fields))).astype(np.float32)
    labels = (features[:, 0] + features[:, 4] > 0.0).astype(np.float32)
    return Examples(features, labels, np.zeros(6000, bool))


SHORT = Fit((8, 4), 3, unlabelled=2.0, fast=4.0, fast_s=0.6)


@pytest.mark.slow
def test_the_same_examples_give_the_same_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "BATCH", 128)
    examples = made_examples()
    one, other = (fit(examples, SHORT, qrs.teacher()) for _ in range(2))
    assert same(one, other)
    assert [len(offsets) for _, offsets in one] == [8, 4, 1]
    fitted = QrsNetwork(one)
    odds = np.array([fitted.log_odds(row.tolist()) for row in examples.features[:500]])
    assert np.mean((odds > 0.0) == (examples.labels[:500] > 0.5)) > 0.9
    assert odds == pytest.approx(log_odds(one, examples.features[:500]))


def test_without_labels_the_teacher_is_learnt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "BATCH", 128)
    labelled = made_examples()
    rows = labelled.features.copy()
    rows[:, 1] += 20.0  # another kind of signal
    teacher = log_odds(qrs.teacher(), rows)
    assert 500 < np.count_nonzero(teacher > 0.0) < 5500
    other = Examples(rows, np.zeros(6000, np.float32), np.ones(6000, bool))
    how = SHORT._replace(epochs=12)
    odds = log_odds(fit(joined([labelled, other]), how, qrs.teacher()), rows)
    assert np.mean((odds > 0.0) == (teacher > 0.0)) > 0.9


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["clean", "second", "first motion 0", "vt muscle6", "holes"])
def test_what_is_near_a_beat_is_one_candidate(data_dir: Path, variant: str) -> None:
    """As often as a candidate is weighed, it has the same label; most beats have one."""
    examples = qrs.labelled(data_dir, "208", variant, 7, qrs.teacher())
    assert examples.features.shape == (len(examples.labels), len(Features._fields))
    beats = examples.labels.sum() / len(examples.labels)
    assert 0.3 < beats < 0.98
    assert not examples.unlabelled.any()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "name"), [("vfdb", "430"), ("cinc2015", "v729l"), ("simulator", "vt")]
)
def test_a_source_without_labels_gives_none(data_dir: Path, source: str, name: str) -> None:
    examples = qrs.unlabelled(data_dir, source, name, 7, qrs.teacher())
    assert len(examples.features) > 100
    assert examples.unlabelled.all()
    assert not examples.labels.any()


def test_uncertain_candidates_in_noise_are_labelled(data_dir: Path) -> None:
    examples = deferred.collect(data_dir, "208", "motion 0", 7, None)
    assert examples.features.shape == (len(examples.labels), len(deferred_decision.NAMES))
    assert len(examples.labels) > 50
    assert 0.1 < examples.labels.mean() < 0.9
    loud = examples.features[:, deferred_decision.NAMES.index("noise_level")]
    assert 0.0 < loud.min() <= loud.max() <= 1.0
    others = deferred.collect(data_dir, "208", "motion 0", 7, networks.shipped()["deferred"].layers)
    # other decisions make other candidates uncertain
    assert others.features.shape != examples.features.shape


def test_a_variant_that_is_none_is_refused(data_dir: Path) -> None:
    with pytest.raises(ValueError, match="'mution'"):
        qrs.labelled(data_dir, "101", "mution 6", 7, qrs.teacher())


@pytest.mark.parametrize(
    "variant",
    sorted(
        {v for how in qrs.ROUNDS for c in how.collects for v in c.variants}
        | {*deferred.NOISES, *deferred.OTHERS}
    ),
)
def test_every_variant_of_the_fit_can_be_made(data_dir: Path, variant: str) -> None:
    made = Variants(data_dir).make("101", variant, np.random.default_rng(0))
    assert made.signal.dtype == np.float32
    assert len(made.beats) > 100
    assert made.beats.max() < len(made.signal)


@pytest.mark.slow
def test_the_deferred_decision_is_fitted_the_same_again(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(candidates, "RECORD_SETS", {"ds1": ("106", "208")})
    monkeypatch.setattr(deferred, "NOISES", ("motion 0",))
    monkeypatch.setattr(deferred, "OTHERS", ())
    monkeypatch.setattr(deferred, "HOW", Fit((4,), 2))
    written = []
    for workers in ("1", "2"):
        out = tmp_path / f"{workers}.npz"
        options = ["--data", str(data_dir), "--out", str(out), "--workers", workers]
        assert deferred.main(options) == 0
        written.append(out.read_bytes())
    assert written[0] == written[1]
    found = read(tmp_path / "1.npz")
    assert same(found["qrs"].layers, networks.shipped()["qrs"].layers)
    fitted = QrsNetwork(found["deferred"].layers, len(deferred_decision.NAMES))
    assert np.isfinite(fitted.log_odds([0.1] * len(deferred_decision.NAMES)))
    assert found["deferred"].provenance["data_sha256"] == data_digest(data_dir)


@pytest.mark.slow
def test_the_qrs_network_is_fitted_round_by_round(
    data_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(candidates, "RECORD_SETS", {"ds1": ("106",)})
    monkeypatch.setattr(qrs, "SCENARIOS", {"vt": SCENARIOS["vt"]})
    first = Round((Collect(1, True, ("motion 0",), ("simulator",)),), Fit((4,), 2))
    second = Round((Collect(2, False, ("begin",)),), Fit((6,), 2, unlabelled=2.0), by_last=True)
    monkeypatch.setattr(qrs, "ROUNDS", (first, second))
    out = tmp_path / "weights.npz"
    assert qrs.main(["--data", str(data_dir), "--out", str(out)]) == 0
    said = capsys.readouterr().out.splitlines()
    collected = [int(line.split()[2]) for line in said if line.startswith("round ")]
    assert 100 < collected[0] < collected[1]
    found = read(out)
    assert [matrix.shape for matrix, _ in found["qrs"].layers] == [
        (6, len(Features._fields)),
        (1, 6),
    ]
    assert found["qrs"].provenance["seeds"] == [1, 2]
    assert same(found["deferred"].layers, networks.shipped()["deferred"].layers)
