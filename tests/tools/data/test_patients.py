"""Which patients are trained on."""

from monitor.score import RECORD_SETS
from tools.data.patients import patients


def test_no_record_of_ds2_and_no_paced_one_is_trained_on(data_dir):
    names = patients(data_dir)
    records = {name.split("/")[1] for name in names if name.startswith("mitdb/")}
    assert records == set(RECORD_SETS["ds1"])
    assert not records & {*RECORD_SETS["ds2"], "102", "104", "107", "217"}
    assert {name.split("/")[0] for name in names} == {"mitdb", "svdb"}
