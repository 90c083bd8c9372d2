"""What people paste is explained: every line accounted for, ends joined, flannel and calico told apart."""

import json
import os
import re
import subprocess
import sys
from itertools import pairwise

import pytest
from conftest import ROOT

from vethlab_sh import Lab, explain, parse
from vethlab_sh.errors import BadInput
from vethlab_sh.node.explain import read_file
from vethlab_sh.node.pasted import read
from vethlab_sh.node.places import Place, entered
from vethlab_sh.wiring.layout import layout
from vethlab_sh.wiring.machines import machines

POD = """\
1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000
    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00
    inet 127.0.0.1/8 scope host lo
       valid_lft forever preferred_lft forever
3: eth0@if32: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450 qdisc noqueue state UP group default
    link/ether de:e8:f1:d9:a4:5b brd ff:ff:ff:ff:ff:ff link-netnsid 0
    inet 10.244.0.4/24 brd 10.244.0.255 scope global eth0
       valid_lft forever preferred_lft forever
"""
NODE = """\
29: cni0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450 qdisc noqueue state UP group default qlen 1000
    link/ether 66:45:fd:67:82:a7 brd ff:ff:ff:ff:ff:ff
    inet 10.244.0.1/24 brd 10.244.0.255 scope global cni0
       valid_lft forever preferred_lft forever
32: veth6f848792@if3: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450 qdisc noqueue master cni0 state UP group default
    link/ether 2a:7e:4d:96:79:31 brd ff:ff:ff:ff:ff:ff link-netnsid 2
"""
# Two pods and their nodes, as somebody pasted them: comments in another language, ragged columns, a command left out.
ARTICLE = (ROOT / "tests" / "article.txt").read_text()
PAGE = (ROOT / "docs" / "real-nodes.md").read_text()
FLANNEL_POD, CALICO_POD = "centos-7d6b559dd5-trcgw", "account-biz-front-5f6f788959-vkr7w"
CALI = "cali50c25257626"


@pytest.fixture(scope="module")
def article():
    return explain(ARTICLE)


def wire(found, name):
    (row,) = (row for row in found.wire_rows if row["namespace"] == name)
    return row


def number(line):
    return next(n for n, text in enumerate(ARTICLE.splitlines(), 1) if line in text)


def test_article_joins_both_pods_to_their_nodes(article):
    flannel, calico = wire(article, FLANNEL_POD), wire(article, CALICO_POD)
    assert [flannel[c] for c in ("index", "peer_namespace", "peer", "peer_index", "bridge", "gateway")] == [
        3, "master", "veth6f848792", 32, "cni0", "10.244.0.1",
    ]  # fmt: skip
    assert [calico[c] for c in ("peer_namespace", "peer", "peer_index", "bridge", "route", "gateway_mac")] == [
        "dev-k8s-node2", CALI, 19, None, f"10.240.188.122 dev {CALI}", "ee:ee:ee:ee:ee:ee",
    ]  # fmt: skip
    assert flannel["answered_by"] == "cni0, which has 10.244.0.1"
    assert calico["answered_by"] == f"{CALI}, by proxy ARP: nobody has 169.254.1.1"


def test_article_tells_flannel_from_calico_by_line(article):
    by_machine = {finding.machine: finding for finding in article.findings}
    assert {name: finding.network for name, finding in by_machine.items()} == {
        "master": "flannel",
        "dev-k8s-node2": "calico",
    }
    signs = {sign.words: sign.line for finding in article.findings for sign in finding.signs}
    assert signs["10.244.0.0/16 via 10.244.0.1 dev eth0"] == number("10.244.0.0/16 via")
    assert signs["default via 169.254.1.1 dev eth0"] == number("default via 169")
    assert signs[f"{CALI} ee:ee:ee:ee:ee:ee"] == number("19: cali")


def test_article_leaves_no_line_out(article):
    assert article.unknown_lines == ()
    assert article.kinds.keys() == set(range(1, len(ARTICLE.splitlines()) + 1))


