"""What does a namespace have that is to be rebuilt? Devices, addresses, routes and more, as its tools print them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_interface
from typing import Any

from ..facts import PortVlan
from ..inside import inside, quoted, way_into
from ..parsers.filters import LEGACY_SAVES
from ..parsers.of_kind import port_vlans
from ..sandbox import HOSTNAME, Sandbox
from ..shell import Shell

Options = dict[str, Any]  # of a kind of device, by the names that `ip -d -j link` has for them
Answers = dict[str, str]  # what the tools printed, by the question

# Each answer is followed by the mark, which is in no name that a stranger may choose; a tool that is missing answers
# with nothing.
MARK = "\0"
QUESTIONS = {
    "devices": "ip -d -j addr",
    "routes": "ip -4 -o -d route show table all",
    "routes6": "ip -6 -o -d route show table all",
    "nexthops": "ip -4 nexthop",
    "nexthops6": "ip -6 nexthop",
    "groups": "ip nexthop | grep ' group '",  # of both families
    "names": "grep -hs '^[0-9]' /etc/iproute2/rt_tables /etc/iproute2/rt_tables.d/*.conf",
    "rules": "ip rule",
    "rules6": "ip -6 rule",
    "neighbours": "ip neigh; ip neigh show proxy",
    "fdb": "bridge -j fdb",
    "vlans": "bridge -j vlan",
    "iptables": "iptables-save",
    "ip6tables": "ip6tables-save",
    **LEGACY_SAVES,
    "sets": "ipset save",
    "nft": "nft list tables",
    "queues": "tc -j qdisc",
    "settings": "cd /proc/sys/net; grep -rs . ipv4 ipv6 bridge",
}
SCRIPT = "\n".join(f"{{ {line}; }} 2>/dev/null; printf '\\0'" for line in QUESTIONS.values()) + "\nexit 0"

FILTERS = ("iptables", "ip6tables", "iptables-legacy", "ip6tables-legacy")

FLAGS = ("noprefixroute", "nodad", "home", "mngtmpaddr")  # of an address, as one says them when it is added
# What is made in a fresh world to learn a bridge's and a port's usual options.
BRIDGE, PORT, END, BOND = "br", "port", "end", "bond"
SAMPLE = f"ip link add name {BRIDGE} type bridge; ip link add name {PORT} master {BRIDGE} type veth peer name {END}"
SAMPLE_BOND = f"ip link add name {BOND} type bond"  # only where there is one: loading the module makes bond0 besides


@dataclass(frozen=True)
class DeviceAddress:
    """An address of a device, as `ip -j addr` tells it; ip-address(8).

    length: of the prefix; peer: the address at the other end, where one was given; label: the name that IPv4 shows
    with it; flags: those that are said when it is added (FLAGS); is_tentative: whether IPv6 has yet to find out that
    no other host has it; is_old: whether it is no longer a source by choice (deprecated); RFC 4862.
    """

    family: str
    local: str
    length: int
    scope: str
    peer: str | None
    broadcast: str | None
    label: str | None
    flags: tuple[str, ...]
    is_tentative: bool = False
    is_old: bool = False

    @classmethod
    def of(cls, row: Options) -> DeviceAddress:
        """One of the addresses that `ip -j addr` lists for a device."""
        return cls(
            family=row["family"],
            local=row["local"],
            length=row["prefixlen"],
            scope=row["scope"],
            peer=row.get("address"),
            broadcast=row.get("broadcast"),
            label=row.get("label"),
            flags=tuple(flag for flag in FLAGS if row.get(flag)),
            is_tentative=bool(row.get("tentative")),
            is_old=bool(row.get("deprecated")),
        )

    @property
    def is_made_sure_of(self) -> bool:
        """Whether IPv6 has found out that no other host on the link has it, which it asks there (RFC 4862, 5.4)."""
        return self.family == "inet6" and not self.is_tentative and "nodad" not in self.flags

    @property
    def text(self) -> str:
        """`10.0.0.1/24`"""
        return f"{self.local}/{self.length}"

    def is_made_of(self, device: Device) -> bool:
        """Whether it is the one that IPv6 makes of the MAC address when the device comes up (RFC 4291, 2.5.1)."""
        if not device.is_ether:  # a tunnel makes it of its ends, or by chance
            return False
        if self.family != "inet6" or self.scope != "link" or not device.works:
            return False  # it was made before the signal was lost
        octets = bytes.fromhex(device.mac.replace(":", ""))
        if len(octets) != 6:
            return False
        own = ip_interface(self.local).packed[8:]
        if device.kind == "ipvlan":  # all on one parent have its MAC, and a number (dev_id) in the middle; addrconf.c
            return own == octets[:3] + own[3:5] + octets[3:]
        # the second bit of the first byte, which says that an address is local, is turned round; ff:fe fills the middle
        first = octets[0] ^ 2
        made = bytes([first, *octets[1:3], 0xFF, 0xFE, *octets[3:]])
        return own == made


@dataclass(frozen=True)
class Device:
    """A device, as `ip -d -j addr` tells it; ip-link(8).

    kind: `info_kind`, or the link type where there is none; mac: empty where there is none; is_ether: whether its
    MAC address is one of Ethernet; queue: txqueuelen; options: its kind's; port: its options as a port of a bridge;
    bonded: those as a port of a bond; vlans: what its bridge lets through there; addressing: by which rule IPv6 makes
    an address of its own (addrgenmode); state: operstate, as the kernel calls it.
    """

    name: str
    index: int
    kind: str
    mac: str
    is_ether: bool
    mtu: int
    queue: int
    flags: frozenset[str]
    master: str | None
    options: Options
    port: Options | None
    bonded: Options | None
    vlans: tuple[PortVlan, ...]
    addressing: str
    state: str
    group: str
    alias: str
    addresses: tuple[DeviceAddress, ...]

    @classmethod
    def of(cls, row: Options, vlans: Mapping[str, tuple[PortVlan, ...]]) -> Device:
        """One of the devices that `ip -d -j addr` lists; vlans: what bridges let through, by device."""
        info = row.get("linkinfo", {})
        options = info.get("info_data", {})
        kind = info.get("info_kind") or row["link_type"]
        port = info["info_slave_data"] if info.get("info_slave_kind") == "bridge" else None
        bonded = info["info_slave_data"] if info.get("info_slave_kind") == "bond" else None
        return cls(
            name=row["ifname"],
            index=row["ifindex"],
            kind=kind,
            mac=row.get("address", ""),
            is_ether=row["link_type"] == "ether",
            mtu=row["mtu"],
            queue=row.get("txqlen", 0),
            flags=frozenset(row["flags"]),
            master=row.get("master"),
            options=options,
            port=port,
            bonded=bonded,
            vlans=vlans.get(row["ifname"], ()),
            addressing=row.get("inet6_addr_gen_mode", "eui64"),
            state=row.get("operstate", "UNKNOWN"),
            group=row.get("group", "default"),
            alias=row.get("ifalias", ""),
            addresses=tuple(DeviceAddress.of(address) for address in row["addr_info"]),
        )

    @property
    def up(self) -> bool:
        """Whether it is switched on."""
        return "UP" in self.flags

    @property
    def works(self) -> bool:
        """Whether it is on and has a signal, which is when IPv6 gives it an address."""
        return self.flags >= {"UP", "LOWER_UP"}

    @property
    def lacks_signal(self) -> bool:
        """Whether it is on and has no signal."""
        return self.up and not self.works


@dataclass(frozen=True)
class Entry:
    """An FDB entry, as `bridge -j fdb` tells it; bridge(8).

    dst, port, vni, src_vni, via: of an entry that leads to a VTEP; nexthop: the object that leads to several; vlan: of
    one in a bridge that keeps them apart; flags: self (the device's own table, else its bridge's), router,
    extern_learn, sticky; state: empty when learned.
    """

    mac: str
    dev: str
    dst: str | None
    port: int | None
    vni: int | None
    src_vni: int | None
    vlan: int | None
    via: str | None
    nexthop: int | None
    flags: frozenset[str]
    state: str

    @classmethod
    def of(cls, row: Options) -> Entry:
        """One of the entries that `bridge -j fdb` lists."""
        return cls(
            mac=row["mac"],
            dev=row.get("ifname", ""),
            dst=row.get("dst"),
            port=row.get("port"),
            vni=row.get("vni"),
            src_vni=row.get("src_vni"),
            vlan=row.get("vlan"),
            via=row.get("viaIf"),
            nexthop=row.get("nhid"),
            flags=frozenset(row.get("flags", ())),
            state=row.get("state") or "",
        )


@dataclass(frozen=True)
class Queue:
    """A queue that somebody made by tc for a device, and its kind; tc(8)."""

    dev: str
    kind: str


@dataclass(frozen=True)
class Contents:
    """What one namespace has.

    settings: sysctls by their path below /proc/sys/net; routes, routes6, nexthops, nexthops6, groups (of next hops),
    rules, rules6, neighbours: lines of `ip`; names: lines that name routing tables; filters: lines of iptables-save and
    its like (FILTERS), by the name of the program without `-save`; sets: lines of `ipset save`; tables: nft's, as
    family and name.
    """

    namespace: str
    devices: dict[str, Device]
    settings: dict[str, str]
    routes: tuple[str, ...]
    routes6: tuple[str, ...]
    nexthops: tuple[str, ...]
    nexthops6: tuple[str, ...]
    groups: tuple[str, ...]
    names: tuple[str, ...]
    rules: tuple[str, ...]
    rules6: tuple[str, ...]
    neighbours: tuple[str, ...]
    entries: tuple[Entry, ...]
    filters: dict[str, tuple[str, ...]]
    sets: tuple[str, ...]
    tables: tuple[tuple[str, str], ...]
    queues: tuple[Queue, ...]

    @classmethod
    def of(cls, namespace: str, answers: Answers) -> Contents:
        """What a namespace answered to the questions."""
        vlans = port_vlans(_json(answers["vlans"]))
        devices = {}
        for row in _json(answers["devices"]):
            if row:  # {} is what a filter left out
                device = Device.of(row, vlans)
                devices[device.name] = device
        return cls(
            namespace=namespace,
            devices=devices,
            settings=dict(_settings(answers["settings"])),
            routes=tuple(answers["routes"].splitlines()),
            routes6=tuple(answers["routes6"].splitlines()),
            nexthops=tuple(answers["nexthops"].splitlines()),
            nexthops6=tuple(answers["nexthops6"].splitlines()),
            groups=tuple(answers["groups"].splitlines()),
            names=tuple(answers["names"].splitlines()),
            rules=tuple(answers["rules"].splitlines()),
            rules6=tuple(answers["rules6"].splitlines()),
            neighbours=tuple(answers["neighbours"].splitlines()),
            entries=tuple(Entry.of(row) for row in _json(answers["fdb"])),
            filters={name: tuple(answers[name].splitlines()) for name in FILTERS},
            sets=tuple(answers["sets"].splitlines()),
            tables=tuple(_tables(answers["nft"])),
            queues=tuple(_queues(answers["queues"])),
        )

    @property
    def ip(self) -> str:
        """How `ip` is typed for this namespace."""
        if self.namespace == HOSTNAME:
            return "ip"
        return f"ip -n {quoted(self.namespace)}"

    @property
    def bridge(self) -> str:
        """How `bridge` is typed for this namespace."""
        if self.namespace == HOSTNAME:
            return "bridge"
        return f"bridge -n {quoted(self.namespace)}"

    @property
    def entering(self) -> str:
        """What stands before any other command for this namespace, also before one that reads a here document."""
        words = way_into(quoted(self.namespace))
        return " ".join([*words, ""])

    def learned_by(self, entry: Entry) -> Device | None:
        """The bridge that has learned an entry; None of one that somebody wrote, or that is a device's own."""
        device = self.devices.get(entry.dev)
        if device is None or device.master is None or entry.state or "self" in entry.flags:
            return None
        return self.devices.get(device.master)

    def learned_behind_stp(self, entry: Entry) -> str | None:
        """The bridge that has learned an entry while it runs STP, which opens a port only after a while."""
        bridge = self.learned_by(entry)
        if bridge is None or not bridge.options.get("stp_state"):
            return None
        return bridge.name

    def learned_at_a_tap(self, entry: Entry) -> str | None:
        """The tap at which a bridge has learned an entry: it has a signal only while a process holds it."""
        device = self.devices.get(entry.dev)
        if device is None or device.kind != "tun" or not self.learned_by(entry):
            return None
        return device.name

    def speaks_ipv6(self, device: str) -> bool:
        """Whether IPv6 is switched on for a device."""
        key = f"ipv6/conf/{device}/disable_ipv6"
        return self.settings.get(key) == "0"


