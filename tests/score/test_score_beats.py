"""Beat matching on cases made by hand; expected counts follow from the rules, not from a run."""

import math

import pytest

from monitor.errors import MonitorError
from monitor.score import Annotations, Conditions, RecordScore, compare_beats
from monitor.score.beats import COLUMNS, ROWS

RATE_HZ = 100.0  # match window 15 samples, learning period up to sample 30 000
START = 30_000

Row = tuple[int, str] | tuple[int, str, int]


def table(*rows: Row) -> Annotations:
    full = [(*row, 0)[:3] for row in rows]
    return Annotations.from_arrays(
        [int(row[0]) for row in full], [str(row[1]) for row in full], [int(row[2]) for row in full]
    )


def at(*offsets: int) -> list[Row]:
    """Normal beats at samples after the learning period."""
    return [(START + offset, "N") for offset in offsets]


def score(ref: list[Row], test: list[Row], length: int | None = 60_000) -> RecordScore:
    return compare_beats(table(*ref), table(*test), RATE_HZ, length_samples=length)


def counts(result: RecordScore) -> dict[str, int]:
    """Non-zero cells by name: ``Nn``, ``Vo``, ``On`` ..."""
    return {
        row + column: int(result.matrix[i, j])
        for i, row in enumerate(ROWS)
        for j, column in enumerate(COLUMNS)
        if result.matrix[i, j]
    }


class TestWindow:
    def test_edge_is_inside(self) -> None:
        assert counts(score(at(1000), at(1015))) == {"Nn": 1}

    def test_one_sample_more_is_a_miss_and_a_false_beat(self) -> None:
        assert counts(score(at(1000), at(1016))) == {"No": 1, "On": 1}

    def test_seconds_become_samples_with_a_half_rounded_up(self) -> None:
        # 0.15 s at 250 Hz is 37.5 samples: 38 match, 39 do not
        ref = table((100_000, "N"), (101_000, "N"))
        near = compare_beats(ref, table((100_038, "N"), (101_039, "N")), 250.0)
        assert counts(near) == {"Nn": 1, "No": 1}

    def test_other_window_is_named_as_a_deviation(self) -> None:
        rules = Conditions(window_s=0.05)
        wide = compare_beats(table(*at(1000)), table(*at(1010)), RATE_HZ, conditions=rules)
        assert counts(wide) == {"No": 1}
        assert wide.conditions.deviations == ("match window 50 ms instead of 150 ms",)


class TestTies:
    def test_second_test_beat_that_is_nearer_takes_the_reference(self) -> None:
        result = score(at(1000), at(990, 1004))
        assert counts(result) == {"On": 1, "Nn": 1}
        assert result.false_positives.tolist() == [START + 990]
        assert result.offsets_ms.tolist() == [40.0]

    def test_of_two_equally_near_test_beats_the_later_is_taken(self) -> None:
        result = score(at(1000), at(990, 1010))
        assert counts(result) == {"Nn": 1, "On": 1}
        assert result.false_positives.tolist() == [START + 990]

    def test_rival_that_has_a_nearer_partner_is_no_rival(self) -> None:
        # 1010 is as near to 1020 as to 1000, but 1020 has 1023: both reference beats are found
        result = score(at(1000, 1020), at(1010, 1023))
        assert counts(result) == {"Nn": 2}

    def test_rival_without_a_nearer_partner_wins(self) -> None:
        # 1014 is nearer to 1020, and nothing else is near 1020
        result = score(at(1000, 1020), at(1014))
        assert result.false_negatives.tolist() == [START + 1000]
        assert counts(result) == {"No": 1, "Nn": 1}

    def test_same_rule_with_the_roles_exchanged(self) -> None:
        assert counts(score(at(1010, 1023), at(1000, 1020))) == {"Nn": 2}
        assert counts(score(at(1014), at(1000, 1020))) == {"On": 1, "Nn": 1}

    def test_beats_at_the_same_sample(self) -> None:
        assert counts(score(at(1000, 1000), at(1000))) == {"Nn": 1, "No": 1}
        assert counts(score(at(1000), at(1000, 1000))) == {"Nn": 1, "On": 1}

    def test_of_beats_at_one_sample_the_reference_is_decided_first(self) -> None:
        # it waits for the second reference beat, but takes the first test beat
        ref: list[Row] = [(START + 1000, "V"), (START + 1000, "N")]
        assert counts(score(ref, at(1000))) == {"Vo": 1, "Nn": 1}
        assert counts(score(at(1000), ref)) == {"Nv": 1, "On": 1}


