"""Weights of the score of fast runs; written by ``python -m tools.train runs``.

Recordings: sha256 8fb92d527822f342c021de3ce78dbd1b7f6d775dfadcdb7c94984e1632b6e3cc.
"""

TABLE = (  # feature, mean, scale, weight
    ("v_least", 0.0796, 0.1679, 0.5719),
    ("v_second", 0.1113, 0.2012, 0.6362),
    ("n_most", 0.7828, 0.2556, -0.5971),
    ("n_mean", 0.5813, 0.2823, -0.3079),
    ("v_row", 1.0022, 2.7373, -0.2768),
    ("usual", 0.6977, 0.3144, -0.7867),
    ("slope_change", -0.0118, 0.2346, -0.4062),
    ("steep", 0.9607, 0.2908, -0.7397),
)
BIAS = -3.0033
