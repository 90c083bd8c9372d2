"""What can be broken at a bridge? Its ports, what is plugged into them, and two that claim to be the same."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import permutations
from random import Random

from ..inside import all_inside, inside
from ..language import tr
from ..packet.causes.cause import Cause
from .fault import Fault, Hint, Maker, World, Wrong, alias, ask, laid, no_use, side_cable


@dataclass(frozen=True)
class Switch:
    """Namespaces on br0, by their numbers: ns17 has veth17, br-veth17 is its port, and its address ends in 17."""

    net: str
    numbers: tuple[int, ...]
    world: World

    def address(self, number: int) -> str:
        """The address of a namespace."""
        return f"{self.net}{number}"

    def alias(self, thief: int, victim: int) -> Wrong:
        """The victim's address on another namespace."""
        address = self.address(victim)
        return alias(f"ns{thief}", address, f"ns{victim}")

    def side_cable(self, one: int, other: int) -> Wrong:
        """A cable past the bridge."""
        return side_cable(
            f"ns{one}",
            self.address(one),
            f"ns{other}",
            self.address(other),
        )

    def ask(self, one: int, other: int) -> str:
        """The claim that one reaches the other."""
        return ask(f"ns{one}", self.address(other))


def _switch(rng: Random, hosts: int = 4) -> Switch:
    """Half of the numbers are below 128, half above; in random order."""
    net = f"192.168.{rng.randrange(2, 250)}."
    low = rng.sample(range(10, 120), hosts - hosts // 2)
    high = rng.sample(range(136, 250), hosts // 2)
    numbers = tuple(rng.sample(low + high, hosts))
    owners = []
    plugs = []
    for number in numbers:
        owners.append(f"{net}{number} belongs to ns{number}")
        plugs.append(f"ns{number} is plugged into br0")
    asks = []
    ways = []
    for one, other in permutations(numbers, 2):
        target = f"{net}{other}"
        asks.append(ask(f"ns{one}", target))
        ways.append(f"ns{one} sends to {target} through br0")
    lines = laid("bridge", _values(net, numbers), hosts=hosts)
    world = World("bridge", lines, asks=tuple(asks), holds=(*owners, *plugs, *ways))
    return Switch(net, numbers, world)


def _values(net: str, numbers: tuple[int, ...]) -> dict[str, str]:
    """What the scenario's names and addresses become: its hosts are numbered from 100."""
    values = {}
    for old, new in enumerate(numbers, 100):
        values[f"192.168.1.{old}"] = f"{net}{new}"
        for prefix in ("ns", "veth", "br-veth"):
            values[f"{prefix}{old}"] = f"{prefix}{new}"
    return values


def _cannot_hear(switch: Switch, victim: int, other: int) -> tuple[str, ...]:
    there = switch.ask(other, victim)
    back = switch.ask(victim, other)
    return there, back


def port_down(rng: Random) -> Fault:
    """The bridge's end of a cable is switched off."""
    switch = _switch(rng)
    victim, other, third, _ = switch.numbers
    port = f"br-veth{victim}"
    return Fault(
        world=switch.world,
        ticket=tr(
            "Nobody can reach {address} any more. Seen from inside, all is well: the address is there, and the device "
            "is switched on.",
            address=switch.address(victim),
        ),
        plant=(f"ip link set {port} down",),
        causes=(Cause.DEVICE_DOWN,),
        named=(port,),
        unanswered=_cannot_hear(switch, victim, other),
        hints=(
            Hint(inside(f"ns{victim}", "ip -br link"), tr("It is UP; what does NO-CARRIER say about the other end?")),
            Hint("ip -br link", tr("The other ends are here. Which one is unlike the rest?")),
            Hint("bridge link", tr("`state disabled` is a port that forwards nothing.")),
        ),
        repairs=((f"ip link set {port} up",), (f"ifconfig {port} up",)),
        wrong=(switch.alias(other, victim), switch.side_cable(third, victim)),
        explanation=tr(
            "{port}, the host's end of ns{victim}'s cable, was down. From inside, that shows only as NO-CARRIER: "
            "switching one's own end on does not help. Always look at both ends of a cable.",
            port=port,
            victim=victim,
        ),
    )


def no_master(rng: Random) -> Fault:
    """The host's end of a cable is no port of the bridge."""
    switch = _switch(rng)
    victim, other, third, _ = switch.numbers
    port = f"br-veth{victim}"
    return Fault(
        world=switch.world,
        ticket=tr(
            "Since ns{victim} ({address}) was moved to new cabling, nobody answers it. Both ends of its cable are up, "
            "and its address is right.",
            victim=victim,
            address=switch.address(victim),
        ),
        plant=(f"ip link set {port} nomaster",),
        causes=(Cause.NO_MASTER,),
        named=(port,),
        unanswered=_cannot_hear(switch, victim, other),
        hints=(
            Hint(inside(f"ns{victim}", "ip -br addr"), tr("Address and device are fine: the fault lies farther out.")),
            Hint("bridge link", tr("Count the ports of br0. Whose is missing?")),
            Hint(f"ip link show dev {port}", tr("The line of a port says `master br0`.")),
        ),
        repairs=((f"ip link set {port} master br0",), (f"brctl addif br0 {port}",)),
        wrong=(switch.alias(third, victim), switch.side_cable(other, victim)),
        explanation=tr(
            "{port} had no master. It was up and received what ns{victim} sent, but a device without a master passes "
            "frames to the host itself, and these were not for the host. `ip link set DEV master BRIDGE` makes it a "
            "port; `brctl addif BRIDGE DEV` does the same.",
            port=port,
            victim=victim,
        ),
    )


def wrong_mask(rng: Random) -> Fault:
    """A prefix that is too long: half of the wire seems to be elsewhere."""
    switch = _switch(rng)
    victim = rng.choice([n for n in switch.numbers if n < 128])
    (near,) = (n for n in switch.numbers if n < 128 and n != victim)
    far = [n for n in switch.numbers if n > 128]
    ns, dev = f"ns{victim}", f"veth{victim}"
    own = switch.address(victim)
    length = rng.choice((25, 26))
    return Fault(
        world=switch.world,
        ticket=tr(
            "Strange: {own} can reach neither {address} nor {address2}, and they get no answer from it, while all the "
            "others reach each other. They are all on one bridge, and the cables are fine.",
            own=own,
            address=switch.address(far[0]),
            address2=switch.address(far[1]),
        ),
        plant=all_inside(ns, (f"ip addr del {own}/24 dev {dev}", f"ip addr add {own}/{length} dev {dev}")),
        causes=(Cause.WRONG_PREFIX,),
        named=(f"{own}/{length}",),
        unanswered=tuple(claim for n in far for claim in _cannot_hear(switch, victim, n)),
        hints=(
            Hint(
                inside(ns, f"ping -c 1 -W 1 {switch.address(far[0])}"),
                tr("It does not even try. Who says so, and why?"),
            ),
            Hint(inside(ns, "ip route"), tr("Which addresses does this namespace believe to be on its own wire?")),
            Hint(inside(f"ns{far[0]}", "ip -br addr"), tr("Compare the number behind the slash.")),
        ),
        repairs=(
            all_inside(ns, (f"ip addr del {own}/{length} dev {dev}", f"ip addr add {own}/24 dev {dev}")),
            (inside(ns, f"ip route add {switch.net}0/24 dev {dev}"),),
        ),
        wrong=(
            switch.alias(victim, far[0]),
            no_use(
                (inside(ns, f"ip route add default via {switch.address(near)} dev {dev} onlink"),),
                (inside(ns, "ip route del default"),),
            ),
        ),
        explanation=tr(
            "{dev} had {own}/{length} where everybody else has /24. The kernel derives the route to its own wire from "
            "the prefix, and with /{length} that route stops short of {address}: no route, so not even an ARP "
            "question. The others do ask, but the answer has no way back.",
            dev=dev,
            own=own,
            length=length,
            address=switch.address(far[0]),
        ),
    )


def duplicate_address(rng: Random) -> Fault:
    """A namespace has its neighbour's address instead of its own."""
    switch = _switch(rng)
    victim, twin, other, _ = switch.numbers
    ns, dev = f"ns{victim}", f"veth{victim}"
    own, copied = switch.address(victim), switch.address(twin)
    return Fault(
        world=switch.world,
        ticket=tr(
            "{own} has vanished, and people who log in to {copied} sometimes end up on another machine. It began when "
            "ns{victim} was set up from ns{twin}'s settings file.",
            own=own,
            copied=copied,
            victim=victim,
            twin=twin,
        ),
        plant=all_inside(ns, (f"ip addr del {own}/24 dev {dev}", f"ip addr add {copied}/24 dev {dev}")),
        causes=(Cause.NOBODY_HAS,),
        named=(own,),
        unanswered=(switch.ask(other, victim),),
        untrue=(f"{copied} belongs to ns{twin}",),
        hints=(
            Hint(
                inside(f"ns{other}", f"arping -c 2 -w 1 -I veth{other} {copied}"),
                tr("Who answers for the address? Read the MAC addresses in brackets."),
            ),
            Hint("bridge fdb show br br0", tr("Behind which ports are these MAC addresses?")),
            Hint(inside(ns, "ip -br addr"), tr("Is this the address that belongs here?")),
        ),
        repairs=(
            all_inside(ns, (f"ip addr del {copied}/24 dev {dev}", f"ip addr add {own}/24 dev {dev}")),
            all_inside(ns, (f"ip addr flush dev {dev} scope global", f"ip addr add {own}/24 brd + dev {dev}")),
        ),
        wrong=(
            Wrong(
                (inside(ns, f"ip addr add {own}/24 dev {dev}"),),
                (inside(ns, f"ip addr del {own}/24 dev {dev}"),),
                f"{copied} belongs to ns{twin}",
            ),
            switch.alias(other, victim),
        ),
        explanation=tr(
            "ns{victim} had {copied}, the address of ns{twin}, instead of {own}. When somebody asked for it by ARP, "
            "both answered, and one of the two was believed for a while. Adding the right address is not enough: the "
            "wrong one has to go.",
            victim=victim,
            copied=copied,
            twin=twin,
            own=own,
        ),
    )


def left_on_host(rng: Random) -> Fault:
    """The inner end of a cable never went into its namespace."""
    switch = _switch(rng)
    victim, other, third, _ = switch.numbers
    ns, dev = f"ns{victim}", f"veth{victim}"
    own = switch.address(victim)
    own_lines = all_inside(ns, (f"ip addr add {own}/24 dev {dev}", f"ip link set {dev} up"))
    new = (
        f"ip link del br-veth{victim}",
        f"ip link add br-veth{victim} type veth peer name {dev} netns {ns}",
        f"ip link set br-veth{victim} master br0",
        f"ip link set br-veth{victim} up",
    )
    return Fault(
        world=switch.world,
        ticket=tr(
            "{own} does not answer. It should be ns{victim}, which was set up by a script that stopped halfway.",
            own=own,
            victim=victim,
        ),
        plant=(inside(ns, f"ip link set {dev} netns 1"),),
        causes=(
            Cause.NOBODY_HAS,
            Cause.NO_ADDRESS,
            Cause.NO_DEVICE,
        ),
        named=(dev,),
        unanswered=_cannot_hear(switch, victim, other),
        hints=(
            Hint(inside(ns, "ip -br link"), tr("What is missing in there?")),
            Hint("ip -br link", tr("Where is the other end of br-veth{victim}?", victim=victim)),
            Hint("ip -br addr", tr("A device that changes its namespace loses its addresses and is switched off.")),
        ),
        repairs=((f"ip link set {dev} netns {ns}", *own_lines), (*new, *own_lines)),
        wrong=(
            Wrong(
                (f"ip addr add {own}/24 dev {dev}", f"ip link set {dev} up"),
                (f"ip addr del {own}/24 dev {dev}", f"ip link set {dev} down"),
                f"{own} belongs to ns{victim}",
            ),
            switch.alias(third, victim),
        ),
        explanation=tr(
            "{dev} was still on the host, so ns{victim} had nothing but lo. Giving the address to the end on the host "
            "makes the pings work, but then the host answers them, not ns{victim}. A device loses its addresses when "
            "it moves, so they are added after the move.",
            dev=dev,
            victim=victim,
        ),
    )


def stp_delay(rng: Random) -> Fault:
    """The bridge runs STP, and a new port waits for half a minute."""
    switch = _switch(rng)
    victim, other, third, _ = switch.numbers
    port = f"br-veth{victim}"
    again = (f"ip link set {port} down", f"ip link set {port} up")
    return Fault(
        world=switch.world,
        ticket=tr(
            "Whenever a cable is plugged in, it takes about half a minute before the network works, and programs that "
            "start at once give up. This time it is ns{victim}, {address}.",
            victim=victim,
            address=switch.address(victim),
        ),
        plant=("ip link set br0 type bridge stp_state 1", *again),
        causes=(Cause.PORT_STATE,),
        named=(
            "br0",
            "STP",
        ),
        unanswered=_cannot_hear(switch, victim, other),
        untrue=("br0 makes no port wait",),
        hints=(
            Hint(
                "bridge link",
                tr("Read the word after `state`, more than once if you like. All the others say forwarding."),
            ),
            Hint(
                "ip -d link show dev br0 | grep -o 'forward_delay [0-9]*\\|stp_state [01]'",
                tr("With STP on, a port first listens and then learns, each for forward_delay hundredths of a second."),
            ),
            Hint(
                f"ip -d link show dev {port} | grep -o 'state [a-z][a-z]*'",
                tr(
                    "A port that is listening keeps listening when STP is switched off: unplug {port} and plug it in "
                    "again.",
                    port=port,
                ),
            ),
        ),
        repairs=(
            ("ip link set br0 type bridge stp_state 0", *again),
            (
                "ip link set br0 type bridge stp_state 0",
                f"ip link set {port} nomaster",
                f"ip link set {port} master br0",
            ),
        ),
        wrong=(no_use((f"bridge link set dev {port} state 3",), ()), switch.alias(third, victim)),
        explanation=tr(
            "br0 ran the spanning tree protocol (`stp_state 1`), which looks for loops before it lets a new port "
            "speak: 15 seconds listening, 15 seconds learning (`forward_delay`). Waiting makes the pings work, until "
            "the next cable is plugged in. On a bridge that cannot be part of a loop, STP is better switched off."
        ),
    )


def duplicate_mac(rng: Random) -> Fault:
    """Two namespaces with the same MAC address."""
    switch = _switch(rng)
    victim, twin, *_ = switch.numbers
    mac = {n: f"02:00:5e:{rng.randrange(256):02x}:{rng.randrange(256):02x}:{n:02x}" for n in switch.numbers}
    own = tuple(inside(f"ns{n}", f"ip link set veth{n} address {mac[n]}") for n in switch.numbers)
    fresh = f"02:00:5e:ff:00:{victim:02x}"
    neighbour = f"{switch.address(twin)} lladdr {mac[twin]} dev veth{victim}"
    return Fault(
        world=replace(switch.world, lines=switch.world.lines + own),
        ticket=tr(
            "ns{victim} and ns{twin} cannot reach each other at all, and the others reach sometimes one of them, "
            "sometimes the other. ns{victim} was cloned from ns{twin} and then given an IP address of its own.",
            victim=victim,
            twin=twin,
        ),
        plant=(inside(f"ns{victim}", f"ip link set veth{victim} address {mac[twin]}"),),
        causes=(Cause.DUPLICATE_MAC,),
        named=(mac[twin],),
        unanswered=_cannot_hear(switch, victim, twin),
        hints=(
            Hint(
                inside(f"ns{victim}", "ip -br link"),
                tr("Note the MAC address, then look into ns{twin} too.", twin=twin),
            ),
            Hint("bridge fdb show br br0", tr("Can a bridge know two ports for one MAC address?")),
            Hint(inside(f"ns{twin}", "ip -br link"), tr("What is the same here that should differ?")),
        ),
        repairs=(
            (inside(f"ns{victim}", f"ip link set veth{victim} address {mac[victim]}"),),
            (inside(f"ns{twin}", f"ip link set veth{twin} address {fresh}"),),
        ),
        wrong=(
            no_use(
                (inside(f"ns{victim}", f"ip neigh replace {neighbour}"),),
                (inside(f"ns{victim}", f"ip neigh del {switch.address(twin)} dev veth{victim}"),),
            ),
            switch.side_cable(victim, twin),
        ),
        explanation=tr(
            "ns{victim} and ns{twin} had the same MAC address. A bridge knows one port for each MAC address, the one "
            "where it saw it last: a frame from one of the two to the other is for a MAC address that the bridge has "
            "just seen at the port where the frame came in, and a bridge does not send a frame back. Others lose "
            "every frame that goes to the wrong one of the two.",
            victim=victim,
            twin=twin,
        ),
    )


GUESTS = ("vm-a", "vm-b")


def _with_guests(switch: Switch, carrier: int, guests: dict[str, str]) -> World:
    """The world with two guests, of these addresses, on the cable of one namespace."""
    other = switch.numbers[1]
    lines = [f"bridge link set dev br-veth{carrier} hairpin on"]
    holds = []
    for guest, address in guests.items():
        lines += [
            f"ip netns add {guest}",
            f"ip -n ns{carrier} link add link veth{carrier} name eth0 netns {guest} type macvlan mode vepa",
            *all_inside(guest, (f"ip addr add {address}/24 dev eth0", "ip link set eth0 up")),
        ]
        holds.append(f"{address} belongs to {guest}")
    (a, ip_a), (b, ip_b) = guests.items()
    holds.append(f"{a} sends to {ip_b} through eth0")
    holds.append(f"{b} sends to {ip_a} through eth0")
    asks = [ask(a, ip_b), ask(b, ip_a)]
    asks += [ask(guest, switch.address(other)) for guest in guests]
    asks += [ask(f"ns{other}", address) for address in guests.values()]
    old = switch.world
    return World(
        old.scenario,
        lines=(*old.lines, *lines),
        asks=(*old.asks, *asks),
        holds=(*old.holds, *holds),
    )


def hairpin_off(rng: Random) -> Fault:
    """Two guests behind one port, whose switch has to send frames back to where they came from."""
    switch = _switch(rng, hosts=3)
    carrier = switch.numbers[0]
    port = f"br-veth{carrier}"
    free = [n for n in range(2, 255) if n not in switch.numbers]
    a, b = GUESTS
    ip_a, ip_b = (switch.address(n) for n in rng.sample(free, 2))
    return Fault(
        world=_with_guests(switch, carrier, {a: ip_a, b: ip_b}),
        ticket=tr(
            "{a} ({ip_a}) and {b} ({ip_b}) cannot reach each other. Both are guests on ns{carrier} and share its "
            "cable. Everybody else on the bridge reaches them, and they reach everybody else.",
            a=a,
            ip_a=ip_a,
            b=b,
            ip_b=ip_b,
            carrier=carrier,
        ),
        plant=(f"bridge link set dev {port} hairpin off",),
        causes=(Cause.MACVLAN,),
        named=(
            port,
            "hairpin",
        ),
        unanswered=(ask(a, ip_b), ask(b, ip_a)),
        hints=(
            Hint(
                inside(a, "ip -d link show dev eth0"),
                tr("`macvlan mode vepa`: who has to carry frames from guest to guest?"),
            ),
            Hint(
                f"ip -d link show dev {port} | grep -o 'hairpin [a-z]*'", tr("May br0 send back what came from there?")
            ),
        ),
        repairs=(
            (f"bridge link set dev {port} hairpin on",),
            tuple(inside(guest, "ip link set eth0 type macvlan mode bridge") for guest in GUESTS),
        ),
        wrong=(alias(a, ip_b, b), side_cable(a, ip_a, b, ip_b)),
        explanation=tr(
            "Guests in vepa mode leave it to the switch to carry frames between them. They all come in at {port}, and "
            "a bridge never sends a frame back out of the port it came in at, unless `hairpin on` allows it. CNI's "
            "bridge plugin sets it for pods that talk to themselves through a service.",
            port=port,
        ),
    )


DRILLS: dict[str, Maker] = {
    "port-down": port_down,
    "no-master": no_master,
    "wrong-mask": wrong_mask,
    "duplicate-address": duplicate_address,
    "left-on-host": left_on_host,
    "stp-delay": stp_delay,
    "duplicate-mac": duplicate_mac,
    "hairpin-off": hairpin_off,
}