def test_output_without_its_command_finds_its_machine(article):
    (note,) = article.notes
    assert f"Line {number('19: cali')}" in note
    assert f"on dev-k8s-node2, because {CALI} is spoken of there" in note


def test_article_picture_marks_unknown_ends(article):
    picture = layout(article.snapshot)
    assert {line.ends[0][1] for line in picture.lines if line.kind == "unknown"} == {"veth19689916"}
    assert {(line.ends[0][1], line.ends[1][1]) for line in picture.lines if line.kind == "wire"} == {
        ("eth0", "veth6f848792"),
        ("eth0", CALI),
    }
    assert "veth19689916 ══? (not shown)" in article.as_text()
    assert article.draw().figure


def test_result_has_tables_links_wires_and_html(article):
    assert [next(iter(table.columns)) for table in article.tables][:2] == ["index", "kind"]
    assert article.links.set_index("name").loc[CALI, "mac"] == "ee:ee:ee:ee:ee:ee"
    assert len(article.wires) == 3
    assert list(article.unknown.columns) == ["line", "until", "text", "why"]
    assert article.finding in str(article)
    assert "<table" in article._repr_html_()
    json.dumps(article.as_dict())


PROMPTS = [
    "[root@node1 ~]# ", "root@node1:~# ", "admin@node1:/etc$ ", "node1:~ # ", "(venv) me@node1:~/x$ ",
    "[core@node1 ~]$ ",    "12:04:33 me in ~ on me@node1 ❯ ", "me@node1 ~ % ", "me@node1> ", "me@node1:~/work (main)$ ",
]  # fmt: skip
NAMELESS = ["# ", "$ ", "/ # ", "~ $ ", "sh-4.2# ", "bash-5.1$ ", "❯ ", "➜  ~ ", "+ ", "└─# ", "> ", ""]


@pytest.mark.parametrize("prompt", PROMPTS + NAMELESS)
def test_prompt_of_any_look_is_seen(prompt):
    (typed,) = read(f"{prompt}ip a\n{NODE}").typed
    assert (typed.line, len(typed.output)) == ("ip a", 6)
    assert typed.at.name == ("node1" if prompt in PROMPTS else "this machine")


@pytest.mark.parametrize(
    "remark", ["# ip addresses of the pod", "## 查看网桥", "#创建bridge", "// and now", "# ping测试"]
)
def test_remark_is_no_command(remark):
    session = read(f"$ ip a\n{remark}\n{NODE}")
    assert [typed.line for typed in session.typed] == ["ip a"]
    assert session.kinds[2] == "comment"


ENTERED = [
    ("kubectl exec -ti web-1 bash", ["web-1"], ["bash"]),
    ("sudo kubectl -n shop exec web-1 -c app -- ip a", ["web-1"], ["ip", "a"]),
    ("docker exec -it web sh", ["web"], ["sh"]),
    ("ip netns exec ns1 ip a", ["ns1"], ["ip", "a"]),
    ("ip -n ns1 -br a", ["ns1"], ["ip", "-n", "ns1", "-br", "a"]),
    ("nsenter -t 4711 -n ip route", ["process 4711"], ["ip", "route"]),
    ("nsenter --net=/run/netns/cni-1 ip a", ["cni-1"], ["ip", "a"]),
    ("ssh root@node2 sudo ip netns exec ns9 bash", ["node2", "ns9"], ["bash"]),
    ("nsenter -t 4711 -m ip route", [], ["nsenter", "-t", "4711", "-m", "ip", "route"]),
    ("ip a", [], ["ip", "a"]),
]


@pytest.mark.parametrize(("line", "names", "words"), ENTERED, ids=[line for line, *_ in ENTERED])
def test_command_line_tells_where_it_runs(line, names, words):
    through, rest = entered(line.split(), Place("master"))
    assert ([place.name for place in through], rest) == (names, words)


