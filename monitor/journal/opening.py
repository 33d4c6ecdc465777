"""Open the storage of a journal, whichever kind its place is of."""

from __future__ import annotations

from pathlib import Path

from monitor.journal.place import Place, is_url
from monitor.journal.storage import Reader, Storage


def storage_at(place: Place) -> Storage:
    """Give the storage at a place.

    Raises
    ------
    MonitorError
        If it is a URL that cannot be read, or the package for databases is missing.
    """
    if is_url(place):
        from monitor.journal.postgres.database import PostgresDatabase

        return PostgresDatabase(str(place))
    from monitor.journal.sqlite.file import SqliteFile

    return SqliteFile(Path(place))


def open_reader(place: Place) -> Reader:
    """Open a journal for reading, with patience while it is locked or slow.

    Raises
    ------
    MonitorError
        If there is no such journal, or it cannot be read.
    """
    if is_url(place):
        from monitor.journal.postgres.database import PostgresDatabase

        return PostgresDatabase(str(place)).patient_reader()
    from monitor.journal.sqlite.reader import SqliteReader

    return SqliteReader(Path(place))
