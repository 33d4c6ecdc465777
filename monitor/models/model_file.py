"""What is in a model file, read without running anything of it.

A bundle is a TorchScript archive (``.pt``) that holds its manifest and, where the network is of
an architecture of this program, a second payload: the same weights without code
(:mod:`monitor.models.weights`). That payload can be a file of its own (``.safetensors``), which is
the form to exchange. A file without a manifest inside needs one beside it: the same name with the
ending ``.toml``.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from dataclasses import dataclass
from pathlib import Path

from monitor.errors import MonitorError
from monitor.models.archive import MANIFEST, MAX_BYTES, WEIGHTS, read_archive
from monitor.models.manifest import Manifest
from monitor.models.shipped import SHIPPED
from monitor.models.weights import header, is_weights, with_manifest

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True, eq=False)
class ModelFile:
    """A model file that was read.

    Parameters
    ----------
    path
        Where it lies.
    sha256
        Of the file.
    manifest
        Inside, or from the file beside.
    entries
        Of the TorchScript archive; empty if there is none.
    weights
        The safe payload; empty if there is none.
    shipped
        It is, bit by bit, a file that came with the program.
    """

    path: Path
    sha256: str
    manifest: Manifest
    entries: dict[str, bytes]
    weights: bytes
    shipped: bool

    @property
    def holds(self) -> str:
        """What it holds, for people."""
        parts = ["TorchScript"] if self.entries else []
        if self.weights:
            network = header(self.weights, str(self.path)).get("network")
            name = network.get("architecture") if isinstance(network, dict) else None
            parts.append(f"weights without code, for the network {name}")
        return "; ".join(parts)


def model_path(name_or_path: str) -> Path:
    """Find a bundle: a shipped name, else a file.

    Raises
    ------
    MonitorError
        If there is neither.
    """
    if name_or_path in SHIPPED:
        return FOLDER / f"{name_or_path}.pt"
    path = Path(name_or_path).expanduser()
    if path.is_file():
        return path
    raise MonitorError(
        f"model {name_or_path!r} is neither shipped ({', '.join(sorted(SHIPPED))}) nor a file"
    )


def read_model(name_or_path: str) -> ModelFile:
    """Read a model file, shipped or not.

    Raises
    ------
    MonitorError
        If the file cannot be read, is no model, was altered, or lacks a manifest.
    """
    path = model_path(name_or_path)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise MonitorError(f"model {path} is larger than {MAX_BYTES >> 20} MiB; not a bundle")
        content = path.read_bytes()
    except OSError as error:
        raise MonitorError(f"cannot read model {path}: {error.strerror}") from error
    sha256 = hashlib.sha256(content).hexdigest()
    shipped = name_or_path in SHIPPED
    if shipped and sha256 != SHIPPED[name_or_path]:
        raise MonitorError(
            f"model {name_or_path}: {path.name} is not the file that was shipped "
            "(SHA-256 differs); install the program again"
        )
    if is_weights(content):
        said = header(content, str(path))
        inside = json.dumps(said["manifest"]) if "manifest" in said else ""
        return ModelFile(path, sha256, _manifest(inside, path), {}, content, shipped)
    entries = read_archive(content, path)
    manifest = _manifest(entries.get(MANIFEST, b""), path)
    return ModelFile(path, sha256, manifest, entries, entries.get(WEIGHTS, b""), shipped)


def export(model: ModelFile, target: Path) -> None:
    """Write the safe form of a model, with its manifest, as a file of its own.

    Raises
    ------
    MonitorError
        If the model has none, or the file cannot be written.
    """
    if not model.weights:
        raise MonitorError(
            f"model {model.path} holds TorchScript alone: there is no form without code to write"
        )
    content = with_manifest(model.weights, model.manifest.to_json(), str(model.path))
    try:
        with target.open("xb") as file:
            file.write(content)
    except FileExistsError as error:
        raise MonitorError(f"{target} is there already; name another file") from error
    except OSError as error:
        raise MonitorError(f"cannot write {target}: {error.strerror}") from error


def _manifest(text: str | bytes, path: Path) -> Manifest:
    if text:
        return Manifest.from_json(text, path.name)
    beside = path.with_suffix(".toml")
    try:
        return Manifest.from_table(tomllib.loads(beside.read_text(encoding="utf-8")), beside.name)
    except FileNotFoundError as error:
        raise MonitorError(
            f"model {path} has no manifest inside, and there is no {beside.name} beside it"
        ) from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise MonitorError(f"cannot read manifest {beside}: {error}") from error
