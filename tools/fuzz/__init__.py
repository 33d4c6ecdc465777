"""Fuzz what reads bytes from outside: ``python -m tools.fuzz --seconds 120``."""
