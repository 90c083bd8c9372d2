"""Which commands are in a pasted terminal session, where was each typed, and what did each print?

People paste prompts of any look, comments in any language, several machines, a `kubectl exec ... bash` in the
middle, Markdown around it all, and output whose command they left out. Nothing here is executed, and no line is
lost: each is a prompt, a command, output, a comment, or blank.
"""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ..tables import IP_OBJECTS, IP_VERBS, clean, recognise, stages

UNNAMED = "this machine"  # where an anonymous prompt stands, unless the text has told its name


@dataclass(frozen=True)
class Place:
    """Where a command ran. kind: machine, pod (or container), namespace, or empty when only a prompt named it.

    on: the machine that a namespace or a container is on, when the command line tells it (`ip netns exec` does,
    `kubectl exec`, which may be typed anywhere, does not).
    """

    name: str
    kind: str = ""
    on: str | None = None


@dataclass
class Typed:
    """One command and what it printed.

    line: the command, without its prompt; empty when the text shows output and not its command; number: its line in
    the text; at: where it ran; inner: what ran there (`ip a` of `kubectl exec web -- ip a`); output: numbered lines;
    remark: a comment stands between this output and what was before it; next_at: the next place with a name.
    """

    line: str
    number: int
    at: Place
    inner: str
    output: list[tuple[int, str]] = field(default_factory=list)
    remark: bool = False
    next_at: str | None = None

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables that the command prints, also behind a pipe that only leaves lines out."""
        return _tables(self.inner)


@dataclass
class Session:
    """A text as its commands, the places they ran at, and how many lines of each kind it has."""

    typed: list[Typed]
    places: dict[str, Place]
    kinds: dict[int, str]


# ---- prompts ----------------------------------------------------------------------------------------------

SIGN = r"[#$%>❯➜➤»λ✗▶]"
HOST = r"[A-Za-z0-9](?:[\w.-]*\w)?"
NAMED = (  # the prompt says which machine it is on
    re.compile(rf"\[[\w.-]+@(?P<host>{HOST})[^\]]*\]\s*{SIGN}(?:\s+(?P<line>.*))?$"),
    re.compile(rf"(?:\([\w.:-]+\)\s*)*[\w.-]+@(?P<host>{HOST})(?:[:\s][^#$%❯➜»]*)?{SIGN}(?:\s+(?P<line>.*))?$"),
    re.compile(rf"(?P<host>{HOST}):[~/\w][^\s#$%>]*\s*{SIGN}(?:\s+(?P<line>.*))?$"),
)
OPENING = re.compile(rf"[┌╭╔]\S*.*?[\w.-]+\s?[@㉿]\s?(?P<host>{HOST})")  # the first line of a prompt of two
ANONYMOUS = (  # it is a prompt whatever follows
    re.compile(r"(?:\([\w.-]+\)\s*)?[~/][^\s#$%>]*\s*[#$%]\s+(?P<line>.*)$"),
    re.compile(r"(?:[a-z]{0,3}sh)(?:-[\d.]+)?[#$%]\s*(?P<line>.*)$"),
    re.compile(rf"[└╰╚]\S*{SIGN}\s+(?P<line>.*)$"),
    re.compile(r"➜\s+\S+\s+(?:git:\(\S+\)\s*)?(?:✗\s*)?(?P<line>.*)$"),
    re.compile(r"(?:PS )?[A-Za-z]:\\[^>]*>\s*(?P<line>.*)$"),  # of Windows
    re.compile(r"[$❯➤λ»]\s+(?P<line>.*)$"),
)
ANY = re.compile(rf"(?P<prompt>.{{0,100}}?{SIGN}|\+{{1,4}})\s*(?P<line>[^\s#$%>].*)$")  # a prompt if a command follows
USER_AT_HOST = re.compile(rf"[\w.-]+@(?P<host>{HOST})")
COMMENT = re.compile(r"\s*(#|//|<!--|--\s)")
# What terminals and those who paste put between the lines: no output, and no end of one either.
CHATTER = re.compile(
    r"\s*(\.{3,}|…|[\[(<](\.{3}|…|snip)[\])>]|--More--|\(END\)|\[sudo\] password for \S+:|\S+'s password:"
    r"|Defaulted container .*|If you don't see a command prompt.*|command terminated with exit code \d+|Last login: .*"
    r"|Script (started|done).*|Connection to \S+ closed\.|Every [\d.]+s: .*|\^C)\s*$"
)
# What may stand before every line of a text: a quote's sign, a time, and numbers, which have to count.
MARGINS = (re.compile(r"\s?>\s?"), re.compile(r"\[?(?:\d{4}-\d\d-\d\d[ T])?\d\d:\d\d:\d\d(?:[.,]\d+)?Z?\]?\s"))
NUMBERED = re.compile(r"\s*(\d{1,6})(?:\t|[:.)|│]\s?| {1,2})")
FENCE = re.compile(r"(\s*)(?:```|~~~)\s*(\w*)")
TERMINALS = {"", "sh", "bash", "zsh", "shell", "console", "shellsession", "terminal", "text", "txt", "output"}

# ---- commands ---------------------------------------------------------------------------------------------

SHELLS = {"sh", "bash", "ash", "dash", "zsh", "ksh", "fish"}
INTO_POD = {"kubectl", "k", "oc", "k3s", "microk8s", "minikube"}
INTO_CONTAINER = {"docker", "podman", "nerdctl", "crictl", "ctr", "lxc", "pct"}
PROGRAMS = SHELLS | INTO_POD | INTO_CONTAINER | {
    "ip", "brctl", "bridge", "arp", "ifconfig", "ping", "ping6", "sysctl", "nsenter", "tcpdump", "arping", "route",
    "ss", "netstat", "tc", "ethtool", "iptables", "ip6tables", "iptables-save", "nft", "ipvsadm", "conntrack",
    "traceroute", "tracepath", "mtr", "nslookup", "dig", "curl", "wget", "nc", "cat", "ls", "cd", "echo", "grep",
    "hostname", "uname", "ps", "export", "sudo", "su", "env", "timeout", "time", "watch", "unshare", "ssh", "exit",
    "logout", "clear", "dmesg", "calicoctl", "etcdctl", "cilium", "systemctl", "journalctl", "modprobe", "lsmod",
    "apt", "apt-get", "apk", "yum", "dnf", "vi", "vim", "for", "while", "set", "helm", "kubeadm", "history", "tail",
    "head",
}  # fmt: skip
# Without a prompt before it a line is a command only if it cannot be prose.
CERTAIN = {
    "ip", "bridge", "brctl", "arp", "ifconfig", "ping", "kubectl", "docker", "podman", "nsenter", "sudo", "crictl",
}  # fmt: skip
SECOND = {
    "bridge": re.compile(r"-|link\b|fdb\b|vlan\b|mdb\b"), "brctl": re.compile(r"show|add|del|set|stp|--?h"),
    "arp": re.compile(r"-|\d|\||$"), "ping": re.compile(r"-|[\w.:-]+\s*$|[\w.:-]+ +-"),
    "kubectl": re.compile(r"-|exec|get|describe|logs|run|apply|delete|debug|version|config|create|edit|top"),
    "docker": re.compile(r"-|exec|run|ps|inspect|network|images|logs"),
    "ifconfig": re.compile(r"-|\||$|[\w.-]+\s*$|\S+ \S+"),
    "exit": re.compile(r"\d*\s*$"), "logout": re.compile(r"\s*$"),
    "route": re.compile(r"-|\||$|add\b|del\b"),
}  # fmt: skip
WITH_VALUE = {
    "-n", "-c", "-f", "-u", "-w", "-e", "-l", "-i", "-p", "-o", "-J", "-F", "--namespace", "--container", "--context",
    "--kubeconfig", "--user", "--workdir", "--env", "--filename",
}  # fmt: skip
ALONE = {"docker": {"-i"}, "podman": {"-i"}, "nerdctl": {"-i"}, "crictl": {"-i"}, "kubectl": {"-i"}}
LEAVE_LINES_OUT = {"grep", "egrep", "fgrep", "head", "tail", "less", "more", "cat", "sort", "uniq", "tee"}


def read(*texts: str, names: Sequence[str] = ()) -> Session:
    """The session in a text: everything in it, or, in Markdown, what stands between its fences.

    texts: several are read one after the other, their lines numbered through; names: what to call the machine of each
    text whose prompts do not name one.
    """
    whole, before = Session([], {}, {}), 0
    for n, text in enumerate(texts):
        reader = _Reader(text, before, names[n] if n < len(names) else UNNAMED, whole.places)
        whole.typed += reader.typed
        whole.kinds |= reader.kinds
        before += len(reader.lines)
    return whole


def _tables(line: str) -> tuple[str, ...]:
    names = recognise(line)
    if names or "|" not in line:
        return names
    first, *filters = stages(line) or [[]]
    plain = filters and all(words and words[0] in LEAVE_LINES_OUT for words in filters)
    return recognise(shlex.join(first)) if plain else ()


class _Reader:
    """The state while a text is read line by line: where we are, and the command whose output comes."""

    def __init__(self, text: str, before: int, unnamed: str, places: dict[str, Place]) -> None:
        text = clean(text if "\n" in text else text.replace("\r", "\n"))  # as old Macintoshes ended their lines
        self.lines = list(enumerate(_without_margin(text.removesuffix("\n").split("\n")), before + 1))
        self.unnamed, self.places = unnamed, places
        self.typed: list[Typed] = []
        self.kinds: dict[int, str] = {}
        self.inside: list[Place] = []  # the machine, then what was entered from there
        self.pushed = False  # the last command entered a place, and no prompt has told its name yet
        self.remark = self.apart = False
        self._read()

    def _read(self) -> None:
        lines = list(self._within_fences())
        for n, (number, line) in enumerate(lines):
            if self.kinds.get(number):
                self.apart = self.apart or self.kinds[number] == "comment"  # a fence: what follows is another text
                continue  # or the second line of a command that goes on
            kind = self._line(number, line.rstrip(), [text for _, text in lines[n + 1 : n + 9]])
            self.kinds[number] = kind
        named = None
        for typed in reversed(self.typed):
            typed.next_at = named
            named = typed.at.name if typed.line and typed.at.name != self.unnamed else named

    def _within_fences(self) -> Iterator[tuple[int, str]]:
        """The lines of a session; in Markdown those between fences, less the fence's own indentation."""
        fences = [number for number, line in self.lines if FENCE.match(line)]
        if len(fences) < 2:
            yield from self.lines
            return
        indent: int | None = None
        session = True
        for number, line in self.lines:
            fence = FENCE.match(line)
            if fence:
                indent = len(fence[1]) if indent is None else None
                session = fence[2].lower() in TERMINALS or indent is None
                self.kinds[number] = "comment"
                yield number, ""
            elif indent is None or not session:
                self.kinds[number] = "comment" if line.strip() else "blank"
            else:
                yield number, line[indent:] if not line[:indent].strip() else line

    def _line(self, number: int, line: str, following: list[str]) -> str:
        """Take one line; returns what it is."""
        if not line.strip():
            return "blank"
        found = _prompt(line) or _prompt(line.strip())
        if found is None and CHATTER.match(line):
            return "comment"
        if found is None and COMMENT.match(line):
            self.remark = True
            return "comment"
        if found is None:
            self._output(number, line)
            return "output"
        host, command = found
        self._stand_at(host)
        if not command:
            return "prompt"
        while command.endswith("\\") and following:
            command = command[:-1].rstrip() + " " + following.pop(0).strip().removeprefix(">").strip()
            number += 1
            self.kinds[number] = "command"
        self._command(number, command)
        return "command"

    def _stand_at(self, host: str | None) -> None:
        """A prompt shows where we are: at the machine that it names, else where we were."""
        if host is None:
            return
        for depth, place in enumerate(self.inside):
            if place.name == host:
                del self.inside[depth + 1 :]
                break
        else:
            kind, on = (self.inside[-1].kind, self.inside[-1].on) if self.pushed else ("", None)
            self.inside = [*self.inside[:-1], Place(host, kind, on)] if self.pushed else [Place(host)]
        self.pushed = False
        self.places.setdefault(host, self.inside[-1])

    def _here(self) -> Place:
        if not self.inside:
            self.inside.append(Place(self.unnamed, "machine"))
        self.places.setdefault(self.inside[-1].name, self.inside[-1])
        return self.inside[-1]

    def _command(self, number: int, line: str) -> None:
        here = self._here()
        through, words = entered(_words(line), here)
        at = through[-1] if through else here
        through = [*through[:-1], at := self._unmistakable(at)] if through else []
        if words and words != ["exit"]:
            self.places.setdefault(at.name, at)
        inner = shlex.join(words) if through and "|" not in line else line
        self.typed.append(Typed(line, number, at, inner))
        self.remark = self.pushed = self.apart = False
        if words[:1] in (["exit"], ["logout"]):
            del self.inside[max(1, len(self.inside) - 1) :]
        elif through and _is_shell(words):
            self.inside += through
            self.pushed = True

    def _unmistakable(self, place: Place) -> Place:
        """The place, with its machine in its name when a namespace of that name is on another machine too."""
        known = self.places.get(place.name)
        if known and known.on and place.on and known.on != place.on:
            return Place(f"{place.name} on {place.on}", place.kind, place.on)
        return place

    def _output(self, number: int, line: str) -> None:
        """Output of the last command, or of one that the text does not show."""
        name = shape(line)
        last = self.typed[-1] if self.typed and not self.apart else None
        if name and (last is None or self._does_not_belong(name, last)):
            self.typed.append(Typed("", number, self._here(), example(name), remark=self.remark))
        elif last is None:
            self.typed.append(Typed("", number, self._here(), ""))
        self.typed[-1].output.append((number, line))
        self.remark = self.apart = False

    def _does_not_belong(self, name: str, last: Typed) -> bool:
        """Whether a line of this shape is not of the last command: of another table, or after a remark."""
        if not last.tables:
            return True
        if not any(_alike(name, table) for table in last.tables):
            return True
        return self.remark and any(shape(text) for _, text in last.output)


