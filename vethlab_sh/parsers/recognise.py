"""Which tables will a command line print? Those of its command, in all the short forms that iproute2 takes.

Only the line is read, never what it printed: `ip netns exec ns1 ip a` prints the table `ip addr`, and
`ip l s br0 up` prints none, because it sets. What stands before the command (`sudo`, `timeout 5`,
`ip netns exec ns1`, `kubectl exec pod --`) is taken off; a pipe may only leave lines out.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator

from .registry import TABLES

# iproute2 takes any beginning of a word, the first in its own order that fits: ip.c, ipaddress.c, iplink.c ...
IP_OBJECTS = (
    "address", "addrlabel", "maddress", "route", "rule", "neighbor", "neighbour", "ntable", "ntbl", "link", "l2tp",
    "fou", "ila", "macsec", "tunnel", "tunl", "tuntap", "tap", "token", "tcpmetrics", "tcp_metrics", "monitor",
    "xfrm", "mroute", "mrule", "netns", "netconf", "vrf", "sr", "nexthop", "mptcp", "ioam", "help", "stats",
)  # fmt: skip
TABLE_WORDS = {"address": "addr", "neighbor": "neigh", "neighbour": "neigh"}  # where a table's name has another
NEIGHBOUR_VERBS = ("add", "replace", "change", "chg", "delete", "get", "show", "lst", "list", "flush")
# Of an object that is not here only a verb in full is taken: its order of verbs is not known.
IP_VERBS = {
    "address": ("add", "change", "replace", "delete", "show", "lst", "list", "flush", "save"),
    "link": ("add", "set", "change", "replace", "delete", "show", "lst", "list", "help"),
    "route": (
        "list", "show", "lst", "get", "add", "append", "change", "chg", "delete", "replace", "prepend", "test",
        "flush",
    ),
    "neighbor": NEIGHBOUR_VERBS,
    "neighbour": NEIGHBOUR_VERBS,
    "rule": ("list", "lst", "show", "save", "add", "delete", "flush", "restore"),
    "netns": (
        "list", "show", "lst", "list-id", "help", "add", "set", "delete", "identify", "pids", "exec", "monitor",
    ),
}  # fmt: skip
BRIDGE_OBJECTS = ("link", "fdb", "mdb", "vlan", "vni", "monitor")
BRIDGE_VERBS = {
    "link": ("set", "change", "show", "lst", "list"),
    "fdb": ("add", "append", "replace", "delete", "get", "show", "lst", "list", "flush"),
    "vlan": ("add", "delete", "set", "show", "lst", "list", "tunnelshow", "global"),
}
SHOWING = ("show", "lst", "list", "get")
SHOWING_IN_FULL = ("show", "lst", "list")
# Options may be cut short too, and begin with two dashes.
OPTIONS = (
    "-loops", "-family", "-4", "-6", "-0", "-M", "-B", "-human", "-iec", "-stats", "-statistics", "-details",
    "-resolve", "-oneline", "-timestamp", "-tshort", "-Version", "-force", "-batch", "-brief", "-json", "-pretty",
    "-rcvbuf", "-color", "-compressvlans", "-help", "-netns", "-Numeric", "-all", "-echo",
)  # fmt: skip
VALUE_OPTIONS = {"-netns", "-family", "-loops", "-rcvbuf"}
OTHER_OUTPUT = {"-json", "-batch", "-force", "-Version", "-all", "-help"}
ONE_LINE_OPTIONS = {"-oneline", "-brief"}

OPERATORS = "|;&<>()\n"
GREPS = ("grep", "egrep", "fgrep")
PLAIN_GREP = re.compile(r"-[viwxEFPe]+|-m\d+|--color=never", re.ASCII)
ASSIGNMENT = re.compile(r"\w+=")
INTO_ANOTHER_PLACE = ("nsenter", "kubectl", "docker", "podman", "unshare", "lxc", "incus", "crictl")
# Their own words end with --, or without it at the first word that is no option: of exec, behind what it is about.
WITH_OPTIONS_ONLY = ("nsenter", "unshare")
PLACE_OPTIONS_WITH_VALUE = {
    "nsenter": ("-t", "--target", "-S", "--setuid", "-G", "--setgid"),
    "unshare": ("-S", "--setuid", "-G", "--setgid", "-R", "--root", "-w", "--wd"),
    "kubectl": ("-n", "--namespace", "-c", "--container", "--context", "--kubeconfig"),
    "docker": ("-u", "--user", "-w", "--workdir", "-e", "--env", "--env-file", "--detach-keys"),
    "podman": ("-u", "--user", "-w", "--workdir", "-e", "--env", "--env-file", "--detach-keys"),
}
PREFIX_OPTIONS_WITH_VALUE = ("-u", "-g", "-k", "-s", "-C")  # of sudo, env and timeout
ROUTE_FAMILIES = ("inet", "inet6")
IPTABLES_SHOWS = re.compile(r"-[nvxwt]*[LS][nvxw]*|--list|--list-rules")
OTHER_FORM = re.compile(r"-o=?(?!wide|=|$)|--output=(?!wide)|--no-headers=?|-w$|--watch")  # -ojson, -o=name
NFT_OPTION = re.compile(r"-[nsaSupyNT]+|--(numeric|stateless|handle|service|guid|numeric-\w+|reversedns|terse)")
NFT_LISTS = ("ruleset", "tables", "table", "chains", "chain")
OVS_WITH_VALUE = ("-t", "-T", "-O", "-F", "-m", "-p", "-c", "-C", "--target", "--db")
BIRDC_WITH_VALUE = ("-s",)
TCPDUMP_OTHER = re.compile(r"-[a-zA-Z]*[wdDL]|--(version|help|list)")
SYS_FILE = re.compile(r"(?:/sys/class/net|\.)/[^/]+/(iflink|ifindex)")
SETTING_FILE = re.compile(r"/proc/sys/net/\S+")
ARP_CHANGES = {"-s", "-d", "-f", "--set", "--delete"}
SPECIAL = re.compile(rf"[{re.escape(OPERATORS)}'\"\\]")  # what a shell takes a line apart at, beside blanks
SYSCTL_ALL = {"-a", "-A", "--all"}
SYSCTL_OPTIONS = SYSCTL_ALL | {"-w", "--write", "-e", "--ignore", "-n", "--values"}


def recognise(line: str) -> tuple[str, ...]:
    """Names of the tables that this command line prints; none for what has no parser.

    >>> recognise("ip netns exec ns1 ip a"), recognise("ip l s br0 up"), recognise("ip -j addr")
    (('ip addr',), (), ())
    """
    commands = stages(line)
    if not commands:
        return ()
    words = _without_prefix(commands[0])
    if not words:
        return ()
    names = _names(words)
    filters = commands[1:]
    if filters and not _is_linewise(words, names):
        return ()
    if not all(_is_plain_grep(command) for command in filters):
        return ()
    return names


def stages(line: str) -> list[list[str]]:
    """The words of each command of a pipe; nothing when the line is more than a pipe, or a quote is open.

    >>> stages("ip r | grep -e 'a b'"), stages("ip a; ip r"), stages("ip 'a")
    ([['ip', 'r'], ['grep', '-e', 'a b']], [], [])
    """
    if "$(" in line or "`" in line:
        return []
    stages: list[list[str]] = [[]]
    try:
        for word in _shell_words(line):
            if word == "|":
                stages.append([])
            elif word and set(word) <= set(OPERATORS):
                return []
            else:
                stages[-1].append(word)
    except ValueError:  # shlex: a quote is open
        return []
    return stages


def _shell_words(line: str) -> Iterator[str]:
    """The words and operators of a line as a shell takes them apart, without a remark behind ` #`."""
    command = line.split(" #")[0].strip()
    if not SPECIAL.search(command):
        return iter(command.split())
    lexer = shlex.shlex(command, posix=True, punctuation_chars=OPERATORS)
    lexer.whitespace = " \t"  # a newline ends a command, so it is an operator
    lexer.whitespace_split = True
    lexer.commenters = ""
    return lexer


def _is_linewise(words: list[str], names: tuple[str, ...]) -> bool:
    """Whether each line of the output is a record of its own."""
    if all(TABLES[name].linewise for name in names):
        return True
    options, _ = _options(words[1:])
    return bool(options & ONE_LINE_OPTIONS)


def _is_plain_grep(words: list[str]) -> bool:
    """A grep that only leaves lines out: it reads no file, and does not count, number or cut."""
    if not words or words[0] not in GREPS:
        return False
    patterns_and_files = 0
    for word in words[1:]:
        if not word.startswith("-"):
            patterns_and_files += 1
        elif not PLAIN_GREP.fullmatch(word):
            return False
    return patterns_and_files == 1 or "-e" in words


def _names(words: list[str]) -> tuple[str, ...]:
    """The tables of a command; a program without a rule of its own below has one table, whatever it is asked."""
    program = _program(words)
    if program in ("ping", "ping6"):
        return ("ping", "ping statistics")
    reader = PROGRAMS.get(program)
    name = reader(words[1:]) if reader else program
    if name not in TABLES:
        return ()
    return (name,)


def _program(words: list[str]) -> str:
    """The name of the program: `ip` of `/usr/sbin/ip`."""
    *_, name = words[0].split("/")
    return name


def _without_prefix(words: list[str]) -> list[str]:
    """What is left after `sudo`, `A=b`, `timeout 5`, `ip netns exec NS`, `nsenter ... --`, `kubectl exec ... --`."""
    while words:
        program = _program(words)
        if program in ("sudo", "env"):
            words = _without_options(words[1:])
        elif program == "timeout":
            words = _without_options(words[1:])[1:]  # its first word is how long
        elif program in ("busybox", "command") or ASSIGNMENT.match(words[0]):
            words = words[1:]
        elif program in INTO_ANOTHER_PLACE and "--" in words:
            words = words[words.index("--") + 1 :]
        elif program in WITH_OPTIONS_ONLY:
            words = _behind_options(words[1:], program)
        elif program in INTO_ANOTHER_PLACE and "exec" in words[:5]:
            words = _inside(words, program)
        elif program == "ip" and _is_netns_exec(words):
            words = words[4:]
        else:
            break
    return words


def _without_options(words: list[str]) -> list[str]:
    while words and words[0].startswith("-"):
        length = 2 if words[0] in PREFIX_OPTIONS_WITH_VALUE else 1
        words = words[length:]
    return words


def _behind_options(words: list[str], program: str) -> list[str]:
    """What stands behind a program's options."""
    with_value = PLACE_OPTIONS_WITH_VALUE.get(program, ())
    while words and words[0].startswith("-"):
        length = 2 if words[0] in with_value else 1
        words = words[length:]
    return words


