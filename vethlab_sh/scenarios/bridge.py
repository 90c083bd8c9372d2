"""How do many namespaces share one network? Each plugs a veth pair into a bridge."""

from ipaddress import IPv4Address

from ..errors import BadOption
from ..language import sentences, tr
from .step import Scenario, Step, step

FIRST = IPv4Address("192.168.1.100")
MANY = 10  # more than one types: loops
MOST_MOUNTS = 300  # namespaces that have a name, each by a mount
MOST_PORTS = 1023  # BR_MAX_PORTS, net/bridge/br_private.h; one more fails with "Exchange full"


def bridge(hosts: int = 2) -> Scenario:
    """`hosts` namespaces (2 to 1023), ns100 and on, each by its own pair on the bridge br0."""
    if not 2 <= hosts <= MOST_PORTS:
        raise BadOption(
            tr(
                "A bridge joins 2 to {most_ports} hosts, because Linux gives it {most_ports} ports; not {hosts}.",
                most_ports=MOST_PORTS,
                hosts=hosts,
            )
        )
    names = {100 + i: FIRST + i for i in range(hosts)}
    prefix = 24 if hosts <= 155 else 16  # a /24 has room from .100 to .254
    if hosts >= MANY:
        laid = _laid_in_loops(hosts, prefix)
        known = tr("{hosts} namespaces share a network through br0.", hosts=hosts)  # which three of them have proved
    else:
        laid = [*_cables(list(names)), *_addresses(names, prefix)]
        known = _for_all(hosts)
    return Scenario(
        name="bridge",
        title=tr("namespaces plugged into a bridge, the switch that is made of software"),
        intro=tr(
            "One cable joins two namespaces; a third would need more cables. A bridge is the kernel's own switch: "
            "each namespace plugs one veth pair into it, and the bridge learns which MAC address is behind which port."
        ),
        steps=(*_switch(), *laid, *_proof(names)),
        known=sentences(
            known,
            tr(
                "Each has a veth pair: one end is a port of the bridge, the other is inside and has the address. The "
                "bridge itself needs no address."
            ),
        ),
        walks=(("ns100", "ns101"),),
        namespaces=hosts,
    )


def _for_all(hosts: int) -> str:
    if hosts == 2:
        return tr("Two namespaces reach each other through br0.")
    return tr("{hosts} namespaces reach each other through br0.", hosts=hosts)


def _cables_needed(hosts: int) -> str:
    if hosts == 2:
        return tr("Two namespaces need two cables, because one end of each pair stays on the host, for the bridge.")
    return tr(
        "{hosts} namespaces need {hosts} cables, because one end of each pair stays on the host, for the bridge.",
        hosts=hosts,
    )


def _switch() -> list[Step]:
    why = tr("Make the switch. A bridge is a network device like any other, so `ip link add` makes it.")
    made = "ip link add br0 type bridge"
    return [
        step(
            why,
            made,
            "brctl show",
            look=tr(
                "`brctl` is the older tool for bridges. There are no interfaces yet, and the bridge id ends in zeros, "
                "because it is taken from the MAC addresses of the ports."
            ),
            table="brctl show",
            instead=step(
                why,
                made,
                "ip -d link show dev br0",
                look=tr(
                    "There is no `brctl` here, the older tool for bridges, nor is it needed: `ip -d link` tells what "
                    "a bridge is, `bridge link` lists its ports (`brctl show`), and `bridge fdb show` what it learned "
                    "(`brctl showmacs`). The `bridge_id` ends in zeros, because it is taken from the MAC addresses of "
                    "the ports, and there are none yet."
                ),
                table="ip link",
            ),
        ),
        step(tr("Switch the bridge on."), "ip link set br0 up"),
    ]


def _cables(numbers: list[int]) -> list[Step]:
    return [
        step(
            _cables_needed(len(numbers)),
            *(f"ip link add veth{n} type veth peer name br-veth{n}" for n in numbers),
        ),
        step(tr("Make the namespaces."), *(f"ip netns add ns{n}" for n in numbers), "ip netns list"),
        _plugged(numbers),
        step(
            tr("Plug the other end of each pair into its namespace."),
            *(f"ip link set veth{n} netns ns{n}" for n in numbers),
        ),
    ]


def _plugged(numbers: list[int]) -> Step:
    """The host's ends, each a port of the bridge; and the list of its ports, by the older tool and by the newer."""
    lines = []
    for n in numbers:
        lines += [f"ip link set br-veth{n} master br0", f"ip link set br-veth{n} up"]
    why = tr("Plug the host's end of each pair into the bridge and switch it on. A port's `master` is its bridge.")
    return step(
        why,
        *lines,
        "brctl show",
        "bridge link",
        look=tr(
            "The ports are there now, one to a line, and the bridge id holds the lowest of their MAC addresses. "
            "`bridge link` lists the same ports, and what the bridge does at each. It comes with `ip`, and is what "
            "brctl's own README names instead of it; Solus (2025) and OpenWrt (2026) dropped the package of brctl."
        ),
        table=("brctl show", "bridge link"),
        instead=step(
            why,
            *lines,
            "bridge link",
            look=tr("The ports are there now, one to a line, each with its `master` and what the bridge does at it."),
            table="bridge link",
        ),
    )


