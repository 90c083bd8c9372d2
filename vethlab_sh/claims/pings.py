"""How are the pings of one round sent, and how long is an answer waited for?

In a lab an answer takes some 0.0001 seconds. So a ping is given up after a quarter of a second, where the machine was
quick and nothing in the lab is known to keep packets back; else it is sent again, and waited for a second.
"""

from __future__ import annotations

import json
import re
import shlex
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address

from ..inside import inside
from ..packet.causes.look import ask_each
from ..packet.follow import ground_of
from ..packet.lookup import Tables
from ..shell import Shell

HURRY = 0.25  # seconds
MARK, LINE_END = "=answer=", "\x1f"
# A router's "Frag needed" teaches the sender a smaller size, so ask again what may be split, and what may not.
# One line an answer, because bash writes line by line, and the lines of many writers would mix.
ASK = """
ask() {{
    local number=$1 said code; shift
    said=$(exec "$@" 2>&1); code=$?
    case $said in *"Frag needed"*) said=$(exec "$@" 2>&1); code=$? ;; esac
    printf '{mark} %s %s %s\\n' "$number" "$code" "${{said//$'\\n'/{end}}}"
}}
export -f ask
{{ {askers} wait; }} | cat
"""

# --- what keeps packets back

# Devices that hand a packet on at once. Others have a program behind them (tun, Open vSwitch), shake hands first
# (wireguard) or lead out of the lab.
QUICK_KINDS = {"loopback", "veth", "netkit", "bridge", "vlan", "macvlan", "ipvlan", "vrf", "dummy", "vxlan", "ipip",
               "sit", "gre", "gretap", "ip6tnl", "geneve"}  # fmt: skip
# Queues that keep a packet only while the device is busy; tc(8) lists those that delay, drop or count.
QUICK_QUEUES = {"noqueue", "pfifo_fast", "pfifo", "fq_codel", "fq", "mq"}
# Words of rules by which one packet may pass and the next may not, or a program decides: iptables-extensions(8), nft(8)
CHANCES = re.compile(r"\b(statistic|limit|hashlimit|numgen|quota|queue|NFQUEUE|recent|meter|rateest|time)\b")
HELD_BACK = {
    "queues": "tc -j qdisc",
    "rules": "nft list ruleset; iptables-legacy-save; ip6tables-legacy-save; type nft >&2 || iptables-save",
    "proxies": "cd /proc/sys/net && grep -sx '[^0]' ipv4/conf/*/proxy_arp{,_pvlan} ipv6/conf/*/proxy_ndp",
    "entries": "ip -j neigh show proxy; ip -6 -j neigh show proxy",
    "delays": "cd /proc/sys/net && grep -svx 0 ipv{4,6}/neigh/*/proxy_delay",
}


@dataclass(frozen=True)
class Ping:
    """One question: who asks, which address, how many bytes, whether the packet may be split; whom it means by it."""

    source: str
    target: str
    size: int | None = None
    pieces: bool = False
    whom: str = field(default="", compare=False)

    def typed(self, hurried: bool) -> str:
        """As typed where it is sent.

        hurried: one question, and a quarter of a second; else until one answer has come or a second is over, a
        question every fifth of it.
        """
        waiting = f"-W {HURRY}" if hurried else "-w 1 -i 0.2"
        options = ""
        if self.size is not None:
            # -M do: in one piece, ping(8)
            options = f" -s {self.size}" if self.pieces else f" -M do -s {self.size}"
        return f"ping -n -c 1 {waiting}{options} {self.target}"


@dataclass(frozen=True)
class Answer:
    """What ping said, and its exit code; line: as typed on master."""

    code: int
    out: str
    line: str


