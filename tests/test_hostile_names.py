"""Whatever a stranger calls a thing, nothing obeys it: no terminal, no page, no picture, no saved script."""

import itertools
import json
import os
import re
import subprocess
import sys
from xml.etree import ElementTree

import pytest
from conftest import ROOT

from vethlab_sh import Lab, explain
from vethlab_sh.errors import BadName, BadOption, CommandFailed
from vethlab_sh.inside import check_name, quoted
from vethlab_sh.markup import OBEYED, printable, table
from vethlab_sh.packet.causes.cause import Line, typed
from vethlab_sh.packet.player import Player, Told
from vethlab_sh.terminal.page import Page
from vethlab_sh.wiring import characters, layout

pytestmark = pytest.mark.live

# Devices: 15 bytes, no blank, slash or colon (dev_valid_name); what each would do is told by its name.
DEVICES = {
    "colour": "a\x1b[31mred",
    "C1": "a\x9b31mred",
    "bell": "b\x07\x08\x01",
    "right to left": "\u202etxt.exe",
    "mathtext": "$x$\\frac{1}",
    "comment and script": "<!--<script>",
    "markdown in Mermaid": "`**x**`",
    "quotes": "a\"'&<",
    "words of our page": "STEPS",
    "verdict of our page": "VERDICT",
    "format": "{}{0}{name}",
    "command": "$(id>PWNED)",
    "backquotes": "`id>PWNED`",
    "commands": ";id>PWNED;",
    "redirection": "a>PWNED",
    "glob": "*?[a]~",
    "our old mark": "=vethlab=",
}
# Namespaces: any file name.
NAMESPACES = {
    "settings in Mermaid": "%%{init: {}}%%",
    "format": "%s%n",
    "new line": "a\nmaster (no devices but lo)",
    "colour": "n\x1b]0;title\x07s",
    "JSON": '\n[{"ifindex":1}]\n',
    "command": "$(touch PWNED)",
    "quote": "it's;touch PWNED;'",
    "C1": "n\x9b2J",
    "long": "n" * 200,
}


CONTROLS = "".join(map(chr, range(0x20))) + "\x7f"  # of which bytes that are no text have many


def obeyed(text, keep="\n\t"):
    """What in a text a terminal would obey."""
    return [sign for sign in OBEYED.findall(text) if sign not in keep]


def made(kind, name):
    """A lab that has a thing of such a name."""
    lab = Lab()
    word = quoted(name)
    if kind == "device":
        lab.run(f"ip link add name {word} type bridge && ip link set {word} up && ip route add 10.9.0.0/24 dev {word}")
        lab.run(f"ip rule add iif {word} table 77; ip neigh add 10.9.0.7 lladdr 02:00:00:00:00:07 dev {word}")
    else:
        lab.run(f"ip netns add {word} && ip link add name v1 type veth peer name v2 netns {word}")
    lab.run("ip link add name aliased type bridge; ip link set aliased alias $'x\\n=vethlab= 5\\n[]\\e[2J'")
    return lab


THINGS = [("device", name) for name in DEVICES.values()] + [("namespace", name) for name in NAMESPACES.values()]


