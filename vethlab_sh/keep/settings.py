"""Which sysctls were set, and which rules filter packets? Lines for those that are not as in a fresh world."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from ..errors import CannotSave
from ..inside import quoted
from ..language import tr
from .contents import PORT, Contents

# What follows from something else, or is the same setting under a second name.
NO_SETTING = re.compile(
    r"ipv4/conf/all/forwarding|ipv6/conf/[^/]*/(mtu|stable_secret)|.*/(base_reachable_time|retrans_time)"
)
PER_DEVICE = re.compile(r"(ipv[46]/(?:conf|neigh))/([^/]+)/(.+)")
IPTABLES = {"filter", "nat", "mangle", "raw", "security"}  # under nft, iptables keeps its rules in tables of its own
COUNTERS = re.compile(r"\[\d+:\d+\]")  # packets and bytes


def inherited(contents: Contents, usual: Contents) -> list[str]:
    """The sysctls of a namespace, and what its devices will have from the beginning, that differ from the usual."""
    keys = [key for key in contents.settings if not is_of_a_device(key)]
    return _setting(contents, usual, keys)


def single(contents: Contents, usual: Contents) -> list[str]:
    """The sysctls of single devices that differ from what a device has there from the beginning."""
    keys = [key for key in contents.settings if is_of_a_device(key)]
    return _setting(contents, usual, keys)


def is_of_a_device(key: str) -> bool:
    """Whether a sysctl is one device's own.

    >>> is_of_a_device("ipv4/conf/eth0/rp_filter"), is_of_a_device("ipv4/conf/all/rp_filter")
    (True, False)
    """
    match = PER_DEVICE.fullmatch(key)
    if match is None:
        return False
    return match[2] not in ("all", "default")


def _setting(contents: Contents, usual: Contents, keys: Iterable[str]) -> list[str]:
    changed = []
    for key in keys:
        if NO_SETTING.fullmatch(key):
            continue
        if contents.settings[key] != _usual(contents, usual, key):
            changed.append(key)
    # Forwarding comes first, because it changes others: Documentation/networking/ip-sysctl
    changed.sort(key=lambda key: ("forward" not in key, "/all/" not in key))
    lines = []
    for key in changed:
        word = quoted(f"net/{key}={contents.settings[key]}")
        lines.append(f"{contents.entering}sysctl -qw {word}")
    return lines


def _usual(contents: Contents, usual: Contents, key: str) -> str | None:
    """What a sysctl would be if nobody had set it: for one that fresh worlds do not have, what it is."""
    if key in usual.settings:
        return usual.settings[key]
    match = PER_DEVICE.fullmatch(key)
    if match is None or not is_of_a_device(key):
        return contents.settings[key]
    group, _, setting = match.groups()
    default = f"{group}/default/{setting}"
    if default in contents.settings:
        return contents.settings[default]
    return usual.settings.get(f"{group}/{PORT}/{setting}")  # neigh/default is in no namespace but a world's first


def filters(contents: Contents) -> list[str]:
    """Sets of addresses, and rules of iptables that may name them, as here documents.

    Raises CannotSave for a table of nft that is not iptables' own.
    """
    scripts = []
    if contents.sets:
        end = _no_line("SETS", contents.sets)
        scripts.append("\n".join([f"{contents.entering}ipset restore <<'{end}'", *contents.sets, end]))
    for name, printed in contents.filters.items():
        lines = []
        for line in printed:
            if line and not line.startswith("#"):
                lines.append(COUNTERS.sub("[0:0]", line))
        if any(_decides(line) for line in lines):
            end = _no_line("RULES", lines)
            command = f"{contents.entering}{name}-restore <<'{end}'"
            scripts.append("\n".join([command, *lines, end]))
    for family, table in contents.tables:
        if family not in ("ip", "ip6") or table not in IPTABLES:
            raise CannotSave(
                tr(
                    "{namespace} has the nft table {family} {table}, and only iptables' are saved.",
                    namespace=contents.namespace,
                    family=family,
                    table=table,
                )
            )
    return scripts


def _no_line(word: str, lines: Collection[str]) -> str:
    """What ends a here document: this word, made longer until no line is like it (a rule's comment may have lines)."""
    while word in lines:
        word += "_"
    return word


def _decides(line: str) -> bool:
    """Whether a line of iptables-save is a rule, a chain that somebody made, or a policy other than ACCEPT."""
    if line.startswith(":"):
        return " ACCEPT " not in line
    return line.startswith("-A")
