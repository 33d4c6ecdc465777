"""Markers of finished records: what the results were made of, and what was written."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

from monitor.archive.made_by import MadeBy
from monitor.archive.place import Place, State
from monitor.errors import MonitorError
from monitor.summary import Summary

MARKER = ".done.json"
MAX_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Marker:
    """The content of ``NAME.done.json``.

    ``inputs`` are the files of the recording with their states, ``results`` the files written
    with their sizes, ``strips`` the names of the pictures.
    """

    made_by: MadeBy
    inputs: dict[str, State]
    results: dict[str, int]
    strips: tuple[str, ...] = ()

    def text(self) -> str:
        """Give the file."""
        return json.dumps(asdict(self), indent=1, sort_keys=True) + "\n"


def read_marker(out: Place, written: str) -> Marker | None:
    """Read the marker of a record; None if it is not finished.

    Raises
    ------
    MonitorError
        If the place does not answer.
    """
    if out.state(written + MARKER) is None:
        return None
    try:
        fields = json.loads(out.read(written + MARKER, MAX_BYTES))
        inputs = {str(name): (int(s), str(v)) for name, (s, v) in fields["inputs"].items()}
        results = {str(name): int(size) for name, size in fields["results"].items()}
        strips = tuple(name for name in fields["strips"] if _is_picture(name))
        return Marker(dict(fields["made_by"]), inputs, results, strips)
    except (ValueError, KeyError, TypeError, AttributeError):  # damaged: done again
        return None


def _is_picture(name: str) -> bool:
    """Tell whether a name may be deleted: others than this program may write a marker."""
    path = PurePosixPath(name)
    return path.suffix == ".svg" and not path.is_absolute() and ".." not in path.parts


def kept_summary(
    out: Place, written: str, marker: Marker, made_by: MadeBy, inputs: dict[str, State]
) -> Summary | None:
    """Give the summary of a record that need not be done again; None if it has to be.

    Raises
    ------
    MonitorError
        If the place does not answer.
    """
    if marker.made_by != made_by or marker.inputs != inputs or not inputs:
        return None
    for name, size in marker.results.items():
        state = out.state(name)
        if state is None or state[0] != size:
            return None
    try:
        fields = json.loads(out.read(written + ".summary.json", MAX_BYTES))
        return Summary(**{**fields, "leads": tuple(fields["leads"])})
    except (MonitorError, ValueError, TypeError, KeyError):
        return None


def write_marker(out: Place, written: str, marker: Marker, scratch: Path) -> None:
    """Write the marker, after all results.

    Raises
    ------
    MonitorError
        If it cannot be written.
    """
    file = scratch / "marker"
    file.write_text(marker.text(), encoding="utf-8")
    out.put(file, written + MARKER)
