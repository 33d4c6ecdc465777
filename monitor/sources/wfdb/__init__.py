"""WFDB records: ``signals`` (one file), ``segments`` (one part of a record), ``record``."""