def _inside(words: list[str], program: str) -> list[str]:
    """`ip a` of `docker exec -it web ip a`: what stands behind the options of exec and the name."""
    options = _behind_options(words[1:], program)
    if not options or options[0] != "exec":
        return []
    _, *command = _behind_options(options[1:], program) or [""]
    return _behind_options(command, program)  # kubectl takes options behind the pod too


def asked(line: str) -> list[str]:
    """The words of what printed a line's output, from its program on: of `sudo ip r | grep eth0` these are ip and r."""
    commands = stages(line)
    return _without_prefix(commands[0]) if commands else []


def _is_netns_exec(words: list[str]) -> bool:
    """Whether this is `ip netns exec NAME` and a command, `ip net e NAME` too."""
    if len(words) <= 4:
        return False
    if _abbreviated(words[1], IP_OBJECTS) != "netns":
        return False
    return _abbreviated(words[2], IP_VERBS["netns"]) == "exec"


def _abbreviated(word: str, names: Iterable[str]) -> str | None:
    """The first of the names that begins with this word."""
    if not word:
        return None
    for name in names:
        if name.startswith(word):
            return name
    return None


def _options(words: list[str]) -> tuple[set[str], list[str]]:
    """The options before the object, in full, and the words from the object on."""
    options = set()
    while words and words[0].startswith("-"):
        word = words[0].replace("--", "-", 1)
        name, _, _ = word.partition("=")  # -c=never
        option = _abbreviated(name, OPTIONS) or name
        options.add(option)
        length = 2 if option in VALUE_OPTIONS else 1
        words = words[length:]
    return options, words