def _without_margin(lines: list[str]) -> list[str]:
    """The lines, less what stands before each of them.

    >>> _without_margin(["> ip a", ">", "> 1: lo: <LOOPBACK,UP> mtu 65536"])
    ['ip a', '', '1: lo: <LOOPBACK,UP> mtu 65536']
    >>> _without_margin(["1  $ ip a", "2  1: lo: <LOOPBACK,UP> mtu 65536"])
    ['$ ip a', '1: lo: <LOOPBACK,UP> mtu 65536']
    """
    written = [line for line in lines if line.strip()]
    for margin in MARGINS:
        if len(written) > 1 and all(map(margin.match, written)):
            return [margin.sub("", line, count=1) for line in lines]
    numbers = [int(found[1]) for line in lines if (found := NUMBERED.match(line))]
    if len(numbers) == len(lines) > 1 and numbers == list(range(numbers[0], numbers[0] + len(lines))):
        return [NUMBERED.sub("", line, count=1) for line in lines]
    return lines


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:
        return line.split()


def _prompt(line: str) -> tuple[str | None, str] | None:
    """The machine that a prompt names (or None) and the command after it; None when there is no prompt."""
    for pattern in NAMED:
        if found := pattern.match(line):
            return found["host"], (found["line"] or "").strip()
    if found := OPENING.match(line):
        return found["host"], ""
    for pattern in ANONYMOUS:
        if found := pattern.match(line):
            return None, found["line"].strip()
    found = ANY.match(line)
    if found and is_command(found["line"]):
        host = USER_AT_HOST.search(found["prompt"])
        return host["host"] if host else None, found["line"].strip()
    return (None, line.strip()) if is_command(line, CERTAIN) and not shape(line) else None


