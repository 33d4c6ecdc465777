"""Which patients the label network learns from, and the streams made of each.

Two databases, each patient in one place only: DS1 of the MIT-BIH Arrhythmia Database and the
MIT-BIH Supraventricular Arrhythmia Database. A patient is named by database and record,
``svdb/800``.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.progress import Progress

from monitor.models.manifest import Manifest
from tools.data.beats import DS1, NOISES, Beats, cached

STREAMS = {
    "mitdb": ("clean", "rough", "rough-2", "af", "pac-1", "sick", "sinus", "mixed-1", "mixed-2",
              "step-3", "motion"),
    "svdb": ("clean", "rough", "mixed-1", "step-3"),
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


def training(folder: Path, names: Sequence[str], manifest: Manifest, work: Path) -> Iterator[Beats]:
    """Give all streams of some patients, one after the other."""
    wanted = [(name, kind) for name in names for kind in STREAMS[name.split("/")[0]]]
    with Progress(disable=not sys.stderr.isatty()) as progress:
        for name, kind in progress.track(wanted, description="building beats"):
            yield cached(folder, name, kind, manifest, work)


def data_sha256(folder: Path, names: Sequence[str]) -> str:
    """Hash every file that goes into training: records, annotations, recorded noise."""
    paths = [folder / f"{name}.{end}" for name in names for end in ("hea", "dat", "atr")]
    paths += [folder / "nstdb" / f"{name}.{end}" for name in NOISES for end in ("hea", "dat")]
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()
