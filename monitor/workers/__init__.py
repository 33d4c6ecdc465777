"""A service in several processes: a front with the sockets, and workers with the streams.

The front has the public sockets, the journal and the numbers of messages. It hands what comes to
the worker of its stream, unread but for the topic. A worker is the service of
:mod:`monitor.service` with a link to the front in place of sockets and journal.
"""
