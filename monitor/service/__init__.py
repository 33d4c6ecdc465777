"""The service: any number of streams from the wire, each analysed on its own.

``stream`` and ``hub`` decide and are pure (time is handed in); ``loop`` owns clock and sockets.
"""
