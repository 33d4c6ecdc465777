"""QRS detectors, each registered by a name that the settings use.

Rules that hold here:

1. ``default`` is the monitor's own detector. ``neurokit:METHOD`` runs any method of NeuroKit2.
   Any other name is a dotted path ``package.module:Class``; its peaks are checked.
2. A detector is made as ``Class(info, settings)`` and meets :class:`monitor.stages.Detector`. The
   contract tests run on every registered detector but promac, which is slow, and emrich2023, which
   needs one more package.
3. neurokit2 is imported when the first window is analysed, not before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from monitor.config import DetectSettings
from monitor.errors import USAGE, MonitorError
from monitor.messages import Quality, RPeak, StreamInfo
from monitor.stages import Detector
from monitor.stages.detect.custom import CustomDetector
from monitor.stages.detect.neurokit import METHODS, NeurokitDetector
from monitor.stages.detect.qrs_detector import QrsDetector
from monitor.stages.hop_rows import HopRow
from monitor.stages.steps import Steps

__all__ = ["DETECTORS", "NeurokitDetector", "QrsDetector", "make_detector", "peaks_of"]

DETECTORS: dict[str, Callable[[StreamInfo, DetectSettings], Detector]] = {
    "default": QrsDetector,
    **{f"neurokit:{method}": NeurokitDetector for method in METHODS},
}


def peaks_of(
    detector: Detector, row: HopRow, qualities: Sequence[Quality]
) -> Steps[list[list[RPeak]]]:
    """Give the R peaks that a detector finds in each hop of a row."""
    if isinstance(detector, QrsDetector):
        return (yield from detector.steps(row, qualities))
    return [
        detector.push(block, quality) for block, quality in zip(row.blocks, qualities, strict=True)
    ]


def make_detector(info: StreamInfo, settings: DetectSettings) -> Detector:
    """Make the detector that the settings name, for one stream.

    Parameters
    ----------
    info
        The stream; ``info.leads[0]`` is the primary lead.
    settings
        ``settings.detector``: a name in :data:`DETECTORS`, or ``package.module:Class``.

    Returns
    -------
    Detector
        New, with nothing learnt.

    Raises
    ------
    MonitorError
        If there is no such detector, or the class cannot be imported or is no detector.
    """
    name = settings.detector
    make = DETECTORS.get(name)
    if make is not None:
        return make(info, settings)
    module, _, attribute = name.partition(":")
    if not module or not attribute or module == "neurokit":
        raise MonitorError(
            f"no detector {name!r}: use one of {', '.join(DETECTORS)}, or package.module:Class",
            USAGE,
        )
    return CustomDetector(name, info, settings)
