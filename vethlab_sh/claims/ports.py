"""Claims about ports: does what is sent to a TCP or UDP port get an answer? It is sent, and followed."""

from __future__ import annotations

import shlex

from ..errors import GaveUpWaiting, OutputNotUnderstood, TooBusy, ToolMissing
from ..inside import inside
from ..language import tr
from ..packet.causes.cause import Cause
from ..packet.follow import walk
from ..packet.walk import Walk
from .packets import named, with_reason
from .question import Absent, Finding, Question, no, yes

LARGEST = 65535
ANSWERED = "answered"  # printed when an answer came


def tcp_answers(question: Question, port: str, whom: str, who: str | None) -> Finding:
    """`TCP port 80 of pod-a answers pod-b`: a connection opens (connect(2)); a reset is no answer."""
    return _answers(question, f"tcp:{port}", whom, who)


def udp_answers(question: Question, port: str, whom: str, who: str | None) -> Finding:
    """`UDP port 53 of ns101 answers ns100`: something comes back for an empty line; what listens may say nothing to it.

    A listener that says nothing and a packet that is lost look alike to who sends (udp(7)), so the no tells which.
    """
    return _answers(question, f"udp:{port}", whom, who)


def _answers(question: Question, port: str, whom: str, who: str | None) -> Finding:
    """Send it, and say what came of it. port: as a walk takes it, `tcp:80`."""
    protocol, _, number = port.partition(":")
    if not 0 < int(number) <= LARGEST:
        raise Absent(
            no(
                tr("there is no port {number}: they go from 1 to {largest}", number=number, largest=LARGEST),
                "ss -Htuln",
            )
        )
    target = question.target(whom)
    asker = question.space(who) if who else _itself(question, port, whom, target)
    line = inside(asker, _line(protocol, target, number))
    name = tr("{protocol} port {number} of {whom}", protocol=protocol.upper(), number=number, whom=named(whom, target))
    answered = tr("{asker} gets an answer from {name}", asker=asker, name=name)
    unanswered = tr("{asker} gets no answer from {name}", asker=asker, name=name)
    walked = _followed(question, asker, whom, port)
    if walked is None:
        ran = question.shell.run(line, expect=None)
        if ANSWERED in ran.out:
            return yes(answered, line)
        return no(unanswered, line, cause=Cause.UNKNOWN)
    if walked.ok:
        return yes(answered, line)
    silent = _silent_listener(question, walked, port, target)
    if silent:
        return silent
    return with_reason(unanswered, line, walked, None)


def _itself(question: Question, port: str, whom: str, target: str) -> str:
    """Who asks when nobody is named: the namespace that is asked, by its own lo."""
    protocol, _, number = port.partition(":")
    if whom in question.spaces:
        return whom
    owner = question.tables.owner(target)
    if owner is None:
        why = tr(
            "no namespace has {target}: say who asks, as in `{protocol} port {number} of {target} answers {space}`",
            target=target,
            protocol=protocol.upper(),
            number=number,
            space=question.spaces[-1],
        )
        raise Absent(no(why, "ip -br addr"))
    return owner[0]


def _line(protocol: str, target: str, port: str) -> str:
    """A line that says so when an answer comes. bash opens /dev/tcp/IP/PORT itself: bash(1), REDIRECTION."""
    script = f"exec 3<>/dev/{protocol}/{target}/{port}"
    if protocol == "udp":  # opens without a packet
        script += f"; echo >&3; read -r -N 1 -t 1 -u 3 && echo {ANSWERED}"
        return f"timeout 2 bash -c {shlex.quote(script)}"
    script += f" && echo {ANSWERED}"
    return f"timeout 1 bash -c {shlex.quote(script)}"


def _followed(question: Question, asker: str, whom: str, port: str) -> Walk | None:
    """The walk of what is sent; none where a round does not walk, or where tcpdump is missing."""
    if not question.walks:
        return None
    try:
        return walk(question.shell, asker, whom, proto=port)
    except (ToolMissing, OutputNotUnderstood, GaveUpWaiting, TooBusy):
        return None


def _silent_listener(question: Question, walked: Walk, port: str, target: str) -> Finding | None:
    """A UDP socket that got what was sent, and says nothing to it."""
    protocol, _, number = port.partition(":")
    owner = question.tables.owner(target)
    if protocol != "udp" or owner is None or not _has_arrived(walked, owner[0]):
        return None
    if walked.cause not in (None, Cause.UNKNOWN):
        return None  # it was lost for a reason that is known
    space = owner[0]
    sockets = question.look(space).sockets
    if not any(socket.takes(protocol, target, int(number)) for socket in sockets):
        return None
    why = tr(
        "what listens at UDP port {number} of {space} got an empty line and did not answer it",
        number=number,
        space=space,
    )
    return no(why, inside(space, f"ss -Hulnp 'sport = :{number}'"))


def _has_arrived(walked: Walk, space: str) -> bool:
    """Whether a packet that was lost was seen coming in there, or was sent there."""
    seen = walked.last_seen
    if walked.src == space:
        return True
    return seen is not None and seen.namespace == space and seen.way == "in"
