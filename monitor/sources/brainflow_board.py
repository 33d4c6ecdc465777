"""An acquisition board as a source, by BrainFlow: its real, synthetic and playback boards.

BrainFlow gives ECG in microvolts and stamps samples as they arrive. Stamps place the samples; where
the board counts its samples, the counter tells exactly how many were lost on the way.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import numpy as np
from brainflow.board_shim import BoardIds, BoardShim, BrainFlowError, BrainFlowInputParams
from numpy.typing import NDArray

from monitor.errors import USAGE, MonitorError
from monitor.messages import Samples, StreamInfo
from monitor.sources import Log, stream_name
from monitor.sources.live import as_they_come
from monitor.sources.sample_clock import Counts, Run, SampleClock, Times
from monitor.sources.units import millivolts_in

UNIT = "uV"  # BrainFlow gives EXG rows in this unit for all boards
BUFFER_S = 60.0
COUNTED_TO = 256  # counters of one byte
LEARNED_FROM = 100  # differences that show whether the counter counts samples
LATE_S = 0.1  # a sample after a loss may be stamped this much too early
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it finds its libraries by pkg_resources before Python 3.12
    BoardShim.disable_board_logger()

_ALIASES = {"PLAYBACK": "PLAYBACK_FILE_BOARD"}


class BrainFlowBoard:
    """ECG channels of one board.

    Parameters
    ----------
    text
        Name of the board in BrainFlow, and its parameters: ``synthetic``,
        ``cyton?serial_port=/dev/ttyUSB0``, ``playback?file=run.csv&master_board=cyton``.
        ``channels=1,3`` takes other ECG channels of the board than the first.
    leads
        Names for those channels, in order; by default ``ECG1`` and so on.
    unit
        Unit of the channels, if it is not microvolts.
    chunk_s
        How often the board is read.
    stream
        Stream name; by default the board's.
    log
        Takes lines for the log.

    Raises
    ------
    MonitorError
        If the board or a parameter is not known, or the board cannot be reached.
    """

    samples: int | None = None  # a board has no known end

    def __init__(
        self,
        text: str,
        leads: Sequence[str] = (),
        unit: str | None = None,
        chunk_s: float = 0.1,
        stream: str | None = None,
        log: Log = lambda text: None,
    ) -> None:
        name, _, query = text.partition("?")
        wishes = dict(parse_qsl(query))
        channels = wishes.pop("channels", "")
        board = _board_id(name)
        parameters = _parameters(wishes)
        described = board if board != BoardIds.PLAYBACK_FILE_BOARD else parameters.master_board
        try:
            facts = BoardShim.get_board_descr(described)
        except BrainFlowError as error:
            raise MonitorError(
                f"brainflow:{name}: say its master_board ({error})", USAGE
            ) from error
        self._rows = _rows(name, facts, channels, leads)
        names = tuple(leads) or tuple(f"ECG{number}" for number, _ in self._rows)
        unit = unit or UNIT
        scale = millivolts_in(unit)
        if scale is None:
            raise MonitorError(f"unit {unit!r} is not a voltage: say mV, uV, V or nV", USAGE)
        self._scale = scale
        self._log = log
        self._chunk_s = chunk_s
        self.info = StreamInfo(
            stream or stream_name(name),
            float(facts["sampling_rate"]),
            names,
            0,
            f"BrainFlow {facts['name']}",
        )
        self._clock = SampleClock(self.info.stream, self.info.rate_hz)
        self._counter = SampleCounter(self.info.rate_hz)
        self._stamps, self._count = facts["timestamp_channel"], facts["package_num_channel"]
        self._left = _length(parameters.file) if board == BoardIds.PLAYBACK_FILE_BOARD else None
        self._board = BoardShim(board, parameters)
        self._start()

    def chunks(self) -> Iterator[Samples]:
        """Give the samples as they come, without end unless a file is played back.

        Raises
        ------
        MonitorError
            If the board fails.
        """
        try:
            yield from as_they_come(self.info, self._taken(), self._chunk_s)
        finally:
            self._board.release_session()

    def _taken(self) -> Iterator[list[Run]]:
        while self._left is None or self._left > 0:
            time.sleep(self._chunk_s)
            yield self._read()
        yield self._clock.flush()

    def _start(self) -> None:
        try:
            self._board.prepare_session()
        except BrainFlowError as error:
            raise MonitorError(f"{self.info.source} cannot be reached ({error})") from error
        try:
            self._board.start_stream(round(BUFFER_S * self.info.rate_hz))
        except BrainFlowError as error:
            self._board.release_session()
            raise MonitorError(f"{self.info.source} gives no samples ({error})") from error

    def _read(self) -> list[Run]:
        try:
            data = self._board.get_board_data()
        except BrainFlowError as error:
            raise MonitorError(f"{self.info.source} failed ({error})") from error
        if not data.shape[1]:
            return []
        if self._left is not None:
            self._left -= data.shape[1]
        values = (data[[row for _, row in self._rows]].T * self._scale).astype(np.float32)
        stamps = data[self._stamps]
        runs = self._clock.push(stamps, values, self._counter.lost(stamps, data[self._count]))
        for note in self._clock.notes():
            self._log(f"stream {self.info.stream}: {note}")
        return runs


class SampleCounter:
    """Finds lost samples by the counter of a board.

    Most boards count samples in one byte. Others count otherwise, or not at all: the counter is
    believed if it goes up by one in most of the samples, and if the stamps leave room for the loss.
    """

    def __init__(self, rate_hz: float) -> None:
        self._rate_hz = rate_hz
        self._last: tuple[float, float] | None = None
        self._steps: list[float] = []
        self._counts = False

    def lost(self, times_s: Times, counter: NDArray[np.float64]) -> Counts:
        """Give the number of lost samples before each sample."""
        if self._last is None:
            self._last = (float(times_s[0]), float(counter[0]) - 1)
        before_s = np.concatenate([[self._last[0]], times_s[:-1]])
        before = np.concatenate([[self._last[1]], counter[:-1]])
        self._last = (float(times_s[-1]), float(counter[-1]))
        step = np.mod(counter - before, COUNTED_TO)
        if len(self._steps) < LEARNED_FROM:
            self._steps += step.tolist()
            self._counts = float(np.median(self._steps)) == 1.0
        passed_s = times_s - before_s
        lost = np.where(step > 1, step - 1, 0)
        # a longer loss is more than one round of the counter
        rounds = np.round((passed_s * self._rate_hz - 1 - lost) / COUNTED_TO)
        lost += np.where(step > 1, np.maximum(rounds, 0) * COUNTED_TO, 0)
        believed = self._counts & (lost / self._rate_hz <= passed_s + LATE_S)
        return np.where(believed, lost, 0).astype(np.int64)


def _board_id(name: str) -> int:
    wanted = name.upper().replace("-", "_")
    wanted = _ALIASES.get(wanted, wanted)
    boards = {board.name: int(board.value) for board in BoardIds}
    for known in (wanted, f"{wanted}_BOARD"):
        if known in boards:
            return boards[known]
    close = [known.removesuffix("_BOARD").lower() for known in boards if wanted and wanted in known]
    listing = ", ".join(close or ["synthetic", "playback", "cyton", "ganglion", "..."])
    raise MonitorError(f"BrainFlow has no board {name!r}; it has {listing}", USAGE)


def _parameters(wishes: Mapping[str, str]) -> BrainFlowInputParams:
    parameters: Any = BrainFlowInputParams()
    known = vars(parameters)
    for key, text in wishes.items():
        if key not in known:
            raise MonitorError(
                f"a BrainFlow board has no parameter {key!r}; known: channels, {', '.join(known)}",
                USAGE,
            )
        value: Any = _board_id(text) if key == "master_board" else text
        if key != "master_board" and isinstance(known[key], int):
            if not text.isdigit():
                raise MonitorError(f"BrainFlow parameter {key}: {text!r} is no number", USAGE)
            value = int(text)
        setattr(parameters, key, value)
    return parameters


def _rows(
    name: str, facts: Mapping[str, Any], channels: str, leads: Sequence[str]
) -> list[tuple[int, int]]:
    """Give number (from 1) and row of the ECG channels to use."""
    ecg = facts.get("ecg_channels", [])
    if not ecg:
        raise MonitorError(f"BrainFlow board {name} has no ECG channel", USAGE)
    numbers = channels.split(",") if channels else [str(n) for n in range(1, len(leads or "1") + 1)]
    if leads and len(numbers) != len(leads):
        raise MonitorError(
            f"brainflow:{name}: {len(numbers)} channel(s), but {len(leads)} lead name(s)", USAGE
        )
    for number in numbers:
        if not number.isdigit() or not 1 <= int(number) <= len(ecg):
            raise MonitorError(
                f"BrainFlow board {name} has ECG channels 1 to {len(ecg)}, not {number!r}", USAGE
            )
    return [(int(number), ecg[int(number) - 1]) for number in numbers]


def _length(file: str) -> int:
    """Count the samples in a file for playback, one a line."""
    try:
        with Path(file).open("rb") as lines:
            return sum(1 for _ in lines)
    except OSError as error:
        raise MonitorError(
            f"cannot read {file or 'the file to play back (file=...)'}: {error.strerror}", USAGE
        ) from error
