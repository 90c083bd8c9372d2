"""What could a beginner try after a failure? One rule for each way in which commands are known to fail.

Who knows another way adds a rule to RULES, and the line that fails so to MISTAKES in tests/test_shell.py.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from .errors import NO_SUCH_PROGRAM, ToolMissing
from .sandbox import find

# Debian's packages
PACKAGES = {
    "ip": "iproute2",
    "bridge": "iproute2",
    "ss": "iproute2",
    "tc": "iproute2",
    "nstat": "iproute2",
    "brctl": "bridge-utils",
    "ping": "iputils-ping",
    "arping": "iputils-arping",
    "arp": "net-tools",
    "ifconfig": "net-tools",
    "netstat": "net-tools",
    "tcpdump": "tcpdump",
    "iptables": "iptables",
    "nft": "nftables",
    "sysctl": "procps",
    "ethtool": "ethtool",
    "unshare": "util-linux",
    "bash": "bash",
}


@dataclass(frozen=True)
class Rule:
    """One hint, and the failures that it is for: those for which everything fits that is named here.

    hint: what to try; said: a regular expression that is found in what the command said; line: one that is found in
    the line as typed; program: the one that the line ends up in, `ip netns exec NS` aside; code: the exit code.
    """

    hint: str
    said: str = ""
    line: str = ""
    program: str = ""
    code: int | None = None

    def fits(self, line: str, code: int, said: str) -> bool:
        """Whether a failure, of this line with this exit code and these words, is of the kind meant."""
        if self.code is not None and code != self.code:
            return False
        if self.program and program_of(line) != self.program:
            return False
        if not re.search(self.line, line):
            return False
        return re.search(self.said, said, re.MULTILINE) is not None


_DEVICES = "`ip link` lists the devices here; a device that was moved is in its new namespace only."
_NAMESPACES = "`ip netns list` lists the namespaces; `ip netns add NAME` makes one."
_NO_PORT = "lo and bridges cannot be ports of a bridge."
_GATEWAY = "The gateway is on no connected network: `ip route` shows them; tunnels want `onlink`."
_NO_NAMES = "A lab has no names, only addresses such as 10.0.0.1."
_MISSPELT = "Is a word missing or misspelt? `ip link help` (or addr, route, neigh) shows what may stand there."

# The first rule that fits is the one that is told: what is special stands above what is general.
RULES = (
    Rule(
        "Another VXLAN has this id and port: look with `ip -d link show type vxlan`.",
        said="A VXLAN device with the specified VNI",
    ),
    Rule(
        "A device is a port of one bridge: `ip link set DEVICE nomaster` takes it out.",
        said="already a member of a bridge",
    ),
    Rule("The device has this address already: look with `ip a`.", said="[Aa]ddress already assigned"),
    Rule(
        "It is there already: look with `ip a`, `ip route` or `ip netns list`.",
        said="File exists|[Aa]lready exists",
    ),
    Rule("A device of that name is here already: look with `ip link`.", said="Name not unique"),
    Rule(_NAMESPACES, said='Cannot open network namespace|Cannot remove namespace file|Invalid "netns" value'),
    Rule(_DEVICES, said="Cannot find device|No such device|not available"),
    Rule(_DEVICES, said=r"(Device|interface|bridge)\b.* does(n't| not) exist"),
    Rule("The name of a device has 1 to 15 bytes, and no slash, colon or space.", said="not a valid ifname"),
    Rule(
        "A value is too long or out of range. The name of a device, for one, has at most 15 bytes.",
        said="failed policy validation",
    ),
    Rule(
        "The kernel has no such kind of device. If the word after `type` is right, as veth, bridge and vxlan are, "
        "`sudo modprobe KIND` outside the lab may load it.",
        said="Unknown device type",
    ),
    Rule(
        "An address is written as 10.0.0.1/24: numbers up to 255, and a prefix up to 32.",
        said="prefix is expected",
    ),
    Rule(
        "Is the address right? An IPv6 route is added with `ip -6 route`.",
        said="inet address is expected",
    ),
    Rule("Say which device it is about: `dev NAME`.", said='"dev" argument is required'),
    Rule(
        "`ip a` shows the addresses; give one with its prefix, as in `ip addr del 10.0.0.1/24 ...`.",
        said="Address not found",
    ),
    Rule(
        "Switch the device on first: `ip link set DEVICE up`.",
        said="Device for nexthop is not up|Network is down",
    ),
    Rule(
        "The address says more than its prefix: with /16, for one, the last two numbers are 0.",
        said="Invalid prefix for given prefix length",
    ),
    Rule("`src` must be an address of this machine: look with `ip a`.", said="Invalid prefsrc"),
    Rule(_GATEWAY, said="invalid gateway"),
    Rule(_GATEWAY, line="via ", said="No route to host"),
    Rule(
        "No route leads there: look at `ip route`, and at whether the device is up.",
        said="Network is unreachable",
    ),
    # the kernel refuses to send by a blackhole route with EINVAL: fib_props in net/ipv4/fib_semantics.c
    Rule(
        "A `blackhole` route covers this address: look with `ip route`.",
        said="ping: connect: Invalid argument",
    ),
    Rule("There is no such route: look with `ip route`.", line="route del", said="No such process"),
    Rule(
        "There is no such entry: look with `ip neigh` or `bridge fdb`.",
        line="(neigh|fdb) del",
        said="No such file",
    ),
    Rule(_NO_PORT, line="master ", said="Invalid argument|enslave"),
    Rule(_NO_PORT, said="can't add .* to bridge"),
    Rule(
        "It is no port of a bridge: `ip link set DEVICE master BRIDGE` first.",
        line="bridge",
        said="Operation not supported",
    ),
    Rule("A Linux bridge has room for 1023 ports.", said="Exchange full"),  # BR_MAX_PORTS: net/bridge/br_private.h
    Rule(
        "A MAC address is six pairs of hexadecimal digits, such as 8e:2a:10:00:00:02.",
        said="invalid lladdr|Invalid link address|Invalid mac address|Invalid address length",
    ),
    # is_valid_ether_addr() in include/linux/etherdevice.h
    Rule(
        "The second digit of a device's MAC address must be even; addresses with an odd one belong to groups.",
        line="address ",
        said="Cannot assign requested",
    ),
    Rule(
        "`ip -d link show DEVICE` says which MTU it may have (minmtu, maxmtu).",
        said="mtu (less|greater) than device",
    ),
    Rule(
        "The packet is larger than the device's MTU and may not be split (`-M do`).",
        said="[Mm]essage too long",
    ),
    Rule("A VXLAN needs a number: `id 1`.", said="missing virtual network identifier"),
    Rule(
        "There is no such setting: is the name of the device right? Where it has a dot, write slashes: "
        "net/ipv4/conf/flannel.1/forwarding.",
        said="cannot stat /proc/sys",
    ),
    Rule("No spaces around the =, as in `sysctl -w net.ipv4.ip_forward=1`.", said="sysctl.*invalid syntax"),
    Rule("The setting does not take this value.", said="setting key .*Invalid argument"),
    Rule("In a lab only the settings of its network, `net.…`, can be changed.", said="permission denied on key"),
    Rule(_NO_NAMES, said="name resolution|Name or service not known|Unknown host"),
    Rule(
        "`iptables -S` lists the chains (`-t nat` those of that table); `iptables -N NAME` makes one.",
        said="No chain/target/match|Chain '.*' does not exist",
    ),
    Rule("There is no such rule: `iptables -S` lists them.", said="does a matching rule exist"),
    Rule(_MISSPELT, said='not complete|argument ".*" is wrong|is unknown, try|^Usage: ip'),
    Rule("A quote or a bracket was opened and not closed.", said="unexpected EOF"),
    Rule("A lab may change its own network, not the machine.", said="Operation not permitted"),
    Rule("Nobody answered: look at `ip a`, `ip route` and `ip neigh` on both sides.", program="ping", code=1),
)


def hint_for(line: str, code: int, said: str) -> str:
    """What a beginner could try after this failure; empty when we know nothing better than the message.

    line: as typed; code: the exit code, not 0; said: what the command printed, errors first.
    """
    if code == NO_SUCH_PROGRAM:
        program = program_of(line)
        if program and find(program) is None:
            package = PACKAGES.get(program)
            return str(ToolMissing(program, package))
    for rule in RULES:
        if rule.fits(line, code, said):
            return rule.hint
    return ""


def program_of(line: str) -> str:
    """The program that a line ends up in: the word after `ip netns exec NS`, if it begins so.

    >>> program_of("ip netns exec ns1 /bin/ping -c 1 10.0.0.2")
    'ping'
    """
    words = line.split()
    while words[:3] == ["ip", "netns", "exec"] and len(words) > 4:
        words = words[4:]
    if not words:
        return ""
    return os.path.basename(words[0])
