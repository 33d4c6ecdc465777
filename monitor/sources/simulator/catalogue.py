"""Built-in scenarios, by name."""

from __future__ import annotations

from monitor.sources.simulator.scenario import (
    Fault,
    RhythmEvent,
    Scenario,
    ScriptedBeat,
    Segment,
)


def _pvc(at_s: float, count: int = 1, *forms: int, rate_bpm: float | None = None) -> RhythmEvent:
    return RhythmEvent(at_s, "pvc", count, rate_bpm=rate_bpm, forms=forms or (0,))


_SINUS_20 = Segment("sinus", 20.0)

_ALL = (
    Scenario(
        "tour",
        "two and a half minutes of everything: ectopics, VT, AF, pause, faults, VF, recovery",
        (
            Segment("sinus", 24.0, 72.0, events=(_pvc(8.0), _pvc(13.0, 1, 1), _pvc(18.0, 2))),
            Segment("bigeminy", 10.0, 76.0),
            Segment("sinus", 6.0, 74.0),
            Segment("vt", 8.0, 170.0, forms=(2,)),
            Segment("sinus", 10.0, 82.0, pac_per_min=8.0),
            Segment("af", 20.0, 105.0),
            Segment("sinus", 8.0, 70.0),
            Segment("sinus", 12.0, 42.0),
            Segment("sinus", 8.0, 64.0, events=(RhythmEvent(2.0, "pause", pause_s=3.4),)),
            Segment("sinus", 24.0, 72.0),
            Segment("vf", 10.0),
            Segment("asystole", 7.0),
            Segment("sinus", 15.0, 88.0),
        ),
        (Fault("lead_off", 108.0, 6.0), Fault("motion", 119.0, 7.0), Fault("muscle", 119.0, 7.0)),
    ),
    Scenario("sinus", "sinus rhythm at 72 bpm", (Segment("sinus", 60.0),)),
    Scenario(
        "pvc",
        "sinus rhythm with single uniform PVCs",
        (Segment("sinus", 60.0, events=tuple(_pvc(6.0 + 7.0 * i) for i in range(7))),),
    ),
    Scenario(
        "multiform",
        "sinus rhythm with PVCs of four shapes",
        (Segment("sinus", 60.0, events=tuple(_pvc(5.0 + 6.0 * i, 1, i % 4) for i in range(8))),),
    ),
    Scenario(
        "couplet",
        "sinus rhythm with ventricular couplets",
        (Segment("sinus", 60.0, events=tuple(_pvc(8.0 + 12.0 * i, 2) for i in range(4))),),
    ),
    Scenario("bigeminy", "ventricular bigeminy", (Segment("bigeminy", 60.0),)),
    Scenario("trigeminy", "ventricular trigeminy", (Segment("trigeminy", 60.0),)),
    Scenario(
        "run",
        "sinus rhythm with runs of 3, 4 and 8 PVCs",
        (
            Segment(
                "sinus",
                60.0,
                events=(
                    _pvc(10.0, 3, rate_bpm=140.0),
                    _pvc(25.0, 4, rate_bpm=150.0),
                    _pvc(40.0, 8, rate_bpm=160.0),
                ),
            ),
        ),
    ),
    Scenario(
        "vt",
        "monomorphic VT at 170 bpm between sinus rhythm",
        (_SINUS_20, Segment("vt", 20.0, 170.0), _SINUS_20),
    ),
    Scenario(
        "vt_195",
        "VT at 195 bpm after sinus rhythm, for alarm timing",
        (Segment("sinus", 30.0, 80.0), Segment("vt", 20.0, 195.0, variability=0.0)),
    ),
    Scenario(
        "vt_206",
        "VT at 206 bpm after sinus rhythm, for alarm timing",
        (Segment("sinus", 30.0, 80.0), Segment("vt", 20.0, 206.0, variability=0.0)),
    ),
    Scenario(
        "vf",
        "VF, coarse to fine, between sinus rhythm",
        (_SINUS_20, Segment("vf", 20.0), _SINUS_20),
    ),
    Scenario(
        "vflutter",
        "ventricular flutter at 270 bpm between sinus rhythm",
        (_SINUS_20, Segment("vflutter", 15.0), _SINUS_20),
    ),
    Scenario(
        "aivr",
        "accelerated idioventricular rhythm at 80 bpm",
        (_SINUS_20, Segment("aivr", 25.0), _SINUS_20),
    ),
    Scenario(
        "af",
        "atrial fibrillation between sinus rhythm",
        (_SINUS_20, Segment("af", 60.0), _SINUS_20),
    ),
    Scenario(
        "flutter", "atrial flutter with 4:1 conduction", (_SINUS_20, Segment("flutter", 40.0))
    ),
    Scenario(
        "pac",
        "sinus rhythm with atrial premature beats",
        (
            Segment(
                "sinus", 60.0, events=tuple(RhythmEvent(6.0 + 6.0 * i, "pac") for i in range(8))
            ),
        ),
    ),
    Scenario(
        "svt", "SVT at 180 bpm between sinus rhythm", (_SINUS_20, Segment("svt", 20.0), _SINUS_20)
    ),
    Scenario(
        "brady", "sinus bradycardia at 38 bpm after 72", (_SINUS_20, Segment("sinus", 40.0, 38.0))
    ),
    Scenario(
        "tachy", "sinus tachycardia at 135 bpm after 72", (_SINUS_20, Segment("sinus", 40.0, 135.0))
    ),
    Scenario(
        "pause",
        "sinus pauses of 2.6 and 3.5 s, and an escape beat after 2.2 s",
        (
            Segment(
                "sinus",
                60.0,
                events=(
                    RhythmEvent(12.0, "pause", pause_s=2.6),
                    RhythmEvent(28.0, "pause", pause_s=3.5),
                    RhythmEvent(44.0, "ventricular_escape", pause_s=2.2, forms=(2,)),
                ),
            ),
        ),
    ),
    Scenario(
        "asystole",
        "asystole for 12 s between sinus rhythm",
        (_SINUS_20, Segment("asystole", 12.0), _SINUS_20),
    ),
    Scenario(
        "lbbb",
        "sinus rhythm with left bundle branch block",
        (Segment("sinus", 60.0, conduction="lbbb"),),
    ),
    Scenario(
        "rbbb",
        "sinus rhythm with right bundle branch block",
        (Segment("sinus", 60.0, conduction="rbbb"),),
    ),
    Scenario("tall_t", "sinus rhythm with tall T waves", (Segment("sinus", 60.0, t_scale=3.0),)),
    Scenario(
        "fusion",
        "sinus rhythm with fusion beats and PVCs",
        (
            Segment(
                "sinus",
                60.0,
                events=tuple(
                    RhythmEvent(6.0 + 6.0 * i, "fusion" if i % 2 else "pvc") for i in range(8)
                ),
            ),
        ),
    ),
    Scenario(
        "noise",
        "muscle noise, then electrode motion, then mains hum",
        (Segment("sinus", 70.0),),
        (Fault("muscle", 15.0, 10.0), Fault("motion", 35.0, 10.0), Fault("mains", 55.0, 10.0)),
    ),
    Scenario(
        "wander",
        "baseline wander of 0.8 mV",
        (Segment("sinus", 60.0),),
        (Fault("wander", 10.0, 40.0, level_mv=0.8),),
    ),
    Scenario(
        "lead_off",
        "all electrodes off, then II alone",
        (Segment("sinus", 60.0),),
        (Fault("lead_off", 15.0, 8.0), Fault("lead_off", 35.0, 10.0, ("II",), mode="hum")),
    ),
    Scenario(
        "inverted",
        "lead II turns over at 20 s",
        (Segment("sinus", 60.0, pvc_per_min=6.0),),
        (Fault("inverted", 20.0, 40.0, ("II",)),),
    ),
    Scenario(
        "saturation",
        "the input saturates, then a 10 mV spike",
        (Segment("sinus", 60.0),),
        (Fault("saturation", 15.0, 6.0), Fault("spike", 40.0, 1.0)),
    ),
    Scenario(
        "nan",
        "half a second and five seconds of invalid samples",
        (Segment("sinus", 60.0),),
        (Fault("nan", 15.0, 0.5), Fault("nan", 35.0, 5.0)),
    ),
    Scenario(
        "gap",
        "1.5 s and 10 s missing from the stream",
        (Segment("sinus", 60.0),),
        (Fault("gap", 15.0, 1.5), Fault("gap", 35.0, 10.0)),
    ),
    Scenario("paced", "ventricular pacing at 70 bpm", (Segment("paced", 60.0),)),
    Scenario(
        "hr_80_120",
        "heart-rate step from 80 to 120 bpm at 60 s",
        (Segment("sinus", 60.0, 80.0, 0.0), Segment("sinus", 40.0, 120.0, 0.0)),
    ),
    Scenario(
        "hr_80_40",
        "heart-rate step from 80 to 40 bpm at 60 s",
        (Segment("sinus", 60.0, 80.0, 0.0), Segment("sinus", 40.0, 40.0, 0.0)),
    ),
)

