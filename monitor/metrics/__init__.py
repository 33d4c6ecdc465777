"""Metrics and health of a running service, for Prometheus and over HTTP.

``health`` judges and is pure; ``figures`` counts; ``http`` answers ``/metrics`` and ``/health``.
Nothing here names a stream: all figures are sums over streams.
"""
