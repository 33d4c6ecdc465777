"""Train the models that see one beat window alone: ``kaggle5``, ``cnn``, ``lstm`` and others.

    python -m tools.train.beats kaggle5                      train and ship models/kaggle5.pt
    python -m tools.train.beats kaggle5 --rounds 16 --keep   train; the bundle stays under --work
    python -m tools.train.beats ptb-mi --download            fetch PTB, train and ship, by patient
    python -m tools.train.beats ptb-mi --by-beat --keep      split at random, as in most papers
    python -m tools.evaluate.beats kaggle5                   measure on the test part

The beats and their split are those of :mod:`tools.data.beat_sets`. Every setting stands below,
once. An interrupted run goes on from its last round. One thread, fixed seeds.

This file is long because it is the whole recipe of these models in one place.
"""

from __future__ import annotations

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

from monitor.errors import MonitorError
from monitor.models.beat_networks import BeatCnn, BeatCnnBiLstm, BeatLstm
from monitor.models.bundle import save_bundle
from monitor.models.manifest import Manifest
from tools.commands import parser_of, run
from tools.confusion import Confusion
from tools.data import ptbdb
from tools.data.beat_sets import SETS, BeatSet, published, standardise
from tools.data.beats import data_folder, given_folder
from tools.data.kachuee import CLASSES, SYMBOLS
from tools.train.checkpoint import identity, load, save
from tools.train.ship import at_least, ship

# --- settings -----------------------------------------------------------------------------
ROUNDS = 16  # passes over a drawn part of the training beats; of the comparison
ROUNDS_SHIPPED = 32  # ... of the shipped five-class model
DRAW = (30000, 4446, 5788, 1923, 3000)  # beats of N, S, V, F, Q in each, with repetition if need be
DRAW_TWO = (24000, 16000)  # the same of normal and abnormal
DRAW_PTB = (15000, 25000)  # ... of healthy and infarction
BATCH = 128
RATE = 3e-3  # of AdamW, one cycle
WEIGHT_DECAY = 0.02
SMOOTHING = 0.02  # of the labels
AVERAGE = 0.998  # decay of the running mean of the weights, which is what is shipped
SHIFT = 1  # samples by which a beat is moved, each way
NOISE = 0.01  # largest deviation of white noise added to a beat of height 1
LENGTH = 188  # of the input; the published rows have 187 samples
WIDTH = 64
DROPOUT = 0.2
SEED = 1
# ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Recipe:
    """The settings that differ between the models.

    Parameters
    ----------
    network
        Class of the network.
    classes
        Names of its outputs.
    scaling
        Of each beat: ``minmax`` or ``zscore`` (over the beat without its padding).
    draw
        Beats of each class in a round.
    rounds
        Of training, unless told otherwise.
    """

    network: type[BeatCnn] | type[BeatCnnBiLstm] | type[BeatLstm]
    classes: tuple[str, ...]
    scaling: str
    draw: tuple[int, ...]
    rounds: int


RECIPES = {
    "kaggle5": Recipe(BeatCnnBiLstm, tuple(CLASSES), "minmax", DRAW, ROUNDS_SHIPPED),
    "cnn": Recipe(BeatCnn, tuple(CLASSES), "minmax", DRAW, ROUNDS),
    "lstm": Recipe(BeatLstm, tuple(CLASSES), "minmax", DRAW, ROUNDS),
    "normal-abnormal": Recipe(BeatCnn, ("normal", "abnormal"), "zscore", DRAW_TWO, ROUNDS),
    "ptb-mi": Recipe(BeatCnnBiLstm, ("healthy", "infarction"), "minmax", DRAW_PTB, ROUNDS),
}
"""The models; their beats are :data:`tools.data.beat_sets.SETS`."""


def inputs(signal: NDArray[np.float32], recipe: Recipe) -> Tensor:
    """Make network inputs (n, 1, 188) of rows (n, 187)."""
    scaled = standardise(signal) if recipe.scaling == "zscore" else signal
    return torch.from_numpy(np.pad(scaled, ((0, 0), (0, LENGTH - scaled.shape[1]))))[:, None]


