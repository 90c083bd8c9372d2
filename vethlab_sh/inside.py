"""How is a line typed for another namespace, and which names may a namespace have?"""

from __future__ import annotations

import os
import shlex

from .errors import BadName
from .sandbox import HOSTNAME


def typed_at(machine: str, line: str) -> str:
    """The line as it is typed on master to run on another machine, a namespace that plays one.

    >>> typed_at("node2", "ip route"), typed_at("node2", "ip route | wc -l")
    ('ip netns exec node2 ip route', "ip netns exec node2 bash -c 'ip route | wc -l'")
    """
    if machine == HOSTNAME:
        return line
    plain = all(word == shlex.quote(word) for word in line.split()) and "=" not in line.split()[0]
    return f"ip netns exec {machine} {line if plain else f'bash -c {shlex.quote(line)}'}"


OF_THE_SHELL = set(";&|<>()$`\\\"'*?[]{}!#~^")
NAME_LIMIT = 15  # IFNAMSIZ is 16 bytes, the last of them a zero: include/uapi/linux/if.h


def check_name(name: str, what: str = "a network namespace") -> str:
    """The name itself, when the kernel and `ip` would take it; else BadName with the rule.

    The rule for devices is the kernel's dev_valid_name(); ours adds the leading dash, which `ip` would read as an
    option, and a shell's signs, and holds namespaces to the same rule, so that one rule is to be learned.
    """
    size = len(os.fsencode(name))
    rules = (
        (not name, "it is empty"),
        (size > NAME_LIMIT, f"a name has at most {NAME_LIMIT} bytes, this one has {size}"),
        ("/" in name or ":" in name, "a name holds no slash and no colon"),
        (any(c.isspace() or not c.isprintable() for c in name), "a name holds no space and no control character"),
        (
            bool(OF_THE_SHELL & set(name)),
            f"a name holds none of the shell's own signs ({' '.join(sorted(OF_THE_SHELL))})",
        ),
        (name.startswith("-"), "a leading dash would be read as an option"),
        (name in (".", ".."), "this is a folder, not a name"),
    )
    for broken, rule in rules:
        if broken:
            raise BadName(name, f"{rule} ({what})")
    return name
