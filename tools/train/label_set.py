"""The beats that the label network learns from: all streams of some patients, drawn and varied.

An epoch takes at most so many beats of a class from each stream, so that no patient and no
rhythm outweighs the others. What no epoch could need is not kept in memory.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from monitor.stages.context import FEATURES
from tools.data.beats import Beats

CAPS = (250, 150, 150, 150, 10)  # beats of a class drawn per stream and epoch
HELD = 3  # times as many are held
FLIP = 0.2  # share of beats turned upside down
SHIFT = 2  # samples by which a beat is moved, each way
GAIN = 0.1  # deviation of the log gain of a beat against its template
RR_NOISE = 0.02  # deviation of what is added to the log RR features
LEAD_DROP = 0.2  # share of beats of which one lead is taken away, either
RR_RATIOS = ("rr", "rr_long", "rr_q90", "rr_med8", "rr_med64", "rr_prev", "prev_long", "prev2_long",
             "rr_usual_q90", "rr_usual_med32", "since_usual")  # fmt: skip
RR_COLUMNS = [FEATURES.index(name) for name in RR_RATIOS]


@dataclass(frozen=True, slots=True)
class Set:
    """All training beats: inputs, labels, and the stream each comes from."""

    signal: Tensor
    features: Tensor
    label: Tensor
    stream: NDArray[np.int64]


def thinned(beats: Beats, rng: np.random.Generator) -> Beats:
    """Leave out, of classes with many beats, what no epoch needs; the order stays."""
    keep = []
    for k, cap in enumerate(CAPS):
        of_class = np.flatnonzero(beats.label == k)
        few = len(of_class) <= HELD * cap
        keep.append(of_class if few else rng.choice(of_class, HELD * cap, replace=False))
    rows = np.sort(np.concatenate(keep))
    return replace(
        beats,
        signal=beats.signal[rows],
        features=beats.features[rows],
        label=beats.label[rows],
        symbol=beats.symbol[rows],
        sample=beats.sample[rows],
    )


def gather(parts: list[Beats]) -> Set:
    """Join the beats of many streams."""
    return Set(
        torch.from_numpy(np.concatenate([b.signal for b in parts])),
        torch.from_numpy(np.concatenate([b.features for b in parts])),
        torch.from_numpy(np.concatenate([b.label for b in parts])),
        np.concatenate([np.full(len(b.label), k) for k, b in enumerate(parts)]),
    )


def draw(beats: Set, rng: np.random.Generator) -> NDArray[np.int64]:
    """Choose the beats of one epoch: at most ``CAPS`` of each class from each stream."""
    label = beats.label.numpy()
    chosen = []
    order = np.lexsort((label, beats.stream))
    bounds = np.flatnonzero(np.diff(beats.stream[order] * 8 + label[order])) + 1
    for part in np.split(order, bounds):
        cap = CAPS[label[part[0]]]
        chosen.append(part if len(part) <= cap else rng.choice(part, cap, replace=False))
    return rng.permutation(np.concatenate(chosen))


def vary(
    signal: Tensor, features: Tensor, leads: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Augment a batch: shift, gain, polarity, RR noise, a lead taken away."""
    count, rows, length = signal.shape
    channels = rows // leads

    def uniform() -> Tensor:
        return torch.rand(count, generator=generator)

    shift = (uniform() * (2 * SHIFT + 1)).long() - SHIFT
    index = (torch.arange(length)[None, :] + shift[:, None]).clamp(0, length - 1)
    signal = signal.clone()
    features = features.clone()
    for lead in range(leads):
        first = lead * channels
        signal[:, first] = signal[:, first].gather(1, index)
        signal[:, first] *= torch.exp(GAIN * torch.randn(count, 1, generator=generator))
        flip = torch.where(uniform() < FLIP, -1.0, 1.0)
        signal[:, first : first + channels] *= flip[:, None, None]
    if features.shape[1]:
        noise = RR_NOISE * torch.randn(count, 1, len(RR_COLUMNS), generator=generator)
        features.reshape(count, leads, -1)[:, :, RR_COLUMNS] += noise
    if leads > 1:
        gone = (uniform() * leads / LEAD_DROP).long()[:, None] == torch.arange(leads)
        signal.reshape(count, leads, channels, length)[gone] = 0.0
    return signal, features
