"""The station over real HTTP: pages, requests by right, and what it refuses."""

import base64
import contextlib
import http.client
import json

import numpy as np
import pytest
from web_parts import LEADS, alert, beat, info, serving_ward, snippet, state, vitals
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.sync.client import connect

from monitor.web.app import page_files
from monitor.web.guard import HEADERS
from monitor.web.tokens import Person, TokenList, digest_of, save


@pytest.fixture(scope="module")
def station():
    with serving_ward() as served:
        yield served


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    path = tmp_path_factory.mktemp("keys") / "tokens.toml"
    people = (
        Person("anna", digest_of("anna's"), ("subscribe", "control")),
        Person("ben", digest_of("ben's"), ("subscribe",)),
    )
    save(TokenList(people), path)
    with serving_ward(path) as served:
        yield served


def ask(served, method, path, body=None, **headers):
    """Ask, as a browser on the page would; give status, headers and the answer."""
    names = {"host": served.host, "origin": f"http://{served.host}"}
    names |= {"content-type": "application/json"} if body is not None else {}
    names |= {name.replace("_", "-"): value for name, value in headers.items()}
    sent = {name: value for name, value in names.items() if value is not None}
    content = body if isinstance(body, bytes) else json.dumps(body) if body is not None else None
    with contextlib.closing(http.client.HTTPConnection(served.host, timeout=60)) as connection:
        connection.request(method, path, content, sent)
        answer = connection.getresponse()
        text = answer.read()
        kind = answer.getheader("content-type", "")
        return answer.status, answer, json.loads(text) if "json" in kind else text


def csrf(served, **headers):
    return ask(served, "GET", "/api/session", **headers)[2]["csrf"]


def log_in(served, token):
    status, answer, session = ask(served, "POST", "/api/login", {"token": token})
    assert status == 200
    return {"cookie": answer.getheader("set-cookie").split(";")[0]}, session


@pytest.mark.parametrize("name", sorted(page_files()))
def test_each_file_of_the_page_comes_with_its_type(station, name):
    path = "/" if name == "index.html" else f"/static/{name}"
    status, answer, text = ask(station, "GET", path)
    assert status == 200
    assert text == page_files()[name]
    kinds = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg"}
    assert answer.getheader("content-type").startswith(kinds[name.rpartition(".")[2]])


@pytest.mark.parametrize(
    "path", ["/", "/api/session", "/none", "/static/../app.py", "/api/trend/x"]
)
def test_every_answer_has_the_headers(station, path):
    _, answer, _ = ask(station, "GET", path)
    for name, value in HEADERS.items():
        assert answer.getheader(name) == value
    assert answer.getheader("server") is None


@pytest.mark.parametrize(
    "path", ["/static/app.py", "/static/../app.py", "/static/%2e%2e%2fapp.py", "/static/", "/x"]
)
def test_nothing_else_is_served(station, path):
    assert ask(station, "GET", path)[0] == 404


def test_a_request_is_handed_on(station):
    secret = csrf(station)
    station.service.answers["acknowledge"] = {"ok": True, "alerts": 1}
    body = {"command": "acknowledge", "stream": "bed-1", "alert_id": None, "keys": "dropped"}
    status, _, answer = ask(station, "POST", "/api/request", body, x_ecg_monitor=secret)
    assert (status, answer) == (200, {"ok": True, "alerts": 1})
    assert station.service.asked[-1] == {
        "command": "acknowledge", "stream": "bed-1", "alert_id": None,
    }  # fmt: skip


def test_a_refusal_of_the_service_is_told(station):
    station.service.answers["limits"] = "hr_high_bpm must lie in 60 to 300"
    body = {"command": "limits", "stream": "bed-1", "set": {"hr_high_bpm": 1}}
    status, _, answer = ask(station, "POST", "/api/request", body, x_ecg_monitor=csrf(station))
    assert status == 409
    assert "60 to 300" in answer["error"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"x_ecg_monitor": "wrong"}, 403),
        ({"x_ecg_monitor": None}, 403),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": None}, 403),
        ({"host": "evil.example"}, 403),
        ({"content_type": "text/plain"}, 415),
    ],
)
def test_a_forged_request_is_refused(station, headers, status):
    asked = len(station.service.asked)
    given = {"x_ecg_monitor": csrf(station), **headers}
    body = {"command": "acknowledge", "stream": "bed-1", "alert_id": None}
    assert ask(station, "POST", "/api/request", body, **given)[0] == status
    assert len(station.service.asked) == asked


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[]", 400),
        (b"[" * 10_000, 400),
        (b" " * 20_000, 413),
        ({"command": "history"}, 409),
        ({"command": ["limits"]}, 409),
        ({}, 409),
    ],
)
def test_a_bad_request_is_one_line(station, body, status):
    found, _, answer = ask(station, "POST", "/api/request", body, x_ecg_monitor=csrf(station))
    assert found == status
    assert not answer["ok"]
    assert "\n" not in answer["error"]


