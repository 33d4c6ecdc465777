"""Bundles: what fits is loaded, what does not is one clear error before the first sample."""

import json
import pickle
import re
import tomllib
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from monitor.errors import MonitorError
from monitor.messages import StreamInfo
from monitor.models.bundle import FOLDER, load_bundle, restate, save_bundle
from monitor.models.manifest import Manifest
from monitor.models.networks import CnnBiLstm
from monitor.models.shipped import SHIPPED
from monitor.stages.classify import Classifier
from monitor.stages.context import FEATURES

PAGE = Path(__file__).resolve().parents[2] / "docs/how-to/own-model.md"
MANIFEST = Manifest(name="mine", before_s=0.4, channels=("beat",), scaling="zscore")


class Plain(nn.Module):
    """A user's network: (batch, 187) in, five classes out."""

    def __init__(self, length: int = 187, classes: int = 5) -> None:
        super().__init__()
        self.layer = nn.Linear(length, classes)

    def forward(self, signal: Tensor) -> Tensor:
        return self.layer(signal)


def refused(path, *words):
    with pytest.raises(MonitorError) as caught:
        load_bundle(str(path))
    text = str(caught.value)
    assert "\n" not in text
    for word in words:
        assert word in text
    return text


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_shipped_bundles_load_and_say_where_they_come_from(name, capfd):
    bundle = load_bundle(name)
    assert bundle.manifest.data
    assert bundle.manifest.command
    assert len(bundle.manifest.data_sha256) == 64
    assert bundle.manifest.licence
    assert 0.8 < bundle.manifest.metrics["macro_f1"] < 1.0
    assert (FOLDER / f"{name}.pt").stat().st_size < 2_000_000
    assert capfd.readouterr().err == ""


@pytest.mark.slow
def test_round_trip_keeps_labels_and_manifest(tmp_path):
    torch.manual_seed(0)
    net = CnnBiLstm(2, len(FEATURES)).eval()
    manifest = Manifest(
        name="mine", before_s=0.704, channels=("beat", "template"), features=FEATURES
    )
    save_bundle(net, manifest, tmp_path / "mine.pt")
    bundle = load_bundle(str(tmp_path / "mine.pt"))
    assert (bundle.manifest, bundle.form) == (manifest, "TorchScript")
    signal, features = torch.randn(200, 2, 188), torch.randn(200, len(FEATURES))
    with torch.inference_mode():
        wanted = net(signal, features)
    found = bundle.probabilities(signal, features)
    torch.testing.assert_close(found, torch.softmax(wanted, 1), atol=1e-5, rtol=1e-4)
    assert torch.equal(found.argmax(1), wanted.argmax(1))


@pytest.mark.slow
def test_figures_are_put_into_a_bundle_and_nothing_else_changes(tmp_path):
    path = tmp_path / "mine.pt"
    manifest = replace(MANIFEST, features=("rr",))
    save_bundle(CnnBiLstm(1, 1), manifest, path)
    signal, features = torch.randn(8, 1, 188), torch.randn(8, 1)
    before = load_bundle(str(path)).probabilities(signal, features)
    stated = replace(manifest, metrics={"macro_f1": 0.9})
    sha256 = restate(path, stated)
    bundle = load_bundle(str(path))
    assert (bundle.sha256, bundle.manifest) == (sha256, stated)
    assert torch.equal(bundle.probabilities(signal, features), before)
    assert restate(path, stated) == sha256


def test_a_file_does_not_tell_where_it_was_made(tmp_path):
    torch.manual_seed(0)
    net = CnnBiLstm(1, 1).eval()
    save_bundle(net, replace(MANIFEST, features=("rr",)), tmp_path / "mine.pt")
    here = str(FOLDER.parent).encode()
    with zipfile.ZipFile(tmp_path / "mine.pt") as archive:
        assert not any(here in archive.read(name) for name in archive.namelist())
    with zipfile.ZipFile(FOLDER / "aami.pt") as archive:
        assert not any(b"/models/networks.py" in archive.read(n) for n in archive.namelist())


