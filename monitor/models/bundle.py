"""Model bundles: a network that is ready to run, from its file and back.

Rules that hold here:

1. Nothing is unpickled but by TorchScript's own reader, after the file was looked through
   (:mod:`monitor.models.script`).
2. Whatever is wrong with a file is found by :func:`load_bundle`, before the first sample.
3. A shipped file must have the SHA-256 it was shipped with.
4. TorchScript is preferred where it is there and torch reads it and runs it; else the network
   is made anew from the weights without code (:mod:`monitor.models.weights`), where they are
   there. A file that holds forbidden code is refused as a whole.
"""

from __future__ import annotations

import hashlib
import io
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from monitor.errors import MonitorError
from monitor.models.architectures import describe, rebuild, safe_weights
from monitor.models.archive import MANIFEST, WEIGHTS, read_archive, write_archive
from monitor.models.manifest import Manifest
from monitor.models.model_file import FOLDER, ModelFile, model_path, read_model
from monitor.models.script import UnreadableError, load_script
from monitor.models.weights import header, pack, unpack

__all__ = ["FOLDER", "Bundle", "last_line", "load_bundle", "model_path", "restate", "save_bundle"]

SUM_TOLERANCE = 1e-3  # of probabilities, in float32


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
    form
        ``TorchScript``, or ``weights`` if the network was made from those.
    """

    manifest: Manifest
    net: Any
    source: str
    sha256: str
    form: str = "TorchScript"

    def probabilities(self, signal: Tensor, features: Tensor) -> Tensor:
        """Give the class probabilities, (batch, classes), of a batch of inputs."""
        if self.manifest.flat_input:
            signal = signal[:, 0]
        with torch.inference_mode():
            out = self.net(signal, features) if self.manifest.features else self.net(signal)
            return out if self.manifest.probabilities else torch.softmax(out, dim=1)


def load_bundle(name_or_path: str) -> Bundle:
    """Read a model and prove that its network takes what the manifest says.

    Parameters
    ----------
    name_or_path
        The name of a shipped bundle, or a file, see :mod:`monitor.models.model_file`.

    Raises
    ------
    MonitorError
        If the file cannot be read, is no model, was altered, holds forbidden code, lacks a
        manifest, or does not fit it.
    """
    model = read_model(name_or_path)
    first: MonitorError | None = None
    for form, make in _forms(model):
        try:
            bundle = Bundle(model.manifest, make(), str(model.path), model.sha256, form)
            _try_out(bundle)
        except UnreadableError as error:
            problem = f"model {model.path} is not a readable TorchScript file: {error}"
            first = first or MonitorError(problem)
        except MonitorError as error:
            if not isinstance(error, _UnfitError) and first is None:
                raise
            first = first or error
        else:
            return bundle
    assert first is not None  # a file has one form at least
    raise first


def _forms(model: ModelFile) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Give the ways to make the network, the preferred first."""
    source = str(model.path)
    if model.entries:
        yield (
            "TorchScript",
            lambda: load_script(model.entries, model.path, trusted=model.shipped),
        )
    if model.weights:
        network = header(model.weights, source).get("network")
        yield "weights", lambda: rebuild(network, unpack(model.weights, source), source)


def save_bundle(net: torch.nn.Module, manifest: Manifest, path: Path) -> str:
    """Freeze ``net``, write it with its manifest, and give the SHA-256 of the file.

    A network of :data:`monitor.models.architectures.ARCHITECTURES` is written a second time, as
    weights without code.
    """
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
        torch.jit.save(script, buffer, _extra_files={MANIFEST.rpartition("/")[2]: ""})
    entries = read_archive(buffer.getvalue(), path)
    network = describe(net)
    if network is not None:
        entries[WEIGHTS] = pack(safe_weights(net), {"network": network})
    return _write(path, entries, manifest)


def restate(path: Path, manifest: Manifest) -> str:
    """Put another manifest into a bundle, its network left as it is; give the SHA-256."""
    return _write(path, read_archive(path.read_bytes(), path), manifest)


def _write(path: Path, entries: dict[str, bytes], manifest: Manifest) -> str:
    content = write_archive(entries | {MANIFEST: manifest.to_json().encode()})
    path.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


class _UnfitError(MonitorError):
    """The network does not do what its manifest says."""


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
        raise _UnfitError(
            f"model {bundle.source} does not take a window of {length} samples, "
            f"{rows} channel(s) and {manifest.feature_count} features, {count} at a time: "
            f"{last_line(error)}"
        ) from error
    if shape != (count, len(manifest.classes)):
        raise _UnfitError(
            f"model {bundle.source} gives an output of shape {shape} for {count} beats; its "
            f"manifest names {len(manifest.classes)} classes"
        )
    if not bool(torch.isfinite(out).all()):
        raise _UnfitError(f"model {bundle.source} gives values that are not finite")
    if bool((out < 0).any()) or bool(((out.sum(dim=1) - 1).abs() > SUM_TOLERANCE).any()):
        raise _UnfitError(
            f"model {bundle.source} gives no probabilities, though its manifest says so: they are "
            "0 to 1 and sum up to 1; leave out `probabilities` where it gives logits"
        )


def last_line(error: Exception) -> str:
    """Give what TorchScript's account of an error comes to."""
    text = str(error).strip()
    return text.splitlines()[-1] if text else type(error).__name__
