"""Which words does `-d` add to a device? Those of its kind, in `ip -d link` and `ip -d addr` (ip-link(8)).

Every word stays in the row's `details`; what we teach has a column besides. The vocabulary of every device, of
bridges, of their ports and of VXLANs is iproute2's own, versions 3 to 7, and a word that is not in it is refused. Of
other kinds every word is taken: few of them have a column, and drivers add theirs.

>>> from .words import Words
>>> row = {"details": []}
>>> kind(Words("ip link", "vxlan id 1 local 10.4.0.21 dev eth0 srcport 0 0 dstport 8472 nolearning ttl auto", 1), row)
>>> row["kind"], row["vxlan_id"], row["vxlan_learning"], row["details"][0][-22:]
('vxlan', 1, False, '72 nolearning ttl auto')
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from .words import Pairs, Row, Words, number, on_off, text

TUNNELS = (
    "ipip", "sit", "gre", "gretap", "ip6gre", "ip6gretap", "ip6tnl", "vti", "vti6", "erspan", "ip6erspan",
)  # fmt: skip
TUNNEL: Pairs = {"local": ("tunnel_local", text), "remote": ("tunnel_remote", text)}
MODE: Pairs = {"mode": ("mode", text)}
WITH_COLUMN: dict[str, Pairs] = {
    "vxlan": {
        "id": ("vxlan_id", number),
        "vnifilterid": ("vxlan_id", number),  # iproute2 6.1 forgets the space after `vnifilter`
        "local": ("vxlan_local", text),
        "local6": ("vxlan_local", text),
        "remote": ("vxlan_remote", text),
        "group": ("vxlan_remote", text),
        "dev": ("vxlan_dev", text),
        "dstport": ("vxlan_port", number),
    },
    "bridge": {
        "bridge_id": ("bridge_id", text),
        "stp_state": ("stp_state", number),
        "vlan_filtering": ("vlan_filtering", number),
    },
    "bridge_slave": {
        "state": ("port_state", text),
        "hairpin": ("hairpin", on_off),
    },
    "vlan": {"id": ("vlan_id", number)},
    "vrf": {"table": ("vrf_table", text)},
    "vrf_slave": {"table": ("vrf_table", text)},
    **dict.fromkeys(("macvlan", "macvtap", "ipvlan", "ipvtap", "netkit", "bond"), MODE),
    **dict.fromkeys(TUNNELS, TUNNEL),
}

# Words with a value. Those of "" stand on any line of any device.
PAIRS: dict[str, str] = {
    "": "promiscuity allmulti minmtu maxmtu addrgenmode numtxqueues numrxqueues gso_max_size gso_max_segs tso_max_size "
        "tso_max_segs gro_max_size gso_ipv4_max_size gro_ipv4_max_size max_pacing_offload_horizon portid portname "
        "switchid parentbus parentdev protodown protodown_reason dpll-pin event new-netnsid new-netns new-ifindex",
    "bridge": "forward_delay hello_time max_age ageing_time priority vlan_protocol vlan_default_pvid "
        "vlan_stats_enabled vlan_stats_per_port designated_root root_port root_path_cost topology_change "
        "topology_change_detected hello_timer tcn_timer topology_change_timer gc_timer group_fwd_mask "
        "group_fwd_mask_str group_address mcast_snooping no_linklocal_learn mcast_vlan_snooping mst_enabled "
        "mdb_offload_fail_notification stp_mode mcast_querier_ipv4_other_timer mcast_querier_ipv6_other_timer "
        "fdb_local_vlan_0 fdb_n_learned fdb_max_learned mcast_router mcast_query_use_ifaddr mcast_querier "
        "mcast_querier_ipv4_addr mcast_querier_ipv4_port mcast_querier_ipv6_addr mcast_querier_ipv6_port "
        "mcast_hash_elasticity mcast_hash_max mcast_last_member_count mcast_startup_query_count "
        "mcast_last_member_interval mcast_membership_interval mcast_querier_interval mcast_query_interval "
        "mcast_query_response_interval mcast_startup_query_interval mcast_stats_enabled mcast_igmp_version "
        "mcast_mld_version nf_call_iptables nf_call_ip6tables nf_call_arptables",
    "bridge_slave": "priority cost guard root_block fastleave learning flood port_id port_no designated_port "
        "designated_cost designated_bridge designated_root hold_timer message_age_timer forward_delay_timer "
        "topology_change_ack config_pending proxy_arp proxy_arp_wifi mcast_router mcast_fast_leave mcast_flood "
        "bcast_flood mcast_to_unicast mcast_n_groups mcast_max_groups neigh_suppress neigh_vlan_suppress "
        "neigh_forward_grat group_fwd_mask group_fwd_mask_str group_fwd_maskhi group_fwd_maskhi_str vlan_tunnel "
        "isolated locked mab backup_port backup_nhid",
    "vxlan": "tos ttl flowlabel label_policy df ageing maxaddr reserved_bits",
}  # fmt: skip
# Words that stand alone.
FLAGS: dict[str, str] = {
    "": "netns-immutable",
    "vxlan": "external vnifilter learning nolearning proxy rsc l2miss l3miss udpcsum noudpcsum udp6zerocsumtx "
        "noudp6zerocsumtx udp6zerocsumrx noudp6zerocsumrx remcsumtx remcsumrx gbp gpe localbypass nolocalbypass",
}  # fmt: skip
STRICT = ("", "vxlan", "bridge", "bridge_slave")

# The kinds of Linux (rtnl_link_ops of its drivers), and what a port of theirs is: `bridge_slave`.
KINDS = {
    "amt", "bareudp", "batadv", "bond", "bridge", "can", "caif", "dsa", "dummy", "geneve", "gtp", "hsr", "ifb", "ipoib",
    "ipvlan", "ipvtap", "lowpan", "macsec", "macvlan", "macvtap", "netdevsim", "netkit", "nlmon", "openvswitch",
    "ovpn", "pfcp", "ppp", "rmnet", "team", "tun", "vcan", "veth", "virt_wifi", "vlan", "vrf", "vsockmon", "vxcan",
    "vxlan", "wireguard", "wwan", "xfrm", *TUNNELS,
}  # fmt: skip
PROGRAM = re.compile(r"prog/xdp(drv|generic|offload)?")  # a program that sees each packet first
FUNCTION = "vf"  # a virtual function of a network card (SR-IOV)
IN_BRACKETS = re.compile(r"<[A-Z0-9_,-]*>")
# What a kind says on further lines; iproute2 4.2 to 4.4 wrote a newline too many into that of a bond's port.
GOES_ON = {
    "ingress-qos-map": "vlan",
    "egress-qos-map": "vlan",
    "ad_partner_oper_port_state": "bond_slave",
    "ad_partner_oper_port_state_str": "bond_slave",
}
SEVERAL_LINES = {"can"}  # kinds that always say more than fits on one line
OF_OTHERS = {"inet", "inet6", "valid_lft", "altname", "alias"}  # with these another line begins


def _vocabulary(words: Mapping[str, str]) -> dict[str, frozenset[str]]:
    """The words of each strict kind, those of every device among them; under "" these alone."""
    everywhere = words[""].split()
    vocabulary = {}
    for kind in STRICT:
        own = words[kind] if kind and kind in words else ""
        vocabulary[kind] = frozenset(everywhere + own.split())
    return vocabulary


WITH_VALUE = _vocabulary(PAIRS)
ALONE = _vocabulary(FLAGS)


def kind(words: Words, row: Row) -> None:
    """The line of a device's kind (`vxlan id 1 ...`), of what it is a port of (`bridge_slave ...`), or more of them."""
    name = words.peek()
    if name == FUNCTION:
        row["details"].append(words.rest())
        return
    if _goes_on(name, row):
        row["details"][-1] += " " + " ".join(_loosely("", words, row))
        return
    if not _is_kind(words):
        raise words.unknown(name)
    words.take()
    if not name.endswith("_slave") and not PROGRAM.fullmatch(name):
        row["kind"] = name
    if name == "vxlan":
        row["vxlan_learning"] = not words.has("nolearning")
    kept = _strictly(name, words, row) if name in STRICT else _loosely(name, words, row)
    row["details"].append(" ".join([name, *kept]))


