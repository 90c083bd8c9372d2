"""What the site is made from: each part of the kit has its page there, and no drill's page tells the answer.

In Chinese no link and no command of a page is lost, and few paragraphs wait for their translation.
`make book` builds it, and `make test-book` looks at it in a browser.
"""

import importlib
import re
import sys

import nbformat
import pytest
from conftest import ROOT
from IPython.core.formatters import DisplayFormatter

import vethlab_sh
from vethlab_sh import Lab, cli, drills
from vethlab_sh.language import speaking
from vethlab_sh.packet import walk as walks

BOOK = ROOT / "book"
CHINESE = re.compile("[\u4e00-\u9fff]")
CODE = re.compile(r"```.*?```|`[^`]*`|<[^>]*>|\]\([^)]*\)", re.S)
WORDS = re.compile("[A-Za-z]{2,} [a-z]{2,} [a-z]{2,}")
# While others write new pages, a few paragraphs may still be English; `make book ARGS=catalogue` counts them.
STILL_ENGLISH = 0.05
ELSEWHERE = ("index", "causes", "quiz")  # they have no catalogue of their own


@pytest.fixture(scope="module")
def book():
    """The modules in book/, as its make.py finds them."""
    folders = [str(BOOK), str(ROOT / "notebooks")]
    sys.path[:0] = folders
    try:
        yield {
            name: importlib.import_module(name)
            for name in ("stories", "reference", "solved", "players", "catalogues", "retold")
        }
    finally:
        for folder in folders:
            sys.path.remove(folder)


@pytest.fixture(scope="module")
def walk():
    """A walk as it was recorded."""
    with Lab(replay="bridge") as lab:
        lab.play("bridge")
        return lab.walk("ns100", "ns101", cold=True)


@pytest.mark.parametrize("name", drills.names())
def test_page_of_a_drill_tells_its_ticket_and_not_its_answer(book, name):
    page, fault = book["stories"].story(name), drills.fault(name)
    assert fault.ticket in page
    assert page.count("<summary>Hint") == len(fault.hints)
    assert fault.word not in page
    assert fault.explanation not in page
    laid = page.partition("The lines that lay it")[2].partition("</details>")[0]
    told = page.replace(laid, "")
    for line in [*fault.plant, *(line for repair in fault.repairs for line in repair)]:
        assert line not in told, line


def test_every_verb_and_option_has_its_line_in_the_reference(book):
    page = book["reference"].commands()
    for name in cli.VERBS:
        assert f"\n### {name}\n" in page
    assert "#### drill start" in page
    for option in ("--hosts N", "--seed seed", "--replay", "--pcapng FILE"):
        assert f"`{option}`" in page


def test_every_name_of_the_package_has_its_place_in_the_reference():
    page = (BOOK / "python.md").read_text()
    documented = set(re.findall(r"^\.\. auto\w+:: ([\w.]+)$", page, re.M))
    last_names = {path.rpartition(".")[2] for path in documented}
    assert set(vethlab_sh.__all__) <= last_names


def test_every_table_and_claim_has_its_line_in_the_reference(book):
    tables, claims = book["reference"].tables(), book["reference"].claims()
    for row in vethlab_sh.tables.listed():
        assert f"| `{row['column']}` |" in tables
    for form in vethlab_sh.vocabulary():
        assert f"`{form['claim']}`" in claims


def test_notebook_keeps_a_walk_beside_its_table_that_plays_as_the_same_walk(walk):
    shown, _ = DisplayFormatter().format(walk)
    assert set(shown) == {walks.PACKED, "text/html", "text/plain"}
    again = walks.from_packed(shown[walks.PACKED])
    assert again.plain() == walk.plain()
    assert again.animate().page == walk.animate().page
    assert len(shown[walks.PACKED]) < 10_000


