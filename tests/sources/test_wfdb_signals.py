"""Every signal format of WFDB: packed by this test, or by the wfdb package, and read in pieces."""

import itertools

import numpy as np
import pytest
import wfdb

from monitor.errors import MonitorError
from monitor.sources.wfdb.record import WfdbRecord

FRAMES = 36_007  # over three pieces of 30 s, and no whole number of blocks of any format
RATE_HZ = 360
BITS = {"8": 16, "16": 16, "24": 24, "32": 30, "61": 16, "80": 8, "160": 16, "212": 12,
        "310": 10, "311": 10}  # fmt: skip


def digital(bits, width, seed=7):
    """Give samples (frames, width) over the range of a format, none of them the invalid one."""
    rng = np.random.default_rng(seed)
    top = (1 << (bits - 1)) - 1
    return rng.integers(-top, top + 1, (FRAMES, width))


def packed(form, flat):
    """Pack samples as signal(5) describes each format."""
    if form == "8":
        raise AssertionError("differences are packed signal by signal")
    simple = {"16": "<i2", "32": "<i4", "61": ">i2"}
    if form in simple:
        return flat.astype(simple[form]).tobytes()
    if form == "80":
        return (flat + 128).astype("u1").tobytes()
    if form == "160":
        return (flat + 32768).astype("<u2").tobytes()
    if form == "24":
        return flat.astype("<i4").view("u1").reshape(-1, 4)[:, :3].tobytes()
    out = bytearray()
    if form == "212":
        for a, b in zip(flat[::2].tolist(), [*flat[1::2].tolist(), 0], strict=False):
            a, b = a & 0xFFF, b & 0xFFF
            out += bytes([a & 0xFF, a >> 8 | (b >> 8) << 4, b & 0xFF])
        return bytes(out)
    flat = np.concatenate([flat, np.zeros(-len(flat) % 3, int)])
    for a, b, c in (flat.reshape(-1, 3) & 0x3FF).tolist():
        if form == "310":
            first = a << 1 & 0xFF | (a >> 7 | (c & 0x1F) << 3) << 8
            second = b << 1 & 0xFF | (b >> 7 | (c >> 5) << 3) << 8
            word = first | second << 16
        else:
            word = a | b << 10 | c << 20
        out += word.to_bytes(4, "little")
    return bytes(out)


def record(folder, form, per_frame=(1, 1), skew=(0, 0), offset=0, initial=(0, 0)):
    """Write a record of two leads and give its path and samples in mV, shape (n, 2)."""
    width = sum(per_frame)
    values = digital(BITS[form], width)
    if form == "8":
        steps = np.random.default_rng(7).integers(-127, 128, (FRAMES, width))
        raw = steps.astype("i1").tobytes()
        one, two = steps[:, : per_frame[0]], steps[:, per_frame[0] :]
        values = np.hstack(
            [
                (np.cumsum(part) + start).reshape(part.shape)
                for part, start in zip((one, two), initial, strict=True)
            ]
        )
    else:
        raw = packed(form, values.reshape(-1))
    (folder / "r.dat").write_bytes(b"\x55" * offset + raw)
    lines = [f"r 2 {RATE_HZ / per_frame[0]:g} {FRAMES}"]
    columns = []
    at = 0
    for k, name in enumerate(("II", "V5")):
        part = values[:, at : at + per_frame[k]].reshape(-1) / 100.0
        at += per_frame[k]
        shift = skew[k] * per_frame[k]
        columns.append(np.concatenate([part[shift:], np.full(shift, np.nan)]))
        times = f"{form}x{per_frame[k]}:{skew[k]}+{offset}"
        lines.append(f"r.dat {times} 100(0)/mV 12 0 {initial[k]} 0 0 {name}")
    (folder / "r.hea").write_text("\n".join(lines) + "\n", encoding="ascii")
    return folder / "r", np.stack(columns, axis=1)


def read(path, **options):
    source = WfdbRecord(path, **options)
    chunks = list(source.chunks())
    assert all(a.end_sample == b.start_sample for a, b in itertools.pairwise(chunks))
    return source.info.start_sample, np.concatenate([c.values_mv for c in chunks])


