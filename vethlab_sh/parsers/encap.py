"""What is a packet wrapped in by its route? The words of `encap` in `ip route` (ip-route(8), lightweight tunnels).

They stand between a route's destination and its next hop, and some are called as the route's own words are.

>>> from .words import Words
>>> take_encap(Words("ip route", "ip id 42 src 0.0.0.0 dst 10.0.0.2 ttl 0 tos 0 dev eth0", 1))
'ip id 42 src 0.0.0.0 dst 10.0.0.2 ttl 0 tos 0'
"""

from __future__ import annotations

from .words import Words

# Words with a value, by the kind of tunnel: the print_encap_...() of iproute2's ip/iproute_lwtunnel.c.
PAIRS = {
    "ip": {"id", "src", "dst", "ttl", "tos"},
    "ip6": {"id", "src", "dst", "hoplimit", "tc"},
    "mpls": {"ttl"},
    "ila": {"csum-mode", "ident-type", "hook-type"},
    "bpf": {"in", "out", "xmit", "headroom"},
    "seg6": {"mode", "tunsrc", "hmac"},
    "seg6local": {
        "action", "hmac", "table", "vrftable", "nh4", "nh6", "iif", "oif", "endpoint", "packets", "bytes", "errors",
        "flavors", "lblen", "nflen",
    },
    "rpl": set[str](),
    "ioam6": {"freq", "mode", "tundst", "tunsrc", "type", "ns", "size"},
    "xfrm": {"if_id", "link_dev"},
}  # fmt: skip
FLAGS = {"ip": {"key", "csum", "seq"}, "ip6": {"key", "csum", "seq"}, "ioam6": {"trace", "prealloc"}}
NAMELESS = {"mpls", "ila"}  # their first word is a value: labels, or a locator
# The further options of a tunnel stand on a line of their own, behind a tab; the route goes on behind them.
OPTION_LINES = {"geneve_opts", "vxlan_opts", "erspan_opts"}


def take_encap(words: Words) -> str:
    """The words of a wrapping, as printed; what follows is the route's again."""
    kind = words.take()
    if kind not in PAIRS:
        raise words.unknown(kind)
    taken = [kind]
    if kind in NAMELESS:
        taken.append(words.take())
    while words:
        word = words.peek()
        if word == "segs":
            taken += _segments(words)
        elif word in PAIRS[kind]:
            taken += [words.take(), words.take()]
        elif word in FLAGS.get(kind, ()):
            taken.append(words.take())
        else:
            break
    return " ".join(taken)


def _segments(words: Words) -> list[str]:
    """`segs 2 [ fd00::2 fd00::3 ]`: where a segment-routed packet comes past."""
    taken = [words.take(), words.take()]
    word = words.take()
    if word != "[":
        raise words.unknown(word)
    taken.append(word)
    while word != "]":
        word = words.take()
        taken.append(word)
    return taken
