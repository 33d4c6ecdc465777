"""What speaks for and against a candidate being a QRS complex.

Rules that hold here:

1. Every figure is dimensionless: heights and slopes in units of the typical QRS of the lead,
   times in seconds or in units of the mean RR interval. Gain, offset, polarity and sampling
   rate do not enter.
2. Leads are put together by weighted means, so that one model serves any number of leads.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

NAMES = (
    "height",  # log envelope top over typical
    "height_low",  # the same, in the lead where it is lowest
    "height_high",
    "slope",  # log steepest raw slope over typical
    "correlation",  # best template correlation
    "correlation_low",  # the same, in the lead where it is lowest
    "size",  # log size over the template's
    "familiar",  # log of how often the template was seen
    "background",  # log mean envelope of the last second
    "noise",  # log running height of what was rejected
    "ahead",  # envelope just after, over the candidate's
    "behind",  # highest envelope since the last beat, over the candidate's
    "width",  # share of the neighbourhood above half the height
    "step",  # shift of the baseline across the candidate, over the typical size
    "since_s",  # log time since the last beat
    "since_rr",  # log time since the last beat, in mean RR
    "irregular",  # log of the running RR deviation
    "last_height",  # log height of the last beat
    "rejected",  # rejected candidates per second, lately
    "learnt",  # beats taken in since the start, saturating
)
