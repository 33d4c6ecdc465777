"""Record every stream as WFDB records in rolling segments that any WFDB tool reads.

``FOLDER/STREAM/20261121T095307_250.hea``, ``.dat`` and ``.mon``: header, signal and our
annotations of one segment, named by the wall clock (UTC) of its first sample, so that names sort
by time. An empty ``.open`` beside them marks a segment that is not finished.

``scale`` and ``header`` are pure; ``segment`` is one segment on disk, ``stream`` cuts one stream
into segments, ``recorder`` keeps all streams, ``thread`` keeps a slow disk from the analysis, and
``recover`` finishes segments after a crash, ``recent`` gives spans of signal back and
``span_query`` answers requests for them.
"""
