"""Write a simulated patient as a WFDB record with reference annotations."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from monitor.errors import MonitorError
from monitor.sources.simulator.source import Simulator
from monitor.sources.simulator.truth import TrueBeat, TrueEpisode, TrueRhythm, TruthItem

_GAIN = 1000.0  # units per mV: 1 µV steps, +-32 mV
_INVALID = -32768  # WFDB's invalid sample in format 16


def write_wfdb(simulator: Simulator, folder: str | Path, record_name: str) -> Path:
    """Write ``RECORD.hea``, ``.dat`` (format 16) and ``.atr``; give the path of the header.

    Samples go to the file chunk by chunk; the annotations alone are collected. NaN and gaps
    of the stream become invalid samples. Annotations are beats; ``+`` for rhythm changes;
    ``[`` and ``]`` around VF and ventricular flutter; ``~`` for faults, with WFDB's subtype
    (bits of noisy leads, bits from 4 on for leads that are lost) and the kind in ``aux_note``.

    Parameters
    ----------
    simulator
        One with an end, and at most 12 leads.
    folder
        Made if it is not there.
    record_name
        Letters, digits, ``-`` and ``_``.

    Raises
    ------
    MonitorError
        If the simulator has no end, or the files cannot be written.
    """
    length = simulator.samples
    if length is None:
        raise MonitorError("simulator: it loops for ever; give duration_s")
    if not record_name or not record_name.replace("-", "").replace("_", "").isalnum():
        raise MonitorError(f"record name {record_name!r}: letters, digits, '-' and '_' only")
    folder = Path(folder)
    info = simulator.info
    width = len(info.leads)
    items: list[TruthItem] = []
    sums = np.zeros(width, dtype=np.int64)
    first: np.ndarray[tuple[int, ...], np.dtype[np.int16]] | None = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with open(folder / f"{record_name}.dat", "wb") as file:
            at = 0
            for chunk, truth in simulator.chunks_with_truth():
                items += truth
                missing = np.full((chunk.start_sample - at, width), _INVALID, dtype="<i2")
                scaled = np.rint(chunk.values_mv.astype(np.float64) * _GAIN)
                known = np.nan_to_num(np.clip(scaled, -32767, 32767), nan=_INVALID)
                block = np.concatenate([missing, known.astype("<i2")])
                at = chunk.end_sample
                file.write(block.tobytes())
                sums += block.sum(axis=0, dtype=np.int64)
                if first is None:
                    first = block[0]
            missing = np.full((length - at, width), _INVALID, dtype="<i2")
            file.write(missing.tobytes())
            sums += missing.sum(axis=0, dtype=np.int64)
        if first is None:
            first = np.full(width, _INVALID, dtype=np.int16)
        lines = [f"{record_name} {width} {info.rate_hz:.10g} {length}"]
        units = ["NU" if lead == info.pulse else "mV" for lead in info.leads]
        lines += [
            f"{record_name}.dat 16 {_GAIN:g}(0)/{units[i]} 16 0 {first[i]} "
            f"{(int(sums[i]) + 32768) % 65536 - 32768} 0 {lead}"
            for i, lead in enumerate(info.leads)
        ]
        lines.append(f"# {info.source}")
        header = folder / f"{record_name}.hea"
        header.write_text("\n".join(lines) + "\n", encoding="ascii")
        _write_annotations(items, folder, record_name, info.rate_hz, len(info.ecg.leads))
    except OSError as error:
        raise MonitorError(f"cannot write record {folder / record_name}: {error}") from error
    return header


def _write_annotations(
    items: list[TruthItem], folder: Path, record_name: str, rate_hz: float, width: int
) -> None:
    import wfdb

    rows: list[tuple[int, str, int, str]] = []
    for item in items:
        match item:
            case TrueBeat():
                rows.append((item.sample, item.symbol, 0, ""))
            case TrueRhythm():
                rows.append((item.sample, "+", 0, f"({item.name}"))
            case TrueEpisode(kind="vf" | "vflutter"):
                rows.append((item.sample, "[", 0, ""))
                rows.append((item.end_sample, "]", 0, ""))
            case TrueEpisode():
                rows.append((item.sample, "~", _subtype(item, width), item.kind))
                rows.append((item.end_sample, "~", 0, ""))
    rows.sort(key=lambda row: row[0])
    # WFDB sorts by time: annotations of one sample are kept, one sample apart
    samples: list[int] = []
    for row in rows:
        samples.append(max(row[0], samples[-1] + 1 if samples else 0))
    if not rows:
        return
    wfdb.wrann(
        record_name,
        "atr",
        np.array(samples),
        symbol=[row[1] for row in rows],
        subtype=np.array([row[2] for row in rows]),
        aux_note=[row[3] for row in rows],
        fs=rate_hz,
        write_dir=str(folder),
    )


def _subtype(item: TrueEpisode, width: int) -> int:
    """Noise subtype: -1 if no lead can be read, else bits of the first four leads."""
    lost = item.kind in ("lead_off", "nan", "gap", "saturation")
    if lost and len(item.leads) == width:
        return -1
    bits = sum(1 << lead for lead in item.leads if lead < 4)
    return bits * 17 if lost else bits
