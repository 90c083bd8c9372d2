"""What is sent to see where packets go, and what do the listeners take?"""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from ipaddress import ip_address

from ..errors import BadOption
from ..inside import inside
from .lookup import Tables, first_address

PORTS = {"tcp": 80, "udp": 33434}


def target_of(tables: Tables, src: str, dst: str) -> str:
    """The address that a walk from src is to reach. Raises BadOption when there is no such end."""
    names = [row["namespace"] for row in tables.rows["namespaces"]]
    if src not in names:
        raise BadOption(f"There is no namespace {src!r} to walk from. There are: {', '.join(names)}.")
    if dst in names:
        if address := next(first_address(tables, dst), None):
            return address
        raise BadOption(f"{dst} has no address that a packet could be sent to.")
    try:
        return str(ip_address(dst))
    except ValueError:
        raise BadOption(f"{dst!r} is neither an address nor a namespace. There are: {', '.join(names)}.") from None


def _open_questions(tables: Tables) -> str:
    """Lines that forget what was asked before and not answered: the kernel would not ask again at once."""
    rows = (row for row in tables.rows["neighbours"] if row["state"] in ("FAILED", "INCOMPLETE"))
    return "\n".join(inside(r["namespace"], f"ip neigh del {r['ip']} dev {shlex.quote(r['dev'])}") for r in rows)


def forgetting(tables: Tables) -> str:
    """The lines by which a cold walk flushes what was learned: neighbours, bridges' entries, VXLAN devices' entries."""
    lines = [inside(row["namespace"], "ip neigh flush all") for row in tables.rows["namespaces"]]
    for (namespace, name), link in tables.links.items():
        if link["kind"] == "bridge":
            lines.append(inside(namespace, f"ip link set {shlex.quote(name)} type bridge fdb_flush"))
    for row in tables.rows["fdb"]:
        if row["dst"] and not row["state"]:
            line = f"bridge fdb del {row['mac']} dev {shlex.quote(row['dev'])} dst {row['dst']}"
            lines.append(inside(row["namespace"], line))
    return "\n".join(lines)


def probe(target: str, count: int = 1, size: int | None = None, proto: str = "icmp") -> str:
    """The line that a walk sends its packets by, in the namespace where they start."""
    kind, port = _kind(proto)
    if count < 1 or (size is not None and not 0 <= size <= 65507):
        raise BadOption("A walk sends at least one packet, and a ping holds 0 to 65507 bytes.")
    if kind == "icmp":
        more = f" -s {size}" if size is not None else ""
        # under a second: the kernel's next question for an unknown MAC would come just then, and be half seen
        return f"ping -n -c {count} -i 0.2 -W 0.9{more} {target}"
    opened = f"exec 3<>/dev/{kind}/{target}/{port}"
    wait = "; echo >&3; read -r -t 1 -u 3" if kind == "udp" else ""  # the refusal, if any, ends the read
    return f"timeout 1 bash -c {shlex.quote(opened + wait)}"


def _kind(proto: str) -> tuple[str, int]:
    kind, _, port = proto.partition(":")
    if kind not in ("icmp", *PORTS) or (port and not (port.isdigit() and 0 < int(port) < 65536)):
        raise BadOption(f"{proto!r} is no probe: icmp, tcp:PORT or udp:PORT.")
    return kind, int(port or PORTS.get(kind, 0))


def _wanted(tables: Tables, src: str, target: str, proto: str) -> str:
    """What the listeners take, in tcpdump's language; the rest of the choice is made from the rows."""
    kind, port = _kind(proto)
    tunnels = {link["vxlan_port"] for link in tables.links.values() if link.get("vxlan_port")} | {8472, 4789}
    inner = _wrapped({target, *tables.own(src), *tables.own(tables.machine(src))})  # NAT gives it the machine's
    wrapped = (f"(udp port {number} and ({inner}))" for number in sorted(tunnels))
    wanted = ["arp", "icmp6" if ":" in target else "icmp", *wrapped]
    return " or ".join(wanted if kind == "icmp" else [*wanted, f"{kind} port {port}"])


def _wrapped(ips: Iterable[str]) -> str:
    """Of what is in VXLAN, the packets of these addresses and all that is not IPv4: pods may say a lot to each other.

    Counted from the UDP header: the inner frame's type is at 28, its IPv4 addresses are at 42 and 46. RFC 7348.
    """
    numbers = [int(ip_address(ip)) for ip in sorted(ips) if ":" not in ip]
    ours = [f"udp[{at}:4] = {number}" for number in numbers for at in (42, 46)]
    return " or ".join(["ip6", "udp[28:2] != 0x0800", *ours])
