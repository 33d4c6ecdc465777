"""Judges the signal quality of each lead, hop by hop.

Rules that hold here:

1. A lead is judged by its samples, never by what the detector made of them. The two share
   nothing, so one cannot hide the failure of the other.
2. Low amplitude is not a fault. A heart that has stopped leaves a small, restless baseline; a
   lead that has come off leaves a constant, a railed input or bare mains hum. Only those are
   called off or flat, so that asystole can alarm.
3. Noise hides beats that were seen before. It is known by its own texture: fine-grained for
   muscle, large slow swings for motion. Fibrillation, tachycardia and flutter are smooth and
   steady, and stay usable.
4. The gain of the converter is unknown: limits are ratios, or say ``_mv`` in their name.
5. ``usable`` is exactly "at least one lead is ok".
"""

from monitor.stages.quality.gate import QualityGate

__all__ = ["QualityGate"]