def test_trends_and_strips(station):
    station.take(
        info(), state(), vitals(), snippet(number=1, start=100), beat(sample=300), now_s=0.0
    )
    station.take(alert(beats=(50, 400, 700)), now_s=0.0)
    assert ask(station, "GET", "/api/trend/bed-1")[2]["mean_bpm"] == [72.0]
    assert ask(station, "GET", "/api/trend/nobody")[2]["time_s"] == []
    strip = ask(station, "GET", "/api/strip/bed-1/1")[2]
    values = np.frombuffer(base64.b64decode(strip["values"]), "<f4").reshape(-1, strip["columns"])
    np.testing.assert_array_equal(values, snippet().values_mv)
    assert strip["beats"] == [[300, "N", 0.8]]
    assert (strip["start_sample"], strip["rate_hz"], strip["leads"]) == (100, 250.0, list(LEADS))
    assert strip["alarm"]["text"] == "VT"
    assert ask(station, "GET", "/api/strip/nobody/1")[0] == 404
    assert ask(station, "GET", "/api/strip/bed-1/x")[0] == 404


def test_an_old_strip_comes_from_the_journal_with_the_beats_of_its_alarm(station):
    station.take(info("bed-9"), alert("bed-9", 7, beats=(1, 5100, 5300)), now_s=0.0)
    values = np.ones((500, 2), np.float32)
    station.service.answers["snippet"] = {
        "ok": True, "shape": [500, 2], "start_sample": 5000, "rate_hz": 250.0,
        "leads": ["II", "V1"], "values": base64.b64encode(values.tobytes()).decode(),
    }  # fmt: skip
    strip = ask(station, "GET", "/api/strip/bed-9/7")[2]
    assert strip["beats"] == [[5100, "", None], [5300, "", None]]
    assert strip["start_sample"] == 5000
    station.service.answers["snippet"] = "no snippet of alert 7 is kept"
    status, _, answer = ask(station, "GET", "/api/strip/bed-9/7")
    assert status == 409
    assert "is kept" in answer["error"]
    station.service.answers["snippet"] = {
        "ok": True,
        "shape": [3, 2],
        "start_sample": 0,
        "values": "",
    }
    assert ask(station, "GET", "/api/strip/bed-9/7")[0] == 409


def test_a_login_is_needed_where_there_are_tokens(guarded):
    for path in ("/api/session", "/api/trend/bed-1", "/api/strip/bed-1/1"):
        assert ask(guarded, "GET", path)[0] == 401
    body = {"command": "acknowledge", "stream": "bed-1", "alert_id": None}
    assert ask(guarded, "POST", "/api/request", body, x_ecg_monitor="")[0] == 401
    assert ask(guarded, "GET", "/")[0] == 200  # the page asks for the token
    assert ask(guarded, "POST", "/api/login", {"token": "nobody's"})[0] == 403
    assert ask(guarded, "POST", "/api/login", {"token": 3})[0] == 403
    with pytest.raises(InvalidStatus):
        connect(f"ws://{guarded.host}/live", origin=f"http://{guarded.host}")


def test_rights_are_those_of_the_token(guarded):
    body = {"command": "acknowledge", "stream": "bed-1", "alert_id": None}
    for token, status in (("anna's", 200), ("ben's", 409)):
        cookie, session = log_in(guarded, token)
        given = {**cookie, "x_ecg_monitor": session["csrf"]}
        assert ask(guarded, "POST", "/api/request", body, **given)[0] == status
        reading = {"command": "limits", "stream": "bed-1"}
        assert ask(guarded, "POST", "/api/request", reading, **given)[0] == 200
        discharge = {"command": "discharge", "stream": "bed-1"}
        found, _, answer = ask(guarded, "POST", "/api/request", discharge, **given)
        assert (found, answer["error"]) == (409, "you have no right to discharge")


def test_logging_out_ends_the_session(guarded):
    cookie, session = log_in(guarded, "anna's")
    assert ask(guarded, "GET", "/api/session", **cookie)[0] == 200
    given = {**cookie, "x_ecg_monitor": session["csrf"]}
    assert ask(guarded, "POST", "/api/logout", {}, **given)[0] == 200
    assert ask(guarded, "GET", "/api/session", **cookie)[0] == 401


def test_the_live_connection_tells_the_ward(station):
    station.take(info(), state(), now_s=0.0)
    with connect(f"ws://{station.host}/live", origin=f"http://{station.host}") as socket:
        socket.send(b"\0")  # bytes end it at most for the sender
    with connect(f"ws://{station.host}/live", origin=f"http://{station.host}") as socket:
        kinds = {json.loads(socket.recv(timeout=60))["type"] for _ in range(3)}
        assert kinds == {"tick", "ward", "beds"}
        for wish in ("{", "[]", '{"watch": 3}', '{"watch": "bed-1", "leads": "II"}', "[" * 4000):
            socket.send(wish)
        socket.send(json.dumps({"watch": "bed-1", "leads": [0]}))
        until = (json.loads(text) for text in iter(socket.recv, None) if isinstance(text, str))
        assert next(m for m in until if m["type"] == "events")["name"] == "bed-1"


@pytest.mark.parametrize("origin", ["http://evil.example", None, "null"])
def test_a_page_of_another_site_gets_no_live_connection(station, origin):
    with pytest.raises(InvalidStatus):
        connect(f"ws://{station.host}/live", origin=origin)


def test_a_visitor_who_is_let_in_no_more_is_cut(guarded, tmp_path):
    cookie, session = log_in(guarded, "ben's")
    options = {
        "origin": f"http://{guarded.host}",
        "additional_headers": {"Cookie": cookie["cookie"]},
    }
    with connect(f"ws://{guarded.host}/live", **options) as socket:
        given = {**cookie, "x_ecg_monitor": session["csrf"]}
        ask(guarded, "POST", "/api/logout", {}, **given)
        with pytest.raises(ConnectionClosedError, match="4401"):
            list(socket)