def test_lesson_on_the_site_has_the_player_where_the_walk_was_drawn(book, walk, tmp_path):
    shown, _ = DisplayFormatter().format(walk)
    still = '<pre>ping</pre><svg class="vethlab-picture"><text>x</text></svg><p>table</p>'
    output, source = nbformat.v4.new_output, "%%lab --walk ns100 ns101\n### BEGIN SOLUTION\nip a\n### END SOLUTION"
    picture = output("display_data", {"image/png": "AAAA", "text/plain": "a tree"})
    cells = [
        nbformat.v4.new_markdown_cell("# A lesson"),
        nbformat.v4.new_code_cell(source, outputs=[output("display_data", shown), picture]),
        nbformat.v4.new_code_cell("lab.draw()", outputs=[picture]),
        nbformat.v4.new_code_cell("explore()", outputs=[output("display_data", {**shown, "text/html": still})]),
    ]
    solutions = tmp_path / "solutions"
    players = tmp_path / "players"
    for folder in (solutions, players):
        folder.mkdir()
    nbformat.write(nbformat.v4.new_notebook(cells=cells), solutions / "9_lesson.ipynb")
    book["solved"].write(solutions, tmp_path / "lessons", book["players"].Shelf(players))
    _, note, walked, drawn, explored = nbformat.read(tmp_path / "lessons" / "9_lesson.ipynb", as_version=4).cells
    assert "solved" in note.source
    assert walked.source == "%%lab --walk ns100 ns101\nip a"
    table, player = walked.outputs
    assert "<table>" in table.data["text/html"]
    assert "<iframe" in player.data["text/html"]
    assert drawn.metadata["mystnb"]["image"]["alt"] == "a tree"
    (html,) = [output.data["text/html"] for output in explored.outputs]
    assert "<iframe" in html
    assert "<svg" not in html
    assert len(list(players.iterdir())) == 2


# --- the site in Chinese


def paragraphs(page):
    """The paragraphs, headings, items and cells of a page of Markdown, as Sphinx has them in a catalogue."""
    for block in re.split(r"\n\s*\n", CODE.sub(lambda code: "" if code[0].startswith("```") else code[0], page)):
        if block.startswith("|"):
            for row in block.splitlines():
                yield from (cell.strip() for cell in re.split(r"(?<!\\)\|", row))
        elif not block.startswith(("<!--", "![")):
            for item in re.split(r"^(?:- |\d\. |#+ )", block, flags=re.M):
                yield " ".join(item.split())


def test_chinese_pages_have_few_paragraphs_that_wait_for_their_translation(book):
    catalogues = book["catalogues"]
    there = {}
    for page, message in catalogues.all_messages("zh"):
        there.setdefault(page, {})[message.id] = message.string
    missing, count = [], 0
    for path in (ROOT / "docs").glob("*.md"):
        if path.stem in ELSEWHERE:
            continue
        for paragraph in paragraphs(path.read_text()):
            if catalogues.TEXT.search(CODE.sub("", paragraph)):
                count += 1
                if not there[f"guides/{path.stem}"].get(paragraph):
                    missing.append(f"{path.stem}: {paragraph}")
    missing += [f"{page}: {text}" for page, texts in there.items() for text, chinese in texts.items() if not chinese]
    assert len(missing) <= STILL_ENGLISH * count, missing


def test_no_command_link_or_field_is_lost_on_the_way_into_chinese(book):
    catalogues = book["catalogues"]
    wrong = []
    for page, message in catalogues.all_messages("zh"):
        if message.string:
            wrong += [f"{page}: {complaint}" for complaint in catalogues.wrongs(message)]
    assert wrong == []


def test_what_a_page_is_made_of_by_the_kit_is_chinese_too(book):
    with speaking("zh"):
        reference = book["reference"]
        pages = [book["stories"].story("bridge-2"), reference.commands(), reference.tables(), reference.claims()]
    lines = CODE.sub("", "\n".join(pages)).splitlines()
    english = [line for line in lines if WORDS.search(line) and not CHINESE.search(line)]
    assert len(english) <= STILL_ENGLISH * len(lines), english


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("no: veth2 in ns2 is down", "否：ns2 中的 veth2 停用了"),
        ("With one end goes the other: half a cable is none.", None),
        (
            "ns2 did not get an answer from 10.0.0.1. Nothing left ns2.",
            "ns2 没有得到 10.0.0.1 的应答。没有任何数据离开 ns2。",
        ),
        ("ip netns exec ns1 ip link set dev lo up", "ip netns exec ns1 ip link set dev lo up"),
        ("My cat is asleep in the router. It is down.", "My cat is asleep in the router. It is down."),
    ],
)
def test_what_the_kit_said_in_english_is_retold_as_it_says_it_in_chinese(book, english, chinese):
    with speaking("zh"):
        told = book["retold"].retold(english)
    assert told == chinese if chinese else CHINESE.search(told)
    assert book["retold"].retold(english) == english


def test_verdicts_of_the_page_of_causes_are_chinese(book):
    with speaking("zh"):
        page = book["retold"].on_page((ROOT / "docs" / "causes.md").read_text())
    quoted = re.findall("^> .*$", page, re.M)
    assert len([line for line in quoted if not CHINESE.search(line)]) <= 0.2 * len(quoted)
    assert "### `no-device`" in page
    assert "| [`queue-drops`](#queue-drops) | 设备的队列（qdisc）丢弃了它。 |" in page
