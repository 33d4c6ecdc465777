"""Sinks of events besides the dashboard and the wire: WFDB annotations, text lines."""