def is_command(line: str, programs: set[str] | None = None) -> bool:
    """Whether a line without its prompt is a command: a program that people type here, used as it is used.

    >>> is_command("ip a"), is_command("ip addresses of the pods"), is_command("ping测试")
    (True, False, False)
    """
    words = line.split()
    program = words[0].rsplit("/", 1)[-1] if words else ""
    if program not in (programs or PROGRAMS) and not re.fullmatch(r"\./\S+", words[0] if words else ""):
        return False
    if program == "ip":
        return _is_ip(words[1:])
    rest = line.split(None, 1)[1] if len(words) > 1 else ""
    return program not in SECOND or bool(SECOND[program].match(rest))


def _is_ip(words: list[str]) -> bool:
    """`ip` as it is used: options, then an object, then one of its verbs (or nothing, or a pipe)."""
    while words and words[0].startswith("-"):
        words = words[2:] if words[0] in ("-n", "-netns", "-f", "-family") else words[1:]
    thing = next((name for name in IP_OBJECTS if words and name.startswith(words[0])), None)
    if thing is None:
        return False
    verb = words[1] if len(words) > 1 else "|"
    return thing not in IP_VERBS or not verb[0].isalpha() or any(name.startswith(verb) for name in IP_VERBS[thing])


# ---- places -----------------------------------------------------------------------------------------------


