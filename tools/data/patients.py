"""Which patients the label network learns from, and the streams made of each.

Three databases, each patient in one place only: DS1 of the MIT-BIH Arrhythmia Database, the
MIT-BIH Supraventricular Arrhythmia Database, and the MIT-BIH Malignant Ventricular Ectopy
Database. The last one has rhythms annotated, not beats: see :func:`tools.data.own_beats.weak`.

A patient is named by database and record, ``svdb/800``.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from rich.progress import Progress

from monitor.models.manifest import Manifest
from tools.data.beats import DS1, NOISES, Beats, cached
from tools.data.own_beats import FOUND, cached_found, weak

STREAMS = {
    "mitdb": ("clean", "rough", "rough-2", "mixed-1", "step-3", "vt-1", "motion"),
    "svdb": ("clean", "rough", "mixed-1", "step-3", "vt-1"),
    "vfdb": (FOUND,),
}  # fmt: skip
"""Of each patient of a database."""


def patients(folder: Path, databases: Sequence[str] = tuple(STREAMS)) -> list[str]:
    """Name the patients at hand of some databases, those of MIT-BIH from DS1 alone."""
    found = []
    for database in databases:
        records = sorted(path.stem for path in (folder / database).glob("*.hea"))
        if database == "mitdb":
            records = [record for record in records if record in DS1]
        found += [f"{database}/{record}" for record in records]
    return found


def databases_of(names: Sequence[str]) -> list[str]:
    """Give the databases of some patients, in the order of :data:`STREAMS`."""
    held = {name.split("/")[0] for name in names}
    return [database for database in STREAMS if database in held]


def stream(folder: Path, patient: str, kind: str, manifest: Manifest, work: Path) -> Beats:
    """Build one stream of a patient, or take it from the folder ``work``."""
    if kind == FOUND:
        return weak(folder, patient, cached_found(folder, patient, manifest, work), manifest)
    return cached(folder, patient, kind, manifest, work)


def training(folder: Path, names: Sequence[str], manifest: Manifest, work: Path) -> Iterator[Beats]:
    """Give all streams of some patients, one after the other."""
    wanted = [(name, kind) for name in names for kind in STREAMS[name.split("/")[0]]]
    with Progress(disable=not sys.stderr.isatty()) as progress:
        for name, kind in progress.track(wanted, description="building beats"):
            yield stream(folder, name, kind, manifest, work)


def folds(names: Sequence[str], count: int, seed: int = 1) -> list[list[str]]:
    """Deal patients out to folds, each database evenly; a person of two records stays whole."""
    dealt: list[list[str]] = [[] for _ in range(count)]
    at = 0
    for database in databases_of(names):
        own = [name for name in names if name.startswith(f"{database}/")]
        for index in np.random.default_rng(seed).permutation(len(own)).tolist():
            dealt[at % count].append(own[index])
            at += 1
    return [sorted(fold) for fold in dealt]


def data_sha256(folder: Path, names: Sequence[str]) -> str:
    """Hash every file that goes into training: records, annotations, recorded noise."""
    paths = [folder / f"{name}.{end}" for name in names for end in ("hea", "dat", "atr")]
    paths += [folder / "nstdb" / f"{name}.{end}" for name in NOISES for end in ("hea", "dat")]
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()
