"""The central station as it is used: processes, a simulated patient, a browser."""

import contextlib
import json
import os
import signal
import ssl
import subprocess
import urllib.request
from pathlib import Path

import pytest
from monitor_process import FREE, running, serving, wait_for
from websockets.sync.client import connect

from monitor.cli import main
from monitor.errors import USAGE

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]

ROWS = "() => [...document.querySelectorAll('.page-events li')].map((e) => +e.dataset.id)"


@contextlib.contextmanager
def patient(endpoint, scenario, name="bed-1"):
    options = ("--stream", name, "--speed", "4", "--publish", endpoint)
    with running("demo", "--scenario", scenario, *options) as sender:
        yield sender


def journalled(at):
    """Give (id, seq) of the alerts that the journal of a service holds."""
    with running(
        "alerts", "--connect", at["output"], "--control", at["control"], "--since", "0",
        "--timeout", "3",
    ) as alerts:  # fmt: skip
        lines = alerts.finish()
    return {(event["id"], event["seq"]) for event in map(json.loads, lines)}


def child_of(process):
    """Give the process of the station beside a service."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return int(children[0]) if children else None


def gone(pid):
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True
    return stat.rpartition(")")[2].split()[0] == "Z"  # ended, and not asked after


def test_an_alarm_of_a_patient_is_on_the_page_and_can_be_acknowledged(open_page, tmp_path):
    journal = str(tmp_path / "journal.db")
    with serving("--web", "0", "--journal", journal) as (_, at):
        page = open_page(at["web"])
        page.page.click("#sound")
        with patient(at["input"], "asystole"):
            page.state("sound", "high")
            page.until("() => document.querySelector('.tile-text').textContent.includes('ASYST')")
            page.until("() => Number(document.body.dataset.pulses) >= 10")
            page.page.locator(".tile-ack:visible").click()
            page.until("() => document.querySelector('.tile').dataset.state === 'acknowledged'")
            page.page.click(".tile-name")
            page.until(f"() => ({ROWS})().length > 0")
            page.page.locator(".event", has_text="ASYST").first.click()
            page.until("() => document.querySelector('.frozen').textContent.includes('FROZEN')")


def test_a_server_that_is_killed_is_shown_and_no_alarm_is_missing_after(open_page, tmp_path):
    journal = str(tmp_path / "journal.db")
    with contextlib.ExitStack() as stack:
        first, at = stack.enter_context(serving("--journal", journal))
        web = stack.enter_context(
            running("web", "--connect", at["output"], "--control", at["control"], "--web", "0")
        )
        url = web.until("ready").split("web=")[1].strip()
        page = open_page(url + "#/bed/bed-1")
        with patient(at["input"], "run"):
            page.until(f"() => ({ROWS})().length >= 2")
            before = page.page.evaluate(ROWS)
            first.kill()
            page.state("link", "lost")
            page.state("sound", "medium")
            assert page.text("[data-part=rate]") == "--"
            endpoints = (at["input"], at["output"], at["control"])
            _, again = stack.enter_context(serving("--journal", journal, endpoints=endpoints))
            page.state("link", "live")
            # more has been raised since
            page.until(
                "(n) => document.querySelectorAll('.page-events li').length > n", len(before)
            )
        known = journalled(again)
        wait_for(
            lambda: {id for id, _ in known} <= set(page.page.evaluate(ROWS)),
            "every alarm of the journal on the page",
        )


def test_a_station_that_comes_late_shows_alarms_of_the_past(open_page, tmp_path):
    journal = str(tmp_path / "journal.db")
    with serving("--journal", journal) as (_, at):
        with patient(at["input"], "run", "bed-9") as sender, running(
            "alerts", "--connect", at["output"], "--control", at["control"], "--since", "0",
            "--kind", "v_run", "--kind", "nsvt", "--kind", "vt", "--count", "3",
        ) as alerts:  # fmt: skip
            alerts.finish()
            sender.signal(signal.SIGINT)
        known = {id for id, _ in journalled(at)}
        with running(
            "web", "--connect", at["output"], "--control", at["control"], "--web", "0"
        ) as web:
            url = web.until("ready").split("web=")[1].strip()
            page = open_page(url + "#/bed/bed-9")
            wait_for(lambda: known <= set(page.page.evaluate(ROWS)), "alarms of the past")


def test_a_station_that_dies_is_started_again(tmp_path):
    with serving("--web", "0", "--journal", "off") as (serve, at):
        child = child_of(serve)
        os.kill(child, signal.SIGKILL)
        serve.until("is started again")
        serve.until("ready web=")
        assert child_of(serve) != child
        assert at["web"].startswith("http://127.0.0.1:")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_station_ends_with_its_server(number):
    with serving("--web", "0", "--journal", "off") as (serve, _):
        child = child_of(serve)
        serve.signal(number)
        wait_for(lambda: gone(child), "the station has ended")
        assert not any("Traceback" in line for line in serve.remarks)


def test_beyond_this_machine_by_tls_with_keys_and_a_token(tmp_path, capsys):
    keys = tmp_path / "keys"
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    try:
        subprocess.run(
            [*command, "-keyout", str(key), "-out", str(cert), *names],
            check=True, capture_output=True,
        )  # fmt: skip
    except FileNotFoundError:
        pytest.skip("needs openssl")
    for whose in ("server", "client"):
        assert main(["keys", "make", whose, "--keys", str(keys)]) == 0
    public = str(keys / "client.key")
    rights = ("--right", "subscribe", "--right", "control")
    assert main(["keys", "allow", "station", public, *rights, "--keys", str(keys)]) == 0
    capsys.readouterr()
    assert main(["keys", "token", "anna", "--right", "control", "--keys", str(keys)]) == 0
    token = capsys.readouterr().out.strip()
    tls = ("--web-cert", str(cert), "--web-key", str(key))
    options = ("--keys", str(keys), "--journal", "off", "--web", "0.0.0.0:0", *tls)
    with serving(*options, "--web-tokens", str(keys / "tokens.toml")) as (_, at):
        port = at["web"].rstrip("/").rpartition(":")[2]
        base, trust = f"https://localhost:{port}", ssl.create_default_context(cafile=str(cert))
        body = json.dumps({"token": token}).encode()
        headers = {"Content-Type": "application/json", "Origin": base}
        request = urllib.request.Request(f"{base}/api/login", body, headers)
        with urllib.request.urlopen(request, context=trust) as answer:
            cookie = answer.headers["set-cookie"]
            assert "Secure" in cookie
            assert "strict-transport-security" in answer.headers
            assert json.load(answer)["rights"] == ["control", "subscribe"]
        more = {"Cookie": cookie.split(";")[0]}
        with connect(
            f"wss://localhost:{port}/live", origin=base, ssl=trust, additional_headers=more
        ) as live:
            wait_for(
                lambda: json.loads(live.recv(timeout=60)).get("lost") is False,
                "the station hears the service by its key",
            )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--web", "0.0.0.0:0"), "can be reached from other machines"),
        (("--web", "eighty"), "is not an address"),
        (("--web", "0", "--web-tokens", "none/tokens.toml"), "ecg-monitor keys token"),
    ],
)
def test_a_station_that_cannot_start_is_one_line(options, said):
    ends = [word for name in ("--input", "--output", "--control") for word in (name, FREE)]
    with running("serve", *ends, "--journal", "off", *options) as serve:
        serve.finish(code=1)
        assert said in serve.remarks[-1]
    with running("web", *options) as web:
        web.finish(code=USAGE)
        assert len(web.remarks) == 1
        assert said in web.remarks[0]


def test_a_station_needs_a_key_where_the_server_asks_for_keys(tmp_path, capsys):
    keys = str(tmp_path)
    main(["keys", "make", "server", "--keys", keys])
    ends = [word for name in ("--input", "--output", "--control") for word in (name, FREE)]
    command = ("serve", *ends, "--journal", "off", "--keys", keys, "--web", "0")
    with running(*command) as serve:
        serve.finish(code=USAGE)
        assert "keys make client" in serve.remarks[-1]
    main(["keys", "make", "client", "--keys", keys])
    with running(*command) as serve:
        serve.finish(code=USAGE)
        assert "keys allow station" in serve.remarks[-1]
