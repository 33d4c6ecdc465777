"""Formats of tables for which hand-made scores are the only source."""

import numpy as np
import pytest

from monitor.errors import MonitorError
from monitor.score import Annotations, RecordScore, compare, compare_beats, lines, summarise
from monitor.score.document import document
from monitor.score.reports import reports
from monitor.score.rhythm_lines import episode_lines, heart_rate_lines

RATE_HZ = 100.0
START = 30_000


def shutdown_score(record: str = "100") -> RecordScore:
    """Ten beats, one a second: 4 N, 2 S, 2 V, 1 F, 1 Q; one of each missed in a shutdown."""
    places = [START + 100 * k for k in range(1, 11)]
    ref = Annotations.from_arrays(places, "NSVFQNNNSV")
    rows = [(START + 90, "~", 0x30), (START + 510, "~", 0)]
    rows += [(place, "N", 0) for place in places[5:]]
    test = Annotations.from_arrays([r[0] for r in rows], [r[1] for r in rows], [r[2] for r in rows])
    return compare(ref, test, RATE_HZ, record=record, length_samples=40_000)


def test_shutdown_table() -> None:
    # beats missed: N+V+F+Q of all ten, the S missed is left out; then each class of its own
    assert lines.shutdown_lines([shutdown_score()]) == (
        "Record Nx   Sx   Vx   Fx   Qx  % beats  % N    % S    % V    % F   Total Shutdown\n"
        "                                missed missed missed missed missed      Time\n"
        " 100    1    1    1    1    1    40.00  25.00  50.00  50.00 100.00    4 seconds"
        " 4 2 2 1 1\n"
    )


def test_shutdown_table_without_supraventricular_column() -> None:
    assert lines.shutdown_lines_short([shutdown_score()]) == (
        "Record Nx   Vx   Fx   Qx  % beats  % N    % V    % F   Total Shutdown\n"
        "                           missed missed missed missed      Time\n"
        " 100    2    1    1    1    50.00  33.33  50.00 100.00    4 seconds 6 0 2 1 1\n"
    )


def test_shutdown_totals() -> None:
    # the gross figures of the short table are half of what they should be, as the package's are
    two = [shutdown_score("100"), shutdown_score("101")]
    assert lines.shutdown_lines(two, totals=True).splitlines()[4:] == [
        "_" * 72,
        "Sum     2    2    2    2    2                                         8 seconds",
        "",
        "Summary of results from 2 records",
    ]
    assert lines.shutdown_lines_short(two, totals=True).splitlines()[4:] == [
        "_" * 68,
        "Sum      4    2    2    2" + " " * 31 + "   8 seconds",
        "Gross                      25.00  16.67  25.00  50.00",
        "Average                    50.00  33.33  50.00 100.00",
        "",
        "Summary of results from 2 records",
    ]


def test_undefined_figures_are_hyphens() -> None:
    ref, test = Annotations.from_arrays([START + 1]), Annotations.from_arrays([])
    score = compare(ref, test, RATE_HZ, record="x")
    row = lines.beat_lines([score]).splitlines()[1]
    assert row == (
        "   x     0   0   0   0   0   0   0   0   0   0   0   0    0   0   0   1   0   0   0"
        "   0.00      -      -      -      -      -     -"
    )
    total = lines.beat_lines([score], totals=True).splitlines()
    assert total[5].split() == ["Average", "0.00", "-", "-", "-", "-", "-", "-"]
    assert total[-1] == "Summary of results from 1 record"


def test_fusion_called_supraventricular_counts_in_the_row_and_not_in_the_total() -> None:
    ref = Annotations.from_arrays([START + 100, START + 200], "SF")
    score = compare_beats(ref, Annotations.from_arrays(ref.samples, "SS"), RATE_HZ)
    text = lines.beat_lines([score], totals=True).splitlines()
    assert text[1].split()[-2] == "50.00"
    assert text[4].split()[-1] == "100.00"


