"""Alarms: one small rule per condition, and the state machine that announces them."""

from monitor.stages.alarms.stage import AlarmStage

__all__ = ["AlarmStage"]
