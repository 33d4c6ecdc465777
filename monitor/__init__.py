"""A real-time ECG monitor: samples in, beats, labels, vitals and alarms out.

Read :mod:`monitor.messages` first (the vocabulary), then :mod:`monitor.pipeline`
(the signal path on one screen).
"""

__version__ = "0.1.0"
