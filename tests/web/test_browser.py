"""The page in a real browser: what is drawn, what sounds, what is shown when something is lost."""

import pytest
from pump import pumping
from web_parts import alert, beat, info, quality, serving_ward, snippet, stale, state

from monitor.messages import AamiClass, AlertKind, AlertState, End, LeadState, Priority
from monitor.web.tokens import Person, TokenList, digest_of, save

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]

BEDS = [f"bed-{k}" for k in range(1, 13)]
DRAWN = """
    () => [...document.querySelectorAll('.tile canvas')].map((canvas) => {
        const pen = canvas.getContext('2d');
        const { data } = pen.getImageData(0, 0, canvas.width, canvas.height);
        let columns = new Set();
        for (let at = 3; at < data.length; at += 4) {
            if (data[at] > 100) columns.add(((at - 3) / 4) % canvas.width);
        }
        return columns.size / canvas.width;
    })
"""
TILES = "() => [...document.querySelectorAll('.tile-name')].map((name) => name.textContent)"
ALARM = """
    (text) => [...document.querySelectorAll('.tile-text')].some((e) => e.textContent.includes(text))
"""


@pytest.fixture
def ward():
    with serving_ward() as served, pumping(served, BEDS) as pump:
        served.pump = pump
        yield served


def test_every_tile_is_drawn(ward, open_page):
    page = open_page(ward.url)
    page.state("link", "live")
    page.until(
        f"() => {{ const d = ({DRAWN})(); return d.length === 12 && d.every((x) => x > 0.6) }}"
    )
    assert page.page.evaluate(TILES) == BEDS
    page.until("() => document.querySelector('.tile-rate').textContent === '72'")
    assert page.text("#summary") == "12 patients · 0 with new alarms"


def test_an_alarm_is_shown_first_said_and_heard(ward, open_page):
    page = open_page(ward.url)
    page.until(f"() => ({TILES})().length === 12")
    assert page.page.is_visible("#sound")
    page.page.click("#sound")
    page.state("audio", "on")
    ward.pump.give(alert("bed-7", text="VT 5 beats"))
    page.state("sound", "high")
    page.until("() => document.body.dataset.pulses === '10'")
    page.until(ALARM, "VT 5 beats")
    assert page.page.evaluate(TILES)[0] == "bed-7"
    assert page.text(".tile .chip") == "!!!"  # not by colour alone
    page.until("() => document.getElementById('said').textContent.includes('bed-7: high alarm')")
    ward.pump.give(alert("bed-7", seq=2, state=AlertState.ACKNOWLEDGED, text="VT 5 beats"))
    page.state("sound", "none")


@pytest.mark.parametrize(
    ("priority", "pulses"), [(Priority.HIGH, 10), (Priority.MEDIUM, 3), (Priority.LOW, 1)]
)
def test_pulses_tell_the_priority(ward, open_page, priority, pulses):
    page = open_page(ward.url)
    page.page.click("#sound")
    page.state("audio", "on")
    ward.pump.give(alert(priority=priority))
    page.state("sound", priority.value)
    page.until("(n) => document.body.dataset.pulses === String(n)", pulses)


def test_no_sound_before_a_click_and_the_page_says_so(ward, open_page):
    page = open_page(ward.url)
    ward.pump.give(alert())
    page.state("sound", "high")
    page.state("audio", "off")
    assert page.text("#sound") == "Sound is off: switch on"
    assert page.page.evaluate("document.body.dataset.pulses") == "0"


def test_acknowledging_is_asked_of_the_service(ward, open_page):
    page = open_page(ward.url)
    ward.pump.give(alert("bed-3"))
    page.page.locator(".tile-ack:visible").click()
    answered = {"command": "acknowledge", "stream": "bed-3", "alert_id": None}
    page.until("() => performance.getEntriesByName(location.origin + '/api/request').length > 0")
    assert ward.service.asked == [answered]


def test_a_refusal_is_shown(ward, open_page):
    ward.service.answers["acknowledge"] = "your key lacks the right 'control'"
    page = open_page(ward.url)
    ward.pump.give(alert("bed-3"))
    page.page.locator(".tile-ack:visible").click()
    page.until("() => document.getElementById('notice').textContent.includes('lacks the right')")
    page.faults = [fault for fault in page.faults if "409" not in fault]


