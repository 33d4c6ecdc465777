"""Who may do what on the central station: sessions, tokens and their file."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from monitor.errors import MonitorError
from monitor.log_lines import Level, LogLine
from monitor.text_file import FileChanges
from monitor.web.sessions import Session, Sessions
from monitor.web.tokens import RIGHTS, TokenList, digest_of, load

LOOK_AGAIN_S = 1.0


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks: the name, the rights, and the secret that requests repeat."""

    name: str
    rights: frozenset[str]
    csrf: str


class WebAccess:
    """Knows the visitors.

    Without a file of tokens everybody who reaches the station has all rights: it then listens on
    this machine only.

    Parameters
    ----------
    path
        File of the tokens; None for no login.
    log
        Takes a line when the file changes.
    clock
        Seconds that never go back.

    Raises
    ------
    MonitorError
        If the file is missing or wrong.
    """

    def __init__(
        self,
        path: Path | None,
        log: Callable[[str], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = path
        self._log = log
        self._clock = clock
        self._changes = None if path is None else FileChanges(path)
        self._tokens = TokenList() if path is None else load(path)
        self._looked_s = clock()
        self._sessions = Sessions(lambda: secrets.token_urlsafe(32))
        everybody = frozenset(right.value for right in RIGHTS)
        self._anybody = Visitor("", everybody, secrets.token_urlsafe(32))

    @property
    def login(self) -> bool:
        """A login is needed."""
        return self._path is not None

    def visitor(self, cookie: str) -> Visitor | None:
        """Give who has this cookie; None if a login is needed first."""
        if not self.login:
            return self._anybody
        self._reload()
        session = self._sessions.find(cookie, self._clock())
        return None if session is None else self._visitor(session)

    def enter(self, token: str) -> tuple[str, Visitor] | None:
        """Log in; give the cookie of the new session, None if there is no such token."""
        self._reload()
        now_s = self._clock()
        if not self._sessions.may_try(now_s):
            raise MonitorError("too many logins have failed: wait some seconds")
        person = self._tokens.of_token(token)
        if person is None:
            self._sessions.failed(now_s)
            self._log(LogLine("a login with an unknown token was refused", Level.WARNING))
            return None
        cookie, session = self._sessions.open(person.name, digest_of(token), now_s)
        visitor = self._visitor(session)
        return None if visitor is None else (cookie, visitor)

    def leave(self, cookie: str) -> None:
        """Log out."""
        self._sessions.close(cookie)

    def _visitor(self, session: Session) -> Visitor | None:
        rights = self._tokens.rights_of(session.person, session.digest)
        return Visitor(session.person, rights, session.csrf) if rights else None

    def _reload(self) -> None:
        """Read the file again if it has changed; one that is wrong changes nothing."""
        now_s = self._clock()
        if self._path is None or self._changes is None or now_s - self._looked_s < LOOK_AGAIN_S:
            return
        self._looked_s = now_s
        if not self._changes.since():
            return
        try:
            self._tokens = load(self._path)
        except MonitorError as error:
            self._log(LogLine(f"{error}; the list read before stays in force", Level.WARNING))
            return
        self._log(f"tokens read: {len(self._tokens.people)} person(s)")
