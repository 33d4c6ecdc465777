"""The journal: events that must not be lost, on disk before they are published.

``entries`` defines the stored form of an event (pure), ``storage`` the interface of what stores it:
``sqlite`` a file, ``postgres`` a database. ``writer`` is the thread that writes, ``journal`` is the
interface of the service, and ``history_query`` answers requests from it.
"""
