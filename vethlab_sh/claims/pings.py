"""Which pings are answered? All of one round are sent at the same time.

In a lab an answer takes some 0.0001 seconds. So a ping that asks for a second is stopped after a quarter of it and two
questions, where the machine was quick and nothing in the lab is known to keep packets back; else it is sent again, and
asks to its end.
"""

from __future__ import annotations

import json
import re
import shlex
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address

from ..errors import TooBusy
from ..inside import inside
from ..language import tr
from ..packet.causes.look import ask_each
from ..packet.follow import ground_of
from ..packet.lookup import Tables
from ..shell import Shell

HURRY = 0.25  # seconds after which a ping is stopped: it has sent two questions then
TO_ITS_END = 10  # seconds: more than any ping takes
MARK, LINE_END = "=answer=", "\x1f"
# What is forgotten is forgotten everywhere before the first ping: a packet that waits for a MAC goes with the entry.
# A router's "Frag needed" teaches the sender a smaller size, so ask again what may be split, and what may not.
# One line an answer, because bash writes line by line, and the lines of many writers would mix.
ASK = """
send() {{
    local ear rest
    exec {{ear}}< <(exec "$@" 2>&1)
    local ping=$!
    IFS= read -r -d '' -t {patience} -u "$ear" said
    if (($? > 128)); then  # the time is over
        kill -INT "$ping"
        IFS= read -r -d '' -u "$ear" rest
        said+=$rest cut=1
    fi
    wait "$ping"; code=$?
    exec {{ear}}<&-
}}
ask() {{
    local number=$1 said code cut=0; shift
    send "$@"
    case $said in *"Frag needed"*) send "$@" ;; esac
    printf '{mark} %s %s %s %s\\n' "$number" "$code" "$cut" "${{said//$'\\n'/{end}}}"
}}
export -f send ask
{forgetting} wait
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

    @property
    def line(self) -> str:
        """As typed on master."""
        return inside(self.source, self.typed)

    @property
    def typed(self) -> str:
        """As typed where it is sent: until one answer has come or a second is over, a question every fifth of it."""
        options = ""
        if self.size is not None:
            # -M do: in one piece, ping(8)
            options = f" -s {self.size}" if self.pieces else f" -M do -s {self.size}"
        return f"ping -n -c 1 -w 1 -i 0.2{options} {self.target}"


@dataclass(frozen=True)
class Answer:
    """What ping said, and its exit code; is_cut: whether it was stopped before its end."""

    code: int
    out: str
    is_cut: bool = False


def ask(shell: Shell, pings: Iterable[Ping], tables: Tables, cold: bool = False) -> dict[Ping, Answer]:
    """Ask all questions at the same time.

    Questions for a MAC that got no answer before are forgotten first; cold: so is every MAC that was learned.
    """
    pings = list(dict.fromkeys(pings))
    began = time.monotonic()
    answers = _asked(shell, pings, tables.spaces, cold, patience=HURRY)
    was_quick = time.monotonic() - began < 2 * HURRY
    silent = [ping for ping in pings if ping not in answers]
    if silent:  # bash 5.2 says once in a thousand that what ran in <( ) ended with -1
        answers |= _asked(shell, silent, tables.spaces, cold, patience=TO_ITS_END)
        _check_told(silent, answers)
    cut = [ping for ping, answer in answers.items() if answer.is_cut]
    if not cut:
        return answers
    if was_quick and not can_be_late(shell, cut, tables):
        return answers
    return answers | _asked(shell, cut, tables.spaces, cold, patience=TO_ITS_END)


def _check_told(pings: Iterable[Ping], answers: Mapping[Ping, Answer]) -> None:
    """Raise TooBusy for a ping that has told nothing, not even that it was lost."""
    for ping in pings:
        if ping not in answers:
            raise TooBusy(
                tr(
                    "`{line}` told nothing, twice, not even that it was lost. Ask again when the machine is quieter.",
                    line=ping.line,
                )
            )


def forget(shell: Shell, spaces: Iterable[str], cold: bool = False) -> None:
    """Forget what is forgotten before pings are sent."""
    _asked(shell, (), spaces, cold, patience=HURRY)


def _asked(
    shell: Shell, pings: Sequence[Ping], spaces: Iterable[str], cold: bool, patience: float
) -> dict[Ping, Answer]:
    which = "all" if cold else "nud incomplete nud failed"
    forgetting = ""
    lines: dict[str, list[str]] = {}
    for space in spaces:
        forgetting += f"{inside(space, f'ip neigh flush {which}')} 2>/dev/null &\n"
    for number, ping in enumerate(pings):
        lines.setdefault(ping.source, []).append(f"ask {number} {ping.typed} &")
    askers = ""
    for space, asked in lines.items():
        script = "\n".join([*asked, "wait"])
        asker = inside(space, f"bash -c {shlex.quote(script)}")
        askers += f"{asker} &\n"
    ran = shell.run(ASK.format(mark=MARK, end=LINE_END, patience=patience, forgetting=forgetting, askers=askers))
    answers = {}
    for number, code, is_cut, out in re.findall(rf"^{MARK} (\d+) (\d+) ([01]) (.*)$", ran.out, re.M):
        ping = pings[int(number)]
        answers[ping] = Answer(int(code), out.replace(LINE_END, "\n"), is_cut == "1")
    return answers


def can_be_late(shell: Shell, pings: Iterable[Ping], tables: Tables) -> bool:
    """Whether an answer may come later than at once, or to the next question and not to this one."""
    if any(link.kind not in QUICK_KINDS for link in tables.links.values()):
        return True
    # IPv6 answers for an address only when it is sure that nobody else has it: RFC 4862, 5.4
    asks_by_ipv6 = any(ip_address(ping.target).version == 6 for ping in pings)
    if asks_by_ipv6 and any(address.tentative for address in tables.snapshot.rows.addresses):
        return True
    told = ask_each(ground_of(shell), tables.spaces, HELD_BACK)
    return any(holds_back(parts) for parts in told.values())


def holds_back(parts: Mapping[str, str]) -> bool:
    """Whether what one namespace has may keep packets back, as the lines of HELD_BACK tell it."""
    try:
        queues = {queue["kind"] for queue in json.loads(parts["queues"])}
        entries = [json.loads(line) for line in parts["entries"].splitlines()]
        waits = _proxies_wait(parts["proxies"], entries, parts["delays"])
        counts = CHANCES.search(parts["rules"]) is not None
    except (KeyError, ValueError):
        return True  # what is not known may be anything
    return waits or counts or not queues <= QUICK_QUEUES


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
