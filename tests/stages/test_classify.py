"""Classifier: labels in order, deterministic, indifferent to polarity and gain, and still good."""

import numpy as np
import pytest
import torch

from monitor.config import BlockSettings
from monitor.errors import MonitorError
from monitor.messages import AamiClass, Beat, RPeak, StreamInfo
from monitor.models.bundle import Bundle, load_bundle
from monitor.score import Annotations, Conditions, compare_beats, read_annotations, summarise
from monitor.score.annotations import CLASS_MAPS
from monitor.sources.wfdb.record import WfdbRecord
from monitor.stages.blocks import Blocks
from monitor.stages.classify import Classifier
from monitor.stages.segment import BeatWindow, Segmenter


@pytest.fixture(scope="module")
def aami() -> Bundle:
    return load_bundle("aami")


def label(bundle: Bundle, source: WfdbRecord, peaks: list[int]) -> list[Beat]:
    """Stream a record with given R peaks."""
    info = source.info
    blocks, segmenter = Blocks(info, BlockSettings()), Segmenter(info, bundle.manifest)
    classifier = Classifier(info, bundle)
    beats, at = [], 0
    for chunk in source.chunks():
        for block in blocks.push(chunk):
            due = []
            while at < len(peaks) and peaks[at] < block.end_sample:
                due.append(RPeak(info.stream, peaks[at], block.end_sample - 1))
                at += 1
            beats += classifier.push(segmenter.push(block, due), block.end_sample - 1)
    rest = [RPeak(info.stream, p, source.samples - 1) for p in peaks[at:]]
    return beats + classifier.push(segmenter.flush(rest), source.samples - 1)


def windows(count: int = 60, seed: int = 0, gain: float = 1.0) -> list[BeatWindow]:
    """Beats with P waves and some noise; every tenth wide, early, upside down, without P."""
    rng = np.random.default_rng(seed)
    t = (np.arange(188) - 88) / 125.0
    found, at = [], 0
    for k in range(count):
        early = k % 10 == 9
        width = 0.04 if early else 0.012
        shape = (-1.5 if early else 1.0) * np.exp(-0.5 * (t / width) ** 2)
        shape += 0.01 * rng.normal(size=188)
        if not early:
            shape += 0.12 * np.exp(-0.5 * ((t + 0.16) / 0.02) ** 2)
        rr_s = 0.5 if early else 0.8
        at += round(rr_s * 360)
        rpeak = RPeak("t", at, at + 200)
        found.append(
            BeatWindow(rpeak, (gain * shape).astype(np.float32), rr_s if k else None, None, True)
        )
    return found


def test_every_window_gives_one_beat_with_probabilities(aami):
    classifier = Classifier(StreamInfo("t", 360.0, ("II",)), aami)
    beats = []
    for k, window in enumerate(windows()):
        beats += classifier.push([window], window.rpeak.sample + 300 + k)
    assert [b.sample for b in beats] == [w.rpeak.sample for w in windows()]
    assert all(sum(b.probabilities) == pytest.approx(1.0, abs=1e-5) for b in beats)
    assert all(b.label == list(AamiClass)[int(np.argmax(b.probabilities))] for b in beats)
    assert all(b.decided_sample >= b.sample for b in beats)
    assert {b.label for b in beats[20:] if b.sample and b.rr_s == 0.5} == {AamiClass.V}
    assert {b.label for b in beats[20:] if b.rr_s == 0.8} == {AamiClass.N}


@pytest.mark.parametrize("gain", [-1.0, 0.2, 20.0, -7.0])
def test_gain_and_polarity_do_not_matter(aami, gain):
    info = StreamInfo("t", 360.0, ("II",))
    plain = Classifier(info, aami).push(windows(), 10**6)
    changed = Classifier(info, aami).push(windows(gain=gain), 10**6)
    assert [b.label for b in plain[2:]] == [b.label for b in changed[2:]]


def test_same_windows_same_beats_bit_for_bit(aami):
    info = StreamInfo("t", 360.0, ("II",))
    assert Classifier(info, aami).push(windows(), 9**6) == Classifier(info, aami).push(
        windows(), 9**6
    )


def test_refused_window_is_q_and_teaches_no_shape(aami):
    info = StreamInfo("t", 360.0, ("II",))
    found = windows()
    rubbish = BeatWindow(
        found[30].rpeak, np.full(188, 50.0, np.float32), found[30].rr_s, None, False
    )
    beats = Classifier(info, aami).push([*found[:30], rubbish, *found[31:]], 10**6)
    assert beats[30].label == AamiClass.Q
    assert beats[30].probabilities == (0.0, 0.0, 0.0, 0.0, 1.0)
    plain = Classifier(info, aami).push(found, 10**6)
    assert [b.label for b in beats[31:]] == [b.label for b in plain[31:]]


def test_what_is_no_number_makes_no_normal_beat(aami):
    classifier = Classifier(StreamInfo("t", 360.0, ("II",)), aami)
    found = windows(3)
    scores = np.full((3, 5), 0.2, np.float32)
    scores[1] = np.nan
    beats = classifier.label(found, iter(scores), 10**6)
    assert [b.label for b in beats] == [AamiClass.N, AamiClass.Q, AamiClass.N]
    assert beats[1].probabilities == (0.0, 0.0, 0.0, 0.0, 1.0)


class Loud(torch.nn.Module):
    """Fails on a beat that is larger than those with which a network is tried."""

    def forward(self, signal: torch.Tensor) -> torch.Tensor:
        if float(signal.abs().max()) > 20.0:
            raise ValueError("too loud")
        return torch.zeros(signal.shape[0], 5)


def test_a_network_that_fails_on_a_beat_is_named(tmp_path):
    torch.jit.save(torch.jit.script(Loud()), tmp_path / "loud.pt")
    text = 'name = "loud"\nbefore_s = 0.704\nflat_input = true\nscaling = "none"\n'
    (tmp_path / "loud.toml").write_text(text)
    bundle = load_bundle(str(tmp_path / "loud.pt"))
    classifier = Classifier(StreamInfo("t", 360.0, ("II",)), bundle)
    assert len(classifier.push(windows(3), 10**6)) == 3
    with pytest.raises(MonitorError, match=r"model loud failed: .*too loud"):
        classifier.push(windows(3, gain=100.0), 10**6)


def test_torch_uses_one_thread(aami):
    Classifier(StreamInfo("t", 360.0, ("II",)), aami)
    assert torch.get_num_threads() == 1


@pytest.mark.slow
def test_shipped_model_still_reaches_its_figures(aami, data_dir):
    """Two records, 5:00 to 15:00, reference R peaks; the floors are below what was measured."""
    scores = []
    for record in ("200", "232"):
        truth, _ = read_annotations(data_dir / "mitdb" / record, "atr")
        rules = Conditions(classes="ml", end_s=900.0)
        peaks = [
            int(sample)
            for sample, symbol in zip(truth.samples, truth.symbols, strict=True)
            if symbol in CLASS_MAPS["ml"] and sample < 900 * 360
        ]
        source = WfdbRecord(data_dir / "mitdb" / record, stop_s=900.0)
        beats = label(aami, source, peaks)
        assert [b.sample for b in beats] == peaks
        test = Annotations.from_arrays(peaks, "".join(b.label for b in beats))
        scores.append(compare_beats(truth, test, 360.0, length_samples=900 * 360, conditions=rules))
    total = summarise(scores)
    assert total.v_se > 90
    assert total.v_pp > 95
    assert total.s_se > 80
    assert total.s_pp > 80