def test_run_table_needs_runs() -> None:
    score = compare_beats(Annotations.from_arrays([START]), Annotations.from_arrays([1]), RATE_HZ)
    with pytest.raises(MonitorError, match="beats only"):
        lines.run_lines([score])
    with pytest.raises(MonitorError, match="no VF episodes"):
        episode_lines([score], "VF")


def rhythm_score() -> RecordScore:
    places = [100, START, START + 6000, START + 9000]
    ref = Annotations.from_arrays(places, "N+++", aux=["", "(AFIB", "(N", "(VT"])
    shift = [100, START + 3000, START + 6000, START + 9000]
    test = Annotations.from_arrays(shift, "N+++", aux=["", "(AFIB", "(N", "(N"])
    return compare(ref, test, RATE_HZ, record="100", length_samples=40_000)


def test_standard_report() -> None:
    assert reports([shutdown_score()], "atr", "mon", sve=True) == (
        "Beat-by-beat comparison results for record 100\n"
        "Reference annotator: atr\n"
        "     Test annotator: mon\n"
        "\n"
        "               Algorithm\n"
        "        n    s    v    f    q    o    x\n"
        "   ____________________________________\n"
        " N |    3    0    0    0    0    0    1\n"
        " S |    1    0    0    0    0    0    1\n"
        " V |    1    0    0    0    0    0    1\n"
        " F |    0    0    0    0    0    0    1\n"
        " Q |    0    0    0    0    0    0    1\n"
        " O |    0    0    0    0    0\n"
        " X |    0    0    0    0    0\n"
        "\n"
        "           QRS sensitivity:  50.00% (5/10)\n"
        " QRS positive predictivity: 100.00% (5/5)\n"
        "           VEB sensitivity:   0.00% (0/2)\n"
        " VEB positive predictivity:      -  (0/0)\n"
        "          SVEB sensitivity:   0.00% (0/2)\n"
        "SVEB positive predictivity:      -  (0/0)\n"
        "     RMS RR interval error:   0.00 ms\n"
        "\n"
        "  Beats missed in shutdown:  40.00% (4/10)\n"
        "      N missed in shutdown:  25.00% (1/4)\n"
        "      S missed in shutdown:  50.00% (1/2)\n"
        "      V missed in shutdown:  50.00% (1/2)\n"
        "      F missed in shutdown: 100.00% (1/1)\n"
        "       Total shutdown time:     4 seconds\n"
    )


def test_standard_report_without_supraventricular_class() -> None:
    text = reports([shutdown_score()], "atr", "mon", sve=False).splitlines()
    assert text[5:14] == [
        "        n    v    f    q    o    x",
        "   _______________________________",
        " N |    4    0    0    0    0    2",
        " V |    1    0    0    0    0    1",
        " F |    0    0    0    0    0    1",
        " Q |    0    0    0    0    0    1",
        " O |    0    0    0    0",
        " X |    0    0    0    0",
        "",
    ]
    assert text[18:22] == [
        "   VEB false positive rate:  0.000% (0/4)",
        "",
        "",
        "  Beats missed in shutdown:  50.00% (5/10)",
    ]


def test_mismatched_beats() -> None:
    places = [START + 100 * k for k in range(5)]
    ref = Annotations.from_arrays(places[:4], "NVNV")
    test = Annotations.from_arrays(places[1:], "VVVN")
    score = compare_beats(ref, test, RATE_HZ, record="100", length_samples=40_000)
    assert lines.mismatch_lines([score], totals=True) == (
        "Record         Time    Sample  Ref/test\n"
        "   100     5:00.000     30000  N/o\n"
        "   100     5:02.000     30200  N/v\n"
        "   100     5:04.000     30400  O/n\n" + "_" * 39 + "\n"
        "N/o      1\nN/v      1\nO/n      1\n"
        "\nSummary of results from 1 record\n"
    )


