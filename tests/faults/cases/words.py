"""How is it said? For each cause the words that name it."""

DOWN = ("down", "switched off", "not up")
DROPS = ("drop*", "discards", "swallows")
NOBODY = (
    "nobody has",
    "no namespace has",
    "no device has",
    "no one has",
    "belongs to nobody",
    "nobody's",
    "does not exist",
)
UNPLUGGED = ("no master", "not a port", "no port of", "not plugged", "without a master", "in no bridge")
NO_WAY_BACK = ("no route back", "no way back", "no default route")
FORWARDING_OFF = (
    "forwarding is off",
    "forwarding off",
    "forwarding-off",
    "forwarding=0",
    "ip_forward",
    "does not forward",
)
RULE = ("rule", "policy routing")
RP_FILTER = ("rp_filter", "rp-filter", "reverse path", "reverse-path")
REWRITTEN = ("DNAT", "SNAT", "NAT", "rewrit*", "translat*")
NFT = ("nft", "nftables")
REFUSED = ("refused", "nobody listens", "nothing listens", "no one listens", "not listening", "no listener")
CAME_BACK = ("reached", "reaches", "came back", "answered", "answers")
ITSELF = ("itself", "its own", "own address", "own lo", "its lo")
TWICE = ("also", "too", "twice", "both", "duplicate", "same address", "as well", "second time")
LOOP = ("loop*", "each other", "back and forth", "round and round", "in a circle", "in circles", "to and fro")
QDISC = ("qdisc", "queue", "queueing", "tc")
FILTERS = ("iptables", "nft", "ebtables", "firewall")  # where none of them does anything

# --- netfilter: how families, tables, chains, and rules or policies are called ------------------------------------

IPTABLES = ("iptables", "table ip", "ip filter", "ip nat", "ip mangle", "ip raw", "family ip")
LEGACY = ("iptables-legacy", "legacy")
IP6 = ("ip6tables", "table ip6", "ip6 filter", "ip6 nat", "ip6", "family ip6")
INET = ("inet",)
ARP_FAMILY = ("arptables", "table arp", "nft arp", "arp filter", "family arp")
BRIDGE_FAMILY = ("ebtables", "table bridge", "nft bridge", "bridge filter", "bridge f", "family bridge")
NETDEV = ("netdev",)

Words = tuple[tuple[str, ...], ...]


def policy(chain: str, table: str = "filter", family: tuple[str, ...] = IPTABLES) -> Words:
    """What a verdict about a chain's policy is to name."""
    return family, (table,), (chain,), ("policy",)


def rule(chain: str, *words: str, table: str = "filter", family: tuple[str, ...] = IPTABLES) -> Words:
    """What a verdict about a rule is to name; words: each tells this rule from others."""
    return family, (table,), (chain,), words
