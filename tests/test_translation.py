"""How the lessons read in another language: their prose is translated, and nothing else of them changes."""

import json
import re

import lesson_texts
import pytest
from conftest import ROOT

from vethlab_sh import cli, language
from vethlab_sh.language import speaking
from vethlab_sh.lessons import questions, quiz, translation
from vethlab_sh.notebook import magic

CHINESE = re.compile("[\u4e00-\u9fff]")
LINKED = re.compile(r"\]\(([^)]+)\)")
HEADED = re.compile(r"^#+ ", re.M)
ENGLISH = re.compile("[a-z]{2,}(?: [a-z]{2,}){2}")  # three words of no command
QUOTED = re.compile(r"<(pre|code|style|script)[^>]*>.*?</\1>", re.S)
REMARK = re.compile(r"^\(.+\)$", re.M)  # the kit's own, among what commands print
LESSONS = questions.lessons()


def cells(path):
    """The kind, the source and the metadata of each cell."""
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        yield cell["cell_type"], "".join(cell["source"]), cell["metadata"]


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    """A folder into which the lessons were copied in Chinese, the solved ones too."""
    folder = tmp_path_factory.mktemp("lessons")
    assert cli.main(["lessons", "--lang", "zh", "--solutions", str(folder)]) == 0
    return folder


@pytest.mark.parametrize("lesson", LESSONS)
@pytest.mark.parametrize("under", ["", "solutions"])
def test_a_copy_has_the_same_cells_and_only_its_prose_and_comments_are_translated(copied, lesson, under):
    english = list(cells(ROOT / "notebooks" / under / f"{lesson}.ipynb"))
    chinese = list(cells(copied / under / f"{lesson}.zh.ipynb"))
    for (kind, source, metadata), (kind_of_copy, other, metadata_of_copy) in zip(english, chinese, strict=True):
        assert (kind_of_copy, metadata_of_copy) == (kind, metadata)  # nbgrader's, too
        if kind == "code":
            assert translation.COMMENT.sub("#", other) == translation.COMMENT.sub("#", source)
        else:
            assert len(HEADED.findall(other)) == len(HEADED.findall(source))
            links = [link.replace(".zh.ipynb", ".ipynb") for link in LINKED.findall(other)]
            assert links == LINKED.findall(source)


@pytest.mark.parametrize("lesson", LESSONS)
def test_no_line_of_a_copys_prose_is_english(copied, lesson):
    prose = [source for kind, source, _ in cells(copied / f"{lesson}.zh.ipynb") if kind == "markdown"]
    blocks = [block for source in prose for block in translation.blocks(source)]
    assert [block.text for block in blocks if block.text and not CHINESE.search(block.text)] == []
    assert [block.text for block in blocks if not lesson_texts.is_bold(block.text)] == []  # words are explained in it


@pytest.mark.parametrize("lesson", LESSONS)
def test_what_a_lesson_showed_in_chinese_has_no_english_sentence_of_ours(lesson):
    english = outputs(ROOT / "notebooks" / "solutions" / f"{lesson}.ipynb")
    chinese = outputs(ROOT / "notebooks" / "solutions" / "zh" / f"{lesson}.zh.ipynb")
    assert set(chinese) == set(english)
    said = [text for shown in chinese.values() for output in shown for text in texts_of(output)]
    assert [text for text in said if CHINESE.search(text)]
    assert [text for text in said if ENGLISH.search(text)] == []


