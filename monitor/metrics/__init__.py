"""What a running service says of itself: figures for Prometheus, and whether it is well.

``health`` judges and is pure; ``figures`` counts; ``http`` answers ``/metrics`` and ``/health``.
Nothing here names a stream: all figures are sums over streams.
"""
