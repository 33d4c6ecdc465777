"""The targets of :mod:`tools.fuzz`, and examples of the bytes that each accepts.

Every target reads bytes as they could come from outside: they are accepted or refused with the
one error type; anything else raises out of the target.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from monitor.config import AlarmSettings, Settings
from monitor.errors import MonitorError
from monitor.journal.entries import draft_of
from monitor.messages import (
    Alert,
    AlertKind,
    AlertState,
    End,
    Event,
    Message,
    Priority,
    Samples,
    StreamInfo,
)
from monitor.recording.header import SegmentHeader, parse_header
from monitor.recording.scale import Scale
from monitor.recording.span_query import read_answer
from monitor.service.hub import Hub
from monitor.sinks.annotation_format import END, beginning, whole_part
from monitor.sinks.annotation_format import encode as encode_rows
from monitor.stages.steps import Steps
from monitor.strict_toml import build
from monitor.wire import access
from monitor.wire.fields import ProtocolError
from monitor.wire.frames import decode, encode
from monitor.wire.jsonform import dumps, from_dict, loads, to_dict
from monitor.wire.protocol import Body, body_from_dict
from tools.fuzz.mutations import FRAMES_APART

INFO = StreamInfo("bed-7", 250.0, ("II", "V1"), 0, "fuzz")
VT = (AlertKind.VT, Priority.HIGH, AlertState.RAISED, 10, 20, "VT 150 > 100", 150.0, 100.0)
BODIES: tuple[Message, ...] = (
    INFO,
    Samples("bed-7", 0, np.zeros((8, 2), np.float32), 17),
    Samples("bed-7", 100, np.full((3, 2), np.nan, np.float32)),
    Alert("bed-7", 0, 0, *VT, (10, 15, 20)),
    End("bed-7", 103),
)


class NoAnalysis:
    """An analysis that gives no events, so that the service alone is tested."""

    def __init__(self) -> None:
        self.limits = AlarmSettings()
        self.judges = True

    # ruff: noqa: D102 (the methods of monitor.service.analysis.Analysis)
    def steps(self, samples: Samples) -> Steps[list[Event]]:
        return []
        yield

    def flush(self) -> list[Event]:
        return []

    def acknowledge(self, alert_id: int | None) -> list[Event]:
        return []

    def set_limits(self, limits: AlarmSettings) -> list[Event]:
        self.limits = limits
        return []


def _no_analysis(info: StreamInfo) -> NoAnalysis:
    return NoAnalysis()


def wire(data: bytes) -> None:
    """Take messages from a sender: by the decoder, then by the service, which never raises."""
    said: list[str] = []
    hub = Hub(_no_analysis, "service", said.append, max_streams=4)
    messages = [part.split(FRAMES_APART) for part in data.split(FRAMES_APART * 2)]
    for frames in messages:
        try:
            packet = decode(frames)
        except ProtocolError as error:
            _one_line(error)
        else:
            if packet is not None:  # what was accepted can be sent on
                encode(packet.body, packet.publisher, packet.sequence, packet.sent_ns)
    for body in [*hub.receive_all([(frames, "") for frames in messages], 1.0, 10**18)]:
        encode(body, "service", 0, 0)
    for body in [*hub.tick(10.0, 9.0), *hub.greeting(), *hub.flush()]:
        encode(body, "service", 0, 0)
    assert all("\n" not in line for line in said)


def control(data: bytes) -> None:
    """Send requests to the control socket: always answered, always in JSON."""
    hub = Hub(_no_analysis, "service", lambda line: None)
    for number, body in enumerate(BODIES[:3]):
        hub.receive(encode(body, "source", number, 0), 1.0, 0)
    for request in data.split(FRAMES_APART):
        for permits in (lambda right: True, lambda right: False):
            reply, _ = hub.request(request, permits)
            assert isinstance(loads(reply)["ok"], bool)


def lines(data: bytes) -> None:
    """Read event lines, as files and other programs have them."""
    try:
        message = from_dict(loads(data))
    except ProtocolError as error:
        _one_line(error)
    else:
        assert repr(from_dict(loads(dumps(to_dict(message)).encode()))) == repr(message)


def journal(data: bytes) -> None:
    """Read rows of the journal, and the events in the answer to a ``history`` request."""
    try:
        body = body_from_dict(loads(data))
    except ProtocolError as error:
        _one_line(error)
    else:
        draft_of(body)


def signal(data: bytes) -> None:
    """Read answers to a ``signal`` request, as a client does."""
    try:
        read_answer(loads(data))
    except ProtocolError as error:
        _one_line(error)


def allow_list(data: bytes) -> None:
    """Read the file that says who is let in."""
    text = data.decode("utf-8", "replace")
    try:
        allowed = access.parse(text)
    except MonitorError as error:
        _one_line(error)
    else:
        assert access.parse(access.dumps(allowed)) == allowed


def settings(data: bytes) -> None:
    """Read settings that are TOML."""
    try:
        table = tomllib.loads(data.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return
    try:
        build(Settings, table, "")
    except MonitorError as error:
        _one_line(error)


def recording(data: bytes) -> None:
    """Read what a crash left of a recording: its header, its annotations."""
    whole = whole_part(data)
    assert whole_part(whole) == whole
    try:
        parse_header(data.decode("utf-8", "replace"))
    except MonitorError as error:
        _one_line(error)


class Target(NamedTuple):
    """A function that takes bytes, and examples of what it accepts."""

    take: Callable[[bytes], None]
    seeds: list[bytes]


def _message(body: Body) -> bytes:
    return FRAMES_APART.join(encode(body, "source", 0, 10**18))


_CLIENTS = access.AllowList(
    (
        access.Client("bed-7", "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7", ("send",)),
        access.Client("desk", "0" * 40, ("subscribe", "control")),
    )
)
_REQUESTS = [
    b'{"schema": 1, "command": "acknowledge", "stream": "bed-7", "alert_id": null}',
    b'{"schema": 1, "command": "limits", "stream": "bed-7", "set": {"hr_high_bpm": 130}}',
    b'{"schema": 1, "command": "limits", "stream": "bed-7", "set": {"off": ["vt"]}}',
    b'{"schema": 1, "command": "state"}',
    b'{"schema": 1, "command": "history", "after": 3, "limit": 9, "kinds": ["alert"]}',
    b'{"schema":1,"command":"signal","stream":"bed-7","start_sample":0,"end_sample":9}',
    b'{"schema": 1, "command": "snippet", "stream": "bed-7", "alert_id": 3}',
]
_SIGNAL = (
    b'{"ok":true,"stream":"bed-7","start_sample":0,"shape":[1,2],"rate_hz":250.0,'
    b'"leads":["II","V1"],"source":"","wall_ns":1,"values":"AAAAAAAAAAA="}'
)
_SETTINGS = b'[alarms]\nhr_high_bpm = 130\noff = ["vt"]\n[detect]\ndetector = "default"\n'
_HEADER = SegmentHeader("a", INFO, 5, 10**18, 99, (Scale(1000.0, 0),) * 2, (1, 2), (3, -4), (0, 7))
_ANNOTATIONS = (
    beginning(360.0) + encode_rows([(90, "N", 0, 0, ""), (9000, "+", 1, 1, "(AFIB")]) + END
)

TARGETS = {
    "wire": Target(
        wire,
        [*map(_message, BODIES), (FRAMES_APART * 2).join(map(_message, BODIES))],
    ),
    "control": Target(control, _REQUESTS),
    "lines": Target(lines, [dumps(to_dict(body)).encode() for body in BODIES]),
    "journal": Target(
        journal, [dumps({**to_dict(b), "journal": 1}).encode() for b in (INFO, BODIES[3])]
    ),
    "signal": Target(signal, [_SIGNAL]),
    "allow-list": Target(allow_list, [access.dumps(_CLIENTS).encode(), b"clients = []"]),
    "settings": Target(settings, [_SETTINGS]),
    "recording": Target(recording, [_HEADER.text().encode(), _ANNOTATIONS]),
}


def _one_line(error: MonitorError) -> None:
    assert "\n" not in str(error), "an error is one line"
