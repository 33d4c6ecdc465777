"""Where the shipped weights of the QRS detector come from, and how to fit them again.

Rules that hold here:

1. The judge, and the second network for what is in doubt, are fitted on evidence that the detector
   itself collects, so their weights belong to one state of the detector: a commit.
2. They are fitted again by the tool of that commit, taken out of the history into a folder of
   its own: seed, network and variants are what they were.
3. Data and weights are told by their SHA-256, and what differs is said.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import wfdb

from monitor.errors import MonitorError
from monitor.score import RECORD_SETS


class Shipped(NamedTuple):
    """Weights: the tool that fits them, the commit they belong to, and their SHA-256."""

    tool: str
    commit: str
    sha256: str


JUDGE = Shipped(
    "fit_detect",
    "bd83f60f2fd7122a9cb9d0c6302945ad4dad25fa",
    "cb03a220879fc03979c43c3daeef2e1839763f9cfd477b26f49c59dac68b20e7",
)
DOUBT = Shipped(
    "fit_doubt",
    "e60ddbb407e3ae68c1c340ee34c675315a63cd59",
    "46df5aba6ab31dfb7b339f0e777f92f8145e0ae8ebd79279cfe441be219c5606",
)
DATA_SHA256 = "f4ddab673de70af407194d1ef0d2fde244cdd4e4a3719355830054b0707cc3ce"
ROOT = Path(__file__).resolve().parents[1]


def digest(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def data_digest(data: Path) -> str:
    """SHA-256 over all that the fit reads: DS1, two noise records, vfdb and CinC 2015.

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
            total.update(f"{name} {digest(data / name)}\n".encode())
        except OSError as error:
            raise MonitorError(f"the fit needs {data / name}: {error.strerror}") from error
    return total.hexdigest()


def _names(data: Path) -> Iterator[str]:
    """Files that the fit reads; of the last two databases all records, and there must be some."""
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


def fit_as_shipped(shipped: Shipped, data: Path, out: Path, workers: int) -> bool:
    """Fit with the tool of the commit; say on standard output what came of it.

    Parameters
    ----------
    shipped
        What to fit: :data:`JUDGE` or :data:`DOUBT`.
    data
        Folder with ``mitdb``, ``nstdb``, ``vfdb`` and ``cinc2015``.
    out
        Where the weights are written to.
    workers
        Processes that run the detector.

    Returns
    -------
    bool
        Whether they are the shipped weights, byte for byte.

    Raises
    ------
    MonitorError
        If data or history are missing, or the fit fails.
    """
    found = data_digest(data)
    print(f"data {found}{'' if found == DATA_SHA256 else ': not the data of the shipped weights'}")
    with tempfile.TemporaryDirectory() as folder:
        tree = [
            "git",
            "-C",
            str(ROOT),
            "archive",
            "--format=tar",
            shipped.commit,
            "monitor",
            "tools",
        ]
        try:
            archive = subprocess.run(tree, check=True, capture_output=True).stdout
        except (OSError, subprocess.CalledProcessError) as error:
            raise MonitorError(
                f"commit {shipped.commit[:7]} is not at hand: run this in a clone with its whole "
                "history"
            ) from error
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            tar.extractall(folder, filter="data")
        fit = [
            sys.executable,
            "-m",
            f"tools.{shipped.tool}",
            "--data",
            str(data.resolve()),
            "--anew",
        ]
        fit += ["--out", str(out.resolve()), "--workers", str(workers)]
        # sums of many terms depend on the number of threads
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        environment["PYTHONPATH"] = folder
        done = subprocess.run(fit, cwd=folder, check=False, env=environment)
        if done.returncode:
            raise MonitorError(f"the fit of commit {shipped.commit[:7]} failed, see above")
    same = digest(out) == shipped.sha256
    print(f"weights {digest(out)}: {'' if same else 'not '}the shipped ones")
    return same


def command(
    shipped: Shipped,
    description: str,
    fit_anew: Callable[[Path, Path, int], None],
    argv: list[str] | None,
) -> int:
    """Be the command line of a tool that fits: as shipped, or with ``--anew`` by ``fit_anew``.

    Parameters
    ----------
    shipped
        What the tool fits.
    description
        For its help.
    fit_anew
        Fits with the detector as it is now: data folder, module to write, workers.
    argv
        Arguments; None: those of the process.

    Returns
    -------
    int
        Exit status: 0, or 1 if data are missing or the weights are not the shipped ones.
    """
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with mitdb/, nstdb/, vfdb/, cinc2015/"
    )
    parser.add_argument("--out", type=Path, required=True, help="Python module to write")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument(
        "--anew", action="store_true", help="collect the evidence with the detector as it is now"
    )
    options = parser.parse_args(argv)
    try:
        if not options.anew:
            return 0 if fit_as_shipped(shipped, options.data, options.out, options.workers) else 1
        print(f"data {data_digest(options.data)}")
    except MonitorError as error:
        print(f"{shipped.tool}: {error}", file=sys.stderr)
        return 1
    fit_anew(options.data, options.out, options.workers)
    return 0
