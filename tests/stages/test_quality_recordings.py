"""The quality gate on recordings and on simulated patients: what must be usable, and what not.

Truth is what cardiologists annotated, or what the simulator was told to play.
"""

from pathlib import Path

import numpy as np
import pytest
import wfdb
from numpy.typing import NDArray
from scipy.signal import butter, resample_poly, sosfilt

from monitor.config import BlockSettings, QualitySettings
from monitor.messages import LeadState, Quality, Samples, StreamInfo
from monitor.sources.simulator.scenario import Fault, Scenario, Segment
from monitor.sources.simulator.source import Simulator
from monitor.stages.blocks import Blocks
from monitor.stages.quality import QualityGate

pytestmark = pytest.mark.slow

Signal = NDArray[np.float64]
OK = LeadState.OK
RHYTHMS = ("af", "flutter", "svt", "idioventricular", "vt", "vflutter", "vf", "paced", "asystole")


def judge(signal_mv: Signal, rate_hz: float) -> list[Quality]:
    info = StreamInfo("test", rate_hz, tuple(f"L{k}" for k in range(signal_mv.shape[1])))
    blocks, gate = Blocks(info, BlockSettings()), QualityGate(info, QualitySettings())
    hops = blocks.push(Samples("test", 0, signal_mv.astype(np.float32)))
    return [gate.push(hop) for hop in hops if isinstance(hop, Samples)]


def read(path: Path, start_s: float = 0.0, end_s: float | None = None) -> tuple[Signal, float]:
    """ECG leads of a stretch of a record in mV, and the rate."""
    rate_hz = float(wfdb.rdheader(str(path)).fs)
    stop = None if end_s is None else round(end_s * rate_hz)
    record = wfdb.rdrecord(str(path), sampfrom=round(start_s * rate_hz), sampto=stop)
    return record.p_signal[:, :2], rate_hz


def unusable(verdicts: list[Quality]) -> float:
    return float(np.mean([not verdict.usable for verdict in verdicts]))


# --- recordings ----------------------------------------------------------------------------------


@pytest.mark.parametrize("record", ["114", "203", "207", "217"])
def test_mitdb_is_usable(data_dir: Path, record: str) -> None:
    signal, rate_hz = read(data_dir / "mitdb" / record)
    assert unusable(judge(signal, rate_hz)) < 0.002
    assert unusable(judge(signal[:, :1], rate_hz)) < 0.01


@pytest.mark.parametrize("record", ["418", "422", "424", "426", "430", "611", "614"])
def test_lethal_rhythms_are_usable(data_dir: Path, record: str) -> None:
    """VT, flutter, fibrillation and asystole of VFDB, but for the second at each change."""
    signal, rate_hz = read(data_dir / "vfdb" / record)
    note = wfdb.rdann(str(data_dir / "vfdb" / record), "atr")
    changes = [k for k, symbol in enumerate(note.symbol) if symbol == "+"]
    starts = [*note.sample[changes].tolist(), len(signal)]
    verdicts = judge(signal[:, :1], rate_hz)
    judged = 0
    for k, start, end in zip(changes, starts[:-1], starts[1:], strict=True):
        if note.aux_note[k].strip("\0( ") not in ("VT", "VF", "VFIB", "VFL", "ASYS"):
            continue
        inside = [
            v for v in verdicts if start + rate_hz <= v.sample and v.end_sample <= end - rate_hz
        ]
        judged += len(inside)
        lost = [v.sample / rate_hz for v in inside if not v.usable]
        assert not lost, f"{note.aux_note[k]} from {start / rate_hz:.1f} s"
    assert judged


def test_true_alarms_find_a_usable_signal(data_dir: Path) -> None:
    """The ten seconds before the alarm in every record whose alarm was a true one."""
    rows = [row.split(",") for row in (data_dir / "cinc2015" / "ALARMS").read_text().split()]
    names = [name for name, _, true in rows if true == "1"]
    assert len(names) == 40
    for name in names:
        signal, rate_hz = read(data_dir / "cinc2015" / name, 240.0, 300.0)
        late = [v for v in judge(signal, rate_hz) if v.sample >= 50.0 * rate_hz]
        assert unusable(late) == 0.0, name


@pytest.mark.parametrize(("record", "end_s"), [("a123l", 299.0), ("a152s", 299.0)])
def test_false_asystole_of_lost_leads_is_unusable(
    data_dir: Path, record: str, end_s: float
) -> None:
    """Constant and missing leads that made a monitor call asystole."""
    signal, rate_hz = read(data_dir / "cinc2015" / record, 240.0, end_s)
    late = [v for v in judge(signal, rate_hz) if v.sample >= 50.0 * rate_hz]
    assert unusable(late) > 0.5


def test_lost_signal_in_116_is_found(data_dir: Path) -> None:
    """Twice the first lead of 116 goes to a rail and loses beats; the second lead never does."""
    signal, rate_hz = read(data_dir / "mitdb" / "116", 1340.0, 1440.0)
    verdicts = judge(signal, rate_hz)
    bad = {round(1340.0 + v.sample / rate_hz) for v in verdicts if v.leads[0] is not OK}
    assert bad
    assert bad <= set(range(1390, 1402)) | set(range(1403, 1410))
    assert all(v.usable for v in verdicts)


