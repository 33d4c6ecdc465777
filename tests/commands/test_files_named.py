"""Files that a user names are read within bounds: a device that never ends, ends."""

import os
from pathlib import Path

import pytest

from monitor.cli import main
from monitor.config import load_settings
from monitor.errors import MonitorError
from monitor.sources.simulator.scenario_file import scenario
from monitor.wire.access import load
from monitor.wire.keys import read_public

ENDLESS = Path("/dev/zero")
pytestmark = pytest.mark.skipif(not ENDLESS.exists(), reason="needs /dev/zero")


def test_config_check_of_an_endless_file_ends(capsys):
    assert main(["config", "--check", str(ENDLESS)]) == 2
    assert "/dev/zero holds more than 4 MiB" in capsys.readouterr().err


@pytest.mark.parametrize("read", [load_settings, read_public, scenario, load])
def test_an_endless_file_is_refused_in_one_line(read, tmp_path, monkeypatch):
    monkeypatch.setattr("monitor.wire.access.check_private", lambda *_: None)
    path = tmp_path / "endless.toml"
    path.symlink_to(ENDLESS)
    with pytest.raises(MonitorError, match="endless") as caught:
        read(path)
    assert "\n" not in str(caught.value)


def test_a_pipe_is_read(tmp_path):
    path = tmp_path / "settings.toml"
    os.mkfifo(path)
    child = os.fork()
    if not child:
        path.write_text("[service]\nmax_streams = 7\n")
        os._exit(0)
    assert load_settings(path).service.max_streams == 7
    os.waitpid(child, 0)
