"""What a model bundle says of itself: everything needed to feed its network correctly.

The manifest is JSON inside the bundle file. It is strict: an unknown key, a missing
value or a protocol this program cannot feed is an error, found before the first sample.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any

from monitor.errors import MonitorError
from monitor.messages import AamiClass

SCHEMA = 1
SCALINGS = ("template", "minmax", "zscore", "none")
CHANNELS = ("beat", "template")
WINDOWS = ("fixed", "to_next")
LABEL_SETS = ("aami", "own")
LABEL_MAP = {
    # ML usage: escape beats (e, j) count as N. EC57's own table puts them in S.
    "N": "NLRBej",
    "S": "AaJSn",
    "V": "VrE",
    "F": "F",
    "Q": "Q?/f",
}
"""WFDB beat symbols of each class, as used for training."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """The inputs and outputs of a bundled network, and where it comes from.

    Parameters
    ----------
    name
        What ``Beat.classifier`` says.
    classes
        What the outputs mean, in order.
    before_s
        Seconds of signal in the window before the R peak; the R peak is sample
        ``round(before_s * rate_hz)`` of the window.
    rate_hz, length
        Sampling rate and number of samples the network takes.
    pad
        Zeros appended to a window of ``length - pad`` samples (the published
        187-sample beats in a 188-sample input).
    scaling
        ``template``: by the peak-to-peak of the patient's dominant beat, upright;
        ``minmax``: each beat to 0..1; ``zscore``: each beat to mean 0 and deviation 1.
    window
        ``fixed``: all samples are signal. ``to_next``: signal up to 1.2 times the interval to
        the next R peak, zeros behind it, scaled without them (the published 187-sample beats);
        all signal if the next R peak was not known in time.
    channels
        Signal channels: ``beat``, ``template``.
    features
        Names of the patient-context features (:data:`monitor.stages.context.FEATURES`);
        empty for a network that takes the signal alone.
    leads
        How many leads the network takes, 1 or 2: channels and features of the lead in which
        the R peak was located, then those of another; all zeros if there is no usable other.
    following_rr
        0: label when the window is complete. Else: wait for the next R peak, at most
        this many recent RR intervals and ``following_cap_s`` seconds.
    flat_input
        The network takes (batch, length) rather than (batch, channels, length).
    probabilities
        The network gives probabilities already, not logits.
    label_set
        ``aami``: the classes are AAMI classes and can label a stream. ``own``: other names,
        for a network that is measured on beats only.
    label_map
        WFDB beat symbols of each class, as in training; the monitor does not need it.
    data, data_sha256, command, seed, metrics, licence, version
        For people: where the network comes from, and how good it is.
    schema
        Of the manifest itself.
    """

    name: str
    before_s: float
    classes: tuple[str, ...] = tuple(AamiClass)
    rate_hz: float = 125.0
    length: int = 188
    pad: int = 0
    scaling: str = "template"
    window: str = "fixed"
    channels: tuple[str, ...] = ("beat",)
    features: tuple[str, ...] = ()
    leads: int = 1
    following_rr: float = 0.0
    following_cap_s: float = 1.5
    flat_input: bool = False
    probabilities: bool = False
    label_set: str = "aami"
    label_map: dict[str, str] = field(default_factory=lambda: dict(LABEL_MAP))
    data: str = ""
    data_sha256: str = ""
    command: str = ""
    seed: int = 0
    metrics: dict[str, Any] = field(default_factory=dict)
    licence: str = ""
    version: str = "1"
    schema: int = SCHEMA

    def __post_init__(self) -> None:
        self._require(self.schema == SCHEMA, f"has schema {self.schema}, readable is {SCHEMA}")
        self._require(bool(self.name), "has no name")
        self._require(
            self.label_set in LABEL_SETS, f"has label_set {self.label_set!r}; known: {LABEL_SETS}"
        )
        self._require(
            (self.label_set == "own" or all(c in tuple(AamiClass) for c in self.classes))
            and len(set(self.classes)) == len(self.classes) >= 2,
            f"has classes {list(self.classes)}; known are {[str(c) for c in AamiClass]}",
        )
        self._require(self.window in WINDOWS, f"wants window {self.window!r}; known: {WINDOWS}")
        self._require(
            self.window == "fixed" or (self.before_s == 0.0 and self.following_rr > 0.0),
            "wants a window to the next R peak: it must begin at the R peak (before_s = 0) and "
            "wait for the next (following_rr above 0)",
        )
        self._require(50.0 <= self.rate_hz <= 500.0, f"wants a rate of {self.rate_hz:g} Hz")
        self._require(16 <= self.length <= 4096, f"wants a window of {self.length} samples")
        self._require(0 <= self.pad < self.length, f"pads {self.pad} of {self.length} samples")
        self._require(
            0.0 <= self.before_s < (self.length - self.pad) / self.rate_hz,
            f"puts the R peak {self.before_s:g} s into the window, outside it",
        )
        self._require(
            self.scaling in SCALINGS, f"wants scaling {self.scaling!r}; known: {SCALINGS}"
        )
        self._require(
            bool(self.channels) and all(c in CHANNELS for c in self.channels),
            f"wants channels {list(self.channels)}; known: {list(CHANNELS)}",
        )
        self._require(self.leads in (1, 2), f"wants {self.leads} leads; possible are 1 and 2")
        self._require(
            0.0 <= self.following_rr <= 1.2 and 0.0 < self.following_cap_s <= 3.0,
            "may wait for at most 1.2 RR and 3 s",
        )

    def _require(self, condition: bool, rule: str) -> None:
        if not condition:
            raise MonitorError(f"model {self.name or '?'}: its manifest {rule}")

    @property
    def after_s(self) -> float:
        """Seconds from the R peak to the last sample of signal in the window."""
        return (self.length - self.pad - 1 - self.r_index) / self.rate_hz

    @property
    def signal_rows(self) -> int:
        """Rows of signal that the network takes: channels of all leads."""
        return self.leads * len(self.channels)

    @property
    def feature_count(self) -> int:
        """Context features that the network takes: those of all leads."""
        return self.leads * len(self.features)

    @property
    def r_index(self) -> int:
        """Position of the R peak in the window."""
        return round(self.before_s * self.rate_hz)

    def to_json(self) -> str:
        """Give the manifest as the JSON text that goes into the bundle."""
        return json.dumps(dataclasses.asdict(self), indent=1, sort_keys=True)

    @classmethod
    def from_table(cls, table: Any, source: str) -> Manifest:
        """Make a manifest from parsed JSON or TOML; errors name ``source``."""
        if not isinstance(table, dict):
            raise MonitorError(f"model {source}: its manifest is not a table of keys")
        fields = {f.name: f for f in dataclasses.fields(cls)}
        for key in table:
            if key not in fields:
                raise MonitorError(f"model {source}: unknown key {key!r} in its manifest")
        values: dict[str, Any] = {}
        for key, value in table.items():
            values[key] = _checked(fields[key].type, value, key, source)
        for key in ("name", "before_s"):
            if key not in values:
                raise MonitorError(f"model {source}: its manifest lacks {key!r}")
        return cls(**values)

    @classmethod
    def from_json(cls, text: str | bytes, source: str) -> Manifest:
        """Make a manifest from JSON text; errors name ``source``."""
        try:
            table = json.loads(text)
        except ValueError as error:
            raise MonitorError(f"model {source}: its manifest is not JSON ({error})") from error
        return cls.from_table(table, source)


def _checked(hint: Any, value: Any, key: str, source: str) -> Any:
    """Check one value against its annotation (a string, as written above)."""
    strings = (list, tuple)
    ok = {
        "str": isinstance(value, str),
        "bool": isinstance(value, bool),
        "int": isinstance(value, int) and not isinstance(value, bool),
        "float": isinstance(value, int | float) and not isinstance(value, bool),
        "tuple[str, ...]": isinstance(value, strings) and all(isinstance(i, str) for i in value),
        "dict[str, str]": isinstance(value, dict)
        and all(isinstance(i, str) for i in value.values()),
        "dict[str, Any]": isinstance(value, dict),
    }[hint]
    if not ok:
        raise MonitorError(f"model {source}: {key} = {value!r} in its manifest is not {hint}")
    if hint == "float":
        return float(value)
    return tuple(value) if isinstance(value, list) else value
