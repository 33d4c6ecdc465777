"""Sessions of browsers: who has logged in, until when. Pure.

A session has a secret name, which its browser keeps as a cookie, and a second secret that every
request which changes something repeats in a header (against forged requests of other sites).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

MAX_SESSIONS = 1000
LASTS_S = 12 * 3600.0
MAX_FAILURES = 10  # logins that fail in FAILURES_S; then none is tried
FAILURES_S = 10.0


@dataclass(frozen=True, slots=True)
class Session:
    """One browser that has logged in: the person, the digest of the token, the second secret."""

    person: str
    digest: str
    csrf: str
    until_s: float


class Sessions:
    """Holds the sessions.

    Parameters
    ----------
    secret
        Gives a new secret.
    """

    def __init__(self, secret: Callable[[], str]) -> None:
        self._secret = secret
        self._sessions: dict[str, Session] = {}
        self._failures_s: list[float] = []

    def open(self, person: str, digest: str, now_s: float) -> tuple[str, Session]:
        """Begin a session; give its secret name with it. The oldest gives way to the newest."""
        if len(self._sessions) >= MAX_SESSIONS:
            del self._sessions[next(iter(self._sessions))]
        name = self._secret()
        session = Session(person, digest, self._secret(), now_s + LASTS_S)
        self._sessions[name] = session
        return name, session

    def find(self, name: str, now_s: float) -> Session | None:
        """Give the session with this secret name, if it still holds."""
        session = self._sessions.get(name)
        if session is not None and now_s >= session.until_s:
            self.close(name)
            return None
        return session

    def close(self, name: str) -> None:
        """End a session."""
        self._sessions.pop(name, None)

    def may_try(self, now_s: float) -> bool:
        """Tell whether a login may be tried: many that fail must wait."""
        self._failures_s = [s for s in self._failures_s if now_s - s < FAILURES_S]
        return len(self._failures_s) < MAX_FAILURES

    def failed(self, now_s: float) -> None:
        """Note a login that failed."""
        self._failures_s.append(now_s)
