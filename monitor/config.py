"""Typed settings, read from strict TOML.

Rules:

1. Every setting is a field of a frozen dataclass below, with its unit in its name, a default that
   needs no file, its meaning and its range. Those of the alarms are in :mod:`monitor.alarm_kinds`.
2. An unknown key, a wrong type or a value out of range is an error that names the key.
3. Command-line options win over the file, the file over the defaults.

This file is long because it lists every setting with its meaning.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from monitor.alarm_kinds import AlarmSettings as AlarmSettings
from monitor.default_endpoints import CONTROL, INPUT, OUTPUT
from monitor.errors import MonitorError
from monitor.log_lines import Level
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
class ServiceSettings:
    """Where ``serve`` listens, whom it lets in, and what it tells of itself."""

    input: str = setting(INPUT, "endpoint that takes samples")
    output: str = setting(OUTPUT, "endpoint that publishes results")
    control: str = setting(CONTROL, "endpoint that answers requests")
    keys: str = setting(
        "", "folder of keys and allow-list; with it only known clients connect, encrypted"
    )
    max_streams: int = setting(256, "streams analysed at a time; more are refused", 1, 10_000)
    workers: int = setting(1, "processes that share the streams", 1, 64)
    cluster: str = setting(
        "", "address of a Ray cluster whose machines have the workers; empty for this machine"
    )
    spare_workers: int = setting(
        1, "beside several workers, so many wait to take the place of one that ends", 0, 8
    )
    metrics: str = setting(
        "", "[HOST:]PORT for Prometheus metrics and health checks; empty for none"
    )
    web: str = setting("", "[HOST:]PORT of the central station for browsers; empty for none")
    web_cert: str = setting("", "certificate of TLS for the central station (PEM)")
    web_key: str = setting("", "its private key (PEM)")
    web_tokens: str = setting("", "list of the tokens of those who may use the central station")
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

    file: str = setting(
        "", "a path, postgresql://..., or off; empty for a file named after the input port"
    )
    keep_days: float = setting(30.0, "older events are deleted", 0.01, 36500.0)
    max_mb: float = setting(
        1000.0, "the oldest events are deleted when the journal is larger", 1.0, 1e6
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
