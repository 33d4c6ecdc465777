"""What somebody who runs a server relies on: its end, its log."""

import json
import signal

from monitor_process import FREE, running


def test_sigterm_flushes_everything_and_every_line_of_the_log_is_json(tmp_path):
    endpoints = ["--input", FREE, "--output", FREE, "--control", FREE]
    files = ["--record", str(tmp_path / "kept"), "--journal", str(tmp_path / "journal.db")]
    with running("serve", *endpoints, *files, "--json", "--log-format", "json") as serve:
        ready = json.loads(serve.until('"ready '))
        at = dict(word.split("=", 1) for word in ready["message"].split() if "=" in word)
        publish = ["--publish", at["input"], "--speed", "20", "--stream", "bed-7"]
        with running("demo", "--scenario", "sinus", *publish) as demo:
            serve.until("stream bed-7: 360 Hz")
            kept = tmp_path / "kept" / "bed-7"
            while not list(kept.glob("*.hea")):
                pass
            serve.signal(signal.SIGTERM)
            events = [json.loads(line) for line in serve.finish()]
            demo.signal(signal.SIGKILL)
    log = [json.loads(line) for line in serve.remarks]
    assert {line["level"] for line in log} == {"info"}
    assert log[-1]["message"] == "stream bed-7: ended"
    assert log[-1]["stream"] == "bed-7"
    assert "simulator" not in "".join(serve.remarks)  # what the sender says of its source
    assert events[-1]["type"] == "end"
    assert {path.suffix for path in kept.iterdir()} == {".hea", ".dat", ".mon"}


def test_an_end_by_an_error_is_json_too():
    with running("serve", "--log-format", "json", "--input", "tcp://127.0.0.1:66000") as serve:
        serve.finish(2)
    (line,) = serve.remarks
    assert json.loads(line)["level"] == "error"
    assert "write it like tcp://" in json.loads(line)["message"]
