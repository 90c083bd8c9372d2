"""What could a beginner try after a failure? One rule for each way in which commands are known to fail.

Who knows another way adds a rule to RULES, and the line that fails so to MISTAKES in tests/test_shell.py.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass

from .errors import NO_SUCH_PROGRAM, PACKAGES, ToolMissing, nearest
from .language import marked, sentences, tr
from .sandbox import container_options, find, settings_are_fixed

# What else is often typed: a misspelt program is probably one of these, or one of a package.
EVERYDAY = (
    "awk", "cat", "cd", "chmod", "cp", "cut", "echo", "env", "export", "find", "grep", "head", "hostname", "kill",
    "less", "ls", "mkdir", "mount", "mv", "printf", "read", "rm", "sed", "seq", "set", "sleep", "sort", "source",
    "sudo", "tail", "tee", "test", "timeout", "touch", "tr", "uname", "wait", "wc", "which", "xargs",
)  # fmt: skip
# How it is said that there is no such program: bash and dash, `sudo`, `ip netns exec`, util-linux, coreutils.
NOT_FOUND = (
    re.compile(r"(?:^|: )(?P<word>[^\s:]+): (?:command )?not found$", re.MULTILINE),
    re.compile(r"^exec of \"(?P<word>[^\"]+)\" failed: No such file", re.MULTILINE),
    re.compile(r"^(?:nsenter|unshare): failed to execute (?P<word>\S+): No such file", re.MULTILINE),
    re.compile(r"^(?:timeout|nohup|nice|chroot): failed to run command '(?P<word>[^']+)': No such", re.MULTILINE),
    re.compile(r"^(?:env|nice|xargs|setsid): '?(?P<word>[^\s':]+)'?: No such file", re.MULTILINE),
)
OBJECTS = {
    "ip": ("address", "addr", "link", "maddress", "monitor", "mroute", "neighbour", "neigh", "netns", "nexthop",
           "route", "rule", "tunnel", "tuntap", "vrf", "xfrm"),
    "bridge": ("fdb", "link", "mdb", "monitor", "vlan"),
}  # fmt: skip
VERBS = (
    "add", "append", "attach", "change", "del", "delete", "exec", "flush", "get", "identify", "list", "list-id",
    "monitor", "pids", "replace", "restore", "save", "set", "show",
)  # fmt: skip
BRCTL_VERBS = (
    "addbr", "delbr", "addif", "delif", "hairpin", "setageing", "setbridgeprio", "setfd", "sethello", "setmaxage",
    "setpathcost", "setportprio", "show", "showmacs", "showstp", "stp",
)  # fmt: skip
QUEUES = (
    "bfifo", "cake", "clsact", "codel", "drr", "fq", "fq_codel", "hfsc", "htb", "ingress", "mq", "netem", "pfifo",
    "pfifo_fast", "pie", "prio", "red", "sfq", "tbf",
)  # fmt: skip
KINDS = (
    "bareudp", "bond", "bridge", "dummy", "geneve", "gre", "gretap", "ifb", "ip6gre", "ip6tnl", "ipip", "ipvlan",
    "ipvtap", "macsec", "macvlan", "macvtap", "netkit", "sit", "team", "veth", "vlan", "vrf", "vti", "vxlan",
    "wireguard",
)  # fmt: skip


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


_DEVICES = marked("`ip link` lists the devices here; a device that was moved is in its new namespace only.")
_NAMESPACES = marked("`ip netns list` lists the namespaces; `ip netns add NAME` makes one.")
_NO_PORT = marked("lo and bridges cannot be ports of a bridge.")
_GATEWAY = marked("The gateway is on no connected network: `ip route` shows them; tunnels want `onlink`.")
_NO_NAMES = marked("A lab has no names, only addresses such as 10.0.0.1.")
_MISSPELT = marked("Is a word missing or misspelt? `ip link help` (or addr, route, neigh) shows what may stand there.")

_FROM_A_PAGE = marked(
    "The line has a sign that a web page or a text program made of an ordinary one: a long dash for -, curved quotes, "
    "or a blank that is none. Type it anew."
)
# dashes, quotes, and blanks of other widths, or of none; bash shows those that it found in a name as bytes: $'ip\\302'
_TYPESET = re.compile(
    "[\u2010-\u2015\u2212\u2018-\u201f\u00a0\u2000-\u200b\u202f\u3000\ufeff]|\\\\302\\\\240|\\\\342\\\\200"
)

_NO_QUEUE = re.compile("Specified qdisc kind is unknown|Unknown qdisc")
_EXISTS = "File exists|[Aa]lready exists"
_LO_DOWN = marked("lo, the way to oneself, is down in this namespace: `ip link set lo up`.")

# The first rule that fits is the one that is told: what is special stands above what is general.
RULES = (
    Rule(
        marked("Another VXLAN has this id and port: look with `ip -d link show type vxlan`."),
        said="A VXLAN device with the specified VNI",
    ),
    Rule(
        marked("A device is a port of one bridge: `ip link set DEVICE nomaster` takes it out."),
        said="already a member of a bridge",
    ),
    Rule(marked("The device has this address already: look with `ip a`."), said="[Aa]ddress already assigned"),
    Rule(marked("There is such a rule already: look with `ip rule`."), line=r"\brule add", said=_EXISTS),
    Rule(
        marked(
            "There is a neighbour entry for this address already: look with `ip neigh`; `ip neigh replace` changes it."
        ),
        line=r"\bneigh\w* add",
        said=_EXISTS,
    ),
    Rule(
        marked(
            "There is an entry for this MAC address already: look with `bridge fdb`; `bridge fdb replace` changes it, "
            "`bridge fdb append` adds another remote."
        ),
        line=r"\bfdb add",
        said=_EXISTS,
    ),
    Rule(
        marked("There is a route to this network already: look with `ip route`; `ip route replace` changes it."),
        line=r"\br(oute)? add",
        said=_EXISTS,
    ),
    Rule(
        marked("There is a chain of this name already: `iptables -S` lists them (`-t nat` those of that table)."),
        said="Chain already exists",
    ),
    Rule(
        marked("The name is there already: look with `ip netns list`. `ip netns del NAME` takes it away."),
        said="Cannot create namespace file",
    ),
    Rule(marked("It is there already: look with `ip a`, `ip route` or `ip netns list`."), said=_EXISTS),
    Rule(
        marked(
            "The name is in /run/netns, but from here it leads to no namespace. Made at a node, by `ip netns exec "
            "NODE ip netns add NAME`, a namespace is known by its name to that one command, or shell, and is gone "
            "with it. `ip netns del NAME` removes the name; `ip netns add NAME` on master makes one for all."
        ),
        said='setting the network namespace ".*" failed: Invalid argument',
    ),
    Rule(marked("A device of that name is here already: look with `ip link`."), said="Name not unique"),
    Rule(_NAMESPACES, said='Cannot open network namespace|Cannot remove namespace file|Invalid "netns" value'),
    Rule(_DEVICES, said=r"Cannot find device|No such device|(Device|Interface) \S+ (is )?not available"),
    Rule(_DEVICES, said=r"(Device|interface|bridge)\b.* does(n't| not) exist"),
    Rule(marked("The name of a device has 1 to 15 bytes, and no slash, colon or space."), said="not a valid ifname"),
    Rule(
        marked("A value is too long or out of range. The name of a device, for one, has at most 15 bytes."),
        said="failed policy validation",
    ),
    Rule(
        marked(
            "The kernel has no such kind of device. If the word after `type` is right, as veth, bridge and vxlan are, "
            "`sudo modprobe KIND` outside the lab may load it."
        ),
        said="Unknown device type",
    ),
    Rule(
        marked(
            "This kernel has no such queue. If its name is right, as netem, tbf and htb are, `sudo modprobe sch_NAME` "
            "outside the lab may load it; a kernel may also be without it."
        ),
        line=r"\btc\b",
        said="Specified qdisc kind is unknown",
    ),
    Rule(
        marked("This kernel has no such classifier: `sudo modprobe cls_NAME` outside the lab may load it."),
        line=r"\btc\b",
        said="TC classifier not found",
    ),
    Rule(
        marked(
            "There is no such queue or class to put it under: look with `tc qdisc show dev DEVICE` and `tc class show "
            "dev DEVICE`."
        ),
        line=r"\btc (class|filter|qdisc) add",
        said="No such file|Failed to find specified qdisc|Specified (class|qdisc) not found|Parent Qdisc doesn't exist",
    ),
    Rule(
        marked(
            "The device has such a queue already: look with `tc qdisc show dev DEVICE`; `tc qdisc replace` changes it."
        ),
        line=r"\btc\b",
        said="Exclusivity flag on",
    ),
    Rule(
        marked("The device has only the queue that every device has: `tc qdisc show dev DEVICE`."),
        line=r"\btc\b",
        said="Cannot delete qdisc with handle of zero|Cannot find specified qdisc",
    ),
    Rule(
        marked("An address is written as 10.0.0.1/24: numbers up to 255, and a prefix up to 32."),
        said="prefix is expected",
    ),
    Rule(
        marked("Is the address right? An IPv6 route is added with `ip -6 route`."),
        said="inet address is expected",
    ),
    Rule(marked("Say which device it is about: `dev NAME`."), said='"dev" argument is required'),
    Rule(
        marked("`ip a` shows the addresses; give one with its prefix, as in `ip addr del 10.0.0.1/24 ...`."),
        said="Address not found",
    ),
    Rule(
        marked("Switch the device on first: `ip link set DEVICE up`."),
        said="Device for nexthop is not up|Network is down",
    ),
    Rule(
        marked("The address says more than its prefix: with /16, for one, the last two numbers are 0."),
        said="Invalid prefix for given prefix length",
    ),
    Rule(marked("`src` must be an address of this machine: look with `ip a`."), said="Invalid prefsrc"),
    Rule(_GATEWAY, said="invalid gateway"),
    Rule(_GATEWAY, line="via ", said="No route to host"),
    Rule(
        _LO_DOWN,
        line=r"\s(127\.\d+\.\d+\.\d+|::1|localhost)\b",
        said="Network is unreachable|Cannot assign requested address",
    ),
    Rule(
        marked("No route leads there: look at `ip route`, and at whether the device is up."),
        said="Network is unreachable",
    ),
    # the kernel refuses to send by a blackhole route with EINVAL: fib_props in net/ipv4/fib_semantics.c
    Rule(
        marked("A `blackhole` route covers this address: look with `ip route`."),
        said="ping: connect: Invalid argument",
    ),
    Rule(marked("There is no such route: look with `ip route`."), line="route del", said="No such process"),
    Rule(
        marked("There is no such entry: look with `ip neigh` or `bridge fdb`."),
        line="(neigh|fdb) del",
        said="No such file",
    ),
    # dev->netns_immutable; kernels before 6.15 say "Invalid argument" (NETIF_F_NETNS_LOCAL)
    Rule(
        marked(
            "Such a device (a bridge, a VRF) cannot be moved; `ip -n NAMESPACE link add …` makes one where it is to be."
        ),
        line=r"\bnetns\b",
        said="netns is immutable",
    ),
    Rule(
        marked("Bridges, VRFs and lo cannot be moved; `ip -n NAMESPACE link add …` makes one where it is to be."),
        line=r"link set .*\bnetns\b",
        said="Invalid argument",
    ),
    Rule(_NO_PORT, line="master ", said="Invalid argument|enslave"),
    Rule(_NO_PORT, said="can't add .* to bridge"),
    Rule(
        marked("Probably this kernel's bridges know no VLANs (CONFIG_BRIDGE_VLAN_FILTERING)."),
        line="link add .*type bridge .*vlan_",
        said="Operation not supported",
    ),
    Rule(
        marked(
            "Either this device is no bridge, or this kernel's bridges know no VLANs (CONFIG_BRIDGE_VLAN_FILTERING)."
        ),
        line="type bridge .*vlan_|bridge vlan",
        said="Operation not supported",
    ),
    Rule(
        marked("It is no port of a bridge: `ip link set DEVICE master BRIDGE` first."),
        line=r"\bbridge (-\S+ )*(link|fdb) ",
        said="Operation not supported",
    ),
    # NFPROTO_IPV4 and the others are chosen when a kernel is built (CONFIG_NF_TABLES_IPV4, _IPV6, _INET)
    Rule(
        marked(
            "This kernel has no nf_tables of this family (user-mode Linux has none but that of bridges): there "
            "`iptables-legacy`, and in a lab in user-mode Linux `iptables`, makes rules for IPv4."
        ),
        program="nft",
        said="Operation not supported",
    ),
    Rule(
        marked("A Linux bridge has room for 1023 ports."), said="Exchange full"
    ),  # BR_MAX_PORTS: net/bridge/br_private.h
    Rule(
        marked("A MAC address is six pairs of hexadecimal digits, such as 8e:2a:10:00:00:02."),
        said="invalid lladdr|Invalid link address|Invalid mac address|Invalid address length",
    ),
    # is_valid_ether_addr() in include/linux/etherdevice.h
    Rule(
        marked("The second digit of a device's MAC address must be even; addresses with an odd one belong to groups."),
        line="address ",
        said="Cannot assign requested",
    ),
    Rule(
        marked("`ip -d link show DEVICE` says which MTU it may have (minmtu, maxmtu)."),
        said="mtu (less|greater) than device",
    ),
    Rule(
        marked("The packet is larger than the device's MTU and may not be split (`-M do`)."),
        said="[Mm]essage too long",
    ),
    Rule(marked("A VXLAN needs a number: `id 1`."), said="missing virtual network identifier"),
    Rule(
        marked(
            "There is no such setting: is the name of the device right? Where it has a dot, write slashes: "
            "net/ipv4/conf/flannel.1/forwarding."
        ),
        said="cannot stat /proc/sys",
    ),
    Rule(marked("No spaces around the =, as in `sysctl -w net.ipv4.ip_forward=1`."), said="sysctl.*invalid syntax"),
    Rule(marked("The setting does not take this value."), said="setting key .*Invalid argument"),
    Rule(
        marked("In a lab only the settings of its network, `net.…`, can be changed."), said="permission denied on key"
    ),
    Rule(_NO_NAMES, said="name resolution|Name or service not known|Unknown host"),
    Rule(
        marked("`iptables -S` lists the chains (`-t nat` those of that table); `iptables -N NAME` makes one."),
        said="No chain/target/match|Chain '.*' does not exist",
    ),
    Rule(marked("There is no such rule: `iptables -S` lists them."), said="does a matching rule exist"),
    Rule(_MISSPELT, said='not complete|argument ".*" is wrong|is unknown, try|^Usage: ip'),
    Rule(marked("A quote or a bracket was opened and not closed."), said="unexpected EOF"),
    Rule(
        marked(
            "Something was begun and not ended: `for` and `while` end with `done`, `if` with `fi`, `case` with `esac`."
        ),
        said="syntax error: unexpected end of file",
    ),
    Rule(
        marked(
            "A lab has the kernel of the machine, and what is loaded there is loaded here, too: type it outside the "
            "lab."
        ),
        program="modprobe",
    ),
    Rule(
        marked(
            "The kernel of this machine has no such module, and what needs it does not work here, in a lab or outside."
        ),
        said=r"FATAL: Module \S+ not found",
    ),
    Rule(marked("It asks for input, and nobody is there to type any: give the value in the line."), line=r"^\s*read\b"),
    Rule(marked("A lab may change its own network, not the machine."), said="Operation not permitted"),
    Rule(
        marked(
            "Nobody answered: look at `ip a`, `ip route` and `ip neigh` on both sides. (One's own address answers "
            "only while lo is up.)"
        ),
        program="ping",
        code=1,
    ),
)

FIXED_SETTING = re.compile(r"permission denied on key .net\.ipv[46]\.")
_ANYTHING_SAID = re.compile("|".join(f"(?:{rule.said})" for rule in RULES if rule.said), re.MULTILINE)


def is_error(said: str) -> bool:
    """Whether words are those of a failure that some rule knows: a quick look, before all rules are asked."""
    return _ANYTHING_SAID.search(said) is not None


_IS_ROOT = re.compile(r"\b(EUID|UID|whoami|id -un?)\b")  # how scripts ask


def hint_for(line: str, code: int, said: str) -> str:
    """What a beginner could try after this failure; empty when we know nothing better than the message.

    line: as typed; code: the exit code, not 0; said: what the command printed, errors first.
    """
    missing = _missing_program(line, code, said)
    if missing:
        return _instead_of(missing)
    if _IS_ROOT.search(line) and "exit" in line and os.geteuid() != 0:
        return tr(
            "It asks whether root runs it, and finds your own number, {number}: a lab gives you root's rights, and "
            "leaves you your number. Take this check out, or run it all with sudo.",
            number=os.geteuid(),
        )
    if FIXED_SETTING.search(said) and settings_are_fixed():
        return tr(
            "The settings of networks are read-only in this container, and a lab without rights has no others. The "
            "container needs {options}; or let the lab have a kernel of its own, user-mode Linux (`--kernel uml`, in "
            'Python `Lab(kernel="uml")`).',
            options=container_options(),
        )
    is_typeset = _TYPESET.search(line) is not None and _TYPESET.search(said) is not None
    meant = tr(_FROM_A_PAGE) if is_typeset else _meant(line, said)
    for rule in RULES:
        if rule.fits(line, code, said):
            return meant if is_typeset else sentences(meant, tr(rule.hint))
    return meant


# What bash itself knows, and hands the code of another program on: bash(1), SHELL GRAMMAR and SHELL BUILTIN COMMANDS
OF_BASH = {
    "exit", "logout", "return", "wait", "eval", "source", ".", "exec", "command", "builtin", "if", "for", "while",
    "until", "case", "select", "{", "(", "!", "[[", "time", "fg", "trap",
}  # fmt: skip


def _missing_program(line: str, code: int, said: str) -> str:
    """The program that was typed and is not here; empty when it was something else that failed."""
    for pattern in NOT_FOUND:
        found = pattern.search(said)
        if found and find(found["word"]) is None:
            return found["word"]
    if code != NO_SUCH_PROGRAM:
        return ""
    program = program_of(line)
    if program in OF_BASH:  # its code is that of the last program that it ran: `exit`
        return ""
    return program if find(program) is None else ""


def _instead_of(program: str) -> str:
    """What may be done where this program is missing."""
    if _TYPESET.search(program):
        return tr(_FROM_A_PAGE)
    if set(program) <= set("$#%>"):
        return tr("`{program}` is a terminal's prompt: type what stands behind it.", program=program)
    missing = ToolMissing(program)
    meant = "" if missing.package else _nearest(program, _programs())
    if meant:
        return tr("There is no program {program!r}. Did you mean `{meant}`?", program=program, meant=meant)
    return str(missing)


def _programs() -> list[str]:
    """What people type, as far as we know."""
    programs: list[str] = []
    for listed in PACKAGES.values():
        programs += listed.split()
    return [*programs, *EVERYDAY]


def _nearest(word: str, words: Iterable[str]) -> str:
    """The one of these that was probably meant; empty when it is one of them, or none is like it."""
    known = list(words)
    if word in known:
        return ""
    for other in known:  # two letters that changed places, a usual slip, count for much in a short word
        if len(other) == len(word) and sorted(other) == sorted(word):
            return other
    return next(iter(nearest(word, known, likeness=0.65)), "")


# How programs say that they do not know a word, and which ones they know.
UNKNOWN = (
    (re.compile(r'Object "(?P<word>[^"]*)" is unknown, try "ip '), OBJECTS["ip"]),
    (re.compile(r'Object "(?P<word>[^"]*)" is unknown, try "bridge '), OBJECTS["bridge"]),
    (re.compile(r'Command "(?P<word>[^"]*)" is unknown'), VERBS),
    (re.compile(r"never heard of command \[(?P<word>[^]]*)\]"), BRCTL_VERBS),
)


def _meant(line: str, said: str) -> str:
    """Which word was probably meant, where a program does not know one; empty when nothing is like it."""
    for pattern, words in UNKNOWN:
        found = pattern.search(said)
        if found:
            return _question(_nearest(found["word"], words))
    kind = re.search(r"\btype (\S+)", line)
    if kind and "Unknown device type" in said:
        return _question(_nearest(kind[1], KINDS))
    queue = re.search(r"\bqdisc .*?\b(?:root|ingress|clsact|parent \S+)(?: handle \S+)? (\S+)", line)
    if queue and _NO_QUEUE.search(said):
        return _question(_nearest(queue[1], QUEUES))
    setting = re.search(r"cannot stat (/proc/sys/\S+):", said)
    if setting:
        return _question(_nearest_setting(setting[1]))
    return ""


def _question(word: str) -> str:
    return tr("Did you mean `{word}`?", word=word) if word else ""


def _nearest_setting(file: str) -> str:
    """The setting that was probably meant, among those beside it on this machine, as sysctl writes it."""
    folder, name = os.path.split(file)
    try:
        beside = os.listdir(folder)
    except OSError:
        return ""
    if "/conf/" in folder + "/" and folder.endswith(("/conf", "/neigh")):
        return ""  # the name of a device: those of the lab are not to be seen from here
    meant = _nearest(name, beside)
    path = os.path.join(folder, meant).removeprefix("/proc/sys/")
    return path.replace("/", ".") if meant else ""


def program_of(line: str) -> str:
    """The program that a line ends up in: the word after `sudo` and `ip netns exec NS`, if it begins so.

    >>> program_of("sudo ip netns exec ns1 /bin/ping -c 1 10.0.0.2")
    'ping'
    """
    words = line.split()
    while True:
        if words[:1] == ["sudo"] and len(words) > 1:
            words = words[1:]
        elif words[:3] == ["ip", "netns", "exec"] and len(words) > 4:
            words = words[4:]
        else:
            break
    if not words:
        return ""
    return os.path.basename(words[0])
