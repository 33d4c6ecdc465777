"""Requests on the control socket: which worker answers, and how answers are put together. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from monitor.errors import MonitorError
from monitor.journal.history_query import QueriedJournal, history_answer, snippet_answer
from monitor.service.requests import MAX_STATES_BYTES, check_right
from monitor.wire.jsonform import dumps, loads
from monitor.wire.protocol import SCHEMA

BEING_REPLACED = "the worker of this stream is being replaced; ask again in a moment"


@dataclass(slots=True, eq=False)
class Asked:
    """A request that workers are answering."""

    asker: list[bytes]
    asked_s: float
    waits_for: set[int]
    states: bool = False
    parts: list[bytes] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Route:
    """Where a request goes: an ``answer`` at once, the worker of a ``stream``, or all of them."""

    answer: bytes | None = None
    stream: str | None = None
    all: bool = False


def route(
    text: bytes,
    permits: Callable[[str], bool],
    publisher: str,
    journal: QueriedJournal | None,
) -> Route:
    """Tell who answers a request; what the journal knows is answered here."""
    try:
        request = loads(text)
        check_right(request, permits)
        command, stream = request.get("command"), request.get("stream")
        reply: dict[str, Any]
        if command == "history":
            reply = {"publisher": publisher, **history_answer(request, journal)}
        elif command == "snippet":
            reply = snippet_answer(request, journal)
        elif command == "state":
            return Route(all=True)
        else:
            return Route(stream=stream if isinstance(stream, str) else "")
        return Route(dumps({"schema": SCHEMA, **reply}).encode())
    except MonitorError as error:
        return Route(refusal(str(error)))


def refusal(reason: str) -> bytes:
    """Give the answer to a request that is refused."""
    return dumps({"schema": SCHEMA, "ok": False, "error": reason}).encode("utf-8", "replace")


def joined_states(parts: list[bytes], journal: QueriedJournal | None) -> bytes:
    """Put the states that workers gave into one answer, in order of their names.

    It ends with the last name up to which every worker has given all.
    """
    replies = [loads(part) for part in parts]
    for reply, part in zip(replies, parts, strict=True):
        if not reply.get("ok"):
            return part
    states = sorted((s for r in replies for s in r["streams"]), key=lambda s: str(s["stream"]))
    ends = [r["streams"][-1]["stream"] for r in replies if not r["whole"] and r["streams"]]
    found: list[dict[str, Any]] = []
    size = 0
    for state in states:
        if ends and state["stream"] > min(ends):
            break
        if journal is not None:
            state["journal_last"] = journal.last_of(state["stream"])
        size += len(dumps(state))
        if found and size > MAX_STATES_BYTES:
            break
        found.append(state)
    whole = len(found) == len(states) and not ends
    head = {key: value for key, value in replies[0].items() if key not in ("streams", "whole")}
    return dumps({**head, "streams": found, "whole": whole}).encode()
