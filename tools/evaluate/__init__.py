"""Measure the monitor on recordings: one command a file, ``python -m tools.evaluate --help``."""
