"""Records of several segments: each has its own scale, leads and files."""

import numpy as np
import pytest

from monitor.errors import MonitorError
from monitor.sources.wfdb_record import WfdbRecord

RATE_HZ = 360
COUNTS = np.random.default_rng(5).integers(-900, 900, (3600, 2))


def segment(folder, name, *lines, counts=COUNTS, extra=""):
    """Write a segment of 10 s; ``lines`` are gain and name of each signal, in 16 bit."""
    counts[:, : len(lines)].astype("<i2").tofile(folder / f"{name}.dat")
    text = [f"{name} {len(lines)} {RATE_HZ} {len(counts)}{extra}"]
    text += [f"{name}.dat 16 {gain} 16 0 0 0 0 {lead}" for gain, lead in lines]
    (folder / f"{name}.hea").write_text("\n".join(text), encoding="utf-8")


def master(folder, *lines, frames=""):
    text = [f"m/{len(lines)} 1 {RATE_HZ} {frames}", *lines]
    (folder / "m.hea").write_text("\n".join(text), encoding="utf-8")
    return folder / "m"


def read(path, **wish):
    source = WfdbRecord(path, **wish)
    chunks = list(source.chunks())
    index = np.concatenate([c.start_sample + np.arange(len(c.values_mv)) for c in chunks])
    return source.info.leads, index, np.concatenate([c.values_mv for c in chunks])


def test_each_segment_has_its_own_unit_and_gain(tmp_path):
    segment(tmp_path, "a", ("200/mV", "II"))
    segment(tmp_path, "b", ("0.2/µV", "II"))
    segment(tmp_path, "c", ("100(50)/mV", "II"))
    (tmp_path / "l.hea").write_text(f"l 1 {RATE_HZ} 0\n~ 0 200/mV 16 0 0 0 0 II\n")
    path = master(tmp_path, "l 0", "a 3600", "b 3600", "c 3600")
    leads, index, values = read(path)
    assert leads == ("II",)
    assert (index == np.arange(3 * 3600)).all()
    counts = COUNTS[:, 0]
    expected = np.concatenate([counts / 200, counts / 200, (counts - 50) / 100])
    np.testing.assert_allclose(values[:, 0], expected, rtol=1e-5)
    _, index, part = read(path, start_s=9.5, stop_s=20.25)
    np.testing.assert_allclose(part[:, 0], expected[index], rtol=1e-5)
    assert index[[0, -1]].tolist() == [3420, 7289]


def test_a_unit_that_is_not_known_in_a_later_segment_is_asked_for(tmp_path):
    segment(tmp_path, "a", ("200/mV", "II"))
    segment(tmp_path, "b", ("0.2/?V", "II"))
    path = master(tmp_path, "a 3600", "b 3600")
    with pytest.raises(MonitorError, match=r"II is in '\?V' in segment b.*add --unit"):
        WfdbRecord(path)
    segment(tmp_path, "b", ("20/mmHg", "II"))
    with pytest.raises(MonitorError, match="II is in 'mmHg' in segment b"):
        WfdbRecord(path)


def test_leads_are_found_by_name_in_each_segment(tmp_path):
    segment(tmp_path, "a", ("200/mV", "II"), ("100/mV", "V1"))
    segment(tmp_path, "b", ("100/mV", "V1"), ("200/mV", "II"))
    segment(tmp_path, "c", ("200/mV", "II"))
    leads, _, values = read(master(tmp_path, "a 3600", "b 3600", "c 3600"))
    assert leads == ("II", "V1")
    np.testing.assert_allclose(values[:3600], COUNTS / (200, 100), rtol=1e-5)
    np.testing.assert_allclose(values[3600:7200], COUNTS[:, ::-1] / (200, 100), rtol=1e-5)
    np.testing.assert_allclose(values[7200:, 0], COUNTS[:, 0] / 200, rtol=1e-5)
    assert np.isnan(values[7200:, 1]).all()


def test_what_was_not_recorded_is_a_hole(tmp_path):
    segment(tmp_path, "a", ("200/mV", "II"))
    segment(tmp_path, "b", ("20/mmHg", "ABP"))
    path = master(tmp_path, "a 3600", "~ 1800", "b 3600", "a 3600", "~ 900000000")
    leads, index, values = read(path)
    assert leads == ("II",)
    kept = np.arange(3600)
    assert (index == np.concatenate([kept, 9000 + kept])).all()
    np.testing.assert_allclose(values[:, 0], np.tile(COUNTS[:, 0] / 200, 2), rtol=1e-5)


def test_a_segment_that_is_cut_off_leaves_a_hole_and_is_told(tmp_path):
    segment(tmp_path, "a", ("200/mV", "II"))
    segment(tmp_path, "b", ("200/mV", "II"), counts=COUNTS[:1000])
    said = []
    _, index, _ = read(master(tmp_path, "b 3600", "a 3600", frames="9999"), say=said.append)
    assert (index == np.concatenate([np.arange(1000), 3600 + np.arange(3600)])).all()
    assert said == [
        (
            "record m, segment b is truncated: b.dat holds 1000 of 3600 samples a signal; what is "
            "there is used"
        ),
        (
            "record m: its header announces 9999 samples a signal, its segments have 7200; "
            "these are used"
        ),
    ]


def test_segments_that_do_not_fit_together_are_refused(tmp_path):
    segment(tmp_path, "a", ("200/mV", "II"))
    segment(tmp_path, "b", ("200/mV", "II"))
    text = (tmp_path / "b.hea").read_text(encoding="utf-8")
    path = master(tmp_path, "a 3600", "b 3600")
    (tmp_path / "b.hea").write_text(text.replace(f"1 {RATE_HZ}", "1 250"), encoding="utf-8")
    with pytest.raises(MonitorError, match=r"segment b: .*another rate than the 360 Hz"):
        WfdbRecord(path)
    (tmp_path / "b.hea").write_text(text.replace("16 200", "16x2 200"), encoding="utf-8")
    with pytest.raises(MonitorError, match="II has another sampling rate in segment b"):
        WfdbRecord(path)
    (tmp_path / "b.dat").unlink()
    (tmp_path / "b.hea").write_text(text, encoding="utf-8")
    with pytest.raises(MonitorError, match=r"signal file b.dat is missing"):
        WfdbRecord(path)
