"""WFDB annotations as bytes, in the MIT format (annot(5)). Pure.

``wfdb`` writes whole files only, but the file of a recording grows while others read it. The bytes
equal those of ``wfdb.wrann``.

Reference: WFDB Applications Guide, annot(5).
"""

from __future__ import annotations

from collections.abc import Sequence

Row = tuple[int, str, int, int, str]  # sample, symbol, subtype, chan, aux

CODES = {
    "N": 1, "V": 5, "F": 6, "S": 9, "Q": 13, "~": 14, '"': 22, "+": 28, "[": 32, "]": 33,
}  # fmt: skip
END = b"\0\0"
_SKIP, _SUBTYPE, _CHAN, _AUX = 59, 61, 62, 63
_MAX_STEP = 0x3FF  # the longest step in samples that a word holds
_MAX_SKIP = 0x7FFFFFFF
_TIME_RESOLUTION_ENDS = bytes([0, _SKIP << 2, 255, 255, 255, 255, 1, 0])  # a step back and forth


def beginning(rate_hz: float) -> bytes:
    """Give the beginning of a file: its sampling rate, as an integer if it is one to 8 decimals."""
    rate = int(rate_hz) if round(rate_hz, 8) == int(rate_hz) else rate_hz
    return _word(CODES['"'], 0) + _aux(f"## time resolution: {rate}") + _TIME_RESOLUTION_ENDS


def encode(rows: Sequence[Row], after: Row | None = None) -> bytes:
    """Encode annotations in order of time, without :data:`END`.

    Parameters
    ----------
    rows
        Annotations.
    after
        The one before them; None if they are the first.
    """
    out = bytearray()
    before, last_chan = (after[0], after[3]) if after is not None else (0, 0)
    for sample, symbol, subtype, chan, aux in rows:
        step = sample - before
        while step > _MAX_STEP:
            skip = min(step, _MAX_SKIP)
            high, low = divmod(skip, 1 << 16)
            out += _word(_SKIP, 0) + high.to_bytes(2, "little") + low.to_bytes(2, "little")
            step -= skip
        out += _word(CODES[symbol], step)
        if subtype:
            out += bytes([subtype, _SUBTYPE << 2])
        if chan != last_chan:
            out += bytes([chan, _CHAN << 2])
        if aux:
            out += _aux(aux)
        before, last_chan = sample, chan
    return bytes(out)


def whole_part(data: bytes) -> bytes:
    """Give the whole annotations of a file that may end anywhere, with the end mark.

    Empty if no annotation is whole.
    """
    begun = data.find(_TIME_RESOLUTION_ENDS)
    first = at = whole = begun + len(_TIME_RESOLUTION_ENDS)
    skipped = False
    while begun >= 0 and at + 2 <= len(data):
        code, low = data[at + 1] >> 2, data[at]
        if code <= _SKIP and not skipped:
            whole = at  # all annotations before this are complete
        if data[at : at + 2] == END:
            break
        skipped = code == _SKIP
        at += 2 + (4 if skipped else low + low % 2 if code == _AUX else 0)
    return data[:whole] + END if whole > first else b""


def _word(code: int, low: int) -> bytes:
    return (code << 10 | low).to_bytes(2, "little")


def _aux(text: str) -> bytes:
    data = text.encode("ascii")
    return _word(_AUX, len(data)) + data + bytes(len(data) % 2)
