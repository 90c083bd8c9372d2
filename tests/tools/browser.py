"""A learner in a real browser: open a lesson, run it, work the controls. `make test-browser`, not part of `make test`.

Screenshots are kept in tests/screenshots, to be looked at.
"""

import json
import re

import pytest
from chromium import SHOTS
from learner import bring, dressed, errors_shown, opened, run_all, run_cell, save, scroll_to, write
from playwright.sync_api import expect

from vethlab_sh import Lab, cli

pytest_plugins = ["learner"]
pytestmark = pytest.mark.live  # each has labs, of its own or in the lessons of its page


def test_lesson_runs_and_the_explorer_follows_a_packet(page, lessons):
    opened(page, lessons, "2_bridge.ipynb")
    run_cell(page, "lesson(")
    bring(page, "Look around")
    run_cell(page, 'explore("ns100"')
    assert errors_shown(page) == []
    walk = page.get_by_role("button", name="Walk")
    walk.wait_for()
    player = page.frame_locator('iframe[title="packet walk"]').last
    expect(player.locator("#where")).to_contain_text("1. goes out of ns100 veth100")
    before = player.locator("#packet").get_attribute("transform")
    player.locator("#next").click()
    expect(player.locator("#where")).to_contain_text("2. comes in at master br-veth100")
    expect(player.locator("#packet")).not_to_have_attribute("transform", before)
    page.screenshot(path=SHOTS / "explorer-1280.png")
    page.locator(".widget-dropdown select").nth(1).select_option("ns100")
    page.locator(".widget-dropdown select").nth(0).select_option("ns101")
    page.locator(".widget-checkbox input").check()
    walk.click()
    expect(player.locator("#where")).to_contain_text("1. goes out of ns101 veth101: ARP who-has")
    page.get_by_role("button", name="down", exact=True).click()
    expect(page.locator(".widget-html").filter(has_text="ip link set").first).to_contain_text("down")
    page.screenshot(path=SHOTS / "explorer-switched.png")
    dressed(page, 900, "Dark")
    walk.click()
    expect(player.locator("#verdict")).to_contain_text("br0 in master is down")
    page.screenshot(path=SHOTS / "explorer-900-dark.png")


@pytest.mark.parametrize("broken", [False, True])
def test_saved_walk_is_stepped_to_its_end(browser, tmp_path, broken):
    with Lab() as lab:
        lab.play("flannel")
        if broken:
            lab.run("bridge fdb del 8e:2a:10:00:00:02 dev flannel.1")
        walk = lab.walk("pod-a", "pod-c", cold=broken)
        walk.animate(tmp_path / "walk.html")
    page = browser.new_page(viewport={"width": 1000, "height": 900})
    problems = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto((tmp_path / "walk.html").as_uri())
    expect(page.locator("#verdict")).to_have_text(walk.verdict)
    places = []
    for row in walk.rows:
        expect(page.locator("#where")).to_contain_text(f"{row.number}. ")
        expect(page.locator("#why")).to_have_text(row.why)
        expect(page.locator(".layer.outer").first).to_be_visible(visible=row.vni is not None)
        places.append(page.locator(".here").get_attribute("data-device"))
        page.keyboard.press("ArrowRight")
    expect(page.locator("#verdict")).to_have_class("lost" if broken else "fine")
    assert places == [f"{row.namespace} {row.device}" for row in walk.rows]
    expect(page.locator("#next")).to_be_disabled()
    page.screenshot(path=SHOTS / f"saved-{'broken' if broken else 'whole'}.png", full_page=True)
    page.close()
    assert problems == []


@pytest.mark.parametrize(("width", "theme"), [(1280, "Light"), (900, "Light"), (1280, "Dark")])
def test_lesson_looks_right(page, lessons, width, theme):
    opened(page, lessons, "1_direct_pair.ipynb")
    dressed(page, width, theme)
    run_all(page)
    assert errors_shown(page) == []
    for number, text in enumerate(("predict(", "lab.draw()", "--walk ns1 ns2 --cold", "exercise(")):
        scroll_to(page, text)
        page.screenshot(path=SHOTS / f"direct-{width}-{theme.lower()}-{number}.png")
    overflow = page.evaluate(
        "() => [...document.querySelectorAll('.jp-OutputArea-output > img')].filter(e => e.naturalWidth === 0).length"
    )
    assert overflow == 0


def test_no_question_about_news_stands_above_the_first_lesson(page, lessons):
    opened(page, lessons, "0_start_here.ipynb")
    run_cell(page, "lesson(")
    expect(page.get_by_text("Would you like to get notified")).to_have_count(0)


