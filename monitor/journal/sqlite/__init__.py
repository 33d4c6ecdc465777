"""The journal as an SQLite file: the default, for one service on one machine.

``schema`` has the tables and their migrations, ``store`` writes, ``reader`` reads, ``lock`` keeps a
second service away, ``file`` joins them to a storage.
"""
