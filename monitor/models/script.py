"""TorchScript from a file: read only after it was looked at, and looked at again as read.

What a stranger's file holds is foreign code. Before torch sees it, its layout, its code and
its objects are held to what a network needs (:mod:`~monitor.models.archive`,
:mod:`~monitor.models.script_code`, :mod:`~monitor.models.script_pickle`); after it, the operators
of the graph that will run are held to a list (:mod:`~monitor.models.script_operators`).
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from monitor.errors import MonitorError
from monitor.models.archive import write_archive
from monitor.models.script_code import rewritten
from monitor.models.script_operators import ATEN, PRIM
from monitor.models.script_pickle import check_objects


class UnreadableError(Exception):
    """torch cannot read a TorchScript file that holds nothing forbidden."""


def load_script(entries: dict[str, bytes], path: Path, *, trusted: bool) -> Any:
    """Give the network of a TorchScript file; none of its code has run yet.

    Parameters
    ----------
    entries
        Of the archive, see :func:`monitor.models.archive.read_archive`.
    path
        Of the file, for people.
    trusted
        The file is, bit by bit, one that came with the program.

    Raises
    ------
    MonitorError
        If it holds what no network needs.
    UnreadableError
        If torch cannot read it.
    """
    if not trusted:
        check_objects(entries, path)
        entries = rewritten(entries, path)
    script = {name: part for name, part in entries.items() if not name.startswith("extra/")}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # newer torch announces the end of TorchScript
            net = torch.jit.load(io.BytesIO(write_archive(script)), map_location="cpu")  # type: ignore[no-untyped-call]
    except Exception as error:  # whatever torch's reader stumbles over
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UnreadableError(first) from error
    if not trusted:
        _check_graph(net, path)
    net.eval()
    return net


def _check_graph(net: Any, path: Path) -> None:
    """Hold every operator that a run of the network can reach to the list."""
    module = net._c
    if module._get_forward_hooks() or module._get_forward_pre_hooks() or module._properties():
        raise MonitorError(f"model {path} holds hooks, which no network needs; refused")
    if not module._has_method("forward"):
        raise MonitorError(f"model {path} has no method forward: it is no network")
    for kind in _kinds(module._get_method("forward").inlined_graph):
        space, _, name = kind.partition("::")
        if name not in {"aten": ATEN, "prim": PRIM}.get(space, ()):
            raise MonitorError(
                f"model {path} uses the operator {kind}, which is not on the list of those "
                "that networks may use; refused"
            )


def _kinds(graph: Any) -> Iterator[str]:
    for node in graph.nodes():
        yield node.kind()
        for block in node.blocks():
            yield from _kinds(block)
