"""Which texts would keep `explain` busy? Shapes that a careless reader needs the square of their length for.

Each takes a length, and gives a text of about so many characters.
"""

from __future__ import annotations

from collections.abc import Callable

HEAD = "2: eth0@if3: <BROADCAST,UP> mtu 1500 qdisc noop state UP group default qlen 1000\n"
MAC = "26:c1:a7:6a:c7:22"
DEVICE = f"{HEAD}    link/ether {MAC} brd ff:ff:ff:ff:ff:ff\n    inet 10.0.0.1/24 scope global eth0\n"
LO = "1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN\n"
PROMPT = "[root@m ~]# ip a\n"
KUBELET = "Nov 26 10:00:00 node1 kubelet[1234]: E1126 10:00:00.123456 1234 pod_workers.go:7] Error syncing pod\n"
BRCTL = "$ brctl show\nbridge name\tbridge id\t\tSTP enabled\tinterfaces\nbr0\t\t8000.0242ac110002\tno\t\tveth0\n"


def bytes_of(number: int) -> str:
    """The last three bytes of an address or a MAC address that no other number has."""
    return f"{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def mac_of(number: int) -> str:
    """A MAC address that no other number has."""
    return f"26:c1:a7:{number >> 16 & 255:02x}:{number >> 8 & 255:02x}:{number & 255:02x}"


def numbered(line: str) -> Callable[[int], str]:
    """As many lines as fit, each with its own number, address and MAC address."""

    def text(length: int) -> str:
        count = max(1, length // len(line.format(n=1, m=2, ip=bytes_of(1), mac=MAC)))
        lines = [line.format(n=n, m=n + 1, ip=bytes_of(n), mac=mac_of(n)) for n in range(1, count + 1)]
        return "".join(lines)

    return text


def again(piece: str, before: str = "", after: str = "") -> Callable[[int], str]:
    """One piece again and again."""
    return lambda length: before + piece * max(1, length // len(piece)) + after


SHAPES: dict[str, Callable[[int], str]] = {
    # one line
    "a": again("a"),
    "a@": again("a@"),
    "(a)": again("(a)"),
    "(": again("("),
    "[a@a": again("a", "[a@"),
    "[a@a.": again("a.", "[a@"),
    "a@b:~/": again("~/ ", "a@b:"),
    "spaces": again(" ", "x", "y"),
    "$ $": again("$ "),
    "#": again("#"),
    "backslashes": again("\\", "$ ip a "),
    "pipes": again("| grep x ", "$ ip a "),
    "quotes": again("\"'", "$ ip a '"),
    "sudo sudo": again("sudo ", "$ ", "ip a"),
    "ip netns exec": again("ip netns exec x ", "$ ", "ip a"),
    "$( $(": again("$(", "$ "),
    "; ip a": again("; ip a", "$ ip a"),
    "kubectl exec": again("kubectl exec p -- ", "$ ", "ip a"),
    "ESC [": again("\x1b["),
    "ESC [;;;": again(";", "\x1b["),
    "ESC ]": again("\x1b]"),
    "backspaces": again("ab\b\b"),
    "letters, then backspaces": lambda length: "a" * (length // 2) + "\b" * (length // 2),
    "carriage returns": again("a\r", after="\n"),
    "flags": again("UP,", "$ ip a\n2: e: <", "> mtu 1500\n"),
    "words of a device": again("foo ", "[root@m ~]# ip a\n2: eth0: <UP> mtu 1500 "),
    ",": again(","),
    "<": again("<"),
    "a box, then letters": again("a", "┌"),
    "a box, then dots": again("a.", "╭─"),
    "colons": again(":"),
    "dots and digits": again("1.1"),
    "digits behind brctl": again("1", BRCTL, "!"),
    "veth pairs in one line": again("add a type veth peer ", "$ ip link "),
    "netns in one line": again("set x netns ", "$ ip link "),
    "can't add": again("can't add ", "$ brctl addif br0 x\n"),
    "not found": again("a: not found ", "$ ip a\n"),
    # many lines
    "commands": again("$ ip a\n"),
    "lines that go on": again("$ ip a \\\n"),
    "prompts of many hosts": numbered("[root@h{n} ~]# ip a\n"),
    "prose": again("this is a line of prose about networks\n"),
    "fences": again("```\n"),
    "numbered": numbered("{n} x\n"),
    "quoted": again("> ", after="\n" + "> x\n" * 100),
    "unknown words": again("2: eth0: <UP> mtu 1500 " + "foo " * 40 + "\n", PROMPT),
    "bad lines of a device": again("    foo bar\n", PROMPT + "2: eth0: <UP> mtu 1500 qdisc noop\n"),
    "a log after a device": again(KUBELET, PROMPT + DEVICE),
    "replies": again(
        "64 bytes from 10.0.0.1: icmp_seq=1 ttl=64 time=0.1 ms\n",
        "$ ping x\nPING x (10.0.0.1) 56(84) bytes of data.\n",
    ),
    "packets": again(
        "12:00:00.000000 IP 10.0.0.1 > 10.0.0.2: ICMP echo request, id 1, seq 1, length 64\n", "$ tcpdump\n"
    ),
    # many things
    "devices": numbered(
        "{n}: veth{n}@if{m}: <BROADCAST,UP> mtu 1500 qdisc noop state UP\n"
        "    link/ether {mac} brd ff:ff:ff:ff:ff:ff\n    inet 10.{ip}/24 scope global veth{n}\n"
    ),
    "one device again": again(DEVICE, PROMPT),
    "one device in many namespaces": numbered("[root@m ~]# ip netns exec n{n} ip a\n" + DEVICE),
    "whole listings of many namespaces": numbered(
        "[root@m ~]# ip netns exec n{n} ip a\n" + LO + HEAD + "    link/ether {mac} brd ff:ff:ff:ff:ff:ff\n"
    ),
    "outputs without their commands": numbered(
        "# and\n{n}: eth{n}@if{m}: <BROADCAST,UP> mtu 1500 qdisc noop state UP\n"
        "    link/ether {mac} brd ff:ff:ff:ff:ff:ff\n"
    ),
    "addresses of one device": lambda length: (
        PROMPT + HEAD + numbered("    inet 10.{ip}/24 scope global eth0\n")(length)
    ),
    "routes": lambda length: "$ ip route\n" + numbered("10.{ip} via 10.0.0.1 dev eth0\n")(length),
    "neighbours": lambda length: (
        "$ ip neigh\n" + numbered("10.{ip} dev eth0 lladdr 26:c1:a7:6a:c7:22 REACHABLE\n")(length)
    ),
    "FDB": lambda length: "$ bridge fdb\n" + numbered("{mac} dev vxlan0 dst 10.0.0.1 self permanent\n")(length),
    "ports": lambda length: BRCTL + numbered("\t\t\t\t\t\t\tveth{n}\n")(length),
}