def test_a_pause_ends_when_something_worse_comes(ward, open_page):
    page = open_page(ward.url)
    page.page.click("#sound")
    ward.pump.give(alert(kind=AlertKind.AF, priority=Priority.MEDIUM))
    page.state("sound", "medium")
    page.page.click("#pause")
    page.state("audio", "paused")
    assert "Bell paused" in page.text("#pause")
    ward.pump.give(alert("bed-2"))
    page.state("audio", "on")
    page.state("sound", "high")


def test_silence_is_unmistakable_and_heard(ward, open_page):
    page = open_page(ward.url)
    page.until(f"() => ({DRAWN})().every((x) => x > 0.3)")
    ward.pump.silent.add("bed-5")
    ward.pump.give(stale("bed-5"))
    page.state("sound", "medium")
    tile = page.page.locator(".tile", has_text="bed-5")
    page.until("() => document.querySelector('.tile').dataset.signal === 'none'")
    assert "NO SAMPLES" in tile.inner_text()
    assert "--" in tile.locator(".tile-rate").inner_text()
    page.until(f"() => ({DRAWN})()[0] === 0")  # no old trace


def test_a_bed_without_samples_shows_no_old_trace_before_the_service_says_so(ward, open_page):
    page = open_page(ward.url)
    page.until(f"() => ({DRAWN})().every((x) => x > 0.3)")
    ward.pump.silent.add("bed-1")
    page.until("() => document.querySelector('.tile-none').textContent.startsWith('NO TRACE')")
    page.until(f"() => ({DRAWN})()[0] === 0")


def test_leads_that_are_off_are_unmistakable_and_heard(ward, open_page):
    page = open_page(ward.url)
    off = (LeadState.LEAD_OFF, LeadState.LEAD_OFF)
    ward.pump.give(quality("bed-4", off, usable=False))
    kind, priority = AlertKind.LEAD_OFF, Priority.TECHNICAL
    ward.pump.give(alert("bed-4", kind=kind, priority=priority, text="LEAD OFF II, V1"))
    page.state("sound", "medium")
    page.until("() => document.querySelector('.tile').dataset.signal === 'unusable'")
    first = page.page.locator(".tile").first
    assert "LEAD OFF" in first.locator(".tile-none").inner_text()
    assert first.locator(".tile-rate").inner_text() == "--"


def test_a_service_that_is_gone_is_shown_and_heard_and_comes_back(ward, open_page):
    page = open_page(ward.url)
    page.page.click("#sound")
    page.until(f"() => ({DRAWN})().every((x) => x > 0.3)")
    ward.pump.dead = True
    page.state("link", "lost")
    page.state("sound", "medium")
    assert "NO SERVICE" in page.text("#lost")
    page.until(f"() => ({DRAWN})().every((x) => x === 0)")
    assert set(page.page.locator(".tile-rate").all_inner_texts()) == {"--"}
    page.page.keyboard.press("a")  # that it is gone has been heard
    page.state("sound", "none")
    ward.pump.dead = False
    page.state("link", "live")
    page.until(f"() => ({DRAWN})().every((x) => x > 0.3)")
    assert not page.page.is_visible("#lost")


def test_a_browser_that_comes_back_has_the_whole_list(ward, open_page):
    page = open_page(ward.url + "#/bed/bed-1")
    rows = (
        "() => [...document.querySelectorAll('.page-events li')].map((e) => Number(e.dataset.id))"
    )
    ward.pump.give(*(alert(number=k, seq=k) for k in range(1, 4)))
    page.until(f"() => ({rows})().length === 3")
    page.context.set_offline(True)
    page.page.evaluate("() => true")
    server = ward.server
    for connection in list(server.server_state.connections):
        connection.transport.close()
    page.state("link", "lost")
    assert "NO CONNECTION" in page.text("#lost")
    ward.pump.give(*(alert(number=k, seq=k) for k in range(4, 40)))
    ward.pump.give(alert(number=2, seq=40, state=AlertState.CLEARED))
    page.context.set_offline(False)
    page.state("link", "live")
    page.until(f"() => ({rows})().length === 39")
    assert sorted(page.page.evaluate(rows)) == list(range(1, 40))
    ended = "() => document.querySelector('.page-events li[data-id=\"2\"]').dataset.state"
    assert page.page.evaluate(ended) == "cleared"
    page.faults.clear()  # of the connection that was cut