def test_prediction_stands_when_its_cell_runs_again_and_is_judged_once_it_is_the_answer(page, lessons):
    opened(page, lessons, "0_start_here.ipynb")
    for text in ("lesson(", 'predict("devices")', "ip link add tap1"):
        asked = run_cell(page, text)
    asked = run_cell(page, 'predict("devices")')
    asked.get_by_role("radio", name="2").click()
    expect(asked).to_contain_text("so far: 2")
    asked = run_cell(page, 'predict("devices")')
    expect(asked.get_by_role("radio", name="2")).to_be_checked()
    looked = run_cell(page, 'look("devices")')
    expect(looked).to_contain_text("Not asked yet: your answer comes first")
    expect(looked).not_to_contain_text("each is a device")
    asked = scroll_to(page, 'predict("devices")')
    asked.get_by_role("button", name="That is my answer").click()
    expect(asked).to_contain_text("answer: 2")
    expect(asked.get_by_role("radio")).to_have_count(0)
    looked = run_cell(page, 'look("devices")')
    expect(looked).to_contain_text("You predicted 2; the kernel says 3. Two it would be if")
    page.screenshot(path=SHOTS / "prediction-wrong.png")


def test_answer_is_there_after_saving_closing_and_opening_in_a_new_kernel(page, lessons):
    opened(page, lessons, "0_start_here.ipynb")
    for text in ("lesson(", 'predict("left")'):
        asked = run_cell(page, text)
    asked.get_by_role("radio", name="3").click()
    asked.get_by_role("button", name="That is my answer").click()
    expect(asked).to_contain_text("answer: 3")
    save(page)
    page.evaluate("window.jupyterapp.serviceManager.sessions.shutdownAll()")
    opened(page, lessons, "0_start_here.ipynb")
    asked = scroll_to(page, 'predict("left")')
    expect(asked).to_contain_text("answer: 3")
    expect(asked).not_to_contain_text("model not found")
    expect(run_cell(page, "lesson(")).to_contain_text("questions answered")
    expect(run_cell(page, 'predict("left")')).to_contain_text("answer: 3")


def test_look_out_of_order_says_from_where_to_run_and_the_lab_is_brought_there(page, lessons):
    opened(page, lessons, "2_bridge.ipynb")
    for text in ("lesson(", 'predict("ttl")'):
        asked = run_cell(page, text)
    asked.get_by_role("radio", name="63").click()
    asked.get_by_role("button", name="That is my answer").click()
    expect(asked).to_contain_text("answer: 63")
    looked = run_cell(page, 'look("ttl")')
    expect(looked).to_contain_text("The lab is not where this is asked, so nothing is judged")
    expect(looked).to_contain_text("Does it work?")
    here = bring(page, "Does it work?")
    expect(here).to_contain_text("The lab is where “Does it work?” begins")
    expect(run_cell(page, 'look("ttl")')).to_contain_text("63 would arrive if the bridge were a router")


def test_hints_come_one_at_a_time_and_show_me_does_the_exercise_and_marks_it(page, lessons, folder):
    opened(page, lessons, "2_bridge.ipynb")
    run_cell(page, "lesson(")
    bring(page, "One more")
    task = run_cell(page, 'exercise("third")')
    expect(task.get_by_role("button", name="Show me")).to_have_count(0)
    task.get_by_role("button", name="Hint 1 of 2").click()
    expect(task).to_contain_text("Nothing can be plugged in or moved before it is made")
    task.get_by_role("button", name="Hint 2 of 2").click()
    expect(task).to_contain_text("The namespace, the pair, master, up")
    task.get_by_role("button", name="Show me").click()
    expect(task).to_contain_text("yes: ns101 reaches 192.168.1.102")
    expect(task.get_by_role("button", name=re.compile("Check|Hint|Show me"))).to_have_count(0)
    page.screenshot(path=SHOTS / "exercise-shown.png")
    assert json.loads((folder / ".answers" / "2_bridge.json").read_text())["done"] == {"third": "shown"}