def _shown(words: list[str]) -> list[str]:
    """The words from the object on; none where an option is unknown, or makes iproute2 print something else."""
    options, words = _options(words)
    if not options.issubset(OPTIONS) or options & OTHER_OUTPUT:
        return []
    return words


def _ip(words: list[str]) -> str | None:
    words = _shown(words)
    if not words:
        return None
    thing = _abbreviated(words[0], IP_OBJECTS)
    if thing is None or not _only_shows(words, IP_VERBS.get(thing)):
        return None
    return f"ip {TABLE_WORDS.get(thing, thing)}"


def _bridge(words: list[str]) -> str | None:
    words = _shown(words)
    if not words:
        return None
    thing = _abbreviated(words[0], BRIDGE_OBJECTS)
    if thing is None or not _only_shows(words, BRIDGE_VERBS.get(thing)):
        return None
    return f"bridge {thing}"


def _only_shows(words: list[str], verbs: tuple[str, ...] | None) -> bool:
    """Whether the word after the object is one that shows; without a word iproute2 shows too.

    verbs: those of the object in iproute2's order, or None where it is not known.
    """
    if len(words) == 1:
        return True
    if verbs is None:
        return words[1] in SHOWING_IN_FULL
    return _abbreviated(words[1], verbs) in SHOWING


