"""In which language the kit speaks: who chooses it, that a catalogue lacks nothing, and how wide its signs are."""

import gettext
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import product

import catalogue
import pytest
import unmarked
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st

from vethlab_sh import Lab, cli, errors, explain, language, markup, scenarios, tables
from vethlab_sh.facts import Function, Holder, Link, Wrapping
from vethlab_sh.language import plural, sentences, speaking, tr
from vethlab_sh.snapshot import Facts, Snapshot
from vethlab_sh.terminal.page import Page
from vethlab_sh.wiring import characters
from vethlab_sh.wiring.layout import layout

CHINESE = re.compile("[\u4e00-\u9fff]")
ENGLISH = re.compile("[a-z]{2,}(?: [a-z]{2,}){2}")  # three words of no command
TWO_WORDS = re.compile(r"(?<![\w.-])(?!mtu)[a-z]{2,} [a-z]{2,}(?![\w.-])")  # on a device; its MTU is the kernel's
LOCALES = ("VETHLAB_LANG", "LC_ALL", "LC_MESSAGES", "LANG", "LANGUAGE")
# While others write new sentences, a few may still be English; `make catalogue ARGS=--missing` lists them.
STILL_ENGLISH = {language.DOMAIN: 0.05, language.LESSONS: 0.05}


@pytest.fixture
def locale(monkeypatch):
    """Sets the variables that say which language the user wants, and no others."""

    def chosen(**variables):
        for name in LOCALES:
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return language.language()

    return chosen


@pytest.mark.parametrize(
    ("variables", "spoken"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "en_GB.UTF-8"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "zh_SG"}, "zh"),
        ({"LANG": "de_DE.UTF-8", "LANGUAGE": "de:zh_CN:en"}, "zh"),
        ({"LANG": "C", "LANGUAGE": "zh"}, "en"),
        ({"LANG": "fr_FR.UTF-8"}, "en"),
        ({"LANG": "zh_CN.UTF-8", "VETHLAB_LANG": "en"}, "en"),
        ({"LANG": "C", "VETHLAB_LANG": "zh"}, "zh"),
    ],
)
def test_the_users_locale_chooses_as_gettext_has_it_and_ours_goes_before(locale, variables, spoken):
    assert locale(**variables) == spoken


def test_what_is_asked_for_is_spoken_and_afterwards_what_was_spoken_before(locale):
    locale(LANG="en_US.UTF-8")
    with speaking("zh"):
        assert tr("And back.") == "再反过来。"
        with speaking(None):
            assert language.language() == "zh"
    assert tr("And back.") == "And back."


def test_a_sentence_without_a_translation_stays_english():
    with speaking("zh"):
        assert tr("A sentence that nobody has translated: {count}.", count=2).endswith("translated: 2.")


@given(st.text())
def test_a_brace_in_a_value_is_a_brace(value):
    assert tr("It is called {name}.", name=value) == f"It is called {value}."
    assert tr("An empty {} has no name.") == "An empty {} has no name."


def test_one_thing_is_told_otherwise_than_many():
    assert [plural("{count} cable", "{count} cables", count) for count in (0, 1, 2)] == [
        "0 cables",
        "1 cable",
        "2 cables",
    ]


def test_after_a_full_width_sign_no_space_stands():
    assert sentences("One.", "", "Two.") == "One. Two."
    assert sentences("一。", "二。", "Three.") == "一。二。Three."


def test_between_two_chinese_signs_no_space_stands():
    with speaking("zh"):
        assert tr("{name} is empty: there is nothing to explain.", name="a.txt").startswith("a.txt 是空的")
        assert tr("{name} is empty: there is nothing to explain.", name="标准输入").startswith("标准输入是空的")
        assert tr("its kernel: {name}", name="网 桥") == "its kernel: 网 桥"


# --- the catalogues -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=product(catalogue.OTHERS, catalogue.DOMAINS), ids="-".join)
def other(request):
    """A language's catalogue and its domain, as its .po file has it and as the source now is."""
    return request.param, catalogue.up_to_date(*request.param)


def test_no_field_is_lost_and_no_command_changed(other):
    _, translated = other
    wrong = [
        complaint
        for message in catalogue.messages(translated)
        if catalogue.translation(message)
        for complaint in catalogue.wrongs(message)
    ]
    assert wrong == []


def test_a_sentence_in_a_table_is_marked():
    assert list(unmarked.unmarked_sentences()) == []
    english = {(row["table"], row["column"]): row["meaning"] for row in tables.listed()}
    with speaking("zh"):
        assert [row for row in tables.listed() if row["meaning"] == english[row["table"], row["column"]]] == []


def test_no_reason_error_or_label_is_left_bare():
    assert list(unmarked.bare_sentences()) == []


