"""Which words of `ip link add` make a device of this kind again? Those after `type KIND`, for options not as usual."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from ipaddress import ip_address

from ..errors import CannotSave
from ..inside import quoted
from ..language import marked, tr
from .contents import BOND, BRIDGE, Contents, Options, differing

BRIDGE_OPTIONS = (
    "forward_delay", "hello_time", "max_age", "ageing_time", "stp_state", "priority", "group_fwd_mask",
    "mcast_snooping", "mcast_querier", "nf_call_iptables", "nf_call_ip6tables", "nf_call_arptables", "vlan_filtering",
    "vlan_protocol", "vlan_default_pvid", "vlan_stats_enabled", "vlan_stats_per_port",
)  # fmt: skip
# As `ip link add` reads them, in an order in which each is allowed after those before it; bond_options.c
BOND_OPTIONS = (
    "mode", "miimon", "updelay", "downdelay", "peer_notify_delay", "use_carrier", "arp_interval", "arp_validate",
    "arp_all_targets", "arp_missed_max", "primary_reselect", "fail_over_mac", "xmit_hash_policy", "resend_igmp",
    "num_peer_notif", "all_slaves_active", "min_links", "lp_interval", "packets_per_slave", "ad_lacp_active",
    "ad_lacp_rate", "ad_select", "tlb_dynamic_lb",
)  # fmt: skip
BOND_WORDS = {"ad_lacp_active": "lacp_active", "ad_lacp_rate": "lacp_rate", "num_peer_notif": "num_grat_arp"}
NOT_REMADE = ("vnifilter",)  # of a VXLAN device


def _no_words(options: Options, usual: Contents) -> Iterable[str]:
    return ()


def _bridge(options: Options, usual: Contents) -> Iterable[str]:
    return differing(BRIDGE_OPTIONS, options, usual.devices[BRIDGE].options)


def _vxlan(options: Options, usual: Contents) -> Iterator[str]:
    for name in NOT_REMADE:
        if options.get(name):
            raise CannotSave(tr("I do not know how to make a vxlan device with `{name}` again.", name=name))
    is_external = options.get("external")
    yield "external" if is_external else f"id {options['id']}"
    for word in ("local", "remote", "group"):
        for key in (word, f"{word}6"):
            if key in options:
                yield f"{word} {options[key]}"
    if "link" in options:
        yield f"dev {quoted(options['link'])}"
    sources = options.get("port_range", {})
    if any(sources.values()):
        yield f"srcport {sources['low']} {sources['high']}"
    yield f"dstport {options['port']}"
    yield from _outer_header(options)
    if options.get("ageing", 300) != 300:
        yield f"ageing {options['ageing']}"
    if options.get("limit"):
        yield f"maxaddress {options['limit']}"
    for word in ("proxy", "rsc", "l2miss", "l3miss", "gbp", "gpe"):
        if options.get(word):
            yield word
    if not options.get("learning", True):
        yield "nolearning"
    elif is_external:
        yield "learning"
    yield from _checksums(options, {"udp_csum": True})


def _outer_header(options: Options) -> Iterator[str]:
    """What the header around the packets gets: ttl, tos, and whether it may be cut up."""
    ttl = options.get("ttl", 0)
    if ttl not in (0, "inherit"):
        yield f"ttl {ttl}"
    if options.get("tos") not in (None, 0, "0x0"):
        yield f"tos {options['tos']}"
    if options.get("df") not in (None, "unset"):
        yield f"df {options['df']}"


def _checksums(options: Options, usual: Mapping[str, bool]) -> Iterator[str]:
    """Which checksums are made, where that is not as usual."""
    words = {
        "udp_csum": ("noudpcsum", "udpcsum"),
        "udp_zero_csum6_tx": ("noudp6zerocsumtx", "udp6zerocsumtx"),
        "udp_zero_csum6_rx": ("noudp6zerocsumrx", "udp6zerocsumrx"),
    }
    for key, (off, on) in words.items():
        value = options.get(key)
        if value is not None and value != usual.get(key, False):
            yield on if value else off


def _geneve(options: Options, usual: Contents) -> Iterator[str]:
    yield "external" if options.get("external") else f"id {options['id']}"
    for key in ("remote", "remote6"):
        if key in options:
            yield f"remote {options[key]}"
    yield f"dstport {options['port']}"
    yield from _outer_header(options)
    yield from _checksums(options, {"udp_zero_csum6_rx": True})


def _vlan(options: Options, usual: Contents) -> Iterator[str]:
    yield f"protocol {options['protocol']}"
    yield f"id {options['id']}"
    flags = options.get("flags", ())
    if "REORDER_HDR" not in flags:
        yield "reorder_hdr off"
    for flag in ("GVRP", "MVRP", "LOOSE_BINDING", "BRIDGE_BINDING"):
        if flag in flags:
            yield f"{flag.lower()} on"
    for key, word in (("ingress_qos", "ingress-qos-map"), ("egress_qos", "egress-qos-map")):
        pairs = [f"{row['from']}:{row['to']}" for row in options.get(key, ())]
        if pairs:
            yield f"{word} {' '.join(pairs)}"


def _macvlan(options: Options, usual: Contents) -> Iterator[str]:
    yield f"mode {options['mode']}"
    if options.get("nopromisc"):
        yield "nopromisc"


def _ipvlan(options: Options, usual: Contents) -> Iterator[str]:
    yield f"mode {options['mode']}"
    for word in ("private", "vepa"):
        if options.get(word):
            yield word


def _bond(options: Options, usual: Contents) -> Iterator[str]:
    ordinary = usual.devices[BOND].options if BOND in usual.devices else {}
    for name in BOND_OPTIONS:
        if name in options and options[name] != ordinary.get(name):
            value = options[name]
            number = int(value) if isinstance(value, bool) else value
            yield f"{BOND_WORDS.get(name, name)} {number}"
    targets = options.get("arp_ip_target")
    if targets:
        yield f"arp_ip_target {','.join(targets)}"


def _vrf(options: Options, usual: Contents) -> Iterator[str]:
    yield f"table {options['table']}"


def _ip_tunnel(options: Options, usual: Contents) -> Iterator[str]:
    """IPIP, SIT, GRE and the like; ip-link(8) has a paragraph for each."""
    if options.get("encap"):
        raise CannotSave(tr("I do not know how to make a tunnel with `encap` again."))
    if options.get("external"):
        yield "external"
        return
    if "proto" in options:
        yield f"mode {options['proto']}"
    for word in ("remote", "local"):
        if options.get(word, "any") != "any":
            yield f"{word} {options[word]}"
    if "link" in options:
        yield f"dev {quoted(options['link'])}"
    is_over_ipv6 = "encap_limit" in options or "ip6_tnl_f_ign_encap_limit" in options
    usual_ttl = 64 if is_over_ipv6 else 0
    if options.get("ttl", usual_ttl) != usual_ttl:
        yield f"ttl {options['ttl']}"
    if options.get("tos") not in (None, 0, "0x0"):
        yield f"tos {options['tos']}"
    if options.get("pmtudisc") is False:
        yield "nopmtudisc"
    yield from _of_gre(options)
    if is_over_ipv6:
        yield from _of_ipv6(options)


def _of_gre(options: Options) -> Iterator[str]:
    for word in ("ikey", "okey"):
        if word in options:
            number = int(ip_address(options[word]))  # which iproute2 prints as if it were an address
            yield f"{word} {number}"
    for word in ("iseq", "oseq", "icsum", "ocsum"):
        if options.get(word):
            yield word
    if options.get("ignore_df"):
        yield "ignore-df"
    if "erspan_ver" in options:
        yield f"erspan_ver {options['erspan_ver']}"
    if options.get("erspan_index"):
        yield f"erspan {options['erspan_index']}"


def _of_ipv6(options: Options) -> Iterator[str]:
    if options.get("ip6_tnl_f_ign_encap_limit"):
        yield "encaplimit none"
    elif options.get("encap_limit", 4) != 4:
        yield f"encaplimit {options['encap_limit']}"
    if options.get("tclass") not in (None, "0x00"):
        yield f"tclass {options['tclass']}"
    if options.get("flowlabel") not in (None, "0x00000"):
        yield f"flowlabel {options['flowlabel']}"


ON_A_DEVICE = ("vlan", "macvlan", "macvtap", "ipvlan", "ipvtap")  # kinds that are made with `link DEVICE`
# Kinds that `ip` cannot tell all of
UNTOLD = {"wireguard": marked("its keys are told by `wg`, not by `ip`")}
KINDS: dict[str, Callable[[Options, Contents], Iterable[str]]] = {
    "dummy": _no_words,
    "ifb": _no_words,
    "team": _no_words,
    "bridge": _bridge,
    "vxlan": _vxlan,
    "geneve": _geneve,
    "vlan": _vlan,
    "macvlan": _macvlan,
    "macvtap": _macvlan,
    "ipvlan": _ipvlan,
    "ipvtap": _ipvlan,
    "bond": _bond,
    "vrf": _vrf,
    **dict.fromkeys(("ipip", "sit", "gre", "gretap", "erspan", "ip6tnl", "ip6gre", "ip6gretap"), _ip_tunnel),
}
