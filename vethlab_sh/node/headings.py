"""Which place does a line of prose announce? `On node-b:`, `### worker1`, `节点2：`, `In the container:`.

A heading names what comes after it. One that speaks of another place without its name tells at least that it is
another. A word is a machine's name only where it looks like one, or where `node`, `host`, `节点` stands by it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

NAME = r"[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?"
MACHINE = r"(?:node|host|machine|server|router|hypervisor|instance|vm|节点|主机|机器|服务器|虚拟机|宿主机)"
POD = r"(?:pod|container|容器|netns|network namespace)"
QUOTED_NAME = rf"[`'\"“]?(?P<name>{NAME})[`'\"”]?"
END = r"\s*(?:\([^()]*\)|（[^（）]*）)?\s*(?:[:：.,，。]|上|里|中|内|#+|=+|-+)*\s*$"
DECORATION = re.compile(r"^[\s#=*_>+–—-]+|[\s#=*_–—-]+$")
KIND = rf"(?P<kind>{MACHINE}|{POD})"
BEFORE = r"(?:.*?\b)?"  # what may stand before the place: `here is the output of ip a on node-b:`
THE = r"(?:the\s+|my\s+)?"
ADJECTIVE = (
    r"(?:(?:worker|master|control[ -]?plane|first|second|third|other|new|old|remote|compute|k8s|kubernetes)\s+)?"
)
CHINESE_VERB = r"(?:上|里|中|内|执行|查看|看)[^，。]*"
PATTERNS = tuple(
    re.compile(pattern, re.I)
    for pattern in (
        # on the worker node node-b: / in pod web-1:
        rf"{BEFORE}(?:on|from|at|in|inside|of|within)\s+{THE}{ADJECTIVE}{KIND}\s+{QUOTED_NAME}{END}",
        # on node-b: / from the master node:
        rf"{BEFORE}(?:on|from|at|of|inside|within)\s+{THE}{QUOTED_NAME}(?:\s+{KIND})?{END}",
        # 在 node-b 上： / 在节点 node-b 上执行：
        rf".*?[在到从]\s*(?:{KIND}\s*)?{QUOTED_NAME}\s*(?P<kind2>{MACHINE}|{POD})?\s*{CHINESE_VERB}{END}",
        # node node-b: / Node 2: / 节点2： / pod web-1
        rf"{KIND}\s*[:：]?\s*{QUOTED_NAME}{END}",
        rf"{QUOTED_NAME}\s*{KIND}{END}",
        # the worker's devices:
        rf"(?:and\s+)?(?:the\s+)?{QUOTED_NAME}['’]s\s+[\w /-]+[:：]\s*",
        # node-b:
        rf"{QUOTED_NAME}{END}",
    )
)
OTHER_PLACE = re.compile(
    rf"(?:.*\b)?(?:on|from|at|in|inside|within)\s+(?:the\s+|an?\s+|my\s+)?"
    rf"(?:(?P<other>other|another|second|third|2nd|3rd|remote|peer|first|1st)\s+)?(?P<kind>{MACHINE}|{POD}){END}"
    rf"|.*(?P<other2>另一|另外|第[二三四2-4]|其他|对端|远端)\S{{0,2}}?(?P<kind2>{MACHINE}|{POD}).*"
    rf"|(?:.*[在进入到看]\s*)?(?P<kind3>{POD}|{MACHINE})\s*(?:里面|里|中|内|上|内部)+[^，。]*{END}",
    re.I,
)
# A sentence: words of letters, and the sign that ends it
SENTENCE = re.compile(r"[A-Za-z(\"'“][^|=<>{}\[\]]*[.!?:…)\"”]\s*$")
WORD = re.compile(r"[(\"'“‘]?[A-Za-z][A-Za-z'’-]*[.,;:!?)\"'”’]*")
FEWEST_WORDS = 6
CHINESE_PUNCTUATION = re.compile(r"[，。！？；：]")
CHINESE = re.compile(r"[\u4e00-\u9fff\uff00-\uffef\u3000-\u303f]")
# Words that name a machine though they have no digit and no hyphen
ROLES = {
    "master", "worker", "controlplane", "control", "server", "agent", "client", "router", "gateway", "bastion", "host",
    "node", "kube", "minion", "alpha", "beta", "gamma", "vm",
}  # fmt: skip
PODS_OF_KIND = re.compile(POD, re.I)
# What stands where a name could, and is none
NO_NAMES = {
    "the", "a", "an", "this", "that", "same", "other", "another", "both", "all", "each", "every", "any", "my", "our",
    "it", "them", "here", "there", "which", "where", "is", "are", "was", "with", "and", "or", "to", "itself", "side",
    "above", "below", "output", "result", "running", "level", "network", "networking", "ip", "port", "name", "names",
    "info", "information", "status", "list", "version", "config", "configuration", "details", "logs", "log", "ready",
    "machine", "machines", "hosts", "nodes", "pods", "containers", "one", "two", "affected", "failing",
}  # fmt: skip
DISTRIBUTIONS = re.compile(
    r"(ubuntu|debian|centos|fedora|rhel|rocky|alma\w*|arch|alpine|linux|kernel|kubernetes|k8s|k3s|k0s|rke2?|kubeadm"
    r"|docker|containerd|flannel|calico|cilium|canal|weave|aws|gcp|azure|windows|macos|kind|minikube|iptables|ipvs"
    r"|vxlan|ipv4|ipv6|v\d[\w.]*|\d[\d.]*|step-?\d*|[a-z]+\.(?:ya?ml|txt|log|sh|md|go|json|conf))[\d.-]*",
    re.I,
)
DEVICE = re.compile(r"(eth|ens|enp|eno|cni|veth|docker|flannel|cali|br|tun|tunl|tap|wlan|vxlan|lo|bond|wg)[\w.-]*")
NUMBER = re.compile(r"[A-Z]|\d{1,2}")  # node A, node 2
LONGEST, LONGEST_SENTENCE = 120, 400
CODE = re.compile(r"`([^`]+)`")


@dataclass(frozen=True)
class Heading:
    """A place that a line announces: its name, or None for another place without one; whether it is a pod."""

    name: str | None
    is_pod: bool = False


def heading(line: str) -> Heading | None:
    """The place that a line of prose announces; None where it announces none.

    >>> heading("On node-b:"), heading("On eth0:"), heading("In the container:")
    (Heading(name='node-b', is_pod=False), None, Heading(name=None, is_pod=True))
    """
    text = DECORATION.sub("", line)
    if not text or len(text) > LONGEST:
        return None
    for pattern in PATTERNS:
        found = pattern.fullmatch(text)
        if found:
            announced = _named(line, text, found)
            if announced:
                return announced
    other = OTHER_PLACE.fullmatch(text)
    return _other(other) if other else None


def is_prose(line: str) -> bool:
    """Whether a line is a sentence that somebody wrote between commands, and none that a program printed.

    >>> is_prose("So the ping works, but large downloads hang."), is_prose("RTNETLINK answers: File exists")
    (True, False)
    """
    text = line.strip()
    if len(text) > LONGEST_SENTENCE or not text:
        return False
    if len(CHINESE.findall(text)) * 5 > len(text) and CHINESE_PUNCTUATION.search(text):
        return True
    words = text.split()
    if len(words) < FEWEST_WORDS or not SENTENCE.match(text):
        return False
    plain = sum(1 for word in words if WORD.fullmatch(word))
    return plain * 5 >= len(words) * 4


def _named(line: str, text: str, found: re.Match[str]) -> Heading | None:
    groups = found.groupdict()
    kind = groups.get("kind") or groups.get("kind2")
    name = groups["name"].strip(".")
    is_pod = kind is not None and PODS_OF_KIND.fullmatch(kind) is not None
    if kind and NUMBER.fullmatch(name):
        is_one_word = f"{kind}{name}" in text
        joint = "" if is_one_word or not kind.isascii() else " "
        return Heading(f"{kind.lower()}{joint}{name}", is_pod)
    if name.lower() in NO_NAMES or DEVICE.fullmatch(name):
        return None
    if is_pod:
        return Heading(name, is_pod=True)
    if DISTRIBUTIONS.fullmatch(name) or not _looks_like_host(name):
        return None
    alone = text.rstrip(":： ") == name
    if alone and not _is_set_off(line):
        return None
    return Heading(name)


def _looks_like_host(name: str) -> bool:
    """Whether a word looks like a machine's name: letters with a digit or hyphen, or a role that machines have."""
    if name.lower() in ROLES:
        return True
    if not any(letter.isalpha() for letter in name):
        return False
    has_digit = any(letter.isdigit() for letter in name)
    if has_digit and not name[0].isdigit():
        return True
    hyphenated = re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)+", name) is not None
    return hyphenated and (name[-2] == "-" or any(part in ROLES for part in name.split("-")))


def _is_set_off(line: str) -> bool:
    """Whether a line is set off as a heading: it ends with a colon, or has a heading's signs around it."""
    text = line.strip()
    return text.endswith((":", "：")) or text.startswith(("#", "=", "-", "*", "+"))


def _other(found: re.Match[str]) -> Heading | None:
    groups = found.groupdict()
    kind = groups["kind"] or groups["kind2"] or groups["kind3"]
    return Heading(None, PODS_OF_KIND.fullmatch(kind) is not None)