def test_none_is_missing(other):
    (_, domain), translated = other
    missing = [message.id for message in catalogue.missing(translated)]
    assert len(missing) <= STILL_ENGLISH[domain] * len(catalogue.messages(translated)), missing


def test_what_is_read_is_what_is_written(other):
    """The .mo file is the .po file's: `make catalogue` compiles it."""
    (name, domain), _ = other
    with catalogue.file_of(name, "mo", domain).open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    for message in catalogue.messages(catalogue.written(name, domain)):
        if not catalogue.translation(message) or message.pluralizable:
            continue
        if message.context:
            assert compiled.pgettext(message.context, message.id) == message.string
        else:
            assert compiled.gettext(message.id) == message.string


# --- what is shown --------------------------------------------------------------------------------------------------


def prose(name: str, **options: object) -> Iterator[str]:
    """What a scenario says besides its commands."""
    scenario = scenarios.load(name, **options)
    yield from (scenario.title, scenario.intro, scenario.known)
    for step in scenario.steps:
        yield step.why
        if step.look:
            yield step.look


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("direct", {}),
        ("bridge", {}),
        ("bridge", {"hosts": 400}),
        ("flannel", {"ipv6": True}),
        ("flannel", {"mode": "host-gw", "cni": True, "pods": 3}),
        ("calico", {"ipv6": True}),
        ("calico", {"mode": "routed"}),
        ("calico", {"mode": "bgp"}),
        ("calico", {"mode": "ipip"}),
        ("ovs", {}),
    ],
)
def test_a_scenario_says_nothing_in_english_and_has_the_same_lines(name, options):
    with speaking("en"):
        lines = [step.lines for step in scenarios.load(name, **options).steps]
    with speaking("zh"):
        assert [step.lines for step in scenarios.load(name, **options).steps] == lines
        told = list(prose(name, **options))
    assert [text for text in told if not CHINESE.search(text)] == []


@pytest.mark.live
def test_a_demo_in_chinese_has_no_english_sentence_of_ours():
    """Every line of prose has Chinese in it; the others are commands, what they print, and its tables."""
    words = [sys.executable, "-m", "vethlab_sh", "demo", "bridge", "--lang", "zh"]
    ended = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, check=True)
    assert re.findall(r"^[A-Z][a-z]+ [a-z].*[.:?]$", ended.stdout, re.MULTILINE) == []
    assert "现在的连线：" in ended.stdout
    assert max(map(markup.width, prose_of(ended.stdout))) <= 88


def prose_of(transcript: str) -> list[str]:
    return [line for line in transcript.splitlines() if CHINESE.search(line)]


PASTES = sorted((ROOT / "tests" / "pastes").glob("*.txt"))


def test_every_sentence_of_explain_is_chinese_and_says_the_same():
    for paste in [*PASTES, ROOT / "tests" / "article.txt"]:
        english = explain(paste.read_text())
        with speaking("zh"):
            chinese = explain(paste.read_text())
            told = [*chinese.sentences, *chinese.notes, *chinese.next_looks, *chinese.finding.splitlines()]
            told += [fault.sentence for fault in chinese.faults]
            told += [lines.why for lines in chinese.unknown_lines]
        assert [sentence for sentence in told if not CHINESE.search(sentence)] == [], paste.name
        assert faults_of(chinese) == faults_of(english), paste.name
        assert joined_in(chinese) == joined_in(english), paste.name


def faults_of(explanation):
    return [(fault.cause, fault.lines, fault.look.split("   ")[0]) for fault in explanation.faults]


def joined_in(explanation):
    return [(wire["name"], wire["index"], wire["peer"], wire["peer_index"]) for wire in explanation.wire_rows]


def test_what_explain_prints_in_chinese_has_no_english_line_of_ours(locale, capsys):
    locale(VETHLAB_LANG="zh")
    for paste in (PASTES[0], PASTES[4], PASTES[6]):  # a fault; lines that are not understood; nothing to be seen
        cli.main(["explain", str(paste)])
    shown = capsys.readouterr().out
    assert re.findall(r"^(?:- )?[A-Z][a-z]+ [a-z].*[.:]$|^lines? \d.*|.*）\.$", shown, re.MULTILINE) == []
    assert "从文本里没有看出故障。" in shown
    assert "第 5 到 6 行：" in shown


