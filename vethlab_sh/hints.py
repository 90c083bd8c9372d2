"""What could a beginner try after a failure? One hint for each way in which commands are known to fail."""

from __future__ import annotations

import os
import re

from .errors import ToolMissing
from .sandbox import find

PACKAGES = {
    "ip": "iproute2", "bridge": "iproute2", "ss": "iproute2", "tc": "iproute2", "nstat": "iproute2",
    "brctl": "bridge-utils", "ping": "iputils-ping", "arping": "iputils-arping", "arp": "net-tools",
    "ifconfig": "net-tools", "netstat": "net-tools", "tcpdump": "tcpdump", "iptables": "iptables",
    "nft": "nftables", "sysctl": "procps", "ethtool": "ethtool", "unshare": "util-linux", "bash": "bash",
}  # fmt: skip

_DEVICES = "`ip link` lists the devices here; a device that was moved is in its new namespace only."
_NAMESPACES = "`ip netns list` lists the namespaces; `ip netns add NAME` makes one."
# What is looked for in the line and, below it, in what was said; the first that fits is told.
HINTS = {
    r"A VXLAN device with the specified VNI": (
        "Another VXLAN has this id and port: look with `ip -d link show type vxlan`."
    ),
    r"already a member of a bridge": "A device is a port of one bridge: `ip link set DEVICE nomaster` takes it out.",
    r"[Aa]ddress already assigned": "The device has this address already: look with `ip a`.",
    r"File exists|[Aa]lready exists": "It is there already: look with `ip a`, `ip route` or `ip netns list`.",
    r"Name not unique": "A device of that name is here already: look with `ip link`.",
    r"Cannot open network namespace|Cannot remove namespace file|Invalid \"netns\" value": _NAMESPACES,
    r"Cannot find device|No such device|not available|(Device|interface|bridge)\b.* does(n't| not) exist": _DEVICES,
    r"not a valid ifname": "The name of a device has 1 to 15 bytes, and no slash, colon or space.",
    r"failed policy validation": (
        "A value is too long or out of range. The name of a device, for one, has at most 15 bytes."
    ),
    r"Unknown device type": (
        "The kernel has no such kind of device. If the word after `type` is right, as veth, bridge and vxlan are, "
        "`sudo modprobe KIND` outside the lab may load it."
    ),
    r"prefix is expected": "An address is written as 10.0.0.1/24: numbers up to 255, and a prefix up to 32.",
    r"inet address is expected": "Is the address right? An IPv6 route is added with `ip -6 route`.",
    r"\"dev\" argument is required": "Say which device it is about: `dev NAME`.",
    r"Address not found": "`ip a` shows the addresses; give one with its prefix, as in `ip addr del 10.0.0.1/24 ...`.",
    r"Device for nexthop is not up|Network is down": "Switch the device on first: `ip link set DEVICE up`.",
    r"Invalid prefix for given prefix length": (
        "The address says more than its prefix: with /16, for one, the last two numbers are 0."
    ),
    r"Invalid prefsrc": "`src` must be an address of this machine: look with `ip a`.",
    r"invalid gateway|via .*\n.*No route to host": (
        "The gateway is on no connected network: `ip route` shows them; tunnels want `onlink`."
    ),
    r"Network is unreachable": "No route leads there: look at `ip route`, and at whether the device is up.",
    r"ping: connect: Invalid argument": "A `blackhole` route covers this address: look with `ip route`.",
    r"route del.*\n.*No such process": "There is no such route: look with `ip route`.",
    r"(neigh|fdb) del.*\n.*No such file": "There is no such entry: look with `ip neigh` or `bridge fdb`.",
    r"master .*\n.*(Invalid argument|enslave)|can't add .* to bridge": "lo and bridges cannot be ports of a bridge.",
    r"bridge.*\n.*Operation not supported": "It is no port of a bridge: `ip link set DEVICE master BRIDGE` first.",
    r"Exchange full": "A Linux bridge has room for 1023 ports.",
    r"invalid lladdr|Invalid link address|Invalid mac address|Invalid address length": (
        "A MAC address is six pairs of hexadecimal digits, such as 8e:2a:10:00:00:02."
    ),
    r"address .*\n.*Cannot assign requested": (
        "The second digit of a device's MAC address must be even; addresses with an odd one belong to groups."
    ),
    r"mtu (less|greater) than device": "`ip -d link show DEVICE` says which MTU it may have (minmtu, maxmtu).",
    r"[Mm]essage too long": "The packet is larger than the device's MTU and may not be split (`-M do`).",
    r"missing virtual network identifier": "A VXLAN needs a number: `id 1`.",
    r"cannot stat /proc/sys": (
        "There is no such setting: is the name of the device right? Where it has a dot, write slashes: "
        "net/ipv4/conf/flannel.1/forwarding."
    ),
    r"sysctl.*invalid syntax": "No spaces around the =, as in `sysctl -w net.ipv4.ip_forward=1`.",
    r"setting key .*Invalid argument": "The setting does not take this value.",
    r"permission denied on key": "In a lab only the settings of its network, `net.…`, can be changed.",
    r"name resolution|Name or service not known|Unknown host": "A lab has no names, only addresses such as 10.0.0.1.",
    r"No chain/target/match|Chain '.*' does not exist": (
        "`iptables -S` lists the chains (`-t nat` those of that table); `iptables -N NAME` makes one."
    ),
    r"does a matching rule exist": "There is no such rule: `iptables -S` lists them.",
    r"not complete|argument \".*\" is wrong|is unknown, try|^Usage: ip": (
        "Is a word missing or misspelt? `ip link help` (or addr, route, neigh) shows what may stand there."
    ),
    r"unexpected EOF": "A quote or a bracket was opened and not closed.",
    r"Operation not permitted": "A lab may change its own network, not the machine.",
}


def hint_for(line: str, code: int, said: str) -> str:
    """What a beginner could try after this failure; empty when we know nothing better than the message."""
    if code == 127 and (tool := _missing_tool(line)):
        return str(ToolMissing(tool, PACKAGES.get(tool)))
    for sign, hint in HINTS.items():
        if re.search(sign, f"{line}\n{said.strip()}", re.MULTILINE):
            return hint
    if code == 1 and _program(line) == "ping":
        return "Nobody answered: look at `ip a`, `ip route` and `ip neigh` on both sides."
    return ""


def _program(line: str) -> str:
    """The program that a line ends up in: the word after `ip netns exec NS`, if it begins so."""
    words = line.split()
    while words[:3] == ["ip", "netns", "exec"] and len(words) > 4:
        words = words[4:]
    return os.path.basename(words[0]) if words else ""


def _missing_tool(line: str) -> str | None:
    tool = _program(line)
    return tool if tool and find(tool) is None else None
