"""Which lines of bash rebuild this lab as it is now? A script of chapters: devices first, packet filters last.

Left out is what comes by itself and what a fresh world has anyway: sysctls and options are written where they differ
from those of a world made for the comparison.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .. import snapshot
from ..facts import Link
from ..inside import quoted
from ..language import enumerated, marked, tr
from ..markup import AsText, printable
from ..sandbox import HOSTNAME
from ..shell import Shell
from . import contents, devices, routing, settings
from .contents import Contents

HEAD = """\
#!/usr/bin/env bash
# {title}
#   {again}
set -e
if [ "$(hostname)" != {host} ] || [ "$(ip netns)" ] || ip -o link show up | grep -qv ' lo:'; then
    echo {refusal} >&2
    exit 1
fi
"""


@dataclass(frozen=True, repr=False)
class Saved(AsText):
    """A lab as text.

    script: bash lines for a fresh lab; left_out: sentences about what could not be written.
    """

    script: str
    left_out: tuple[str, ...]

    def words(self) -> str:
        """The script, and below it what it lacks."""
        return "\n".join([self.script.rstrip("\n"), *self.left_out])


@dataclass(frozen=True)
class Chapter:
    """Lines of the script that belong together. title: marked, in English."""

    title: str
    lines: list[str]

    @property
    def text(self) -> str:
        """The chapter as it stands in the script; empty without lines."""
        if not self.lines:
            return ""
        parts = ["", f"# {tr(self.title)}", *self.lines, ""]
        return "\n".join(parts)


def save(shell: Shell, name: str, file: str = "FILE") -> Saved:
    """The lab that this shell runs in as a script; name and file stand in its head.

    Raises CannotSave for a device that we do not know how to make again.
    """
    now = snapshot.take(shell).rows
    stack = devices.Stack.of(now.links)
    fresh = contents.fresh(has_bond=any(link.kind == "bond" for link in now.links))
    spaces = {}
    usual = {}
    for space in now.namespaces:
        namespace = space.namespace
        spaces[namespace] = contents.of(shell, namespace)
        usual[namespace] = fresh.like(namespace)
    again = f"python -m vethlab_sh up {quoted(file)}"
    refusal = quoted(tr("This rebuilds a lab, and only in a fresh one: {again}", again=again))
    title = tr(
        "The lab {name}, as it was when it was saved. For a fresh lab, never for the machine itself:",
        name=printable(name),
    )
    head = HEAD.format(title=title, again=again, refusal=refusal, host=HOSTNAME)
    names = {space.namespace: space.names for space in now.namespaces}
    chapters = [
        Chapter(marked("Namespaces"), _named(names)),
        Chapter(marked("Names of routing tables"), _named_tables(spaces[HOSTNAME], fresh.first)),
        *_chapters(spaces, usual, stack),
    ]
    script = head + "".join(chapter.text for chapter in chapters)
    left_out = [*_left_out(spaces.values()), *_of_switches(now.links)]
    return Saved(script, tuple(left_out))


def _named(names: Mapping[str, Iterable[str]]) -> list[str]:
    """The lines that make the namespaces, and give them their further names."""
    lines = []
    for name, others in names.items():
        if name != HOSTNAME:
            lines.append(f"ip netns add {quoted(name)}")
        for other in others:
            lines += _renamed(name, other)
    return lines


def _named_tables(contents: Contents, usual: Contents) -> list[str]:
    """The lines that name routing tables as the lab does, in its own copy of that file."""
    lines = []
    for line in contents.names:
        if line not in usual.names:
            lines.append(f"echo {quoted(line)} >> /etc/iproute2/rt_tables")
    return lines


def _renamed(name: str, other: str) -> list[str]:
    second = quoted(f"/run/netns/{other}")
    if name != HOSTNAME:
        return [f"ln -s {quoted(name)} {second}"]
    return [f"mkdir -p /run/netns; touch {second}; mount --bind /proc/self/ns/net {second}"]


def _chapters(spaces: devices.Spaces, usual: devices.Spaces, stack: devices.Stack) -> list[Chapter]:
    """The chapters after the first, in the order in which their lines have to run."""
    links = devices.links(spaces, usual, stack)
    inherited: list[str] = []
    ports: list[str] = []
    single: list[str] = []
    switches = devices.switches(spaces, usual, stack)
    addresses: list[str] = []
    routes: list[str] = []
    neighbours: list[str] = []
    entries: list[str] = []
    filters: list[str] = []
    for name, space in spaces.items():
        inherited += settings.inherited(space, usual[name])
        ports += devices.ports(space, usual[name])
        single += settings.single(space, usual[name])
        addresses += routing.addresses(space)
        routes += routing.routes(space)
        routes += routing.rules(space, usual[name])
        neighbours += routing.neighbours(space)
        entries += routing.entries(space, stack.macs_on(name, spaces))
        filters += settings.filters(space)
    return [
        Chapter(marked("Settings, before the devices that will inherit them"), inherited),
        Chapter(marked("Devices"), links),
        Chapter(marked("Ports of bridges, bonds and VRFs"), ports),
        Chapter(marked("Settings of single devices"), single),
        Chapter(marked("Switch on"), switches),
        Chapter(marked("Addresses"), addresses),
        Chapter(marked("Routes and rules"), routes),
        Chapter(marked("Neighbours"), neighbours),
        Chapter(marked("Forwarding entries"), entries),
        Chapter(marked("Packet filters"), filters),
    ]


def _left_out(spaces: Iterable[Contents]) -> list[str]:
    """Sentences about what is not in the script."""
    sentences = []
    for space in spaces:
        sentences += devices.left_out(space)
        for queue in space.queues:
            sentences.append(
                tr(
                    "The queue of {place} ({kind}, made by tc) is not saved: of queues, their classes and filters no "
                    "lines are written.",
                    place=tr("{name} in {namespace}", name=queue.dev, namespace=space.namespace),
                    kind=queue.kind,
                )
            )
    return sentences


def _of_switches(links: Iterable[Link]) -> list[str]:
    """Sentences about Open vSwitch: what it joins stands in its own database, and a program does it."""
    ports: dict[str, list[str]] = {}
    for link in links:
        if link.switch:
            place = tr("{name} in {namespace}", name=link.name, namespace=link.namespace)
            ports.setdefault(link.switch, []).append(place)
    sentences = []
    for switch, names in ports.items():
        sentences.append(
            tr(
                "Open vSwitch is not saved: its switch {switch} has the ports {names}.",
                switch=switch,
                names=enumerated(names),
            )
        )
    return sentences
