"""Fit a network of the QRS detector on candidates with labels."""

from __future__ import annotations

import sys
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from monitor.stages.detect.features import Features
from monitor.stages.detect.networks import Layers
from tools.data.variants import Array
from tools.train.candidates import Examples

BATCH = 2048
PEAK_RATE = 1e-2  # of the one-cycle schedule
DECAY = 1e-4
SINCE = Features._fields.index("since_s")


class Fit(NamedTuple):
    """The settings with which a network is fitted."""

    hidden: tuple[int, ...]
    epochs: int
    unlabelled: float = 1.0  # weight of a candidate without a label
    fast: float = 1.0  # factor if the teacher accepts it within ``fast_s`` of the last beat
    fast_s: float = 0.0


def log_odds(network: Layers, features: Array) -> NDArray[np.float64]:
    """Log odds of many candidates at once, (n, 20) to (n,)."""
    x = features.astype(np.float64)
    *layers, (matrix, bias) = network
    for hidden, offset in layers:
        x = np.tanh(x @ hidden.T + offset)
    return np.asarray((x @ matrix.T + bias)[:, 0])


def fit(examples: Examples, how: Fit, known: Layers | None = None) -> Layers:
    """Fit a network by cross entropy; without labels it learns the odds of the network ``known``.

    The scaling of the inputs is folded into the first layer.
    """
    features, labels, soft = examples
    if known is not None:
        labels = labels.copy()
        labels[soft] = 1 / (1 + np.exp(-log_odds(known, features[soft])))
    mean, spread = features[~soft].mean(axis=0), features[~soft].std(axis=0) + 1e-3
    counts = np.where(soft, how.unlabelled, 1.0)
    if how.fast_s:
        counts[soft & (features[:, SINCE] < np.log(how.fast_s)) & (labels > 0.5)] *= how.fast
    x, y = torch.from_numpy((features - mean) / spread), torch.from_numpy(labels)
    weight = torch.from_numpy(counts.astype(np.float32))
    torch.manual_seed(0)
    layers: list[torch.nn.Module] = []
    sizes = (features.shape[1], *how.hidden, 1)
    for inputs, outputs in pairwise(sizes):
        layers += [torch.nn.Linear(inputs, outputs), torch.nn.Tanh()]
    net = torch.nn.Sequential(*layers[:-1])
    optimizer = torch.optim.AdamW(net.parameters(), lr=PEAK_RATE, weight_decay=DECAY)
    steps = how.epochs * -(-len(y) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_RATE, total_steps=steps)
    for epoch in range(how.epochs):
        total = 0.0
        for batch in torch.split(torch.randperm(len(y)), BATCH):
            loss = torch.nn.functional.binary_cross_entropy_with_logits(
                net(x[batch])[:, 0], y[batch], weight=weight[batch]
            )
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
            schedule.step()
            total += float(loss.detach()) * len(batch)
        print(f"epoch {epoch}: loss {total / len(y):.5f}", file=sys.stderr, flush=True)
    found = []
    for i, layer in enumerate(m for m in net if isinstance(m, torch.nn.Linear)):
        matrix = layer.weight.detach().numpy().astype(np.float64)
        bias = layer.bias.detach().numpy().astype(np.float64)
        if i == 0:
            bias = bias - matrix @ (mean / spread)
            matrix = matrix / spread
        found.append((matrix, bias))
    return tuple(found)