def test_an_event_shows_its_strip_frozen_while_the_trace_goes_on(ward, open_page):
    ward.pump.give(snippet("bed-1", start=0), alert(beats=(300, 500)))
    ward.pump.give(*(beat("bed-1", k, AamiClass.V) for k in (200, 400, 600)))
    page = open_page(ward.url + "#/bed/bed-1")
    page.page.click(".event")
    page.until(
        "() => document.querySelector('[data-part=striptext]').textContent.startsWith('FROZEN')"
    )
    label = "document.querySelector('[data-part=stripcanvas]').getAttribute('aria-label')"
    assert "3 beats" in page.page.evaluate(label)
    strip = "document.querySelector('[data-part=stripcanvas]').toDataURL()"
    live = "document.querySelector('.lane canvas:last-child').toDataURL()"
    before = page.page.evaluate(f"[{strip}, {live}]")
    page.until(f"(was) => {live} !== was", before[1])
    assert page.page.evaluate(strip) == before[0]
    page.page.keyboard.press("Escape")
    assert not page.page.is_visible("[data-part=strip]")


def test_the_trace_can_be_swept_scrolled_and_scaled(ward, open_page):
    page = open_page(ward.url + "#/bed/bed-1")
    page.page.keyboard.press("w")
    page.page.keyboard.press("v")
    page.page.keyboard.press("g")
    shown = [page.text(f"[data-part={name}]") for name in ("mode", "speed", "gain")]
    assert shown == ["Scroll", "50 mm/s", "20 mm/mV"]
    ink = """() => { const c = document.querySelector('.lane canvas:last-child');
        const { data } = c.getContext('2d').getImageData(0, 0, c.width, c.height);
        let n = 0;
        for (let at = 3; at < data.length; at += 4) n += data[at] > 100;
        return n > 500 }"""
    page.until(ink)
    assert page.page.locator(".lane").count() == 2
    page.page.select_option("[data-part=lead2]", label="II")
    page.until(ink)


def test_one_lead_is_enough(open_page):
    with serving_ward() as served, pumping(served, []) as pump:
        pump.give(info("solo", leads=("II",)), state("solo", info=info("solo", leads=("II",))))
        page = open_page(served.url + "#/bed/solo")
        page.until("() => document.querySelectorAll('.lane').length === 1")
        assert not page.page.is_visible("[data-part=lead2]")


def test_a_patient_who_is_gone_is_told(ward, open_page):
    page = open_page(ward.url)
    ward.pump.silent.add("bed-1")
    ward.pump.give(End("bed-1", 100))
    page.until("() => document.querySelector('.tile-none').textContent === 'ENDED'")
    page.state("sound", "none")


def test_a_discharge_is_asked_for_twice(ward, open_page):
    page = open_page(ward.url + "#/bed/bed-1")
    ward.pump.silent.add("bed-1")
    ward.pump.give(stale())
    page.page.click("[data-part=discharge]")
    assert page.text("[data-part=discharge]") == "Press again to discharge"
    assert ward.service.asked == []
    page.page.click("[data-part=discharge]")
    page.until("() => performance.getEntriesByName(location.origin + '/api/request').length > 0")
    assert ward.service.asked == [{"command": "discharge", "stream": "bed-1"}]


def test_limits_are_shown_and_changed(ward, open_page):
    limits = {"hr_high_bpm": 120.0, "vt_beats": 5, "off": ["couplet"]}
    ward.service.answers["limits"] = {"ok": True, "limits": limits}
    page = open_page(ward.url + "#/bed/bed-2")
    page.state("link", "live")
    page.page.keyboard.press("l")
    page.page.fill("input[name=hr_high_bpm]", "135")
    page.page.check("[data-off][value=bigeminy]")
    page.page.click("#limits-save")
    page.until("() => !document.getElementById('limits').open")
    assert ward.service.asked[-1] == {
        "command": "limits", "stream": "bed-2",
        "set": {"hr_high_bpm": 135, "off": ["couplet", "bigeminy"]},
    }  # fmt: skip


