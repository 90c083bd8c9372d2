"""The site as its reader has it: built, served on loopback, looked at in a real browser. `make test-book`.

Screenshots are kept in tests/screenshots, to be looked at.
"""

import re
import subprocess
import sys
from dataclasses import dataclass, field
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import unquote, urlsplit

import pytest
from conftest import ROOT
from playwright.sync_api import expect

pytest_plugins = ["chromium"]
expect.set_options(timeout=30_000)
SHOTS = ROOT / "tests" / "screenshots"
HTML = ROOT / "book" / "_build" / "html"
LOADED = {"script": "src", "link": "href", "img": "src", "iframe": "src", "source": "src", "use": "href"}
TOLD = ("canonical", "prev", "next", "index", "search")  # links that nothing is loaded by
PAGES = {
    "index": "index.html",
    "guide": "guides/looking.html",
    "lesson": "lessons/2_bridge.html",
    "drill": "drills/bridge-2.html",
    "causes": "guides/causes.html",
    "commands": "reference/commands.html",
    "python": "reference/python.html",
    "zh-index": "zh/index.html",
    "zh-guide": "zh/guides/start.html",
    "zh-lesson": "zh/lessons/3_flannel.html",
    "zh-drill": "zh/drills/flannel-3.html",
    "zh-claims": "zh/reference/claims.html",
}


@dataclass
class Page(HTMLParser):
    """What a page links to, loads and is called by: `links`, `loads`, `places`, pictures and frames without words."""

    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    places: set[str] = field(default_factory=set)
    wordless: list[str] = field(default_factory=list)

    def __post_init__(self):
        super().__init__()

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.places.update(attributes[name] for name in ("id", "name") if attributes.get(name))
        if tag == "a" and "href" in attributes:
            self.links.append(attributes["href"])
        address = attributes.get(LOADED.get(tag, ""))
        if address and attributes.get("rel") not in TOLD:
            self.loads.append(address)
        words = {"img": "alt", "iframe": "title"}.get(tag)
        if words and not (attributes.get(words) or "").strip():
            self.wordless.append(self.get_starttag_text())
        if attributes.get("role") == "img" and not attributes.get("aria-label"):
            self.wordless.append(self.get_starttag_text())


@pytest.fixture(scope="session")
def built():
    """The site, built from the files as they are now, without a warning: its pages by their paths."""
    ended = subprocess.run([sys.executable, "book/make.py"], capture_output=True, text=True, cwd=ROOT)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    pages = {}
    for path in HTML.rglob("*.html"):
        page = Page()
        page.feed(path.read_text(encoding="utf-8"))
        pages[path] = page
    return pages


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *words):
        pass


