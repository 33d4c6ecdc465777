"""A stream of the Lab Streaming Layer as a source (labstreaminglayer.org).

Its time stamps, put on this machine's clock by liblsl, place the samples: what the sender left
out or lost while it was away is a hole. Lead names and units come from the stream's description.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pylsl

from monitor.errors import USAGE, MonitorError
from monitor.messages import Samples, StreamInfo
from monitor.sources import Log, stream_name
from monitor.sources.calibration import NO_CALIBRATION, Calibration, choose_voltages
from monitor.sources.live import as_they_come
from monitor.sources.sample_clock import Run, SampleClock

FIND_S = 10.0  # longest search for a stream; LSL streams answer within seconds
ANOTHER_S = 1.0  # further search for a second stream of the same name
MAX_PULL = 4096
_UNITS = {"microvolts": "uV", "microvolt": "uV", "millivolts": "mV", "millivolt": "mV",
          "volts": "V", "volt": "V", "nanovolts": "nV"}  # fmt: skip
_ECG_TYPES = ("ecg", "ekg")


class LslStream:
    """The ECG channels of one stream.

    Parameters
    ----------
    name
        Name or source id of the stream; empty for the only one of type ECG.
    leads
        Leads to use, the primary first. If the stream does not name its channels: names for
        them, all of them and in order.
    calibration
        Of the channels whose description tells no unit.
    chunk_s
        How much is read at a time.
    stream
        Stream name here; by default the stream's own.
    log
        Takes lines for the log.

    Raises
    ------
    MonitorError
        If there is no such stream, or more than one, or its rate, channels or units cannot be
        worked with.
    """

    samples: int | None = None  # a live stream has no known end

    def __init__(
        self,
        name: str,
        leads: Sequence[str] = (),
        calibration: Calibration = NO_CALIBRATION,
        chunk_s: float = 0.1,
        stream: str | None = None,
        log: Log = lambda text: None,
    ) -> None:
        _quiet()
        self._log = log
        found = _find(name)
        title = f"LSL stream {found.name()}"
        rate_hz = float(found.nominal_srate())
        if rate_hz == pylsl.IRREGULAR_RATE:
            raise MonitorError(f"{title} has no sampling rate (it is irregular): it is no signal")
        if found.channel_format() == pylsl.cf_string:
            raise MonitorError(f"{title} holds texts, no signal")
        self._inlet = pylsl.StreamInlet(found, processing_flags=pylsl.proc_clocksync)
        described = self._reached(title, lambda: self._inlet.info(FIND_S))
        names, units, channels = _channels(described, title, leads)
        chosen, scale, baseline = choose_voltages(title, names, units, leads, calibration)
        self._columns = [channels[i] for i in chosen]
        self._scale = np.array(scale)
        self._baseline = np.array(baseline)
        self._chunk_s = chunk_s
        self.info = StreamInfo(
            stream or stream_name(found.name()),
            rate_hz,
            tuple(names[i] for i in chosen),
            0,
            f"LSL {found.name()} on {found.hostname()}",
        )
        self._clock = SampleClock(self.info.stream, rate_hz)
        self._title = title

    def chunks(self) -> Iterator[Samples]:
        """Give the samples as they come, without end, and empty pieces during silence.

        Raises
        ------
        MonitorError
            If the sender is gone and cannot be found again (it has no source id).
        """
        try:
            pulled = (self._pull() for _ in itertools.count())
            yield from as_they_come(self.info, pulled, self._chunk_s)
        finally:
            self._inlet.close_stream()

    def _pull(self) -> list[Run]:
        rows, times = self._reached(
            self._title,
            lambda: self._inlet.pull_chunk(timeout=self._chunk_s, max_samples=MAX_PULL),
        )
        if not times:
            return []
        raw = np.asarray(rows, np.float64)[:, self._columns]
        values = (raw - self._baseline) * self._scale
        runs = self._clock.push(np.asarray(times, np.float64), values.astype(np.float32))
        for note in self._clock.notes():
            self._log(f"stream {self.info.stream}: {note}")
        return runs

    def _reached(self, title: str, ask: Callable[[], Any]) -> Any:
        try:
            return ask()
        except pylsl.util.LostError as error:
            raise MonitorError(f"{title} is lost, and has no source id to find it by") from error
        except (pylsl.util.TimeoutError, RuntimeError) as error:
            raise MonitorError(f"{title} does not answer ({error or 'timeout'})") from error


def _find(name: str) -> pylsl.StreamInfo:
    quoted = name.replace("'", "").replace('"', "")
    wanted = f"name='{quoted}' or source_id='{quoted}'" if name else "type='ECG' or type='EKG'"
    found = pylsl.resolve_bypred(wanted, 1, FIND_S)
    if not found:
        there = ", ".join(f"{s.name()} ({s.type()})" for s in pylsl.resolve_streams(1.0))
        asked = f"named {name}" if name else "of type ECG"
        raise MonitorError(f"there is no LSL stream {asked}; there is {there or 'none at all'}")
    found = pylsl.resolve_bypred(wanted, 2, ANOTHER_S) or found
    if len({stream.uid() for stream in found}) > 1:
        there = ", ".join(f"{s.name()} (source id {s.source_id() or 'none'})" for s in found)
        raise MonitorError(
            f"more than one LSL stream answers to lsl:{name}: {there}; name one", USAGE
        )
    return found[0]


def _channels(
    info: pylsl.StreamInfo, title: str, leads: Sequence[str]
) -> tuple[list[str], list[str], list[int]]:
    """Names, units and numbers of the channels that may be ECG, from the description (XDF)."""
    names, units, types = [], [], []
    channel = info.desc().child("channels").child("channel")
    while not channel.empty():
        names.append(channel.child_value("label").strip())
        told = channel.child_value("unit").strip()
        units.append(_UNITS.get(told.lower(), told))
        types.append(channel.child_value("type").strip().lower())
        channel = channel.next_sibling("channel")
    count = info.channel_count()
    if len(names) != count or not all(names):
        if len(leads) != count:
            raise MonitorError(
                f"{title} does not name its {count} channel(s): name them in order, for instance "
                "--leads II,V5",
                USAGE,
            )
        names = list(leads)
        units = units if len(units) == count else [""] * count
        types = types if len(types) == count else [""] * count
    kind = info.type().lower()
    ecg = [i for i in range(count) if (types[i] or kind) in _ECG_TYPES]
    if not ecg and not leads:
        raise MonitorError(
            f"{title} is of type {info.type() or 'unknown'}: to take it as ECG, name its leads "
            f"of {', '.join(names)} with --leads",
            USAGE,
        )
    use = list(range(count)) if leads else ecg
    return [names[i] for i in use], [units[i] for i in use], use


def _quiet() -> None:
    """Hide the log of liblsl, unless the user has configured it."""
    own = [
        Path("lsl_api.cfg"),
        Path.home() / "lsl_api/lsl_api.cfg",
        Path("/etc/lsl_api/lsl_api.cfg"),
    ]
    if not os.environ.get("LSLAPICFG") and not any(path.exists() for path in own):
        pylsl.set_config_content("[log]\nlevel = -3\n")
