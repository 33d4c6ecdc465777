"""Measure the CPU that the analysis takes, beside QRS detectors that only detect, in one run.

``python -m tools.load.cost`` takes made signal (simulator, two leads, 360 Hz), or the records of
``--records`` under ``--data``. Every figure is process time per hour of signal of a stream, the
least of ``--times`` runs that take turns: what else the machine does adds to it, and never takes
away. Imports, reading and the first seconds are not in it.

whole path      everything from samples to events: quality, QRS, labels, rhythm, alarms; one stream
                in pieces of 10 s as ``annotate`` has it, or hop by hop as it comes live
N together      so many streams in step, whose beats go through the network together, as in
                ``serve``; per stream
xqrs, neurokit, sleepecg
                XQRS of the WFDB package (detection alone, one lead), NeuroKit2 and sleepecg
                (``pip install .[bench]``), each on the whole signal at once

The second table tells how the cost of the whole path in pieces depends on the number of leads, the
sampling rate and the length, and by how much the memory of the process grew meanwhile.
"""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path

import numpy as np

from monitor.config import Settings
from monitor.errors import MonitorError
from monitor.messages import FloatArray, Samples, StreamInfo
from monitor.models.bundle import Bundle, load_bundle
from monitor.pipeline import Pipeline
from monitor.sources.simulator import Simulator
from monitor.stages.steps import run_together
from tools.commands import parser_of
from tools.evaluate.detectors import DETECTORS, read
from tools.load.streams import RATE_HZ, SCENARIOS, resident_mib

PIECE_S, HOP_S = 10.0, 0.25
BESIDE = ("xqrs", "neurokit", "sleepecg")
NAMES = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6", "III", "aVR", "aVL", "aVF")
WARM_S = 20.0


@dataclass(frozen=True)
class Signal:
    """A signal, shape (n, leads), mV, and its rate."""

    values_mv: FloatArray
    rate_hz: float

    @property
    def hours(self) -> float:
        """Its length."""
        return len(self.values_mv) / self.rate_hz / 3600.0

    def first(self, seconds: float) -> Signal:
        """Give its beginning."""
        return Signal(self.values_mv[: round(seconds * self.rate_hz)], self.rate_hz)

    def rolled(self, share: float) -> Signal:
        """Give the same signal from another place on: another patient for the analysis."""
        return Signal(np.roll(self.values_mv, -int(share * len(self.values_mv)), 0), self.rate_hz)


@cache
def _model() -> Bundle:
    return load_bundle(Settings().classify.model)


def made(seconds: float, rate_hz: float = RATE_HZ, leads: int = 2) -> Signal:
    """Give the scenarios of the simulator one after the other, so many seconds in all."""
    parts = []
    for scenario in SCENARIOS:
        source = Simulator(scenario, rate_hz=rate_hz, leads=NAMES[:leads], loop=True, chunk_s=1.0)
        pieces = islice(source.chunks(), int(seconds / len(SCENARIOS)) + 1)
        parts.append(np.concatenate([piece.values_mv for piece in pieces]))
    return Signal(np.concatenate(parts), rate_hz).first(seconds)


def recorded(data: Path, records: list[str], seconds: float) -> Iterator[Signal]:
    """Give the beginnings of records.

    Raises
    ------
    MonitorError
        If there is no such record.
    """
    for record in records:
        values_mv, rate_hz, _ = read(data, record)
        yield Signal(values_mv, rate_hz).first(seconds)


def whole_path_s(signals: list[Signal], piece_s: float) -> float:
    """Analyse signals in step, in pieces; give the CPU seconds per hour of one."""
    pipelines = []
    for k, signal in enumerate(signals):
        names = NAMES[: signal.values_mv.shape[1]]
        info = StreamInfo(f"s{k}", signal.rate_hz, names, 0, "cost")
        pipelines.append(Pipeline(info, bundle=_model()))
    began = time.process_time()
    at_s, longest_s = 0.0, max(signal.hours for signal in signals) * 3600.0
    while at_s < longest_s:
        steps = []
        for k, (pipeline, signal) in enumerate(zip(pipelines, signals, strict=True)):
            first, last = (round(s * signal.rate_hz) for s in (at_s, at_s + piece_s))
            steps.append(pipeline.steps(Samples(f"s{k}", first, signal.values_mv[first:last])))
        run_together(steps)
        at_s += piece_s
    for pipeline in pipelines:
        pipeline.flush()
    return (time.process_time() - began) / sum(signal.hours for signal in signals)