def test_restarted_kernel_begins_with_a_fresh_lab(page, lessons):
    opened(page, lessons, "0_start_here.ipynb")
    run_all(page)
    page.evaluate("window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    page.wait_for_function("window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'idle'")
    expect(run_cell(page, "%%lab --draw")).to_contain_text("Run the first cell of the lesson")
    run_all(page)
    assert errors_shown(page) == []


TERMINAL = """() => {
    const terminal = [...window.jupyterapp.shell.widgets('main')].find(w => w.content && w.content._term);
    if (!terminal) return '';
    const buffer = terminal.content._term.buffer.active;
    return [...Array(buffer.length).keys()].map(n => buffer.getLine(n).translateToString(true)).join('\\n');
}"""


def test_terminal_beside_the_lesson_is_in_its_lab(page, lessons):
    opened(page, lessons, "0_start_here.ipynb")
    top = run_cell(page, "lesson(")
    top.get_by_role("button", name="Open a terminal in this lab").click()
    page.wait_for_function(f"({TERMINAL})().includes('[root@master ~]#')")
    page.keyboard.type("ip link add tap8 type veth peer name tap9; echo made\n")
    page.wait_for_function(f"({TERMINAL})().includes('\\nmade')")
    page.screenshot(path=SHOTS / "terminal-1280.png")
    page.evaluate(
        "[...window.jupyterapp.shell.widgets('main')].filter(w => w.content.widgets)"
        ".forEach(w => window.jupyterapp.shell.activateById(w.id))"
    )
    write(page, "ip link add tap1", "lab.typed")
    expect(run_cell(page, "lab.typed")).to_contain_text("ip link add tap8 type veth peer name tap9; echo made")
    expect(run_cell(page, "%%lab --draw")).to_contain_text("tap8@tap9")


def test_output_comes_as_it_is_printed_and_the_stop_button_keeps_it(page, lessons):
    opened(page, lessons, "0_start_here.ipynb")
    run_cell(page, "lesson(")
    write(page, "%%lab --draw", "%%lab\nip link set lo up\nping -i 0.3 127.0.0.1")
    cell = scroll_to(page, "ping -i 0.3")
    page.evaluate("void window.jupyterapp.commands.execute('notebook:run-cell')")
    expect(cell).to_contain_text("icmp_seq=3")
    assert "packets transmitted" not in cell.inner_text()
    page.get_by_role("button", name="Interrupt the kernel").first.click()
    expect(cell).to_contain_text("the command is stopped, the lab is still there")
    expect(cell).to_contain_text("packets transmitted")
    page.screenshot(path=SHOTS / "stopped.png")


def test_player_asks_before_it_shows(browser, tmp_path):
    with Lab() as lab:
        lab.play("bridge")
        walk = lab.walk("ns100", "ns101")
        walk.animate(tmp_path / "walk.html")
    page = browser.new_page(viewport={"width": 900, "height": 900}, color_scheme="dark")
    problems = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto((tmp_path / "walk.html").as_uri())
    expect(page.locator("svg").first).to_have_attribute("aria-label", re.compile("br-veth100"))
    page.get_by_role("checkbox", name="ask me first").check()
    page.get_by_role("button", name="a step on").click()
    asked = page.get_by_role("group", name="question")
    expect(asked).to_contain_text("Which device sees it next?")
    expect(page.locator("#where")).to_contain_text("1. ")  # nothing is shown before the answer
    expect(page.locator("#verdict")).to_be_hidden()
    expect(page.get_by_text("there 2")).to_be_hidden()
    page.screenshot(path=SHOTS / "asked-900-dark.png")
    page.locator('[data-device="master br-veth100"]').click()
    expect(asked).to_contain_text("✓ master br-veth100. 1 of 1 right.")
    expect(page.locator("#where")).to_contain_text("2. ")
    page.keyboard.press("Enter")  # the button is where the keyboard is
    expect(asked).to_contain_text("Which TTL does it carry at the next device?")
    asked.get_by_role("button", name="63").click()
    expect(asked).to_contain_text("You said 63; it is 64. 1 of 2 right.")
    kinds = set()
    while page.locator("#next").is_enabled():
        page.locator("#next").click()
        kinds.add(asked.inner_text().partition("?")[0])
        asked.get_by_role("button").first.click()
    expect(page.locator("#verdict")).to_be_visible()
    assert {"Which device sees it next", "Which TTL does it carry at the next device"} <= kinds
    assert problems == []
    page.close()


def test_chinese_copy_asks_in_chinese_whatever_the_server_speaks(page, lessons, folder):
    """Its file says in which language it is; what is chosen there is kept as the lessons have it."""
    cli.main(["lessons", "--lang", "zh", str(folder)])
    opened(page, lessons, "1_direct_pair.zh.ipynb")
    expect(page.get_by_role("heading", name="只有一根网线，两台机器能通信吗？")).to_be_visible()
    run_cell(page, "lesson(")
    asked = run_cell(page, 'predict("down")')
    expect(asked).to_contain_text("从 ns1 发出的 ping 能得到应答吗？")
    asked.get_by_role("radio", name="不能").click()
    page.screenshot(path=SHOTS / "chinese-asked.png")
    kept = json.loads((folder / ".answers" / "1_direct_pair.json").read_text())
    assert kept["answers"]["down"]["text"] == "no"
    scroll_to(page, 'look("who")')
    page.screenshot(path=SHOTS / "chinese-prose.png")
