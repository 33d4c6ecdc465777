"""Fixtures for tests of the service."""

import pytest

from monitor.service import stream, watched


@pytest.fixture
def unhurried_service(monkeypatch):
    """Let a sender be slow, as on a slow machine, without being taken for gone."""
    for module in (stream, watched):
        monkeypatch.setattr(module, "STALE_S", 600.0)
    monkeypatch.setattr(watched, "OVERLOADED_STALE_S", 600.0)
