"""Rows written as the tools write them, and read again, are the same rows; also with a terminal's signs, and 10 MB."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_parsers import CAPTURES

from vethlab_sh.tables import TABLES, rows

NAMES = st.from_regex(r"[a-z][a-z0-9_.-]{0,13}[a-z0-9]", fullmatch=True).filter(lambda name: name not in WORDS)
WORDS = {word for text in ("dev via proto", "scope src metric table dead onlink linkdown") for word in text.split()}
BYTES = st.integers(0, 255)
MACS = st.lists(BYTES, min_size=6, max_size=6).map(lambda found: ":".join(f"{b:02x}" for b in found))
IPS = st.ip_addresses(v=4).map(str)
IPS6 = st.ip_addresses(v=6).map(str)
NUMBERS = st.integers(0, 2**31 - 1)
PREFIXES = st.tuples(IPS, st.integers(0, 32)).map("{0[0]}/{0[1]}".format)
TRUTH = st.booleans()


def maybe(strategy):
    return st.none() | strategy


def pairs(row, *names):
    """`dev eth0 metric 5`, of those that are there; a name may be `word=column`."""
    split = [(word, column or word) for word, _, column in (name.partition("=") for name in names)]
    return " ".join(f"{word} {row[column]}" for word, column in split if row[column] is not None)


def flags(row, *names):
    return " ".join(name for name in names if row[name])


def line(*parts):
    """Words with one blank between and, as iproute2 does, one behind."""
    return " ".join(part for part in parts if part) + " "


ROUTE = st.fixed_dictionaries({
    "kind": st.sampled_from(["unicast", "local", "broadcast", "blackhole", "unreachable", "prohibit", "throw"]),
    "to": st.just("default") | IPS | PREFIXES, "via": maybe(IPS), "dev": maybe(NAMES),
    "table": maybe(st.sampled_from(["local", "main", "77"])), "proto": maybe(st.sampled_from(["kernel", "bird", "80"])),
    "scope": maybe(st.sampled_from(["link", "host", "global"])), "src": maybe(IPS), "metric": maybe(NUMBERS),
    "dead": TRUTH, "onlink": TRUTH, "linkdown": TRUTH, "mtu": maybe(NUMBERS), "expires_s": maybe(NUMBERS),
    "pref": maybe(st.sampled_from(["low", "medium", "high"])),
})  # fmt: skip


def route(row):
    """iproute2, ip/iproute.c, print_route()."""
    kind = "" if row["kind"] == "unicast" else row["kind"]
    expires = "" if row["expires_s"] is None else f"expires {row['expires_s']}sec"
    return line(kind, row["to"], pairs(row, "via", "dev", "table", "proto", "scope", "src", "metric"),
                flags(row, "dead", "onlink", "linkdown"), pairs(row, "mtu"), expires, pairs(row, "pref"))  # fmt: skip


NEIGHBOUR = st.fixed_dictionaries({
    "ip": IPS | IPS6, "dev": NAMES, "mac": maybe(MACS), "ref": maybe(NUMBERS),
    "used": maybe(st.tuples(NUMBERS, NUMBERS, NUMBERS).map("{0[0]}/{0[1]}/{0[2]}".format)), "probes": maybe(NUMBERS),
    "router": TRUTH, "managed": TRUTH, "extern_learn": TRUTH,
    "state": st.sampled_from(["REACHABLE", "STALE", "DELAY", "PROBE", "PERMANENT", "NOARP", "FAILED", "INCOMPLETE"]),
    "proto": maybe(st.sampled_from(["zebra", "7"])),
})  # fmt: skip


def neighbour(row):
    """iproute2, ip/ipneigh.c, print_neigh()."""
    return line(row["ip"], pairs(row, "dev", "lladdr=mac", "ref", "used", "probes"),
                flags(row, "router", "managed", "extern_learn"), row["state"], pairs(row, "proto"))  # fmt: skip


ENTRY = st.fixed_dictionaries({
    "mac": MACS, "dev": NAMES, "dst": maybe(IPS | IPS6), "vlan": maybe(st.integers(1, 4094)),
    "port": maybe(st.integers(1, 65535)), "vni": maybe(st.integers(0, 2**24 - 1)), "via": maybe(NAMES), "self": TRUTH,
    "extern_learn": TRUTH, "offload": TRUTH, "sticky": TRUTH, "master": maybe(NAMES),
    "state": maybe(st.sampled_from(["permanent", "static", "stale"])),
})  # fmt: skip


def entry(row):
    """iproute2, bridge/fdb.c, print_fdb()."""
    where = pairs(row, "dev", "dst", "vlan", "port", "vni", "via")
    signs = flags(row, "self", "extern_learn", "offload", "sticky")
    return line(row["mac"], where, signs, pairs(row, "master"), row["state"])


ADDRESS = st.fixed_dictionaries({
    "family": st.just("inet"), "address": PREFIXES, "metric": maybe(NUMBERS), "address_broadcast": maybe(IPS),
    "scope": st.sampled_from(["global", "link", "host", "site"]), "secondary": TRUTH, "dynamic": TRUTH,
    "tentative": TRUTH, "noprefixroute": TRUTH, "valid_lft_s": maybe(NUMBERS), "preferred_lft_s": maybe(NUMBERS),
})  # fmt: skip
DEVICE = st.fixed_dictionaries({
    "index": st.integers(1, 2**31 - 1), "name": NAMES, "peer": maybe(NAMES | NUMBERS.map("if{}".format)),
    "flags": st.lists(st.sampled_from(["BROADCAST", "MULTICAST", "UP", "LOWER_UP", "M-DOWN"]), min_size=1, unique=True),
    "mtu": NUMBERS, "qdisc": st.sampled_from(["noop", "noqueue", "fq_codel"]), "master": maybe(NAMES),
    "state": st.sampled_from(["UP", "DOWN", "UNKNOWN", "LOWERLAYERDOWN"]), "group": st.just("default"),
    "qlen": maybe(NUMBERS), "mac": MACS, "broadcast": st.just("ff:ff:ff:ff:ff:ff"), "netnsid": maybe(st.integers(0, 9)),
})  # fmt: skip


def device(row):
    """iproute2, ip/ipaddress.c, print_linkinfo()."""
    at = f"@{row['peer']}" if row["peer"] else ""
    head = f"{row['index']}: {row['name']}{at}: <{','.join(row['flags'])}>"
    first = line(head, pairs(row, "mtu", "qdisc", "master", "state", "group", "qlen"))
    return f"{first}\n    link/ether {row['mac']} brd {row['broadcast']} {pairs(row, 'link-netnsid=netnsid')}".rstrip()


def address(row, name):
    """iproute2, ip/ipaddress.c, print_addrinfo(), which ends with the label or, for IPv6, with a flag."""
    lasts = {key: "forever" if row[key] is None else f"{row[key]}sec" for key in ("valid_lft_s", "preferred_lft_s")}
    first = line(f"    inet {row['address']}", pairs(row, "metric", "brd=address_broadcast", "scope"),
                 flags(row, "secondary", "dynamic", "tentative", "noprefixroute"), name)  # fmt: skip
    return f"{first}\n       valid_lft {lasts['valid_lft_s']} preferred_lft {lasts['preferred_lft_s']}"


def whole(table, known):
    """A row with every column: what is not printed is missing, or false."""
    return {c.name: known.get(c.name, False if c.type is bool else None) for c in TABLES[table].columns}


def told(row):
    """A device's row as it is read: with its flags as text, and what follows from them."""
    return row | {"flags": ",".join(row["flags"]), "up": "UP" in row["flags"], "carrier": "LOWER_UP" in row["flags"]}


