"""The form without code: the same labels, written and read back, and strict about the rest."""

import json
import struct
from dataclasses import replace

import numpy as np
import pytest
import torch
import wfdb

from monitor.cli import main
from monitor.errors import MonitorError
from monitor.messages import RPeak, StreamInfo
from monitor.models import bundle as bundles
from monitor.models.architectures import ARCHITECTURES, describe, rebuild, safe_weights
from monitor.models.bundle import load_bundle
from monitor.models.model_file import read_model
from monitor.models.script import UnreadableError
from monitor.models.shipped import SHIPPED
from monitor.models.weights import KEY, header, pack, unpack
from monitor.stages.classify import Classifier
from tools.evaluate.labels import label

RECORDS = ("100", "208")
BEATS = 300


@pytest.fixture
def exported(tmp_path):
    path = tmp_path / "aami.safetensors"
    assert main(["models", "aami", "--export", str(path)]) == 0
    return path


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n in sorted(SHIPPED) if n != "normal-abnormal"])
def test_both_payloads_label_real_records_alike(name, data_dir, tmp_path):
    path = tmp_path / f"{name}.safetensors"
    assert main(["models", name, "--export", str(path)]) == 0
    script, weights = load_bundle(name), load_bundle(str(path))
    assert (script.form, weights.form) == ("TorchScript", "weights")
    assert weights.manifest == script.manifest
    for record_name in RECORDS:
        record = wfdb.rdrecord(str(data_dir / "mitdb" / record_name), sampto=BEATS * 300)
        marks = wfdb.rdann(str(data_dir / "mitdb" / record_name), "atr", sampto=BEATS * 300)
        samples = [int(s) for s, c in zip(marks.sample, marks.symbol, strict=True) if c in "NVAFLR"]
        peaks = [RPeak("t", s, s, 0) for s in samples]
        one, _ = label(script, record.p_signal, float(record.fs), peaks)
        other, _ = label(weights, record.p_signal, float(record.fs), peaks)
        assert len(one) > 100
        assert [b.label for b in one] == [b.label for b in other]
        assert np.allclose(
            [b.probabilities for b in one], [b.probabilities for b in other], atol=1e-5
        )


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_both_payloads_give_the_same_scores(name, tmp_path):
    path = tmp_path / "sent.safetensors"
    assert main(["models", name, "--export", str(path)]) == 0
    script, weights = load_bundle(name), load_bundle(str(path))
    m = script.manifest
    signal = torch.randn(16, m.signal_rows, m.length)
    features = torch.randn(16, m.feature_count)
    one, other = script.probabilities(signal, features), weights.probabilities(signal, features)
    torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)
    assert torch.equal(one.argmax(1), other.argmax(1))


def test_the_network_is_made_from_the_weights_where_torch_reads_no_torchscript(monkeypatch):
    def cannot(*_, **__):
        raise UnreadableError("no more TorchScript")

    script = load_bundle("aami")
    monkeypatch.setattr(bundles, "load_script", cannot)
    weights = load_bundle("aami")
    assert (script.form, weights.form) == ("TorchScript", "weights")
    assert weights.sha256 == script.sha256
    Classifier(StreamInfo("t", 360.0, ("II", "V1")), weights)


def test_an_exported_file_is_described_and_not_written_over(exported, capsys):
    before = exported.read_bytes()
    assert main(["models", str(exported)]) == 0
    out = capsys.readouterr().out
    assert "weights without code, for the network CnnBiLstm" in out
    assert "TorchScript" not in out
    assert main(["models", "aami", "--export", str(exported)]) == 1
    assert "is there already" in capsys.readouterr().err
    assert exported.read_bytes() == before
    assert main(["models", str(exported), "--try"]) == 0
    assert main(["models", "--export", "x.safetensors"]) == 1


@pytest.mark.parametrize("kind", sorted(ARCHITECTURES))
def test_every_architecture_is_made_anew_from_what_is_said_of_it(kind):
    torch.manual_seed(0)
    net = ARCHITECTURES[kind]().eval()
    again = rebuild(json.loads(json.dumps(describe(net))), safe_weights(net), "made")
    signal = torch.randn(3, 2 if kind == "CnnBiLstm" else 1, 188)
    inputs = (signal, torch.zeros(3, 0)) if kind == "CnnBiLstm" else (signal,)
    with torch.inference_mode():
        torch.testing.assert_close(again(*inputs), net(*inputs), atol=1e-5, rtol=1e-4)


def changed(content, **network):
    said = header(content, "made")
    return pack(unpack(content, "made"), said | {"network": said["network"] | network})


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda c: c[: len(c) // 2], "not a readable safetensors file"),
        (lambda c: c[:100], "damaged"),
        (lambda c: struct.pack("<Q", 2**60) + c[8:], "damaged"),
        (lambda c: c.replace(KEY.encode(), b"x" * len(KEY)), "names the architecture"),
        (lambda c: changed(c, architecture="os.system"), "architecture 'os.system'"),
        (lambda c: changed(c, architecture=["CnnBiLstm"]), "known"),
        (lambda c: changed(c, arguments={"width": 32}), "do not make a network"),
        (lambda c: changed(c, arguments={"mood": 1}), "do not make a network"),
        (lambda c: changed(c, arguments={"width": 10**12}), "do not make a network"),
        (lambda c: changed(c, arguments=None), "do not make a network"),
        (lambda c: changed(c, more=1), "does not say"),
    ],
)
def test_what_is_no_such_file_is_one_clear_line(change, word, exported):
    exported.write_bytes(change(exported.read_bytes()))
    with pytest.raises(MonitorError) as caught:
        load_bundle(str(exported))
    assert word in str(caught.value)
    assert "\n" not in str(caught.value)


def test_weights_of_another_kind_are_refused(exported):
    content = exported.read_bytes()
    tensors = {k: v.double() for k, v in unpack(content, "made").items()}
    exported.write_bytes(pack(tensors, header(content, "made")))
    with pytest.raises(MonitorError, match="not float32"):
        load_bundle(str(exported))


def test_a_manifest_that_does_not_fit_the_weights_is_found(exported):
    model = read_model(str(exported))
    manifest = replace(model.manifest, leads=1)
    said = header(model.weights, "made") | {"manifest": json.loads(manifest.to_json())}
    exported.write_bytes(pack(unpack(model.weights, "made"), said))
    with pytest.raises(MonitorError, match="for 2 beats"):
        load_bundle(str(exported))