def test_heading_names_machines_that_are_all_called_localhost():
    nodes = "".join(f"node{n}节点：\n[root@localhost ~]# ip route\ndefault via 10.0.0.{n} dev eth0\n" for n in (1, 2))
    assert [(output.at, output.rows[0]["via"]) for output in explain(nodes).outputs] == [
        ("node1", "10.0.0.1"),
        ("node2", "10.0.0.2"),
    ]


def test_exit_leads_back_to_the_machine():
    session = read("root@n1:~# kubectl exec -it web -- sh\n/ # ip a\n/ # exit\n$ ip r\n")
    assert [(t.inner, t.at.name) for t in session.typed if t.tables] == [("ip a", "web"), ("ip r", "n1")]


SESSION = f"root@node1:~# ip a\n{NODE}"
ODD = {
    "quoted in a mail": "\n".join(f"> {line}" for line in SESSION.splitlines()),
    "with line numbers": "\n".join(f"{n:6}\t{line}" for n, line in enumerate(SESSION.splitlines(), 1)),
    "with times": "\n".join(f"[12:03:{n:02}] {line}" for n, line in enumerate(SESSION.splitlines())),
    "indented": "\n".join(f"    {line}" for line in SESSION.splitlines()),
    "with tabs": SESSION.replace("    ", "\t"),
    "of Windows": SESSION.replace("\n", "\r\n"),
    "sent through two terminals": SESSION.replace("\n", "\r\r\n"),
    "of an old Macintosh": SESSION.replace("\n", "\r"),
    "with blanks of a web page": SESSION.replace("    ", "\u00a0" * 4),
    "through a pager": SESSION.replace("32: veth", "--More--\n32: veth"),
    "with a password": SESSION.replace("ip a\n", "sudo ip a\n[sudo] password for me:\n"),
    "of a recording": f"Script started on 2026-11-25 [TERM]\n\x1b[?2004h{SESSION}\nScript done on 2026-11-25\n",
    "left out in part": SESSION.replace("29: cni0", "...\n29: cni0") + "[...]\n",
    "with a prompt of two lines": f"╭─me@node1 ~ \n╰─➤  ip a\n{NODE}",
    "on Windows, by ssh": f"PS C:\\Users\\me> ssh root@node1 ip a\n{NODE}PS C:\\Users\\me> ",
    "in a container": SESSION.replace("ip a", "docker exec -it node1 ip a", 1),
    "after a container's shell": f"$ kubectl exec -it node1 -- sh\nDefaulted container a out of: a\n# ip a\n{NODE}",
}  # fmt: skip


@pytest.mark.parametrize("text", ODD.values(), ids=list(ODD))
def test_session_is_read_however_it_was_pasted(text):
    found = explain(text)
    assert found.unknown_lines == ()
    assert [(o.name, o.at, len(o.rows)) for o in found.outputs] == [("ip addr", "node1", 2)]
    assert found.kinds.keys() == set(range(1, len(found.kinds) + 1))


def test_replies_alone_are_not_taken_for_numbered_lines():
    replies = "".join(f"{n} bytes from 10.0.0.1: icmp_seq={n} ttl=64 time=1 ms\n" for n in (64, 65))
    assert (
        read(f"PING 10.0.0.1 (10.0.0.1) 56(84) bytes of data.\n{replies}").typed[0].output[1][1].startswith("64 bytes")
    )


@pytest.mark.parametrize("said", ["bash: ip: command not found", "error: unable to upgrade connection: not found",
                                  "sh: 1: ip: not found"])  # fmt: skip
def test_error_message_is_called_one(said):
    (row,) = explain(f"$ ip a\n{said}\n").unknown_rows
    assert row["why"] == "it is an error message"
    assert explain(f"$ ip a\n{said}\n").as_text() == ""


