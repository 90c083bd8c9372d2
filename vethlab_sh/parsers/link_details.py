"""Which words does `-d` add to a device? Those of its kind, in `ip -d link` and `ip -d addr` (ip-link(8)).

Every word stays in the row's `details`; what we teach has a column besides. The vocabulary is iproute2's own,
versions 3 to 7.

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
}

TUNNELS = (
    "ipip", "sit", "gre", "gretap", "ip6gre", "ip6gretap", "ip6tnl", "vti", "vti6", "erspan", "ip6erspan",
)  # fmt: skip
TUNNEL = (
    "remote local dev ttl hoplimit tos tclass encaplimit flowlabel (flowinfo key ikey okey fwmark encap encap-sport "
    "encap-dport 6rd-prefix 6rd-relay_prefix erspan_ver erspan_index erspan_dir erspan_hwid link if_id"
)
# Words with a value. Those of "" stand on any line of any device.
PAIRS: dict[str, str] = {
    "": "promiscuity allmulti minmtu maxmtu addrgenmode numtxqueues numrxqueues gso_max_size gso_max_segs tso_max_size "
        "tso_max_segs gro_max_size gso_ipv4_max_size gro_ipv4_max_size max_pacing_offload_horizon portid portname "
        "switchid parentbus parentdev protodown protodown_reason dpll-pin",
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
        "neigh_forward_grat group_fwd_mask group_fwd_mask_str vlan_tunnel isolated locked mab backup_port backup_nhid",
    "vxlan": "tos ttl flowlabel label_policy df ageing maxaddr reserved_bits",
    "geneve": "id remote ttl tos df flowlabel dstport",
    "vlan": "protocol id",
    "macvlan": "mode bcqueuelen usedbcqueuelen bclim",
    "ipvlan": "mode",
    "ovpn": "mode",
    "tun": "type pi vnet_hdr persist user group numqueues numdisabled one_queue",
    "netkit": "mode type policy scrub headroom tailroom",
    "vrf": "table", "vrf_slave": "table",
    "bond": "mode active_slave miimon updelay downdelay peer_notify_delay use_carrier arp_interval arp_ip_target "
        "ns_ip6_target arp_missed_max arp_validate arp_all_targets primary primary_reselect fail_over_mac "
        "xmit_hash_policy resend_igmp num_grat_arp all_slaves_active min_links lp_interval packets_per_slave "
        "lacp_active lacp_strict lacp_rate ad_select ad_actor_sys_prio ad_user_port_key ad_actor_system ad_aggregator "
        "ad_num_ports ad_actor_key ad_partner_key ad_partner_mac tlb_dynamic_lb coupled_control broadcast_neighbor",
    "bond_slave": "state mii_status link_failure_count perm_hwaddr queue_id prio ad_aggregator_id "
        "ad_actor_oper_port_state ad_actor_oper_port_state_str ad_partner_oper_port_state "
        "ad_partner_oper_port_state_str actor_port_prio churn_actor_state churn_partner_state",
    "xfrm": "if_id",
    "prog/xdp": "id name tag load_time created_by_uid btf_id",
    **dict.fromkeys(TUNNELS, TUNNEL),
}  # fmt: skip
# Words that stand alone.
FLAGS: dict[str, str] = {
    "": "netns-immutable",
    "vxlan": "external vnifilter learning nolearning proxy rsc l2miss l3miss udpcsum noudpcsum udp6zerocsumtx "
        "noudp6zerocsumtx udp6zerocsumrx noudp6zerocsumrx remcsumtx remcsumrx gbp gpe localbypass nolocalbypass",
    "geneve": "external udpcsum noudpcsum udp6zerocsumtx noudp6zerocsumtx udp6zerocsumrx noudp6zerocsumrx "
        "innerprotoinherit",
    "macvlan": "nopromisc nodst",
    "ipvlan": "bridge private vepa",
    "tun": "multi_queue",
    "netkit": "peer primary",
    "prog/xdp": "jited",
    "xfrm": "external",
    **dict.fromkeys(
        TUNNELS,
        "external pmtudisc nopmtudisc ignore-df iseq oseq icsum ocsum allow-localremote ip6ip any/ip any/any "
        "ipip mplsip ip6ip6 ipip6 isatap encap-csum noencap-csum encap-csum6 noencap-csum6 encap-remcsum "
        "noencap-remcsum",
    ),
}  # fmt: skip
SAME = {"macvtap": "macvlan", "ipvtap": "ipvlan"}  # kinds with the words of another
PLAIN = ["veth", "dummy", "ifb", "wireguard", "openvswitch", "openvswitch_slave", "nlmon", "vcan", "team", "team_slave"]

KINDS = {*PAIRS, *PLAIN, *SAME} - {""}
IN_BRACKETS = re.compile(r"<[A-Z0-9_,-]*>")


def _vocabulary(words: Mapping[str, str]) -> dict[str, frozenset[str]]:
    """The words of each kind, those of every device among them; under "" these alone."""
    everywhere = words[""].split()
    vocabulary = {"": frozenset(everywhere)}
    for kind in KINDS:
        own = words.get(SAME.get(kind, kind), "")
        vocabulary[kind] = frozenset(everywhere + own.split())
    return vocabulary


WITH_VALUE = _vocabulary(PAIRS)
ALONE = _vocabulary(FLAGS)


def kind(words: Words, row: Row) -> None:
    """The line of a device's kind (`vxlan id 1 ...`), or of what it is a port of (`bridge_slave ...`)."""
    name = words.take()
    if name not in KINDS:
        raise words.unknown(name)
    if not name.endswith("_slave") and name != "prog/xdp":
        row["kind"] = name
    if name == "vxlan":
        row["vxlan_learning"] = not words.has("nolearning")
    kept = _attributes(name, words, row)
    row["details"].append(" ".join([name, *kept]))


def others(words: Words, row: Row) -> None:
    """The words that -d adds to a line of every device: `promiscuity 0 minmtu 68 ...`."""
    kept = _attributes("", words, row)
    if kept:
        row["details"].append(" ".join(kept))


def _attributes(name: str, words: Words, row: Row) -> list[str]:
    """All words of a line; those with a column go there too."""
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
