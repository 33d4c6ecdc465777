"""The service: any number of streams that come over the network, each analysed on its own.

``hub`` and ``stream`` decide; they are pure, and time is handed in. ``loop`` has clock and sockets;
``outbox`` journals and publishes.
"""