def _brctl(words: list[str]) -> str | None:
    if not words:
        return None
    return f"brctl {words[0]}"


def _arp(words: list[str]) -> str | None:
    if ARP_CHANGES.intersection(words):
        return None
    return "arp"


def _ifconfig(words: list[str]) -> str | None:
    """`ifconfig` alone or with one device shows; a further word sets something, and -s prints another table."""
    asked = [word for word in words if word not in ("-a", "-v")]
    if len(asked) > 1 or "-s" in words:
        return None
    return "ifconfig"


def _sysctl(words: list[str]) -> str | None:
    options = {word for word in words if word.startswith("-")}
    has_key = len(words) > len(options)
    asks = has_key or not options.isdisjoint(SYSCTL_ALL)
    if not asks or not options.issubset(SYSCTL_OPTIONS):
        return None
    return "sysctl"


def _route(words: list[str]) -> str | None:
    """`route` with options alone shows."""
    if all(word.startswith("-") or word in ROUTE_FAMILIES for word in words):
        return "route"
    return None


def _netstat(words: list[str]) -> str | None:
    """`netstat -rn`: the routes."""
    letters = {letter for word in words if word.startswith("-") for letter in word[1:]}
    return "route" if "r" in letters or "--route" in words else None


def _iptables(words: list[str]) -> str | None:
    shows = any(IPTABLES_SHOWS.fullmatch(word) for word in words)
    return "iptables" if shows else None


def _iptables_save(words: list[str]) -> str | None:
    return "iptables" if not {"-h", "-f", "--file"}.intersection(words) else None


def _kubectl(words: list[str]) -> str | None:
    """`kubectl get pods`, and no other form of output than a table."""
    get, *what = _behind_options(words, "kubectl") or [""]
    thing, *_ = _behind_options(what, "kubectl") or [""]
    if get != "get" or thing not in ("pods", "pod", "po"):
        return None
    if any(OTHER_FORM.match(word) for word in words):
        return None
    if "-o" in words[:-1] and words[words.index("-o") + 1] != "wide":
        return None
    return "kubectl get pods"


