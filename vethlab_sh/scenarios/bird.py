"""How do calico's nodes learn each other's routes without a tunnel? From BIRD, a program that speaks BGP (RFC 4271).

The configuration is what calico's confd writes for a full mesh of two nodes (projectcalico/calico v3.34-dev, 87c1590
of August 2026: node/filesystem/etc/calico/confd/templates, bird*.template), with what BIRD 2 wants otherwise: calico
ships a BIRD 1.6 of its own, in which `import` and `export` stand outside of a channel `ipv4 { }`.
"""

from __future__ import annotations

from ..language import tr
from ..sandbox import HOSTNAME
from .nodes import NODE2, Node, Pod, ask_in_vain, ask_once
from .step import Step, step

PROGRAMS = ("bird", "birdc")
# The machines of a lab share one file system; on a node it is /etc/calico/confd/config.
HOME = {HOSTNAME: "/run/calico", NODE2: "/run/node2/calico"}
NUMBER = 64512  # of the autonomous system that all nodes are in, unless somebody chooses another
CONFIGURATION = """\
router id {address};

protocol static {{
  ipv4;
  route {block} blackhole;
}}
function calico_aggr() {{
  if ( net = {block} ) then {{ accept; }}
  if ( net ~ {block} ) then {{ reject; }}
}}
function calico_export_to_bgp_peers() {{
  calico_aggr();
  if ( net ~ {pool} ) then {{ accept; }}
}}
filter calico_kernel_programming {{ accept; }}

protocol kernel {{
  learn; persist; scan time 2; graceful restart; merge paths on; metric 0;
  ipv4 {{ import all; export filter calico_kernel_programming; }};
}}
protocol device {{ scan time 2; }}
protocol direct {{ ipv4; interface -"cali*", -"kube-ipvs*", "*"; }}

template bgp bgp_template {{
  local as {number}; multihop; graceful restart;
  connect delay time 1; connect retry time 1; error wait time 1,1;
  ipv4 {{
    import all; add paths on; gateway recursive;
    export filter {{ calico_export_to_bgp_peers(); reject; }};
  }};
}}
protocol bgp {session} from bgp_template {{
  neighbor {neighbour} as {number}; source address {address};{passive}
}}
"""


def session(node: Node) -> str:
    """What calico calls the session to this node."""
    return f"Mesh_{node.address.replace('.', '_')}"


def configured(node: Node, other: Node, pool: str) -> str:
    """The line that writes the configuration of a node's BIRD; pool: the network of all pods."""
    # Of two nodes the one with the lower address waits for the other, so that there is one connection, not two.
    waits = node.address < other.address
    text = CONFIGURATION.format(
        address=node.address,
        block=node.network,
        pool=pool,
        number=NUMBER,
        session=session(other),
        neighbour=other.address,
        passive=" passive on;" if waits else "",
    )
    return f"mkdir -p {HOME[node.name]} && cat >{HOME[node.name]}/bird.cfg <<'BIRD'\n{text}BIRD"


def started(node: Node) -> str:
    """The line that starts it; it goes into the background by itself."""
    home = HOME[node.name]
    return f"bird -c {home}/bird.cfg -s {home}/bird.ctl -P {home}/bird.pid"


def asked(node: Node, words: str) -> str:
    """A line that asks it, or tells it, something."""
    return f"birdc -s {HOME[node.name]}/bird.ctl {words}"


def learned(other: Node) -> str:
    """The line that waits for the route to the other node's pods, and shows it."""
    return _waiting("ip route", f"via {other.address}")


def _waiting(command: str, word: str) -> str:
    """The line that waits until a command's output has a word, and shows that line of it."""
    return f"timeout 20 bash -c 'until {command} | grep \"{word}\"; do sleep 0.05; done'"


def forgotten(other: Node) -> str:
    """The line that waits until that route is gone."""
    return f"timeout 20 bash -c 'while ip route | grep -q \"via {other.address}\"; do sleep 0.05; done'"