def draw(
    label: NDArray[np.int64], counts: tuple[int, ...], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Choose the beats of one round: so many of each class, none twice before all were taken."""
    chosen = []
    for k, count in enumerate(counts):
        of_class = np.flatnonzero(label == k)
        times, rest = divmod(count, len(of_class))
        chosen += [of_class] * times + [rng.choice(of_class, rest, replace=False)]
    return rng.permutation(np.concatenate(chosen))


def vary(signal: Tensor, generator: torch.Generator) -> Tensor:
    """Augment a batch (n, 1, length): shift and noise; padding stays zero."""
    count, _, length = signal.shape
    shift = torch.randint(-SHIFT, SHIFT + 1, (count, 1), generator=generator)
    index = (torch.arange(length)[None] + shift).clamp(0, length - 1)
    moved = signal[:, 0].gather(1, index)
    level = NOISE * torch.rand(count, 1, generator=generator)
    noise = torch.randn(count, length, generator=generator) * level
    return (moved + noise * (moved != 0))[:, None]


def prior_shift(label: NDArray[np.int64], counts: tuple[int, ...]) -> Tensor:
    """Give what to add to logits so that they mean the shares of ``label``, not of ``counts``."""
    share = np.bincount(label, minlength=len(counts)) / len(label)
    return torch.from_numpy(np.log(share) - np.log(np.array(counts) / sum(counts))).float()


def make_network(recipe: Recipe) -> nn.Module:
    """Make the untrained network of a recipe."""
    return recipe.network(len(recipe.classes), WIDTH, DROPOUT)


def fit(
    signal: Tensor,
    label: NDArray[np.int64],
    recipe: Recipe,
    seed: int,
    title: str,
    rounds: int,
    checkpoint: Path | None = None,
) -> nn.Module:
    """Train a network; the result has the running mean of the weights and the true priors."""
    for k, name in enumerate(recipe.classes):
        if not (label == k).any():
            raise MonitorError(f"there are no beats of class {name} to train on")
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    net = make_network(recipe)
    averaging = torch.optim.swa_utils.get_ema_multi_avg_fn(AVERAGE)  # type: ignore[no-untyped-call]
    mean = torch.optim.swa_utils.AveragedModel(net, multi_avg_fn=averaging, use_buffers=True)
    steps = sum(recipe.draw) // BATCH
    optimizer = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, RATE, total_steps=rounds * steps + 1, pct_start=0.15
    )
    lossy = nn.CrossEntropyLoss(label_smoothing=SMOOTHING)
    target = torch.from_numpy(label)
    parts = {"net": net, "mean": mean, "optimizer": optimizer, "schedule": schedule}
    training = identity(
        (signal, label),
        *(recipe, seed, rounds, BATCH, RATE, WEIGHT_DECAY, SMOOTHING, AVERAGE, SHIFT, NOISE),
        *(WIDTH, DROPOUT),
    )
    begin = 0
    state = load(checkpoint, training)
    if state is not None:
        begin = int(state["round"])
        for name, part in parts.items():
            part.load_state_dict(state[name])  # type: ignore[attr-defined]
    with Progress(disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task(title, total=rounds * steps, completed=begin * steps)
        for turn in range(begin, rounds):
            started = time.monotonic()
            torch.manual_seed(seed * 1000 + turn)  # dropout, also after an interruption
            generator = torch.Generator().manual_seed(seed * 1000 + turn)
            order = torch.from_numpy(draw(label, recipe.draw, np.random.default_rng((seed, turn))))
            net.train()
            total = 0.0
            for step in range(steps):
                rows = order[step * BATCH : (step + 1) * BATCH]
                loss = lossy(net(vary(signal[rows], generator)), target[rows])
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(net.parameters(), 1.0)
                optimizer.step()
                schedule.step()
                mean.update_parameters(net)
                total += loss.item()
                progress.advance(task)
            print(
                f"{title}: round {turn + 1}/{rounds}, loss {total / steps:.4f}, "
                f"{time.monotonic() - started:.0f} s",
                flush=True,
            )
            if checkpoint is not None:
                state = {name: part.state_dict() for name, part in parts.items()}  # type: ignore[attr-defined]
                save(checkpoint, training, {"round": turn + 1, **state})
    result = mean.module
    last = cast(nn.Linear, cast(nn.Sequential, result.classify)[-1])
    with torch.no_grad():
        last.bias.add_(prior_shift(label, recipe.draw))
    return result.eval()


def make_manifest(name: str, beats: BeatSet, command: str, seed: int) -> Manifest:
    """Describe a model: what it takes, gives and was made from."""
    recipe = RECIPES[name]
    five = recipe.classes == tuple(CLASSES)
    return Manifest(
        name=name,
        before_s=0.0,
        classes=recipe.classes,
        label_set="aami" if five else "own",
        label_map=dict(SYMBOLS) if five else {},
        rate_hz=120.0,  # of the published rows: every third sample of 360 Hz
        length=LENGTH,
        pad=LENGTH - beats.signal.shape[1],
        scaling=recipe.scaling,
        window="to_next",
        following_rr=1.2,
        following_cap_s=1.6,
        data=f"{beats.data}; training part of {len(beats.train)} beats, split {beats.split}",
        data_sha256=beats.sha256(),
        command=command,
        seed=seed,
        licence="MIT (weights); trained on data under ODC-By 1.0",
    )


def measured(
    net: nn.Module, beats: BeatSet, recipe: Recipe, rounds: int
) -> dict[str, float | int | str]:
    """Give the figures that go into the manifest, of the test part."""
    signal, truth = inputs(beats.signal[beats.test], recipe), beats.label[beats.test]
    with torch.inference_mode():
        parts = [net(signal[k : k + 1024]) for k in range(0, len(signal), 1024)]
    found = torch.cat(parts).argmax(1).numpy()
    result = Confusion.of(truth, found, recipe.classes)
    print("\n".join(result.table()), flush=True)
    return {
        "split": beats.split.split(":")[0].split(",")[0],
        "test_beats": len(truth),
        "accuracy": round(result.accuracy, 4),
        "macro_f1": round(result.macro_f1, 4),
        "weighted_f1": round(result.weighted_f1, 4),
        "parameters": sum(p.numel() for p in net.parameters()),
        "rounds": rounds,
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = parser_of("train.beats", __doc__)
    parser.add_argument("model", choices=sorted(RECIPES))
    parser.add_argument("--data", type=Path, help="folder with mitdb/ (and ptbdb/)")
    parser.add_argument("--work", type=Path, default=Path("build/beats"), help="cache folder")
    parser.add_argument("--seed", type=at_least(0), default=SEED)
    parser.add_argument(
        "--rounds", type=at_least(1), help="of training; default: that of the model"
    )
    parser.add_argument("--by-beat", action="store_true", help="ptb-mi: split at random by beat")
    parser.add_argument("--csv", action="store_true", help="from kaggle/mitbih_*.csv as split")
    parser.add_argument("--download", action="store_true", help="ptb-mi: fetch ptbdb first")
    parser.add_argument("--keep", action="store_true", help="do not ship; bundle under --work")
    args = parser.parse_args(argv)
    recipe = RECIPES[args.model]
    rounds = args.rounds or recipe.rounds
    ptb = args.model == "ptb-mi"
    if args.csv and recipe.classes != tuple(CLASSES):
        parser.error("--csv is for the models of five classes")
    if (args.by_beat or args.download) and not ptb:
        parser.error("--by-beat and --download are for ptb-mi")
    warnings.filterwarnings("ignore", message=".*torch.jit.*")
    folder = given_folder(args.data) if ptb or args.csv else data_folder(args.data)
    if args.download:
        ptbdb.download(folder / "ptbdb")
    args.work.mkdir(parents=True, exist_ok=True)
    beats = published(folder) if args.csv else SETS[args.model](folder, args.work, not args.by_beat)
    print(f"{args.model}: {beats.data}; split {beats.split}", flush=True)
    for line in beats.left_out:
        print(f"  left out: {line}", flush=True)
    suffix = ("-by-beat" if args.by_beat else "") + ("-csv" if args.csv else "")
    net = fit(
        inputs(beats.signal[beats.train], recipe),
        beats.label[beats.train],
        recipe,
        args.seed,
        args.model,
        rounds,
        args.work / f"{args.model}{suffix}-{args.seed}-{rounds}.ckpt",
    )
    command = f"python -m tools.train.beats {args.model} --seed {args.seed} --rounds {rounds}"
    for option in ("by_beat", "csv", "keep"):
        command += f" --{option.replace('_', '-')}" if getattr(args, option) else ""
    manifest = make_manifest(args.model, beats, command, args.seed)
    manifest = replace(manifest, metrics=measured(net, beats, recipe, rounds))
    if args.keep:
        path = args.work / f"{args.model}{suffix}-{rounds}.pt"
        save_bundle(net, manifest, path)
        print(f"kept {path}")
    else:
        ship(net, manifest)
    return 0


if __name__ == "__main__":
    sys.exit(run(main, "beats"))
