"""Scoring against reference annotations as ANSI/AAMI EC57 asks."""
