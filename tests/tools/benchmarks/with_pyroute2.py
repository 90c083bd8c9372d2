"""Print how long pyroute2 takes: `build N` hosts on a bridge, or `read` all namespaces. To be run in a lab."""

import sys
import time
from socket import AF_BRIDGE

from pyroute2 import IPRoute, NetNS, netns


def build(hosts: int) -> None:
    with IPRoute() as ip:
        ip.link("add", ifname="br0", kind="bridge", state="up")
        (bridge,) = ip.link_lookup(ifname="br0")
        for n in range(100, 100 + hosts):
            netns.create(f"ns{n}")
            peer = {"ifname": f"veth{n}", "net_ns_fd": f"ns{n}"}
            ip.link("add", ifname=f"br-veth{n}", kind="veth", peer=peer)
            (port,) = ip.link_lookup(ifname=f"br-veth{n}")
            ip.link("set", index=port, master=bridge, state="up")
            with NetNS(f"ns{n}") as inside:
                (end,) = inside.link_lookup(ifname=f"veth{n}")
                inside.addr("add", index=end, address=f"192.168.1.{n}", prefixlen=24)
                inside.link("set", index=end, state="up")


def read() -> None:
    with IPRoute() as ip:
        tables(ip)
    for name in netns.listnetns():
        with NetNS(name) as ip:
            tables(ip)


def tables(ip: IPRoute) -> None:
    kinds = {link.get_nested("IFLA_LINKINFO", "IFLA_INFO_KIND") for link in ip.get_links()}
    for answers in (ip.get_addr(), ip.get_routes(), ip.get_neighbours()):
        list(answers)
    if kinds & {"bridge", "vxlan"}:
        list(ip.get_neighbours(AF_BRIDGE))


start = time.perf_counter()
read() if sys.argv[1] == "read" else build(int(sys.argv[2]))
print(time.perf_counter() - start)
