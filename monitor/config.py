"""Typed settings, read from strict TOML.

Rules:

1. Every setting is a field of a frozen dataclass below, with its unit in its name, a default that
   needs no file, its meaning and its range.
2. An unknown key, a wrong type or a value out of range is an error that names the key.
3. Command-line options win over the file, the file over the defaults.

This file is long because it is the list of all settings.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from monitor.default_endpoints import CONTROL, INPUT, OUTPUT
from monitor.errors import MonitorError
from monitor.log_lines import Level
from monitor.messages import AlertKind
from monitor.strict_toml import build, check_ranges, require, setting
from monitor.text_file import read_text_file


@dataclass(frozen=True, slots=True)
class BlockSettings:
    """How the signal is cut before analysis."""

    hop_s: float = setting(0.25, "length of the hops that every later stage sees", 0.05, 1.0)

    def __post_init__(self) -> None:
        check_ranges(self, "blocks")


@dataclass(frozen=True, slots=True)
class QualitySettings:
    """Limits of the signal-quality stage."""

    hold_s: float = setting(
        1.0, "stretch over which missing and pinned samples are counted", 0.1, 10.0
    )
    missing_s: float = setting(
        0.3, "missing samples within hold_s that make a lead invalid", 0.1, 10.0
    )
    constant_s: float = setting(1.0, "a lead that does not change for this long is flat", 0.1, 10.0)
    coarse_constant_s: float = setting(
        8.0,
        "the same for a lead whose baseline between beats is constant (coarse converter)",
        0.1,
        60.0,
    )
    lead_off_s: float = setting(
        1.0, "a lead that stays at a rail of the converter for this long is off", 0.1, 10.0
    )
    hum_mv: float = setting(
        0.5, "a lead with mains hum above this, and nothing else, is off", 0.001, 10.0
    )
    pinned_fraction: float = setting(
        0.5, "share of hold_s at the rails that makes a lead saturated", 0.01, 0.99
    )
    muscle_part: float = setting(
        0.25,
        "noise between the QRS complexes, as a share of them, that makes a lead noisy",
        0.001,
        10.0,
    )
    motion_ratio: float = setting(
        2.0, "swing and restlessness, in times the usual, that count as motion", 1.01, 10.0
    )
    noise_mv: float = setting(
        0.03, "smaller noise is not called noise: it may be asystole", 0.001, 10.0
    )
    noise_s: float = setting(1.0, "noise must last this long to count", 0.1, 10.0)
    recover_s: float = setting(
        0.75, "a lead must be good for this long to count as good again", 0.0, 2.0
    )

    def __post_init__(self) -> None:
        check_ranges(self, "quality")
        require(
            self.constant_s <= self.coarse_constant_s,
            "quality.coarse_constant_s",
            "must be at least quality.constant_s",
        )


@dataclass(frozen=True, slots=True)
class DetectSettings:
    """Which QRS detector runs: a registered name, or a dotted path ``package.module:Class``."""

    detector: str = setting(
        "default",
        "a registered detector (default, neurokit:METHOD) or a dotted path package.module:Class",
    )
    false_cost: float = setting(
        1.0, "cost of a false beat in noise, in missed beats; for the default detector", 0.1, 10.0
    )
    mains_hz: int = setting(60, "mains frequency, 50 or 60; for neurokit:METHOD only")
    neurokit_window_s: float = setting(10.0, "signal that NeuroKit2 sees at once", 3.0, 60.0)
    neurokit_step_s: float = setting(1.0, "how often NeuroKit2 runs", 0.05, 30.0)
    neurokit_edge_s: float = setting(
        0.5, "peaks nearer to the newest sample wait for the next run", 0.0, 15.0
    )

    def __post_init__(self) -> None:
        check_ranges(self, "detect")
        require(self.mains_hz in (50, 60), "detect.mains_hz", "must be 50 or 60")
        require(
            self.neurokit_step_s <= self.neurokit_window_s / 2,
            "detect.neurokit_step_s",
            "must be at most half of detect.neurokit_window_s",
        )
        require(
            self.neurokit_edge_s <= self.neurokit_window_s / 4,
            "detect.neurokit_edge_s",
            "must be at most a quarter of detect.neurokit_window_s",
        )


@dataclass(frozen=True, slots=True)
class ClassifySettings:
    """Which model labels the beats: the name of a shipped bundle, or a file."""

    model: str = setting("aami", "name of a shipped model, or the file of another")


@dataclass(frozen=True, slots=True)
class WatchSettings:
    """When a beat is surely known, and how long it counts without signal."""

    settle_s: float = setting(0.5, "an R peak is announced within this time", 0.2, 2.0)
    forget_s: float = setting(5.0, "after a longer shutdown no earlier beat counts", 1.0, 60.0)

    def __post_init__(self) -> None:
        check_ranges(self, "watch")


@dataclass(frozen=True, slots=True)
class RhythmSettings:
    """Limits of heart-rate averaging and rhythm naming."""

    average_beats: int = setting(12, "RR intervals in the mean heart rate", 2, 60)
    least_beats: int = setting(3, "RR intervals needed before a heart rate is shown", 1, 60)
    slow_rr_s: float = setting(
        1.2, "when slow_count intervals in a row are longer, the short mean applies", 0.5, 3.0
    )
    slow_count: int = setting(3, "long intervals in a row that call for the short mean", 2, 10)
    slow_average_beats: int = setting(4, "RR intervals in the short mean", 1, 60)
    no_beat_s: float = setting(
        4.0, "without a QRS for this long the heart rate is unknown", 2.0, 10.0
    )
    fibrillation_window_s: float = setting(
        3.0, "window in which fibrillation is looked for", 2.0, 8.0
    )
    fibrillation_step_s: float = setting(1.0, "how often the window is looked at", 0.25, 2.0)
    fibrillation_evidence: float = setting(
        5.0, "sum of log odds from which it is fibrillation", 0.0, 100.0
    )
    fibrillation_doubt: float = setting(
        0.5, "log odds that a single look must exceed to add to the sum", 0.0, 5.0
    )
    fibrillation_end_looks: int = setting(
        3, "looks in a row without fibrillation that end it", 1, 20
    )
    fibrillation_mv: float = setting(0.07, "smaller waves count as asystole", 0.02, 0.5)
    fibrillation_top_mv: float = setting(4.5, "larger waves count as artefact", 1.0, 20.0)
    fibrillation_wave_mv: float = setting(
        0.2, "regular waves of this size without a QRS are flutter", 0.1, 2.0
    )
    fibrillation_period_s: float = setting(
        0.335, "slower waves are not fibrillation, unless few of them have a QRS", 0.2, 0.6
    )
    fibrillation_qrs_per_wave: float = setting(
        0.55, "QRS complexes per wave under which slow waves may be fibrillation", 0.0, 1.0
    )
    af_changes: int = setting(
        32, "changes between successive RR intervals that are looked at for AF", 16, 128
    )
    af_rr_change: float = setting(0.06, "relative RR change from which it may be AF", 0.02, 0.5)
    af_hysteresis: float = setting(0.8, "AF ends below this share of af_rr_change", 0.3, 1.0)
    af_p_coherence: float = setting(
        0.25, "more coherence before the QRS means P waves, so no AF", 0.0, 1.0
    )
    af_p_end: float = setting(0.45, "AF ends when the coherence exceeds this", 0.0, 1.0)

    def __post_init__(self) -> None:
        check_ranges(self, "rhythm")
        require(
            self.least_beats <= self.average_beats,
            "rhythm.least_beats",
            "must be at most rhythm.average_beats",
        )
        require(
            self.least_beats <= self.slow_average_beats <= self.average_beats,
            "rhythm.slow_average_beats",
            "must lie in rhythm.least_beats to rhythm.average_beats",
        )


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
        0.5, "vt: mean probability of V or F that its beats need", 0.0, 1.0
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


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """Where ``serve`` listens, whom it lets in, and what it tells of itself."""

    input: str = setting(INPUT, "endpoint that takes samples")
    output: str = setting(OUTPUT, "endpoint that publishes results")
    control: str = setting(CONTROL, "endpoint that answers requests")
    keys: str = setting(
        "", "folder of keys and allow-list; with it only known clients connect, encrypted"
    )
    max_streams: int = setting(256, "streams analysed at a time; more are refused", 1, 10_000)
    metrics: str = setting(
        "", "[HOST:]PORT for Prometheus metrics and health checks; empty for none"
    )
    log_format: str = setting("text", "text or json")
    log_level: str = setting("info", "info, warning or error")

    def __post_init__(self) -> None:
        check_ranges(self, "service")
        require(self.log_format in ("text", "json"), "service.log_format", "must be text or json")
        levels = [level.name.lower() for level in Level]
        require(
            self.log_level in levels, "service.log_level", f"must be one of {', '.join(levels)}"
        )


@dataclass(frozen=True, slots=True)
class RecordingSettings:
    """How `serve` stores the streams it monitors, as WFDB records."""

    folder: str = setting("", "folder for the records; empty to store nothing")
    segment_s: float = setting(600.0, "signal in one record", 30.0, 86400.0)
    hole_s: float = setting(
        10.0, "a longer hole begins a new record, a shorter one is filled", 0.0, 60.0
    )
    keep_days: float = setting(30.0, "older records are deleted", 0.01, 36500.0)
    max_mb: float = setting(
        100_000.0, "the oldest records are deleted when all together are larger", 1.0, 1e9
    )

    def __post_init__(self) -> None:
        check_ranges(self, "recording")


@dataclass(frozen=True, slots=True)
class JournalSettings:
    """Where ``serve`` keeps its events, and for how long."""

    file: str = setting("", "a path, or off; empty for a file named after the input port")
    keep_days: float = setting(30.0, "older events are deleted", 0.01, 36500.0)
    max_mb: float = setting(
        1000.0, "the oldest events are deleted when the file is larger", 1.0, 1e6
    )

    def __post_init__(self) -> None:
        check_ranges(self, "journal")


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, those of the analysis of one stream first."""

    blocks: BlockSettings = field(default_factory=BlockSettings)
    quality: QualitySettings = field(default_factory=QualitySettings)
    detect: DetectSettings = field(default_factory=DetectSettings)
    classify: ClassifySettings = field(default_factory=ClassifySettings)
    watch: WatchSettings = field(default_factory=WatchSettings)
    rhythm: RhythmSettings = field(default_factory=RhythmSettings)
    alarms: AlarmSettings = field(default_factory=AlarmSettings)
    service: ServiceSettings = field(default_factory=ServiceSettings)
    recording: RecordingSettings = field(default_factory=RecordingSettings)
    journal: JournalSettings = field(default_factory=JournalSettings)


def load_settings(path: Path | None) -> Settings:
    """Read settings from a TOML file; ``None`` gives the defaults.

    Raises
    ------
    MonitorError
        If the file cannot be read, is not TOML, or holds an unknown key or a wrong value.
    """
    if path is None:
        return Settings()
    try:
        return build(Settings, tomllib.loads(read_text_file(path)), "")
    except OSError as error:
        raise MonitorError(f"cannot read settings {path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise MonitorError(f"settings {path} are not valid TOML: {error}") from error
