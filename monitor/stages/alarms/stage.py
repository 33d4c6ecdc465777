"""The alarm stage: keeps the view, asks the rules, drives the engine."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.config import AlarmSettings, WatchSettings
from monitor.messages import Alert, AlertKind, Rhythm, StreamInfo, Vitals
from monitor.stages.alarms.contradiction import Contradiction
from monitor.stages.alarms.engine import Engine, Finding
from monitor.stages.alarms.rules import BEAT_RULES, HOP_RULES, WHILE_LEARNING
from monitor.stages.alarms.view import View
from monitor.stages.hop import Hop


class AlarmStage:
    """Raises, updates and clears the alarms of one stream.

    Parameters
    ----------
    info
        The stream.
    settings
        Limits and switches; :meth:`set_limits` changes them while running.
    watch
        When an R peak is surely announced.
    """

    def __init__(self, info: StreamInfo, settings: AlarmSettings, watch: WatchSettings) -> None:
        self._view = View(info, settings, watch)
        self._engine = Engine(info.stream, info.rate_hz, settings)
        self._contradiction = Contradiction(info.rate_hz)
        self._standing: dict[AlertKind, Finding] = {}  # of the newest beat
        self._found: dict[AlertKind, Finding] = {}  # in the beats of this hop

    @property
    def settings(self) -> AlarmSettings:
        """The limits and switches in force."""
        return self._view.settings

    @property
    def judges(self) -> bool:
        """The absence of an alarm means something: signal usable, learning done."""
        return not self._view.learning and not self._view.suspended

    def take(self, hop: Hop) -> dict[int, int]:
        """Take one hop and its beats, before :meth:`judge`.

        Returns
        -------
        dict
            Of each new beat with which ventricular tachycardia is present, the beat with which it
            began, by sample.
        """
        view = self._view
        view.take(hop)
        found = dict(self._standing)
        tachycardias: dict[int, int] = {}
        for beat in hop.beats:
            view.take_beat(beat)
            self._standing = {}
            for kind, rule in BEAT_RULES.items():
                if view.learning and kind not in WHILE_LEARNING:
                    continue
                finding = rule(view)
                if finding is not None:
                    found[kind] = finding
                    if not kind.momentary:
                        self._standing[kind] = finding
            found = {k: f for k, f in found.items() if k in self._standing or k.momentary}
            if AlertKind.VT in found:
                tachycardias[beat.sample] = found[AlertKind.VT].onset_sample
        self._found = found
        return tachycardias

    def judge(self, hop: Hop, rhythm: Sequence[Rhythm | Vitals]) -> list[Alert]:
        """Give the transitions of the hop just taken, with what the rhythm stage said of it."""
        view, found = self._view, self._found
        view.take_rhythm(rhythm)
        if view.suspended or not view.beats or view.quiet_s >= view.settings.asystole_s:
            self._standing = {}
        for kind, rule in HOP_RULES.items():
            finding = rule(view)
            if finding is not None:
                found[kind] = finding
        self._contradiction.take(hop.pulses)
        found = self._contradiction.judge(view.sample, found, view.settings)
        return self._engine.observe(view.sample, found, view.suspended)

    def acknowledge(self, alert_id: int | None) -> list[Alert]:
        """Acknowledge one alarm by its id, or all that are live (None)."""
        return self._engine.acknowledge(alert_id)

    def set_limits(self, settings: AlarmSettings) -> list[Alert]:
        """Go on with other limits from the next hop on; kinds switched off are cleared at once."""
        self._view.settings = settings
        return self._engine.adopt(settings)