def detector_s(name: str, signal: Signal) -> float:
    """Detect QRS complexes in the whole signal; give the CPU seconds per hour."""
    began = time.process_time()
    DETECTORS[name](signal.values_mv, signal.rate_hz)
    return (time.process_time() - began) / signal.hours


def side_by_side(signal: Signal, together: int, times: int) -> dict[str, float]:
    """Give the CPU seconds per hour of each way, the least of some runs."""
    many = [signal.rolled(k / together) for k in range(together)]
    brief = [each.first(max(len(signal.values_mv) / signal.rate_hz / 8, PIECE_S)) for each in many]
    ways: dict[str, Callable[[], float]] = {
        f"whole path, pieces of {PIECE_S:g} s": lambda: whole_path_s([signal], PIECE_S),
        "whole path, live": lambda: whole_path_s([signal], HOP_S),
        f"{together} together, pieces of {PIECE_S:g} s": lambda: whole_path_s(brief, PIECE_S),
        f"{together} together, live": lambda: whole_path_s(brief, HOP_S),
    }
    for name in BESIDE:
        if name == "sleepecg" and importlib.util.find_spec(name) is None:
            print("sleepecg is not installed, and left out: pip install '.[bench]'")
            continue
        ways[name] = lambda name=name: detector_s(name, signal)  # type: ignore[misc]
        detector_s(name, signal.first(WARM_S))
    whole_path_s([signal.first(WARM_S)], PIECE_S)
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(times):
        for name, way in ways.items():
            found[name].append(way())
    return {name: min(each) for name, each in found.items()}


def main(argv: list[str] | None = None) -> int:
    """Measure and print."""
    parser = parser_of("load.cost", __doc__)
    parser.add_argument("--seconds", type=float, default=300.0, help="of each signal (300)")
    parser.add_argument("--together", type=int, default=64, help="streams in step (64)")
    parser.add_argument("--times", type=int, default=3, help="runs, of which the least counts (3)")
    parser.add_argument("--data", type=Path, help="folder with mitdb/")
    parser.add_argument("--records", nargs="+", default=["100", "105", "208"], metavar="RECORD")
    parser.add_argument("--leads", type=int, nargs="*", default=[1, 2, 3, 12])
    parser.add_argument("--rates", type=float, nargs="*", default=[125.0, 250.0, 500.0, 1000.0])
    parser.add_argument("--lengths-s", type=float, nargs="*", default=[60.0, 600.0, 3600.0])
    args = parser.parse_args(argv)
    signals = {"simulator": made(args.seconds)}
    if args.data is not None:
        found = recorded(args.data, args.records, args.seconds)
        signals = dict(zip(args.records, found, strict=True))
    print("signal     way                           CPU s/h   over XQRS   times real time")
    for name, signal in signals.items():
        figures = side_by_side(signal, args.together, args.times)
        for way, cpu_s in figures.items():
            ratio, speed = cpu_s / figures["xqrs"], 3600.0 / cpu_s
            print(f"{name:10} {way:28} {cpu_s:8.2f} {ratio:11.2f} {speed:17.0f}", flush=True)
    print("leads   rate (Hz)   length (s)   CPU s/h   memory grew (MiB)")
    shapes = [
        *((leads, RATE_HZ, 60.0) for leads in args.leads),
        *((2, rate_hz, 60.0) for rate_hz in args.rates),
        *((2, RATE_HZ, length_s) for length_s in args.lengths_s),
    ]
    for leads, rate_hz, length_s in shapes:
        signal = made(length_s, rate_hz, leads)
        before_mib = resident_mib()
        cpu_s = min(whole_path_s([signal], PIECE_S) for _ in range(args.times))
        grew_mib = resident_mib() - before_mib
        print(f"{leads:5} {rate_hz:11g} {length_s:12g} {cpu_s:9.2f} {grew_mib:19.1f}", flush=True)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except MonitorError as error:
        sys.exit(f"cost: {error}")
