"""Connections to the database: never without a limit of time, and errors without passwords."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeAlias

from monitor.errors import USAGE, MonitorError
from monitor.journal.storage import DiskFullError, StoreError

try:
    import psycopg
    from psycopg import conninfo
except ModuleNotFoundError as missing:
    raise MonitorError(
        "a journal in PostgreSQL needs the package psycopg: pip install 'ecg-monitor[postgres]'"
    ) from missing
except ImportError as broken:
    raise MonitorError(
        "the package psycopg finds no libpq: pip install 'psycopg[binary]'"
    ) from broken

Connection: TypeAlias = psycopg.Connection[tuple[Any, ...]]

CONNECT_S = 3
STATEMENT_MS = 10_000
READ_MS = 60_000  # a long page for a person
LOCK_MS = 2000
# a peer that has gone is noticed by both sides, and the lock of a dead machine is free, in 6 s
IDLE_S = PROBES = 3
GONE_MS = 6000


class LockedError(StoreError):
    """Another process holds what is needed."""


_KINDS = {"53100": DiskFullError, "55P03": LockedError}


class Server:
    """Names a database and connects to it.

    Parameters
    ----------
    url
        ``postgresql://user@host:port/database``. What it leaves out comes from the environment
        (``PGHOST``, ``PGPASSWORD`` ...) and ``~/.pgpass``, as with all programs of PostgreSQL.

    Raises
    ------
    MonitorError
        If it is no such URL. The URL itself is not told, since a password may stand in it.
    """

    def __init__(self, url: str) -> None:
        known = None
        with suppress(psycopg.Error):  # its text may hold the password
            known = conninfo.conninfo_to_dict(url)
        if known is None:
            raise MonitorError(
                "--journal: the URL of the database cannot be read; write it like "
                "postgresql://user@host:5432/database, with %-codes for special characters",
                USAGE,
            )
        self._url = url
        user, host = known.get("user"), known.get("host") or known.get("hostaddr")
        port, name = known.get("port"), known.get("dbname")
        place = f"{host or ''}{f':{port}' if port else ''}"
        self._name = f"postgresql://{f'{user}@' if user else ''}{place}/{name or ''}"

    def __str__(self) -> str:
        """Name the database, without a password."""
        return self._name

    def connect(self, statement_ms: int = STATEMENT_MS) -> Connection:
        """Open a connection whose every statement has a limit of time.

        Raises
        ------
        StoreError
            If the database cannot be reached.
        """
        with self.explained():
            connection = psycopg.connect(
                self._url,
                autocommit=True,
                connect_timeout=CONNECT_S,
                application_name="ecg-monitor",
                tcp_user_timeout=GONE_MS,
                prepare_threshold=None,  # proxies of connections forget prepared statements
                keepalives_idle=IDLE_S,
                keepalives_interval=1,
                keepalives_count=PROBES,
            )
            try:
                settings = {
                    "statement_timeout": statement_ms,
                    "lock_timeout": LOCK_MS,
                    "idle_in_transaction_session_timeout": STATEMENT_MS,
                    "synchronous_commit": "on",  # a commit survives a power failure
                    "search_path": "ecg_monitor",
                    "client_encoding": "UTF8",
                    "tcp_user_timeout": GONE_MS,
                    "tcp_keepalives_idle": IDLE_S,
                    "tcp_keepalives_interval": 1,
                    "tcp_keepalives_count": PROBES,
                }
                chosen = ", ".join(f"set_config('{name}', '{settings[name]}', false)"
                                   for name in settings)  # fmt: skip
                connection.execute(f"SELECT {chosen}".encode())
            except BaseException:
                connection.close()
                raise
        return connection

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turn an error of the database into one line that names the database."""
        try:
            yield
        except psycopg.Error as error:
            kind = _KINDS.get(error.sqlstate or "", StoreError)
            lines = str(error).strip().splitlines() or [type(error).__name__]
            raise kind(f"journal {self} cannot be used now: {lines[0].strip()}") from error
