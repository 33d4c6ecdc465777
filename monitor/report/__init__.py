"""The report of a recording: figures, strips and full disclosure, as a page and as a PDF.

``beat_table`` has beats as arrays; ``ectopy``, ``rates``, ``spans``, ``hours`` and ``variability``
count and measure; ``figures`` puts them together. ``templates`` groups the beats by shape,
``chosen`` picks the strips worth showing. ``contents`` is all that a report holds; ``page`` writes
it as HTML, ``document`` as PDF. ``edits`` applies what a reader corrected, ``recorded`` reads what
a server recorded.
"""
