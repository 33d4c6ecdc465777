"""The journal in a PostgreSQL database, which services on several machines can reach.

One service writes it at a time. ``connection`` opens connections and explains errors, ``schema``
has the tables, ``store`` writes, ``reader`` reads, ``bounded`` reads without ever holding up the
service, ``database`` joins them to a storage.
"""