def of(shell: Shell, namespace: str) -> Contents:
    """What a namespace of a lab has now."""
    whole = shell.run(inside(namespace, SCRIPT)).exact
    printed = [answer.strip() for answer in whole.split(MARK)]
    answers = dict(zip(QUESTIONS, printed, strict=False))
    return Contents.of(namespace, answers)


@dataclass(frozen=True)
class Fresh:
    """What a new world has: its first namespace, and one that was made in it. Both have the sample."""

    first: Contents
    other: Contents

    def like(self, namespace: str) -> Contents:
        """The one that a namespace of a lab was like when it was new."""
        return self.first if namespace == HOSTNAME else self.other


def fresh(has_bond: bool = False) -> Fresh:
    """A new world's contents, from one that is made for it and ends at once; has_bond: whether a bond is wanted too."""
    sandbox = Sandbox()
    try:
        shell = Shell(sandbox)
        shell.run("ip netns add other")
        shell.run(SAMPLE)
        shell.run(SAMPLE, at="other")
        if has_bond:
            shell.run(SAMPLE_BOND, expect=None)
            shell.run(SAMPLE_BOND, at="other", expect=None)
        return Fresh(of(shell, HOSTNAME), of(shell, "other"))
    finally:
        sandbox.close()


def inborn(usual: Contents) -> set[str]:
    """The devices that a namespace has from the beginning: lo, and tunl0 and its like where their module is loaded."""
    return set(usual.devices) - {BRIDGE, PORT, END, BOND}


