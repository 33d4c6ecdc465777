"""EDF, EDF+ and BDF files: ``header`` and ``file``."""