def entered(words: list[str], here: Place) -> tuple[list[Place], list[str]]:
    """The places that a command line goes through, outermost first, and the words that run there.

    >>> through, words = entered("sudo kubectl -n shop exec -ti web-1 -c app -- ip a".split(), Place("master"))
    >>> through[-1].name, words
    ('web-1', ['ip', 'a'])
    """
    through: list[Place] = []
    while words:
        program, before = words[0].rsplit("/", 1)[-1], words
        at = through[-1] if through else here
        on = at.on or (at.name if at.kind in ("", "machine") else None)
        if program in ("sudo", "env", "time", "timeout", "watch", "command"):
            words = _operands(words[1:], {"-u", "-g", "-k", "-s"} | ({"-n"} if program == "watch" else set()))
            words = words[1:] if program == "timeout" else words
            while words and re.match(r"\w+=", words[0]):
                words = words[1:]
        elif program == "ip" and len(words) > 3 and "netns".startswith(words[1]) and "exec".startswith(words[2]):
            through.append(Place(words[3], "namespace", on))
            words = words[4:]
        elif program in ("ip", "bridge") and (name := _netns_option(words)):
            through.append(Place(name, "namespace", on))
            break
        elif program in INTO_POD | INTO_CONTAINER and "exec" in words:
            rest = _operands(words[words.index("exec") + 1 :], WITH_VALUE - ALONE.get(program, {"-i"}))
            if not rest:
                break
            place = Place(rest[0].removeprefix("pod/"), "pod", on if program in INTO_CONTAINER else None)
            through.append(place)
            words = _operands(rest[1:], WITH_VALUE - {"-i"})
        elif program == "nsenter" and (target := _nsenter_target(words)):
            through.append(Place(target, "namespace", on))
            words = words[words.index("--") + 1 :] if "--" in words else _operands(words[1:], {"-t", "--target"})
        elif program == "ssh" and (rest := _operands(words[1:], WITH_VALUE)):
            through.append(Place(rest[0].rpartition("@")[2], "machine"))
            words = rest[1:]
        if words is before or words == before:
            break
    return through, words