def differing(names: tuple[str, ...], options: Options, usual: Mapping[str, Any]) -> list[str]:
    """Of some options those that are not as usual, as words for `ip link set`: `stp_state 1`, `hairpin on`."""
    words = []
    for name in names:
        if name in options and options[name] != usual.get(name):
            value = _word(options[name])
            words.append(f"{name} {value}")
    return words


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value)


def _json(text: str) -> list[Options]:
    if not text.strip():
        return []
    rows: list[Options] = json.loads(text, strict=False)  # `ip -j` prints a name's control characters as they are
    return rows


def _settings(text: str) -> Iterator[tuple[str, str]]:
    """Path and value of each sysctl, from what `grep -r . FOLDER` prints."""
    for line in text.splitlines():
        path, colon, value = line.partition(":")
        if colon:
            yield path, value


def _tables(text: str) -> Iterator[tuple[str, str]]:
    """Family and name of each of nft's tables, of which `nft list tables` prints a line: `table inet mine`."""
    for line in text.splitlines():
        _, family, table = line.split()
        yield family, table


def _queues(text: str) -> Iterator[Queue]:
    """The queues that somebody made: the kernel's own have the handle `0:`."""
    for row in _json(text):
        handle = row.get("handle", "0:")
        if handle != "0:":
            dev = str(row.get("dev"))
            yield Queue(dev, row["kind"])
