"""Which patients are trained on."""

from monitor.score import RECORD_SETS
from tools.data.patients import described, patients


def test_no_record_of_ds2_and_no_paced_one_is_trained_on(data_dir):
    names = patients(data_dir)
    records = {name.split("/")[1] for name in names if name.startswith("mitdb/")}
    assert records == set(RECORD_SETS["ds1"])
    assert not records & {*RECORD_SETS["ds2"], "102", "104", "107", "217"}
    assert {name.split("/")[0] for name in names} == {"mitdb", "svdb"}


def test_the_words_about_patients_count_those_of_each_database():
    text = described(["mitdb/101", "svdb/800", "svdb/801"])
    assert text.startswith("MIT-BIH Arrhythmia Database DS1 (1 records), ")
    assert "Supraventricular Arrhythmia Database (2 records); ODC-By" in text
    assert "Supraventricular" not in described(["mitdb/101"])
