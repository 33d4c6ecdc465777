"""Model bundles: one TorchScript file with its manifest inside.

Rules that hold here:

1. Nothing is unpickled but by TorchScript's own reader, which builds tensors and script
   modules only; the code in the file is looked through first, for it could write files.
2. Whatever is wrong with a file is found by :func:`load_bundle`, before the first sample.
3. A shipped file must have the SHA-256 it was shipped with.
"""

from __future__ import annotations

import hashlib
import io
import re
import tomllib
import warnings
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from models.manifest import Manifest
from models.shipped import SHIPPED
from monitor.errors import MonitorError

FOLDER = Path(__file__).parent
MANIFEST = "manifest.json"
MAX_BYTES = 64 * 2**20
SUM_TOLERANCE = 1e-3  # of probabilities, in float32
_UNSAFE = re.compile(rb"\b(save|from_file|load|load_library|fromfile|set_file_name)\s*\(")


@dataclass(frozen=True, slots=True, eq=False)
class Bundle:
    """A network that is ready to run, and what it says of itself.

    Parameters
    ----------
    manifest
        Inputs, outputs, origin.
    net
        Takes (batch, rows, length) float32, and (batch, features) if it has any.
    source
        Where it was read from, for people.
    sha256
        Of the file.
    """

    manifest: Manifest
    net: Any
    source: str
    sha256: str

    def probabilities(self, signal: Tensor, features: Tensor) -> Tensor:
        """Give the class probabilities, (batch, classes), of a batch of inputs."""
        if self.manifest.flat_input:
            signal = signal[:, 0]
        with torch.inference_mode():
            out = self.net(signal, features) if self.manifest.features else self.net(signal)
            return out if self.manifest.probabilities else torch.softmax(out, dim=1)


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


def load_bundle(name_or_path: str) -> Bundle:
    """Read a bundle and prove that its network takes what the manifest says.

    Parameters
    ----------
    name_or_path
        The name of a shipped bundle, or a TorchScript file. A file without a manifest inside
        needs one beside it: the same name with the ending ``.toml``.

    Raises
    ------
    MonitorError
        If the file cannot be read, is not TorchScript, was altered, lacks a manifest, or does
        not fit it.
    """
    path = model_path(name_or_path)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise MonitorError(f"model {path} is larger than {MAX_BYTES >> 20} MiB; not a bundle")
        content = path.read_bytes()
    except OSError as error:
        raise MonitorError(f"cannot read model {path}: {error.strerror}") from error
    sha256 = hashlib.sha256(content).hexdigest()
    if name_or_path in SHIPPED and sha256 != SHIPPED[name_or_path]:
        raise MonitorError(
            f"model {name_or_path}: {path.name} is not the file that was shipped "
            "(SHA-256 differs); install the program again"
        )
    _look_through(content, path)
    extra = {MANIFEST: ""}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            net = torch.jit.load(io.BytesIO(content), map_location="cpu", _extra_files=extra)  # type: ignore[no-untyped-call]
    except Exception as error:  # whatever torch's reader stumbles over
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise MonitorError(f"model {path} is not a readable TorchScript file: {first}") from error
    manifest = _manifest(extra[MANIFEST], path)
    net.eval()
    bundle = Bundle(manifest, net, str(path), sha256)
    _try_out(bundle)
    return bundle


def save_bundle(net: torch.nn.Module, manifest: Manifest, path: Path) -> str:
    """Freeze ``net``, write it with its manifest, and give the SHA-256 of the file."""
    net.eval()
    signal = torch.zeros(1, manifest.signal_rows, manifest.length)
    if manifest.flat_input:
        signal = signal[:, 0]
    inputs = (signal, torch.zeros(1, manifest.feature_count)) if manifest.features else (signal,)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        script = torch.jit.freeze(torch.jit.script(net))
        script(*inputs)
        buffer = io.BytesIO()
        torch.jit.save(script, buffer, _extra_files={MANIFEST: manifest.to_json()})
    content = _plain(buffer.getvalue())
    path.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def restate(path: Path, manifest: Manifest) -> str:
    """Put another manifest into a bundle, its network left as it is; give the SHA-256."""
    content = _plain(path.read_bytes(), manifest.to_json())
    path.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def _plain(content: bytes, manifest: str = "") -> bytes:
    """Leave out of an archive what depends on where it was made: paths of the source, an id."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(buffer, "w") as new:
        for name in old.namelist():
            if not name.endswith((".debug_pkl", "/serialization_id")):
                restated = manifest and name.endswith(f"/extra/{MANIFEST}")
                part = manifest.encode() if restated else old.read(name)
                new.writestr(zipfile.ZipInfo(name), part)
    return buffer.getvalue()


def _look_through(content: bytes, path: Path) -> None:
    """Refuse what is no TorchScript archive, or whose code touches files."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
            if sum(i.file_size for i in archive.infolist()) > 4 * MAX_BYTES:
                raise MonitorError(f"model {path} unpacks to too much; not a bundle")
            code = [n for n in names if "/code/" in n and n.endswith(".py")]
            if not code:
                raise MonitorError(
                    f"model {path} holds no TorchScript code (saved by torch.save?); "
                    "save it with torch.jit.save"
                )
            for name in code:
                if _UNSAFE.search(archive.read(name)):
                    raise MonitorError(f"model {path} holds code that touches files; refused")
    except (zipfile.BadZipFile, OSError, EOFError, RuntimeError, NotImplementedError) as error:
        raise MonitorError(f"model {path} is not a TorchScript file, or is damaged") from error


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


def _try_out(bundle: Bundle) -> None:
    """Run made beats through the network: shapes and values must be what is said.

    A stream gives it now one beat, now several.
    """
    for count in (2, 1, 3):
        _try_beats(bundle, count)


def _try_beats(bundle: Bundle, count: int) -> None:
    """Run so many beats through the network, every second one of them silence."""
    manifest = bundle.manifest
    rows, length = manifest.signal_rows, manifest.length
    loud = torch.arange(1, count + 1) % 2  # a single one is no silence
    signal = torch.hann_window(length) * loud[:, None, None].expand(-1, rows, 1)
    features = loud[:, None] * torch.ones(manifest.feature_count)
    try:
        out = bundle.probabilities(signal, features)
        shape = tuple(out.shape)
    except Exception as error:  # any error inside the foreign network
        raise MonitorError(
            f"model {bundle.source} does not take a window of {length} samples, "
            f"{rows} channel(s) and {manifest.feature_count} features, {count} at a time: "
            f"{last_line(error)}"
        ) from error
    if shape != (count, len(manifest.classes)):
        raise MonitorError(
            f"model {bundle.source} gives an output of shape {shape} for {count} beats; its "
            f"manifest names {len(manifest.classes)} classes"
        )
    if not bool(torch.isfinite(out).all()):
        raise MonitorError(f"model {bundle.source} gives values that are not finite")
    if bool((out < 0).any()) or bool(((out.sum(dim=1) - 1).abs() > SUM_TOLERANCE).any()):
        raise MonitorError(
            f"model {bundle.source} gives no probabilities, though its manifest says so: they are "
            "0 to 1 and sum up to 1; leave out `probabilities` where it gives logits"
        )


def last_line(error: Exception) -> str:
    """Give what TorchScript's account of an error comes to."""
    text = str(error).strip()
    return text.splitlines()[-1] if text else type(error).__name__
