"""Finding records: by path, in the data folder, and at PhysioNet (without a network)."""

import pytest
import wfdb

from monitor.errors import MonitorError
from monitor.sources import records
from monitor.sources.records import find_record

HEADER = "208 1 360 10\n208.dat 16 1000 16 0 0 0 0 MLII\n"


@pytest.fixture(autouse=True)
def _no_surroundings(monkeypatch, tmp_path):
    monkeypatch.delenv("ECG_MONITOR_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def put(folder, name="208"):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.hea").write_text(HEADER, encoding="utf-8")
    return folder / name


def test_by_path_with_or_without_extension(tmp_path):
    path = put(tmp_path / "rec")
    for extension in ("", ".hea", ".dat", ".mat"):
        assert find_record(f"{path}{extension}") == path


def test_suffixes_in_capitals(tmp_path):
    path = put(tmp_path / "rec")
    assert find_record(f"{path}.HEA") == find_record(f"{path}.Dat") == path
    path.with_suffix(".hea").rename(path.with_suffix(".HEA"))
    assert find_record(f"{path}.HEA") == find_record(str(path)) == path
    for name in ("night.EDF", "night.rec", "night.REC", "NIGHT.BDF"):
        (tmp_path / name).touch()
        assert find_record(str(tmp_path / name)) == tmp_path / name
        assert records.record_name(tmp_path / name).lower() == "night"


def test_by_name_in_the_data_folder(tmp_path, monkeypatch):
    path = put(tmp_path / "data" / "mitdb")
    assert find_record("208", tmp_path / "data") == path
    assert find_record("mitdb/208", tmp_path / "data") == path
    monkeypatch.setenv("ECG_MONITOR_DATA", str(tmp_path / "data"))
    assert find_record("208") == path
    put(tmp_path / "data" / "other")
    with pytest.raises(MonitorError, match=r"ambiguous.*mitdb/208, other/208"):
        find_record("208")


def test_errors_say_what_to_do(tmp_path):
    with pytest.raises(MonitorError, match="say DATABASE/RECORD"):
        find_record("patient7")
    with pytest.raises(MonitorError, match=r"\./nothing\.hea does not exist"):
        find_record("./nothing")
    with pytest.raises(MonitorError, match="the name of the record is empty"):
        find_record("")
    with pytest.raises(MonitorError, match=r"data folder .* does not exist"):
        find_record("208", tmp_path / "nowhere")


class FakePhysioNet:
    def __init__(self, fail_on=None):
        self.asked, self.fail_on = [], fail_on

    def __call__(self, database, folder, files):
        for file in files:
            self.asked.append(f"{database}/{file}")
            if file == self.fail_on:
                raise OSError("404 Error: Not Found")
            with open(f"{folder}/{file}", "w", encoding="utf-8") as out:
                out.write(HEADER if file.endswith(".hea") else "x")


def test_download_is_cached_and_reports_progress(monkeypatch):
    server = FakePhysioNet()
    monkeypatch.setattr(wfdb, "dl_files", server)
    seen = []
    path = find_record("208", progress=lambda *what: seen.append(what))
    assert path == records.cache_dir() / "mitdb" / "208"
    assert server.asked == ["mitdb/208.hea", "mitdb/208.dat"]
    assert seen == [("downloading mitdb/208.dat", 0, 1), ("downloaded mitdb/208", 1, 1)]
    assert find_record("mitdb/208") == path
    assert len(server.asked) == 2


def test_a_header_with_a_bad_date_is_downloaded_and_one_that_names_other_folders_is_not(
    monkeypatch,
):
    monkeypatch.setattr(wfdb, "dl_files", FakePhysioNet())
    monkeypatch.setattr(f"{__name__}.HEADER", HEADER.replace("360 10", "360 10 12:30:00 7/8/199"))
    assert find_record("mitdb/208").name == "208"
    monkeypatch.setattr(f"{__name__}.HEADER", HEADER.replace("208.dat", "../../208.dat"))
    with pytest.raises(MonitorError, match="names files in other folders"):
        find_record("mitdb/100")


def test_a_broken_download_leaves_nothing_behind(monkeypatch):
    monkeypatch.setattr(wfdb, "dl_files", FakePhysioNet(fail_on="208.dat"))
    with pytest.raises(MonitorError, match="cannot download mitdb/208 from PhysioNet: 404"):
        find_record("mitdb/208")
    assert list((records.cache_dir() / "mitdb").iterdir()) == []


def test_a_network_that_is_away_is_said_in_a_few_words(monkeypatch):
    def no_network(*_):
        try:
            raise OSError(-2, "Name or service not known")
        except OSError:
            raise OSError("HTTPSConnectionPool: Max retries exceeded with url: /208") from None

    monkeypatch.setattr(wfdb, "dl_files", no_network)
    with pytest.raises(MonitorError) as caught:
        find_record("mitdb/208")
    assert str(caught.value) == (
        "cannot download mitdb/208 from PhysioNet: Name or service not known"
    )


def test_a_path_into_a_folder_that_is_here_is_not_told_to_physionet(monkeypatch, tmp_path):
    server = FakePhysioNet()
    monkeypatch.setattr(wfdb, "dl_files", server)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ward3/miller").mkdir(parents=True)
    with pytest.raises(MonitorError, match=r"no record ward3/miller/ecg1: .*hea does not exist"):
        find_record("ward3/miller/ecg1")
    assert server.asked == []


def test_a_cache_that_cannot_be_made_is_not_taken_for_a_failed_download(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(MonitorError, match=r"cannot keep downloaded records in .*XDG_CACHE_HOME"):
        find_record("mitdb/208")
