"""The binary frame of samples for a browser. Pure.

Little-endian, all parts at multiples of 4 bytes::

    u32 kind = 1, u32 beds
    for each bed: u32 number, u32 begun, u32 leads, u32 step, u32 rows, u32 0, f64 start sample,
                  then rows x leads float32, mV, NaN for missing

``step`` is how many samples lie between two rows; ``begun`` tells signals of one bed apart.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from monitor.messages import FloatArray

SAMPLES = 1
_HEAD = struct.Struct("<II")
_BED = struct.Struct("<IIIIIId")


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """New signal of one bed: ``values_mv`` of shape (rows, leads), each ``step`` samples apart."""

    number: int
    begun: int
    start_sample: int
    step: int
    values_mv: FloatArray


def encode(pieces: list[Piece]) -> bytes:
    """Write one frame."""
    parts = [_HEAD.pack(SAMPLES, len(pieces))]
    for piece in pieces:
        rows, leads = piece.values_mv.shape
        parts.append(
            _BED.pack(piece.number, piece.begun, leads, piece.step, rows, 0, piece.start_sample)
        )
        parts.append(piece.values_mv.astype("<f4", copy=False).tobytes())
    return b"".join(parts)
