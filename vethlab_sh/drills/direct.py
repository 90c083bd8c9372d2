"""What can be broken on one cable? An end that is down, and a filter that likes no other way back."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from ..inside import all_inside, inside
from ..language import tr
from ..packet.causes.cause import Cause
from .fault import Fault, Hint, Maker, World, alias, ask, laid, no_use, renamed

ENDS = {"ns1": "tap1", "ns2": "tap2"}
TAPS = ("tap1", "tap2", "tap3", "tap4")


@dataclass(frozen=True)
class Wire:
    """Two namespaces on one cable: who has which address."""

    address: dict[str, str]
    world: World


def _wire(rng: Random) -> Wire:
    net = f"192.168.{rng.randrange(2, 250)}."
    one, two = (f"{net}{number}" for number in rng.sample(range(2, 255), 2))
    lines = laid("direct", {"192.168.10.200": one, "192.168.10.201": two})
    asks = (ask("ns1", two), ask("ns2", one))
    holds = (
        f"{one} belongs to ns1",
        f"{two} belongs to ns2",
        f"ns1 sends to {two} through tap2",
        f"ns2 sends to {one} through tap1",
    )
    return Wire({"ns1": one, "ns2": two}, World("direct", lines, asks, holds))


def _otherwise(maker: Maker) -> Maker:
    """The maker of a fault whose namespaces and devices are then called otherwise."""

    def make(rng: Random) -> Fault:
        fault = maker(rng)
        ends = rng.sample(range(1, 100), 2)
        taps = rng.sample(range(1, 100), 4)
        values = {}
        for old, number in zip(ENDS, ends, strict=True):
            values[old] = f"ns{number}"
        for old, number in zip(TAPS, taps, strict=True):
            values[old] = f"tap{number}"
        return renamed(fault, values)

    return make


def cable_end_down(rng: Random) -> Fault:
    """One end of the cable is switched off."""
    wire = _wire(rng)
    off, on = rng.sample(list(ENDS), 2)
    tap = ENDS[off]
    address = wire.address
    return Fault(
        world=wire.world,
        ticket=tr(
            "Since last night's maintenance ns1 and ns2 cannot reach each other. Nobody changed an address, and the "
            "cable between them is still there."
        ),
        plant=(inside(off, f"ip link set {tap} down"),),
        causes=(Cause.DEVICE_DOWN,),
        named=(tap,),
        unanswered=(ask("ns1", address["ns2"]), ask("ns2", address["ns1"])),
        hints=(
            Hint(
                inside(on, "ip -br link"),
                tr("What do the words in < > say about this end of the cable? It is UP, but something is missing."),
            ),
            Hint(inside(off, "ip -br link"), tr("Compare with the other namespace: which word is missing from < >?")),
            Hint(inside(off, "ip route"), tr("A device that is down has no routes: which one is missing?")),
        ),
        repairs=((inside(off, f"ip link set {tap} up"),), (inside(off, f"ifconfig {tap} up"),)),
        wrong=(
            alias(on, address[off], off),
            no_use(
                (inside(on, f"ip link set {ENDS[on]} down"), inside(on, f"ip link set {ENDS[on]} up")),
                (),
            ),
        ),
        explanation=tr(
            "{tap} in {off} was switched off (`ip link set {tap} down`). A veth pair carries frames only while both "
            "ends are on: {ends} showed NO-CARRIER, which means that it is on and its other end is not. A device that "
            "is down keeps its address, but the kernel takes its routes away, and puts this one back when it comes up.",
            tap=tap,
            off=off,
            ends=ENDS[on],
        ),
    )


def _without_rp_filter(*devices: str) -> str:
    settings = [f"net.ipv4.conf.{device}.rp_filter=0" for device in ("all", *devices)]
    return "sysctl -w " + " ".join(settings)


def strict_rp_filter(rng: Random) -> Fault:
    """Packets come in by another cable than the answer would leave by, and rp_filter does not like it."""
    wire = _wire(rng)
    address = wire.address
    far = f"10.{rng.randrange(16, 250)}.0.53"
    net = f"172.{rng.randrange(16, 32)}.{rng.randrange(1, 250)}."
    one, two = (f"{net}{number}" for number in rng.sample(range(2, 255), 2))
    second = (
        "ip link add name tap3 netns ns1 type veth peer name tap4 netns ns2",
        *all_inside("ns1", (f"ip addr add {one}/24 dev tap3", "ip link set tap3 up")),
        *all_inside("ns2", ("ip link set lo up", f"ip addr add {far}/32 dev lo")),
        *all_inside("ns2", (f"ip addr add {two}/24 dev tap4", "ip link set tap4 up")),
        inside("ns1", f"ip route add {far} via {two} src {address['ns1']}"),
        inside("ns1", _without_rp_filter("tap1", "tap3")),
        inside("ns2", _without_rp_filter("tap2", "tap4")),
    )
    old = wire.world
    asks = (*old.asks, ask("ns1", far), ask("ns1", two), ask("ns2", one))
    # Not by which cable the two first addresses are reached: now there are two, and either will do.
    addresses = old.holds[:2]
    holds = (
        *addresses,
        f"{far} belongs to ns2",
        f"{one} belongs to ns1",
        f"{two} belongs to ns2",
        f"ns1 sends to {far} through tap4",
    )
    way_back = f"{address['ns1']}/32 via {one} dev tap4"
    return Fault(
        world=World("direct", old.lines + second, asks, holds),
        ticket=tr(
            "The name server {far} on ns2 no longer answers ns1, which asks it over the second of their two cables. "
            "Both cables work. It stopped when ns2 was given the company's security settings.",
            far=far,
        ),
        plant=(inside("ns2", "sysctl -w net.ipv4.conf.all.rp_filter=1"),),
        causes=(Cause.RP_FILTER,),
        named=(
            "rp_filter",
            "tap4",
        ),
        unanswered=(ask("ns1", far),),
        hints=(
            Hint(
                inside("ns1", f"ip route get {far}"),
                tr("Which cable does the question leave by, and with which source address?"),
            ),
            Hint(
                inside("ns2", f"ip route get {address['ns1']}"),
                tr("And which cable would the answer to that address leave by?"),
            ),
            Hint(
                inside("ns2", "sysctl net.ipv4.conf.all.rp_filter net.ipv4.conf.tap4.rp_filter"),
                tr(
                    "The larger of the two counts. 1 means that a packet may come in only where its answer would go "
                    "out."
                ),
            ),
        ),
        repairs=(
            (inside("ns2", "sysctl -w net.ipv4.conf.tap4.rp_filter=2"),),
            (inside("ns2", "sysctl -w net.ipv4.conf.all.rp_filter=0"),),
            (inside("ns1", f"ip route replace {far} via {two} src {one}"),),
        ),
        wrong=(
            no_use((inside("ns2", f"ip route add {way_back}"),), (inside("ns2", f"ip route del {way_back}"),)),
            alias("ns1", far, "ns2"),
        ),
        explanation=tr(
            "The question to {far} comes in at tap4 and has the sender {address}, to whom ns2 would answer by tap2. "
            "With rp_filter=1 (strict) the kernel takes that for a forged sender and drops it without a word. 2 "
            "(loose) only asks that there be any way back; or let the question carry the second cable's address. The "
            "value of `all` and that of the device both count, and the larger one wins.",
            far=far,
            address=address["ns1"],
        ),
    )


DRILLS: dict[str, Maker] = {
    "cable-end-down": _otherwise(cable_end_down),
    "strict-rp-filter": _otherwise(strict_rp_filter),
}
