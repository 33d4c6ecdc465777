"""Fit the networks that are shipped: one command a file, ``python -m tools.train --help``."""
