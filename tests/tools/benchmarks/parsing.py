"""How long does it take to read what a command printed, beside jc and ntc-templates, which read text too?"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

from pair import CannotRun, Pair

from vethlab_sh import explain
from vethlab_sh.tables import rows

PASTES = Path(__file__).parents[2] / "pastes"
MANY = 20_000
DEVICES = 2_000

ROUTE = "10.{high}.{low}.0/24 via 10.244.{low}.0 dev flannel.1 onlink \n"
ARP = "10.{high}.{low}.9              ether   02:00:00:00:{high:02x}:{low:02x}   C                     eth0\n"
REPLY = "64 bytes from 10.0.0.2: icmp_seq={n} ttl=64 time=0.0{low} ms\n"
SETTING = "net.ipv4.conf.eth{n}.forwarding = {bit}\n"
IFCONFIG = """eth{n}: flags=4163<UP,BROADCAST,RUNNING,MULTICAST>  mtu 1500
        inet 10.{high}.{low}.1  netmask 255.255.255.0  broadcast 10.{high}.{low}.255
        inet6 fe80::ff:fe00:{n:x}  prefixlen 64  scopeid 0x20<link>
        ether 02:00:00:00:{high:02x}:{low:02x}  txqueuelen 1000  (Ethernet)
        RX packets 8995  bytes 13021373 (12.4 MiB)
        RX errors 0  dropped 0  overruns 0  frame 0
        TX packets 1319  bytes 85378 (83.3 KiB)
        TX errors 0  dropped 0 overruns 0  carrier 0  collisions 0

"""
IP_ADDR = """{n}: veth{n}@if{next}: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue master br0 state UP group default qlen 1000
    link/ether 02:00:00:00:{high:02x}:{low:02x} brd ff:ff:ff:ff:ff:ff link-netnsid {bit}
    inet 10.{high}.{low}.1/24 brd 10.{high}.{low}.255 scope global veth{n}
       valid_lft forever preferred_lft forever
    inet6 fe80::ff:fe00:{n:x}/64 scope link
       valid_lft forever preferred_lft forever
"""  # noqa: E501  (as long as ip prints it)
PING_HEAD = "PING 10.0.0.2 (10.0.0.2) 56(84) bytes of data.\n"
PING_END = (
    f"\n--- 10.0.0.2 ping statistics ---\n{MANY} packets transmitted, {MANY} received, 0% packet loss, time 4020ms\n"
    "rtt min/avg/max/mdev = 0.028/0.043/0.059/0.015 ms\n"
)


def repeated(record: str, times: int) -> str:
    """The text of a record that often, with its number and two bytes of that in it."""
    records = []
    for n in range(1, times + 1):
        records.append(record.format(n=n, next=n + 1, high=n >> 8, low=n & 255, bit=n % 2))
    return "".join(records)


def timed(read: Callable[[], object]) -> float:
    """Processor seconds that reading takes: the second time, when everything is loaded."""
    read()
    start = time.process_time()
    kept = read()  # else the time to throw it away would count too
    seconds = time.process_time() - start
    del kept
    return seconds


def explaining(megabytes: int) -> float:
    """Processor seconds that `explain` takes for the tests' pastes, one after the other, again and again."""
    pastes = "\n\n".join(path.read_text() for path in sorted(PASTES.glob("*.txt")))
    text = pastes * (megabytes * 1_000_000 // len(pastes))
    start = time.process_time()
    explain(text)
    return time.process_time() - start


def against_jc(work: str, line: str, parser: str, printed: str, goal: float) -> Pair:
    """One text, read by us as a command's output and by a parser of jc."""

    def theirs() -> float:
        jc = _imported("jc")
        return timed(lambda: jc.parse(parser, printed, quiet=True))

    return Pair(work, f"jc, its parser {parser}", goal, lambda: timed(lambda: rows(line, printed)), theirs, rounds=7)


def against_ntc(work: str, line: str, printed: str, goal: float) -> Pair:
    """The same, and a template of ntc-templates."""

    def theirs() -> float:
        templates = _imported("ntc_templates.parse")
        return timed(lambda: templates.parse_output(platform="linux", command="ip address show", data=printed))

    return Pair(work, "ntc-templates", goal, lambda: timed(lambda: rows(line, printed)), theirs, rounds=5)


def _imported(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise CannotRun(f"{name} is not installed") from error


def pairs() -> Iterator[Pair]:
    """Text of six commands as rows."""
    header = "Address                  HWtype  HWaddress           Flags Mask            Iface\n"
    ping = PING_HEAD + repeated(REPLY, MANY) + PING_END
    yield against_jc(f"{MANY} routes as rows", "ip route", "ip_route", repeated(ROUTE, MANY), 1.0)
    yield against_jc(f"{MANY} entries of arp -n", "arp -n", "arp", header + repeated(ARP, MANY), 1.0)
    yield against_jc(f"{MANY} replies to ping", "ping 10.0.0.2", "ping", ping, 1.0)
    yield against_jc(f"{MANY} sysctl keys", "sysctl -a", "sysctl", repeated(SETTING, MANY), 1.0)
    yield against_jc(f"{DEVICES} devices of ifconfig", "ifconfig", "ifconfig", repeated(IFCONFIG, DEVICES), 0.2)
    yield Pair("explain 4 MB of terminals", "1 MB", 4.4, lambda: explaining(4), lambda: explaining(1), rounds=3)
    yield against_ntc(f"{DEVICES} devices of ip addr", "ip addr", repeated(IP_ADDR, DEVICES), 0.5)
