"""Train the model that labels beats, ``aami``, and ship it.

    python -m tools.train.labels                   train on DS1, write models/aami.pt and its hash
    python -m tools.train.labels --seed 2 --keep   another seed, not shipped: build/beats/
    python -m tools.evaluate strangers labels      the same settings, on patients left out
    python -m tools.evaluate.labels --write        measure on DS2, write the card

Every setting stands below, once. Recordings are found by ``--data`` or the variable
ECG_MONITOR_DATA; built beats and checkpoints are kept under ``--work`` and an interrupted
run goes on from its last epoch. One thread, fixed seeds.

This file is long because it is the whole recipe of the model: streams, caps and shipping.
"""

from __future__ import annotations

import math
import sys
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import Progress
from torch import Tensor, nn

from monitor.models.bundle import save_bundle
from monitor.models.manifest import Manifest
from monitor.models.networks import CnnBiLstm
from monitor.stages.context import FEATURES
from tools.commands import parser_of, run
from tools.data.beats import DS1, Beats, cached, data_folder, data_sha256
from tools.train.checkpoint import identity, load, save
from tools.train.ship import at_least, ship

# --- settings of the model ``aami`` ------------------------------------------------------
MANIFEST = Manifest(
    name="aami",
    before_s=0.704,  # a P wave and the end of the previous T wave
    channels=("beat", "template"),  # after the R peak 0.792 s: a label within 1 s at 72 bpm
    features=FEATURES,
    leads=2,
    data="MIT-BIH Arrhythmia Database, DS1 (22 patients), leads MLII and second, ODC-By 1.0",
    licence="MIT (weights); trained on data under ODC-By 1.0",
)
STREAMS = ("clean", "rough", "rough-2", "af", "pac-1", "sick", "sinus", "mixed-1", "mixed-2",
           "step-3", "motion")  # fmt: skip
WIDTH = 32
EPOCHS = 6
BATCH = 256
RATE = 2e-3  # of AdamW, one cycle
WEIGHT_DECAY = 0.02
DROPOUT = 0.3
CAPS = (300, 150, 200, 200, 10)  # beats of a class drawn per record stream and epoch
WEIGHTS = (1.0, 1.0, 1.0, 1.5, 0.5)  # of the classes in the loss
SMOOTHING = 0.05  # of the labels
AVERAGE = 0.995  # decay of the running mean of the weights, which is what is shipped
FLIP = 0.2  # share of beats turned upside down
SHIFT = 2  # samples by which a beat is moved, each way
GAIN = 0.1  # deviation of the log gain of a beat against its template
RR_NOISE = 0.02  # deviation of what is added to the log RR features
FEATURE_DROP = 0.05  # share of features set to their mean
LEAD_DROP = 0.2  # share of beats of which one lead is taken away, either
# Added to the logits, by cross-validation; of V, for which less is better the more noise there
# is and as good without, the least that finds one VT (CinC 2015, v729l).
BIAS = (0.0, 0.0, 0.2, 0.0, -2.0)
# Odds that F must have over V, for caps and weights show the network F more often than it is: of
# 1, 1.5, 2, 2.5, 3, 4 and 6 the one by which the labels of DS1 are likeliest, over five seeds.
F_ODDS = 2.0
SEED = 1
# ------------------------------------------------------------------------------------------
RR_RATIOS = ("rr", "rr_long", "rr_q90", "rr_med8", "rr_med64", "rr_prev", "prev_long", "prev2_long",
             "rr_usual_q90", "rr_usual_med32")  # fmt: skip
RR_COLUMNS = [FEATURES.index(name) for name in RR_RATIOS]


@dataclass(frozen=True, slots=True)
class Set:
    """All training beats: inputs, labels, and the stream each comes from."""

    signal: Tensor
    features: Tensor
    label: Tensor
    stream: NDArray[np.int64]


def built(folder: Path, records: Sequence[str], work: Path) -> list[Beats]:
    """Build the beats of all streams of some records, or take them from the folder ``work``."""
    wanted = [(record, stream) for stream in STREAMS for record in records]
    with Progress(disable=not sys.stderr.isatty()) as progress:
        return [
            cached(folder, record, stream, MANIFEST, work)
            for record, stream in progress.track(wanted, description="building beats")
        ]


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


