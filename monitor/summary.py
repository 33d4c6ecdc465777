"""The results of one record in figures."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape


@dataclass(frozen=True, slots=True)
class Summary:
    """The results of one record. ``cpu_s`` is the CPU time of reading and analysis."""

    record: str
    rate_hz: float
    leads: tuple[str, ...]
    duration_s: float
    beats: dict[str, int]
    mean_heart_rate_bpm: float | None
    unusable_s: float
    missing_s: float
    alerts: dict[str, int]
    detector: str
    model: str
    cpu_s: float

    def _repr_html_(self) -> str:
        """Show the results as a table in a notebook."""
        bpm = self.mean_heart_rate_bpm
        rows = {
            "leads": ", ".join(self.leads),
            "length": f"{self.duration_s / 60:.1f} min, {self.unusable_s:.0f} s of it not usable",
            "beats": ", ".join(f"{label} {count}" for label, count in self.beats.items()),
            "mean heart rate": "not known" if bpm is None else f"{bpm:.0f} bpm",
            "alerts": ", ".join(f"{kind} {count}" for kind, count in self.alerts.items()) or "none",
        }
        cells = "".join(
            f"<tr><th>{escape(name)}</th><td>{escape(text)}</td></tr>"
            for name, text in rows.items()
        )
        return f"<table><caption>{escape(self.record)}</caption>{cells}</table>"
