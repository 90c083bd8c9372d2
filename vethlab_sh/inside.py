"""How is a line typed for another namespace, and how may that be called? After `ip netns exec`; as a device may.

`ip netns exec NAMESPACE LINE`; a line that bash has to read first goes through `bash -c` in there.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Iterator

from .errors import BadName
from .language import marked, tr
from .sandbox import HOSTNAME

# One command whose words bash hands on as they are: letters that mean nothing to it, and quoted pieces in which it
# replaces nothing. A newline outside of quotes begins another command, so it is none of them.
ONE_COMMAND = re.compile(r"""(?:[\w@%+=:,./ \t-]|'[^']*'|"[^"$`\\]*")+""", re.ASCII)


def inside(namespace: str, line: str) -> str:
    """The line as it is typed on master to run in one of the lab's namespaces; on master as it is.

    >>> print(inside("node2", "ip route"))
    ip netns exec node2 ip route
    >>> print(inside("node2", "ip route | wc -l"))
    ip netns exec node2 bash -c 'ip route | wc -l'
    >>> print(inside("node2", "tcpdump -c 1 'arp or icmp'"))
    ip netns exec node2 tcpdump -c 1 'arp or icmp'
    """
    entering = " ".join(quoted(word) for word in way_into(namespace))
    if not entering:
        return line
    if _is_one_command(line):
        return f"{entering} {line}"
    return f"{entering} bash -c {shlex.quote(line)}"


def all_inside(namespace: str, lines: Iterable[str]) -> tuple[str, ...]:
    """The lines, each as it is typed on master to run in this namespace."""
    return tuple(inside(namespace, line) for line in lines)


def way_into(namespace: str) -> list[str]:
    """The words that stand before a program's own, so that it runs in this namespace; none on master.

    >>> way_into("ns1"), way_into("master")
    (['ip', 'netns', 'exec', 'ns1'], [])
    """
    if namespace == HOSTNAME:
        return []
    return ["ip", "netns", "exec", namespace]


def quoted(word: str) -> str:
    """A word as bash reads it, with no sign in it that a terminal obeys; bash(1), QUOTING.

    >>> print(quoted("br0"), quoted("$(id)"), quoted("a\\x1b'b"))
    br0 '$(id)' $'a\\x1b\\'b'
    """
    if word.isprintable():
        return shlex.quote(word)
    signs = []
    for byte in os.fsencode(word):
        sign = chr(byte)
        if sign in "\\'":
            sign = "\\" + sign
        elif not 0x20 <= byte < 0x7F:
            sign = f"\\x{byte:02x}"
        signs.append(sign)
    return "$'" + "".join(signs) + "'"


def _is_one_command(line: str) -> bool:
    """Whether `ip netns exec` can be given these words: a program and its arguments, all known before it starts."""
    if not ONE_COMMAND.fullmatch(line) or not line.strip():
        return False
    first = line.split()[0]
    return "=" not in first  # `A=b program` is for bash: no program has that name


SHELL_SIGNS = set(";&|<>()$`\\\"'*?[]{}!#~^")
NAME_LIMIT = 15  # IFNAMSIZ is 16 bytes, the last of them a zero: include/uapi/linux/if.h


def check_name(name: str, what: str = marked("a network namespace")) -> str:
    """The name itself, when the kernel and `ip` would take it; else BadName with the rule.

    The rule for devices is the kernel's dev_valid_name(); ours adds the leading dash, which `ip` would read as an
    option, and a shell's signs, and holds namespaces to the same rule, so that one rule is to be learned.
    """
    for rule in _broken_rules(name):
        raise BadName(name, tr("{rule} ({what})", rule=rule, what=tr(what)))
    return name


def _broken_rules(name: str) -> Iterator[str]:
    # A name is bytes to the kernel, and ü is two of them; half a pair of UTF-16 is none, and refused further below.
    size = len(name.encode(errors="surrogatepass"))
    if not name:
        yield tr("it is empty")
    if size > NAME_LIMIT:
        yield tr("a name has at most {limit} bytes, this one has {size}", limit=NAME_LIMIT, size=size)
    if "/" in name or ":" in name:
        yield tr("a name holds no slash and no colon")
    if any(sign.isspace() or not sign.isprintable() for sign in name):
        yield tr("a name holds no space and no control character")
    if SHELL_SIGNS & set(name):
        yield tr("a name holds none of the shell's own signs ({signs})", signs=" ".join(sorted(SHELL_SIGNS)))
    if name.startswith("-"):
        yield tr("a leading dash would be read as an option")
    if name in (".", ".."):
        yield tr("this is a folder, not a name")
