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
from monitor.messages import FloatArray, Samples, StreamInfo
from monitor.sources import LOOK_UP_S, Say, pieces, stream_name
from monitor.sources.sample_clock import Counts, SampleClock, Times
from monitor.sources.units import millivolts_in

UNIT = "uV"  # of BrainFlow's EXG rows, for all its boards
BUFFER_S = 60.0
COUNTED_TO = 256  # what counters of one byte count to
LEARNED_FROM = 100  # differences that show whether the counter counts samples
LATE_S = 0.1  # a sample that follows a loss may be stamped so much too early
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
    say
        Takes remarks for the operator.

    Raises
    ------
    MonitorError
        If the board or a parameter is not known, or the board cannot be reached.
    """

    def __init__(
        self,
        text: str,
        leads: Sequence[str] = (),
        unit: str | None = None,
        chunk_s: float = 0.1,
        stream: str | None = None,
        say: Say = lambda text: None,
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
        self._say = say
        self._chunk_s = chunk_s
        self._info = StreamInfo(
            stream or stream_name(name),
            float(facts["sampling_rate"]),
            names,
            0,
            f"BrainFlow {facts['name']}",
        )
        self._clock = SampleClock(self._info.stream, self._info.rate_hz)
        self._counter = SampleCounter(self._info.rate_hz)
        self._stamps, self._count = facts["timestamp_channel"], facts["package_num_channel"]
        self._left = _length(parameters.file) if board == BoardIds.PLAYBACK_FILE_BOARD else None
        self._board = BoardShim(board, parameters)
        self._start()

    @property
    def info(self) -> StreamInfo:
        """The stream."""
        return self._info

    def chunks(self) -> Iterator[Samples]:
        """Give the samples as they come: to the end of a file that is played back, else for ever.

        Raises
        ------
        MonitorError
            If the board fails.
        """
        longest = max(1, round(self._chunk_s * self._info.rate_hz))
        end, given_at = 0, time.monotonic()
        try:
            while self._left is None or self._left > 0:
                time.sleep(self._chunk_s)
                runs = self._read()
                for start, values in runs:
                    yield from pieces(self._info, start, values, longest)
                    end = start + len(values)
                now = time.monotonic()
                if runs:
                    given_at = now
                elif now - given_at >= LOOK_UP_S:
                    given_at = now
                    nothing = np.empty((0, len(self._rows)), np.float32)
                    yield Samples(self._info.stream, end, nothing)
            for start, values in self._clock.flush():
                yield from pieces(self._info, start, values, longest)
        finally:
            self._board.release_session()

    def _start(self) -> None:
        try:
            self._board.prepare_session()
        except BrainFlowError as error:
            raise MonitorError(f"{self._info.source} cannot be reached ({error})") from error
        try:
            self._board.start_stream(round(BUFFER_S * self._info.rate_hz))
        except BrainFlowError as error:
            self._board.release_session()
            raise MonitorError(f"{self._info.source} gives no samples ({error})") from error

    def _read(self) -> list[tuple[int, FloatArray]]:
        try:
            data = self._board.get_board_data()
        except BrainFlowError as error:
            raise MonitorError(f"{self._info.source} failed ({error})") from error
        if not data.shape[1]:
            return []
        if self._left is not None:
            self._left -= data.shape[1]
        values = (data[[row for _, row in self._rows]].T * self._scale).astype(np.float32)
        stamps = data[self._stamps]
        runs = self._clock.push(stamps, values, self._counter.lost(stamps, data[self._count]))
        for note in self._clock.notes():
            self._say(f"stream {self._info.stream}: {note}")
        return runs


class SampleCounter:
    """What a board's counter tells of samples lost on the way.

    Most boards count samples in one byte. Others count otherwise, or not at all: the counter is
    believed if it goes up by one in most of the samples, and if the stamps leave room for the loss.
    """

    def __init__(self, rate_hz: float) -> None:
        self._rate_hz = rate_hz
        self._last: tuple[float, float] | None = None
        self._steps: list[float] = []
        self._counts = False

    def lost(self, times_s: Times, counter: NDArray[np.float64]) -> Counts:
        """Give the number of samples lost before each of these."""
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
    """Count the samples in a file to be played back: one a line."""
    try:
        with Path(file).open("rb") as lines:
            return sum(1 for _ in lines)
    except OSError as error:
        raise MonitorError(
            f"cannot read {file or 'the file to play back (file=...)'}: {error.strerror}", USAGE
        ) from error
