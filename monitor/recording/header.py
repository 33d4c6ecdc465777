"""The text of a WFDB header file (header(5)). Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from monitor.errors import MonitorError
from monitor.messages import StreamInfo
from monitor.recording.scale import Scale

MAX_TEXT = 120  # a line of a header file holds at most 255 characters
OPEN = "# being recorded"
NO_UNIT = "NU"  # of the pulse waveform
_CLIPPED = re.compile(r"# clipped: (\d+) samples of (.*) beyond .*")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class SegmentHeader:
    """The header of one segment: format 16, all leads in one file.

    ``start_sample`` is the index of its first sample in the stream; the header has it as the base
    counter too. Times are UTC. ``clipped`` counts samples beyond the range, for each lead.
    """

    name: str
    info: StreamInfo
    start_sample: int
    wall_ns: int
    samples: int
    scales: tuple[Scale, ...]
    first: tuple[int, ...]
    checksums: tuple[int, ...]
    clipped: tuple[int, ...]

    def text(self) -> str:
        """Give the file's content."""
        rate = f"{self.info.rate_hz:.10g}"
        begun = utc(self.wall_ns)
        place = f"{rate}/{rate}({self.start_sample}) {self.samples}"
        time = f"{begun:%H:%M:%S}.{begun.microsecond // 1000:03d} {begun:%d/%m/%Y}"
        lines = [f"{self.name} {len(self.info.leads)} {place} {time}"]
        for lead, scale, first, checksum in zip(
            self.info.leads, self.scales, self.first, self.checksums, strict=True
        ):
            gain = f"{scale.gain:g}({scale.baseline})/{self._unit(lead)}"
            lines.append(f"{self.name}.dat 16 {gain} 16 0 {first} {_signed(checksum)} 0 {lead}")
        lines += [
            f"# stream: {self.info.stream}",
            f"# source: {self.info.source[:MAX_TEXT]}",
            f"# start_sample: {self.start_sample}",
            f"# begun: {begun.isoformat(timespec='milliseconds')} (wall clock of the first sample)",
        ]
        for lead, scale, count in zip(self.info.leads, self.scales, self.clipped, strict=True):
            if count:
                low, high = scale.range_mv
                unit = self._unit(lead)
                lines.append(
                    f"# clipped: {count} samples of {lead} beyond {low:.1f} to {high:.1f} {unit}"
                )
        return "\n".join(lines) + "\n"

    def _unit(self, lead: str) -> str:
        return NO_UNIT if lead == self.info.pulse else "mV"


def parse_header(text: str) -> SegmentHeader:
    """Read a header written by :meth:`SegmentHeader.text`.

    Raises
    ------
    MonitorError
        If the text is not such a header.
    """
    lines = text.splitlines()
    try:
        name, leads, rate, samples, *_ = lines[0].split(" ")
        signals = [line.split(" ", 8) for line in lines[1 : 1 + int(leads)]]
        comments = dict(line[2:].split(": ", 1) for line in lines if ": " in line[2:])
        rate_hz, _, start = rate.partition("/")
        start_sample = int(start[start.index("(") + 1 : -1])
        info = StreamInfo(
            comments["stream"],
            float(rate_hz),
            tuple(signal[8] for signal in signals),
            start_sample,
            comments.get("source", ""),
            signals[-1][8] if signals[-1][2].endswith(f"/{NO_UNIT}") else "",
        )
        begun = datetime.fromisoformat(comments["begun"].split(" ")[0])
        clipped = {match[2]: int(match[1]) for line in lines if (match := _CLIPPED.fullmatch(line))}
        return SegmentHeader(
            name,
            info,
            start_sample,
            (begun - _EPOCH) // timedelta(microseconds=1) * 1000,
            int(samples),
            tuple(_scale(signal[2]) for signal in signals),
            tuple(int(signal[5]) for signal in signals),
            tuple(int(signal[6]) for signal in signals),
            tuple(clipped.get(lead, 0) for lead in info.leads),
        )
    except (ValueError, TypeError, IndexError, KeyError, OverflowError) as error:
        raise MonitorError(f"not a header of a recording: {lines[0] if lines else ''!r}") from error


def _scale(field: str) -> Scale:
    gain, _, rest = field.partition("(")
    return Scale(float(gain), int(rest.partition(")")[0]))


def _signed(checksum: int) -> int:
    return (checksum + 0x8000) % 0x10000 - 0x8000


def utc(wall_ns: int) -> datetime:
    """Give a wall time (ns since 1970) as a date."""
    return _EPOCH + timedelta(microseconds=wall_ns // 1000)


def segment_name(wall_ms: int) -> str:
    """Give the name of a segment from its start (ms since 1970).

    >>> segment_name(1_795_255_987_250)
    '20261121T101307_250'
    """
    begun = utc(wall_ms * 1_000_000)
    return f"{begun:%Y%m%dT%H%M%S}_{begun.microsecond // 1000:03d}"


def begun_ms(name: str) -> int | None:
    """Give the start of a segment (ms since 1970) from its name; None for any other name.

    >>> begun_ms("20261121T101307_250"), begun_ms("100")
    (1795255987250, None)
    """
    try:
        begun = datetime.strptime(f"{name}000", "%Y%m%dT%H%M%S_%f").replace(tzinfo=UTC)
    except ValueError:
        return None
    ms = (begun - _EPOCH) // timedelta(milliseconds=1)
    return ms if segment_name(ms) == name else None
