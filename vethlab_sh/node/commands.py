"""Is a line without its prompt a command? If it begins with a known program and goes on as that one is used."""

from __future__ import annotations

import re
from collections.abc import Set

from ..parsers.recognise import IP_OBJECTS, IP_VERBS
from .places import INTO_CONTAINER, INTO_POD, SHELLS

PROGRAMS = SHELLS | INTO_POD | INTO_CONTAINER | {
    "ip", "brctl", "bridge", "arp", "ifconfig", "ping", "ping6", "sysctl", "nsenter", "tcpdump", "arping", "route",
    "ss", "netstat", "tc", "ethtool", "iptables", "ip6tables", "iptables-save", "nft", "ipvsadm", "conntrack",
    "traceroute", "tracepath", "mtr", "nslookup", "dig", "curl", "wget", "nc", "cat", "ls", "cd", "echo", "grep",
    "hostname", "uname", "ps", "export", "sudo", "su", "env", "timeout", "time", "watch", "unshare", "ssh", "exit",
    "logout", "clear", "dmesg", "calicoctl", "etcdctl", "cilium", "systemctl", "journalctl", "modprobe", "lsmod",
    "apt", "apt-get", "apk", "yum", "dnf", "vi", "vim", "for", "while", "set", "helm", "kubeadm", "history", "tail",
    "head", "ovs-vsctl", "ovs-ofctl", "ovs-appctl", "birdc", "birdcl",
}  # fmt: skip
# Without a prompt before it a line is a command only if it cannot be prose.
CERTAIN = {
    "ip", "bridge", "brctl", "arp", "ifconfig", "ping", "kubectl", "docker", "podman", "nsenter", "sudo", "crictl",
    "ovs-vsctl", "ovs-ofctl", "ovs-appctl", "birdc", "birdcl",
}  # fmt: skip
# How a program goes on that is a word of English too, or whose name begins a sentence.
USED_AS = {
    "bridge": re.compile(r"-|link\b|fdb\b|vlan\b|mdb\b"),
    "brctl": re.compile(r"show|add|del|set|stp|--?h"),
    "arp": re.compile(r"-|\d|\||$"),
    "ping": re.compile(r"-|[\w.:-]+\s*$|[\w.:-]+ +-"),
    "kubectl": re.compile(r"-|exec|get|describe|logs|run|apply|delete|debug|version|config|create|edit|top"),
    "docker": re.compile(r"-|exec|run|ps|inspect|network|images|logs"),
    "ifconfig": re.compile(r"-|\||$|[\w.-]+\s*$|\S+ \S+"),
    "exit": re.compile(r"\d*\s*$"),
    "logout": re.compile(r"\s*$"),
    "route": re.compile(r"-|\||$|add\b|del\b"),
}
SCRIPT = re.compile(r"\./\S+")


def is_command(line: str, programs: Set[str] = PROGRAMS) -> bool:
    """Whether a line without its prompt is a command: a program that people type here, used as it is used.

    >>> is_command("ip a"), is_command("ip addresses of the pods"), is_command("ping测试")
    (True, False, False)
    """
    words = line.split()
    if not words:
        return False
    program = words[0].rsplit("/", 1)[-1]
    if program not in programs and not SCRIPT.fullmatch(words[0]):
        return False
    if program == "ip":
        return _is_ip(words[1:])
    if program not in USED_AS:
        return True
    rest = ""
    if len(words) > 1:
        _, rest = line.split(None, 1)
    return USED_AS[program].match(rest) is not None


def _is_ip(words: list[str]) -> bool:
    """`ip` as it is used: options, then an object, then one of its verbs (or nothing, or a pipe)."""
    while words and words[0].startswith("-"):
        length = 2 if words[0] in ("-n", "-netns", "-f", "-family") else 1
        words = words[length:]
    if not words:
        return False
    things = [name for name in IP_OBJECTS if name.startswith(words[0])]
    if not things:
        return False
    verbs = IP_VERBS.get(things[0])  # iproute2 takes the first that a short form fits
    if verbs is None or len(words) == 1:
        return True
    verb = words[1]
    if not verb[0].isalpha():
        return True
    return any(known.startswith(verb) for known in verbs)
