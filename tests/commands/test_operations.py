"""What somebody who runs a server relies on: its end, its log."""

import json
import signal

import pytest
from monitor_process import FREE, running

from monitor.cli import main
from monitor.errors import FAILED, USAGE

pytestmark = pytest.mark.slow


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


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--input", "tcp://127.0.0.1:66000"], USAGE, "write it like tcp://"),
        (["--config", "/nowhere.toml"], FAILED, "cannot read settings"),
    ],
)
def test_an_end_by_an_error_is_json_too(options, code, words, capsys):
    assert main(["serve", "--log-format", "json", *options]) == code
    (line,) = capsys.readouterr().err.splitlines()
    assert json.loads(line)["level"] == "error"
    assert words in json.loads(line)["message"]


def test_the_settings_say_where_a_service_listens_and_options_overrule_them(tmp_path):
    settings = tmp_path / "settings.toml"
    lines = ["[service]", 'log_format = "json"', 'metrics = "0"', 'keys = "/nowhere"']
    lines += [f'{name} = "{FREE}"' for name in ("input", "output", "control")]
    lines += ["[recording]", f'folder = "{tmp_path / "kept"}"']
    settings.write_text("\n".join(lines), encoding="utf-8")
    keys = tmp_path / "keys"
    assert main(["keys", "make", "server", "--keys", str(keys)]) == 0
    with running("serve", "--config", str(settings), "--keys", str(keys)) as serve:
        ready = json.loads(serve.until('"ready '))["message"]
        assert "metrics=http://127.0.0.1:" in ready
        assert "5555" not in ready
        assert (tmp_path / "kept").is_dir()
        serve.signal(signal.SIGTERM)
        serve.finish()


def test_insecure_contradicts_keys_in_the_settings(tmp_path, capsys):
    settings = tmp_path / "settings.toml"
    settings.write_text('[service]\nkeys = "/etc/keys"\n', encoding="utf-8")
    assert main(["serve", "--config", str(settings), "--insecure"]) == USAGE
    assert "--insecure contradicts" in capsys.readouterr().err