def test_episode_table() -> None:
    assert episode_lines([rhythm_score()], "AF", totals=True) == (
        "(AF detection)\n"
        "Record  TPs   FN  TPp   FP  ESe E+P DSe D+P  Ref duration  Test duration \n"
        "   100    1    0    1    0  100 100  50 100      1:00.000       0:30.000\n"
        + "_"
        * 72
        + "\nGross     1    0    1    0  100 100  50 100      1:00.000       0:30.000\n"
        "Average                     100 100  50 100\n"
        "\nSummary of results from 1 record\n"
    )
    vt = episode_lines([rhythm_score()], "VT").splitlines()[2]
    assert vt == "   100    0    1    0    0    0   -   0   -      0:10.000          0.000"


def test_heart_rate_table() -> None:
    ref = Annotations.from_arrays(range(START, 40_000, 100))
    score = compare(ref, ref, RATE_HZ, record="100")
    assert heart_rate_lines([score, rhythm_score()], totals=True) == (
        "(Measurement errors)\nMeasurement 0\nRecord\tRMS error (%)\tMean reference measurement\n"
        "   100\t 0.0000\t\t60\n" + "_" * 50 + "\nAverage  0.0000\t\t60\n"
        "\nSummary of results from 1 record\n"
    )


def test_document_says_the_same_as_the_scores() -> None:
    score = shutdown_score()
    made = document([score, score])
    assert made["conditions"]["standard"]
    record, total = made["records"][0], made["total"]
    assert record["confusion"]["counts"] == score.matrix.tolist()
    assert total["confusion"]["counts"] == (2 * score.matrix).tolist()
    assert record["missed_in_shutdown"] == {"N": 1, "S": 1, "V": 1, "F": 1, "Q": 1}
    assert (record["beats"], record["false_negatives"], record["false_positives"]) == (10, 5, 0)
    assert record["counts"]["q_se"] == [5, 10]
    assert total["gross"]["q_se"] == record["figures"]["q_se"] == 50.0
    couplet = total["runs"]["ventricular"]["couplet"]  # the V and F in a row, in shutdown
    assert (couplet["found"], couplet["missed"], couplet["se"], couplet["pp"]) == (0, 2, 0.0, None)
    assert total["shutdown_s"] == pytest.approx(8.4)


def test_gross_and_average_differ_as_they_should() -> None:
    one = compare_beats(
        Annotations.from_arrays(np.arange(START, START + 30_000, 100)),
        Annotations.from_arrays(np.arange(START, START + 30_000, 100)),
        RATE_HZ,
    )
    two = compare_beats(
        Annotations.from_arrays([START + 100, START + 300], "VV"),
        Annotations.from_arrays([START + 100], "V"),
        RATE_HZ,
    )
    total = summarise([one, two])
    assert total.q_se == pytest.approx(100 * 301 / 302)
    assert total.average.q_se == pytest.approx((100 + 50) / 2)
    assert total.average.v_se == pytest.approx(50)  # undefined in the first record
    assert (total.false_negatives, total.false_positives) == (1, 0)


def test_mean_rr_error_is_that_of_the_printed_ones() -> None:
    ref = Annotations.from_arrays([START + k for k in (1000, 1100, 1200)])
    test = Annotations.from_arrays([START + k for k in (1000, 1103, 1199)])
    score = compare_beats(ref, test, RATE_HZ)
    assert score.rr_error_ms == pytest.approx(35.35533906)
    assert summarise([score]).rr_error_ms == pytest.approx(35.36, abs=1e-9)


def test_halves_of_whole_percentages() -> None:
    """12.5 %: cut after adding a half in a record (13), rounded to even in the total (12)."""
    ref = Annotations.from_arrays([START + 100 * k for k in range(1, 25)], "VVN" * 8)
    test = Annotations.from_arrays([START + 100 * k for k in range(1, 25)], "VVN" + "N" * 21)
    text = lines.run_lines([compare(ref, test, RATE_HZ, record="100")], totals=True).splitlines()
    assert text[1].split()[:5] == ["100", "1", "7", "1", "0"]
    assert text[1].split()[13] == "13"
    assert text[4].split()[:2] == ["Gross", "12"]


def test_nothing_cannot_be_summed() -> None:
    with pytest.raises(MonitorError, match="no records"):
        summarise([])
