"""Train the model that labels beats, ``aami``, and ship it.

    python -m tools.train.labels                   train, write models/aami.pt and its hash
    python -m tools.train.labels --seed 2 --keep   another seed, not shipped: build/beats/
    python -m tools.evaluate strangers labels      the same settings, on patients left out
    python -m tools.evaluate.labels --write        measure on DS2, write the card

It learns from the patients of :mod:`tools.data.patients`: DS1 and SVDB. Every setting stands below
or in :mod:`tools.train.label_set`, once. Recordings are found by ``--data`` or the variable
ECG_MONITOR_DATA; built beats and checkpoints are kept under ``--work`` and an interrupted
run goes on from its last epoch. One thread, fixed seeds.
"""

from __future__ import annotations

import math
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import Progress
from torch import nn

from monitor.models.bundle import save_bundle
from monitor.models.manifest import Manifest
from monitor.models.networks import CnnBiLstm
from monitor.stages.context import FEATURES
from tools.commands import parser_of, run
from tools.data.beats import Beats, cached, data_folder, data_sha256
from tools.data.patients import described, patients
from tools.train.checkpoint import identity, load, save
from tools.train.label_set import (
    CAPS,
    FLIP,
    GAIN,
    HELD,
    LEAD_DROP,
    RR_NOISE,
    SHIFT,
    Set,
    draw,
    gather,
    thinned,
    vary,
)
from tools.train.ship import at_least, ship

# --- settings of the model ``aami`` ------------------------------------------------------
MANIFEST = Manifest(
    name="aami",
    before_s=0.704,  # a P wave and the end of the previous T wave
    channels=("beat", "template"),  # after the R peak 0.792 s: a label within 1 s at 72 bpm
    features=FEATURES,
    leads=2,
    licence="MIT (weights); trained on data under ODC-By 1.0",
)
STREAMS = {  # of a patient of each database
    "mitdb": ("clean", "rough", "rough-2", "mixed-1", "step-3", "motion"),
    "svdb": ("clean", "rough", "mixed-1", "step-3"),
}
WIDTH = 32
EPOCHS = 3
BATCH = 256
RATE = 2e-3  # of AdamW, one cycle
WEIGHT_DECAY = 0.02
DROPOUT = 0.3
WEIGHTS = (1.0, 1.0, 1.0, 1.5, 0.5)  # of the classes in the loss
SMOOTHING = 0.05  # of the labels
AVERAGE = 0.995  # decay of the running mean of the weights, which is what is shipped
FEATURE_DROP = 0.05  # share of features set to their mean
# Added to the logits, by cross-validation over the patients of both databases: the training draws
# S and V more often than they are. Macro F1 is highest for S at -0.5 to -0.75 and V at -1.5.
BIAS = (0.0, -0.5, -1.5, 0.0, -2.0)
# Odds that F must have over V, for caps and weights show the network F more often than it is: of
# 1, 1.5, 2, 2.5, 3, 4 and 6 the one by which the labels of DS1 are likeliest, over five seeds.
F_ODDS = 2.0
SEED = 1
# ------------------------------------------------------------------------------------------


def built(folder: Path, names: Sequence[str], work: Path) -> Iterator[Beats]:
    """Build all streams of some patients, or take them from the folder ``work``."""
    wanted = [(name, stream) for name in names for stream in STREAMS[name.split("/")[0]]]
    with Progress(disable=not sys.stderr.isatty()) as progress:
        for name, stream in progress.track(wanted, description="building beats"):
            yield cached(folder, name, stream, MANIFEST, work)


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
        *(AVERAGE, FLIP, SHIFT, GAIN, RR_NOISE, FEATURE_DROP, LEAD_DROP, HELD),
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


def train(folder: Path, names: Sequence[str], work: Path, seed: int, title: str) -> CnnBiLstm:
    """Train the network on some patients, ready to label with.

    Parameters
    ----------
    folder
        With the databases.
    names
        Of the patients, as :func:`tools.data.patients.patients` gives them.
    work
        Here built beats are kept, and the state after each epoch, under the ``title``.
    seed
        Of all that is drawn.
    title
        Shown while it trains.
    """
    rng = np.random.default_rng(seed)
    beats = gather([thinned(part, rng) for part in built(folder, names, work)])
    checkpoint = work / f"{title.replace(' ', '-')}-{seed}.ckpt"
    return settle(fit(beats, MANIFEST, seed, title, checkpoint))


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
    parser.add_argument("--data", type=Path, help="folder with mitdb/, svdb/ and nstdb/")
    parser.add_argument("--work", type=Path, default=Path("build/beats"), help="cache folder")
    parser.add_argument("--seed", type=at_least(0), default=SEED)
    parser.add_argument("--keep", action="store_true", help="keep it in the cache folder only")
    args = parser.parse_args(argv)
    warnings.filterwarnings("ignore", message=".*torch.jit.*")
    folder = data_folder(args.data)
    args.work.mkdir(parents=True, exist_ok=True)
    names = patients(folder)
    net = train(folder, names, args.work, args.seed, MANIFEST.name)
    parameters = sum(p.numel() for p in net.parameters())
    net = net.streamlined()
    manifest = replace(
        MANIFEST,
        data=described(names),
        seed=args.seed,
        command=f"python -m tools.train.labels --seed {args.seed}",
        data_sha256=data_sha256(folder, names),
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
