"""Lethal alarms that the pulse waveform contradicts: the heart goes on as before.

An artefact of the electrodes does not reach the pulse. So a lethal alarm of the ECG is withheld
while the pulse proves that nothing has happened: the idea of A. Aboukhalil et al., "Reducing false
alarm rates for critical arrhythmias using the arterial blood pressure waveform", J Biomed Inform
41:442-451 (2008), doi:10.1016/j.jbi.2008.03.003. What is asked of the pulse is stricter than there,
so that one that is absent, poor or damped, or comes with the event (noise, chest compressions),
never withholds anything:

* from 8 s before the onset up to now it is regular and of one size, without a break: a run of
  ventricular beats, perfusing or not, changes both for at least one beat, as does a pause;
* its rate is normal, within the patient's own limits, and not the one that the alarm tells.

Notes
-----
A run of ventricular beats can be over before their pulse has come (transducers and oximeters delay
it, some by more than a second). So VT that is withheld is judged for 2 s more, and sounds then if
the pulse changes. What has sounded once goes on, and alarms of lower priority are never withheld.
A pump that makes the pulse in the heart's place (balloon pump, assist device) proves nothing of
the heart: for such a patient ``pulse_contradicts`` is to be switched off.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from itertools import pairwise
from statistics import median

from monitor.config import AlarmSettings
from monitor.messages import AlertKind
from monitor.stages.alarms.engine import Finding
from monitor.stages.hop import Pulse

JUDGED = (
    AlertKind.ASYSTOLE,
    AlertKind.VF,
    AlertKind.VT,
    AlertKind.EXTREME_TACHY,
    AlertKind.EXTREME_BRADY,
)
"""Alarms that a pulse can contradict."""

_BEFORE_S = 8.0  # the pulse must have been regular for so long before the onset
_LONGEST_S = 20.0  # more than this of the past is not asked for
_REGULAR = (0.8, 1.25)  # of the median interval
_EQUAL = (0.6, 1.6)  # of the median height
_TOLD_S = 0.6  # a pulse is told of by then
_FASTEST_BPM = 150.0  # whatever the limits: faster waves may be made by anything
_OTHER = 0.8  # the slower of both rates must be under this share of the faster
_AFTERWARDS_S = 2.0  # VT is judged for so long after its last beat
_KEPT = 64


class Contradiction:
    """Remembers the pulses of one stream and judges lethal alarms by them.

    Parameters
    ----------
    rate_hz
        Sampling rate.
    """

    def __init__(self, rate_hz: float) -> None:
        self._rate_hz = rate_hz
        self._pulses: deque[Pulse] = deque(maxlen=_KEPT)
        self._vt: tuple[Finding, int] | None = None  # withheld, and until when it is judged
        self._told: tuple[Finding, int] | None = None  # what was said last, and until when
        self._sound: frozenset[AlertKind] = frozenset()  # lethal alarms of the hop before

    def take(self, pulses: Iterable[Pulse]) -> None:
        """Take the pulses found in a hop."""
        self._pulses.extend(pulses)

    def judge(
        self, sample: int, findings: dict[AlertKind, Finding], settings: AlarmSettings
    ) -> dict[AlertKind, Finding]:
        """Leave out of the findings at ``sample`` what the pulse contradicts, and tell of it."""
        if AlertKind.PULSE_CONTRADICTS in settings.off:  # nothing is withheld in silence
            return findings
        kept = dict(findings)
        if self._vt is not None and sample <= self._vt[1]:
            kept.setdefault(AlertKind.VT, self._vt[0])
        withheld = []
        for kind in JUDGED:
            if kind not in kept or kind in self._sound:
                continue
            rate_bpm = self._steady_bpm(kept[kind].onset_sample, sample)
            if rate_bpm is None or not _contradicts(kind, kept[kind], rate_bpm, settings):
                continue
            finding = kept.pop(kind)
            withheld.append((finding, rate_bpm))
            if kind is AlertKind.VT and kind in findings:
                self._vt = finding, sample + round(_AFTERWARDS_S * self._rate_hz)
        if AlertKind.VT in kept:
            self._vt = None
        self._sound = frozenset(kept).intersection(JUDGED)
        if withheld:
            finding, rate_bpm = withheld[0]
            text = f"PULSE {rate_bpm:.0f} REGULAR: withheld {finding.text}"
            told = Finding(finding.onset_sample, text, round(rate_bpm), beats=finding.beats)
            self._told = told, sample + round(settings.hold_s * self._rate_hz)
        if self._told is not None and sample <= self._told[1]:
            kept[AlertKind.PULSE_CONTRADICTS] = self._told[0]
        return kept

    def _steady_bpm(self, onset: int, sample: int) -> float | None:
        """Rate of a pulse that has gone on undisturbed since before the onset, else None."""
        since = max(onset - _BEFORE_S * self._rate_hz, sample - _LONGEST_S * self._rate_hz)
        pulses = [pulse for pulse in self._pulses if pulse.sample >= since]
        if len(pulses) < 4:
            return None
        intervals = [b.sample - a.sample for a, b in pairwise(pulses)]
        usual, height = median(intervals), median(pulse.height for pulse in pulses)
        longest = _REGULAR[1] * usual
        if pulses[0].sample - since > longest:
            return None
        if sample - pulses[-1].sample > longest + _TOLD_S * self._rate_hz:
            return None
        if not all(_REGULAR[0] * usual <= interval <= longest for interval in intervals):
            return None
        if not all(_EQUAL[0] * height <= p.height <= _EQUAL[1] * height for p in pulses):
            return None
        return 60.0 * self._rate_hz / usual


def _contradicts(
    kind: AlertKind, finding: Finding, rate_bpm: float, settings: AlarmSettings
) -> bool:
    """Whether a steady pulse at a rate shows that the heart does not do what an alarm says."""
    if not settings.hr_low_bpm <= rate_bpm <= min(settings.hr_high_bpm, _FASTEST_BPM):
        return False
    if kind in (AlertKind.ASYSTOLE, AlertKind.VF) or finding.value is None:
        return True
    return min(rate_bpm, finding.value) < _OTHER * max(rate_bpm, finding.value)