def test_end_that_others_have_taken_is_no_candidate():
    """node2's numbers would fit the pod too, but the pod belongs to node1."""
    assert not [note for note in explain(two_nodes()).notes if "could belong" in note]


def test_colours_and_carriage_returns_are_tolerated(article):
    coloured = (
        ARTICLE.replace("eth0", "\x1b[36meth0\x1b[0m").replace("\n", "\r\n").replace("ip ne\r", "ip nee\x08\x1b[K\r")
    )
    assert explain("\x1b]0;a title\x07" + coloured).wire_rows == article.wire_rows
    table = parse("ip route", "\x1b[35mdefault via 10.0.0.1 dev \x1b[0;36meth0\x1b[0m\r\n")
    assert table["dev"].tolist() == ["eth0"]


def test_what_is_not_understood_is_listed_with_its_line():
    text = f"$ ip a\n{NODE}    frobnicate 12\n$ kubectl get nodes\nNAME STATUS\nnode-a Ready\n"
    text += "$ ip route\ndefault via 10.0.0.1 dev eth0\nwhat now\n"
    found = explain(text)
    assert [(row["line"], row["until"]) for row in found.unknown_rows] == [(8, 8), (10, 11), (14, 14)]
    assert "'frobnicate'" in found.unknown_rows[0]["why"]
    assert "no table for `kubectl get nodes`" in found.unknown_rows[1]["why"]
    assert "veth6f848792" in set(found.links["name"])
    assert found.snapshot.rows.routes[0].via == "10.0.0.1"


def test_error_in_the_text_gets_its_hint():
    (row,) = explain("$ ip link add tap1 type veth peer name tap2\nRTNETLINK answers: File exists\n").unknown_rows
    assert row["why"].startswith("It is there already")


def test_device_with_unknown_first_line_gives_nothing_away():
    """Addresses under a line that was not understood are not another device's."""
    found = explain("$ ip a\n" + NODE + "33: eth9@if2: <UP> brand new\n    inet 10.9.9.9/24 scope global eth9\n")
    assert [row.address for row in found.snapshot.rows.addresses] == ["10.244.0.1/24"]
    assert [(row["line"], row["until"]) for row in found.unknown_rows] == [(8, 9)]


def test_filter_that_takes_names_away_gives_no_wrong_owner():
    first = NODE.splitlines()[0]
    found = explain(f"$ ip a | grep -e inet -e cni0:\n{first}\n    inet 10.9.9.9/24 scope global eth9\n")
    assert found.snapshot.rows.addresses == ()
    assert "10.9.9.9" in found.unknown_rows[0]["why"]


def test_filtered_listing_is_still_read():
    found = explain(f"$ ip a | grep -A2 cni0\n{NODE}")
    assert [output.name for output in found.outputs] == ["ip addr"]


def two_nodes(more=""):
    other = NODE.replace("veth6f848792", "vethaaaaaaaa").replace("10.244.0.", "10.244.1.").replace("2a:7e", "2a:7f")
    return f"root@pod:/# ip a\n{POD}root@n1:~# ip a\n{NODE}root@n2:~# ip a\n{other}{more}"


def test_same_numbers_on_two_nodes_are_told_apart_by_network():
    row = wire(explain(two_nodes()), "pod")
    assert (row["peer_namespace"], row["peer"]) == ("n1", "veth6f848792")


def test_end_that_two_devices_fit_is_left_open():
    found = explain(re.sub(r" +inet 10.244.*\n.*\n", "", two_nodes()))
    assert wire(found, "pod")["peer"] is None
    assert any("n1 veth6f848792 or n2 vethaaaaaaaa" in note for note in found.notes)
    assert "not shown" in found.as_text()


def test_pod_is_joined_by_route_when_the_node_lists_no_devices():
    text = (
        "root@pod:/# ip a\n"
        + POD.replace("10.244.0.4/24", "10.240.1.5/32")
        + "root@n1:~# ip route\n10.240.1.5 dev cali0123456789a scope link\n"
    )
    row = wire(explain(text), "pod")
    assert (row["peer_namespace"], row["peer"]) == ("n1", "cali0123456789a")
    assert row["how"] == "n1 sends 10.240.1.5 to cali0123456789a (line 11)"