def pasted(text):
    """As a terminal in colours gives it, with Windows line ends."""
    return "\x1b[0m\x1b[36m" + text.replace(" dev ", "\x1b[0m dev \x1b[36m").replace("\n", "\x1b[0m\r\n") + "\x1b[K"


@pytest.mark.parametrize(
    ("command", "strategy", "write"),
    [("ip route", ROUTE, route), ("ip neigh", NEIGHBOUR, neighbour), ("bridge fdb", ENTRY, entry)],
    ids=["ip route", "ip neigh", "bridge fdb"],
)
@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_rows_written_are_the_rows_read(command, strategy, write, data):
    known = data.draw(st.lists(strategy, max_size=4))
    printed = "".join(write(row) + "\n" for row in known)
    for text in (printed, pasted(printed)):
        read = rows(TABLES[command].example, text)[command]
        assert read == [whole(command, row) for row in known]


@given(st.lists(st.tuples(DEVICE, st.lists(ADDRESS, max_size=3)), max_size=3, unique_by=lambda pair: pair[0]["index"]))
@settings(max_examples=150, deadline=None)
def test_devices_and_addresses_written_are_those_read(known):
    printed = "".join(
        device(row) + "\n" + "".join(address(one, row["name"]) + "\n" for one in ones) for row, ones in known
    )
    wanted = [told(row) | {"label": row["name"], **one} for row, ones in known for one in ones or [{"label": None}]]
    for text in (printed, pasted(printed)):
        read = rows("ip addr", text)["ip addr"]
        assert [{c: row[c] for c in want} for row, want in zip(read, wanted, strict=True)] == wanted


# What daemons answer is short: of these a megabyte is much, and tells the same
OF_DAEMONS = {"ovs-vsctl show", "ovs-appctl fdb", "ovs-ofctl flows", "birdc route", "birdc protocols", "nft list"}


@pytest.mark.parametrize("name", TABLES)
def test_ten_megabytes_take_as_long_as_ten_times_one(name):
    """In proportion to its size, with the signs of a terminal in it: squared it would be a hundred times."""
    size = 1_000_000 if name in OF_DAEMONS else 10_000_000
    capture = max(CAPTURES[name], key=len)

    def seconds(size):
        text = pasted(capture) * (size // len(capture) + 1)
        start = time.process_time()
        assert rows(TABLES[name].example, text)[name]
        return time.process_time() - start

    short = min(seconds(size // 10) for _ in range(2))
    assert seconds(size) < 10 * 3 * short + 0.1
