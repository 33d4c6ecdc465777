"""Recordings in a bucket or on a web server, results in a bucket: the files of a local run."""

import functools
import shutil
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import fsspec
import pytest
from archive_parts import make_record, results

from monitor.archive.local_place import LocalPlace
from monitor.archive.places import place_of
from monitor.archive.recording_files import fetched, states_of
from monitor.cli import main
from monitor.errors import MonitorError


@pytest.fixture
def bucket():
    files = fsspec.filesystem("memory")
    yield files
    files.store.clear()
    files.pseudo_dirs[:] = [""]


@pytest.fixture
def archive(tmp_path):
    make_record(tmp_path / "in", "a")
    make_record(tmp_path / "in" / "ward", "b", seed=1)
    return tmp_path / "in"


@pytest.fixture
def web(archive):
    """Serve the archive, with listings, on loopback."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=archive))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def here(archive, tmp_path):
    """Give the results of a local run."""
    assert main(["annotate", str(archive), "--out", str(tmp_path / "here"), "--jobs", "1"]) == 0
    return results(tmp_path / "here")


def downloaded(bucket, folder, target):
    if bucket.exists(folder):
        bucket.get(folder, str(target), recursive=True)
    return results(target)


@pytest.mark.slow
def test_a_bucket_to_a_bucket_is_the_same_as_here_and_goes_on(
    archive, here, bucket, tmp_path, capsys
):
    bucket.put(str(archive), "/archive", recursive=True)
    argv = ["annotate", "memory://archive", "--out", "memory://done"]
    capsys.readouterr()
    assert main(argv) == 0
    assert downloaded(bucket, "/done", tmp_path / "got") == here
    assert not [name for name in bucket.find("/done") if ".unfinished" in name]
    assert main(argv) == 0
    assert "2 records (2 finished before)" in capsys.readouterr().out
    bucket.pipe("/archive/a.dat", (archive / "a.dat").read_bytes())  # written anew
    assert main([*argv, "--plot", "memory://strips"]) == 0
    assert "2 records, " in capsys.readouterr().out
    assert "/strips/ward/b_0001_bigeminy.svg" in bucket.find("/strips")


@pytest.mark.slow
def test_single_records_and_lists_by_url(archive, here, bucket, tmp_path, capsys):
    bucket.put(str(archive), "/archive", recursive=True)
    bucket.pipe("/archive/RECORDS", b"a\nward/b\nward/none\n")
    out = tmp_path / "out"
    assert main(["annotate", "--list", "memory://archive/RECORDS", "--out", str(out)]) == 1
    assert "no folder with WFDB or EDF recordings memory://archive/ward/none" in (
        capsys.readouterr().err
    )
    assert results(out) == here
    for url in ("memory://archive/a", "memory://archive/a.hea"):
        assert main(["annotate", url, "--out", str(out)]) == 0
    assert "1 record (1 finished before)" in capsys.readouterr().out


@pytest.mark.slow
def test_a_web_server(web, here, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["annotate", f"{web}/", "--out", out.as_uri(), "--jobs", "1"]) == 0
    assert results(out) == here
    assert main(["annotate", f"{web}/ward/b", "--out", str(tmp_path / "one")]) == 0
    assert (tmp_path / "one" / "b.mon").read_bytes() == here["ward/b.mon"]
    assert main(["annotate", f"{web}/ward/none", "--out", str(out)]) == 1
    assert "no folder with WFDB or EDF" in capsys.readouterr().err


def test_a_part_of_a_recording_that_is_not_there_is_told(archive, bucket, tmp_path, capsys):
    bucket.put(str(archive), "/archive", recursive=True)
    bucket.rm("/archive/a.dat")
    assert main(["annotate", "memory://archive/a", "--out", str(tmp_path)]) == 1
    assert "a.dat" in capsys.readouterr().err


def test_a_header_cannot_lead_out_of_its_folder(bucket, tmp_path):
    bucket.pipe("/secret.dat", b"secret")
    bucket.pipe("/archive/a.hea", b"a 1 250 2\n../secret.dat 16 200/mV 16 0 0 0 0 II\n")
    place = place_of("memory://archive")
    states = states_of(place, "a")
    assert list(states) == ["a.hea"]
    assert fetched(place, "a", states, tmp_path) == tmp_path / "a"
    assert [path.name for path in tmp_path.iterdir()] == ["a.hea"]


def test_all_parts_of_a_multi_segment_record_are_fetched(bucket, tmp_path):
    bucket.pipe("/x/m.hea", b"m/3 1 250 4\ns1 2\n~ 1\ns2 1\n")
    for name in ("s1", "s2"):
        bucket.pipe(f"/x/{name}.hea", f"{name} 1 250 2\n{name}.dat 16 200 16\n".encode())
        bucket.pipe(f"/x/{name}.dat", b"1234")
    states = states_of(place_of("memory://x"), "m")
    assert list(states) == ["m.hea", "s1.hea", "s1.dat", "s2.hea", "s2.dat"]
    assert states["s1.dat"][0] == 4


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("s3://bucket/x", "needs a package more: Install s3fs to access S3"),
        ("nothing://bucket/x", "Protocol not known: nothing"),
        ("http://127.0.0.1:9/x", "cannot "),
    ],
)
def test_places_that_cannot_be_opened(url, complaint, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "s3fs", None)
    assert main(["annotate", "x", "--out", url]) != 0
    err = capsys.readouterr().err
    assert complaint in err
    assert err.count("\n") == 1
    assert main(["annotate", url, "--out", str(tmp_path)]) != 0
    assert complaint in capsys.readouterr().err


def test_a_bucket_that_is_not_there_is_told_and_not_made(bucket, tmp_path, monkeypatch, capsys):
    def no_bucket(*_, **__):
        raise FileNotFoundError("The specified bucket does not exist")

    monkeypatch.setattr(type(bucket), "protocol", ("memory", "s3"))
    monkeypatch.setattr(type(bucket), "put_file", no_bucket)
    monkeypatch.setattr(type(bucket), "makedirs", lambda *_, **__: pytest.fail("made"))
    assert main(["annotate", "x", "--out", "memory://typo/out"]) == 1
    err = capsys.readouterr().err
    assert err == (
        "ecg-monitor: memory://typo/out: cannot write into it: FileNotFoundError: "
        "The specified bucket does not exist\n"
    )


def test_what_is_in_one_process_is_not_given_to_others(bucket, archive, capsys):
    argv = ["annotate", str(archive), "--out", "memory://done", "--jobs", "2"]
    assert main(argv) == 2
    assert "memory://done is within one process" in capsys.readouterr().err


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    place = LocalPlace(tmp_path)
    (tmp_path / "new").write_text("new")
    (tmp_path / "x").write_text("old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(MonitorError, match=r"cannot write into .*: No space left"):
        place.put(tmp_path / "new", "x")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "x"]
    assert (tmp_path / "x").read_text() == "old"
