import pytest

from monitor.sources.simulator import Scenario, Segment, Simulator
from tools.evaluate.golden import digest, main


def of(rhythm, chunk_s):
    return digest(Simulator(Scenario("s", "", (Segment(rhythm, 20.0),)), 250.0, chunk_s=chunk_s))


@pytest.mark.slow
def test_the_hash_tells_other_events_and_not_other_chunks():
    assert of("sinus", 0.1) == of("sinus", 7.0)
    assert of("sinus", 0.1) != of("vt", 0.1)


def test_each_scenario_has_a_line(capsys):
    assert main(["--scenarios", "nan"]) == 0
    name, count, sha256 = capsys.readouterr().out.split()
    assert (name, len(sha256)) == ("nan", 16)
    assert int(count) > 0