def _operands(words: list[str], with_value: set[str]) -> list[str]:
    """What follows the options."""
    while words and words[0].startswith("-"):
        if words[0] == "--":
            return words[1:]
        words = words[2:] if words[0] in with_value else words[1:]
    return words


def _netns_option(words: list[str]) -> str | None:
    """NS of `ip -n NS addr`; an ip that is not asked for a namespace has none."""
    for one, two in itertools.pairwise(words[1:]):
        if not one.startswith("-"):
            return None
        if one in ("-n", "-netns", "--netns"):
            return two
    return None


def _nsenter_target(words: list[str]) -> str | None:
    """The name of what `nsenter -t PID -n` or `nsenter --net=FILE` enters; None when it is not a network."""
    line = " ".join(words)
    if file := re.search(r"--net=(\S+)|\s-n(/\S+)", line):
        path = file[1] or file[2]
        pid = re.fullmatch(r"/proc/(\d+)/ns/net", path)
        return f"process {pid[1]}" if pid else path.rsplit("/", 1)[-1]
    target = re.search(r"(?:-t|--target)[ =]?(\S+)", line)
    network = re.search(r"\s(--net\b|--all\b|-[a-zA-Z]*[na])", line)
    return f"process {target[1]}" if target and network else None


def _is_shell(words: list[str]) -> bool:
    return not words or (words[0].rsplit("/", 1)[-1] in SHELLS and "-c" not in words)