@pytest.fixture(scope="session")
def site(built):
    """The address of the site."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=HTML))
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


# --- what can be read without a browser


def test_links_inside_lead_somewhere(built):
    lost = []
    for path, page in built.items():
        for link in {*page.links, *page.loads}:
            address = urlsplit(link)
            if address.scheme or address.netloc:
                continue
            target = (path.parent / unquote(address.path)).resolve() if address.path else path
            is_there = target.exists()
            if is_there and address.fragment and target in built and "players" not in target.parts:
                is_there = unquote(address.fragment) in built[target].places
            if not is_there:
                lost.append(f"{path.relative_to(HTML)}: {link}")
    assert lost == []


def test_links_elsewhere_are_whole_addresses(built):
    wrong = []
    for path, page in built.items():
        for link in page.links:
            address = urlsplit(link)
            if not (address.scheme or address.netloc):
                continue
            is_example = re.fullmatch(r"127\.0\.0\.1|localhost", address.hostname or "")
            if (address.scheme != "https" and not is_example) or "." not in (address.hostname or ""):
                wrong.append(f"{path.relative_to(HTML)}: {link}")
    assert wrong == []


def test_nothing_is_fetched_from_another_host(built):
    """No page loads code, style, fonts or pictures from elsewhere, and no style sheet does."""
    elsewhere = []
    for path, page in built.items():
        elsewhere += [f"{path.relative_to(HTML)}: {load}" for load in page.loads if urlsplit(load).netloc]
    for sheet in HTML.rglob("*.css"):
        fetched = re.findall(r"(?:url\(|@import)\s*[\"']?((?:https?:)?//[^\"')\s]+)", sheet.read_text(encoding="utf-8"))
        elsewhere += [f"{sheet.relative_to(HTML)}: {address}" for address in fetched]
    assert elsewhere == []


def test_pictures_and_frames_have_words(built):
    without = {str(path.relative_to(HTML)): page.wordless for path, page in built.items() if page.wordless}
    assert without == {}


def test_each_lesson_and_the_first_page_have_a_player_that_is_there(built):
    frames = {}
    for path, page in built.items():
        frames[str(path.relative_to(HTML))] = [load for load in page.loads if "players/" in load]
    assert frames["index.html"]
    for number, name in ((1, "direct_pair"), (2, "bridge"), (3, "flannel"), (4, "calico"), (6, "break_it")):
        assert frames[f"lessons/{number}_{name}.html"], name


def test_each_page_leads_to_the_same_page_in_the_other_language(built):
    pages = {path.relative_to(HTML).as_posix(): page for path, page in built.items() if "players" not in path.parts}
    english = [name for name in pages if not name.startswith("zh/")]
    assert len(english) * 2 == len(pages)
    for name in english:
        up = "../" * name.count("/")
        assert f"{up}zh/{name}" in pages[name].links
        assert f"../{up}{name}" in pages[f"zh/{name}"].links


def test_pages_are_of_a_size_that_loads(built):
    assert {path.name: path.stat().st_size for path in built if path.stat().st_size > 1_000_000} == {}


# --- what a reader sees


@pytest.fixture
def reader(browser, site):
    """Opens a page at a width, in a theme; what goes wrong there, or goes elsewhere, fails the test."""
    opened, problems = [], []

    def open_page(name, width=1280, theme="light"):
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=theme)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("request", lambda request: request.url.startswith((site, "data:")) or problems.append(request.url))
        opened.append(page)
        page.goto(site + name)
        return page

    yield open_page
    for page in opened:
        page.close()
    assert problems == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 412])
@pytest.mark.parametrize("name", PAGES)
def test_page_fits_its_window(reader, name, width, theme):
    page = reader(PAGES[name], width, theme)
    expect(page.locator("h1").first).to_be_visible()
    page.screenshot(path=SHOTS / f"book-{name}-{width}-{theme}.png")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("body").get_attribute("data-jp-theme-light") == str(theme == "light").lower()


def player(page):
    """The first player of a page, when it is there."""
    frame = page.locator("iframe.player").first
    frame.scroll_into_view_if_needed()
    return frame.content_frame


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 412])
def test_packet_moves_in_a_lesson(reader, width, theme):
    page = reader(PAGES["lesson"], width, theme)
    shown = player(page)
    expect(shown.locator("#where")).to_contain_text("1. ")
    before = shown.locator("#packet").get_attribute("transform")
    shown.get_by_role("button", name="a step on").click()
    expect(shown.locator("#where")).to_contain_text("2. ")
    expect(shown.locator("#packet")).not_to_have_attribute("transform", before)
    expect(shown.locator("html")).to_have_attribute("data-jp-theme-light", str(theme == "light").lower())
    page.screenshot(path=SHOTS / f"book-player-{width}-{theme}.png")
    # the frame is as high as what is in it
    assert shown.locator("html").evaluate("e => e.scrollHeight <= innerHeight + 1")


def test_packet_of_the_first_page_moves_by_itself(reader):
    page = reader("index.html")
    expect(player(page).locator("#where")).to_contain_text("3. ")


def test_reader_who_wants_calm_gets_it(browser, site):
    page = browser.new_page(reduced_motion="reduce")
    page.goto(site)
    shown = player(page)
    expect(shown.get_by_role("button", name="play", exact=True)).to_be_visible()
    expect(shown.locator("#where")).to_contain_text("1. ")
    page.close()


def test_theme_button_turns_the_players_too(reader):
    page = reader("index.html")
    paper = player(page).locator("html")
    expect(paper).to_have_attribute("data-jp-theme-light", "true")
    for _ in range(3):  # furo's button goes around: the system's theme, light, dark
        page.locator(".theme-toggle-content button, .content-icon-container button.theme-toggle").first.click()
        if page.locator("body").get_attribute("data-theme") == "dark":
            break
    expect(paper).to_have_attribute("data-jp-theme-light", "false")


def test_player_of_a_page_opened_as_a_file_is_told_its_theme(browser, built):
    page = browser.new_page(color_scheme="light")
    page.goto((HTML / "index.html").as_uri())
    page.evaluate("document.body.dataset.theme = 'dark'")
    expect(player(page).locator("html")).to_have_attribute("data-jp-theme-light", "false")
    page.close()


def test_keyboard_reaches_the_buttons_of_a_player(reader):
    page = reader("index.html")
    shown = player(page)
    shown.get_by_role("button", name="stop").click()
    shown.get_by_role("button", name="to the start").click()
    page.get_by_text("Skip to content").focus()  # the first that Tab comes to
    page.keyboard.press("Enter")
    for _ in range(10):
        page.keyboard.press("Tab")
        if shown.locator("#play:focus").count():
            break
    expect(shown.locator("#play")).to_be_focused()
    page.keyboard.press("Enter")
    expect(shown.locator("#where")).to_contain_text("2. ")


@pytest.mark.parametrize("width", [1280, 412])
def test_search_finds_veth(reader, width):
    page = reader("index.html", width)
    if width < 1000:
        page.locator("label.nav-overlay-icon").click()
    field = page.get_by_placeholder("Search")
    field.fill("veth")
    field.press("Enter")
    results = page.locator("#search-results li a")
    expect(page.get_by_text("Search finished")).to_be_visible()
    expect(page.locator("#search-results").get_by_role("link", name="Words", exact=True)).to_be_visible()
    expect(results.filter(has_text="Can two machines talk")).to_be_visible()
    page.screenshot(path=SHOTS / f"book-search-{width}.png")
    results.first.click()
    expect(page.locator("article")).to_contain_text(re.compile("veth", re.I))


@pytest.mark.parametrize(
    ("typed", "title"), [("网桥端口", "用词"), ("ARP 代理", "用词"), ("下一跳", "用词"), ("veth", "用词")]
)
def test_search_finds_chinese_words_without_blanks_between_them(reader, typed, title):
    page = reader("zh/index.html")
    field = page.get_by_placeholder("搜索")
    field.fill(typed)
    field.press("Enter")
    expect(page.locator("#search-results").get_by_role("link", name=title, exact=True)).to_be_visible()
    page.screenshot(path=SHOTS / f"book-zh-search-{typed}.png")


def test_hint_of_a_drill_opens_by_the_keyboard(reader):
    page = reader(PAGES["drill"])
    first = page.locator("summary", has_text="Hint 1")
    told = page.get_by_text("the fault lies farther out")
    expect(told).to_be_hidden()
    first.focus()
    page.keyboard.press("Enter")
    expect(told).to_be_visible()
