"""The ZeroMQ protocol: pure encoding in ``protocol``, sockets in ``sockets``."""
