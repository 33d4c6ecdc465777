import pytest

from monitor.errors import MonitorError
from monitor.sources.leads import choose_leads, choose_pulse, is_ecg


@pytest.mark.parametrize(
    "name", ["MLII", "ii", "V5", "aVR", "avl", "ECG", "ECG1", "ECG lead II", "MCL1", "vx", "CM5",
             "D3", "I", "V", "mod.V1", "V4R", "ML5", "CC5"]
)  # fmt: skip
def test_ecg_leads(name):
    assert is_ecg(name, "mV")
    assert is_ecg(name, "uV")


@pytest.mark.parametrize(
    ("name", "unit"),
    [("ABP", "mmHg"), ("PLETH", "NU"), ("RESP", "mV"), ("EEG Fpz-Cz", "uV"), ("SpO2", "%"),
     ("EMG", "mV"), ("PLETH", "mV"), ("II", "NU"), ("CO2", "mmHg")],
)  # fmt: skip
def test_other_signals(name, unit):
    assert not is_ecg(name, unit)


def test_a_lead_like_ii_is_primary_and_one_more_is_kept():
    names = ["V5", "MLII", "RESP", "V1"]
    assert choose_leads("r", names, ["mV"] * 4) == [1, 3]
    assert choose_leads("r", ["V1", "V2"], ["mV", "mV"]) == [0, 1]
    assert choose_leads("r", ["ABP", "V"], ["mmHg", "mV"]) == [1]


def test_of_many_leads_the_second_is_a_chest_lead():
    names = ["I", "II", "III", "AVR", "AVL", "AVF", "V1", "V2", "V3", "V4", "V5", "V6"]
    assert choose_leads("r", names, ["mV"] * 12) == [1, 6]
    assert choose_leads("r", ["II", "I", "V5"], ["mV"] * 3) == [0, 2]
    assert choose_leads("r", ["II", "X", "Y"], ["mV"] * 3) == [0, 1]


def test_lead_ii_is_known_behind_what_recorders_write_before_it():
    for name in ("ECG lead II", "ECG II", "EKG-II", "Lead II", "ecg_ii", "DII"):
        assert choose_leads("r", ["ECG lead V5", "ECG I", name], ["mV"] * 3) == [2, 0]


def test_wanted_leads_keep_their_order_and_ignore_case():
    assert choose_leads("r", ["I", "II", "V1"], ["mV"] * 3, ["v1", "I", "V1"]) == [2, 0]


def test_a_name_that_two_signals_have_means_one_after_the_other():
    assert choose_leads("r", ["ECG", "ECG"], ["mV"] * 2) == [0, 1]
    assert choose_leads("r", ["ECG", "ECG"], ["mV"] * 2, ["ECG"]) == [0]
    assert choose_leads("r", ["ECG", "ECG"], ["mV"] * 2, ["ecg", "ECG", "ECG"]) == [0, 1]


def test_errors_name_what_there_is():
    with pytest.raises(MonitorError, match=r"no lead 'V9'; it has II \(mV\), ABP \(mmHg\)"):
        choose_leads("r", ["II", "ABP"], ["mV", "mmHg"], ["V9"])
    with pytest.raises(MonitorError, match="not a voltage"):
        choose_leads("r", ["II", "ABP"], ["mV", "mmHg"], ["ABP"])
    with pytest.raises(MonitorError, match=r"signals are II \(NU\), ABP \(mmHg\), none in volts"):
        choose_leads("r", ["II", "ABP"], ["NU", "mmHg"])


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["II", "V", "PLETH", "ABP", "RESP"], 3),  # pressure before the finger
        (["II", "Pleth R", "RESP"], 1),
        (["II", "ART2"], 1),
        (["II", "ABP mean", "PPG"], 1),
        (["II", "PAP", "CVP", "artefact", "RESP", "SpO2"], None),
        (["ABP", "II"], None),  # analysed as ECG: the user said so
    ],
)
def test_the_pulse_is_known_by_its_name(names, expected):
    assert choose_pulse("r", names, [0], "auto") == expected
    assert choose_pulse("r", names, [0], "off") is None


def test_a_wanted_pulse_is_any_signal_but_a_chosen_lead():
    assert choose_pulse("r", ["II", "V", "x", "ABP"], [0, 1], "X") == 2
    with pytest.raises(MonitorError, match="no signal 'y' for the pulse; it has II, ABP"):
        choose_pulse("r", ["II", "ABP"], [0], "y")
    with pytest.raises(MonitorError, match="II cannot be ECG lead and pulse at once"):
        choose_pulse("r", ["II", "ABP"], [0], "II")
