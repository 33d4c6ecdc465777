"""Text sources: CSV and its relatives, from a file or standard input, one sample a line.

``lines`` (bytes to lines) -> ``head`` (the first lines: ``shape``, ``names``, ``columns``,
``times``, ``layout``) -> ``rows`` (lines to samples) -> ``source``.
"""
