"""Which lines of bash rebuild this lab as it is now?

What `ip` prints of routes, rules and neighbours is also what it reads, so most lines are its own words. Left out is
what comes by itself (connected routes, link-local addresses, a device's own entries) and what a fresh world has
anyway: sysctls and options are written where they differ from those of a world made for the comparison.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from ipaddress import ip_interface
from typing import Any

from .. import snapshot
from ..errors import CannotSave
from ..inside import inside, way_into
from ..sandbox import HOSTNAME, Sandbox
from ..shell import Shell

Row = dict[str, Any]
Values = dict[str, str]

MARK = "=vethlab="
# Each answer is followed by a line with the mark; a tool that is missing answers with nothing.
QUESTIONS = {
    "links": "ip -d -j addr",
    "routes": "ip -4 -o -d route show table all",
    "routes6": "ip -6 -o -d route show table all",
    "rules": "ip rule",
    "rules6": "ip -6 rule",
    "neighbours": "ip neigh; ip neigh show proxy",
    "fdb": "bridge -j fdb",
    "iptables": "iptables-save",
    "ip6tables": "ip6tables-save",
    "nft": "nft list tables",
    "qdiscs": "tc -j qdisc",
    "sysctls": "cd /proc/sys/net; grep -rs . ipv4 ipv6 bridge",
}
SCRIPT = "\n".join(f"{{ {line}; }} 2>/dev/null; echo; echo {MARK}" for line in QUESTIONS.values()) + "\nexit 0"

HEAD = """\
#!/usr/bin/env bash
# The lab {name}, as it was when it was saved. For a fresh lab, never for the machine itself:
#   python -m vethlab_sh up {file}
set -e
if [ "$(hostname)" != {host} ] || [ "$(ip netns)" ] || ip -o link show up | grep -qv ' lo:'; then
    echo 'This rebuilds a lab, and only in a fresh one: python -m vethlab_sh up {file}' >&2
    exit 1
