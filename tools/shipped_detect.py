"""Where the shipped weights of the QRS detector's judge come from, and how to fit them again.

Rules that hold here:

1. The judge is fitted on evidence that the detector itself collects, so its weights belong to
   one state of the detector: the commit :data:`COMMIT`. Later rules of the detector changed the
   evidence a little; weights fitted on that were measured on DS1 and ``vfdb``, followed real
   tachycardia worse, and were not taken.
2. They are fitted again by the tool of that commit, taken out of the history into a folder of
   its own: seed, network and variants are what they were.
3. Data and weights are told by their SHA-256, and what differs is said.
"""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from monitor.errors import MonitorError
from monitor.score import RECORD_SETS

COMMIT = "0e26c12fa0cb009ad5753e2ccc335af46121ab9e"
WEIGHTS_SHA256 = "824113811fc3634c53defee629fb5670eb83577257dffe4030d273c69f4b105e"
DATA_SHA256 = "751e7014228f400730f7aa792c6004128305956c3c0a07ca7544274c878a9a16"
ROOT = Path(__file__).resolve().parents[1]


def digest(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def data_digest(data: Path) -> str:
    """SHA-256 over all that the fit reads: DS1 with its annotations, and two noise records.

    Parameters
    ----------
    data
        Folder with ``mitdb`` and ``nstdb``.

    Raises
    ------
    MonitorError
        If a file is missing.
    """
    names = [f"mitdb/{r}.{kind}" for r in RECORD_SETS["ds1"] for kind in ("hea", "dat", "atr")]
    names += [f"nstdb/{noise}.{kind}" for noise in ("bw", "ma") for kind in ("hea", "dat")]
    total = hashlib.sha256()
    for name in names:
        try:
            total.update(f"{name} {digest(data / name)}\n".encode())
        except OSError as error:
            raise MonitorError(f"the fit needs {data / name}: {error.strerror}") from error
    return total.hexdigest()


def fit_as_shipped(data: Path, out: Path) -> bool:
    """Fit with the tool of :data:`COMMIT`; say on standard output what came of it.

    Parameters
    ----------
    data
        Folder with ``mitdb`` and ``nstdb``.
    out
        Where the weights are written to.

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
        tree = ["git", "-C", str(ROOT), "archive", "--format=tar", COMMIT, "monitor", "tools"]
        try:
            archive = subprocess.run(tree, check=True, capture_output=True).stdout
        except (OSError, subprocess.CalledProcessError) as error:
            raise MonitorError(
                f"commit {COMMIT[:7]} is not at hand: run this in a clone with its whole history"
            ) from error
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            tar.extractall(folder, filter="data")
        fit = [sys.executable, "-m", "tools.fit_detect", "--data", str(data.resolve())]
        done = subprocess.run([*fit, "--out", str(out.resolve())], cwd=folder, check=False)
        if done.returncode:
            raise MonitorError(f"the fit of commit {COMMIT[:7]} failed, see above")
    same = digest(out) == WEIGHTS_SHA256
    print(f"weights {digest(out)}: {'' if same else 'not '}the shipped ones")
    return same
