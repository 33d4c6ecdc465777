"""Measure time, load and endurance: start-up, streams a core carries, soaks of days."""