def ask(shell: Shell, pings: Iterable[Ping], tables: Tables, cold: bool = False) -> dict[Ping, Answer]:
    """Ask all questions at the same time.

    Questions for a MAC that got no answer before are forgotten first; cold: so is every MAC that was learned.
    """
    pings = list(dict.fromkeys(pings))
    began = time.monotonic()
    answers = _asked(shell, pings, tables.spaces, cold, hurried=True)
    was_quick = time.monotonic() - began < 2 * HURRY
    lost = [ping for ping, answer in answers.items() if answer.code != 0]
    if not lost or (was_quick and not _can_be_late(shell, lost, tables)):
        return answers
    return answers | _asked(shell, lost, tables.spaces, cold, hurried=False)


def forget(shell: Shell, spaces: Iterable[str], cold: bool = False) -> None:
    """Forget what is forgotten before pings are sent."""
    _asked(shell, (), spaces, cold, hurried=True)


def _asked(shell: Shell, pings: Sequence[Ping], spaces: Iterable[str], cold: bool, hurried: bool) -> dict[Ping, Answer]:
    which = "all" if cold else "nud incomplete nud failed"
    lines = {space: [f"ip neigh flush {which} 2>/dev/null"] for space in spaces}
    for number, ping in enumerate(pings):
        lines[ping.source].append(f"ask {number} {ping.typed(hurried)} &")
    askers = ""
    for space, asked in lines.items():
        script = "\n".join([*asked, "wait"])
        asker = inside(space, f"bash -c {shlex.quote(script)}")
        askers += f"{asker} &\n"
    ran = shell.run(ASK.format(mark=MARK, end=LINE_END, askers=askers))
    answers = {}
    for number, code, out in re.findall(rf"^{MARK} (\d+) (\d+) (.*)$", ran.out, re.M):
        ping = pings[int(number)]
        line = inside(ping.source, ping.typed(hurried))
        answers[ping] = Answer(int(code), out.replace(LINE_END, "\n"), line)
    return answers


def _can_be_late(shell: Shell, lost: Iterable[Ping], tables: Tables) -> bool:
    """Whether an answer may come later than at once, or to the next question and not to this one."""
    if any(link.kind not in QUICK_KINDS for link in tables.links.values()):
        return True
    # IPv6 answers for an address only when it is sure that nobody else has it: RFC 4862, 5.4
    asks_by_ipv6 = any(ip_address(ping.target).version == 6 for ping in lost)
    if asks_by_ipv6 and any(address.tentative for address in tables.snapshot.rows.addresses):
        return True
    told = ask_each(ground_of(shell), tables.spaces, HELD_BACK)
    return any(_holds_back(parts) for parts in told.values())


def _holds_back(parts: Mapping[str, str]) -> bool:
    try:
        queues = {queue["kind"] for queue in json.loads(parts["queues"])}
        entries = [json.loads(line) for line in parts["entries"].splitlines()]
    except (KeyError, ValueError):
        return True  # what is not known may be anything
    if not queues <= QUICK_QUEUES or CHANCES.search(parts["rules"]):
        return True
    return _proxies_wait(parts["proxies"], entries, parts["delays"])


def _proxies_wait(proxies: str, entries: Iterable[Iterable[Mapping[str, str]]], delays: str) -> bool:
    """Whether an answer for another's address waits, by chance up to proxy_delay; pneigh_enqueue(), neighbour.c.

    proxies, delays: lines of settings, `ipv4/conf/cali1/proxy_arp:1`; entries: as `ip neigh show proxy` lists them.
    """
    proxying = {_device_of(line) for line in proxies.splitlines()}
    for family, listed in zip(("ipv4", "ipv6"), entries, strict=True):
        proxying.update((family, entry["dev"]) for entry in listed)
    waiting = {_device_of(line) for line in delays.splitlines()}
    families_of_all = {family for family, device in proxying if device == "all"}
    return any(one in proxying or one[0] in families_of_all for one in waiting)


def _device_of(setting: str) -> tuple[str, str]:
    """Family and device of a setting."""
    family, _, device, _ = setting.split("/", 3)
    return family, device
