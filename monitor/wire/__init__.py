"""The ZeroMQ protocol between senders, the service and its clients.

Pure: ``protocol`` (messages), ``frames`` (their form on the wire), ``jsonform`` and ``fields``
(JSON), ``sequence``, ``merge`` and ``refusals``. The service: ``sockets``, with ``connections``,
``backlog`` and ``access``. Clients: ``publisher``, ``subscriber`` and ``follow``. Both:
``endpoints`` and ``keys``.
"""