def speaking(node: Node, other: Node, pool: str) -> list[Step]:
    """The steps that start BIRD on the first node; nobody answers it yet."""
    return [
        step(
            tr(
                "In this mode there is no tunnel between the nodes. On each of them BIRD, a routing daemon, tells the "
                "others by BGP which block of addresses is behind it. Calico writes its configuration; this is it, in "
                "the words of BIRD 2 and with shorter waiting times."
            ),
            configured(node, other, pool),
            look=tr(
                "`static` makes the route for the node's own block, and `calico_aggr` lets only that block out, not "
                "the pods' own routes. `direct` knows the node's networks, `kernel` reads and writes its routes, and "
                "`{session}` is the session with {other}: every node has one with every other.",
                session=session(other),
                other=other.name,
            ),
        ),
        step(
            tr("Start it, and ask how it is."),
            started(node),
            _waiting("ip route", "blackhole"),
            asked(node, "show protocols"),
            "ip route",
            look=tr(
                "The block's `blackhole` route is BIRD's here (`proto bird`), where felix would write `proto 80`. The "
                "session waits: on {other} nobody speaks BGP yet.",
                other=other.name,
            ),
            table="ip route",
        ),
    ]


def answering(node: Node, other: Node, pool: str) -> list[Step]:
    """The steps that start it on the other node, and show what both have learned."""
    return [
        step(
            tr("The same on {other}, which calls master.", other=other.name),
            configured(other, node, pool),
            started(other),
            at=other.name,
        ),
        step(
            tr("Within a second or two the session is there, and each has told the other its block."),
            learned(other),
            asked(node, "show protocols"),
            asked(node, "show route"),
            look=tr(
                "`Established`. Of {other} master knows one route, for the whole block; `i` means that it came from "
                "within the same autonomous system.",
                other=other.name,
            ),
        ),
        step(
            tr("What does master tell {other}, and what is in the kernel?", other=other.name),
            asked(node, f"show route export {session(other)}"),
            "ip route",
            look=tr(
                "Only the block goes out. The next hop is {other}'s own address, on the cable: no device had to be "
                "added, and nobody typed this route.",
                other=other.name,
            ),
            table="ip route",
        ),
    ]


def falling(node: Node, other: Node) -> list[Step]:
    """The steps in which a session falls: by a crash, after which packets still pass, and on purpose."""
    pod = node.pods[0]
    remote = other.pods[0]
    crash = _crash(node, other, pod, remote)
    farewell = _farewell(node, other, pod, remote)
    return [*crash, *farewell]


def _crash(node: Node, other: Node, pod: Pod, remote: Pod) -> list[Step]:
    return [
        step(
            tr("What if BIRD crashes on {other}? Kill it, so that it cannot say goodbye.", other=other.name),
            f"kill -9 $(cat {HOME[other.name]}/bird.pid)",
            at=other.name,
        ),
        step(
            tr("Ask the BIRD of master."),
            _waiting(asked(node, f"show protocols all {session(other)}"), "restart active"),
            "ip route",
            ask_once(remote.address, pod.name),
            look=tr(
                "`graceful restart active`: the session is gone, but master keeps the route for 120 seconds, because "
                "the other said before that it would come back. And {other}'s kernel still has its routes "
                "(`persist`). BIRD only writes routes; packets do not pass it.",
                other=other.name,
            ),
            table="ping statistics",
        ),
        # an end is open only when it has heard the other's KEEPALIVE (RFC 4271, 8.2.2): who ends a session before that
        # closes a connection without a word that counts, and the other keeps its routes, as after a crash
        step(
            tr("Start it again on {other}, and wait for the session there.", other=other.name),
            started(other),
            _waiting(asked(other, "show protocols"), "Established"),
            at=other.name,
        ),
        step(
            tr("Wait for the session here."),
            _waiting(asked(node, "show protocols"), "Established"),
        ),
    ]


def _farewell(node: Node, other: Node, pod: Pod, remote: Pod) -> list[Step]:
    return [
        step(
            tr("And if {other} ends the session on purpose?", other=other.name),
            asked(other, f"disable {session(node)}"),
            at=other.name,
        ),
        step(
            tr("Look at master."),
            forgotten(other),
            asked(node, "show protocols"),
            f"ip route get {remote.address} from {pod.address} iif {pod.host_end}",
            look=tr(
                "`Administrative shutdown`: the other said goodbye, so its route is withdrawn at once. Only the "
                "default route is left, to a router that knows nothing about pods."
            ),
            table="ip route",
        ),
        step(tr("Ping."), ask_in_vain(remote.address, pod.name), table="ping statistics", expect=(1,)),
        step(tr("Let {other} speak again.", other=other.name), asked(other, f"enable {session(node)}"), at=other.name),
        step(
            tr("Wait for the route, and ping."),
            learned(other),
            ask_once(remote.address, pod.name),
            table="ping statistics",
        ),
    ]
