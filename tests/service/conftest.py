"""Fixtures for tests of the service."""

import pytest

from monitor.service import stream


@pytest.fixture
def unhurried_service(monkeypatch):
    """A sender that is slow, for the machine is, is not taken for one that is gone."""
    monkeypatch.setattr(stream, "STALE_S", 600.0)
    monkeypatch.setattr(stream, "OVERLOADED_STALE_S", 600.0)
