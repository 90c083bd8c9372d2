"""How do many namespaces share one network? Each plugs a veth pair into a bridge."""

from ipaddress import IPv4Address

from ..errors import BadOption
from .step import Scenario, Step, step

FIRST = IPv4Address("192.168.1.100")
MOST_PORTS = 1023  # BR_MAX_PORTS, net/bridge/br_private.h; one more fails with "Exchange full"


def bridge(hosts: int = 2) -> Scenario:
    """`hosts` namespaces (2 to 1023), ns100 and on, each by its own pair on the bridge br0."""
    if not 2 <= hosts <= MOST_PORTS:
        raise BadOption(
            f"A bridge joins 2 to {MOST_PORTS} hosts, because Linux gives it {MOST_PORTS} ports; not {hosts}."
        )
    names = {100 + i: FIRST + i for i in range(hosts)}
    prefix = 24 if hosts <= 155 else 16
    return Scenario(
        name="bridge",
        title="namespaces plugged into a bridge, the switch that is made of software",
        intro=(
            "One cable joins two namespaces; a third would need more cables. A bridge is the kernel's own switch: each "
            "namespace plugs one veth pair into it, and the bridge learns which MAC address is behind which port."
        ),
        steps=(*_switch(), *_cables(list(names)), *_addresses(names, prefix), *_proof(names)),
        known=(
            f"{_count(hosts)} namespaces reach each other through br0. Each has a veth pair: one end is a port of the "
            "bridge, the other is inside and has the address. The bridge itself needs no address."
        ),
    )


def _count(hosts: int) -> str:
    return "Two" if hosts == 2 else str(hosts)


def _switch() -> list[Step]:
    return [
        step(
            "Make the switch. A bridge is a network device like any other, so `ip link add` makes it.",
            "ip link add br0 type bridge",
            "brctl show",
            look=(
                "`brctl` is the older tool for bridges. There are no interfaces yet, and the bridge id ends in zeros, "
                "because it is taken from the MAC addresses of the ports."
            ),
            table="brctl show",
        ),
        step("Switch the bridge on.", "ip link set br0 up"),
    ]


def _cables(numbers: list[int]) -> list[Step]:
    moved = [f"ip link set veth{n} netns ns{n}" for n in numbers]
    return [
        step(
            f"{_count(len(numbers))} namespaces need {_count(len(numbers)).lower()} cables, because one end of each "
            "pair stays on the host, for the bridge.",
            *(f"ip link add veth{n} type veth peer name br-veth{n}" for n in numbers),
        ),
        step("Make the namespaces.", *(f"ip netns add ns{n}" for n in numbers), "ip netns list"),
        step(
            "Plug the host's end of each pair into the bridge and switch it on. A port's `master` is its bridge.",
            *(line for n in numbers for line in (f"ip link set br-veth{n} master br0", f"ip link set br-veth{n} up")),
            "brctl show",
            look="The ports are there now, one to a line, and the bridge id holds the lowest of their MAC addresses.",
            table="brctl show",
        ),
        step("Plug the other end of each pair into its namespace.", *moved),
    ]


def _addresses(names: dict[int, IPv4Address], prefix: int) -> list[Step]:
    shown = [f"ip netns exec ns{n} ip a" for n in list(names)[:2]]
    lines = [
        line
        for n, address in names.items()
        for line in (
            f"ip netns exec ns{n} ip addr add {address}/{prefix} dev veth{n}",
            f"ip netns exec ns{n} ip link set veth{n} up",
        )
    ]
    return [
        step("Give each namespace an address, all in the same network, and switch its end on.", *lines),
        step(
            "Look inside the namespaces." if len(names) == 2 else "Look inside the first two namespaces.",
            *shown,
            look=(
                "`UP` means that this end is switched on, `LOWER_UP` that the other end is too. `link-netnsid 0` is "
                "the host, where the peer is a port of br0. The kernel added the fe80:: address by itself; it stays "
                "`tentative` for a second or two, while IPv6 makes sure that nobody else has it."
            ),
            table="ip addr",
        ),
    ]


def _proof(names: dict[int, IPv4Address]) -> list[Step]:
    numbers = list(names)
    pairs = list(zip(numbers, numbers[1:] + numbers[:1], strict=True))
    pings = [
        step(
            f"Ping through the bridge, from ns{a} to ns{b}."
            if i == 0
            else "And back." if len(names) == 2 else f"From ns{a} to ns{b}.",
            f"ip netns exec ns{a} ping -c 2 -i 0.2 -W 1 {names[b]}",
            table="ping statistics",
        )
        for i, (a, b) in enumerate(pairs)
    ]  # fmt: skip
    return [
        *pings,
        step(
            "How did the bridge know where to send each frame? Look at its MAC table.",
            "brctl showmacs br0",
            look=(
                "`is local? yes` marks the MAC addresses of the bridge's own ports. It learned the others: each frame "
                "that came in at a port told it that the sender is behind that port. Nobody configured this."
            ),
            table="brctl showmacs",
        ),
    ]