@pytest.mark.slow
@pytest.mark.parametrize("form", BITS)
@pytest.mark.parametrize(
    "layout",
    [
        {},
        {"per_frame": (3, 3)},
        {"skew": (0, 5)},
        {"skew": (2, 0), "offset": 37},
        {"per_frame": (2, 2), "skew": (1, 3), "offset": 24, "initial": (-14, 300)},
    ],
    ids=str,
)
def test_a_record_read_in_pieces_is_what_was_packed(tmp_path, form, layout):
    path, expected = record(tmp_path, form, **layout)
    _, values = read(path, leads=("II", "V5"))
    np.testing.assert_allclose(values, expected, rtol=1e-6)
    start, part = read(path, leads=("V5", "II"), start_s=31.7, stop_s=97.3)
    np.testing.assert_allclose(
        part, expected[start : start + len(part), ::-1], rtol=1e-6, err_msg="from the middle"
    )
    assert (
        start
        == round(31.7 * RATE_HZ / layout.get("per_frame", (1, 1))[0])
        * layout.get("per_frame", (1, 1))[0]
    )


@pytest.mark.slow
@pytest.mark.parametrize("form", BITS)
def test_the_wfdb_package_reads_the_same(tmp_path, form):
    path, expected = record(tmp_path, form)
    found = wfdb.rdrecord(str(path)).p_signal
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("form", ["508", "516", "524"])
@pytest.mark.parametrize("per_frame", [1, 3])
def test_compressed_files_are_read_in_pieces(tmp_path, form, per_frame):
    values = digital(int(form) - 500, 2)[: FRAMES // 3 * 3]
    wfdb.Record(
        record_name="r", n_sig=2, fs=RATE_HZ / per_frame, sig_len=len(values) // per_frame,
        e_d_signal=list(values.T), fmt=[form] * 2, samps_per_frame=[per_frame] * 2,
        adc_gain=[100.0] * 2, baseline=[0] * 2, units=["mV"] * 2, sig_name=["II", "V5"],
        file_name=["r.dat"] * 2, byte_offset=[None] * 2, skew=[None] * 2, adc_res=[0] * 2,
        adc_zero=[0] * 2, init_value=[0] * 2, checksum=[0] * 2, block_size=[0] * 2,
        comments=[],
    ).wrsamp(write_dir=str(tmp_path), expanded=True)  # fmt: skip
    _, found = read(tmp_path / "r", leads=("II", "V5"))
    np.testing.assert_allclose(found, values / 100.0, rtol=1e-6)
    start, found = read(tmp_path / "r", leads=("II", "V5"), start_s=40.0)
    np.testing.assert_allclose(found, values[start:] / 100.0, rtol=1e-6)


def test_the_differences_of_a_second_round_begin_anew(tmp_path):
    path, expected = record(tmp_path, "8", initial=(-14, 300))
    chunks = WfdbRecord(path, leads=("II", "V5"), loop=True, chunk_s=1e3).chunks()
    pieces = [next(chunks).values_mv for _ in range(9)]
    np.testing.assert_allclose(np.concatenate(pieces[:4]), expected, rtol=1e-6)
    assert np.isnan(pieces[4]).all()
    np.testing.assert_allclose(np.concatenate(pieces[5:]), expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("form", "invalid"), [("16", -32768), ("80", -128), ("212", -2048), ("310", -512)]
)
def test_the_lowest_value_of_a_format_is_no_sample(tmp_path, form, invalid):
    path, expected = record(tmp_path, form)
    values = (expected * 100).round().astype(int)
    values[1000:1010, 1] = invalid
    (tmp_path / "r.dat").write_bytes(packed(form, values.reshape(-1)))
    _, found = read(path, leads=("II", "V5"))
    assert np.flatnonzero(np.isnan(found[:, 1])).tolist() == list(range(1000, 1010))
    assert np.isfinite(found[:, 0]).all()


@pytest.mark.parametrize(
    ("raw", "complaint"),
    [
        (b"fLaC" + bytes(100), "r.dat cannot be read"),
        (b"no FLAC at all", "r.dat cannot be read"),
        (b"", "r.dat cannot be read"),
    ],
)
def test_a_compressed_file_that_is_none(tmp_path, raw, complaint):
    (tmp_path / "r.dat").write_bytes(raw)
    (tmp_path / "r.hea").write_text("r 1 360 3600\nr.dat 516 100/mV 16 0 0 0 0 II\n")
    with pytest.raises(MonitorError, match=complaint):
        read(tmp_path / "r")
