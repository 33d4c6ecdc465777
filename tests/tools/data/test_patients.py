"""Which patients are trained on, and that no one of them is on both sides of a fold."""

from monitor.score import RECORD_SETS
from tools.data.patients import databases_of, folds, patients


def test_no_record_of_ds2_and_no_paced_one_is_trained_on(data_dir):
    names = patients(data_dir)
    records = {name.split("/")[1] for name in names if name.startswith("mitdb/")}
    assert records == set(RECORD_SETS["ds1"])
    assert not records & {*RECORD_SETS["ds2"], "102", "104", "107", "217"}
    assert databases_of(names) == ["mitdb", "svdb", "vfdb"]


def test_every_patient_is_in_one_fold_and_each_database_in_all():
    names = [f"mitdb/{k}" for k in range(10)] + [f"svdb/{k}" for k in range(13)]
    dealt = folds(names, 4)
    assert sorted(name for fold in dealt for name in fold) == sorted(names)
    for fold in dealt:
        assert 2 <= sum(name.startswith("mitdb/") for name in fold) <= 3
        assert 3 <= sum(name.startswith("svdb/") for name in fold) <= 4
    assert dealt == folds(names, 4)
    assert dealt != folds(names, 4, seed=2)
