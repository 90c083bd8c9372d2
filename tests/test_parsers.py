"""Text in, rows out: real captures, and everything that is not one."""

import contextlib
import doctest
import importlib
import json
import os
import pkgutil
import re
import time
from pathlib import Path

import promises
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import vethlab_sh.parsers
from vethlab_sh.errors import OutputNotUnderstood
from vethlab_sh.parsers import arp, ip_route, ping, sysctl, tcpdump
from vethlab_sh.tables import TABLES, frame, recognise

FOLDER = Path(__file__).parent / "fixtures"
FIXTURES = sorted(FOLDER.glob("*/*.out"))  # <command>/<case>.out
MODULES = [module.name for module in pkgutil.iter_modules(vethlab_sh.parsers.__path__)]
# A fixture's folder has its parser's name; ping has two tables.
OF_PARSER = {name.replace(" ", "_"): [name] for name in TABLES} | {"ping": ["ping", "ping statistics"]}
OF_PARSER["tcpdump_table"] = OF_PARSER.pop("tcpdump")  # in the folder tcpdump is what a walk reads, all of it
FINDS = sorted(promises.FINDS.glob("*.txt"))


def case(fixture: Path) -> str:
    """Which capture it is: ip_addr/tunnels."""
    return f"{fixture.parent.name}/{fixture.stem}"


def read(fixture: Path) -> dict[str, list[dict]]:
    """All tables of a fixture, each row without what is missing in it."""
    parser, printed = fixture.parent.name, fixture.read_text()
    if parser == "tcpdump":  # which is not the table: a walk reads it
        rows = {parser: tcpdump.parse(printed)}
    else:
        rows = {name: TABLES[name].read(printed) for name in OF_PARSER[parser]}
    return {name: [{k: v for k, v in row.items() if v is not None} for row in found] for name, found in rows.items()}


@pytest.mark.parametrize("fixture", FIXTURES, ids=case)
def test_capture_gives_the_known_rows(fixture):
    known = fixture.with_suffix(".json")
    if os.environ.get("WRITE_FIXTURES"):  # read the difference by eye before committing it
        known.write_text(json.dumps(read(fixture), indent=1) + "\n")
    assert read(fixture) == json.loads(known.read_text())


def test_every_parser_has_captures():
    assert {fixture.parent.name for fixture in FIXTURES} == set(OF_PARSER) - {"ping_statistics"} | {"tcpdump"}


def test_no_capture_lies_where_nobody_reads_it():
    captures = {file.with_suffix("") for file in FOLDER.rglob("*.out")}
    known = {file.with_suffix("") for file in FOLDER.rglob("*.json")}
    assert captures == known == {file.with_suffix("") for file in FIXTURES}


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_parsers_run(name):
    module = importlib.import_module(f"vethlab_sh.parsers.{name}")
    assert not doctest.testmod(module).failed


@pytest.mark.parametrize("name", TABLES)
def test_every_row_has_every_column(name):
    for fixture in FIXTURES:
        if name in OF_PARSER.get(fixture.parent.name, ()):
            for row in TABLES[name].read(fixture.read_text()):
                assert set(row) == {column.name for column in TABLES[name].columns}, case(fixture)


def test_blackhole_route_keeps_its_prefix():
    (row,) = TABLES["ip route"].read("blackhole 10.244.1.0/26 proto 80 \n")
    assert (row["kind"], row["to"], row["proto"]) == ("blackhole", "10.244.1.0/26", "80")


def test_onlink_route_keeps_its_word():
    (row,) = TABLES["ip route"].read("10.244.2.0/24 via 10.244.2.0 dev flannel.1 onlink \n")
    assert row["onlink"] is True