fi
"""

# Words of `ip route` that are no input, and those that go without saying.
TOLD = {"linkdown", "dead", "pervasive", "offload", "rt_offload", "trap", "rt_trap", "\\"}
UNSAID = (r"^unicast ", r" table main\b", r" proto boot\b", r" pref medium\b", r" (expires|error) \S+")
BRIDGE = (
    "forward_delay", "hello_time", "max_age", "ageing_time", "stp_state", "priority", "group_fwd_mask",
    "mcast_snooping", "mcast_querier", "nf_call_iptables", "nf_call_ip6tables", "nf_call_arptables",
)  # fmt: skip
PORT = (
    "priority", "hairpin", "guard", "root_block", "fastleave", "learning", "flood", "proxy_arp", "mcast_flood",
    "bcast_flood", "mcast_to_unicast", "neigh_suppress", "isolated",
)  # fmt: skip
# What follows from something else, or is the same setting under a second name.
NO_SETTING = re.compile(
    r"ipv4/conf/all/forwarding|ipv6/conf/[^/]*/(mtu|stable_secret)|.*/(base_reachable_time|retrans_time)"
)
PER_DEVICE = re.compile(r"(ipv[46]/(?:conf|neigh))/([^/]+)/(.+)")
IPTABLES = {"filter", "nat", "mangle", "raw", "security"}


@dataclass(frozen=True)
class Saved:
    """A lab as text.

    script: bash lines for a fresh lab; left_out: sentences about what could not be written.
    """

    script: str
    left_out: tuple[str, ...]


def save(shell: Shell, name: str, file: str = "FILE") -> Saved:
    """The lab that this shell runs in as a script; name and file stand in its head.

    Raises CannotSave for a device that we do not know how to make again.
    """
    now = snapshot.take(shell)
    spaces = [row["namespace"] for row in now.rows["namespaces"]]
    peers = {(row["namespace"], row["name"]): (row["peer_namespace"], row["peer"]) for row in now.rows["links"]}
    fresh = _fresh()
    worlds = {space: _World(space, _ask(shell, space), fresh[space == HOSTNAME], peers) for space in spaces}
    parts = [HEAD.format(name=name, file=shlex.quote(file), host=HOSTNAME)]
    for title, lines in _chapters(worlds):
        if lines:
            parts.append(f"\n# {title}\n" + "".join(f"{line}\n" for line in lines))
    return Saved("".join(parts), tuple(left for world in worlds.values() for left in world.left_out()))


def _ask(shell: Shell, space: str) -> dict[str, str]:
    answers = [answer.strip() for answer in shell.run(inside(space, SCRIPT)).out.split(MARK)]
    return dict(zip(QUESTIONS, answers, strict=False))


def _fresh() -> dict[bool, dict[str, str]]:
    """What a new world says, and (False) a new namespace in it; in both is a bridge with a port."""
    sandbox = Sandbox()
    try:
        shell = Shell(sandbox)
        shell.run("ip netns add other")
        for at in (HOSTNAME, "other"):
            shell.run("ip link add name br type bridge; ip link add name port master br type veth peer name end", at)
        return {True: _ask(shell, HOSTNAME), False: _ask(shell, "other")}
    finally:
        sandbox.close()


def _chapters(worlds: dict[str, _World]) -> Iterator[tuple[str, list[str]]]:
    every = list(worlds.values())
    yield "Namespaces", [f"ip netns add {shlex.quote(w.space)}" for w in every if w.space != HOSTNAME]
    yield "Settings, before the devices that will inherit them", [x for w in every for x in w.settings(devices=False)]
    yield "Devices", _devices(every)
    yield "Ports of bridges", [line for world in every for line in world.ports()]
    yield "Settings of single devices", [line for world in every for line in world.settings(devices=True)]
    yield "Switch on", [line for world in every for line in world.switches()]
    yield "Addresses", [line for world in every for line in world.addresses()]
    yield "Routes and rules", [line for world in every for line in world.routes()]
    yield "Neighbours", [line for world in every for line in world.neighbours()]
    yield "Forwarding entries", [line for world in every for line in world.entries()]
    yield "Packet filters", [line for world in every for line in world.filters()]


def _devices(worlds: list[_World]) -> list[str]:
    """Each device after the one that it is made on."""
    left = [(world, link) for world in worlds for link in world.links.values() if link["ifname"] != "lo"]
    left = [(world, link) for world, link in left if link["ifname"] not in world.inborn]
    lines: list[str] = []
    while left:
        waiting = {(world.space, link["ifname"]) for world, link in left}
        ready = [(w, link) for w, link in left if (w.space, w.lower(link)) not in waiting]
        for world, link in ready:
            if world.makes(link):
                lines += world.device(link, {w.space: w for w in worlds})
        left = [pair for pair in left if pair not in ready]
    return lines


class _World:
    """One namespace: what it said, what a fresh one says, and the lines that follow."""

    def __init__(self, space: str, said: dict[str, str], fresh: dict[str, str], peers: dict[Any, Any]) -> None:
        self.space, self.peers, self.said = space, peers, said
        self.links: dict[str, Row] = {row["ifname"]: row for row in _json(said["links"]) if row}
        self.sysctls, self.fresh_sysctls = _values(said["sysctls"]), _values(fresh["sysctls"])
        self.fresh_rules = {key: fresh[key].splitlines() for key in ("rules", "rules6")}
        born = {row["ifname"]: row for row in _json(fresh["links"]) if row}
        self.fresh_bridge, self.fresh_port = born["br"]["linkinfo"]["info_data"], born["port"]["linkinfo"]
        self.inborn = born.keys() - {"br", "port", "end", "lo"}  # tunl0 and its like, where their module is loaded
        named = space != HOSTNAME
        self.ip = f"ip -n {shlex.quote(space)}" if named else "ip"
        self.bridge = f"bridge -n {shlex.quote(space)}" if named else "bridge"
        self.inside = f"{shlex.join(way_into(space))} " if named else ""  # for a here-document, too

    # --- devices

    def lower(self, link: Row) -> str | None:
        """The device that this one is made on, in the same namespace."""
        if _kind(link) == "veth":
            return None
        return link.get("link") or _data(link).get("link")

    def makes(self, link: Row) -> bool:
        """Whether this device is made from here: a veth pair is made once, from master if one end is there."""
        if _kind(link) != "veth":
            return True
        here = (self.space, link["ifname"])
        there = self.peers.get(here, (None, None))
        if None in there:
            raise CannotSave(f"The other end of {link['ifname']} in {self.space} is in a namespace that has no name.")
        first: tuple[str, str] = min(here, there, key=lambda end: (end[0] != HOSTNAME, end))
        return first == here

    def device(self, link: Row, worlds: dict[str, _World]) -> list[str]:
        """The lines that make a device, and set what can only be set afterwards."""
        kind, name = _kind(link), link["ifname"]
        if kind not in KINDS or (link.get("link_netnsid") is not None and kind != "veth"):
            raise CannotSave(f"I do not know how to make {name} in {self.space} again, a device of kind {kind}.")
        lower = f"link {shlex.quote(link['link'])} " if kind in ("vlan", "macvlan") else ""
        words = [f"{self.ip} link add {lower}{self._traits(link)} type {kind}", *KINDS[kind](_data(link), self)]
        if kind != "veth":
            return [" ".join(words), *self._after(link)]
        there, peer = self.peers[self.space, name]
        other = worlds[there]
        where = f" netns {shlex.quote(there)}" if there != self.space else ""
        words.append(f"peer {other._traits(other.links[peer])}{where}")
        return [" ".join(words), *self._after(link), *other._after(other.links[peer])]

    def _traits(self, link: Row) -> str:
        """Name, number, MAC address, MTU and queue, as `ip link add` reads them."""
        words = [f"name {shlex.quote(link['ifname'])} index {link['ifindex']}"]
        bridge = _kind(link) == "bridge"
        if link.get("link_type") == "ether" and not (bridge and link["address"] == self._least(link, "address")):
            words.append(f"address {link['address']}")
        if not bridge and (link["mtu"] != 1500 or _kind(link) == "vxlan"):
            words.append(f"mtu {link['mtu']}")
        if link.get("txqlen", 0) != 1000:
            words.append(f"txqueuelen {link.get('txqlen', 0)}")
        return " ".join(words)

    def _least(self, bridge: Row, trait: str) -> Any:
        """What a bridge takes from its ports by itself: the least of their MAC addresses, and of their MTUs."""
        ports = [link[trait] for link in self.links.values() if link.get("master") == bridge["ifname"]]
        return min(ports, default={"address": "00:00:00:00:00:00", "mtu": 1500}[trait])

    def _after(self, link: Row) -> Iterator[str]:
        flags, words = link["flags"], []
        if ("NOARP" in flags) != (_kind(link) in ("dummy", "ifb")):
            words.append(f"arp {'off' if 'NOARP' in flags else 'on'}")
        words += [
            f"{word} on" for flag, word in (("PROMISC", "promisc"), ("ALLMULTI", "allmulticast")) if flag in flags
        ]
        if "MULTICAST" not in flags and _kind(link) not in ("dummy", "ifb"):
            words.append("multicast off")
        mode = link.get("inet6_addr_gen_mode", "eui64")
        if mode != "eui64" or self._lacks_own_address(link):
            words.append(f"addrgenmode {mode if mode != 'eui64' else 'none'}")
        if link.get("group", "default") != "default":
            words.append(f"group {link['group']}")
        if link.get("ifalias"):
            words.append(f"alias {shlex.quote(link['ifalias'])}")
        if words:
            yield f"{self.ip} link set {shlex.quote(link['ifname'])} {' '.join(words)}"

    def _speaks_ipv6(self, device: str) -> bool:
        return self.sysctls.get(f"ipv6/conf/{device}/disable_ipv6") == "0"

    def _lacks_own_address(self, link: Row) -> bool:
        """Whether IPv6 would make an address that was taken away, or was made when the MAC address was another."""
        on = {"UP", "LOWER_UP"} <= set(link["flags"]) and link["link_type"] == "ether"
        return (
            on and self._speaks_ipv6(link["ifname"]) and not any(_made_of_mac(row, link) for row in link["addr_info"])
        )

    def ports(self) -> Iterator[str]:
        """What is plugged into what, and how."""
        for link in self.links.values():
            if not link.get("master"):
                continue
            name = shlex.quote(link["ifname"])
            yield f"{self.ip} link set {name} master {shlex.quote(link['master'])}"
            info = link["linkinfo"]
            if info.get("info_slave_kind") == "bridge":
                words = _differing(PORT, info["info_slave_data"], self.fresh_port["info_slave_data"])
                if words:
                    yield f"{self.ip} link set {name} type bridge_slave {' '.join(words)}"
        for link in self.links.values():
            if _kind(link) == "bridge" and link["mtu"] != self._least(link, "mtu"):
                yield f"{self.ip} link set {shlex.quote(link['ifname'])} mtu {link['mtu']}"

    def switches(self) -> Iterator[str]:
        """Which devices are up; a fresh namespace's lo is down, the lab's own is up."""
        for name, link in self.links.items():
            up = "UP" in link["flags"]
            if name == "lo" and link["mtu"] != 65536:
                yield f"{self.ip} link set lo mtu {link['mtu']}"
            if up != (name == "lo" and self.space == HOSTNAME):
                yield f"{self.ip} link set {shlex.quote(name)} {'up' if up else 'down'}"

    # --- settings

    def settings(self, devices: bool) -> list[str]:
        """The sysctls that differ: of single devices from the namespace's default, all others from a fresh world."""
        keys = [key for key in self.sysctls if not NO_SETTING.fullmatch(key)]
        differing = [key for key in keys if self._single(key) == devices and self.sysctls[key] != self._usual(key)]
        # Forwarding comes first, because it changes others: Documentation/networking/ip-sysctl
        differing.sort(key=lambda key: ("forward" not in key, "/all/" not in key))
        words = (shlex.quote(f"net/{key}={self.sysctls[key]}") for key in differing)
        return [f"{self.inside}sysctl -qw {word}" for word in words]

    def _single(self, key: str) -> bool:
        device = PER_DEVICE.fullmatch(key)
        return bool(device and device[2] not in ("all", "default"))

    def _usual(self, key: str) -> str | None:
        if self._single(key) and key not in self.fresh_sysctls:
            group, _, setting = PER_DEVICE.fullmatch(key).groups()  # type: ignore[union-attr]
            fresh = self.fresh_sysctls.get(f"{group}/port/{setting}")  # neigh/default is in no world but the first
            return self.sysctls.get(f"{group}/default/{setting}", fresh)
        return self.fresh_sysctls.get(key, self.sysctls[key])

    # --- addresses, routes

    def addresses(self) -> Iterator[str]:
        """The addresses that were given."""
        for link in self.links.values():
            name, up = shlex.quote(link["ifname"]), "UP" in link["flags"]
            present = {f"{row['local']}/{row['prefixlen']}" for row in link["addr_info"]}
            by_itself = ["127.0.0.1/8", *(["::1/128"] if self._speaks_ipv6("lo") else [])]
            usual = set(by_itself if up else ()) if link["ifname"] == "lo" else set()
            yield from (f"{self.ip} addr del {address} dev {name}" for address in sorted(usual - present))
            for row in link["addr_info"]:
                if f"{row['local']}/{row['prefixlen']}" not in usual and not _made_of_mac(row, link):
                    yield f"{self.ip} addr add {_address(row)} dev {name}{_address_traits(row, link['ifname'])}"

    def routes(self) -> Iterator[str]:
        """Connected routes that were taken away, then the routes that were laid, gateways last; then rules."""
        for family, key in (("", "routes"), (" -6", "routes6")):
            routes = [line for line in self.said[key].splitlines() if " table local" not in line]
            kernel = [line.split() for line in routes if " proto kernel" in line]
            for to, device in self._connected(six=bool(family)):
                if not any(words[1] == to and device in words for words in kernel):
                    yield f"{self.ip}{family} route del {to} dev {shlex.quote(device)}"
            laid = [_route(line, six=bool(family)) for line in routes if " proto kernel" not in line]
            laid.sort(key=lambda line: (" via " in line and " onlink" not in line, "nexthop" in line))
            yield from (f"{self.ip}{family} route add {line}" for line in laid)
        for family, key in (("", "rules"), (" -6", "rules6")):
            usual = self.fresh_rules[key]
            for line in (line for line in self.said[key].splitlines() if line not in usual):
                priority, _, rule = line.partition(":")
                yield f"{self.ip}{family} rule add priority {priority} {rule.strip().replace('[detached] ', '')}"

    def _connected(self, six: bool) -> Iterator[tuple[str, str]]:
        for link in self.links.values():
            for row in link["addr_info"]:
                address = ip_interface(f"{row['local']}/{row['prefixlen']}")
                own = address.network.prefixlen == address.network.max_prefixlen
                if (
                    (row["family"] == "inet6") == six
                    and "UP" in link["flags"]
                    and link["ifname"] != "lo"
                    and not (row.get("noprefixroute") or row.get("address") or (own and not six))
                    and not address.is_link_local
                ):
                    yield str(address.ip if own else address.network), link["ifname"]

    # --- neighbours, forwarding entries, filters

    def neighbours(self) -> Iterator[str]:
        """Those that were told, and those that were learned, as not asked lately; unanswered questions are left out."""
        for line in self.said["neighbours"].splitlines():
            words = line.split()
            if len(words) < 3 or words[-1] in ("FAILED", "INCOMPLETE"):
                continue
            if words[-1] == "proxy":
                yield f"{self.ip} neigh add proxy {words[0]} dev {shlex.quote(words[2])}"
                continue
            state = "permanent" if words[-1] == "PERMANENT" else "stale"
            yield f"{self.ip} neigh replace {' '.join(words[:-1])} nud {state}"

    def entries(self) -> Iterator[str]:
        """Forwarding entries that were told or learned; a device's own and multicast come by themselves."""
        own = {link.get("address") for link in self.links.values()}
        for row in _json(self.said["fdb"]):
            multicast = int(row["mac"][:2], 16) & 1
            default = row["mac"] == "00:00:00:00:00:00"
            if multicast or (not row.get("dst") and row["mac"] in own):
                continue
            if default and row.get("dst") in self._remotes(row["ifname"]):
                continue  # it came with the device
            yield " ".join([f"{self.bridge} fdb {'append' if default else 'replace'}", *_entry(row)])

    def _remotes(self, device: str) -> Collection[str]:
        data = _data(self.links[device])
        return {data[key] for key in ("remote", "remote6", "group", "group6") if key in data}

    def filters(self) -> Iterator[str]:
        """Rules of iptables, and tables of nft that are not iptables' own."""
        for key in ("iptables", "ip6tables"):
            lines = [re.sub(r"\[\d+:\d+\]", "[0:0]", x) for x in self.said[key].splitlines() if x[:1] not in "#"]
            if any(line.startswith("-A") or (line[:1] == ":" and " ACCEPT " not in line) for line in lines):
                yield "\n".join([f"{self.inside}{key}-restore <<'RULES'", *lines, "RULES"])
        for line in self.said["nft"].splitlines():
            _, family, table = line.split()
            if not (family in ("ip", "ip6") and table in IPTABLES):
                raise CannotSave(f"{self.space} has the nft table {family} {table}, and only iptables' are saved.")

    def left_out(self) -> Iterator[str]:
        """Sentences about what is not in the script."""
        for row in _json(self.said["qdiscs"]):
            if row.get("handle", "0:") != "0:":
                yield f"The queue of {row.get('dev')} in {self.space} ({row['kind']}, made by tc) is not saved."


