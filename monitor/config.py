"""Typed settings, read from strict TOML.

Rules:

1. Every setting is a field of a frozen dataclass below, with its unit in its name and a
   default that needs no file.
2. An unknown key, a wrong type or a value out of range is an error that names the key.
3. Command-line options win over the file, the file over the defaults.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from monitor.default_endpoints import CONTROL, INPUT, OUTPUT
from monitor.errors import MonitorError
from monitor.messages import AlertKind
from monitor.remarks import Level
from monitor.strict_toml import build
from monitor.strict_toml import require as _require


@dataclass(frozen=True, slots=True)
class BlockSettings:
    """How the signal is cut before analysis."""

    hop_s: float = 0.25  # every later stage sees whole hops of this length

    def __post_init__(self) -> None:
        _require(0.05 <= self.hop_s <= 1.0, "blocks.hop_s", "must lie in 0.05 to 1.0")


@dataclass(frozen=True, slots=True)
class QualitySettings:
    """Limits of the signal-quality stage."""

    hold_s: float = 1.0  # stretch over which missing and pinned samples are counted
    missing_s: float = 0.3  # missing samples in it that make a lead invalid
    constant_s: float = 1.0  # not one sample that differs for so long: flat
    coarse_constant_s: float = 8.0  # the same, where the baseline between beats is constant too
    lead_off_s: float = 1.0  # constant at a rail of the converter for so long: lead off
    hum_mv: float = 0.5  # hum larger than this with nothing else in it: lead off
    pinned_fraction: float = 0.5  # of hold_s at the rails: saturated
    muscle_part: float = 0.25  # of the QRS complexes, reached between them: noisy
    motion_ratio: float = 2.0  # times the usual swing and restlessness: motion
    noise_mv: float = 0.03  # smaller is not called noise: it may be asystole
    noise_s: float = 1.0  # how long noise must last to count
    recover_s: float = 0.75  # how long a lead must be good to count as ok again

    def __post_init__(self) -> None:
        for name in ("hold_s", "missing_s", "constant_s", "lead_off_s", "noise_s"):
            _require(0.1 <= getattr(self, name) <= 10.0, f"quality.{name}", "must lie in 0.1 to 10")
        _require(
            self.constant_s <= self.coarse_constant_s <= 60.0,
            "quality.coarse_constant_s",
            "must lie in quality.constant_s to 60",
        )
        for name in ("hum_mv", "muscle_part", "noise_mv"):
            _require(0.0 < getattr(self, name) <= 10.0, f"quality.{name}", "must lie in 0 to 10")
        _require(0.0 < self.pinned_fraction < 1.0, "quality.pinned_fraction", "must lie in 0 to 1")
        _require(1.0 < self.motion_ratio <= 10.0, "quality.motion_ratio", "must lie in 1 to 10")
        _require(0.0 <= self.recover_s <= 2.0, "quality.recover_s", "must lie in 0 to 2")


@dataclass(frozen=True, slots=True)
class DetectSettings:
    """Which QRS detector runs: a registered name, or a dotted path ``package.module:Class``."""

    detector: str = "default"
    false_cost: float = 1.0  # a false beat in noise, in missed ones; of the default detector
    mains_hz: int = 60  # for neurokit:METHOD only, 50 or 60; the default detector needs no telling
    neurokit_window_s: float = 10.0  # what NeuroKit2 sees at once
    neurokit_step_s: float = 1.0  # how often it is run
    neurokit_edge_s: float = 0.5  # peaks nearer to the newest sample wait for the next run

    def __post_init__(self) -> None:
        _require(0.1 <= self.false_cost <= 10.0, "detect.false_cost", "must lie in 0.1 to 10")
        _require(self.mains_hz in (50, 60), "detect.mains_hz", "must be 50 or 60")
        _require(
            3.0 <= self.neurokit_window_s <= 60.0,
            "detect.neurokit_window_s",
            "must lie in 3 to 60",
        )
        _require(
            0.05 <= self.neurokit_step_s <= self.neurokit_window_s / 2,
            "detect.neurokit_step_s",
            "must lie in 0.05 to half the window",
        )
        _require(
            0.0 <= self.neurokit_edge_s <= self.neurokit_window_s / 4,
            "detect.neurokit_edge_s",
            "must lie in 0 to a quarter of the window",
        )


@dataclass(frozen=True, slots=True)
class ClassifySettings:
    """Which model labels the beats: the name of a shipped bundle, or a file."""

    model: str = "aami"


_RHYTHM_RANGES: tuple[tuple[str, float, float], ...] = (
    ("fibrillation_window_s", 2.0, 8.0),
    ("fibrillation_step_s", 0.25, 2.0),
    ("fibrillation_evidence", 0.0, 100.0),
    ("fibrillation_doubt", 0.0, 5.0),
    ("fibrillation_end_looks", 1, 20),
    ("fibrillation_mv", 0.02, 0.5),
    ("fibrillation_top_mv", 1.0, 20.0),
    ("fibrillation_wave_mv", 0.1, 2.0),
    ("fibrillation_period_s", 0.2, 0.6),
    ("fibrillation_qrs_per_wave", 0.0, 1.0),
    ("af_changes", 16, 128),
    ("af_rr_change", 0.02, 0.5),
    ("af_hysteresis", 0.3, 1.0),
    ("af_p_coherence", 0.0, 1.0),
    ("af_p_end", 0.0, 1.0),
)


@dataclass(frozen=True, slots=True)
class RhythmSettings:
    """Limits of heart-rate averaging and rhythm naming."""

    average_beats: int = 12  # RR intervals in the mean
    least_beats: int = 3  # RR intervals before a heart rate is shown
    slow_rr_s: float = 1.2  # when slow_count intervals in a row exceed this ...
    slow_count: int = 3
    slow_average_beats: int = 4  # ... the mean is over so many
    no_beat_s: float = 4.0  # without a QRS for so long no heart rate is known
    settle_s: float = 0.5  # an R peak is surely announced within this time
    forget_s: float = 5.0  # after a longer shutdown averages start anew
    fibrillation_window_s: float = 3.0  # what is looked at for VF
    fibrillation_step_s: float = 1.0  # how often
    fibrillation_evidence: float = 5.0  # summed log odds from which it is VF
    fibrillation_doubt: float = 0.5  # what a single look must exceed to add to it
    fibrillation_end_looks: int = 3  # looks in a row without it that end it
    fibrillation_mv: float = 0.07  # smaller waves are taken as asystole
    fibrillation_top_mv: float = 4.5  # larger ones as artefact
    fibrillation_wave_mv: float = 0.2  # regular waves as large, without QRS, are flutter
    fibrillation_period_s: float = 0.335  # slower waves are not VF ...
    fibrillation_qrs_per_wave: float = 0.55  # ... unless fewer of them have a QRS
    af_changes: int = 32  # changes from one RR interval to the next looked at for AF
    af_rr_change: float = 0.06  # relative RR change from which they may be AF
    af_hysteresis: float = 0.8  # AF ends under this share of it
    af_p_coherence: float = 0.25  # with more in common before the QRS there are P waves: no AF
    af_p_end: float = 0.45  # AF ends with more than this

    def __post_init__(self) -> None:
        _require(2 <= self.average_beats <= 60, "rhythm.average_beats", "must lie in 2 to 60")
        _require(
            1 <= self.least_beats <= self.average_beats,
            "rhythm.least_beats",
            "must lie in 1 to rhythm.average_beats",
        )
        _require(0.5 <= self.slow_rr_s <= 3.0, "rhythm.slow_rr_s", "must lie in 0.5 to 3")
        _require(2 <= self.slow_count <= 10, "rhythm.slow_count", "must lie in 2 to 10")
        _require(
            self.least_beats <= self.slow_average_beats <= self.average_beats,
            "rhythm.slow_average_beats",
            "must lie in rhythm.least_beats to rhythm.average_beats",
        )
        _require(2.0 <= self.no_beat_s <= 10.0, "rhythm.no_beat_s", "must lie in 2 to 10")
        _require(0.2 <= self.settle_s <= 2.0, "rhythm.settle_s", "must lie in 0.2 to 2")
        _require(1.0 <= self.forget_s <= 60.0, "rhythm.forget_s", "must lie in 1 to 60")
        for name, low, high in _RHYTHM_RANGES:
            _require(
                low <= getattr(self, name) <= high,
                f"rhythm.{name}",
                f"must lie in {low:g} to {high:g}",
            )


_ALARM_RANGES: tuple[tuple[str, float, float], ...] = (
    ("asystole_s", 3.0, 10.0),
    ("hr_high_bpm", 60.0, 300.0),
    ("hr_low_bpm", 15.0, 120.0),
    ("extreme_tachy_bpm", 80.0, 320.0),
    ("extreme_brady_bpm", 10.0, 100.0),
    ("extreme_brady_beats", 3, 20),
    ("extreme_tachy_beats", 3, 40),
    ("extreme_margin_bpm", 0.0, 5.0),
    ("vt_beats", 3, 20),
    ("vt_bpm", 60.0, 200.0),
    ("vt_certainty", 0.0, 1.0),
    ("v_certainty", 0.0, 1.0),
    ("v_run_beats", 3, 20),
    ("v_brady_bpm", 15.0, 60.0),
    ("bigeminy_cycles", 2, 20),
    ("trigeminy_cycles", 2, 20),
    ("pvcs_per_min", 1, 100),
    ("r_on_t_s", 0.0, 0.2),
    ("multiform_beats", 3, 31),
    ("svt_beats", 3, 30),
    ("svt_bpm", 100.0, 300.0),
    ("sveb_per_min", 1, 100),
    ("pause_s", 1.0, 5.0),
    ("pauses_per_min", 1, 20),
    ("missed_beat_ratio", 1.3, 3.0),
    ("irregular_rr_change", 0.02, 0.5),
    ("irregular_beats", 12, 60),
    ("af_s", 0.0, 300.0),
    ("af_end_s", 0.0, 1800.0),
    ("lead_off_s", 0.0, 30.0),
    ("noise_s", 0.0, 60.0),
    ("lost_s", 1.0, 60.0),
    ("learning_beats", 0, 60),
    ("learning_s", 0.0, 120.0),
    ("settle_s", 0.2, 2.0),
    ("forget_s", 1.0, 60.0),
    ("suspended_clear_s", 5.0, 600.0),
    ("hold_s", 1.0, 120.0),
    ("end_hold_s", 0.0, 30.0),
    ("again_s", 0.0, 600.0),
    ("update_s", 1.0, 60.0),
    ("inhibit_low_s", 0.0, 900.0),
    ("inhibit_medium_s", 0.0, 300.0),
)


@dataclass(frozen=True, slots=True)
class AlarmSettings:
    """Limits and switches of the alarms; may be changed while running.

    ``off`` names alarm kinds that are switched off; asystole and vf cannot be.
    """

    off: tuple[str, ...] = ()
    asystole_s: float = 4.0  # no QRS for so long
    hr_high_bpm: float = 120.0
    hr_low_bpm: float = 50.0
    extreme_tachy_bpm: float = 140.0
    extreme_brady_bpm: float = 40.0
    extreme_brady_beats: int = 5  # so many in a row under it
    extreme_tachy_beats: int = 17  # so many in a row over it
    extreme_margin_bpm: float = 1.0  # what a rate read off may be wrong by
    vt_beats: int = 5
    vt_bpm: float = 100.0
    vt_certainty: float = 0.4  # probability that so fast a run is VT, from which it is
    v_certainty: float = 0.75  # mean probability of V that runs under the VT criterion must have
    v_run_beats: int = 3
    v_brady_bpm: float = 40.0
    bigeminy_cycles: int = 3
    trigeminy_cycles: int = 3
    pvcs_per_min: int = 10
    r_on_t_s: float = 0.1  # a PVC so soon after the peak of the usual T wave
    multiform_beats: int = 15  # two forms of PVC within so many beats
    svt_beats: int = 8
    svt_bpm: float = 150.0
    sveb_per_min: int = 10
    pause_s: float = 3.0
    pauses_per_min: int = 3
    missed_beat_ratio: float = 1.8  # RR over the mean of those before
    irregular_rr_change: float = 0.1  # relative RR change over irregular_beats
    irregular_beats: int = 24
    af_s: float = 10.0  # AF for so long is announced
    af_end_s: float = 30.0  # so is its absence
    lead_off_s: float = 1.0  # lead off for so long is announced
    noise_s: float = 5.0  # signal unusable for so long is announced
    lost_s: float = 10.0  # lost samples are told of until so much signal has come without loss
    learning_beats: int = 8
    learning_s: float = 15.0  # learning ends by then at the latest
    settle_s: float = 0.5  # an R peak is surely announced within this time
    forget_s: float = 5.0  # after a longer shutdown no earlier beat counts
    suspended_clear_s: float = 60.0  # after a longer shutdown unlatched alarms are cleared
    hold_s: float = 10.0  # a momentary condition is shown for so long
    end_hold_s: float = 2.0  # a lasting condition is over when absent for so long
    again_s: float = 10.0  # a latched condition that returns later is a new alarm
    update_s: float = 5.0  # a live alarm tells of changes at most so often
    inhibit_low_s: float = 60.0  # a low-priority kind that has cleared stays quiet for so long
    inhibit_medium_s: float = 0.0  # the same for medium priority; high is never held back

    def __post_init__(self) -> None:
        for kind in self.off:
            _require(kind in set(AlertKind), "alarms.off", f"{kind!r} is not the name of an alarm")
            _require(
                kind not in (AlertKind.ASYSTOLE, AlertKind.VF),
                "alarms.off",
                f"{kind} cannot be switched off",
            )
        for name, low, high in _ALARM_RANGES:
            _require(
                low <= getattr(self, name) <= high,
                f"alarms.{name}",
                f"must lie in {low:g} to {high:g}",
            )
        _require(
            self.extreme_brady_bpm <= self.hr_low_bpm < self.hr_high_bpm <= self.extreme_tachy_bpm,
            "alarms.hr_low_bpm",
            "extreme_brady_bpm <= hr_low_bpm < hr_high_bpm <= extreme_tachy_bpm must hold",
        )


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """Where ``serve`` listens, whom it lets in, and what it tells of itself."""

    input: str = INPUT  # samples come here
    output: str = OUTPUT  # results are published here
    control: str = CONTROL  # requests are answered here
    keys: str = ""  # folder of keys and allow-list: only known clients come in, encrypted
    max_streams: int = 256  # more are refused
    metrics: str = ""  # [HOST:]PORT for Prometheus; empty: none
    log_format: str = "text"  # or json
    log_level: str = "info"  # or warning, error

    def __post_init__(self) -> None:
        _require(1 <= self.max_streams <= 10_000, "service.max_streams", "must lie in 1 to 10000")
        _require(self.log_format in ("text", "json"), "service.log_format", "must be text or json")
        levels = [level.name.lower() for level in Level]
        _require(
            self.log_level in levels, "service.log_level", f"must be one of {', '.join(levels)}"
        )


@dataclass(frozen=True, slots=True)
class RecordingSettings:
    """How `serve` stores the streams it monitors, as WFDB records."""

    folder: str = ""  # where; empty: nothing is stored
    segment_s: float = 600.0  # signal in one record
    hole_s: float = 10.0  # a longer hole begins a new record, a shorter one is filled
    keep_days: float = 30.0  # older records are deleted
    max_mb: float = 100_000.0  # so are the oldest when all together are larger than this

    def __post_init__(self) -> None:
        _require(
            30.0 <= self.segment_s <= 86400.0, "recording.segment_s", "must lie in 30 to 86400"
        )
        _require(0.0 <= self.hole_s <= 60.0, "recording.hole_s", "must lie in 0 to 60")
        _require(
            0.01 <= self.keep_days <= 36500.0, "recording.keep_days", "must lie in 0.01 to 36500"
        )
        _require(1.0 <= self.max_mb <= 1e9, "recording.max_mb", "must lie in 1 to 1000000000")


@dataclass(frozen=True, slots=True)
class JournalSettings:
    """Where ``serve`` keeps its events, and for how long."""

    file: str = ""  # a path, or "off"; empty: a file of its own for each --input port
    keep_days: float = 30.0  # older events are deleted
    max_mb: float = 1000.0  # so are the oldest when the file grows beyond this

    def __post_init__(self) -> None:
        _require(
            0.01 <= self.keep_days <= 36500.0, "journal.keep_days", "must lie in 0.01 to 36500"
        )
        _require(1.0 <= self.max_mb <= 1e6, "journal.max_mb", "must lie in 1 to 1000000")


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, those of the analysis of one stream first."""

    blocks: BlockSettings = field(default_factory=BlockSettings)
    quality: QualitySettings = field(default_factory=QualitySettings)
    detect: DetectSettings = field(default_factory=DetectSettings)
    classify: ClassifySettings = field(default_factory=ClassifySettings)
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
        return build(Settings, tomllib.loads(path.read_text(encoding="utf-8")), "")
    except OSError as error:
        raise MonitorError(f"cannot read settings {path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise MonitorError(f"settings {path} are not valid TOML: {error}") from error
