"""What did a command say, as rows? One dict for each thing that it tells of.

One module per command: text in, list of flat dicts out, nothing else touched. An unknown word is
`OutputNotUnderstood`, never a guess and never dropped.

jc (PyPI) was looked at for every command, and is not used. Tried with version 1.26.1:

- `ip route`: it reads `blackhole 10.6.0.0/26` as a route to "blackhole" and `nexthop via` as one to "nexthop", drops
  `onlink`, and passes over words that it does not know. The first and third are lessons here.
- `arp`: an IndexError for `arp -n | grep DEVICE`, which the article types, and for an empty table.
- `ping`: an IndexError where nothing was sent (`connect: Network is unreachable`), and no error messages as rows.
- `sysctl`: what it does not understand becomes a part of the value before it.
- `ifconfig`: it reads all our captures. Alone it is not worth a dependency that brings three more.
- `ip addr`, `ip link`, `ip neigh`, `ip netns`, `bridge`, `brctl`, `tcpdump`: it has none.
"""