class TestLearningPeriod:
    def test_nothing_before_it_ends_counts(self) -> None:
        early = at(-2000, -1000)
        assert counts(score([*early, *at(1000)], at(1000))) == {"Nn": 1}
        assert counts(score(at(1000), [*early, *at(1000)])) == {"Nn": 1}

    def test_test_beat_just_before_pairs_with_reference_just_after(self) -> None:
        assert counts(score(at(2, 1000), at(-5, 1000))) == {"Nn": 2}

    def test_reference_beat_just_before_takes_the_test_beat_just_after(self) -> None:
        # the beat at +3 answers the reference at -4, which is not counted: nor is it
        assert counts(score(at(-4, 100, 1000), at(3, 100, 1000))) == {"Nn": 2}

    def test_start_at_zero_counts_the_first_beats(self) -> None:
        rules = Conditions(start_s=0.0)
        ref, test = table((50, "N"), (150, "V")), table((52, "N"), (149, "V"))
        result = compare_beats(ref, test, RATE_HZ, conditions=rules)
        assert counts(result) == {"Nn": 1, "Vv": 1}

    def test_record_shorter_than_the_learning_period_is_an_error(self) -> None:
        with pytest.raises(MonitorError, match=r"ends at 200 s.*earlier start"):
            score(at(1000), at(1000), length=20_000)


class TestEndOfRecord:
    def test_without_a_length_the_last_reference_beat_ends_it(self) -> None:
        assert counts(score(at(1000), at(1000, 2000, 3000), length=None)) == {"Nn": 1}

    def test_with_a_length_later_test_beats_are_false(self) -> None:
        assert counts(score(at(1000), at(1000, 2000, 3000))) == {"Nn": 1, "On": 2}

    def test_beats_past_the_end_do_not_count(self) -> None:
        assert counts(score(at(1000, 31_000), at(1000, 31_500))) == {"Nn": 1}

    def test_all_missed_when_the_test_has_no_beats(self) -> None:
        nothing = Annotations.from_arrays([])
        result = compare_beats(table(*at(1000, 2000)), nothing, RATE_HZ)
        assert counts(result) == {"No": 2}
        assert result.figures.q_se == 0.0
        assert result.figures.q_pp is None
        assert result.rr_error_ms is None


FIBRILLATION: list[Row] = [*at(1000), (START + 1500, "["), (START + 2500, "]"), *at(3000)]
SHUTDOWN: list[Row] = [
    *at(1000),
    (START + 1500, "~", 0x30),
    (START + 2500, "~", 0),
    *at(3000),
]


