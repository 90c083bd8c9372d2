"""What does `walk` do? It sends a ping and shows every device that it passes, and why it goes so."""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
from typing import TYPE_CHECKING

from ..language import tr
from ..sandbox import HOSTNAME
from .arguments import OR_LAB, does, kernel_argument, replay_argument, scenario_argument, verbose_argument
from .page import Page, chapters
from .pictures import picture_arguments, save_pictures
from .scenes import lab_to_look_at

if TYPE_CHECKING:
    from ..claims.question import Verdict
    from ..packet.sighting import Sighting
    from ..packet.walk import Walk

WHY_INDENT = 17  # below the place, past number and time


def walk_arguments(verb: argparse.ArgumentParser) -> None:
    """`walk NAME SRC DST`: one ping and all that it passes."""
    does(verb, _walk, "walk bridge ns100 ns101", "walk flannel pod-a pod-c --cold --html walk.html")
    scenario_argument(verb, OR_LAB)
    verb.add_argument("src", help=tr("the namespace that sends"))
    verb.add_argument("dst", help=tr("an address, or a namespace (its first address)"))
    verb.add_argument("--count", type=int, default=1, metavar="N", help=tr("how many pings"))
    verb.add_argument("--size", type=int, metavar="BYTES", help=tr("how much each carries, as ping -s"))
    verb.add_argument("--cold", action="store_true", help=tr("forget learned neighbours and FDB entries first"))
    verb.add_argument("--proto", default="icmp", metavar="PROBE", help=tr("icmp (as ping), tcp:PORT or udp:PORT"))
    verb.add_argument("--json", action="store_true", help=tr("print the sightings as JSON"))
    verb.add_argument("--html", metavar="FILE", help=tr("save the packet's way as a page to play"))
    verb.add_argument(
        "--pcapng", metavar="FILE", help=tr("save the frames of all devices as one capture, for Wireshark")
    )
    picture_arguments(verb)
    replay_argument(verb)
    kernel_argument(verb)
    verbose_argument(verb)


def _walk(options: argparse.Namespace) -> int:
    with lab_to_look_at(options) as lab:
        walk = lab.walk(options.src, options.dst, options.count, options.size, options.cold, options.proto)
    return show_walk(walk, options)


def show_walk(walk: Walk, options: argparse.Namespace) -> int:
    """Print a walk, and write it into the files that were asked for; return the exit code that it deserves."""
    page = Page.of(sys.stdout)
    if options.html:
        walk.animate(options.html)
    if getattr(options, "pcapng", None):  # a verb of its own has none
        walk.pcapng(options.pcapng)
    save_pictures(options, walk.draw, lambda: walk.verdict)
    if options.json:
        plain = walk.plain()
        del plain["snapshot"]  # it has verbs of its own
        print(json.dumps(plain, indent=1))
    else:
        verdict = page.heading(page.prose(walk.verdict))
        print(chapters([sightings(page, walk), verdict, *proof(page, walk)]))
    return 0 if walk.ok else 1


def proof(page: Page, judged: Walk | Verdict) -> list[str]:
    """What shows the cause, and what mends it; nothing where an answer came."""
    if judged.ok or judged.evidence is None:
        return []
    evidence = textwrap.indent(str(judged.evidence), "  ")
    shown = tr("What shows it:")
    parts = [f"{shown}\n{evidence}"]
    if judged.fixes:
        heading = tr("What mends it:") if len(judged.fixes) == 1 else tr("What mends it, each by itself:")
        lines = [f"  [root@{HOSTNAME} ~]# {line}" for line in judged.fixes]
        parts.append("\n".join([heading, *lines]))
    return parts


def sightings(page: Page, walk: Walk) -> str:
    """Each sighting of a walk: when, where, what, the headers, and below it why."""
    lines = []
    for row in walk.rows:
        lines.append(page.heading(_seen(row)))
        why = page.prose(row.why + _outer(row))
        lines.append(textwrap.indent(why, " " * WHY_INDENT))
    return "\n".join(lines)


def _seen(row: Sighting) -> str:
    place = f"{row.namespace} {row.device}"
    arrow = "->" if row.way == "out" else "<-"
    moment = f"{row.number:3} {row.us:8.1f} us"
    parts = [moment, f"{place:24} {arrow}", row.caption]
    if row.leg != "ask":  # who asks for a MAC address has said so in `what`
        parts.append(f"{row.src_ip} > {row.dst_ip}")
        if row.ttl is not None:
            parts.append(f"ttl {row.ttl}")
    parts.append(tr("{bytes} bytes", bytes=row.bytes))
    return "  ".join(part for part in parts if part)


def _outer(row: Sighting) -> str:
    """What VXLAN has wrapped around the frame; empty when nothing is."""
    if row.vni is None:
        return ""
    return tr(
        "; around it {src} > {dst}, UDP port {port}, VNI {vni}, inside {bytes} bytes",
        src=row.outer_src_ip,
        dst=row.outer_dst_ip,
        port=row.outer_port,
        vni=row.vni,
        bytes=row.inner_bytes,
    )
