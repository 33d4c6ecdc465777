"""The keys of the dashboard: bytes from the terminal to actions."""

from __future__ import annotations

from enum import Enum


class Action(Enum):
    """The action of a key."""

    QUIT = "quit"
    PAUSE = "pause display"
    ACKNOWLEDGE = "acknowledge alarms"
    GAIN_UP = "larger trace"
    GAIN_DOWN = "smaller trace"
    GAIN_AUTO = "automatic gain"
    SLOWER = "more seconds"
    FASTER = "fewer seconds"
    NEXT_STREAM = "next stream"
    NEXT_LEAD = "next lead"
    SWEEP = "sweep or scroll"
    UP = "up"
    DOWN = "down"
    LEFT = "left"
    RIGHT = "right"
    PAGE_UP = "page up"
    PAGE_DOWN = "page down"
    FIRST = "first page"
    OPEN = "open"
    BACK = "back"
    WARD = "ward"
    EVENTS = "events"
    SPAN = "span of the trends"
    BELL = "pause the bell, or not"
    HELP = "this help"


_KEYS = {
    b"q": Action.QUIT,
    b"Q": Action.QUIT,
    b" ": Action.PAUSE,
    b"a": Action.ACKNOWLEDGE,
    b"+": Action.GAIN_UP,
    b"=": Action.GAIN_UP,
    b"-": Action.GAIN_DOWN,
    b"0": Action.GAIN_AUTO,
    b"[": Action.SLOWER,
    b"<": Action.SLOWER,
    b",": Action.SLOWER,
    b"]": Action.FASTER,
    b">": Action.FASTER,
    b".": Action.FASTER,
    b"n": Action.NEXT_STREAM,
    b"\t": Action.NEXT_STREAM,
    b"l": Action.NEXT_LEAD,
    b"m": Action.SWEEP,
    b"s": Action.BELL,
    b"?": Action.HELP,
    b"h": Action.HELP,
    b"w": Action.WARD,
    b"e": Action.EVENTS,
    b"t": Action.SPAN,
    b"\r": Action.OPEN,
    b"\n": Action.OPEN,
    b"\x1b": Action.BACK,
    b"\x7f": Action.BACK,
    b"\x08": Action.BACK,
    **{
        b"\x1b" + introducer + final: action
        for introducer in (b"[", b"O")
        for final, action in (
            (b"A", Action.UP),
            (b"B", Action.DOWN),
            (b"C", Action.RIGHT),
            (b"D", Action.LEFT),
            (b"H", Action.FIRST),
        )
    },
    b"\x1b[1~": Action.FIRST,
    b"\x1b[7~": Action.FIRST,
    b"\x1b[5~": Action.PAGE_UP,
    b"\x1b[6~": Action.PAGE_DOWN,
}

HELP = (
    ("q", "quit"),
    ("w", "the ward: all streams, the worst first"),
    ("e", "events of a stream, of all streams"),
    ("↑ ↓ ← →", "choose a tile or event; in a strip: to and fro"),
    ("enter", "open the stream that is chosen"),
    ("esc", "back"),
    ("pgup pgdn home", "other pages, the first page"),
    ("space", "pause the picture; analysis goes on"),
    ("a", "acknowledge the alarms of the chosen stream"),
    ("+ -", "larger or smaller trace"),
    ("0", "automatic gain"),
    ("[ ]", "more or fewer seconds"),
    ("n tab", "next stream"),
    ("l", "next lead on top"),
    ("m", "sweep or scroll"),
    ("t", "trends of all, of 10 minutes, 1, 4 or 12 hours"),
    ("s", "pause the bell for two minutes, or end the pause"),
    ("?", "this help"),
)


def actions(typed: bytes) -> list[Action]:
    r"""Give the actions of typed bytes; unknown keys and sequences are ignored.

    Examples
    --------
    >>> actions(b"q\x1b[Cz")
    [<Action.QUIT: 'quit'>, <Action.RIGHT: 'right'>]
    """
    found = []
    position = 0
    while position < len(typed):
        length = _sequence_length(typed, position)
        action = _KEYS.get(typed[position : position + length])
        if action is not None:
            found.append(action)
        position += length
    return found


def _sequence_length(typed: bytes, start: int) -> int:
    """Give the length of one key: an escape sequence (ECMA-48 CSI, SS3) or one byte."""
    if typed[start : start + 1] != b"\x1b" or start + 1 == len(typed):
        return 1
    introducer = typed[start + 1 : start + 2]
    if introducer == b"O":
        return min(3, len(typed) - start)
    if introducer != b"[":
        return 2
    end = start + 2
    while end < len(typed) and not 0x40 <= typed[end] <= 0x7E:
        end += 1
    return min(end + 1, len(typed)) - start