def test_bare_network_with_a_toml_manifest(tmp_path):
    torch.jit.save(torch.jit.script(Plain()), tmp_path / "bare.pt")
    refused(tmp_path / "bare.pt", "no manifest", "bare.toml")
    text = 'name = "bare"\nbefore_s = 0\nlength = 187\nscaling = "minmax"\nflat_input = true\n'
    (tmp_path / "bare.toml").write_text(text)
    bundle = load_bundle(str(tmp_path / "bare.pt"))
    assert bundle.probabilities(torch.zeros(3, 1, 187), torch.zeros(3, 0)).shape == (3, 5)
    Classifier(StreamInfo("t", 360.0, ("II",)), bundle)
    (tmp_path / "bare.toml").write_text(text.replace("187", "188"))
    refused(tmp_path / "bare.pt", "188 samples")
    (tmp_path / "bare.toml").write_text("name = 3\nbefore_s = 0\n")
    refused(tmp_path / "bare.pt", "name")
    (tmp_path / "bare.toml").write_text("][")
    refused(tmp_path / "bare.pt", "manifest")


def test_the_manifest_in_the_documentation_is_that_of_a_network_for_the_published_rows(tmp_path):
    blocks = re.findall(r"^```toml[^\n]*\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    (text,) = [block for block in blocks if "before_s" in block]
    torch.jit.save(torch.jit.script(Plain()), tmp_path / "mine.pt")
    (tmp_path / "mine.toml").write_text(text)
    mine, shipped = load_bundle(str(tmp_path / "mine.pt")), load_bundle("kaggle5").manifest
    Classifier(StreamInfo("t", 360.0, ("II",)), mine)
    own = {"name": "mine", "length": 187, "pad": 0, "flat_input": True}
    for key in tomllib.loads(text):
        assert getattr(mine.manifest, key) == own.get(key, getattr(shipped, key))
    (tmp_path / "mine.toml").write_text(text.replace("length = 187", "length = 188\npad = 1"))
    torch.jit.save(torch.jit.script(Plain(188)), tmp_path / "mine.pt")
    load_bundle(str(tmp_path / "mine.pt"))


class Picky(nn.Module):
    """Zeros are taken well; what is none ends in an error, or in what is no number."""

    def __init__(self, fails: bool) -> None:
        super().__init__()
        self.fails = fails

    def forward(self, signal: Tensor) -> Tensor:
        out = torch.zeros(signal.shape[0], 5)
        if float(signal.abs().sum()) > 0.0:
            if self.fails:
                raise ValueError("too loud")
            out = out / 0.0
        return out


@pytest.mark.parametrize(
    ("net", "manifest", "words"),
    [
        (Picky(fails=True), "", ("does not take a window", "too loud")),
        (Picky(fails=False), "", ("not finite",)),
        (Plain(), "probabilities = true\n", ("no probabilities", "logits")),
    ],
)
def test_a_network_is_tried_on_what_is_no_silence(tmp_path, net, manifest, words):
    torch.jit.save(torch.jit.script(net), tmp_path / "net.pt")
    text = 'name = "net"\nbefore_s = 0\nlength = 187\nflat_input = true\n'
    (tmp_path / "net.toml").write_text(text + manifest)
    refused(tmp_path / "net.pt", *words)


class Pair(nn.Module):
    """Made for two beats at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(187, 5)

    def forward(self, signal: Tensor) -> Tensor:
        return self.layer(signal.reshape(2, 187))


class Squeezing(nn.Module):
    """Takes the row of channels away, and with a single beat that of beats too."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(187, 5)

    def forward(self, signal: Tensor) -> Tensor:
        return self.layer(signal.squeeze())


@pytest.mark.parametrize(
    ("net", "words"),
    [
        (Pair(), ("does not take a window", "1 at a time")),
        (Squeezing(), ("does not take a window", "1 at a time")),
    ],
)
def test_a_network_must_take_one_beat_and_several(tmp_path, net, words):
    torch.jit.save(torch.jit.script(net), tmp_path / "net.pt")
    (tmp_path / "net.toml").write_text('name = "net"\nbefore_s = 0\nlength = 187\n')
    refused(tmp_path / "net.pt", *words)


def test_files_that_are_no_bundles(tmp_path):
    refused(tmp_path / "absent.pt", "neither shipped")
    path = tmp_path / "x.pt"
    path.write_bytes(b"")
    refused(path, "not a TorchScript file")
    path.write_bytes(b"PK\x03\x04" + bytes(range(256)) * 20)
    refused(path, "not a TorchScript file")
    torch.save({"weights": torch.zeros(3)}, path)
    refused(path, "no TorchScript code")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x/code/net.py", "nonsense at all")
        archive.writestr("x/extra/manifest.json", MANIFEST.to_json())
    refused(path, "not a readable TorchScript file")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x/code/net.py", "")
        archive.writestr("x/extra/manifest.json", MANIFEST.to_json())
    refused(path, "not a readable TorchScript file")


@pytest.mark.parametrize("keep", [0.05, 0.5, 0.9, 0.999])
def test_truncated_bundle(tmp_path, keep):
    content = (FOLDER / "aami.pt").read_bytes()
    path = tmp_path / "cut.pt"
    path.write_bytes(content[: int(len(content) * keep)])
    refused(path)


def test_pickle_is_never_run(tmp_path):
    marker = tmp_path / "ran"

    class Bomb:
        def __reduce__(self):
            return open, (str(marker), "w")

    path = tmp_path / "bomb.pt"
    path.write_bytes(pickle.dumps(Bomb()))
    refused(path, "not a TorchScript file")
    source = FOLDER / "aami.pt"
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            bad = name.endswith(("data.pkl", "constants.pkl"))
            new.writestr(name, pickle.dumps(Bomb(), 2) if bad else old.read(name))
    refused(path, "io.open", "refused")
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            bad = name.endswith(("data.pkl", "constants.pkl"))
            new.writestr(name, pickle.dumps(Bomb(), 4) if bad else old.read(name))
    refused(path, "refused")
    assert not marker.exists()


def test_altered_shipped_file_is_refused(tmp_path, monkeypatch):
    content = bytearray((FOLDER / "aami.pt").read_bytes())
    content[-1] ^= 1
    (tmp_path / "aami.pt").write_bytes(bytes(content))
    monkeypatch.setattr("monitor.models.model_file.FOLDER", tmp_path)
    refused("aami", "SHA-256")


@pytest.mark.parametrize(
    ("key", "value", "word"),
    [
        ("schema", 9, "schema"),
        ("length", 187, "187 samples"),
        ("length", 10**6, "window"),
        ("classes", ["N", "V"], "2 classes"),
        ("classes", ["N", "X"], "classes"),
        ("scaling", "magic", "magic"),
        ("channels", ["beat", "p"], "channels"),
        ("before_s", 9.0, "outside"),
        ("before_s", "0", "before_s"),
        ("surprise", 1, "surprise"),
    ],
)
def test_manifest_that_does_not_fit(tmp_path, key, value, word):
    table = json.loads(MANIFEST.to_json()) | {"flat_input": True, key: value}
    path = tmp_path / "net.pt"
    extra = {"manifest.json": json.dumps(table)}
    torch.jit.save(torch.jit.script(Plain(188)), path, _extra_files=extra)
    refused(path, word)


def test_unknown_feature_is_refused_when_the_classifier_is_made(tmp_path):
    manifest = Manifest(name="odd", before_s=0.4, features=("rr", "mood"))
    save_bundle(CnnBiLstm(1, 2), manifest, tmp_path / "odd.pt")
    with pytest.raises(MonitorError, match="mood"):
        Classifier(StreamInfo("t", 360.0, ("II",)), load_bundle(str(tmp_path / "odd.pt")))
