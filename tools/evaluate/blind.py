"""Measure the shipped monitor on a PhysioNet set, with frozen weights, and log what was found.

    python -m tools.evaluate blind --data incartdb                folder with the records of a set
    python -m tools.evaluate blind --data incartdb --download     fetch it there first (wfdb)
    python -m tools.evaluate blind --data cases --set svdb --log blind.jsonl

The set is told by the name of the folder unless ``--set`` is given. One line of JSON is appended
to the log for every run: date, set, records, hash of the weights and the code that decides,
figures. So it is known how often a set was looked at.

What is measured of a set stands in :data:`KINDS`. A kind is a module
``tools.evaluate.blind_KIND`` with ``measure(folder, records) -> dict`` of figures.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import wfdb

from monitor.errors import USAGE, MonitorError
from monitor.models.bundle import FOLDER
from tools.commands import parser_of, run

KINDS: dict[str, tuple[str, ...]] = {
    "mitdb": ("labels", "af", "lethal"),
    "svdb": ("labels", "lethal"),
    "incartdb": ("labels", "lethal"),
    "vfdb": ("fibrillation",),
    "cudb": ("fibrillation",),
    "afdb": ("af",),
    "ltafdb": ("af",),
    "cpsc2021": ("af",),
    "cinc2015": ("challenge",),
    "vtac": ("challenge",),
}
"""What is measured of each set."""

REMOTE = {"cpsc2021": "cpsc2021", "cinc2015": "challenge-2015"}
"""Names of sets at PhysioNet, where they differ from the folder's."""


def records_of(folder: Path) -> list[str]:
    """Names of the records in a folder and below it, without ending, in order of the names.

    Raises
    ------
    MonitorError
        If there are none.
    """
    found = sorted(str(path.relative_to(folder).with_suffix("")) for path in folder.rglob("*.hea"))
    if not found:
        raise MonitorError(
            f"no WFDB records in {folder}: give a folder with .hea files, or --download", USAGE
        )
    return found


def weights_sha256() -> str:
    """Hash all shipped weights and the code that decides, in order of their names."""
    root = FOLDER.parent  # the package
    paths = [*FOLDER.glob("*.pt"), *root.rglob("*.npz"), *(root / "stages").rglob("*.py")]
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(str(path.relative_to(root)).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = parser_of("evaluate.blind", __doc__)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="records of a set")
    parser.add_argument("--set", choices=sorted(KINDS), help="which; default: name of the folder")
    parser.add_argument("--records", nargs="*", help="of these alone")
    parser.add_argument("--download", action="store_true", help="fetch the set first (wfdb)")
    parser.add_argument("--log", type=Path, default=Path("build/blind.jsonl"))
    args = parser.parse_args(argv)
    name = args.set or args.data.resolve().name
    if name not in KINDS:
        raise MonitorError(f"{args.data} names no set ({', '.join(sorted(KINDS))}): give --set")
    if args.download:
        fetch(name, args.data)
    records = records_of(args.data)
    if args.records:
        missing = [record for record in args.records if record not in records]
        if missing:
            raise MonitorError(f"no record {', '.join(missing)} in {args.data}", USAGE)
        records = args.records
    figures: dict[str, object] = {}
    for kind in KINDS[name]:
        module = importlib.import_module(f"tools.evaluate.blind_{kind}")
        figures |= module.measure(args.data, records)
    entry = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "set": name,
        "records": records,
        "weights_sha256": weights_sha256(),
        "figures": figures,
    }
    args.log.parent.mkdir(parents=True, exist_ok=True)
    with args.log.open("a", encoding="utf-8") as log:
        log.write(json.dumps(entry) + "\n")
    for figure, value in figures.items():
        print(f"{figure}: {value}")
    print(f"logged in {args.log}")
    return 0


def fetch(name: str, folder: Path) -> None:
    """Download a set from PhysioNet into a folder.

    Raises
    ------
    MonitorError
        If PhysioNet cannot be reached.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        wfdb.dl_database(REMOTE.get(name, name), str(folder))
    except Exception as error:  # whatever the network or the reader of wfdb stumbles over
        raise MonitorError(f"cannot download {name} from PhysioNet: {error}") from error


if __name__ == "__main__":
    sys.exit(run(main, "blind"))
