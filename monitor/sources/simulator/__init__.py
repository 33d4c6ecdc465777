"""The simulated patient: a scripted, seeded source of ECG with its own truth.

``scenario`` (the script) -> ``timeline`` and ``rhythms`` (events in seconds) -> ``render`` with
``morphology``, ``continuous`` and ``projection`` (the heart's signal) -> ``faults`` -> ``source``.
"""

from monitor.sources.simulator.catalogue import SCENARIOS
from monitor.sources.simulator.projection import LEADS
from monitor.sources.simulator.scenario import (
    Fault,
    RhythmEvent,
    Scenario,
    ScriptedBeat,
    Segment,
)
from monitor.sources.simulator.scenario_file import scenario
from monitor.sources.simulator.source import Simulator, simulate
from monitor.sources.simulator.truth import TrueBeat, TrueEpisode, TrueRhythm, Truth, TruthItem
from monitor.sources.simulator.wfdb_writer import write_wfdb

__all__ = [
    "LEADS",
    "SCENARIOS",
    "Fault",
    "RhythmEvent",
    "Scenario",
    "ScriptedBeat",
    "Segment",
    "Simulator",
    "TrueBeat",
    "TrueEpisode",
    "TrueRhythm",
    "Truth",
    "TruthItem",
    "scenario",
    "simulate",
    "write_wfdb",
]