@pytest.mark.parametrize(
    ("table", "printed", "word", "number"),
    [
        ("ip route", "default via 10.0.0.1 dev eth0\n10.0.0.0/8 dev eth0 sideways\n", "sideways", 2),
        ("ip route", "nonsense\n", "nonsense", 1),
        ("ip addr", "2: eth0: <UP> mtu 1500 colour red\n", "colour", 1),
        ("ip addr", "\n2: eth0: <UP> mtu 1500\n    inet 10.0.0.1/8 upside scope global eth0\n", "upside", 3),
        ("ip link", "2: eth0: <UP> mtu many\n", "many", 1),
        ("ip neigh", "10.0.0.1 dev eth0 lladdr 00:00:00:00:00:01 HAPPY\n", "HAPPY", 1),
        ("bridge fdb", "00:00:00:00:00:01 dev eth0 sideways\n", "sideways", 1),
        ("brctl show", "br0\t8000.000000000000\tmaybe\n", "maybe", 1),
        ("arp", "10.0.0.1 ether 00:00:00:00:00:01 Q eth0\n", "Q", 1),
        ("ping", "PING 10.0.0.1 (10.0.0.1) 56(84) bytes of data.\nhello there\n", "hello", 2),
        ("ip route", "default via\n", "(end of line)", 1),
        ("ip route", "10.0.0.0/8\n\tnexthop via 10.0.0.2 dev eth0 heavy 1\n", "heavy", 2),
        ("ip route", "10.0.0.2 dev eth0 uid 0\n    cache warm\n", "warm", 2),
        ("ip link", "2: eth0: <UP> mtu 1500\n    link/ether 00:00:00:00:00:01 colour red\n", "colour", 2),
        ("ip link", "2: vx: <UP> mtu 1500\n    vxlan id 1 sideways ttl auto\n", "sideways", 2),
        ("ip link", "2: p: <UP> mtu 1500\n    bridge_slave state forwarding colour red\n", "colour", 2),
        ("ip link", "2: p: <UP> mtu 1500\n    quantum entangled on\n", "quantum", 2),
        ("ip link", "2: p: <UP> mtu 1500\n    RX: bytes hiccups\n", "hiccups", 2),
        ("ip neigh", "10.0.0.1 eth0\n", "eth0", 1),
        ("bridge link", "3: p1: <UP> mtu 1500 master br0 state forwarding priority 32 colour 2\n", "colour", 1),
        ("brctl showmacs", "  1\t00:00:00:00:00:01\tmaybe\t\t   0.00\n", "maybe", 1),
        ("ip netns", "ns1 (id: many)\n", "(id: many)", 1),
        ("ovs-vsctl show", "Bridge br0\n  Port p\n    colour: 1\n", "colour:", 3),
        ("ovs-appctl fdb", "    2     0  02:00:00:00:00:02    soon\n", "soon", 1),
        ("ovs-ofctl flows", " cookie=0x0, Colour=1 actions=drop\n", "Colour=1", 1),
        ("birdc route", "10.0.0.0/8 unicast [a 09:00:00] (1)\n\tvia 10.0.0.1 at eth0\n", "at", 2),
        ("birdc protocols", "a BGP --- asleep 09:00:00\n", "asleep", 1),
        ("nft list", "table ip x {\n\tcolour y {\n", "colour", 2),
        ("ifconfig", "eth0: flags=1<UP>  mtu 1500\n        inet 10.0.0.1  netmask 255.0.255.0\n", "255.0.255.0", 2),
    ],
)
def test_unknown_word_is_named_with_its_line(table, printed, word, number):
    with pytest.raises(OutputNotUnderstood) as error:
        TABLES[table].read(printed)
    assert (error.value.word, error.value.number) == (word, number)
    assert error.value.line == printed.splitlines()[number - 1]
    assert f"line {number}" in str(error.value)


def test_another_language_is_told_with_the_way_out():
    with pytest.raises(OutputNotUnderstood) as error:
        TABLES["ping"].read("PING 10.0.0.1 (10.0.0.1) 56(84) байт данных.\n")
    assert "LC_ALL=C" in error.value.advice
    assert error.value.advice in str(error.value)
    with pytest.raises(OutputNotUnderstood) as error:
        TABLES["ip link"].read("2: eth0: <UP> mtu 1500 größe 3\n")
    assert not error.value.advice  # ip speaks English only


def test_counters_of_a_virtual_function_are_not_the_cards():
    printed = (FOLDER / "ip_link" / "counters_of_functions.out").read_text()
    (row,) = TABLES["ip link"].read(printed)
    assert (row["rx_bytes"], row["tx_packets"]) == (5060, 7)


def test_rounded_counters_are_no_numbers():
    (row,) = TABLES["ip link"].read((FOLDER / "ip_link" / "human_counters.out").read_text())
    assert (row["rx_packets"], row["rx_bytes"]) == (602, None)
    assert "rx_bytes 50.6k" in row["details"]


def test_words_of_a_wrapping_are_not_the_routes():
    (row,) = TABLES["ip route"].read("10.9.0.0/24  encap ip id 42 src 10.0.0.1 dst 10.0.0.2 ttl 0 tos 0 dev a0\n")
    assert (row["src"], row["dev"]) == (None, "a0")


def test_address_joined_to_a_details_line_is_not_swallowed():
    joined = "2: e: <UP> mtu 1500\n    bond mode 802.3ad inet 10.0.0.1/24 scope global e\n"
    with pytest.raises(OutputNotUnderstood):
        TABLES["ip addr"].read(joined)


def test_number_too_large_for_tables_is_refused():
    with pytest.raises(OutputNotUnderstood):
        TABLES["ip link"].read(f"{'9' * 5000}: eth0: <UP> mtu 1500\n")
    with pytest.raises(OutputNotUnderstood):
        TABLES["ip route"].read(f"default dev eth0 metric {'9' * 30}\n")


