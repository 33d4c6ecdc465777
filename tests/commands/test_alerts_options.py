"""The options of ``alerts`` name what exists."""

import pytest

from monitor.cli import main
from monitor.messages import Priority


def test_an_unknown_kind_is_refused_with_the_known_ones(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["alerts", "--kind", "nonesuch"])
    assert stop.value.code == 2
    told = capsys.readouterr().err
    assert "'nonesuch' is not a kind of alert: " in told
    assert "asystole" in told


def test_the_priorities_offered_are_all_there_are(capsys):
    with pytest.raises(SystemExit):
        main(["alerts", "--priority", "nonesuch"])
    err = capsys.readouterr().err
    assert all(priority.value in err for priority in Priority)
