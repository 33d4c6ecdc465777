"""A beat classifier of your own: train a small network on simulated patients, then use it.

    python examples/own_model.py mine.pt
    ecg-monitor models mine.pt --try                          # do file and manifest fit?
    ecg-monitor demo --scenario bigeminy --model mine.pt

It tells ventricular beats (V) from all others (N) by their shape alone. The point is the format:
`mine.pt` is TorchScript, and `mine.toml` beside it says what the network has to be fed with.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn

from monitor.messages import RPeak
from monitor.models.manifest import Manifest
from monitor.sources import pieces
from monitor.sources.simulator import Simulator, simulate
from monitor.stages.segment import Segmenter

MANIFEST = """\
name = "mine"
classes = ["N", "V"]  # in the order of the outputs
rate_hz = 125.0
length = 100          # samples of one beat: 0.8 s
before_s = 0.35       # of signal before the R peak
scaling = "zscore"    # each beat to mean 0 and deviation 1
"""
FED = Manifest("mine", 0.35, classes=("N", "V"), rate_hz=125.0, length=100, scaling="zscore")
SCENARIOS = ("sinus", "pvc", "multiform", "couplet", "bigeminy", "trigeminy", "vt")


def beats(scenario: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Give the windows of a simulated patient, (beats, 1, 100), and whether each is a V."""
    patient = Simulator(scenario, seed=seed)
    info, (signal, truth) = patient.info, simulate(patient)
    symbols = {beat.sample: beat.symbol for beat in truth.beats}
    segmenter = Segmenter(info, FED)
    windows = []
    for block in pieces(info, 0, signal, round(info.rate_hz / 4)):
        inside = [s for s in symbols if block.start_sample <= s < block.end_sample]
        peaks = [RPeak(info.stream, sample, block.end_sample - 1) for sample in inside]
        windows += segmenter.push(block, peaks)
    windows = [window for window in windows if window.valid]
    values = np.stack([window.values_mv for window in windows])
    values = (values - values.mean(1, keepdims=True)) / values.std(1, keepdims=True)
    is_v = np.array([symbols[window.rpeak.sample] == "V" for window in windows])
    return values[:, None].astype(np.float32), is_v


def train(seeds: range) -> nn.Module:
    """Train on the patients of these seeds."""
    torch.manual_seed(1)
    parts = [beats(scenario, seed) for scenario in SCENARIOS for seed in seeds]
    x = torch.from_numpy(np.concatenate([values for values, _ in parts]))
    y = torch.from_numpy(np.concatenate([is_v for _, is_v in parts]).astype(np.int64))
    net = nn.Sequential(nn.Conv1d(1, 8, 9, stride=4), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 23, 2))
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    for _ in range(60):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
    return net.eval()


def main() -> None:
    """Train, test on another patient, write the file and its manifest."""
    path = Path(sys.argv[1] if len(sys.argv) > 1 else "mine.pt")
    net = train(range(1, 5))
    values, is_v = beats("bigeminy", seed=9)
    found = net(torch.from_numpy(values)).argmax(1).numpy() == 1
    print(f"another patient: {np.mean(found == is_v):.1%} of {len(is_v)} beats right")
    torch.jit.save(torch.jit.script(net), path)
    path.with_suffix(".toml").write_text(MANIFEST, encoding="utf-8")
    print(f"wrote {path} and {path.with_suffix('.toml')}")


if __name__ == "__main__":
    main()