@pytest.mark.parametrize(
    "change", ["gain 0.1", "gain 10", "inverted", "offset", "100 Hz", "1000 Hz"]
)
def test_verdicts_do_not_depend_on_the_converter(data_dir: Path, change: str) -> None:
    signal, rate_hz = read(data_dir / "mitdb" / "203", 0.0, 900.0)
    before = unusable(judge(signal[:, 1:], rate_hz))
    assert before > 0.01, "a lead with noise in it"
    changed, new_rate_hz = signal[:, 1:], rate_hz
    match change.split():
        case ["gain", factor]:
            changed = float(factor) * changed
        case ["inverted"]:
            changed = -changed
        case ["offset"]:
            changed = changed + 4.0
        case [rate, "Hz"]:
            new_rate_hz = float(rate)
            changed = resample_poly(changed, int(rate), 360, axis=0)
    after = unusable(judge(changed, new_rate_hz))
    assert abs(after - before) < 0.02


# --- noise added ---------------------------------------------------------------------------------


@pytest.mark.parametrize("record", ["106", "119", "215", "223"])
def test_muscle_noise_is_flagged_while_it_lasts(data_dir: Path, record: str) -> None:
    """Muscle noise of the noise stress test, on for one minute, of about the size of the beats."""
    signal, rate_hz = read(data_dir / "mitdb" / record, 0.0, 180.0)
    muscle, _ = read(data_dir / "nstdb" / "ma", 600.0, 660.0)
    grain = sosfilt(butter(2, 10.0, "highpass", fs=rate_hz, output="sos"), muscle[:, :1], axis=0)
    noise = grain / grain.std() * np.ptp(signal[: round(60 * rate_hz), 0]) / 3.0
    signal = signal[:, :1].copy()
    first, last = round(60 * rate_hz), round(120 * rate_hz)
    signal[first:last] += noise[: last - first]
    verdicts = judge(signal, rate_hz)
    noisy = [v for v in verdicts if 63.0 * rate_hz <= v.sample < 120.0 * rate_hz]
    clean = [v for v in verdicts if v.sample < first or v.sample > 122.25 * rate_hz]
    assert unusable(noisy) > 0.5
    assert unusable(clean) < 0.01


def test_little_noise_is_not_flagged(data_dir: Path) -> None:
    for name in ("118e24", "118e18", "119e24", "119e18"):
        signal, rate_hz = read(data_dir / "nstdb" / name, 240.0, 600.0)
        assert unusable(judge(signal, rate_hz)) == 0.0


# --- simulated patients --------------------------------------------------------------------------


def play(scenario: Scenario, rate_hz: float, leads: tuple[str, ...] = ("II",)) -> list[Quality]:
    simulator = Simulator(scenario, rate_hz=rate_hz, leads=leads)
    blocks, gate = (
        Blocks(simulator.info, BlockSettings()),
        QualityGate(simulator.info, QualitySettings()),
    )
    hops = [hop for chunk in simulator.chunks() for hop in blocks.push(chunk)]
    return [gate.push(hop) for hop in hops if isinstance(hop, Samples)]


@pytest.mark.parametrize("rhythm", RHYTHMS)
@pytest.mark.parametrize("rate_hz", [125.0, 360.0])
def test_simulated_rhythms_are_ok(rhythm: str, rate_hz: float) -> None:
    segments = (Segment("sinus", 15.0), Segment(rhythm, 45.0))
    verdicts = play(Scenario("test", "rhythm after sinus", segments), rate_hz, ("II", "V1"))
    assert {v.leads for v in verdicts} == {(OK, OK)}


@pytest.mark.parametrize(
    ("fault", "state"),
    [
        (Fault("lead_off", 20.0, 15.0, mode="rail"), LeadState.LEAD_OFF),
        (Fault("lead_off", 20.0, 15.0, mode="flat"), LeadState.FLAT),
        (Fault("lead_off", 20.0, 15.0, mode="hum"), LeadState.LEAD_OFF),
        (Fault("nan", 20.0, 15.0), LeadState.INVALID),
        (Fault("muscle", 20.0, 15.0, level_mv=1.5), LeadState.NOISY),
    ],
    ids=lambda value: value.mode or value.kind if isinstance(value, Fault) else None,
)
def test_simulated_faults_are_named(fault: Fault, state: LeadState) -> None:
    """Named within 1.3 s (hum 2.3 s, noise 3 s), gone within 2 s."""
    scenario = Scenario("test", "a fault", (Segment("sinus", 60.0),), faults=(fault,))
    verdicts = play(scenario, 250.0)
    at_s = [v.sample / 250.0 for v in verdicts]
    late = 3.0 if state is LeadState.NOISY else 2.3 if fault.mode == "hum" else 1.3
    for second, verdict in zip(at_s, verdicts, strict=True):
        if second < 20.0 or second > 37.0:
            assert verdict.leads == (OK,), second
        if 20.0 + late < second < 34.7:
            assert verdict.leads == (state,), second