def test_numbers_that_differ_forbid_a_pair():
    node = NODE.replace("32: veth", "31: veth")
    text = f"root@pod:/# ip a\n{POD}root@n1:~# ip a\n{node}root@n1:~# ip r\n10.244.0.4 dev veth6f848792\n"
    assert wire(explain(text), "pod")["peer"] is None


def test_moved_device_is_drawn_once():
    found = explain("$ ip a\n33: tap2@tap1: <BROADCAST> mtu 1500 qdisc noop state DOWN\n"
                    "    link/ether e6:2a:a8:bf:69:9f\n"
                    "$ ip netns exec ns2 ip a\n33: tap2@if34: <BROADCAST> mtu 1500 qdisc noop state DOWN\n"
                    "    link/ether e6:2a:a8:bf:69:9f brd ff:ff:ff:ff:ff:ff link-netnsid 0\n")  # fmt: skip
    assert list(found.links["namespace"]) == ["ns2"]


def test_pair_made_in_the_text_joins_names():
    found = explain("$ ip link add veth1 type veth peer name br-veth1\n$ ip link set veth1 netns ns1\n$ brctl show\n"
                    "bridge name\tbridge id\tSTP enabled\tinterfaces\nbr0\t8000.4699defb1d05\tno\tbr-veth1\n"
                    "$ ip netns exec ns1 ip -br a\nveth1@if7 UP 10.0.0.1/24\n")  # fmt: skip
    row = wire(found, "ns1")
    assert (row["peer"], row["bridge"], row["how"]) == ("br-veth1", "br0", "made as one pair (line 1)")


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("$ brctl show\nbridge name bridge id STP enabled interfaces\ncni0 8000.6645fd6782a7 no\n", "neither"),
        ("$ ip route\n10.244.1.0/24 via 10.244.1.0 dev flannel.1 onlink\n", "flannel"),
        ("$ ip route\nblackhole 10.240.77.128/26 proto 80\n", "calico"),
        ("$ ip route\n10.244.1.0/24 via 10.244.1.0 dev flannel.1 onlink\n10.244.0.9 dev cali0123456789a scope link\n",
         "flannel and calico"),
        ("$ ip route\n172.17.0.0/16 dev docker0 proto kernel scope link src 172.17.0.1\n", "neither"),
    ],
)  # fmt: skip
def test_networks_are_told_by_what_only_they_use(text, network):
    (finding,) = explain(text).findings
    assert finding.network == network


def test_neither_says_what_is_there_instead():
    assert "docker0 (Docker's own bridge)" in explain("$ ip r\n172.17.0.0/16 dev docker0 scope link\n").finding


def test_several_texts_are_one_picture():
    found = explain(f"# ip a\n{POD}", f"# ip a\n{NODE}", names=["pod.txt", "node.txt"])
    assert wire(found, "pod.txt")["peer_namespace"] == "node.txt"


@pytest.mark.parametrize(
    ("text", "said"), [("", "nothing to explain"), (" \n\n", "nothing to explain"), ("a\0b", "no text")]
)
def test_bad_text_is_one_sentence(text, said):
    with pytest.raises(BadInput, match=said):
        explain(text)


def run(*words, stdin=b"", columns="80"):
    environment = {**os.environ, "COLUMNS": columns}
    words = [sys.executable, "-m", "vethlab_sh", "explain", *words]
    return subprocess.run(words, input=stdin, capture_output=True, cwd=ROOT, env=environment)