class TestFibrillation:
    def test_test_beats_inside_are_not_held_against_the_device(self) -> None:
        result = score(FIBRILLATION, at(1000, 1600, 1700, 2500, 3000))
        assert counts(result) == {"Nn": 2}

    def test_just_outside_they_are(self) -> None:
        assert counts(score(FIBRILLATION, at(1000, 1499, 2501, 3000))) == {"Nn": 2, "On": 2}

    def test_reference_beats_inside_are_not_counted(self) -> None:
        ref = sorted([*FIBRILLATION, *at(2000)])
        assert counts(score(ref, at(1000, 3000))) == {"Nn": 2}

    def test_fibrillation_of_the_device_excuses_nothing(self) -> None:
        test: list[Row] = [*at(1000), (START + 1500, "["), (START + 2500, "]"), *at(3000)]
        assert counts(score(at(1000, 2000, 3000), test)) == {"Nn": 2, "No": 1}

    def test_open_fibrillation_reaches_to_the_end(self) -> None:
        ref: list[Row] = [*at(1000), (START + 1500, "[")]
        assert counts(score(ref, at(1000, 1600, 9000))) == {"Nn": 1}

    def test_only_the_last_two_are_remembered(self) -> None:
        ref = at(1000)
        for k in range(3):
            ref += [(START + 2000 + 1000 * k, "["), (START + 2500 + 1000 * k, "]")]
        ref += at(6000)
        assert counts(score(ref, at(1000, 2200, 3200, 4200, 6000))) == {"Nn": 2, "On": 1}

    def test_one_after_the_next_reference_beat_has_been_read_already(self) -> None:
        ref = spans_around("[", "]")
        assert counts(score(ref, at(1000, 2200, 4000, 6000))) == {"Nn": 3, "On": 1}
        assert counts(score(ref, at(1000, 3200, 4000, 6000))) == {"Nn": 3}


def spans_around(first: str, last: str, subtype: int = 0) -> list[Row]:
    """Two spans, at 2000 and 3000, before the beat at 4000, and one, at 4500, after it."""
    rows = at(1000, 4000, 6000)
    for place in (2000, 3000, 4500):
        rows += [(START + place, first, subtype), (START + place + 500, last)]
    return sorted(rows)