def _json(text: str) -> list[Row]:
    rows: list[Row] = json.loads(text) if text.strip() else []
    return rows


def _values(text: str) -> Values:
    return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)


def _kind(link: Row) -> str:
    return str(link.get("linkinfo", {}).get("info_kind") or link["link_type"])


def _data(link: Row) -> Row:
    data: Row = link.get("linkinfo", {}).get("info_data", {})
    return data


def _differing(options: Collection[str], now: Row, fresh: Row) -> list[str]:
    return [f"{name} {_word(now[name])}" for name in options if name in now and now[name] != fresh.get(name)]


def _word(value: Any) -> str:
    return ("on" if value else "off") if isinstance(value, bool) else str(value)


def _bridge(data: Row, world: _World) -> list[str]:
    if data.get("vlan_filtering"):
        raise CannotSave("I do not know how to make a bridge with `vlan_filtering` again.")
    return _differing(BRIDGE, data, world.fresh_bridge)


def _vxlan(data: Row, world: _World) -> list[str]:
    for bad in ("external", "gbp", "gpe", "vnifilter"):
        if data.get(bad):
            raise CannotSave(f"I do not know how to make a vxlan device with `{bad}` again.")
    words = [f"id {data['id']}"]
    for word, keys in (
        ("local", ("local", "local6")),
        ("remote", ("remote", "remote6")),
        ("group", ("group", "group6")),
    ):
        words += [f"{word} {data[key]}" for key in keys if key in data]
    if "link" in data:
        words.append(f"dev {shlex.quote(data['link'])}")
    ports = data.get("port_range", {})
    if any(ports.values()):
        words.append(f"srcport {ports['low']} {ports['high']}")
    words.append(f"dstport {data['port']}")
    words += [f"{key} {data[key]}" for key, usual in (("ttl", 0), ("ageing", 300)) if data.get(key, usual) != usual]
    words += [word for word in ("proxy", "rsc", "l2miss", "l3miss") if data.get(word)]
    return [*words, *([] if data.get("learning", True) else ["nolearning"])]