def test_command_line_explains_a_file_and_saves_pictures(tmp_path):
    file = tmp_path / "session.txt"
    file.write_text(ARTICLE)
    png, svg = tmp_path / "a.png", tmp_path / "a.svg"
    ended = run(str(file), "--png", str(png), "--svg", str(svg), "--tables")
    shown = ended.stdout.decode()
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert "master looks like flannel" in shown
    assert "veth6f848792 ═══ centos-7d6b559dd5-trcgw: eth0" in shown
    assert re.search(r"kind +to +via +dev", shown)
    assert png.read_bytes().startswith(b"\x89PNG")
    assert "<svg" in svg.read_text()


@pytest.mark.parametrize(
    "example", re.findall(r"\$ python -m vethlab_sh explain (tests/\S+)\n(.*?)```", PAGE, re.DOTALL)
)
def test_page_shows_what_is_explained(example):
    file, shown = example
    told = run(file, columns="100").stdout.decode()
    assert all(part in told for part in shown.split("…\n"))


def test_other_languages_between_fences_are_no_session():
    found = explain(f"```python\nprint(1)\n```\n\n```\n$ ip a\n{NODE}```\n```\na remark\n```\n")
    assert [row["text"] for row in found.unknown_rows] == ["a remark"]
    assert "neither a command" in found.unknown_rows[0]["why"]


def test_command_line_reads_standard_input_as_json():
    whole = json.loads(run("--json", stdin=ARTICLE.encode()).stdout)
    assert {f["machine"]: f["network"] for f in whole["findings"]} == {"master": "flannel", "dev-k8s-node2": "calico"}
    assert whole["wires"][0]["peer"] == "veth6f848792"
    assert whole["outputs"][0]["rows"]


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        (b"", 2, "empty"), (b"\x89PNG\0\0\x01", 2, "no text"), (bytes(range(128, 256)) * 9, 2, "no text"),
        (b"hello\n", 1, "no output here"),
    ],
)  # fmt: skip
def test_bad_file_is_one_sentence(tmp_path, content, code, said):
    file = tmp_path / "bad"
    file.write_bytes(content)
    ended = run(str(file))
    assert ended.returncode == code
    assert said in ended.stderr.decode()
    assert len(ended.stderr.splitlines()) == 1


def test_missing_file_is_one_sentence(tmp_path):
    ended = run(str(tmp_path / "nothing"))
    assert (ended.returncode, ended.stdout) == (2, b"")
    assert b"No such file" in ended.stderr


def test_windows_editors_text_is_read(tmp_path):
    file = tmp_path / "utf16.txt"
    file.write_bytes(ARTICLE.encode("utf-16"))
    assert read_file(str(file)) == ARTICLE


def test_every_line_of_any_text_is_accounted_for():
    text = (ROOT / "README.md").read_text() + (ROOT / "docs" / "looking.md").read_text()
    found = explain(text)
    assert found.kinds.keys() == set(range(1, len(text.splitlines()) + 1))
    outputs = [n for n, kind in found.kinds.items() if kind == "output"]
    assert outputs
    assert all(a["until"] < b["line"] for a, b in pairwise(found.unknown_rows))


@pytest.mark.live
@pytest.mark.parametrize("name", ["bridge", "flannel", "calico"])
def test_transcript_of_a_lab_is_explained_as_its_kernel_has_it(name):
    """What a learner could paste from a lab leads to the very wires that the kernel tells."""
    with Lab() as lab:
        lab.play(name)
        now = lab.snapshot()
        asked = []
        for at, pods in machines(now).items():
            asked += [lab.run(line, at=at) for line in ("ip -d a", "ip route", "ip neigh", "bridge fdb")]
            asked += [lab.run(f"ip netns exec {pod} ip a") for pod in pods]
    found = explain("\n".join(map(str, asked)))
    ends = lambda rows: {frozenset(((r.namespace, r.name), (r.peer_namespace, r.peer))) for r in rows}  # noqa: E731
    pods = [row for row in now.rows.wires if not {row.namespace, row.peer_namespace} <= {"master", "node2"}]
    assert ends(pods) <= ends(found.cables)
    assert found.unknown_lines == ()
    wanted = {"bridge": {"neither"}}.get(name, {name})
    assert {f.network for f in found.findings} == wanted