def test_details_keep_every_printed_word():
    printed = (FOLDER / "ip_link" / "details_many_kinds.out").read_text()
    kept = " ".join(row["details"] for row in TABLES["ip link"].read(printed)).replace(";", "")
    lost = {line.split()[0] for line in printed.splitlines() if line[0] == " " and "link/" not in line} - set(
        kept.split()
    )
    assert not lost
    assert kept.count("gro_max_size 65536") == printed.count("gro_max_size 65536")


def test_next_hops_repeat_their_destination():
    printed = (
        "10.12.0.0/16 proto bird \n\tnexthop via 10.0.0.2 dev a weight 1 \n\tnexthop via 10.0.0.3 dev a weight 2 \n"
    )
    rows = TABLES["ip route"].read(printed + "10.13.0.0/16 dev a\n")
    assert [(row["to"], row["via"], row["weight"]) for row in rows] == [
        ("10.12.0.0/16", "10.0.0.2", 1), ("10.12.0.0/16", "10.0.0.3", 2), ("10.13.0.0/16", None, None),
    ]  # fmt: skip


def test_old_bridge_link_tells_the_same():
    new = "5: p0@if6: <BROADCAST,UP> mtu 1500 master br0 state forwarding priority 32 cost 2 \n"
    old = "5: p0 state UP @if6: <BROADCAST,UP> mtu 1500 master br0 state forwarding priority 32 cost 2 \n"
    assert TABLES["bridge link"].read(new) == TABLES["bridge link"].read(old)


def test_hardware_of_tunnels_is_kept():
    printed = (
        "2: t0@NONE: <NOARP> mtu 1480\n    link/ipip 10.4.0.21 peer 10.4.0.23\n    ipip remote any local any ttl 5\n"
    )
    (row,) = TABLES["ip link"].read(printed)
    assert (row["mac"], row["broadcast"], row["kind"]) == ("10.4.0.21", "10.4.0.23", "ipip")
    assert row["details"] == "link/ipip; ipip remote any local any ttl 5"


def test_several_other_names_are_kept():
    printed = "2: eth0: <UP> mtu 1500\n    altname enp0s1\n    altname ens1\n    link/ether 00:00:00:00:00:01\n"
    (row,) = TABLES["ip addr"].read(printed)
    assert (row["altname"], row["address"]) == ("enp0s1 ens1", None)


def test_peer_of_unknown_place_has_no_number():
    printed = "3: eth0@if9: <UP> mtu 1500\n    link/ether 00:00:00:00:00:01 link-netnsid unknown\n"
    (row,) = TABLES["ip link"].read(printed)
    assert (row["peer"], row["netnsid"]) == ("if9", None)


@pytest.mark.parametrize(
    ("name", "head", "more"),
    [
        ("ip link", "1: a: <UP>\n", "    altname x\n"),
        ("ip link", "1: a: <UP>\n", "    veth promiscuity 0\n"),
        ("ip addr", "1: a: <UP>\n", "    inet 10.0.0.1/8 scope host a\n"),
        ("ip route", "10.0.0.0/8\n", "    cache\n"),
        ("ip route", "10.0.0.0/8", " offload"),
        ("brctl show", "br0\t8000.0\tno\tp0\n", "\t\t\tp1\n"),
        ("ping", "", "64 bytes from 10.0.0.1: icmp_seq=1 ttl=64 time=0.1 ms\n"),
        ("ping", "From a (", "--- ("),
        ("ifconfig", "a: flags=1<UP>  mtu 1\n", "RX bytes:1 (1) TX bytes:1 ("),
    ],
)
def test_reading_time_grows_with_length(name, head, more):
    def seconds(times):
        start = time.process_time()  # not the clock's: other tests run beside this one
        with contextlib.suppress(OutputNotUnderstood):
            TABLES[name].read(head + more * times)
        return time.process_time() - start

    short = min(seconds(1000) for _ in range(3))
    assert min(seconds(8000) for _ in range(3)) < 8 * 3 * short + 0.02  # squared would be 64 times