KINDS: dict[str, Any] = {
    "veth": lambda data, world: [],
    "dummy": lambda data, world: [],
    "ifb": lambda data, world: [],
    "bridge": _bridge,
    "vxlan": _vxlan,
    "vlan": lambda data, world: [f"protocol {data['protocol']} id {data['id']}"],
    "macvlan": lambda data, world: [f"mode {data['mode']}"],
}


def _made_of_mac(row: Row, link: Row) -> bool:
    """Whether an address is the one that IPv6 makes of the MAC address when the device comes up (RFC 4291, 2.5.1)."""
    if row["family"] != "inet6" or row["scope"] != "link" or "UP" not in link["flags"]:
        return False
    octets = bytes.fromhex(link.get("address", "").replace(":", ""))
    made = bytes([octets[0] ^ 2, *octets[1:3], 0xFF, 0xFE, *octets[3:]]) if len(octets) == 6 else b""
    return ip_interface(row["local"]).packed[8:] == made


def _address(row: Row) -> str:
    """`10.0.0.1/24`, or `10.0.0.1 peer 10.0.0.2/32`."""
    if "address" in row:
        return f"{row['local']} peer {row['address']}/{row['prefixlen']}"
    return f"{row['local']}/{row['prefixlen']}"


def _address_traits(row: Row, device: str) -> str:
    words = [f"broadcast {row['broadcast']}"] if "broadcast" in row else []
    usual = "host" if ip_interface(row["local"]).is_loopback else "global"
    words += [f"scope {row['scope']}"] if row["scope"] != usual and row["family"] == "inet" else []
    words += [f"label {shlex.quote(row['label'])}"] if row.get("label", device) != device else []
    words += [flag for flag in ("noprefixroute", "nodad", "home") if row.get(flag)]
    return "".join(f" {word}" for word in words)


def _route(line: str, six: bool) -> str:
    """A line of `ip route` as its own input, without what goes without saying.

    >>> _route("unicast default via 10.4.0.1 dev eth0 table main proto boot scope global ", six=False)
    'default via 10.4.0.1 dev eth0'
    """
    words = " ".join(shlex.quote(word) for word in line.replace("\\", " ").split() if word not in TOLD)
    kind = line.split()[0]
    for pattern in UNSAID:
        words = re.sub(pattern, "", words)
    # `ip` takes a route without a gateway for one to neighbours (scope link)
    if six or kind != "unicast" or " via " in words:
        words = re.sub(r" scope global\b", "", words)
    return words


def _entry(row: Row) -> list[str]:
    words = [row["mac"], f"dev {shlex.quote(row['ifname'])}"]
    words += [f"{key} {row[key]}" for key in ("dst", "port", "vni", "src_vni", "vlan") if key in row]
    words += [f"via {shlex.quote(row['viaIf'])}"] if "viaIf" in row else []
    words += ["self" if "self" in row.get("flags", ()) else "master"]
    words += [word for word in ("router", "extern_learn", "sticky") if word in row.get("flags", ())]
    return [*words, row.get("state") or "dynamic"]
