"""Print a hash of all events of simulator scenarios and records, to compare two versions.

    python -m tools.evaluate golden > before.txt
    python -m tools.evaluate golden --data DIR --records mitdb/208 vfdb/418 > before.txt

Two versions that print the same lines decide the same, bit for bit.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from monitor.messages import Event, Snippet
from monitor.pipeline import Pipeline
from monitor.sources import Source
from monitor.sources.named import SourceOptions, open_source
from monitor.sources.simulator import SCENARIOS, Simulator
from monitor.wire.jsonform import to_dict

CHUNK_S = 10.0


def digest(source: Source) -> tuple[int, str]:
    """Count the events of a source and hash them, with every sample of every snippet.

    Parameters
    ----------
    source
        Analysed with the default settings.

    Returns
    -------
    count : int
        Number of events.
    sha256 : str
        First 16 digits of the hash.
    """
    pipeline = Pipeline(source.info)
    sha256 = hashlib.sha256()
    count = 0

    def add(events: Sequence[Event]) -> None:
        nonlocal count
        for event in events:
            count += 1
            if isinstance(event, Snippet):
                sha256.update(f"{event.stream} {event.alert_id} {event.start_sample}".encode())
                sha256.update(event.values_mv.tobytes())
            else:
                sha256.update(json.dumps(to_dict(event)).encode())

    for chunk in source.chunks():
        add(pipeline.push(chunk))
    add(pipeline.flush())
    return count, sha256.hexdigest()[:16]


def main(argv: Sequence[str] | None = None) -> int:
    """Print a line for each scenario and record: its name, the number of events, their hash."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.evaluate golden", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--data", type=Path, default=Path(), help="folder of the databases")
    parser.add_argument("--records", nargs="*", default=[], help="such as mitdb/208")
    parser.add_argument("--scenarios", nargs="*", default=list(SCENARIOS), help="default: all")
    args = parser.parse_args(argv)
    for name in args.scenarios:
        print(name, *digest(Simulator(name)), flush=True)
    for name in args.records:
        source = open_source(args.data / name, SourceOptions(), CHUNK_S, lambda line: None)
        print(name, *digest(source), flush=True)
    return 0