# The four irregular rhythms on which EC13 and IEC 60601-2-27 have the heart-rate meter tested.
# The standards' figures are not public; relied on here are their public names and the rates that
# makers state for them (80, 60, 120, 90 bpm after 20 s). The RR patterns below are our own: they
# have those names and exactly those mean rates, counted over all QRS complexes.


def _script(*beats: tuple[str, float, int]) -> tuple[Segment, ...]:
    return (Segment("script", 60.0, variability=0.0, beats=tuple(ScriptedBeat(*b) for b in beats)),)


_EC13 = (
    Scenario(
        "ec13_bigeminy",
        "EC13 kind: ventricular bigeminy, 80 bpm",
        _script(("normal", 0.96, 0), ("pvc", 0.54, 0)),
    ),
    Scenario(
        "ec13_slow",
        "EC13 kind: slow alternating ventricular bigeminy, 60 bpm",
        _script(
            ("normal", 1.36, 0),
            ("pvc", 0.64, 0),
            ("normal", 1.36, 0),
            ("pvc", 0.64, 0),
            ("normal", 1.30, 0),
            ("pvc", 0.70, 1),
            ("normal", 1.30, 0),
            ("pvc", 0.70, 1),
        ),
    ),
    Scenario(
        "ec13_rapid",
        "EC13 kind: rapid alternating ventricular bigeminy, 120 bpm",
        _script(
            ("normal", 0.60, 0),
            ("pvc", 0.40, 0),
            ("normal", 0.60, 0),
            ("pvc", 0.40, 0),
            ("normal", 0.58, 0),
            ("pvc", 0.42, 1),
            ("normal", 0.58, 0),
            ("pvc", 0.42, 1),
        ),
    ),
    Scenario(
        "ec13_bidirectional",
        "EC13 kind: bidirectional systoles, 90 bpm",
        _script(("pvc", 2.0 / 3.0, 0), ("pvc", 2.0 / 3.0, 1)),
    ),
)

SCENARIOS: dict[str, Scenario] = {item.name: item for item in (*_ALL, *_EC13)}
"""Built-in scenarios by name."""
