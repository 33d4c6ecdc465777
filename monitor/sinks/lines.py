"""Events as text lines for people."""

from __future__ import annotations

from collections.abc import Callable

from monitor.feeds.feed import Status
from monitor.messages import (
    AamiClass,
    Alert,
    Beat,
    End,
    Gap,
    Message,
    Priority,
    Quality,
    Rhythm,
    StreamInfo,
    Vitals,
)

MARKS = {Priority.HIGH: "***", Priority.MEDIUM: "**", Priority.LOW: "*", Priority.TECHNICAL: "!"}
VITALS_PERIOD_S = 10.0


def clock_text(seconds: float) -> str:
    """Seconds as h:mm:ss.mmm.

    >>> clock_text(3725.25)
    '1:02:05.250'
    """
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest // 1000:02d}.{rest % 1000:03d}"


class TextLines:
    """Write events as text, one line each; normal beats are left out.

    Parameters
    ----------
    write
        Takes one line without its end.
    """

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write
        self._rates_hz: dict[str, float] = {}
        self._vitals_due: dict[str, float] = {}

    def deliver(self, message: Message | Status) -> None:
        """Take one message of a feed."""
        match message:
            case StreamInfo():
                if message.stream not in self._rates_hz:
                    parts = (message.source, f"{message.rate_hz:g} Hz", *message.leads)
                    self._write(f"{message.stream}: {', '.join(filter(None, parts))}")
                self._rates_hz[message.stream] = message.rate_hz
            case Alert():
                text = f"{MARKS[message.priority]:<3} {message.text}"
                self._line(
                    message.stream, message.sample, f"{text}  [{message.kind} {message.state}]"
                )
            case Beat() if message.label is not AamiClass.N:
                self._line(message.stream, message.sample, f"    beat {message.label}")
            case Rhythm():
                self._line(message.stream, message.sample, f"    rhythm {message.name}")
            case Quality():
                states = ", ".join(message.leads)
                usable = "" if message.usable else ": analysis suspended"
                self._line(message.stream, message.sample, f"    signal {states}{usable}")
            case Gap():
                seconds = message.length / self._rates_hz.get(message.stream, 1.0)
                self._line(message.stream, message.sample, f"    {message.kind} of {seconds:.2f} s")
            case Vitals():
                self._vitals(message)
            case End():
                self._line(message.stream, message.sample, "    end of stream")

    def _vitals(self, vitals: Vitals) -> None:
        now = vitals.sample / self._rates_hz.get(vitals.stream, 1.0)
        if now < self._vitals_due.get(vitals.stream, 0.0):
            return
        self._vitals_due[vitals.stream] = now + VITALS_PERIOD_S
        bpm = "--" if vitals.heart_rate_bpm is None else f"{vitals.heart_rate_bpm:.0f}"
        counts = " ".join(
            f"{label} {count}" for label, count in vitals.beat_counts.items() if count
        )
        self._line(
            vitals.stream,
            vitals.sample,
            f"    HR {bpm}  PVC/min {vitals.pvcs_per_min}  beats {counts or '--'}",
        )

    def _line(self, stream: str, sample: int, text: str) -> None:
        at = clock_text(sample / self._rates_hz.get(stream, 1.0))
        self._write(f"{stream} {at}  {text}")