# ---- output without its command ----------------------------------------------------------------------------

IP = r"(?:[\da-fA-F]{0,4}[.:]){2,}[\da-fA-F.:]*"
MAC = r"(?:[0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}"
SHAPES = {
    "bridge link": re.compile(r"\s*\d+: \S+ .*\bstate (forwarding|disabled|blocking|listening|learning)\b"),
    "ip addr": re.compile(r"\s*\d+: [^\s:]+: <"),
    "bridge fdb": re.compile(rf"\s*{MAC} dev \S+"),
    "ip neigh": re.compile(
        rf"\s*{IP} dev \S+ (.*\b(REACHABLE|STALE|DELAY|PROBE|PERMANENT|NOARP|FAILED|INCOMPLETE)\b|lladdr)"
    ),
    "ip route": re.compile(
        rf"\s*((default|{IP}(/\d+)?) (via|dev|proto|nhid|scope)\b|(blackhole|unreachable|prohibit|throw) \S*[.:/]\S*)"
    ),
    "brctl show": re.compile(r"\s*(bridge name\s+bridge id\b|\S+\s+[0-9a-f]{4}\.[0-9a-f]{12}\s+(yes|no)\b)"),
    "brctl showmacs": re.compile(r"\s*port no\s+mac addr"),
    "arp": re.compile(rf"\s*(Address\s+HWtype\b|\S+\s+ether\s+{MAC}\s+C|\S+ \({IP}\) at )"),
    "ping": re.compile(r"\s*PING \S+"),
    "ifconfig": re.compile(r"\s*\S+: flags=\d+<|\S+\s+Link encap:"),
}  # fmt: skip
EXAMPLES = {"ping": "ping 192.168.1.101", "bridge fdb": "bridge fdb show", "brctl showmacs": "brctl showmacs br0"}
ALIKE = ({"ip addr", "ip link", "bridge link"}, {"ping", "ping statistics"}, {"ip route", "ip neigh"})


def shape(line: str) -> str | None:
    """The table that a line of output begins a row of, by its looks; None for any other line."""
    return next((name for name, looks in SHAPES.items() if looks.match(line)), None)


def example(table: str) -> str:
    """A command that prints this table."""
    return EXAMPLES.get(table, table)


def _alike(one: str, two: str) -> bool:
    """Whether lines of these tables look the same, so that the looks do not tell them apart."""
    return one == two or any({one, two} <= group for group in ALIKE[:2])
