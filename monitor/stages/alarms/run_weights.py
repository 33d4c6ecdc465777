"""Weights of the score of fast runs; written by ``python -m tools.train runs``.

Recordings: sha256 8fb92d527822f342c021de3ce78dbd1b7f6d775dfadcdb7c94984e1632b6e3cc.
"""

TABLE = (  # feature, mean, scale, weight
    ("v_least", 0.1798, 0.2711, 0.4720),
    ("v_second", 0.2282, 0.3026, 0.5976),
    ("n_most", 0.7064, 0.3326, -0.8313),
    ("n_mean", 0.5162, 0.3280, -0.3858),
    ("v_row", 2.5149, 4.4880, 0.3789),
    ("usual", 0.6473, 0.3770, -0.6892),
    ("slope_change", -0.0511, 0.2617, -0.5285),
    ("steep", 0.9607, 0.2908, -0.6705),
)
BIAS = -2.5725