NEVER = re.compile(r"(?!)")
ROUTES = st.sampled_from(
    [
        "10.0.0.0/8 via 10.0.0.1 dev eth0 ",
        "10.0.0.0/33 via 10.0.0.1 dev eth0",
        "10.1.0.0/16 via 10.0.0.1 dev eth0 ",
        "10.2.0.0/16 dev eth0  proto kernel  scope link  src 10.0.0.1",
        "default via 10.0.0.1 dev eth0 metric 5 onlink",
        "10.3.0.0/16",
        "\tnexthop via 10.0.0.2 dev a weight 1 ",
        "    cache expires 5sec",
        "blackhole 10.0.0.0/8 proto 80",
        "010.0.0.0/8 via 10.0.0.1 dev eth0 ",
        "x via 10.0.0.1 dev eth0 ",
        " 10.0.0.0/8 dev a",
        "10.4.0.0/16 dev a\\    cache",
    ]
)
ENTRIES = st.sampled_from(
    [
        "10.0.0.2    ether   02:00:00:00:00:02   C                     eth0",
        "10.0.0.3  (incomplete)  eth0",
        "10.0.0.4  ether  02:00:00:00:00:04  CM  eth0",
        "10.0.0.5 ether 02:00 C eth0",
        "10.0.0.0 ether 02:00:00:00:00:02 C *",
        "10.0.0.6  ether  02:00:00:00:00:06  C  10.0.0.1",
        "? (10.0.0.2) at 02:00:00:00:00:02 [ether] on eth0",
        "Address                  HWtype  HWaddress           Flags Mask            Iface",
    ]
)
SETTINGS = st.sampled_from(
    [
        "net.ipv4.ip_forward = 1",
        "net.ipv4.tcp_rmem = 4096\t131072\t6291456",
        "kernel.domainname = (none)",
        "a.b = c = d",
        "net.a =",
        "net.b = ",
        "net.c  = 1",
        "x = 1",
        "net.d = 1  2 ",
        "net.e",
        " net.f = 2",
        "net.g=h = 2",
        "net.i = \\|x",
    ]
)
ECHOES = st.sampled_from(
    [
        "64 bytes from 10.0.0.2: icmp_seq=1 ttl=64 time=0.05 ms",
        "64 bytes from 10.0.0.2: icmp_seq=1 ttl=64 time=1 ms (DUP!)",
        "64 bytes from 10.0.0.2: icmp_seq=1 ttl=64 time=1 ms\t(same route)",
        "RR: \t10.0.0.2",
        "\t10.0.0.1",
        "pipe 2",
        "huh",
    ]
)


def outcome(read, lines):
    """The rows, or the word that was refused and its line."""
    try:
        return read("\n".join(lines))
    except OutputNotUnderstood as error:
        return error.word, error.number


@given(st.lists(ROUTES), st.lists(ENTRIES), st.lists(SETTINGS), st.lists(ECHOES))
@settings(max_examples=300, deadline=None)
def test_the_fast_way_says_what_the_careful_one_says(routes, entries, keys, echoes):
    texts = [("ip route", routes), ("arp", entries), ("sysctl", keys), ("ping", echoes)]
    fast = [outcome(TABLES[name].read, lines) for name, lines in texts]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ip_route, "USUAL", NEVER)
        patched.setattr(arp, "LETTERS", chr(0x10FFFF))
        patched.setattr(sysctl, "_usual", lambda printed: None)
        patched.setattr(ping, "USUAL", NEVER)
        assert fast == [outcome(TABLES[name].read, lines) for name, lines in texts]


@pytest.mark.parametrize("name", TABLES)
@given(printed=st.text())
@settings(max_examples=150, deadline=None)
def test_any_text_gives_rows_or_not_understood(name, printed):
    promises.rows_or_not_understood(name, printed)


@pytest.mark.parametrize("find", FINDS, ids=lambda f: f.stem)
def test_text_that_once_broke_a_promise_keeps_it(find):
    promises.PROMISES[find.stem.split("--")[0]](find.read_text(errors="replace"))


CAPTURES = {
    name: [f.read_text() for f in FIXTURES if name in OF_PARSER.get(f.parent.name, ())] for name in TABLES
}  # fmt: skip
WORDS = st.sampled_from(sorted({word for texts in CAPTURES.values() for text in texts for word in text.split()}))


@st.composite
def mutated(draw, name):
    """A real capture, with words replaced, removed, repeated, or the text cut short."""
    words = draw(st.sampled_from(CAPTURES[name])).split(" ")
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(words) - 1))
        change = draw(st.sampled_from(("replace", "remove", "repeat", "cut", "insert")))
        if change == "cut":
            words = words[: at + 1]
        else:
            new = {"replace": [draw(WORDS | st.text(max_size=5))], "remove": [], "repeat": words[at : at + 1] * 2}
            words[at : at + 1] = new.get(change, [words[at], draw(WORDS)])
        if not words:
            break
    return " ".join(words)


@pytest.mark.parametrize("name", TABLES)
@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_damaged_capture_gives_rows_or_not_understood(name, data):
    promises.rows_or_not_understood(name, data.draw(mutated(name)))


@pytest.mark.parametrize("fixture", FIXTURES, ids=case)
def test_rows_become_typed_frames(fixture):
    for name in OF_PARSER.get(fixture.parent.name, ()):
        made = frame(name, TABLES[name].read(fixture.read_text()))
        assert list(made.columns) == [column.name for column in TABLES[name].columns]


def test_example_of_each_table_is_recognised():
    for table in TABLES.values():
        assert table.name in recognise(table.example)
