"""What can go wrong, and with which exit code does the command line then end? The tree below tells both.

LabError                     everything below, so that one `except` catches us; exit code 1
├── CommandFailed            a command ended with an exit code nobody expected (2 when there is no such program)
├── OutputNotUnderstood      a command printed a word that its parser does not know
├── NoParser                 this command has no table
├── DrillUnfit               a drill cannot begin in this lab
├── CannotSave               something in the lab that no line of ours makes again
├── NotRecorded              a recording does not have this line, walk or scenario
├── LabClosed                the lab is gone
├── OtherPlace               somebody is in the place where labs are kept: a warning, for another is taken
├── GaveUpWaiting            a fact did not come true in time
├── CannotBegin              something is missing on this machine; exit code 2
│   ├── ToolMissing          a program is not installed
│   ├── KindMissing          the kernel has no devices of a kind
│   ├── PackageMissing       a Python package that only some parts need is not installed
│   └── NotReady             this machine cannot make a lab (the reason says why, and the ways out)
└── WrongUsage               what was asked for cannot be done as it was asked; exit code 2
    ├── BadName              a name that the kernel, or we, would refuse
    ├── BadOption            an option that the scenario does not have, or a value it cannot take
    ├── BadInput             what was given to explain, or to look for, is not there or is no text
    ├── UnknownName          there is nothing of that kind and name; the nearest name is told
    │   ├── UnknownScenario
    │   └── UnknownDrill
    ├── UnknownClaim         a claim that is worded like none that can be checked
    ├── NoDrill              no drill is under way in this lab
    ├── NoSuchLab            no lab stays under that name
    └── NameTaken            another lab stays under that name

Each message is written for a beginner: what was run, where, what it said, what to try.
The facts stay as attributes.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Protocol

from . import markup
from .language import enumerated, marked, sentences, tr

# bash's own code for a program that is not there: bash(1), EXIT STATUS
NO_SUCH_PROGRAM = 127


def nearest(word: str, words: Iterable[str], most: int = 1, likeness: float = 0.6) -> list[str]:
    """Which of these words is probably meant: those most like it, the nearest first; none when nothing is alike.

    most: how many at most; likeness: from 0, anything, to 1, the word itself (difflib's ratio).

    >>> nearest("bridg", ["direct", "bridge"]), nearest("", ["direct", "bridge"])
    (['bridge'], [])
    """
    import difflib  # needed only when a word is wrong; it takes a millisecond of each start

    return difflib.get_close_matches(word, list(words), most, likeness)


class Failed(Protocol):
    """What an error needs to know of a command: the line, where it ran, what came back. A record has it all."""

    @property
    def line(self) -> str:
        """As typed."""

    @property
    def at(self) -> str:
        """The machine on which it ran."""

    @property
    def out(self) -> str:
        """What it printed."""

    @property
    def err(self) -> str:
        """What it printed as errors."""

    @property
    def code(self) -> int:
        """Its exit code."""


class LabError(Exception):
    """Anything that a learner should read as a sentence instead of a traceback.

    exit_code: what the command line ends with: 1, the lab says no; 2, wrong usage or something is missing here.
    """

    exit_code = 1

    def __str__(self) -> str:
        # In it may stand what a stranger called a thing, and a traceback prints it.
        return markup.printable(super().__str__(), keep="\n\t")


class CommandFailed(LabError):
    """A command ended with an exit code the story did not expect (`ran`, `hint`)."""

    def __init__(self, ran: Failed, hint: str = "") -> None:
        self.ran = ran
        self.hint = hint
        if ran.code == NO_SUCH_PROGRAM:
            self.exit_code = 2
        complaint = _complaint(ran)
        message = tr("`{line}` failed on {at} (exit code {code})", line=ran.line, at=ran.at, code=ran.code) + complaint
        if hint:
            message += f"\n{hint}"
        super().__init__(message)


def _complaint(ran: Failed) -> str:
    """What the command said went wrong: its last line, or the first when it tells its usage."""
    lines = []
    for line in (ran.err or ran.out).splitlines():
        text = line.strip()
        # "Try `iptables -h` ...", and what `ip -batch` adds, are not what went wrong
        if text and not text.startswith(("Try ", "Command failed -:")):
            lines.append(text)
    if not lines:
        return tr(", without saying why")
    if lines[0].startswith("Usage:"):
        return tr(": {reason}", reason=lines[0])
    return tr(": {reason}", reason=lines[-1])


SPEAK_LANGUAGES = ("ping", "ifconfig", "arp", "route")  # iputils and net-tools; iproute2 and bridge-utils do not


class OutputNotUnderstood(LabError):
    """A parser met a word it does not know (`command`, `word`, `line`, `number`).

    Better no table than a wrong one: nothing is guessed and nothing is dropped. `advice` is what to do about it, where
    that is known: a program that speaks many languages may have spoken another one than English.
    """

    def __init__(self, command: str, word: str, line: str, number: int) -> None:
        self.command = command
        self.word = word
        self.line = line
        self.number = number
        self.advice = ""
        if command in SPEAK_LANGUAGES and not line.isascii():
            self.advice = tr("If that is no English, run it with LC_ALL=C before it, which asks for English.")
        message = tr(
            "{command}, line {number}: I do not know {word!r} in: {line}",
            command=command,
            number=number,
            word=word,
            line=line.strip(),
        )
        super().__init__(sentences(message, self.advice))


class NoParser(LabError):
    """There is no table for this command (`line`)."""

    def __init__(self, line: str) -> None:
        self.line = line
        super().__init__(
            tr("There is no table for `{line}`. `python -m vethlab_sh tables` lists those there are.", line=line)
        )


class DrillUnfit(LabError):
    """The drill `name` cannot begin in this lab (`reason`)."""

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        self.reason = reason
        super().__init__(
            tr(
                "The drill {name!r} cannot begin: {reason}. Begin with a fresh lab: `Lab().drill({name!r})`.",
                name=name,
                reason=reason,
            )
        )


class CannotSave(LabError):
    """Something in the lab that we do not know how to write as a line of bash."""


class NotRecorded(LabError):
    """A recording was asked for what it does not have; the message names what it has."""


class LabClosed(LabError):
    """The lab was closed, or the process that held it was killed."""


class OtherPlace(LabError, UserWarning):
    """Labs are not recorded where they usually are; a warning, which becomes an error only where warnings do."""


class GaveUpWaiting(LabError):
    """A fact did not come true within the limit (`fact`, `seconds`)."""

    def __init__(self, fact: str, seconds: float) -> None:
        self.fact = fact
        self.seconds = seconds
        super().__init__(tr("Gave up after {seconds:g} s waiting until {fact}.", seconds=seconds, fact=fact))


class TooBusy(LabError):
    """So much else passes that one packet cannot be followed; the sentence says what."""


class CannotBegin(LabError):
    """Something that a lab needs is missing on this machine."""

    exit_code = 2


# Debian's packages with the programs of each that people type in labs; `package_of` asks here, and nobody else keeps
# such a list.
PACKAGES = {
    "iproute2": "ip bridge ss tc nstat lnstat rtacct devlink rdma genl",
    "bridge-utils": "brctl",
    "iputils-ping": "ping ping4 ping6",
    "iputils-arping": "arping",
    "iputils-tracepath": "tracepath",
    "net-tools": "arp ifconfig netstat route mii-tool nameif ipmaddr iptunnel",
    "tcpdump": "tcpdump",
    "iptables": "iptables ip6tables iptables-save iptables-restore ip6tables-save ip6tables-restore iptables-nft "
    "iptables-legacy ip6tables-nft ip6tables-legacy iptables-translate",
    "nftables": "nft",
    "procps": "sysctl ps pgrep pkill watch free top",
    "ethtool": "ethtool",
    "util-linux": "unshare nsenter lsns",
    "bash": "bash",
    "openvswitch-switch": "ovsdb-server ovsdb-tool ovs-vswitchd ovs-vsctl ovs-ofctl ovs-appctl ovs-dpctl",
    "bird2": "bird birdc",
    "containernetworking-plugins": "/usr/lib/cni/bridge /usr/lib/cni/loopback /usr/lib/cni/host-local",
    "netcat-openbsd": "nc netcat",
    "ncat": "ncat",
    "nmap": "nmap nping",
    "traceroute": "traceroute traceroute6 tcptraceroute",
    "mtr-tiny": "mtr",
    "iperf3": "iperf3",
    "iperf": "iperf",
    "conntrack": "conntrack",
    "ipset": "ipset",
    "ipvsadm": "ipvsadm",
    "ebtables": "ebtables ebtables-save",
    "arptables": "arptables",
    "bind9-dnsutils": "dig nslookup nsupdate",
    "bind9-host": "host",
    "dnsmasq-base": "dnsmasq",
    "isc-dhcp-client": "dhclient",
    "isc-dhcp-server": "dhcpd",
    "udhcpc": "udhcpc",
    "udhcpd": "udhcpd",
    "dhcpcd-base": "dhcpcd",
    "radvd": "radvd",
    "ndisc6": "ndisc6 rdisc6",
    "keepalived": "keepalived",
    "frr": "vtysh",
    "wireguard-tools": "wg wg-quick",
    "openvpn": "openvpn",
    "strongswan-swanctl": "swanctl",
    "strongswan-starter": "ipsec",
    "vlan": "vconfig",
    "ifenslave": "ifenslave",
    "ifupdown": "ifup ifdown",
    "uml-utilities": "tunctl",
    "libteam-utils": "teamd teamdctl teamnl",
    "socat": "socat",
    "curl": "curl",
    "wget": "wget",
    "jq": "jq",
    "telnet": "telnet",
    "hping3": "hping3",
    "fping": "fping",
    "arp-scan": "arp-scan",
    "netsniff-ng": "mausezahn netsniff-ng trafgen",
    "python3-scapy": "scapy",
    "tshark": "tshark",
    "wireshark-common": "dumpcap capinfos mergecap editcap",
    "wireshark": "wireshark",
    "termshark": "termshark",
    "ngrep": "ngrep",
    "iftop": "iftop",
    "lldpd": "lldpd lldpcli lldpctl",
    "nginx": "nginx",
    "haproxy": "haproxy",
    "docker.io": "docker dockerd",
    "podman": "podman",
    "runc": "runc",
    "containerd": "containerd ctr",
    "kubernetes-client": "kubectl",
    "network-manager": "nmcli",
    "psmisc": "killall pstree fuser",
    "kmod": "modprobe lsmod insmod rmmod modinfo",
    "strace": "strace",
    "bpftool": "bpftool",
    "tmux": "tmux",
    "screen": "screen",
    "python3": "python3",
}


def package_of(program: str) -> str | None:
    """Debian's package that has this program; None where nobody wrote it down.

    >>> package_of("nc"), package_of("pign")
    ('netcat-openbsd', None)
    """
    _, _, name = program.rpartition("/")
    for asked_for in (program, name):  # a whole path first: /usr/lib/cni/bridge is not iproute2's
        for package_name, programs in PACKAGES.items():
            if asked_for in programs.split():
                return package_name
    return None


class ToolMissing(CannotBegin):
    """The program `tool` is not on this machine; `package` is Debian's package that has it, where we know it."""

    def __init__(self, tool: str) -> None:
        self.tool = tool
        self.package = package_of(tool)
        cure = tr("Install it: sudo apt-get install {package}", package=self.package) if self.package else ""
        super().__init__(sentences(tr("The program {tool!r} is not on this machine.", tool=tool), cure))


class OfBusyBox(CannotBegin):
    """The program `tool` is BusyBox's here; `package` is Debian's package with the one that is needed."""

    def __init__(self, tool: str) -> None:
        self.tool = tool
        self.package = package_of(tool)
        super().__init__(
            tr(
                "The program {tool!r} is BusyBox's here, which has no namespaces. Install the one that has: "
                "sudo apt-get install {package}",
                tool=tool,
                package=self.package,
            )
        )


class KindMissing(CannotBegin):
    """The kernel of this machine makes no devices of the kind `kind`."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        super().__init__(
            tr(
                "The kernel of this machine has no devices of the kind {kind}, without which this cannot be played "
                "(where there is a module for it: sudo modprobe {kind}; user-mode Linux has some that it lacks: "
                "--kernel uml).",
                kind=kind,
            )
        )


class PackageMissing(CannotBegin):
    """The Python package `package` is not installed; `extra` is the part of the kit that brings it."""

    def __init__(self, package: str, extra: str) -> None:
        from . import files  # needed only here; its pathlib takes milliseconds of each start

        self.package = package
        self.extra = extra
        super().__init__(
            tr(
                "This needs the Python package {package}, which is not installed. The command that installs it: {line}",
                package=package,
                line=files.install(extra),
            )
        )


# The packages that only some parts need, each with the part (an extra of pyproject.toml) that brings it
EXTRAS = {
    "pandas": "tables",
    "matplotlib": "pictures",
    "jupyterlab": "lab",
    "ipywidgets": "lab",
    "IPython": "lab",
    "argcomplete": "completion",
}


def package(name: str) -> Any:
    """A Python package that only some parts need, imported now; PackageMissing when it is not installed."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:  # it is there, and something that it needs itself is not
            raise
        raise PackageMissing(name, EXTRAS[name]) from None


class NotReady(CannotBegin):
    """This machine cannot make a lab; the message says why and names the ways out."""


class WrongUsage(LabError):
    """What was asked for cannot be done as it was asked."""

    exit_code = 2


class BadName(WrongUsage):
    """A name that cannot be used (`name`, `rule`)."""

    def __init__(self, name: str, rule: str) -> None:
        self.name = name
        self.rule = rule
        super().__init__(tr("{name!r} cannot be a name here: {rule}.", name=name, rule=rule))


class BadOption(WrongUsage):
    """An option that a scenario does not have, or a value that it cannot take."""


class BadInput(WrongUsage):
    """What was given to explain, or to look for, is not there or is no text."""


class UnknownName(WrongUsage):
    """There is no `kind` called `name`; `known` lists those there are, `nearest` is the one probably meant, if any."""

    kind: ClassVar = marked("thing")

    def __init__(self, name: str, known: Sequence[str], also: Sequence[str] = ()) -> None:
        """also: names that are understood, and not listed."""
        self.name = name
        self.known = list(known)
        near = nearest(name, [*known, *also])
        self.nearest = near[0] if near else None
        question = tr("Did you mean {nearest!r}?", nearest=self.nearest) if self.nearest else ""
        super().__init__(
            sentences(
                tr("There is no {kind} {name!r}.", kind=tr(self.kind), name=name),
                question,
                tr("There are: {known}.", known=enumerated(known)),
            )
        )


class UnknownScenario(UnknownName):
    """There is no scenario of this name."""

    kind = marked("scenario")


class UnknownDrill(UnknownName):
    """There is no drill of this name."""

    kind = marked("drill")


class UnknownClaim(WrongUsage):
    """A claim that is in no form that a check knows (`claim`, `nearest`, `known`)."""

    def __init__(self, claim: str, nearest: str, known: tuple[str, ...]) -> None:
        self.claim = claim
        self.nearest = nearest
        self.known = known
        forms = "\n  ".join(known)
        super().__init__(
            tr(
                "I cannot check {claim!r}. Nearest to it is `{nearest}`. What can be checked:\n  {forms}",
                claim=claim,
                nearest=nearest,
                forms=forms,
            )
        )


class NoDrill(WrongUsage):
    """No drill is under way in the lab `name` (None: a lab that does not stay)."""

    def __init__(self, name: str | None) -> None:
        self.name = name
        where = tr("the lab {name!r}", name=name) if name else tr("this lab")
        super().__init__(
            tr(
                "No drill is under way in {where}. `python -m vethlab_sh drill start NAME` begins one. (In a lab's "
                "own shell no lab is seen: leave it first, with `exit`.)",
                where=where,
            )
        )


class NoSuchLab(WrongUsage):
    """No lab stays under this `name`; `known` lists those that do."""

    def __init__(self, name: str, known: list[str]) -> None:
        self.name = name
        self.known = known
        there = tr("None does; `python -m vethlab_sh up` makes one.")
        if known:
            there = tr("There are: {known}.", known=enumerated(known))
        super().__init__(sentences(tr("No lab stays under the name {name!r}.", name=name), there))


class NameTaken(WrongUsage):
    """Another lab stays under this `name`."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            tr(
                "A lab {name!r} is there already. Choose another name (`--name`), or end it: `python -m vethlab_sh "
                "down {name}`.",
                name=name,
            )
        )
