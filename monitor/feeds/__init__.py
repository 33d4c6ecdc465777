"""Feeds: the messages of a running monitor, for a display or for output as lines.

``feed`` is the protocol, ``local`` analyses a source in this process, ``remote`` subscribes to a
service, ``pace`` holds samples back to a given speed, and ``run`` runs a source as the output
options of a command ask.
"""