def test_the_keyboard_is_enough(ward, open_page):
    page = open_page(ward.url)
    page.until(f"() => ({TILES})().length === 12")
    press = page.page.keyboard.press
    focused = "() => document.activeElement.textContent"
    page.page.focus(".tile-name")
    press("ArrowRight")
    assert page.page.evaluate(focused) == "bed-2"
    press("ArrowLeft")
    press("ArrowDown")
    below = page.page.evaluate(focused)
    assert below not in ("bed-1", "bed-2")
    ward.pump.give(alert("bed-12"))  # the tiles change places: the focus stays with the patient
    page.until(f"() => ({TILES})()[0] === 'bed-12'")
    assert page.page.evaluate(focused) == below
    press("Enter")
    page.until("(name) => document.querySelector('.page-head h2')?.textContent === name", below)
    press("Escape")
    page.until("() => !document.getElementById('ward').hidden")
    assert page.page.evaluate(focused) == below
    press("s")
    page.state("audio", "on")
    press("b")
    page.state("audio", "paused")
    press("?")
    assert page.page.is_visible("#help")


def test_dark_and_light(ward, open_page):
    page = open_page(ward.url, theme="light")
    theme = "() => document.documentElement.dataset.theme"
    assert page.page.evaluate(theme) == "light"
    page.page.keyboard.press("d")
    assert page.page.evaluate(theme) == "dark"


@pytest.mark.parametrize("width", [360, 400, 800, 1280, 3840])
def test_nothing_is_cut_off_at_any_width(ward, open_page, width):
    ward.pump.give(alert("bed-1", text="VENTRICULAR TACHYCARDIA of a very long name " * 3))
    for place in ("", "#/bed/bed-1"):
        page = open_page(ward.url + place, width=width, height=900)
        page.state("link", "live")
        page.until("() => document.querySelector('.tile, .page-alarms li') !== null")
        page.until("() => document.documentElement.scrollWidth <= window.innerWidth")


def test_a_login_is_asked_for_and_rights_are_kept(open_page, tmp_path):
    path = tmp_path / "tokens.toml"
    save(TokenList((Person("ben", digest_of("ben's"), ("subscribe",)),)), path)
    with serving_ward(path) as served, pumping(served, ["bed-1"]) as pump:
        pump.give(alert())
        page = open_page(served.url + "#/bed/bed-1")
        page.page.fill("#token", "wrong")
        page.page.keyboard.press("Enter")
        page.until("() => document.getElementById('login-error').textContent !== ''")
        page.page.fill("#token", "ben's")
        page.page.keyboard.press("Enter")
        page.state("link", "live")
        page.until("() => document.querySelector('.page-alarms li') !== null")
        assert page.page.is_disabled("[data-part=ack]")
        page.page.click("#logout")
        page.page.wait_for_selector("#token")
        page.faults.clear()  # 401 and 403, which are as they should be


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_axe_finds_nothing_serious(ward, open_page, theme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    off = (LeadState.OK, LeadState.LEAD_OFF)
    ward.pump.give(quality("bed-4", off), stale("bed-5"))
    for name, priority in zip(BEDS, Priority, strict=False):
        ward.pump.give(snippet(name), alert(name, priority=priority))
    ward.service.answers["limits"] = {"ok": True, "limits": {"hr_high_bpm": 120.0, "off": []}}
    for place, then in (("", None), ("#/bed/bed-1", ".event"), ("#/bed/bed-2", "text=Limits")):
        page = open_page(ward.url + place, theme=theme)
        page.state("sound", "high")
        page.until("() => document.querySelector('.tile, .event') !== null")
        if then:
            page.page.click(then)
            page.until("() => document.querySelector('input[name], .frozen') !== null")
        found = axe.run(page.page).response["violations"]
        serious = [
            (v["id"], node["html"][:200], node["failureSummary"][:300])
            for v in found
            if v["impact"] in ("serious", "critical")
            for node in v["nodes"]
        ]
        assert serious == [], place
