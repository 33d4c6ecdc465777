"""What results are made by: the program, its weights, and what the user asked for."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import platform
from dataclasses import asdict
from functools import cache
from pathlib import Path

import monitor
from monitor.config import Settings
from monitor.errors import MonitorError
from monitor.models.model_file import model_path
from monitor.sources.named import SourceOptions

MadeBy = dict[str, str]
"""Version, and hashes of code, model, detector and options."""

_ANALYSIS = ("blocks", "quality", "detect", "classify", "watch", "rhythm", "alarms")
_HOW_MANY = "shared"  # an option that says nothing about a single recording


def made_by(settings: Settings, options: SourceOptions, strips: bool) -> MadeBy:
    """Say what the results of a run are made by, on this machine.

    Raises
    ------
    MonitorError
        If the model does not exist or cannot be read.
    """
    given = asdict(settings)
    asked = {
        "settings": {name: given[name] for name in _ANALYSIS},
        "options": {name: v for name, v in asdict(options).items() if name != _HOW_MANY},
        "strips": strips,
    }
    return {
        "version": monitor.__version__,
        "code": _code(),
        "model": _model(settings.classify.model),
        "detector": _detector(settings.detect.detector),
        "options": _sha256(json.dumps(asked, sort_keys=True).encode()),
    }


def check_same(here: MadeBy, there: MadeBy) -> None:
    """Refuse to work on a machine that would give other results.

    Parameters
    ----------
    here
        What the worker has.
    there
        What the run was started with.

    Raises
    ------
    MonitorError
        If they differ.
    """
    different = [name for name in there if here.get(name) != there[name]]
    if different:
        raise MonitorError(
            f"{platform.node()} has another {' and '.join(different)} than the machine that "
            "started the run: install the same ecg-monitor, and the same model, on all of them"
        )


@cache
def _code() -> str:
    """Hash the program: a checkout changes without its version."""
    folder = Path(monitor.__file__).parent
    files = sorted([*folder.rglob("*.py"), *folder.rglob("*.npz")])
    total = hashlib.sha256()
    for path in files:
        content = path.read_bytes()
        total.update(f"{path.relative_to(folder).as_posix()} {len(content)}\n".encode())
        total.update(content)
    return total.hexdigest()


@cache
def _model(name: str) -> str:
    path = model_path(name)
    beside = path.with_suffix(".toml")
    try:
        return _sha256(path.read_bytes() + (beside.read_bytes() if beside.is_file() else b""))
    except OSError as error:
        raise MonitorError(f"cannot read model {path}: {error.strerror or error}") from error


@cache
def _detector(name: str) -> str:
    """Hash the file of a user's own detector; empty for one that comes with the program."""
    module = name.partition(":")[0]
    try:
        found = importlib.util.find_spec(module) if "." in module or ":" in name else None
        origin = found.origin if found else None
        return _sha256(Path(origin).read_bytes()) if origin and Path(origin).is_file() else ""
    except (ImportError, ValueError, OSError):  # the analysis says what is wrong with the name
        return ""


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
