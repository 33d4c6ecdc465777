"""Measure whether a wrong unit is noticed: recordings as they are, times 1000, and times 0.001.

The first two millivolt leads of each record, through the whole pipeline with default settings::

    python -m tools.measure_units --data DIR --seconds 40             # all records of the folders
    python -m tools.measure_units --data DIR --seconds 3600 --factors 1
"""

from __future__ import annotations

import argparse
from pathlib import Path
from statistics import median

import numpy as np
import torch
import wfdb

from monitor.messages import Alert, AlertKind, Samples, StreamInfo
from monitor.pipeline import Pipeline

FOLDERS = ("mitdb", "nstdb", "vfdb", "cinc2015")


def first_alert_s(path: Path, seconds: float, factor: float) -> float | None:
    """Give when the amplitude alert was first raised; None if it was not.

    Raises
    ------
    LookupError
        If the record has no lead in millivolts.
    """
    header = wfdb.rdheader(str(path))
    channels = [i for i, unit in enumerate(header.units or []) if unit == "mV"][:2]
    if not channels:
        raise LookupError(path)
    stop = min(header.sig_len, round(seconds * header.fs))
    record = wfdb.rdrecord(str(path), sampto=stop, channels=channels)
    values = (record.p_signal * factor).astype(np.float32)
    leads = tuple(f"lead {i}" for i in channels)
    pipeline = Pipeline(StreamInfo("s", float(header.fs), leads))
    for event in [*pipeline.push(Samples("s", 0, values)), *pipeline.flush()]:
        if isinstance(event, Alert) and event.kind is AlertKind.AMPLITUDE:
            return float(event.sample / header.fs)
    return None


def main() -> None:
    """Print one line for each factor, and the records that go against it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="holds the folders")
    parser.add_argument("--folders", nargs="+", default=FOLDERS)
    parser.add_argument("--seconds", type=float, default=40.0, help="of each record")
    parser.add_argument("--factors", type=float, nargs="+", default=(1.0, 1000.0, 0.001))
    args = parser.parse_args()
    torch.set_num_threads(1)
    headers = [h for name in args.folders for h in sorted((args.data / name).glob("*.hea"))]
    for factor in args.factors:
        found: dict[str, float | None] = {}
        for header in headers:
            try:
                path = header.with_suffix("")
                found[f"{path.parent.name}/{path.name}"] = first_alert_s(path, args.seconds, factor)
            except LookupError:
                continue
        times = [at for at in found.values() if at is not None]
        odd = [name for name, at in found.items() if (at is None) != (factor == 1.0)]
        when = (
            f", first at {median(times):.0f} s (median), {max(times):.0f} s (last)" if times else ""
        )
        print(
            f"x {factor:g}: {len(times)} of {len(found)} records alert{when}; odd: {odd or 'none'}"
        )


if __name__ == "__main__":
    main()