def test_output_in_another_language_is_told_how_to_get_english():
    found = explain("$ ping -c 1 10.0.0.1\nPING 10.0.0.1 (10.0.0.1) 56(84) байт данных.\n")
    (row,) = found.unknown_rows
    assert "LC_ALL=C" in row["why"]


FLOODING = """\
root@a:~# ip addr show dev eth0
2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc fq_codel state UP group default qlen 1000
    link/ether 02:00:00:00:00:0a brd ff:ff:ff:ff:ff:ff
    inet 192.0.2.1/24 scope global eth0
       valid_lft forever preferred_lft forever
root@a:~# bridge fdb show dev vx
00:00:00:00:00:00 dst 192.0.2.2 self permanent
root@b:~# ip addr show dev eth0
2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc fq_codel state UP group default qlen 1000
    link/ether 02:00:00:00:00:0b brd ff:ff:ff:ff:ff:ff
    inet 192.0.2.2/24 scope global eth0
       valid_lft forever preferred_lft forever
root@b:~# bridge fdb show dev vx
00:00:00:00:00:00 dst {remote} self permanent
"""


@pytest.mark.parametrize("remote", ["192.0.2.3", "192.0.2.1", "239.1.1.1", "2001:db8::1"])
def test_one_way_flooding_is_told_only_where_the_addresses_are_listed_in_full(remote):
    """One card's addresses are not all, a group may hold the other machine, and so may an address of IPv6."""
    text = FLOODING.format(remote=remote)
    assert "floods to" not in str(explain(text))
    told = "b: vx floods to 192.0.2.3, which a does not have" in str(explain(text.replace(" show dev eth0", "")))
    assert told == (remote == "192.0.2.3")


CAPTURE = """\
root@a:~# tcpdump -ni eth0 {words}
10:21:05.100001 IP 10.0.0.1 > 10.0.0.2: ICMP echo request, id 7, seq 1, length 64
"""


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("icmp", True),
        ("icmp and src 10.0.0.1", False),
        ("'src 10.0.0.1'", False),
        ("'icmp[0] == 8'", False),
        ("-Q out icmp", False),
        ("outbound", False),
        ("-c 1 icmp", False),
    ],
)
def test_capture_that_may_leave_replies_out_says_nothing_of_them(words, told):
    said = str(explain(CAPTURE.format(words=words)))
    assert ("1 request is seen on eth0, and no reply" in said) == told


NFT_RULE = """\
root@a:~# nft list ruleset
table ip guard {{
        chain fwd {{
                type filter hook forward priority filter; policy accept;
                {rule}
        }}
}}
"""


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ("ip saddr 10.0.0.1 counter packets 5 bytes 420 drop", True),
        ('ip saddr 10.0.0.1 counter packets 5 bytes 420 log prefix "gone: " drop comment "why"', True),
        ("counter packets 5 bytes 420 ip saddr 10.0.0.1 drop", False),
        ("counter packets 5 bytes 420 limit rate over 9/second drop", False),
        ("ip saddr 10.0.0.1 counter packets 5 bytes 420 ip daddr 10.0.0.2 reject", False),
    ],
)
def test_rule_of_nft_has_stopped_what_it_counts_behind_all_that_it_asks(rule, told):
    said = str(explain(NFT_RULE.format(rule=rule)))
    assert ("has stopped 5 packets" in said) == told


@pytest.mark.parametrize(("state", "told"), [("start", True), ("up", False), ("feed", False)])
def test_session_that_still_feeds_is_up(state, told):
    said = str(explain(f"root@a:~# birdc show protocols\nMesh_10_4_0_22 BGP --- {state} 09:03:43 Established\n"))
    assert ("Mesh_10_4_0_22 is not up" in said) == told
