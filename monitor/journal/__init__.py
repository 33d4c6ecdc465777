"""The journal: events that must not be lost, on disk before they are published.

``entries`` defines the stored form of an event (pure), ``schema`` and ``store`` are the SQLite
file, ``writer`` is the thread that writes it, ``reader`` reads it, ``journal`` is the interface of
the service, and ``history_query`` answers requests from it.
"""
