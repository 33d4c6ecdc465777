"""What the default QRS detector still misses and invents, record by record, and how noisy it is.

    python -m tools.explain_detect --data DIR                                # the 44 records
    python -m tools.explain_detect --data DIR --records 118e_6 119e_6 --leads 2

Streamed as ``bench_detect`` does it, compared by EC57 from 5:00 on. For every record with an
error: the beats missed, by their annotation; the false ones, of which how many are within
0.3 s of a beat; and the noise where these are.

Noise at a beat is the RMS of the 5 to 18 Hz band in the 2 s around it, the 0.1 s on both sides of
each reference beat left out, over the size of the record's QRS in that band (median over its
beats of half the peak to peak); of two leads the better one counts. It is given as median over
all beats, over the missed and over the false: 0.1 is clean, from 0.5 on noise is as high as
the QRS.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import TypeAlias

import numpy as np
import scipy.signal
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from monitor.errors import MonitorError
from monitor.messages import FloatArray
from monitor.score import read_annotations
from monitor.score.annotations import EC57_CLASSES
from tools.bench_detect import expand, read, run, streamed

Array: TypeAlias = NDArray[np.float64]
Samples: TypeAlias = NDArray[np.int64]

BAND_HZ = (5.0, 18.0)
AROUND_S = 1.0
QRS_S = 0.1
NEAR_S = 0.3


def noise_at(signal_mv: FloatArray, rate_hz: float, beats: Samples, at: Samples) -> Array:
    """Noise of the better lead around each of ``at``, in units of the record's QRS.

    Parameters
    ----------
    signal_mv
        Shape (n, leads), mV.
    rate_hz
        Sampling rate.
    beats, at
        Samples of the reference beats, and of what is asked for.

    Returns
    -------
    numpy.ndarray
        Shape of ``at``; NaN where there is nothing but QRS complexes.
    """
    section = scipy.signal.butter(2, BAND_HZ, "bandpass", fs=rate_hz, output="sos")
    band = scipy.signal.sosfiltfilt(section, np.nan_to_num(signal_mv.astype(float)), axis=0)
    reach, around = round(QRS_S * rate_hz), round(AROUND_S * rate_hz)
    free = np.ones(len(band), bool)
    sizes = []
    for beat in beats:
        part = slice(max(beat - reach, 0), beat + reach)
        free[part] = False
        sizes.append(np.ptp(band[part], axis=0) / 2)
    size = np.median(sizes, axis=0)
    found = np.full(len(at), np.nan)
    for i, sample in enumerate(at):
        part = slice(max(sample - around, 0), sample + around)
        rest = band[part][free[part]]
        if len(rest):
            found[i] = (np.sqrt(np.mean(rest**2, axis=0)) / size).min()
    return found


def explain(data: Path, name: str, leads: int) -> list[str] | None:
    """Give one row of the table; None if nothing is wrong in this record."""
    done = run(streamed("default", leads, gated=True), data, name)
    missed, false = done.score.false_negatives, done.score.false_positives
    if not len(missed) + len(false):
        return None
    signal_mv, rate_hz, path = read(data, name)
    truth, _ = read_annotations(path, "atr")
    symbols = np.array(truth.symbols)
    is_beat = np.isin(symbols, list(EC57_CLASSES))
    beats = truth.samples[is_beat]
    kinds = Counter(symbols[is_beat][np.searchsorted(beats, missed)].tolist())
    near = sum(bool(np.abs(beats - sample).min() < NEAR_S * rate_hz) for sample in false)
    scored = beats[beats >= done.score.conditions.start_s * rate_hz]
    noise = [noise_at(signal_mv[:, :leads], rate_hz, beats, at) for at in (scored, missed, false)]
    return [
        name,
        str(len(scored)),
        str(len(missed)),
        " ".join(f"{kind} {count}" for kind, count in kinds.most_common()),
        str(len(false)),
        str(near),
        *(f"{np.nanmedian(part):.2f}" if len(part) else "-" for part in noise),
    ]


def main(argv: list[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with mitdb/ and nstdb/")
    parser.add_argument("--records", nargs="+", default=["mitdb44"], metavar="RECORD")
    parser.add_argument("--leads", type=int, default=2, choices=(1, 2))
    options = parser.parse_args(argv)
    table = Table(title=f"Errors of the default detector, {options.leads} lead(s)")
    for column in ("record", "beats", "missed", "by label", "false", "near a beat"):
        table.add_column(column, justify="right")
    for column in ("noise", "where missed", "where false"):
        table.add_column(column, justify="right")
    records = expand(options.records)
    clean = 0
    try:
        for name in records:
            row = explain(options.data, name, options.leads)
            clean += row is None
            if row is not None:
                table.add_row(*row)
    except MonitorError as error:
        print(f"explain_detect: {error}", file=sys.stderr)
        return 1
    Console(width=None if sys.stdout.isatty() else 120).print(table)
    print(f"{clean} of {len(records)} records have no error")
    return 0


if __name__ == "__main__":
    sys.exit(main())
