"""Every kind of alarm: its name, its priority, what it covers, and the limits of all of them.

A new kind is one line in :class:`AlertKind` and, if it has a limit, one in :class:`AlarmSettings`.
Schemas, settings and the tables of the documentation are made from them. The rule itself is in
:mod:`monitor.stages.alarms.rules`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from monitor.strict_toml import check_ranges, require, setting


class Priority(StrEnum):
    """Alarm priorities of IEC 60601-1-8; ``TECHNICAL`` marks alarms about the equipment."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    TECHNICAL = "technical"


_RUNS = "v_run couplet bigeminy trigeminy r_on_t pvcs_per_min"
_VENTRICULAR = f"nsvt aivr v_brady multiform_pvc {_RUNS}"
_IRREGULAR = "irregular missed_beat frequent_sveb af af_end"
_PACER = "no_capture no_pacing"
_SLOW = "extreme_brady hr_low v_brady pause pauses_per_min missed_beat"
_FAST = "extreme_tachy hr_high svt"
_MOMENTARY = True


class AlertKind(StrEnum):
    """What an alert is about, the most severe first. Names are stable: programs match on them.

    Each has its name, its priority and the kinds it covers: while its condition is present, those
    are not announced, because they are part of it or mean nothing beside it. A momentary condition
    is shown for ``hold_s``; those of low priority all are. Those of high priority latch.

    Priorities are the defaults common to ward monitors (IEC 60601-1-8 leaves them to the maker).
    """

    _value_: str
    priority: Priority
    momentary: bool
    _covers: str

    def __new__(
        cls, name: str, priority: Priority, covers: str = "", momentary: bool = False
    ) -> AlertKind:
        """Make one kind from its line below."""
        kind = str.__new__(cls, name)
        kind._value_ = name
        kind.priority = priority
        kind.momentary = momentary or priority is Priority.LOW
        kind._covers = covers
        return kind

    VF = "vf", Priority.HIGH, f"asystole vt {_VENTRICULAR} {_IRREGULAR} {_SLOW} {_FAST} {_PACER}"
    ASYSTOLE = "asystole", Priority.HIGH, f"{_VENTRICULAR} {_IRREGULAR} {_SLOW} {_FAST} {_PACER}"
    VT = "vt", Priority.HIGH, f"{_VENTRICULAR} {_IRREGULAR} {_FAST}"
    EXTREME_TACHY = "extreme_tachy", Priority.HIGH, "hr_high svt"
    EXTREME_BRADY = "extreme_brady", Priority.HIGH, "hr_low"
    V_BRADY = "v_brady", Priority.MEDIUM, f"hr_low {_RUNS}"
    NSVT = "nsvt", Priority.MEDIUM, "v_run couplet r_on_t", _MOMENTARY
    AIVR = "aivr", Priority.MEDIUM, _RUNS
    SVT = "svt", Priority.MEDIUM, "hr_high frequent_sveb"
    NO_CAPTURE = "no_capture", Priority.MEDIUM, "", _MOMENTARY
    NO_PACING = "no_pacing", Priority.MEDIUM, "", _MOMENTARY
    PAUSE = "pause", Priority.MEDIUM, "missed_beat", _MOMENTARY
    PAUSES_PER_MIN = "pauses_per_min", Priority.MEDIUM, "pause missed_beat"
    HR_HIGH = "hr_high", Priority.MEDIUM
    HR_LOW = "hr_low", Priority.MEDIUM
    AF = "af", Priority.MEDIUM, "irregular missed_beat frequent_sveb"
    AF_END = "af_end", Priority.MEDIUM, "", _MOMENTARY
    IRREGULAR = "irregular", Priority.MEDIUM, "missed_beat"
    V_RUN = "v_run", Priority.LOW, "couplet"
    COUPLET = "couplet", Priority.LOW
    BIGEMINY = "bigeminy", Priority.LOW
    TRIGEMINY = "trigeminy", Priority.LOW
    R_ON_T = "r_on_t", Priority.LOW
    MULTIFORM_PVC = "multiform_pvc", Priority.LOW
    PVCS_PER_MIN = "pvcs_per_min", Priority.LOW
    MISSED_BEAT = "missed_beat", Priority.LOW
    FREQUENT_SVEB = "frequent_sveb", Priority.LOW
    LEAD_OFF = "lead_off", Priority.TECHNICAL
    NOISE = "noise", Priority.TECHNICAL
    LEARNING = "learning", Priority.TECHNICAL
    AMPLITUDE = "amplitude", Priority.TECHNICAL
    SAMPLING_RATE = "sampling_rate", Priority.TECHNICAL
    STREAM_STALE = "stream_stale", Priority.TECHNICAL
    STREAM_REFUSED = "stream_refused", Priority.TECHNICAL
    SENDER_CHANGED = "sender_changed", Priority.TECHNICAL
    SAMPLES_LOST = "samples_lost", Priority.TECHNICAL
    STORAGE_FAILED = "storage_failed", Priority.TECHNICAL
    PUBLISHER_FAILED = "publisher_failed", Priority.TECHNICAL
    ANALYSIS_FAILED = "analysis_failed", Priority.TECHNICAL
    ANALYSIS_LATE = "analysis_late", Priority.TECHNICAL
    PULSE_CONTRADICTS = "pulse_contradicts", Priority.TECHNICAL

    @property
    def latching(self) -> bool:
        """Whether it stays until it is acknowledged, also when its condition has ended."""
        return self.priority is Priority.HIGH

    @cached_property
    def covers(self) -> frozenset[AlertKind]:
        """Kinds that are not announced while this one is present."""
        return frozenset(AlertKind[name.upper()] for name in self._covers.split())


