"""A real outlet of the Lab Streaming Layer on this machine; the truth is what was sent."""

import gc
import itertools
import uuid

import numpy as np
import pytest
import wfdb

pylsl = pytest.importorskip("pylsl")

from monitor.errors import MonitorError  # noqa: E402
from monitor.sources import lsl_stream  # noqa: E402
from monitor.sources.calibration import Calibration  # noqa: E402
from monitor.sources.lsl_stream import LslStream  # noqa: E402

RATE_HZ = 360.0
RNG = np.random.default_rng(3)


@pytest.fixture(scope="module", autouse=True)
def own_session(tmp_path_factory):
    """See no other stream of the network, and be seen by none."""
    config = tmp_path_factory.mktemp("lsl") / "lsl_api.cfg"
    config.write_text(
        f"[lab]\nSessionID = {uuid.uuid4()}\n[multicast]\nResolveScope = machine\n"
        "[log]\nlevel = -3\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSLAPICFG", str(config))
        patch.setattr(lsl_stream, "FIND_S", 300.0)
        patch.setattr(lsl_stream, "ANOTHER_S", 0.05)
        yield


@pytest.fixture(autouse=True)
def no_outlet_left():
    """Outlets that failed tests or raised errors still hold would be found by the next test."""
    gc.collect()


def description(
    labels=("II", "V5"), unit="microvolts", rate_hz=RATE_HZ, kind="ECG", source="device-1", **more
):
    count = more.get("count", len(labels))
    name = more.get("name", f"bed {uuid.uuid4().hex[:8]}")
    info = pylsl.StreamInfo(name, kind, count, rate_hz, more.get("form", "float32"), source)
    channels = info.desc().append_child("channels")
    for label, channel_kind in zip(labels, more.get("kinds", itertools.repeat("")), strict=False):
        channel = channels.append_child("channel")
        channel.append_child_value("label", label)
        if unit:
            channel.append_child_value("unit", unit)
        channel.append_child_value("type", channel_kind)
    return info


def received(outlet_info, rows, times, count=None, **options):
    """Send rows with stamps through a real outlet; what comes out until ``count`` have come."""
    outlet = pylsl.StreamOutlet(outlet_info, chunk_size=32)
    source = LslStream(outlet_info.name(), **options)
    chunks = source.chunks()
    assert len(next(chunks).values_mv) == 0  # connected, nothing has come
    assert outlet.wait_for_consumers(300)
    for row, stamp in zip(np.asarray(rows).tolist(), times.tolist(), strict=True):
        outlet.push_sample(row, stamp)
    out, have = [], 0
    for chunk in chunks:
        out.append(chunk)
        have += len(chunk.values_mv)
        if have >= (count or len(rows)):
            break
    chunks.close()
    index = np.concatenate([c.start_sample + np.arange(len(c.values_mv)) for c in out])
    return source, index, np.concatenate([c.values_mv for c in out])


def stamps(count, rate_hz=RATE_HZ):
    return pylsl.local_clock() + np.arange(count) / rate_hz


@pytest.mark.slow
def test_a_record_through_a_real_outlet_is_the_record(data_dir):
    record = wfdb.rdrecord(str(data_dir / "mitdb" / "208"), sampto=7200)
    sent = description(record.sig_name)
    source, index, values = received(sent, record.p_signal * 1000, stamps(7200))
    info = source.info
    assert (info.rate_hz, info.leads) == (RATE_HZ, ("MLII", "V1"))
    assert info.stream == sent.name().replace(" ", "_")
    assert info.source.startswith(f"LSL {sent.name()} on ")
    assert (index == np.arange(7200)).all()
    assert np.abs(values - record.p_signal).max() < 1e-6


@pytest.mark.parametrize(
    ("unit", "factor"),
    [("millivolts", 1), ("V", 1e3)],
)
def test_units(unit, factor):
    _, _, values = received(description(unit=unit), np.full((720, 2), 0.25), stamps(720))
    assert values == pytest.approx(0.25 * factor)


@pytest.mark.slow
def test_integers_are_scaled_by_their_unit():
    sent = description(unit="uV", form="int16")
    _, _, values = received(sent, np.full((720, 2), -1500), stamps(720))
    assert values == pytest.approx(-1.5)


@pytest.mark.slow
def test_what_the_sender_lost_is_a_hole_through_jitter_and_drift():
    kept = np.delete(np.arange(20_000), np.arange(9000, 9400))
    times = stamps(20_000, RATE_HZ * 1.003)[kept] + RNG.normal(0, 0.0015, len(kept))
    rows = np.column_stack([kept, kept]).astype(float)
    _, index, values = received(description(unit="mV"), rows, times)
    assert np.abs(index - kept).max() <= 1
    assert (np.diff(index) > 1).sum() == 1
    assert (values[:, 0] == kept).all()


@pytest.mark.slow
def test_drift_is_said():
    said = []
    rows = np.zeros((26_000, 2))
    received(description(), rows, stamps(26_000, RATE_HZ * 0.995), log=said.append)
    assert len(said) == 1
    assert "runs at 358.2 Hz where 360 Hz was announced (-0.50 %)" in said[0]


