"""Colours and words of the dashboard. No fact is told by colour alone."""

from __future__ import annotations

from monitor.messages import AamiClass, AlertState, LeadState, Priority

# its own dark ground, so that the colours hold on a light terminal too
GROUND = "grey82 on grey3"
TEXT = "grey82"
DIM = "grey54"
FAINT = "grey27"
TITLE = "bold grey93"
RULE = "grey30"
PLAIN_BANNER = "bold grey70 on grey0 reverse"
HEART = "bold green1"
GRID = "grey27"
GRID_SECOND = "grey35"
TRACES = ("green1", "turquoise2", "khaki1", "plum2")
HATCH = "grey42"
GOOD = "green3"
# banners are reversed, which is still seen where colour is off
WARN = "bold yellow1 on grey0 reverse"
LEAD_WARN = "bold yellow1"

BEATS = {
    AamiClass.N: "green3",
    AamiClass.S: "bold yellow1",
    AamiClass.V: "bold red1",
    AamiClass.F: "bold orchid1",
    AamiClass.Q: "bold deep_sky_blue1",
}

PRIORITIES = {
    Priority.HIGH: "bold red1",
    Priority.MEDIUM: "bold yellow1",
    Priority.LOW: "bold cyan1",
    Priority.TECHNICAL: "bold deep_sky_blue1",
}
BANNERS = {
    Priority.HIGH: "bold red3 on grey100 reverse",
    Priority.MEDIUM: "bold yellow1 on grey0 reverse",
    Priority.LOW: "cyan1 on grey0 reverse",
    Priority.TECHNICAL: "deep_sky_blue1 on grey0 reverse",
}
MARKS = {
    Priority.HIGH: "***",
    Priority.MEDIUM: "** ",
    Priority.LOW: "*  ",
    Priority.TECHNICAL: "tec",
}

LEAD_STATES = {
    LeadState.OK: ("good", GOOD),
    LeadState.NOISY: ("NOISY", "bold yellow1"),
    LeadState.FLAT: ("FLAT", "bold yellow1"),
    LeadState.SATURATED: ("SATURATED", "bold yellow1"),
    LeadState.LEAD_OFF: ("LEAD OFF", "bold deep_sky_blue1 on grey0 reverse"),
    LeadState.INVALID: ("NO SAMPLES", "bold deep_sky_blue1"),
}

ALERT_STATES = {
    AlertState.RAISED: "NEW",
    AlertState.UPDATED: "active",
    AlertState.ACKNOWLEDGED: "acknowledged",
    AlertState.CLEARED: "ended",
}
LATCHED = "latched"  # its condition has ended, it stays until it is acknowledged

RHYTHMS = {
    "N": "normal rhythm",
    "AFIB": "atrial fibrillation",
    "AFL": "atrial flutter",
    "ASYS": "asystole",
    "B": "ventricular bigeminy",
    "T": "ventricular trigeminy",
    "VT": "ventricular tachycardia",
    "VFL": "ventricular flutter",
    "VF": "ventricular fibrillation",
    "VFIB": "ventricular fibrillation",
    "IVR": "idioventricular rhythm",
    "AIVR": "accelerated idioventricular rhythm",
    "SVTA": "supraventricular tachycardia",
    "SBR": "sinus bradycardia",
    "STACH": "sinus tachycardia",
    "NOISE": "noise",
    "PACE": "paced rhythm",
}

SHORT_RHYTHMS = {
    "N": "normal",
    "B": "bigeminy",
    "T": "trigeminy",
    "NOISE": "noise",
    "PACE": "paced",
}
"""For rhythms whose WFDB name is no word that people know."""


def clock(seconds: float) -> str:
    """Give a duration as ``m:ss`` or ``h:mm:ss``.

    Examples
    --------
    >>> clock(65.9), clock(3601)
    ('1:05', '1:00:01')
    """
    whole = int(seconds)
    hours, minutes = whole // 3600, whole // 60 % 60
    if hours:
        return f"{hours}:{minutes:02}:{whole % 60:02}"
    return f"{minutes}:{whole % 60:02}"


def age(seconds: float) -> str:
    """Give an age in one coarse unit.

    Examples
    --------
    >>> age(7.2), age(125), age(7300)
    ('7 s', '2 min', '2 h')
    """
    if seconds < 100:
        return f"{max(0, int(seconds))} s"
    if seconds < 6000:
        return f"{int(seconds / 60)} min"
    return f"{int(seconds / 3600)} h"
