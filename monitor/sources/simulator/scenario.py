"""Scenarios: a script of rhythms with faults on top.

A scenario is a plain value: segments of rhythm one after the other, each with timed events
inside it (a premature beat, a run, a pause), and faults of electrodes and equipment at times
counted from the start of the scenario. The TOML form has the same names.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from monitor.errors import MonitorError

RHYTHMS: dict[str, float | None] = {
    "sinus": 72.0,
    "bigeminy": 76.0,
    "trigeminy": 76.0,
    "af": 95.0,
    "flutter": 75.0,
    "svt": 180.0,
    "junctional": 48.0,
    "aivr": 80.0,
    "idioventricular": 35.0,
    "vt": 170.0,
    "vflutter": 270.0,
    "vf": None,
    "paced": 70.0,
    "asystole": None,
    "script": None,
}
"""Rhythms, each with its default rate in bpm (None: it has no rate)."""

EVENTS = ("pvc", "pac", "fusion", "pause", "junctional_escape", "ventricular_escape")
BEATS = ("normal", "pac", "pvc", "fusion", "junctional", "escape", "paced")
CONDUCTION = ("normal", "lbbb", "rbbb")
FORMS = 4  # ventricular morphologies, by site of origin
FAULTS = (
    "muscle",
    "motion",
    "mains",
    "wander",
    "lead_off",
    "inverted",
    "saturation",
    "spike",
    "nan",
    "gap",
)
LEAD_OFF_MODES = ("rail", "flat", "hum")


def _require(condition: bool, what: str, rule: str) -> None:
    if not condition:
        raise MonitorError(f"{what}: {rule}")


def _within(value: float | None, low: float, high: float, what: str) -> None:
    if value is not None and not (math.isfinite(value) and low <= value <= high):
        raise MonitorError(f"{what} is {value:g}; it must lie in {low:g} to {high:g}")


def _one_of(value: str, known: tuple[str, ...], what: str) -> None:
    if value not in known:
        raise MonitorError(f"{what} {value!r} is not known; known: {', '.join(known)}")


def _forms(forms: tuple[int, ...], what: str) -> None:
    ok = bool(forms) and all(0 <= form < FORMS for form in forms)
    _require(ok, what, f"forms must be one or more of 0 to {FORMS - 1}")


@dataclass(frozen=True, slots=True)
class RhythmEvent:
    """An event within a segment of rhythm, at the next conducted beat.

    Parameters
    ----------
    at_s
        Seconds from the start of the segment; the event follows the first conducted
        beat at or after it.
    kind
        One of :data:`EVENTS`. A ``pvc`` leaves the sinus node alone, so that a compensatory
        pause follows; a ``pac`` resets it.
    count
        Beats in the run (``pvc``, ``pac``): 2 is a couplet.
    coupling
        First interval as a fraction of the basic RR interval; below about 0.45 the beat
        falls on the T wave.
    rate_bpm
        Rate within a run of two or more; default 150.
    forms
        Ventricular morphologies, taken in turn.
    pause_s
        RR interval of a ``pause`` or before an escape beat; only for those kinds.
    """

    at_s: float
    kind: str
    count: int = 1
    coupling: float | None = None
    rate_bpm: float | None = None
    forms: tuple[int, ...] = (0,)
    pause_s: float | None = None

    def __post_init__(self) -> None:
        _one_of(self.kind, EVENTS, "event kind")
        what = f"event {self.kind!r}"
        _within(self.at_s, 0.0, 1e6, f"{what}: at_s")
        _within(self.count, 1, 10_000, f"{what}: count")
        _within(self.coupling, 0.25, 0.95, f"{what}: coupling")
        _within(self.rate_bpm, 20.0, 300.0, f"{what}: rate_bpm")
        _within(self.pause_s, 0.3, 60.0, f"{what}: pause_s")
        _forms(self.forms, what)
        paused = self.kind in ("pause", "junctional_escape", "ventricular_escape")
        _require(
            (self.pause_s is not None) == paused,
            what,
            "needs pause_s" if paused else "takes no pause_s",
        )
        runs = self.kind in ("pvc", "pac")
        _require(runs or self.count == 1, what, "takes no count")
        _require(runs or self.coupling is None, what, "takes no coupling")


@dataclass(frozen=True, slots=True)
class ScriptedBeat:
    """One beat of a ``script`` rhythm: ``rr_s`` is the interval from the beat before it."""

    kind: str
    rr_s: float
    form: int = 0

    def __post_init__(self) -> None:
        _one_of(self.kind, BEATS, "beat kind")
        _within(self.rr_s, 0.2, 20.0, f"beat {self.kind!r}: rr_s")
        _forms((self.form,), f"beat {self.kind!r}")


@dataclass(frozen=True, slots=True)
class Segment:
    """One rhythm for a while.

    Parameters
    ----------
    rhythm
        One of :data:`RHYTHMS`.
    duration_s
        How long it lasts.
    rate_bpm
        Mean ventricular rate; the default is the one in :data:`RHYTHMS`.
    variability
        Relative size of beat-to-beat changes of the RR interval: peak of the respiratory
        part, and standard deviation of the total in atrial fibrillation. 0 is a metronome.
    conduction
        ``normal``, ``lbbb`` or ``rbbb``, for beats from above the ventricles.
    amplitude
        Scale of the whole heart vector (VF: of its coarse start).
    st_mv, t_scale
        ST elevation along the QRS axis in mV, and scale of the T wave.
    forms
        Ventricular morphologies of ventricular rhythms, bigeminy and random PVCs, in turn.
    pvc_per_min, pac_per_min
        Mean numbers of premature beats at random, in rhythms from above the ventricles.
    events
        What happens at given times.
    beats
        The beats of a ``script``, repeated until the segment ends.
    """

    rhythm: str
    duration_s: float
    rate_bpm: float | None = None
    variability: float | None = None
    conduction: str = "normal"
    amplitude: float = 1.0
    st_mv: float = 0.0
    t_scale: float = 1.0
    forms: tuple[int, ...] = (0,)
    pvc_per_min: float = 0.0
    pac_per_min: float = 0.0
    events: tuple[RhythmEvent, ...] = ()
    beats: tuple[ScriptedBeat, ...] = ()

    def __post_init__(self) -> None:
        _one_of(self.rhythm, tuple(RHYTHMS), "rhythm")
        what = f"segment {self.rhythm!r}"
        _within(self.duration_s, 0.5, 1e6, f"{what}: duration_s")
        _within(self.rate_bpm, 15.0, 330.0, f"{what}: rate_bpm")
        _within(self.variability, 0.0, 0.5, f"{what}: variability")
        _one_of(self.conduction, CONDUCTION, f"{what}: conduction")
        _within(self.amplitude, 0.05, 5.0, f"{what}: amplitude")
        _within(self.st_mv, -1.0, 1.0, f"{what}: st_mv")
        _within(self.t_scale, -3.0, 6.0, f"{what}: t_scale")
        _within(self.pvc_per_min, 0.0, 60.0, f"{what}: pvc_per_min")
        _within(self.pac_per_min, 0.0, 60.0, f"{what}: pac_per_min")
        _forms(self.forms, what)
        _require(
            self.rate_bpm is None or RHYTHMS[self.rhythm] is not None, what, "takes no rate_bpm"
        )
        _require((self.rhythm == "script") == bool(self.beats), what, "beats go with 'script'")
        above = self.rhythm in ("sinus", "af", "flutter", "svt", "junctional")
        loose = self.events or self.pvc_per_min or self.pac_per_min
        _require(above or not loose, what, "takes no events and no random premature beats")
        late = [event.at_s for event in self.events if event.at_s >= self.duration_s]
        _require(not late, what, f"has an event at {late[0] if late else 0:g} s, after its end")

    @property
    def rate(self) -> float:
        """Mean ventricular rate in bpm; 0 where the rhythm has none."""
        return self.rate_bpm or RHYTHMS[self.rhythm] or 0.0


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of electrodes or equipment, independent of the heart.

    Parameters
    ----------
    kind
        ``muscle`` (electromyogram), ``motion`` (electrode motion), ``mains`` (hum),
        ``wander`` (slow baseline wander), ``lead_off``, ``inverted``, ``saturation``,
        ``spike`` (one 4 ms pulse), ``nan`` (invalid samples), ``gap`` (samples missing
        from the stream, all leads).
    start_s, duration_s
        When, from the start of the scenario.
    leads
        Names of the leads concerned; empty: all.
    level_mv
        Size: standard deviation of noise, amplitude of hum, wander and spike, the rail of
        ``lead_off`` and ``saturation``.
    frequency_hz
        Of ``mains`` (default 50) and ``wander`` (default 0.25).
    mode
        Of ``lead_off``: ``rail`` (default), ``flat`` or ``hum``.
    """

    kind: str
    start_s: float
    duration_s: float
    leads: tuple[str, ...] = ()
    level_mv: float | None = None
    frequency_hz: float | None = None
    mode: str | None = None

    def __post_init__(self) -> None:
        _one_of(self.kind, FAULTS, "fault kind")
        what = f"fault {self.kind!r}"
        _within(self.start_s, 0.0, 1e6, f"{what}: start_s")
        _within(self.duration_s, 0.001, 1e6, f"{what}: duration_s")
        _within(self.level_mv, -100.0, 100.0, f"{what}: level_mv")
        _within(self.frequency_hz, 0.01, 100.0, f"{what}: frequency_hz")
        _require(
            self.frequency_hz is None or self.kind in ("mains", "wander"),
            what,
            "no such key frequency_hz",
        )
        _require(self.mode is None or self.kind == "lead_off", what, "takes no mode")
        if self.mode is not None:
            _one_of(self.mode, LEAD_OFF_MODES, f"{what}: mode")
        sized = self.kind not in ("inverted", "nan", "gap")
        _require(sized or self.level_mv is None, what, "takes no level_mv")
        _require(self.kind != "gap" or not self.leads, what, "is always of all leads")


@dataclass(frozen=True, slots=True)
class Scenario:
    """A script for the simulated patient: ``segments`` in turn, ``faults`` over them."""

    name: str
    description: str
    segments: tuple[Segment, ...]
    faults: tuple[Fault, ...] = ()

    def __post_init__(self) -> None:
        _require(bool(self.segments), f"scenario {self.name!r}", "needs at least one segment")
        for fault in self.faults:
            _require(
                fault.start_s < self.duration_s,
                f"fault {fault.kind!r}",
                f"starts at {fault.start_s:g} s, after the end at {self.duration_s:g} s",
            )

    @property
    def duration_s(self) -> float:
        """Length of one pass."""
        return sum(segment.duration_s for segment in self.segments)