def has_functions(row: Row) -> bool:
    """Whether virtual functions stand below a device: counters below them are theirs."""
    return any(detail.startswith(f"{FUNCTION} ") for detail in row["details"])


def others(words: Words, row: Row) -> None:
    """The words that -d adds to a line of every device: `promiscuity 0 minmtu 68 ...`."""
    kept = _strictly("", words, row)
    if kept:
        row["details"].append(" ".join(kept))


def _is_kind(words: Words) -> bool:
    """Whether a line is a kind's: one that is known, or one with the words of every device behind it."""
    name = words.peek()
    if name.removesuffix("_slave") in KINDS or PROGRAM.fullmatch(name):
        return True
    return words.word(1) in WITH_VALUE[""] and name not in WITH_VALUE[""]


def _goes_on(word: str, row: Row) -> bool:
    """Whether a line that begins with this word belongs to the kind on the line before."""
    if not row["details"]:
        return False
    before, _, _ = row["details"][-1].partition(" ")
    if GOES_ON.get(word) == before:
        return True
    return before in SEVERAL_LINES and word.removesuffix("_slave") not in KINDS


def _strictly(name: str, words: Words, row: Row) -> list[str]:
    """All words of a line, each of which must be known; those with a column go there too."""
    with_column = WITH_COLUMN.get(name, {})
    kept = []
    while words:
        word = words.take()
        kept.append(word)
        if word in with_column:
            kept.append(words.peek())
            column, reader = with_column[word]
            row[column] = reader(words)
        elif word in WITH_VALUE[name]:
            kept.append(words.take())
        elif word == "srcport" and name == "vxlan":  # two ports, the first and the last to send from
            kept += [str(words.take_int()), str(words.take_int())]
        elif word not in ALONE[name] and not IN_BRACKETS.fullmatch(word):
            raise words.unknown(word)
    return kept


def _loosely(name: str, words: Words, row: Row) -> list[str]:
    """All words of a line, whatever they are, as long as no other line was joined to it."""
    with_column = WITH_COLUMN.get(name, {})
    kept = []
    while words:
        word = words.take()
        if word in OF_OTHERS or word.startswith("link/"):
            raise words.unknown(word)
        kept.append(word)
        if word in with_column:
            kept.append(words.peek())
            column, reader = with_column[word]
            row[column] = reader(words)
    return kept
