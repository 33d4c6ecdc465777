"""A real outlet of the Lab Streaming Layer on this machine; the truth is what was sent."""

import uuid

import numpy as np
import pytest
import wfdb
from lsl_outlet import Outlet

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


@pytest.fixture
def device():
    """Give a function that starts a device; all end with the test."""
    begun = []

    def start(*said, **more):
        begun.append(Outlet(*said, **more))
        return begun[-1]

    yield start
    for outlet in begun:
        outlet.end()


def received(outlet, rows, times, **options):
    """Send rows with stamps through a real outlet; what comes out until all have come."""
    source = LslStream(outlet.name, **options)
    chunks = source.chunks()
    assert len(next(chunks).values_mv) == 0  # connected, nothing has come
    outlet.wait()
    outlet.push(rows, times)
    out, have = [], 0
    for chunk in chunks:
        out.append(chunk)
        have += len(chunk.values_mv)
        if have >= len(rows):
            break
    chunks.close()
    index = np.concatenate([c.start_sample + np.arange(len(c.values_mv)) for c in out])
    return source, index, np.concatenate([c.values_mv for c in out])


def stamps(count, rate_hz=RATE_HZ):
    return pylsl.local_clock() + np.arange(count) / rate_hz


@pytest.mark.slow
def test_a_record_through_a_real_outlet_is_the_record(data_dir, device):
    record = wfdb.rdrecord(str(data_dir / "mitdb" / "208"), sampto=7200)
    sent = device(record.sig_name)
    source, index, values = received(sent, record.p_signal * 1000, stamps(7200))
    info = source.info
    assert (info.rate_hz, info.leads) == (RATE_HZ, ("MLII", "V1"))
    assert info.stream == sent.name.replace(" ", "_")
    assert info.source.startswith(f"LSL {sent.name} on ")
    assert (index == np.arange(7200)).all()
    assert np.abs(values - record.p_signal).max() < 1e-6


@pytest.mark.parametrize(
    ("unit", "factor"),
    [("millivolts", 1), ("V", 1e3)],
)
def test_units(unit, factor, device):
    _, _, values = received(device(unit=unit), np.full((720, 2), 0.25), stamps(720))
    assert values == pytest.approx(0.25 * factor)


@pytest.mark.slow
def test_integers_are_scaled_by_their_unit(device):
    sent = device(unit="uV", form="int16")
    _, _, values = received(sent, np.full((720, 2), -1500), stamps(720))
    assert values == pytest.approx(-1.5)


@pytest.mark.slow
def test_what_the_sender_lost_is_a_hole_through_jitter_and_drift(device):
    kept = np.delete(np.arange(20_000), np.arange(9000, 9400))
    times = stamps(20_000, RATE_HZ * 1.003)[kept] + RNG.normal(0, 0.0015, len(kept))
    rows = np.column_stack([kept, kept]).astype(float)
    _, index, values = received(device(unit="mV"), rows, times)
    assert np.abs(index - kept).max() <= 1
    assert (np.diff(index) > 1).sum() == 1
    assert (values[:, 0] == kept).all()


@pytest.mark.slow
def test_drift_is_said(device):
    said = []
    rows = np.zeros((26_000, 2))
    received(device(), rows, stamps(26_000, RATE_HZ * 0.995), log=said.append)
    assert len(said) == 1
    assert "runs at 358.2 Hz where 360 Hz was announced (-0.50 %)" in said[0]


@pytest.mark.slow
def test_another_rate_than_announced_is_refused(device):
    with pytest.raises(MonitorError, match="announced at 360 Hz, but its time stamps say 250 Hz"):
        received(device(), np.zeros((1000, 2)), stamps(1000, 250))


@pytest.mark.slow
def test_channels_that_are_no_ecg_are_left_out(device):
    sent = device(("Fp1", "II", "Resp"), kind="EXG", kinds=("EEG", "ECG", "RESP"))
    source, _, values = received(sent, np.tile([1.0, 2000.0, 3.0], (720, 1)), stamps(720))
    assert source.info.leads == ("II",)
    assert values == pytest.approx(2.0)


@pytest.mark.slow
def test_a_stream_without_names_is_named_by_the_user(device):
    sent = device((), count=2)
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
def test_what_cannot_be_used_is_refused(sent, options, complaint, device):
    outlet = device(**sent)
    with pytest.raises(MonitorError, match=complaint):
        LslStream(outlet.name, **options)


@pytest.mark.slow
def test_streams_are_found_by_name_source_or_as_the_only_ecg(monkeypatch, device):
    first, second = device(source="dev-a"), device(source="dev-b", kind="EEG")
    assert LslStream("").info.source.startswith(f"LSL {first.name} on")
    assert LslStream("dev-b", leads=("II",)).info.source.startswith(f"LSL {second.name} on")
    monkeypatch.setattr(lsl_stream, "ANOTHER_S", 300.0)
    device(source="dev-c", name=first.name)
    with pytest.raises(MonitorError, match="more than one LSL stream answers"):
        LslStream(first.name)


@pytest.mark.slow
def test_a_stream_that_is_not_there(monkeypatch, device):
    monkeypatch.setattr(lsl_stream, "FIND_S", 0.3)
    device(name="the other")

    def others(seconds):
        """Look until there is something, however long that takes."""
        return pylsl.resolve_bypred("name='the other'", 1, 300.0)

    monkeypatch.setattr(lsl_stream.pylsl, "resolve_streams", others)
    with pytest.raises(
        MonitorError, match=r"no LSL stream named bed-9; there is the other \(ECG\)"
    ):
        LslStream("bed-9")


@pytest.mark.slow
def test_a_sender_that_is_gone_for_good_ends_the_stream(device):
    outlet = device(source="")
    chunks = LslStream(outlet.name).chunks()
    assert len(next(chunks).values_mv) == 0
    outlet.wait()
    outlet.end()
    with pytest.raises(MonitorError, match="is lost"):
        for _ in chunks:
            pass


@pytest.mark.slow
def test_a_sender_that_comes_back_goes_on_after_a_hole(device):
    outlet = device(unit="mV")
    times = stamps(3000)
    chunks = LslStream(outlet.name).chunks()
    next(chunks)
    outlet.wait()
    index, values = [], []

    def send_and_read(first, last):
        numbers = np.arange(first, last)
        outlet.push(np.column_stack((numbers, numbers)).astype(float), times[first:last])
        for chunk in chunks:
            index.extend(range(chunk.start_sample, chunk.end_sample))
            values.extend(chunk.values_mv[:, 0].tolist())
            if values and values[-1] == last - 1:
                break

    send_and_read(0, 1000)
    outlet.end()
    outlet.begin()
    while not outlet.heard():
        next(chunks)
    send_and_read(1400, 3000)
    assert values == [*range(1000), *range(1400, 3000)]
    assert index == values
