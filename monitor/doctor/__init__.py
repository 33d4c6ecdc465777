"""Check whether this machine can run the monitor: one finding a check, with what to do about it.

A check is a function that gives findings and changes nothing; ``checkup`` runs them all.
"""