def outputs(path):
    """What each cell of a notebook showed, by the cell's name."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return {cell["id"]: cell["outputs"] for cell in cells if cell.get("outputs")}


def texts_of(output):
    """What the kit said in an output: all but what a command printed and what is marked as code."""
    data = output.get("data", {})
    html = QUOTED.sub("", "".join(data.get("text/html", "")))
    yield from re.split("<[^>]*>", html)
    if "image/png" in data:
        yield from "".join(data.get("text/plain", "")).splitlines()
    yield from REMARK.findall("".join(output.get("text", "")))


def test_each_lesson_leads_to_the_next_one_in_its_language(copied):
    for path in copied.glob("*.zh.ipynb"):
        text = path.read_text(encoding="utf-8")
        linked = [link for link in LINKED.findall(text) if link.endswith(".ipynb")]
        assert all((copied / link).exists() and ".zh." in link for link in linked)


def test_a_copy_stands_beside_the_english_one_and_what_is_there_stays(tmp_path, capsys):
    assert cli.main(["lessons", str(tmp_path)]) == 0
    (tmp_path / "2_bridge.zh.ipynb").write_text("mine")
    assert cli.main(["lessons", "--lang", "zh", str(tmp_path)]) == 0
    assert (tmp_path / "2_bridge.zh.ipynb").read_text() == "mine"
    for lesson in LESSONS:
        english = ROOT / "notebooks" / f"{lesson}.ipynb"
        assert (tmp_path / f"{lesson}.ipynb").read_bytes() == english.read_bytes()
    capsys.readouterr()
    assert cli.main(["lessons", "--lang", "zh", "--reset", "2_bridge", str(tmp_path)]) == 0
    assert (tmp_path / "2_bridge.before-1.zh.ipynb").read_text() == "mine"
    assert CHINESE.search((tmp_path / "2_bridge.zh.ipynb").read_text())


def test_words_of_the_glossary_are_explained_in_chinese_once_and_not_within_other_words():
    meanings = {"路由": "一行", "MAC 地址": "六个字节", "地址": "数字", "TTL": "数字"}
    explain = translation.Explained(meanings).explain
    assert explain("路由器按路由转发。路由") == '路由器按<abbr title="一行">路由</abbr>转发。路由'
    assert explain("它的 MAC 地址，`地址`，STTL") == '它的 <abbr title="六个字节">MAC 地址</abbr>，`地址`，STTL'
    assert explain("## 地址\nTTL 是 64") == '## 地址\n<abbr title="数字">TTL</abbr> 是 64'


def test_a_choice_reads_as_the_language_has_it_and_is_kept_as_it_is():
    with speaking("zh"):
        asked = questions.read("1_direct_pair").questions["down"]
    assert asked.labelled() == [("能", "yes"), ("不能", "no")]
    assert list(asked.choices) == ["yes", "no"]
    assert (asked.meant("不能"), asked.meant("no"), asked.label("no")) == ("no", "no", "不能")
    with speaking("en"):
        assert questions.read("1_direct_pair").questions["down"].labelled() == [("yes", "yes"), ("no", "no")]


def test_what_is_measured_and_claimed_is_the_same_in_each_language():
    for lesson in LESSONS:
        with speaking("en"):
            english = questions.read(lesson)
        with speaking("zh"):
            chinese = questions.read(lesson)
        for name, asked in english.questions.items():
            other = chinese.questions[name]
            assert (other.measure, other.needs, list(other.choices)) == (
                asked.measure,
                asked.needs,
                list(asked.choices),
            )
            assert [bool(words) for words in other.choices.values()] == [
                bool(words) for words in asked.choices.values()
            ]
            labels = [label for label, _ in other.labelled()]
            assert len(set(labels)) == len(labels)
        for name, task in english.tasks.items():
            other = chinese.tasks[name]
            assert (other.claims, other.given, len(other.hints)) == (task.claims, task.given, len(task.hints))


def test_the_quiz_keeps_its_right_choices():
    with speaking("en"):
        english = [item.right for item in quiz.items()]
    with speaking("zh"):
        assert [item.right for item in quiz.items()] == english


@pytest.mark.parametrize(
    ("text", "is_bold"),
    [
        ("**练习 1**：做吧", True),
        ("**练习 1。**做吧", False),
        ("按 **检查**。", True),
        ("这**“是”**的", False),
        ("（**是**）", True),
    ],
)
def test_bold_beside_a_full_width_sign_is_found_before_a_reader_finds_its_stars(text, is_bold):
    assert lesson_texts.is_bold(text) is is_bold


def test_a_file_says_its_language():
    assert translation.language_of("/lessons/2_bridge.zh.ipynb") == "zh"
    assert translation.language_of("/lessons/2_bridge.ipynb") == translation.language_of("") == ""


def test_a_notebook_asks_in_the_language_that_its_file_says(monkeypatch):
    monkeypatch.setenv("VETHLAB_LANG", "en")
    monkeypatch.setenv("JPY_SESSION_NAME", "/home/ada/lessons/2_bridge.ipynb")
    magic.speak_as_the_notebook()
    assert language.language() == "en"
    monkeypatch.setenv("JPY_SESSION_NAME", "/home/ada/lessons/2_bridge.zh.ipynb")
    magic.speak_as_the_notebook()
    assert language.language() == "zh"


def test_a_notebook_in_memory_is_translated_in_place_and_stays_as_it_is_in_english():
    """As nbgrader does it for a class."""
    english = [{"cell_type": kind, "source": source} for kind, source, _ in cells(ROOT / "notebooks/2_bridge.ipynb")]
    ours = [dict(cell) for cell in english]
    with speaking("en"):
        translation.translate(ours)
    assert ours == english
    with speaking("zh"):
        translation.translate(ours)
    assert "# 许多容器怎样共用一条线？" in ours[0]["source"]
    assert "# 你的命令：" in "\n".join(cell["source"] for cell in ours)


@pytest.mark.parametrize("label", ["Bring the lab to here", "That is my answer", "Show me", "Walk"])
def test_the_prose_calls_a_button_as_it_is_labelled(label):
    """In bold, in both languages."""
    named = [text.text for text in lesson_texts.texts() if f"**{label}**" in text.text]
    assert named
    with speaking("zh"):
        assert [text for text in named if f"**{language.tr(label)}**" not in language.in_lesson(text)] == []
        assert CHINESE.search(language.tr(label))
