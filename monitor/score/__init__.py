"""Score beat, run, rhythm and heart-rate annotations by ANSI/AAMI EC57.

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

:func:`compare_beats` matches beats only and is the fast one; :func:`compare` (and
:func:`score_record`) adds runs, rhythm episodes and heart rate. :class:`Conditions` holds the
match window, start, end and class map; its ``deviations`` say what departs from the standard.
:mod:`monitor.score.lines` and :mod:`monitor.score.rhythm_lines` print the package's tables,
:func:`monitor.score.document.document` makes JSON.

Notes
-----
All of ``bxb -L``, ``bxb -l``, ``rxr -L`` and ``sumstats`` is equal to the package byte for byte,
shortcomings included: a comparator that remembers two shutdowns or fibrillations, a second
unterminated shutdown that excuses nothing, shutdown time counted over the whole record.
Rhythm episodes and heart rate follow ``epicmp`` and ``mxm`` in rule and layout, not in every
rounding; see their modules.

References
----------
ANSI/AAMI EC57: Testing and reporting performance results of cardiac rhythm and ST segment
measurement algorithms. Goldberger et al., PhysioBank, PhysioToolkit, and PhysioNet,
Circulation 101(23), 2000, doi:10.1161/01.CIR.101.23.e215 (the WFDB software package).
De Chazal et al., Automatic classification of heartbeats using ECG morphology and heartbeat
interval features, IEEE Trans Biomed Eng 51(7), 2004, doi:10.1109/TBME.2004.827359 (DS1, DS2).
"""

from monitor.score.annotations import Annotations
from monitor.score.episodes import AF, VF, VT, compare_episodes
from monitor.score.figures import Figures, figures
from monitor.score.record import Conditions, RecordScore, compare, compare_beats, score_record
from monitor.score.records import RECORD_SETS, choose_records, read_annotations
from monitor.score.summary import Summary, summarise

__all__ = [
    "AF",
    "RECORD_SETS",
    "VF",
    "VT",
    "Annotations",
    "Conditions",
    "Figures",
    "RecordScore",
    "Summary",
    "choose_records",
    "compare",
    "compare_beats",
    "compare_episodes",
    "figures",
    "read_annotations",
    "score_record",
    "summarise",
]
