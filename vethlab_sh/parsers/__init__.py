"""What did a command say, as rows?

One module per command: text in, list of flat dicts out, nothing else touched. An unknown word is
`OutputNotUnderstood`, never a guess and never dropped.

jc (PyPI) has parsers for `ip route`, `arp`, `ping` and `ifconfig`, and is not used: it shrugs at words that it
does not know, loses the prefix of `blackhole 10.6.0.0/26` and drops `onlink`, both of which are lessons here.
It has none for `ip addr`, `ip link`, `ip neigh`, `bridge fdb`, `bridge link` and `brctl`.
"""
