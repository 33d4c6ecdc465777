"""The models, what they say of beats that are known, and how fast this machine is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import islice

from monitor.config import Settings
from monitor.doctor.finding import Finding, fail, ok, warn
from monitor.errors import MonitorError
from monitor.messages import AamiClass, Beat
from monitor.models.bundle import load_bundle
from monitor.models.shipped import SHIPPED
from monitor.pipeline import Pipeline
from monitor.sources.simulator import Simulator

KNOWN_BEAT_S = 45.0  # of simulated signal: the first seconds are learnt from
NEAR_S = 0.15  # a beat is the true one within this time (ANSI/AAMI EC57)
SPEED_S = 60.0
PIECE_S = 0.25  # as live samples come
FOR_THE_REST = 2.0  # sockets, journal and recording take about as much again


def check_models(settings: Settings) -> Iterator[Finding]:
    """Read every model: its file is as shipped, and its network takes what it says."""
    broken = []
    for name in sorted(SHIPPED):
        try:
            load_bundle(name)
        except MonitorError as error:
            broken.append(str(error))
    if broken:
        yield fail("models", "; ".join(broken), "install the program again")
    else:
        yield ok("models", f"{', '.join(sorted(SHIPPED))}: as shipped, and loaded")
    chosen = settings.classify.model
    if chosen not in SHIPPED:
        load_bundle(chosen)
        yield ok("chosen model", f"{chosen}: loaded")


def check_known_beats(settings: Settings) -> Iterator[Finding]:
    """Let the analysis label a simulated patient, whose beats are known."""
    source = Simulator("pvc", duration_s=KNOWN_BEAT_S)
    pipeline = Pipeline(source.info, settings)
    true: dict[int, AamiClass] = {}
    beats: list[Beat] = []
    for chunk, items in source.chunks_with_truth():
        beats += [event for event in pipeline.push(chunk) if isinstance(event, Beat)]
        true |= {item.sample: item.label for item in items if hasattr(item, "label")}
    beats += [event for event in pipeline.flush() if isinstance(event, Beat)]
    near = round(NEAR_S * source.info.rate_hz)
    for label, meaning in ((AamiClass.N, "normal"), (AamiClass.V, "ventricular")):
        places = [sample for sample, its in true.items() if its == label]
        found = sum(
            any(abs(beat.sample - sample) <= near and beat.label is label for beat in beats)
            for sample in places
        )
        text = f"{found} of {len(places)} {meaning} beats of a simulated patient found as {label}"
        if found >= 0.9 * len(places) > 0:
            yield ok(f"label {label}", text)
        else:
            yield fail(f"label {label}", text, "choose another --model or --detector")


def check_speed(settings: Settings) -> Iterator[Finding]:
    """Measure how many times faster than real time one core analyses."""
    source = Simulator("sinus", leads=("II", "V1"), chunk_s=PIECE_S, loop=True)
    pipeline = Pipeline(source.info, settings)
    chunks = source.chunks()
    for chunk in islice(chunks, round(10 / PIECE_S)):  # first use of anything is slow
        pipeline.push(chunk)
    pieces = list(islice(chunks, round(SPEED_S / PIECE_S)))
    began_s = time.thread_time()
    for chunk in pieces:
        pipeline.push(chunk)
    times = SPEED_S / max(time.thread_time() - began_s, 1e-9)
    streams = int(times / FOR_THE_REST)
    text = (
        f"{times:.0f} x real time for two leads at 360 Hz: about {streams} live streams a core, "
        "with sockets and storage"
    )
    if streams < 1:
        yield fail("speed", text, "this machine is too slow for one stream")
    elif streams < 4:
        yield warn("speed", text, "expect delays with more than one stream")
    else:
        yield ok("speed", text)
