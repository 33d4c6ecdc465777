"""Weights of the score of fast runs; written by ``python -m tools.train runs``.

Recordings: sha256 8fb92d527822f342c021de3ce78dbd1b7f6d775dfadcdb7c94984e1632b6e3cc.
"""

TABLE = (  # feature, mean, scale, weight
    ("v_least", 0.0888, 0.1696, 0.5803),
    ("v_second", 0.1222, 0.2038, 0.6798),
    ("n_most", 0.7699, 0.2825, -0.6094),
    ("n_mean", 0.5705, 0.2980, -0.3515),
    ("v_row", 1.0405, 2.8312, -0.1288),
    ("usual", 0.6938, 0.3254, -0.6668),
    ("slope_change", -0.0075, 0.2300, -0.4315),
    ("steep", 0.9607, 0.2908, -0.7235),
)
BIAS = -2.8523
