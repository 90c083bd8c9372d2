"""What does each network namespace of this machine answer, and whom do its numbers mean? `ip -j` tells both.

Only asks: `ip -j` and `bridge -j` in every namespace that we may enter, by one bash.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .. import snapshot
from ..errors import CommandFailed
from ..facts import CABLES
from ..parsers.devices import Answer
from ..sandbox import HOSTNAME, check_program
from ..shell import Shell

# A private mount namespace hides /run, so that `ip` calls each namespace by the number of our descriptor for it. That
# costs no process a namespace, and leaves nothing behind. `nsenter` because `ip -n` copies every mount of the machine;
# no `netns list-id` in each namespace, because there `ip` opens every name that there is.
PRIVATELY = """
mount -t tmpfs tmpfs /run && mkdir /run/netns || exit 3
[ $# = 0 ] || ln -s "${@/#//proc/self/fd/}" /run/netns/
"""
ASK = """
ask() {
    local it answer
    it=$(printf 'addr\\nneigh\\nroute\\n' | "$@" ip -d -j -batch -) || return
    echo "$it"
    "$@" ip -d -j -6 route
    case $it in *'"bridge"'*|*'"vxlan"'*) "$@" bridge -j fdb ;; *) echo '[]' ;; esac
    case $it in *'"vlan_filtering":1'*) "$@" bridge -j vlan ;; *) echo '[]' ;; esac
}
ask_each() { for fd; do MARK $fd; ask nsenter --net=/proc/self/fd/$fd; done; }
half=$(($# / 2))
ask_each "${@:1:half}" >/run/half &
MARK HOST; ask
ask_each "${@:half+1}"
wait; cat /run/half; exit 0
"""
ALONE = """
MARK HOST
printf 'addr\\nneigh\\nroute\\n' | ip -d -j -batch -; ip -d -j -6 route; bridge -j fdb; bridge -j vlan; exit 0
"""
ANSWERS = ("addr", "neigh", "route", "route6", "fdb", "vlans")
Row = dict[str, Any]  # what JSON holds
Cable = tuple[str | None, int | None, int | None]  # a veth as another end calls it: namespace, its number, the other's


@dataclass(frozen=True)
class Answers:
    """What the namespaces that we may enter answered, by the number of their descriptor (HOSTNAME for our own).

    garbled: the numbers of those whose answer no parser of JSON understands.
    """

    by_space: dict[str, Answer]
    garbled: frozenset[str] = frozenset()


def ask(shell: Shell, fds: Sequence[int]) -> Answers:
    """Ask our own namespace, and each that these descriptors hold.

    Raises ToolMissing or OfBusyBox when there is no `ip` to ask with, CommandFailed when nothing answers.
    """
    check_program("ip")
    ran = shell.run(privately(ASK, fds), expect=None)
    if ran.code != 0:  # no right to a mount namespace, so none to enter another network either
        ran = shell.run(_filled(ALONE), expect=None)
        fds = ()
    by_space = dict(snapshot.answers(ran.out, ANSWERS))
    if HOSTNAME not in by_space:
        raise CommandFailed(ran)
    for answer in by_space.values():
        answer["ids"] = []
    if fds:
        others = [space for space in by_space if space != HOSTNAME]
        _ask_for_ids(shell, by_space, fds, [HOSTNAME])
        _recognise_our_number(by_space)
        _ask_for_ids(shell, by_space, fds, others)
    spoke = {space for space, text in snapshot.parts(ran.out) if text.strip()}
    garbled = spoke - by_space.keys()
    return Answers(by_space, frozenset(garbled))


def privately(script: str, fds: Iterable[int]) -> str:
    """The line that runs a script in a mount namespace of its own, where each namespace has its descriptor's number."""
    words = ["unshare", "--mount", "bash", "-c"]
    words.append(_filled(PRIVATELY + script))
    words.append("inspect")  # what bash calls itself, its $0
    words += [str(fd) for fd in fds]
    return shlex.join(words)


def entering(fd: int | str) -> str:
    """What goes before a line that is to run in the namespace of this descriptor."""
    return f"nsenter --net=/proc/self/fd/{fd} "


def addresses(answer: Answer) -> list[str]:
    """The addresses in what a namespace answered, without their prefix lengths."""
    found = []
    for link in answer["addr"]:
        found += [row["local"] for row in link.get("addr_info", ())]
    return found


def _filled(script: str) -> str:
    # a zero byte is in no name that a stranger may choose, so it marks where an answer begins
    marked = script.replace("MARK", r"printf '\0%s\0\n'")
    return marked.replace("HOST", HOSTNAME)


# ---- which namespace has which number -----------------------------------------------------------------------


def _recognise_our_number(by_space: Mapping[str, Answer]) -> None:
    """Tell each namespace which of its numbers is our own, by the cables whose two ends name each other's number.

    Our own namespace knows the others by name; that spares the question in each of them.
    """
    ours = set(_cables_of_ours(by_space[HOSTNAME]))
    for space, answer in by_space.items():
        if space == HOSTNAME:
            continue
        numbers = set()
        for link in _veths(answer):
            cable = (space, link["ifindex"], link.get("link_index"))
            if "link_netnsid" in link and cable in ours:
                numbers.add(link["link_netnsid"])
        answer["ids"] += [{"nsid": number} for number in numbers]


def _cables_of_ours(answer: Answer) -> Iterator[Cable]:
    """Each cable out of our own namespace as its other end would tell it."""
    names = {row["nsid"]: row.get("name") for row in answer["ids"]}
    for link in _veths(answer):
        number = link.get("link_netnsid")
        namespace = names.get(number)
        yield namespace, link.get("link_index"), link["ifindex"]


def _ask_for_ids(shell: Shell, by_space: Mapping[str, Answer], fds: Iterable[int], spaces: Iterable[str]) -> None:
    """Ask namespaces whom they mean by the numbers in their cables that we do not know yet."""
    lines = []
    for space in spaces:
        unknown = _unknown_numbers(by_space[space])
        if unknown:
            lines.append(_question(space, unknown))
    if not lines:
        return
    ran = shell.run(privately("\n".join([*lines, "exit 0"]), fds), expect=None)
    for space, text in snapshot.parts(ran.out):
        ids = by_space[space]["ids"]
        for line in text.splitlines():
            if line.startswith("["):  # else an error message
                ids += [row for row in json.loads(line) if row.get("name")]


def _unknown_numbers(answer: Answer) -> list[int]:
    """The numbers by which a namespace calls others, where its cables end and the parents of its devices are."""
    numbers = set()
    for link in answer["addr"]:
        if "link_netnsid" in link:
            numbers.add(link["link_netnsid"])
    for row in answer["ids"]:
        numbers.discard(row["nsid"])
    return sorted(numbers)


def _question(space: str, numbers: Iterable[int]) -> str:
    """The line that asks a namespace whom it means by these numbers.

    One by one: asked for all, Linux 6.18 tells the first 134 only.
    """
    lines = [f"netns list-id nsid {number}" for number in numbers]
    asked = "\\n".join(lines)
    asking = "ip -j -force -batch -"
    if space != HOSTNAME:
        asking = entering(space) + asking
    return f"MARK {space}; printf '{asked}\\n' | {asking}"


def _veths(answer: Answer) -> Iterator[Row]:
    for link in answer["addr"]:
        kind = link.get("linkinfo", {}).get("info_kind")
        if kind in CABLES:
            yield link