@dataclass(frozen=True, slots=True)
class AlarmSettings:
    """Limits and switches of the alarms; they can be changed while running."""

    off: tuple[str, ...] = setting(
        (), "alarm kinds that are switched off; asystole and vf cannot be"
    )
    paced: str = setting(
        "auto", "whether the patient has a pacemaker: yes, no, or auto, from the pulses seen"
    )
    asystole_s: float = setting(4.0, "asystole: no QRS for this long", 3.0, 10.0)
    hr_high_bpm: float = setting(120.0, "hr_high: heart rate above this", 60.0, 300.0)
    hr_low_bpm: float = setting(50.0, "hr_low: heart rate below this", 15.0, 120.0)
    extreme_tachy_bpm: float = setting(140.0, "extreme_tachy: heart rate above this", 80.0, 320.0)
    extreme_brady_bpm: float = setting(40.0, "extreme_brady: heart rate below this", 10.0, 100.0)
    extreme_tachy_beats: int = setting(17, "extreme_tachy: so many beats in a row", 3, 40)
    extreme_brady_beats: int = setting(5, "extreme_brady: so many beats in a row", 3, 20)
    extreme_margin_bpm: float = setting(
        1.0, "extreme_brady: a row this much over the limit is under it", 0.0, 5.0
    )
    vt_beats: int = setting(5, "vt: ventricular beats in a row", 3, 20)
    vt_bpm: float = setting(
        100.0, "vt, nsvt: rate from which a ventricular run is a tachycardia", 60.0, 200.0
    )
    vt_certainty: float = setting(
        0.5, "vt: probability that so fast a run is ventricular, from which it is", 0.0, 1.0
    )
    v_certainty: float = setting(
        0.75,
        "nsvt, aivr, v_brady, v_run, couplet: mean probability of V that the beats need",
        0.0,
        1.0,
    )
    v_run_beats: int = setting(3, "v_run: ventricular beats in a row below the VT rate", 3, 20)
    v_brady_bpm: float = setting(40.0, "v_brady: ventricular rhythm below this rate", 15.0, 60.0)
    bigeminy_cycles: int = setting(3, "bigeminy: cycles in a row", 2, 20)
    trigeminy_cycles: int = setting(3, "trigeminy: cycles in a row", 2, 20)
    pvcs_per_min: int = setting(10, "pvcs_per_min: more ventricular beats in a minute", 1, 100)
    r_on_t_s: float = setting(
        0.1, "r_on_t: a PVC this soon after the peak of the usual T wave", 0.0, 0.2
    )
    multiform_beats: int = setting(
        15, "multiform_pvc: two forms of PVC within so many beats", 3, 31
    )
    capture_pulses: int = setting(2, "no_capture: so many pulses in a row without a QRS", 1, 10)
    capture_s: float = setting(0.3, "no_capture: a QRS this soon after a pulse", 0.1, 0.5)
    no_pacing_ratio: float = setting(
        1.75, "no_pacing: time without pulse and QRS over the usual interval", 1.2, 4.0
    )
    svt_beats: int = setting(8, "svt: supraventricular beats in a row", 3, 30)
    svt_bpm: float = setting(150.0, "svt: at this rate or faster", 100.0, 300.0)
    sveb_per_min: int = setting(
        10, "frequent_sveb: more supraventricular ectopic beats in a minute", 1, 100
    )
    pause_s: float = setting(3.0, "pause: no QRS for this long", 1.0, 5.0)
    pauses_per_min: int = setting(3, "pauses_per_min: so many pauses in a minute", 1, 20)
    missed_beat_ratio: float = setting(
        1.8, "missed_beat: an RR interval over the mean of those before it", 1.3, 3.0
    )
    irregular_rr_change: float = setting(
        0.1, "irregular: relative RR change over irregular_beats", 0.02, 0.5
    )
    irregular_beats: int = setting(24, "irregular: beats looked at", 12, 60)
    af_s: float = setting(10.0, "af: AF for this long", 0.0, 300.0)
    af_end_s: float = setting(30.0, "af_end: no AF for this long", 0.0, 1800.0)
    lead_off_s: float = setting(1.0, "lead_off: a lead is off for this long", 0.0, 30.0)
    noise_s: float = setting(5.0, "noise: the signal is unusable for this long", 0.0, 60.0)
    lost_s: float = setting(
        10.0, "samples_lost ends after this much signal without loss", 1.0, 60.0
    )
    learning_beats: int = setting(8, "learning ends after so many beats", 0, 60)
    learning_s: float = setting(15.0, "learning ends by then at the latest", 0.0, 120.0)
    suspended_clear_s: float = setting(
        60.0, "a longer shutdown clears the alarms that do not latch", 5.0, 600.0
    )
    hold_s: float = setting(10.0, "a momentary condition is shown for this long", 1.0, 120.0)
    end_hold_s: float = setting(
        2.0, "a lasting condition is over when absent for this long", 0.0, 30.0
    )
    again_s: float = setting(
        10.0, "a latched condition that returns after this is a new alarm", 0.0, 600.0
    )
    update_s: float = setting(5.0, "an active alarm reports changes at most this often", 1.0, 60.0)
    inhibit_low_s: float = setting(
        60.0, "a low-priority kind that has cleared stays quiet for this long", 0.0, 900.0
    )
    inhibit_medium_s: float = setting(
        0.0, "the same for medium priority; high priority is never held back", 0.0, 300.0
    )

    def __post_init__(self) -> None:
        check_ranges(self, "alarms")
        require(self.paced in ("auto", "yes", "no"), "alarms.paced", "must be auto, yes or no")
        for kind in self.off:
            require(kind in set(AlertKind), "alarms.off", f"{kind!r} is not the name of an alarm")
            require(
                kind not in (AlertKind.ASYSTOLE, AlertKind.VF),
                "alarms.off",
                f"{kind} cannot be switched off",
            )
        require(
            self.extreme_brady_bpm <= self.hr_low_bpm < self.hr_high_bpm <= self.extreme_tachy_bpm,
            "alarms.hr_low_bpm",
            "extreme_brady_bpm <= hr_low_bpm < hr_high_bpm <= extreme_tachy_bpm must hold",
        )

    def is_paced(self, found: bool) -> bool:
        """Whether the patient counts as paced, given what the pulses say."""
        return self.paced == "yes" or (self.paced == "auto" and found)