class TestShutdown:
    def test_beats_missed_in_shutdown_are_tallied_apart(self) -> None:
        result = score(at(1000, 1600, 2400, 3000), SHUTDOWN)
        assert counts(result) == {"Nn": 2, "Nx": 2}
        assert (result.shutdown_s, result.shutdown_whole_s) == (10.0, 10)
        assert result.figures.q_se == 50.0

    def test_both_ends_belong_to_the_shutdown(self) -> None:
        result = score(at(1000, 1499, 1500, 2500, 2501, 3000), SHUTDOWN)
        assert counts(result) == {"Nn": 2, "No": 2, "Nx": 2}

    def test_noise_with_one_readable_signal_is_no_shutdown(self) -> None:
        test: list[Row] = [*at(1000), (START + 1500, "~", 0x10), (START + 2500, "~"), *at(3000)]
        result = score(at(1000, 2000, 3000), test)
        assert counts(result) == {"Nn": 2, "No": 1}
        assert result.shutdown_s == 0.0

    def test_subtype_minus_one_is_a_shutdown(self) -> None:
        test: list[Row] = [*at(1000), (START + 1500, "~", -1), (START + 2500, "~"), *at(3000)]
        assert counts(score(at(1000, 2000, 3000), test)) == {"Nn": 2, "Nx": 1}

    def test_false_beats_in_a_shutdown_of_the_reference(self) -> None:
        assert counts(score(SHUTDOWN, at(1000, 2000, 3000))) == {"Nn": 2, "Xn": 1}

    def test_one_marker_stands_for_a_shutdown_between_its_neighbours(self) -> None:
        # from one window after the beat at 1000 to one window before the beat at 3000
        test: list[Row] = [*at(1000), (START + 2000, "~", 0x30), *at(3000)]
        result = score(at(1000, 1014, 1040, 2960, 3000), test)
        assert counts(result) == {"Nn": 2, "No": 1, "Nx": 2}
        assert result.shutdown_s == (3000 - 15 - 1000 - 15) / RATE_HZ
        assert result.inferred_shutdowns == 1
        assert score(at(1000), SHUTDOWN).inferred_shutdowns == 0

    def test_one_marker_between_close_neighbours_takes_no_time(self) -> None:
        test: list[Row] = [*at(1000), (START + 1010, "~", 0x30), *at(1020)]
        result = score(at(1000, 1020), test)
        assert counts(result) == {"Nn": 2}
        assert result.shutdown_s == 0.0

    def test_time_after_the_comparison_does_not_count(self) -> None:
        rules = Conditions(end_s=320.0)
        test = table(*SHUTDOWN, *at(4000), (START + 4100, "~", 0x30), (START + 4200, "~"))
        ref = table(*at(1000, 3000, 4000))
        assert compare_beats(ref, test, RATE_HZ, conditions=rules).shutdown_s == 10.0
        assert compare_beats(ref, test, RATE_HZ, length_samples=60_000).shutdown_s == 11.0

    def test_anything_inside_cuts_a_shutdown_short(self) -> None:
        # the rhythm change is taken for its end, and the noise annotation at 2500 for nothing
        test = sorted([*SHUTDOWN, (START + 2000, "+")])
        result = score(at(1000, 1900, 2100, 3000), test)
        assert counts(result) == {"Nn": 2, "Nx": 1, "No": 1}
        assert result.shutdown_s == (2000 - 15 - 1000 - 15) / RATE_HZ
        assert result.inferred_shutdowns == 1

    def test_open_shutdown_reaches_to_the_end_of_the_record(self) -> None:
        test: list[Row] = [*at(1000), (START + 2000, "~", 0x30)]
        result = score(at(1000, 1500, 2500, 9000), test)
        assert counts(result) == {"Nn": 1, "No": 1, "Nx": 2}
        assert result.shutdown_s == 280.0

    def test_second_open_shutdown_excuses_nothing(self) -> None:
        test = [*SHUTDOWN, (START + 4000, "~", 0x30)]
        assert counts(score(at(1000, 3000, 5000), test)) == {"Nn": 2, "No": 1}

    def test_one_after_the_next_beat_has_been_read_already(self) -> None:
        down, whole = spans_around("~", "~", 0x30), at(1000, 2200, 4000, 6000)
        assert counts(score(whole, down)) == {"Nn": 3, "No": 1}
        assert counts(score(down, whole)) == {"Nn": 3, "On": 1}
        later = at(1000, 3200, 4000, 6000)
        assert counts(score(later, down)) == {"Nn": 3, "Nx": 1}
        assert counts(score(down, later)) == {"Nn": 3, "Xn": 1}

    def test_time_counts_from_the_start_of_the_record(self) -> None:
        test: list[Row] = [(100, "N"), (200, "~", 0x30), (350, "~"), *at(1000)]
        result = score(at(1000), test)
        assert result.shutdown_s == 1.5
        assert result.shutdown_whole_s == 2  # half a second is rounded up


class TestRrError:
    def test_is_the_root_mean_square_of_the_differences(self) -> None:
        result = score(at(1000, 1100, 1200), at(1000, 1103, 1199))
        # intervals 100, 100 against 103, 96; the first beats have none before the comparison
        assert result.rr_error_ms == pytest.approx(math.sqrt((9 + 16) / 2) * 10)

    def test_interval_across_fibrillation_does_not_count(self) -> None:
        ref: list[Row] = [*at(1000, 1100), (START + 1150, "["), (START + 1300, "]"), *at(1400)]
        result = score(ref, at(1000, 1103, 1400))
        assert result.rr_error_ms == pytest.approx(30.0)

    def test_interval_across_a_shutdown_does_not_count(self) -> None:
        test: list[Row] = [
            *at(1000, 1103),
            (START + 1150, "~", 0x30),
            (START + 1300, "~"),
            *at(1400),
        ]
        assert score(at(1000, 1100, 1400), test).rr_error_ms == pytest.approx(30.0)

    def test_a_missed_beat_makes_the_next_interval_wrong(self) -> None:
        # pairs: 1000, (1100 missed, test interval still that of the beat to come), 1200
        result = score(at(1000, 1100, 1200), at(1000, 1200))
        assert result.rr_error_ms == pytest.approx(math.sqrt((100**2 + 100**2) / 2) * 10)

    def test_no_intervals_no_error(self) -> None:
        assert score(at(1000), at(1000)).rr_error_ms is None


