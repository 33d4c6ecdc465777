"""The rules of the alarms. Every file here is imported, so a new file needs no other change."""

from importlib import import_module
from pkgutil import iter_modules

from monitor.stages.alarms.rule import BEAT_RULES, HOP_RULES, WHILE_LEARNING

__all__ = ["BEAT_RULES", "HOP_RULES", "WHILE_LEARNING"]

for _file in iter_modules(__path__):
    import_module(f"{__name__}.{_file.name}")
