"""What a stream of the service needs of whatever analyses it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from monitor.config import AlarmSettings
from monitor.errors import MonitorError
from monitor.messages import Event, Samples, StreamInfo
from monitor.stages.steps import Steps


class Analysis(Protocol):
    """One stream's analysis (:class:`monitor.pipeline.Pipeline`)."""

    def steps(self, samples: Samples) -> Steps[list[Event]]:
        """Take samples, give events; whoever drives the steps runs the network."""
        ...

    def flush(self) -> list[Event]:
        """Give what was still waited for."""
        ...

    def acknowledge(self, alert_id: int | None) -> list[Event]:
        """Acknowledge one alert or all."""
        ...

    @property
    def limits(self) -> AlarmSettings:
        """Alarm limits in force."""
        ...

    @property
    def judges(self) -> bool:
        """The absence of an alarm means something."""
        ...

    def set_limits(self, limits: AlarmSettings) -> list[Event]:
        """Go on with other alarm limits."""
        ...


MakeAnalysis = Callable[[StreamInfo], Analysis]


def reason_of(error: Exception) -> str:
    """Say in one line why an analysis failed; a defect is named by its type."""
    text = " ".join(str(error).split())
    return text if isinstance(error, MonitorError) else f"{type(error).__name__}: {text}"
