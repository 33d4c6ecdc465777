"""Requests on the control socket of the service, and their answers. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from monitor.config import AlarmSettings
from monitor.errors import MonitorError
from monitor.journal.history_query import QueriedJournal, history_answer, snippet_answer
from monitor.messages import Alert
from monitor.recording.span_query import SignalMemory, signal_answer
from monitor.service.known import StreamLog
from monitor.service.stream import MonitoredStream
from monitor.strict_toml import build
from monitor.wire.fields import fields_to_dict
from monitor.wire.jsonform import MAX_JSON_BYTES, dumps, loads
from monitor.wire.protocol import SCHEMA, Body, ProtocolError, StreamState

MAX_STATES_BYTES = MAX_JSON_BYTES // 2  # of one answer
READING = ("state", "history", "signal", "snippet")  # commands that change nothing


class Requests:
    """Answers about the streams of a hub, and changes them.

    Parameters
    ----------
    publisher
        Id of the service, named in answers.
    streams
        By name; the hub's own.
    log
        Of the streams.
    forget
        Takes the name of a stream and why it is let go; gives the messages of that.
    journal
        Where events are kept; None if nowhere.
    signals
        Knows the signal of the streams.
    """

    def __init__(
        self,
        publisher: str,
        streams: Mapping[str, MonitoredStream],
        log: StreamLog,
        forget: Callable[[str, str], list[Body]],
        journal: QueriedJournal | None = None,
        signals: SignalMemory | None = None,
    ) -> None:
        self._publisher = publisher
        self._streams = streams
        self._log = log
        self._forget = forget
        self._journal = journal
        self._signals = signals

    def answer(self, text: bytes, permits: Callable[[str], bool]) -> tuple[bytes, list[Body]]:
        """Answer one request; give the reply and what it set off.

        ``permits`` tells whether the sender has a right.
        """
        out: list[Body] = []
        try:
            request = loads(text)
            command = request.get("command")
            check_right(request, permits)
            if command == "acknowledge":
                out = self._acknowledge(request)
                reply: dict[str, Any] = {"ok": True, "alerts": len(out)}
            elif command == "limits":
                out, limits = self._set_limits(request)
                reply = {"ok": True, "limits": limits}
            elif command == "discharge":
                out = self._discharged(request)
                cleared = sum(isinstance(body, Alert) for body in out)
                reply = {"ok": True, "alerts": cleared}
            elif command == "history":
                reply = {"publisher": self._publisher, **history_answer(request, self._journal)}
            elif command == "signal":
                reply = signal_answer(request, self._signals)
            elif command == "snippet":
                reply = snippet_answer(request, self._journal)
            elif command == "state":
                reply = {"publisher": self._publisher, **self._states(request)}
            else:
                raise ProtocolError(
                    "command must be acknowledge, limits, discharge, history, signal, snippet or "
                    "state"
                )
            return dumps({"schema": SCHEMA, **reply}).encode(), out
        except MonitorError as error:
            failure = {"schema": SCHEMA, "ok": False, "error": str(error)}
            return dumps(failure).encode("utf-8", "replace"), out

    def _states(self, request: dict[str, Any]) -> dict[str, Any]:
        """Give the states of streams by name, as many as fit one answer."""
        after, names = request.get("after", ""), request.get("streams") or [*self._streams]
        if not isinstance(after, str) or not isinstance(names, list):
            raise ProtocolError("after must be the name of a stream, streams a list of names")
        found: list[dict[str, Any]] = []
        size = 0
        wanted = sorted(n for n in {*map(str, names)} & self._streams.keys() if n > after)
        for name in wanted:
            state = fields_to_dict(self._placed(self._streams[name].state()))
            size += len(dumps(state))
            if found and size > MAX_STATES_BYTES:
                break
            found.append(state)
        return {"ok": True, "streams": found, "whole": len(found) == len(wanted)}

    def _placed(self, state: StreamState) -> StreamState:
        """Say how far the journal of a stream goes."""
        if self._journal is None:
            return state
        return replace(state, journal_last=self._journal.last_of(state.stream))

    def _named(self, request: dict[str, Any]) -> MonitoredStream:
        name = request.get("stream")
        if not isinstance(name, str):
            raise ProtocolError("stream must be the name of a stream")
        stream = self._streams.get(name)
        if stream is None:
            raise ProtocolError(f"there is no stream {name!a:.80}")
        return stream

    def _set_limits(self, request: dict[str, Any]) -> tuple[list[Body], dict[str, Any]]:
        """Change alarm limits of one stream, all or none; give those then in force."""
        stream = self._named(request)
        changes = request.get("set", {})
        before = stream.limits
        if before is None:
            raise ProtocolError(f"stream {stream.info.stream} has sent no samples yet")
        if not isinstance(changes, dict):
            raise ProtocolError("set must be an object of limits by name")
        try:
            table = {**dataclasses.asdict(before), "off": list(before.off), **changes}
            after = build(AlarmSettings, table, "")
        except MonitorError as error:
            raise ProtocolError(str(error)) from error
        out: list[Body] = []
        if after != before:
            was = stream.status
            out = stream.set_limits(after)
            self._log.report(stream, was)
            for name, value in dataclasses.asdict(after).items():
                if value != getattr(before, name):
                    change = f"{_shown(getattr(before, name))} -> {_shown(value)}"
                    self._log.line(stream.info.stream, f"limit {name} {change}")
        return out, {**dataclasses.asdict(after), "off": list(after.off)}

    def _acknowledge(self, request: dict[str, Any]) -> list[Body]:
        stream, alert_id = self._named(request), request.get("alert_id", "")
        name = stream.info.stream
        if alert_id is not None and (not isinstance(alert_id, int) or isinstance(alert_id, bool)):
            raise ProtocolError("alert_id must be the number of an alert, or null for all")
        was = stream.status
        out = stream.acknowledge(alert_id)
        self._log.report(stream, was)
        if not out and alert_id is not None:
            raise ProtocolError(f"stream {name} has no active alert {alert_id!r:.20}")
        return out

    def _discharged(self, request: dict[str, Any]) -> list[Body]:
        """Let a stream go that is not being sent, with all its alarms."""
        stream = self._named(request)
        name = stream.info.stream
        if stream.watched or (stream.turned_away and not stream.silent):
            raise ProtocolError(
                f"stream {name} is being sent: end its sender first, or its patient comes back at "
                "once"
            )
        self._log.line(name, "discharged")
        return self._forget(name, "discharged")


def check_right(request: Mapping[str, Any], permits: Callable[[str], bool]) -> None:
    """Check that a request is of our schema, and that its sender may ask it.

    What is not named in :data:`READING` needs ``control``, and a discharge the right of that name.

    Raises
    ------
    ProtocolError
        If it is not, or may not.
    """
    if request.get("schema") != SCHEMA:
        raise ProtocolError(f"schema must be {SCHEMA}")
    command = request.get("command")
    reads = command in READING or (command == "limits" and not request.get("set"))
    right = "discharge" if command == "discharge" else "control"
    if not reads and not permits(right):
        raise ProtocolError(f"your key lacks the right '{right}' (`ecg-monitor keys allow`)")


def _shown(limit: object) -> str:
    return (", ".join(limit) or "none") if isinstance(limit, tuple) else str(limit)