def _ethtool(words: list[str]) -> str | None:
    return "ethtool" if words[:1] in (["-S"], ["--statistics"]) else None


def _tcpdump(words: list[str]) -> str | None:
    """What tcpdump prints for people: not into a file (-w), nor what it is made of (-d)."""
    for word in words:
        if TCPDUMP_OTHER.match(word):
            return None
    return "tcpdump"


def _files(words: list[str]) -> str | None:
    """`cat /proc/net/arp`, `grep . /sys/class/net/*/iflink`, `cat /proc/sys/net/ipv4/ip_forward`."""
    files = [word for word in words if "/" in word]
    if files and all(SYS_FILE.fullmatch(file) for file in files):
        return "iflink"
    if files and all(SETTING_FILE.fullmatch(file) for file in files):
        return "sysctl"
    if files == ["/proc/net/arp"] or files == ["/proc/self/net/arp"]:
        return "arp"
    return None


def _nft(words: list[str]) -> str | None:
    """`nft list ruleset`, a table, a chain, or all of them; not what is no such text (-j)."""
    words = [word for word in words if not NFT_OPTION.fullmatch(word)]
    if len(words) < 2 or words[0] != "list":
        return None
    return "nft list" if words[1] in NFT_LISTS else None


def _ovs_vsctl(words: list[str]) -> str | None:
    return "ovs-vsctl show" if _operands(words, OVS_WITH_VALUE) == ["show"] else None


def _ovs_appctl(words: list[str]) -> str | None:
    return "ovs-appctl fdb" if _operands(words, OVS_WITH_VALUE)[:1] == ["fdb/show"] else None


def _ovs_ofctl(words: list[str]) -> str | None:
    operands = _operands(words, OVS_WITH_VALUE)
    return "ovs-ofctl flows" if operands[:1] == ["dump-flows"] else None


def _birdc(words: list[str]) -> str | None:
    """`birdc show route`, `birdcl -s FILE "show protocols"`; BIRD takes each word cut short, too."""
    operands = " ".join(_operands(words, BIRDC_WITH_VALUE))
    show, thing, *more = [*operands.split(), "", ""]
    if not show or not "show".startswith(show):
        return None
    if len(thing) > 1 and "protocols".startswith(thing) and "all" not in more:
        return "birdc protocols"
    if len(thing) > 1 and "route".startswith(thing) and "count" not in more:
        return "birdc route"
    return None


def _operands(words: list[str], with_value: tuple[str, ...]) -> list[str]:
    """A program's words without its options; with_value: those whose value is a word of its own."""
    operands = []
    is_value = False
    for word in words:
        if not is_value and not word.startswith("-"):
            operands.append(word)
        is_value = word in with_value
    return operands


IPTABLES = ("iptables", "ip6tables", "iptables-legacy", "ip6tables-legacy", "iptables-nft", "ip6tables-nft")
PROGRAMS = {
    "route": _route,
    "netstat": _netstat,
    **dict.fromkeys(IPTABLES, _iptables),
    **dict.fromkeys([f"{name}-save" for name in IPTABLES], _iptables_save),
    "nft": _nft,
    "ovs-vsctl": _ovs_vsctl,
    "ovs-appctl": _ovs_appctl,
    "ovs-ofctl": _ovs_ofctl,
    "birdc": _birdc,
    "birdcl": _birdc,
    "kubectl": _kubectl,
    "kc": _kubectl,
    "oc": _kubectl,
    "ethtool": _ethtool,
    "tcpdump": _tcpdump,
    **dict.fromkeys(("cat", "head", "tail", "more", "less", *GREPS), _files),
    "ip": _ip,
    "bridge": _bridge,
    "brctl": _brctl,
    "arp": _arp,
    "ifconfig": _ifconfig,
    "sysctl": _sysctl,
}