def _addresses(names: dict[int, IPv4Address], prefix: int) -> list[Step]:
    lines = []
    for n, address in names.items():
        lines += [
            f"ip netns exec ns{n} ip addr add {address}/{prefix} dev veth{n}",
            f"ip netns exec ns{n} ip link set veth{n} up",
        ]
    first, second, *_ = names
    return [
        step(tr("Give each namespace an address, all in the same network, and switch its end on."), *lines),
        step(
            tr("Look inside the namespaces.") if len(names) == 2 else tr("Look inside the first two namespaces."),
            f"ip netns exec ns{first} ip a",
            f"ip netns exec ns{second} ip a",
            look=tr(
                "`UP` means that this end is switched on, `LOWER_UP` that the other end is too. `link-netnsid 0` is "
                "the host, where the peer is a port of br0. The kernel added the fe80:: address by itself; it stays "
                "`tentative` for a second or two, while IPv6 makes sure that nobody else has it."
            ),
            table="ip addr",
        ),
    ]


def _laid_in_loops(hosts: int, prefix: int) -> list[Step]:
    """Cables, namespaces and addresses of many hosts, in a line each."""
    loop = f"for n in {{100..{99 + hosts}}}"
    enter, copies = "ip -n ns$n", ""
    if hosts > MOST_MOUNTS:
        enter = "nsenter --net=/run/netns/ns$n ip"
        copies = tr("`nsenter` enters the network only. `ip -n` would also copy every mount, and each name is one.")
    number = "1.$n" if prefix == 24 else "$((1 + n / 256)).$((n % 256))"
    address, on = f'"addr add 192.168.{number}/{prefix} dev veth$n"', '"link set veth$n up"'
    return [
        step(
            tr(
                "Make {hosts} namespaces. Nobody types so many commands: a loop writes them, and one `ip -batch -` "
                "reads and runs them all, which is also quicker than a program for each.",
                hosts=hosts,
            ),
            f'{loop}; do echo "netns add ns$n"; done | ip -batch -',
            "ip netns list | head -n 3",
        ),
        _cabled_in_loops(hosts, loop),
        step(
            sentences(
                tr(
                    "Give each namespace its address and switch its end on: one `ip` each, which reads two commands. "
                    "After `set -e` the first failure ends the loop."
                ),
                copies,
            ),
            f"(set -e; {loop}; do {enter} -batch - <<<{address}$'\\n'{on}; done)",
        ),
        step(tr("Look inside the first one."), "ip netns exec ns100 ip a", table="ip addr"),
    ]


def _cabled_in_loops(hosts: int, loop: str) -> Step:
    why = tr(
        "Make the cables in the same way. Each command does three things: it makes the pair, plugs one end into the "
        "bridge, and makes the other end in the namespace, so that it need not be moved there."
    )
    line = (
        f'{loop}; do echo "link add name br-veth$n up master br0 type veth peer name veth$n netns ns$n"; done'
        " | ip -batch -"
    )
    look = tr(
        "These are the first of {hosts} ports. The bridge has room for {most_ports}.",
        hosts=hosts,
        most_ports=MOST_PORTS,
    )
    by_bridge = step(why, line, "bridge link | head -n 3", look=look, table="bridge link")
    return step(why, line, "brctl show | head -n 4", look=look, table="brctl show", instead=by_bridge)


def _proof(names: dict[int, IPv4Address]) -> list[Step]:
    many = len(names) >= MANY
    return [*_pings(names, many), _learned(many)]


def _pings(names: dict[int, IPv4Address], many: bool) -> list[Step]:
    """A ping from each namespace to the next one, and from the last to the first; of many only three."""
    numbers = list(names)
    if many:
        numbers = [numbers[0], numbers[len(numbers) // 2], numbers[-1]]
    often = "-c 1" if many else "-c 2 -i 0.2"  # who builds a hundred waits for no second answer
    steps: list[Step] = []
    for a, b in zip(numbers, numbers[1:] + numbers[:1], strict=True):
        why = tr("From ns{a} to ns{b}.", a=a, b=b)
        if not steps:
            why = tr("Ping through the bridge, from ns{a} to ns{b}.", a=a, b=b)
        elif len(names) == 2:
            why = tr("And back.")
        line = f"ip netns exec ns{a} ping {often} -W 1 {names[b]}"
        steps.append(step(why, line, table="ping statistics"))
    return steps


def _learned(many: bool) -> Step:
    """The bridge's MAC table; of many hosts without its own ports."""
    why = tr("How did the bridge know where to send each frame? Look at its MAC table.")
    line = "brctl showmacs br0"
    learned = tr(
        "`is local? yes` marks the MAC addresses of the bridge's own ports. It learned the others: each frame that "
        "came in at a port told it that the sender is behind that port. Nobody configured this."
    )
    newer = "bridge fdb show br br0"
    newer_learned = tr(
        "`permanent` marks the addresses of the bridge's own ports, and of groups. It learned the others: each frame "
        "that came in at a port told it that the sender is behind that port. Nobody configured this."
    )
    if many:
        line += " | grep -w -e ageing -e no"
        newer += " | grep -v permanent"
        learned = newer_learned = tr(
            "These are the hosts that have sent something. The bridge learned them: each frame that came in at a port "
            "told it that the sender is behind that port. Nobody configured this."
        )
    return step(
        why,
        line,
        look=learned,
        table="brctl showmacs",
        instead=step(why, newer, look=newer_learned, table="bridge fdb"),
    )