def make_network(beats: Set, manifest: Manifest) -> CnnBiLstm:
    """Make an untrained network with the feature statistics of its training beats."""
    channels, count = len(manifest.channels), len(manifest.features)
    net = CnnBiLstm(channels, count, WIDTH, DROPOUT, manifest.leads)
    if manifest.features:
        features = beats.features.reshape(-1, count)
        low, mid, high = torch.quantile(
            features[:: max(1, len(features) // 50000)].double(),
            torch.tensor([0.1, 0.5, 0.9], dtype=torch.float64),
            dim=0,
        )
        spread = torch.clamp((high - low) / 2.56, min=0.02)
        net.feature_mean.copy_(mid)
        net.feature_scale.copy_(1.0 / spread)
    return net


def fit(
    beats: Set, manifest: Manifest, seed: int, title: str, checkpoint: Path | None = None
) -> CnnBiLstm:
    """Train a network; the result has the running mean of the weights."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    net = make_network(beats, manifest)
    averaging = torch.optim.swa_utils.get_ema_multi_avg_fn(AVERAGE)  # type: ignore[no-untyped-call]
    mean = torch.optim.swa_utils.AveragedModel(net, multi_avg_fn=averaging, use_buffers=True)
    steps = len(draw(beats, np.random.default_rng(0))) // BATCH
    optimizer = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, RATE, total_steps=EPOCHS * steps + 1, pct_start=0.2
    )
    lossy = nn.CrossEntropyLoss(torch.tensor(WEIGHTS), label_smoothing=SMOOTHING)
    parts = {"net": net, "mean": mean, "optimizer": optimizer, "schedule": schedule}
    training = identity(
        (beats.signal, beats.features, beats.label, beats.stream),
        *(seed, EPOCHS, BATCH, RATE, WEIGHT_DECAY, WIDTH, DROPOUT, CAPS, WEIGHTS, SMOOTHING),
        *(AVERAGE, FLIP, SHIFT, GAIN, RR_NOISE, FEATURE_DROP, LEAD_DROP),
    )
    begin = 0
    state = load(checkpoint, training)
    if state is not None:
        begin = int(state["epoch"])
        for name, part in parts.items():
            part.load_state_dict(state[name])  # type: ignore[attr-defined]
        torch.set_rng_state(state["random"])  # of dropout
    with Progress(disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task(title, total=EPOCHS * steps, completed=begin * steps)
        for epoch in range(begin, EPOCHS):
            started = time.monotonic()
            rng = np.random.default_rng((seed, epoch))
            generator = torch.Generator().manual_seed(seed * 1000 + epoch)
            order = torch.from_numpy(draw(beats, rng))
            net.train()
            total = 0.0
            for step in range(steps):
                rows = order[step * BATCH : (step + 1) * BATCH]
                signal, features = vary(
                    beats.signal[rows], beats.features[rows], manifest.leads, generator
                )
                if features.shape[1]:
                    gone = torch.rand(features.shape, generator=generator) < FEATURE_DROP
                    usual = net.feature_mean.repeat(manifest.leads)
                    features = torch.where(gone, usual, features)
                alone, known, together = net.opinions(signal, features)
                label = beats.label[rows]
                there = known[:, :, 0] > 0
                loss = lossy(alone[there], label[:, None].expand(-1, manifest.leads)[there])
                if manifest.leads > 1:
                    loss = (loss + lossy(together, label)) / 2
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(net.parameters(), 1.0)
                optimizer.step()
                schedule.step()
                mean.update_parameters(net)
                total += loss.item()
                progress.advance(task)
            print(f"{title}: epoch {epoch + 1}/{EPOCHS}, loss {total / steps:.4f}, "
                  f"{time.monotonic() - started:.0f} s", flush=True)  # fmt: skip
            if checkpoint is not None:
                state = {name: part.state_dict() for name, part in parts.items()}  # type: ignore[attr-defined]
                state |= {"epoch": epoch + 1, "random": torch.get_rng_state()}
                save(checkpoint, training, state)
    result = cast(CnnBiLstm, mean.module)
    result.eval()
    return result


def settle(net: CnnBiLstm) -> CnnBiLstm:
    """Set what is not learned of a trained network: how it decides between classes."""
    net.bias.copy_(torch.tensor(BIAS))
    net.f_log_odds = math.log(F_ODDS)
    return net


def train(folder: Path, records: Sequence[str], work: Path, seed: int, title: str) -> CnnBiLstm:
    """Train the network on some records, ready to label with.

    Parameters
    ----------
    folder
        With the databases.
    records
        Of DS1 by their number, of others as ``svdb/800``.
    work
        Here built beats are kept, and the state after each epoch, under the ``title``.
    seed
        Of all that is drawn.
    title
        Shown while it trains.
    """
    beats = gather(built(folder, records, work))
    return settle(
        fit(beats, MANIFEST, seed, title, work / f"{title.replace(' ', '-')}-{seed}.ckpt")
    )


def logits(
    net: nn.Module, signal: NDArray[np.float32], features: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Run a network over the inputs of many beats, (n, rows, length) and (n, features)."""
    part = 1024
    with torch.inference_mode():
        out = [
            net(torch.from_numpy(signal[k : k + part]), torch.from_numpy(features[k : k + part]))
            for k in range(0, len(signal), part)
        ]
    return torch.cat(out).numpy() if out else np.zeros((0, len(MANIFEST.classes)), np.float32)


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = parser_of("train.labels", __doc__)
    parser.add_argument("--data", type=Path, help="folder with mitdb/ and nstdb/")
    parser.add_argument("--work", type=Path, default=Path("build/beats"), help="cache folder")
    parser.add_argument("--seed", type=at_least(0), default=SEED)
    parser.add_argument("--keep", action="store_true", help="keep it in the cache folder only")
    args = parser.parse_args(argv)
    warnings.filterwarnings("ignore", message=".*torch.jit.*")
    folder = data_folder(args.data)
    args.work.mkdir(parents=True, exist_ok=True)
    net = train(folder, DS1, args.work, args.seed, MANIFEST.name)
    parameters = sum(p.numel() for p in net.parameters())
    net = net.streamlined()
    manifest = replace(
        MANIFEST,
        seed=args.seed,
        command=f"python -m tools.train.labels --seed {args.seed}",
        data_sha256=data_sha256(folder, DS1),
        metrics={"parameters": parameters},
    )
    if args.keep:
        path = args.work / f"{MANIFEST.name}-{args.seed}.pt"
        save_bundle(net, manifest, path)
        print(f"kept {path}")
    else:
        ship(net, manifest)
    return 0


if __name__ == "__main__":
    sys.exit(run(main, "labels"))
