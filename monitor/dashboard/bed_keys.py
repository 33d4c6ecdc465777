"""The keys that change how one stream is drawn. Pure."""

from __future__ import annotations

from dataclasses import replace

from monitor.dashboard.keys import Action
from monitor.dashboard.trends import SPANS_S
from monitor.dashboard.view import Display
from monitor.dashboard.waveform import DOTS_PER_S, GAINS_MV

ARROWS = {
    Action.UP: Action.GAIN_UP,
    Action.DOWN: Action.GAIN_DOWN,
    Action.RIGHT: Action.FASTER,
    Action.LEFT: Action.SLOWER,
}


def changed(display: Display, action: Action, shown_gain_mv: float) -> Display:
    """Give the settings after a key; ``shown_gain_mv`` is the gain that is drawn now."""
    match ARROWS.get(action, action):
        case Action.GAIN_UP:
            return replace(display, gain_mv=_next_gain(display, shown_gain_mv, larger=True))
        case Action.GAIN_DOWN:
            return replace(display, gain_mv=_next_gain(display, shown_gain_mv, larger=False))
        case Action.GAIN_AUTO:
            return replace(display, gain_mv=None)
        case Action.SLOWER:
            return replace(display, dots_per_s=_next_rate(display, faster=False))
        case Action.FASTER:
            return replace(display, dots_per_s=_next_rate(display, faster=True))
        case Action.NEXT_LEAD:
            return replace(display, lead=display.lead + 1)
        case Action.SWEEP:
            return replace(display, sweep=not display.sweep)
        case Action.SPAN:
            spans = (None, *SPANS_S)
            following = spans[(spans.index(display.trend_s) + 1) % len(spans)]
            return replace(display, trend_s=following)
        case _:
            return display


def _next_gain(display: Display, shown_mv: float, *, larger: bool) -> float:
    now = display.gain_mv or shown_mv
    steps = [g for g in GAINS_MV if (g < now if larger else g > now)]
    if larger:
        return max(steps, default=GAINS_MV[0])
    return min(steps, default=GAINS_MV[-1])


def _next_rate(display: Display, *, faster: bool) -> int:
    now = display.dots_per_s or 25
    steps = [r for r in DOTS_PER_S if (r > now if faster else r < now)]
    if faster:
        return min(steps, default=DOTS_PER_S[-1])
    return max(steps, default=DOTS_PER_S[0])