class TestClasses:
    def test_every_symbol_of_the_standard(self) -> None:
        expected = {
            **dict.fromkeys("NLRB", "N"),
            **dict.fromkeys("AaJSjen", "S"),
            **dict.fromkeys("VEr", "V"),
            "F": "F",
            **dict.fromkeys("Q/f?", "Q"),
        }
        for symbol, name in expected.items():
            result = score([(START + 1000, symbol)], [(START + 1000, symbol)])
            assert counts(result) == {name + name.lower(): 1}

    @pytest.mark.parametrize("symbol", list("+~|x!\"=pt^`'(){}*DsTu@"))
    def test_other_symbols_are_no_beats(self, symbol: str) -> None:
        rows: list[Row] = [*at(1000), (START + 1500, symbol), *at(2000)]
        assert counts(score(rows, at(1000, 2000))) == {"Nn": 2}

    def test_fusion_called_ventricular_is_no_false_positive(self) -> None:
        ref: list[Row] = [(START + 1000, "V"), (START + 2000, "F"), (START + 3000, "/")]
        test: list[Row] = [(START + k, "V") for k in (1000, 2000, 3000)]
        result = score(ref, test)
        assert counts(result) == {"Vv": 1, "Fv": 1, "Qv": 1}
        assert result.figures.v_pp == 100.0
        assert result.paced

    def test_figures_from_a_confusion_matrix_worked_by_hand(self) -> None:
        ref, test = [], []
        pairs = ["NN"] * 90 + ["NV"] * 5 + ["VV"] * 20 + ["VN"] * 5 + ["SS"] * 6 + ["SN"] * 2
        pairs += ["FV"] * 3 + ["FF"]
        for k, (r, t) in enumerate(pairs):
            ref.append((START + 100 * (k + 1), r))
            test.append((START + 100 * (k + 1), t))
        test += [(START + 20_000, "V"), (START + 20_100, "N")]  # false beats
        ref += [(START + 21_000, "V"), (START + 21_100, "N")]  # missed beats
        figures = score(ref, test).figures
        assert figures.q_se == pytest.approx(100 * 132 / 134)
        assert figures.q_pp == pytest.approx(100 * 132 / 134)
        assert figures.v_se == pytest.approx(100 * 20 / 26)
        assert figures.v_pp == pytest.approx(100 * 20 / 26)
        assert figures.s_se == pytest.approx(75)
        assert figures.s_pp == pytest.approx(100)
        assert figures.f_se == pytest.approx(25)
        assert figures.f_pp == pytest.approx(100)
        # 6 of (92 + 2 + 1 + 1 non-ventricular calls, 8 of them S, and the 6)
        assert figures.v_fpr == pytest.approx(100 * 6 / (90 + 8 + 1 + 1 + 6))


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ({"window_s": 0.0}, "match window"),
        ({"start_s": -1.0}, "start"),
        ({"end_s": 200.0}, "come after"),
        ({"classes": "aami"}, "class map"),
        ({"window_s": float("nan")}, "match window"),
        ({"window_s": float("inf")}, "match window"),
        ({"start_s": float("inf")}, "start"),
        ({"end_s": float("inf")}, "finite"),
    ],
)
def test_impossible_conditions_are_refused(rules: dict[str, float], words: str) -> None:
    with pytest.raises(MonitorError, match=words) as caught:
        Conditions(**rules)  # type: ignore[arg-type]
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("rate_hz", [0.0, -360.0, float("nan"), float("inf")])
def test_impossible_rates_are_refused(rate_hz: float) -> None:
    with pytest.raises(MonitorError, match="sampling rate"):
        compare_beats(table(*at(1)), table(*at(1)), rate_hz)