LINKS = [
    Link(namespace="master", name="br0", kind="bridge", vlan_filtering=True, up=True),
    Link(
        namespace="master", name="vx", kind="vxlan", vxlan_id=1, vxlan_port=4789, wrapping=Wrapping(remote="10.0.0.2")
    ),
    Link(
        namespace="master", name="vx", kind="vxlan", vxlan_id=1, vxlan_port=4789, wrapping=Wrapping(group="239.1.1.1")
    ),
    Link(namespace="master", name="t6", kind="ip6gretap", wrapping=Wrapping(key="7", remote="fd00::2")),
    Link(namespace="master", name="vrf0", kind="vrf", vrf_table=10),
    Link(namespace="master", name="tap0", kind="tun", mode="tap", holders=(Holder(pid=7, process="qemu"),)),
    Link(namespace="master", name="tap0", kind="tun", mode="tap", up=True, carrier=False),
    Link(namespace="master", name="tap0", kind="tun", mode="tap", up=True, carrier=True),
    Link(namespace="master", name="tap0", kind="tun", mode="tap", up=False),
    Link(namespace="master", name="eth0", kind="ether", functions=(Function(number=0), Function(number=1))),
    Link(namespace="master", name="tap1", kind="ether", switch="br-int"),
    Link(namespace="master", name="veth0", kind="veth", up=True, carrier=False, peer_index=9, unseen=True),
    Link(namespace="master", name="veth0", kind="veth", up=True, carrier=False, peer_index=9),
]


@pytest.mark.parametrize("link", LINKS, ids=lambda link: f"{link.kind} {link.name}")
def test_words_on_a_device_in_a_picture_are_chinese(link):
    kernel = Snapshot(Facts(links=(link,)))
    english = written_on(kernel)
    with speaking("zh"):
        chinese = written_on(kernel)
        assert CHINESE.search(characters.as_mermaid(kernel) + characters.as_text(kernel))
    told = [text for text in chinese if text not in english]
    assert told
    assert [text for text in told if not CHINESE.search(text)] == []
    assert [text for text in chinese if TWO_WORDS.search(text)] == []


def written_on(kernel):
    """All lines that a picture's boxes have."""
    return [line for box in layout(kernel).boxes for line in box.lines]


def test_pictures_of_pastes_say_nothing_in_english():
    for paste in [*PASTES, ROOT / "tests" / "article.txt"]:
        with speaking("zh"):
            explained = explain(paste.read_text())
            drawn = [*written_on(explained.printable), *explained.as_text().splitlines()]
            drawn += characters.as_mermaid(explained.printable).splitlines()
        assert [line for line in drawn if TWO_WORDS.search(line)] == [], paste.name


def test_what_programs_read_is_english_unless_another_language_is_asked_for(locale, capsys):
    locale(VETHLAB_LANG="zh")
    words = ["explain", str(PASTES[0]), "--json"]
    cli.main(words)
    assert not CHINESE.search(json.loads(capsys.readouterr().out)["faults"][0]["words"])
    cli.main([*words, "--lang", "zh"])
    assert CHINESE.search(json.loads(capsys.readouterr().out)["faults"][0]["words"])


@pytest.mark.live
def test_a_lab_has_a_language_of_its_own():
    with Lab(lang="zh") as lab, speaking("en"):
        assert CHINESE.search(lab.play("direct").verdict)
        lab.changes()
        lab.run("ip netns exec ns2 ip link set tap2 down")
        verdict, changes, walk = lab.check("ns1 能 ping 通 ns2"), lab.changes(), lab.walk("ns1", "ns2")
        assert (verdict.ok, verdict.cause, walk.cause) == (False, "device-down", "device-down")
        told = f"{verdict}\n{changes}\n{walk.verdict}"
        assert [line for line in told.splitlines() if not CHINESE.search(line) or ENGLISH.search(line)] == []
        assert "先问我" in walk.animate().page
    with pytest.raises(errors.UnknownName, match="There is no language 'fr'"):
        Lab(lang="fr")


def test_an_unknown_language_is_wrong_usage():
    words = [sys.executable, "-m", "vethlab_sh", "list", "--lang", "fr"]
    ended = subprocess.run(words, capture_output=True, text=True, cwd=ROOT)
    assert ended.returncode == 2
    assert "--lang" in ended.stderr


# --- widths ---------------------------------------------------------------------------------------------------------


def test_a_full_width_sign_is_as_wide_as_two_letters():
    assert markup.width("网桥 br0：") == 4 + 1 + 3 + 2
    assert markup.width("e\u0301") == 1


@given(st.text(alphabet="网桥端口。，：（）“”abc ` "), st.integers(min_value=8, max_value=40))
def test_chinese_prose_fits_its_lines_and_loses_nothing(text, columns):
    lines = markup.wrapped(text, columns).split("\n")
    assert "".join("".join(lines).split()) == "".join(text.split())
    if CHINESE.search(text):
        assert all(line[0] not in "。，：）" for line in lines[1:])
        longest = max([markup.width(piece) for piece in markup.pieces(text)])
        assert all(markup.width(line) <= max(columns, longest) for line in lines)


def test_a_table_with_chinese_cells_is_aligned():
    rows = [{"name": "网桥", "mtu": 1500}, {"name": "br-veth100", "mtu": 65536}]
    head, *cells = Page(60).table(rows, ("name", "mtu")).splitlines()
    assert {markup.width(line) for line in (head, *cells)} == {17}