@pytest.mark.slow
def test_another_rate_than_announced_is_refused():
    with pytest.raises(MonitorError, match="announced at 360 Hz, but its time stamps say 250 Hz"):
        received(description(), np.zeros((1000, 2)), stamps(1000, 250))


@pytest.mark.slow
def test_channels_that_are_no_ecg_are_left_out():
    sent = description(("Fp1", "II", "Resp"), kind="EXG", kinds=("EEG", "ECG", "RESP"))
    source, _, values = received(sent, np.tile([1.0, 2000.0, 3.0], (720, 1)), stamps(720))
    assert source.info.leads == ("II",)
    assert values == pytest.approx(2.0)


@pytest.mark.slow
def test_a_stream_without_names_is_named_by_the_user():
    sent = description((), count=2)
    rows = np.tile([1.0, 2.0], (720, 1))
    source, _, values = received(
        sent, rows, stamps(720), leads=("V1", "II"), calibration=Calibration("mV")
    )
    assert source.info.leads == ("V1", "II")
    assert values[0].tolist() == [1, 2]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sent", "options", "complaint"),
    [
        ({"rate_hz": 0.0}, {}, "no sampling rate"),
        ({"rate_hz": 20.0}, {}, "20 Hz is outside"),
        ({"form": "string", "unit": None}, {}, "holds texts"),
        ({"unit": ""}, {}, "unit of II, V5 is not said: add --unit"),
        ({"unit": "counts"}, {}, "unit 'counts' of II, V5 is not known: add --unit"),
        ({"unit": "mV"}, {"calibration": Calibration("uV")}, "II is in mV, but --unit says uV"),
        ({"labels": (), "count": 2}, {}, "does not name its 2 channel"),
        ({"kind": "EEG"}, {}, "is of type EEG: to take it as ECG, name its leads of II, V5"),
        ({}, {"leads": ("V9",)}, "no lead 'V9'"),
    ],
)
def test_what_cannot_be_used_is_refused(sent, options, complaint):
    info = description(**sent)
    outlet = pylsl.StreamOutlet(info)
    with pytest.raises(MonitorError, match=complaint):
        LslStream(info.name(), **options)
    del outlet


@pytest.mark.slow
def test_streams_are_found_by_name_source_or_as_the_only_ecg(monkeypatch):
    first, second = description(source="dev-a"), description(source="dev-b", kind="EEG")
    outlets = [pylsl.StreamOutlet(info) for info in (first, second)]
    assert LslStream("").info.source.startswith(f"LSL {first.name()} on")
    assert LslStream("dev-b", leads=("II",)).info.source.startswith(f"LSL {second.name()} on")
    monkeypatch.setattr(lsl_stream, "ANOTHER_S", 300.0)
    twin = pylsl.StreamOutlet(description(source="dev-c", name=first.name()))
    with pytest.raises(MonitorError, match="more than one LSL stream answers"):
        LslStream(first.name())
    del outlets, twin


@pytest.mark.slow
def test_a_stream_that_is_not_there(monkeypatch):
    monkeypatch.setattr(lsl_stream, "FIND_S", 0.3)
    outlet = pylsl.StreamOutlet(description(name="the other"))

    def others(seconds):
        """Look until there is something, however long that takes."""
        return pylsl.resolve_bypred("name='the other'", 1, 300.0)

    monkeypatch.setattr(lsl_stream.pylsl, "resolve_streams", others)
    with pytest.raises(
        MonitorError, match=r"no LSL stream named bed-9; there is the other \(ECG\)"
    ):
        LslStream("bed-9")
    del outlet


@pytest.mark.slow
def test_a_sender_that_is_gone_for_good_ends_the_stream():
    info = description(source="")
    outlet = pylsl.StreamOutlet(info)
    chunks = LslStream(info.name()).chunks()
    assert len(next(chunks).values_mv) == 0
    assert outlet.wait_for_consumers(300)
    del outlet
    with pytest.raises(MonitorError, match="is lost"):
        for _ in chunks:
            pass


@pytest.mark.slow
def test_a_sender_that_comes_back_goes_on_after_a_hole():
    info = description(unit="mV")
    times = stamps(3000)
    outlet = pylsl.StreamOutlet(info)
    chunks = LslStream(info.name()).chunks()
    next(chunks)
    assert outlet.wait_for_consumers(300)
    index, values = [], []

    def send_and_read(first, last):
        for i in range(first, last):
            outlet.push_sample([i, i], times[i])
        for chunk in chunks:
            index.extend(range(chunk.start_sample, chunk.end_sample))
            values.extend(chunk.values_mv[:, 0].tolist())
            if values and values[-1] == last - 1:
                break

    send_and_read(0, 1000)
    del outlet
    outlet = pylsl.StreamOutlet(info)
    while not outlet.have_consumers():
        next(chunks)
    send_and_read(1400, 3000)
    assert values == [*range(1000), *range(1400, 3000)]
    assert index == values
