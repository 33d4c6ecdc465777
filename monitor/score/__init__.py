"""Scoring of beat, run, rhythm and heart-rate annotations as ANSI/AAMI EC57 asks.

Gives what the comparators of the WFDB software package (``bxb``, ``rxr``, ``sumstats``,
``mxm``, ``epicmp``) give, as pure functions on arrays of (sample, symbol).

Examples
--------
From files, one record or many::

    from monitor.score import score_record, summarise

    scores = [score_record(f"mitdb/{r}", f"out/{r}", "atr", "mon") for r in ("100", "101")]
    total = summarise(scores)
    print(total.q_se, total.q_pp, total.average.q_se)  # percent, None where undefined

From arrays:

>>> from monitor.score import Annotations, compare_beats
>>> truth = Annotations.from_arrays(range(108_000, 180_000, 300), "N")
>>> found = Annotations.from_arrays(range(108_010, 180_000, 300), "N")
>>> score = compare_beats(truth, found, 360.0)
>>> score.figures.q_se, score.figures.q_pp, score.matrix.shape
(100.0, 100.0, (7, 7))

References
----------
ANSI/AAMI EC57: Testing and reporting performance results of cardiac rhythm and ST segment
measurement algorithms.
"""

from monitor.score.annotations import Annotations
from monitor.score.figures import Figures, figures
from monitor.score.record import Conditions, RecordScore, compare_beats, score_record
from monitor.score.records import RECORD_SETS, choose_records, read_annotations
from monitor.score.summary import Summary, summarise

__all__ = [
    "RECORD_SETS",
    "Annotations",
    "Conditions",
    "Figures",
    "RecordScore",
    "Summary",
    "choose_records",
    "compare_beats",
    "figures",
    "read_annotations",
    "score_record",
    "summarise",
]