@pytest.mark.parametrize(("kind", "name"), THINGS, ids=[*DEVICES, *(f"namespace: {what}" for what in NAMESPACES)])
def test_name_is_shown_drawn_and_saved_as_a_name(kind, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with made(kind, name) as lab:
        taken = lab.snapshot()
        assert name in [link.name for link in taken.rows.links] + [space.namespace for space in taken.rows.namespaces]
        for text in (characters.as_text(taken), characters.as_mermaid(taken)):
            assert obeyed(text) == []
            assert not [line for line in text.split("\n") if line == "master (no devices but lo)"]
        mermaid = characters.as_mermaid(taken)
        labels = re.findall(r'\["(.*)"\]', mermaid)
        assert labels
        assert not [label for label in labels if re.search(r'["`{}<>%]', label.replace("<br/>", ""))]
        lab.draw().figure.savefig(tmp_path / "a.svg")
        ElementTree.parse(tmp_path / "a.svg")
        page = Player.of(layout.layout(taken), [], [], Told("one\n" + name, ok=True))
        assert obeyed(page.page) == []
        assert page.page.count("<script") == 1
        saved = lab.save(tmp_path / "saved.sh")
        assert obeyed(saved.script) == []
    with Lab() as again:
        again.run(f"bash {tmp_path}/saved.sh")
        rebuilt = again.snapshot().rows
        assert [link.name for link in rebuilt.links] == [link.name for link in taken.rows.links]
        assert rebuilt.namespaces == taken.rows.namespaces
    assert not list(tmp_path.glob("**/*PWNED*"))


# What a terminal obeys, in as many ways as 15 bytes hold: ESC, DEL, C1 in its two bytes, a bidi override; a line end.
ODDEST = "\x1b\x7f\x9b2J\u202ez"
ODDEST_NAMESPACE = f"n\n{ODDEST}\u2066"
ODDEST_NETWORK = f"""
ip netns add {quoted(ODDEST_NAMESPACE)}; ip netns add b
ip link add name {quoted(ODDEST)} type bridge; ip link set {quoted(ODDEST)} up
ip link add name v1 type veth peer name {quoted(ODDEST)} netns {quoted(ODDEST_NAMESPACE)}
ip link add name v2 type veth peer name {quoted(ODDEST)} netns b
ip -n b link set {quoted(ODDEST)} up; ip -n b addr add 10.0.0.2/24 dev {quoted(ODDEST)}
ip -n {quoted(ODDEST_NAMESPACE)} link set {quoted(ODDEST)} up
ip -n {quoted(ODDEST_NAMESPACE)} addr add 10.0.0.1/24 dev {quoted(ODDEST)}
for v in v1 v2; do ip link set $v master {quoted(ODDEST)} up; done
"""
ODD_CLAIMS = (
    f"'{ODDEST_NAMESPACE}' can reach b",
    f"b {ODDEST} is up",
    f"v1 is a port of {ODDEST}",
    f"{ODDEST} has address 10.0.0.9/24",
    f"'{ODDEST_NAMESPACE}' knows the MAC of 10.0.0.2",
    f"'{ODDEST}' exists",
)
ODD_LINES = (
    f"ip link set {quoted(ODDEST)}x up",
    f"ip netns exec {quoted(ODDEST)} true",
    f"ip -n {quoted(ODDEST_NAMESPACE)} addr add 10.0.0.1/24 dev {quoted(ODDEST)}",
    quoted(ODDEST),
)


def faces_of_answer(answer):
    """What a walk, or the verdict of a claim, gives to be read."""
    yield from (str(answer), repr(answer), answer._repr_html_(), *answer.fixes)
    if answer.evidence:
        yield from (str(answer.evidence), answer.evidence.command, answer.evidence.shown)


def faces_of_walk(walk):
    yield from faces_of_answer(walk)
    yield from (walk.verdict, walk.reason or "", walk.should_be or "", walk.animate().page)
    for row in walk.rows:
        yield from (row.why, row.caption, str(walk.frame(row.number)), walk.frame(row.number)._repr_html_())
    yield from (text.get_text() for text in walk.draw().texts)


def faces_of_lines(lab):
    for line in ODD_LINES:
        ran = lab.run(line, expect=None)
        assert ran.code != 0
        yield from (str(ran), repr(ran), ran.hint)
        with pytest.raises(CommandFailed) as failed:
            lab.run(line)
        yield str(failed.value)


def test_no_face_shows_what_a_terminal_would_obey(lab, tmp_path):
    """Sentences show a name by its signs' numbers; facts, and JSON, have it as the kernel does."""
    lab.changes()
    lab.run(ODDEST_NETWORK)
    changes = lab.changes()
    faces = [str(changes), repr(changes), changes._repr_html_(), *(change.sentence for change in changes.changes)]
    walks = [lab.walk(ODDEST_NAMESPACE, "10.0.0.2")]
    lab.run(f"ip -n b link set {quoted(ODDEST)} down")
    walks.append(lab.walk(ODDEST_NAMESPACE, "10.0.0.2"))
    assert [walk.ok for walk in walks] == [True, False]
    for walk in walks:
        faces += faces_of_walk(walk)
    for claim in ODD_CLAIMS:
        faces += [*faces_of_answer(lab.check(claim)), lab.check(claim).sentence]
    faces += faces_of_lines(lab)
    faces += [characters.as_text(lab.snapshot()), characters.as_mermaid(lab.snapshot()), repr(lab.snapshot())]
    faces.append(lab.save(tmp_path / "saved.sh").script)
    with pytest.raises(BadOption) as refused:
        lab.walk(ODDEST, "b")
    faces.append(str(refused.value))
    for face in faces:
        assert obeyed(face) == [], face
    told = json.loads(json.dumps(walks[0].plain()))
    assert (told["src"], told["rows"][0]["device"]) == (ODDEST_NAMESPACE, ODDEST)
    assert {change.namespace for change in changes.changes} == {"master", "b", ODDEST_NAMESPACE}
    walks[0].pcapng(tmp_path / "walk.pcapng")
    assert obeyed((tmp_path / "walk.pcapng").read_bytes().decode(errors="ignore"), keep=CONTROLS) == []


@pytest.mark.parametrize("file", ["$(touch PWNED).sh", "`touch PWNED`", "'; touch PWNED; '", "a\ntouch PWNED\n"])
def test_script_does_not_run_its_own_name(tmp_path, monkeypatch, file):
    monkeypatch.chdir(tmp_path)
    with Lab() as lab:
        lab.save(file)
    ended = subprocess.run(["bash", f"./{file}"], capture_output=True, text=True, cwd=tmp_path)
    assert "only in a fresh one" in ended.stderr
    assert [path.name for path in tmp_path.iterdir()] == [file]


def test_comment_of_a_rule_ends_no_script(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with Lab() as lab:
        ran = lab.run("iptables -A INPUT -m comment --comment $'x\\nRULES\\ntouch PWNED\\n' -j DROP", expect=None)
        script = lab.save().script if ran.code == 0 else ""
    with Lab() as again:
        again.run(f"bash -c {quoted(script)} || true")
    assert not (tmp_path / "PWNED").exists()


# ---- what is printed ----------------------------------------------------------------------------------------------


ONE_AFTER_THE_OTHER = """
import os, runpy, sys
_, text, *name = sys.argv
for words in (["explain", text, "--tables"], ["demo", *name], ["run", *name, "--", "true"], name):
    sys.argv = ["vethlab_sh", *words]
    try:
        runpy.run_module("vethlab_sh", run_name="__main__", alter_sys=True)
    except SystemExit:
        os.write(2, b"=done=")
"""


@pytest.mark.no_lab
@pytest.mark.parametrize("name", [*DEVICES.values(), *NAMESPACES.values(), os.fsdecode(b"\xff\x9b1m"), "\ud800"])
def test_nothing_that_is_printed_is_obeyed(tmp_path, name):
    """Standard output, and standard error, of any verb that is given such a word."""
    (tmp_path / "text").write_bytes(
        b"$ ip a\n2: " + os.fsencode(name.replace("\ud800", "")) + b": <UP> mtu 1500\n\x9b31m\n"
    )
    word = [] if name == "\ud800" else [os.fsencode(name)]
    ended = subprocess.run(
        [sys.executable, "-c", ONE_AFTER_THE_OTHER, tmp_path / "text", *word],
        capture_output=True, cwd=ROOT, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert ended.stderr.count(b"=done=") == 4, ended.stderr
    for stream in (ended.stdout, ended.stderr):
        assert obeyed(stream.decode("utf-8", "surrogateescape")) == []
        assert b"Traceback" not in stream


@pytest.mark.no_lab
def test_row_of_a_table_is_one_row_whatever_stands_in_it():
    rows = [{"name": "a\nforged 1", "n": 1}]
    assert len(Page(100).table(rows, rows[0]).split("\n")) == 2
    assert "<script" not in table([{"name": "<script>"}], ["name"])


@pytest.mark.no_lab
@pytest.mark.parametrize("name", [*DEVICES.values(), *NAMESPACES.values(), "é", "a b", ""])
def test_bash_reads_a_quoted_word_as_it_was(name):
    ended = subprocess.run(["bash", "-c", f"printf %s {quoted(name)}"], capture_output=True)
    assert ended.stdout == os.fsencode(name)
    assert obeyed(quoted(name), keep="") == []
    assert json.loads(json.dumps(printable(name))) == printable(name)


@pytest.mark.no_lab
@pytest.mark.parametrize("text", ["ip link set x up", "sysctl -w net.ipv4.ip_forward=1"])
@pytest.mark.parametrize("name", DEVICES.values(), ids=DEVICES)
def test_line_that_mends_has_a_strange_namespace_as_one_word(name, text, tmp_path):
    line = typed(Line(name, text))
    read = subprocess.run(["bash", "-c", f"printf '%s\\0' {line}"], cwd=tmp_path, capture_output=True)
    assert os.fsencode(name) in read.stdout.split(b"\0")
    assert not list(tmp_path.iterdir())


STRANGE = "$(id>PWNED)"
ROUTED = f"""
ip netns add a
ip netns add r
ip netns add b
ip link add a0 netns a type veth peer name '{STRANGE}' netns r
ip link add b0 netns b type veth peer name r1 netns r
ip -n a addr add 10.1.0.2/24 dev a0
ip -n r addr add 10.1.0.1/24 dev '{STRANGE}'
ip -n r addr add 10.2.0.1/24 dev r1
ip -n b addr add 10.2.0.2/24 dev b0
for at in a r b; do ip -n $at link set lo up; done
ip -n a link set a0 up
ip -n r link set '{STRANGE}' up
ip -n r link set r1 up
ip -n b link set b0 up
ip -n a route add default via 10.1.0.1
ip -n b route add default via 10.2.0.1
ip netns exec r sysctl -qw net.ipv4.ip_forward=1
"""
FAULTS = {
    "chain": f"ip netns exec r iptables -N 'c{STRANGE}'; ip netns exec r iptables -A FORWARD -j 'c{STRANGE}'; "
    f"ip netns exec r iptables -A 'c{STRANGE}' -p icmp -j DROP",
    "comment": f"ip netns exec r iptables -A FORWARD -p icmp -m comment --comment '{STRANGE} \"x' -j DROP",
    "arp": f"ip netns exec r sysctl -qw 'net.ipv4.conf.{STRANGE}.arp_ignore=8'",
    "forwarding": f"ip netns exec r sysctl -qw 'net.ipv4.conf.{STRANGE}.forwarding=0'",
    "off": f"ip -n r link set '{STRANGE}' down",
    "mtu": f"ip -n r link set '{STRANGE}' mtu 600",
}
ASKED = ("a can reach b", "r forwards", "r answers ARP for 10.1.0.1", f"r {STRANGE} is up")


def typed_lines(answer):
    """All that an answer gives to be typed."""
    lines = list(answer.fixes)
    if answer.evidence:
        lines.append(answer.evidence.command)
    return lines


def words_of(line, folder):
    """The words that bash makes of a line, and of each line in it that is another bash's."""
    read = subprocess.run(["bash", "-c", f"printf '%s\\0' {line}"], cwd=folder, capture_output=True, text=True)
    words = read.stdout.split("\0")
    for flag, inner in itertools.pairwise(words):
        if flag == "-c" and "bash" in words:
            words += words_of(inner.replace("; ", " "), folder)
    return words


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_line_to_type_runs_nothing_that_a_name_holds(lab, fault, tmp_path):
    lab.run(ROUTED + fault)
    answers = [lab.walk("a", "b"), lab.walk("b", "a"), *(lab.check(claim) for claim in ASKED)]
    lines = [line for answer in answers for line in typed_lines(answer)]
    assert any(STRANGE in word for line in lines for word in words_of(line, tmp_path))
    assert not list(tmp_path.iterdir())


NO_TEXT = r"""
ip netns add $'p\xff'; ip netns add $'p\xfe'
ip link add name $'v\xff' type veth peer name $'e\xc3' netns $'p\xff'
ip link add name $'v\xfe' alias $'caf\xe9' type veth peer name eth0 netns $'p\xfe'
ip link set $'v\xff' up; ip -n $'p\xff' link set $'e\xc3' up
ip addr add 10.0.0.1/24 dev $'v\xff'; ip -n $'p\xff' addr add 10.0.0.2/24 dev $'e\xc3'
"""


def names_of(lab):
    return [(link.namespace, link.name, link.alias, link.peer) for link in lab.snapshot().rows.links]


def test_names_that_are_no_text_stay_apart(lab, tmp_path):
    """Bytes that are no UTF-8 are kept as in PEP 383, and shown by their numbers."""
    lab.run(NO_TEXT)
    names = names_of(lab)
    odd = [os.fsdecode(name) for name in (b"v\xff", b"v\xfe", b"e\xc3")]
    assert {name for _, name, _, _ in names} == {"lo", "eth0", *odd}
    assert lab.inside("p\udcff", os.getpid) > 0
    assert r"v\xff" in str(lab.snapshot().links)
    assert r"route 10.0.0.0/24 dev v\xff" in "\n".join(row.why for row in lab.walk("master", "p\udcff").rows)
    lab.run(r"ip -n $'p\xff' link set $'e\xc3' down")
    lost = lab.walk("master", "10.0.0.2")
    assert (lost.cause, r"e\xc3 in p\xff is down" in lost.verdict) == ("device-down", True)
    lab.save(tmp_path / "saved.sh")
    with Lab() as again:
        again.run(f"bash {tmp_path / 'saved.sh'}")
        assert sorted(names_of(again), key=str) == sorted(names, key=str)


@pytest.mark.no_lab
@pytest.mark.parametrize("name", ["\ud800", "a\udc80", "\udfff" * 9])
def test_name_that_is_no_text_is_refused(name):
    with pytest.raises(BadName):
        check_name(name)


@pytest.mark.no_lab
def test_pasted_text_that_names_our_page_is_explained():
    said = str(explain("$ ip a\n2: STEPS: <UP> mtu 1500 qdisc noop state UP\n"))
    assert "STEPS" in said
