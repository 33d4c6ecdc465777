"""Show the layers and the origin of the QRS detector's networks.

    python -m tools.train.weights              the shipped ones
    python -m tools.train.weights FILE.npz     those of a fit

The fits :mod:`tools.train.qrs` and :mod:`tools.train.deferred` write the file with :func:`write`.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import wfdb

from monitor.errors import MonitorError
from monitor.score import RECORD_SETS
from monitor.stages.detect import networks
from monitor.stages.detect.networks import Layers, Weights
from tools.commands import parser_of, run

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = Path(networks.__file__).with_name(networks.FILE)


def read(path: Path) -> dict[str, Weights]:
    """Read the networks of a file.

    Raises
    ------
    MonitorError
        If it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return networks.read(file)
    except (OSError, ValueError, KeyError) as error:
        raise MonitorError(f"cannot read weights {path}: {error}") from error


def write(path: Path, name: str, layers: Layers, provenance: dict[str, Any]) -> None:
    """Write a network to a file of weights; a new file gets the other networks as shipped.

    Parameters
    ----------
    path
        The file; the same weights and provenance give the same bytes.
    name
        ``qrs`` or ``deferred``.
    layers
        Its weights.
    provenance
        Their origin; name and number of layers are added.
    """
    networks = read(path if path.exists() else SHIPPED)
    told = {"network": name, "layers": len(layers), **provenance}
    networks[name] = Weights(layers, told)
    arrays: dict[str, Any] = {
        "provenance": np.array([json.dumps(n.provenance) for n in networks.values()])
    }
    for key, network in networks.items():
        for k, (matrix, offsets) in enumerate(network.layers):
            arrays[f"{key}.{k}.matrix"], arrays[f"{key}.{k}.offsets"] = matrix, offsets
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        np.savez(file, **arrays)
    part.replace(path)


def provenance(command: str, seeds: Sequence[int], data_sha256: str) -> dict[str, Any]:
    """Describe the origin of the weights of a fit that ends now; see :func:`write`."""
    commit = _git("rev-parse", "HEAD") or "unknown"
    return {
        "command": command,
        "commit": commit + (" with changes" if _git("status", "--porcelain") else ""),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "seeds": list(seeds),
        "data": "mitdb (DS1), nstdb (bw, ma), vfdb, cinc2015",
        "data_sha256": data_sha256,
    }


def _git(*words: str) -> str:
    """Run git on this checkout; empty if it fails."""
    command = ["git", "-C", str(ROOT), *words]
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def data_digest(data: Path) -> str:
    """Compute SHA-256 over all files the fits read: DS1, two noise records, vfdb, CinC 2015.

    Parameters
    ----------
    data
        Folder with ``mitdb``, ``nstdb``, ``vfdb`` and ``cinc2015``.

    Raises
    ------
    MonitorError
        If a file is missing.
    """
    total = hashlib.sha256()
    for name in _names(data):
        try:
            found = hashlib.sha256((data / name).read_bytes()).hexdigest()
        except OSError as error:
            raise MonitorError(f"the fit needs {data / name}: {error.strerror}") from error
        total.update(f"{name} {found}\n".encode())
    return total.hexdigest()


def _names(data: Path) -> Iterator[str]:
    """List the files that the fits read; of vfdb and CinC 2015 all records."""
    for record in RECORD_SETS["ds1"]:
        yield from (f"mitdb/{record}.{kind}" for kind in ("hea", "dat", "atr"))
    for noise in ("bw", "ma"):
        yield from (f"nstdb/{noise}.{kind}" for kind in ("hea", "dat"))
    for database in ("vfdb", "cinc2015"):
        headers = sorted((data / database).glob("*.hea"))
        if not headers:
            raise MonitorError(f"the fit needs the records of {data / database}: there are none")
        for header in headers:
            signals = dict.fromkeys(wfdb.rdheader(str(header.with_suffix(""))).file_name)
            yield from (f"{database}/{name}" for name in (header.name, *signals))


def fit_arguments(description: str, argv: Sequence[str] | None, prog: str) -> argparse.Namespace:
    """Read the command line of a fit: ``data``, ``out``, ``workers``."""
    parser = parser_of(prog, description)
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with mitdb/, nstdb/, vfdb/, cinc2015/"
    )
    parser.add_argument(
        "--out", type=Path, default=SHIPPED, help="file of weights (default: the shipped one)"
    )
    parser.add_argument("--workers", type=int, default=1)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = parser_of("train.weights", __doc__)
    parser.add_argument("file", type=Path, nargs="?", default=SHIPPED)
    args = parser.parse_args(argv)
    for name, network in read(args.file).items():
        sizes = [network.layers[0][0].shape[1], *(len(offsets) for _, offsets in network.layers)]
        print(f"{name}: {' - '.join(map(str, sizes))} units")
        for key, value in network.provenance.items():
            if key not in ("network", "layers"):
                print(f"  {key:12} {value}")
    return 0


if __name__ == "__main__":
    sys.exit(run(main, "weights"))
