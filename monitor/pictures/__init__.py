"""Pictures of ECG on paper: a strip, a trend, a histogram, as SVG, PNG or a page of a PDF.

``drawing`` is a sheet measured in millimetres, ``marks`` what can be on it; ``strip`` and
``charts`` make such sheets; ``svg``, ``png`` and ``pdf`` write them. One second is 25 mm and 1 mV
is 10 mm, as on the paper of an electrocardiograph.

Examples
--------
>>> import numpy as np
>>> from monitor.pictures import Lead, strip, svg
>>> ramp = np.linspace(0.0, 1.0, 500, dtype=np.float32)
>>> picture = strip([Lead("II", ramp)], 250.0)
>>> svg(picture)[:4]
'<svg'
"""

from monitor.pictures.drawing import Drawing
from monitor.pictures.png import png
from monitor.pictures.strip import Lead, Mark, strip
from monitor.pictures.svg import svg

__all__ = ["Drawing", "Lead", "Mark", "png", "strip", "svg"]
