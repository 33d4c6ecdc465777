"""Merge live messages with pages of the journal: each once, in order, none missing. Pure.

A subscriber that comes late, reconnects or has lost messages subscribes first, then asks for the
missing ones; the two overlap. A journalled message has a number that only grows, and the number of
the message before it in its stream. So a hole shows as soon as the next message comes, and no
message is given twice. Messages after a hole wait until it is filled.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from monitor.wire.protocol import Mark

T = TypeVar("T")

MAX_GIVEN = 500  # numbers remembered before the journal is asked for missing ones
MAX_REMEMBERED = 20_000  # the same while the journal does not answer


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """An answer of the journal.

    ``events`` are (number, stream, item) in order of their numbers, complete up to ``through``.
    ``last`` is the highest number of the journal, ``journal`` its identity.
    """

    journal: str
    last: int
    through: int
    events: tuple[tuple[int, str, T], ...] = ()


class Merger(Generic[T]):
    """Merges one subscription with one journal.

    Parameters
    ----------
    since
        Give all messages after this number; None begins with the next one.

    Attributes
    ----------
    after
        Ask the journal for messages after this number; None: ask for its last number only.

    Examples
    --------
    >>> merger = Merger(since=0)
    >>> merger.live("a", Mark(5, 3), "five")  # 3 is not known: held
    []
    >>> merger.wanted, merger.after
    (True, 0)
    >>> merger.page(Page("j", last=5, through=4, events=((1, "a", "one"), (3, "a", "three"))))
    ['one', 'three', 'five']
    >>> merger.live("a", Mark(5, 3), "five"), merger.live("a", Mark(7, 5), "seven")
    ([], ['seven'])
    """

    def __init__(self, since: int | None) -> None:
        self.after = since
        self._given: set[int] = set()  # of the numbers beyond ``after``
        self._held: dict[str, dict[int, tuple[Mark, T]]] = {}
        self._told: dict[str, int] = {}
        self._journal = ""
        self._catching_up = True
        self._patient = since is not None
        self._unsure = False

    @property
    def wanted(self) -> bool:
        """The journal must be asked for messages after :attr:`after`."""
        missing = any(not self._known(number) for number in self._told.values())
        return self._catching_up or self.waiting or missing or len(self._given) > MAX_GIVEN

    @property
    def waiting(self) -> bool:
        """Messages are held back until the journal answers."""
        return bool(self._held)

    def live(self, stream: str, mark: Mark, item: T) -> list[T]:
        """Take a published message; give the messages whose turn it is."""
        if not self._unsure and self._known(mark.number):
            return []
        held = self._held.setdefault(stream, {})
        held[mark.number] = (mark, item)
        return self._released(stream)

    def told(self, stream: str, number: int) -> None:
        """Take note that the last journalled message of a stream has this number."""
        if self._patient:
            self._told[stream] = number

    def restarted(self) -> None:
        """Take note that the service was restarted: its numbers may be those of another journal."""
        self._catching_up = True
        self._unsure = self._patient

    def page(self, page: Page[T]) -> list[T]:
        """Take an answer; give the messages whose turn it is."""
        known, self._journal = self._journal, page.journal
        if known not in ("", page.journal) or page.last < (self.after or 0):
            # another journal: all its messages are new
            self.after, self._given, self._told = 0, set(), {}
            self._catching_up = self._patient = self._unsure = True
            return []
        self._patient, self._unsure = True, False
        for held in self._held.values():  # came while the journal was not certain
            for number in [number for number in held if self._known(number)]:
                del held[number]
        out: list[T] = []
        for number, stream, item in page.events:
            self._held.get(stream, {}).pop(number, None)
            if not self._known(number):
                self._given.add(number)
                out.append(item)
        self.after = max(self.after or 0, page.through)
        self._given = {number for number in self._given if number > self.after}
        self._catching_up = page.through < page.last
        for stream in list(self._held):
            out += self._released(stream)
        self._told = {s: number for s, number in self._told.items() if not self._known(number)}
        return out

    def give_up(self) -> list[T]:
        """Stop waiting for the journal: give the held messages; missing ones come late."""
        self._patient, self._unsure, self._catching_up = False, False, True
        return [item for stream in list(self._held) for item in self._released(stream)]

    def _known(self, number: int) -> bool:
        return number in self._given or (self.after is not None and number <= self.after)

    def _released(self, stream: str) -> list[T]:
        """Give the held messages of a stream up to the first hole."""
        held, out = self._held[stream], []
        for number in sorted(held):
            mark, item = held[number]
            in_order = mark.before == 0 or self._known(mark.before) or self._known(number)
            if self._unsure or (self._patient and not in_order):
                break
            del held[number]
            self._given.add(number)
            out.append(item)
        if not held:
            del self._held[stream]
        while len(self._given) > MAX_REMEMBERED:
            self._given.remove(min(self._given))
        return out
