"""Where does a command line run? In the pod, container, namespace or machine that its own words enter.

`sudo kubectl exec web -- ip a` runs in web, `ssh node2 ip netns exec ns9 bash` in ns9 on node2.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Set
from dataclasses import dataclass

SHELLS = {"sh", "bash", "ash", "dash", "zsh", "ksh", "fish"}
INTO_POD = {"kubectl", "k", "oc", "k3s", "microk8s", "minikube"}
INTO_CONTAINER = {"docker", "podman", "nerdctl", "crictl", "ctr", "lxc", "pct"}
WRAPPERS = {"sudo", "env", "time", "timeout", "watch", "command"}
# Options that a value follows: of kubectl, docker and ssh; of the wrappers.
WITH_VALUE = {
    "-n", "-c", "-f", "-u", "-w", "-e", "-l", "-i", "-p", "-o", "-J", "-F", "--namespace", "--container", "--context",
    "--kubeconfig", "--user", "--workdir", "--env", "--filename",
}  # fmt: skip
WRAPPERS_WITH_VALUE = {"-u", "-g", "-k", "-s"}
INTERACTIVE = {"-i"}  # after `exec` it stands alone, for ssh it names a key


@dataclass(frozen=True)
class Place:
    """Where a command ran. kind: machine, pod (or container), namespace, or empty when only a prompt named it.

    on: the machine that a namespace or a container is on, when the command line tells it (`ip netns exec` does,
    `kubectl exec`, which may be typed anywhere, does not).
    """

    name: str
    kind: str = ""
    on: str | None = None

    @property
    def machine(self) -> str | None:
        """The machine that one is on there, as far as it is known."""
        if self.on:
            return self.on
        if self.kind in ("", "machine"):
            return self.name
        return None


Step = tuple[Place | None, list[str]]  # the place that words enter, and the words that run there


def entered(words: list[str], here: Place) -> tuple[list[Place], list[str]]:
    """The places that a command line goes through, outermost first, and the words that run there.

    >>> through, words = entered("sudo kubectl -n shop exec -ti web-1 -c app -- ip a".split(), Place("master"))
    >>> through[-1].name, words
    ('web-1', ['ip', 'a'])
    """
    through: list[Place] = []
    while words:
        step = _step(words, through[-1] if through else here)
        if step is None:
            break
        place, rest = step
        if place is not None:
            through.append(place)
        if rest == words:
            break
        words = rest
    return through, words


def _step(words: list[str], at: Place) -> Step | None:
    """What the first program of a line enters; None when it is the program that runs."""
    program = words[0].rsplit("/", 1)[-1]
    if program in WRAPPERS:
        return None, _unwrapped(program, words)
    if program in ("ip", "bridge"):
        return _into_namespace(program, words, at)
    if program in INTO_POD | INTO_CONTAINER and "exec" in words:
        return _into_pod(program, words, at)
    if program == "nsenter":
        return _into_process(words, at)
    if program == "ssh":
        return _onto_machine(words)
    return None


def is_shell(words: list[str]) -> bool:
    """Whether these words open a shell, or nothing else than what was entered."""
    if not words:
        return True
    return words[0].rsplit("/", 1)[-1] in SHELLS and "-c" not in words


def _unwrapped(program: str, words: list[str]) -> list[str]:
    """What `sudo -u me`, `timeout 5`, `watch -n 1`, `env A=b` runs."""
    with_value = set(WRAPPERS_WITH_VALUE)
    if program == "watch":
        with_value.add("-n")
    rest = _operands(words[1:], with_value)
    if program == "timeout":
        rest = rest[1:]
    while rest and re.match(r"\w+=", rest[0]):
        rest = rest[1:]
    return rest


def _into_namespace(program: str, words: list[str], at: Place) -> Step | None:
    """`ip netns exec NS ...`, which may be cut short, and `ip -n NS ...`, which runs itself there."""
    if program == "ip" and len(words) > 3:
        _, thing, verb, name, *rest = words
        if "netns".startswith(thing) and "exec".startswith(verb):
            return Place(name, "namespace", at.machine), rest
    option = _netns_option(words)
    if option is None:
        return None
    return Place(option, "namespace", at.machine), words


def _into_pod(program: str, words: list[str], at: Place) -> Step | None:
    """`kubectl exec POD -- ...`, `docker exec -it NAME ...`."""
    with_value = WITH_VALUE - INTERACTIVE
    after_exec = words.index("exec") + 1
    operands = _operands(words[after_exec:], with_value)
    if not operands:
        return None
    # kubectl is typed anywhere, a runtime's own tool on the machine that the container is on
    on = at.machine if program in INTO_CONTAINER else None
    name = operands[0].removeprefix("pod/")
    return Place(name, "pod", on), _operands(operands[1:], with_value)


def _into_process(words: list[str], at: Place) -> Step | None:
    """`nsenter -t PID -n ...`, `nsenter --net=FILE -- ...`."""
    target = _nsenter_target(words)
    if not target:
        return None
    if "--" in words:
        rest = words[words.index("--") + 1 :]
    else:
        rest = _operands(words[1:], {"-t", "--target"})
    return Place(target, "namespace", at.machine), rest


def _onto_machine(words: list[str]) -> Step | None:
    """`ssh -i key root@node2 ...`."""
    operands = _operands(words[1:], WITH_VALUE)
    if not operands:
        return None
    _, _, host = operands[0].rpartition("@")
    return Place(host, "machine"), operands[1:]


def _operands(words: list[str], with_value: Set[str]) -> list[str]:
    """What follows the options."""
    while words and words[0].startswith("-"):
        if words[0] == "--":
            return words[1:]
        length = 2 if words[0] in with_value else 1
        words = words[length:]
    return words


def _netns_option(words: list[str]) -> str | None:
    """NS of `ip -n NS addr`; an ip that is not asked for a namespace has none."""
    for option, value in itertools.pairwise(words[1:]):
        if not option.startswith("-"):
            return None
        if option in ("-n", "-netns", "--netns"):
            return value
    return None


def _nsenter_target(words: list[str]) -> str | None:
    """The name of what `nsenter -t PID -n` or `nsenter --net=FILE` enters; None when it is not a network."""
    line = " ".join(words)
    file = re.search(r"--net=(\S+)|\s-n(/\S+)", line)
    if file:
        path = file[1] or file[2]
        pid = re.fullmatch(r"/proc/(\d+)/ns/net", path)
        return f"process {pid[1]}" if pid else path.rsplit("/", 1)[-1]
    target = re.search(r"(?:-t|--target)[ =]?(\S+)", line)
    network = re.search(r"\s(--net\b|--all\b|-[a-zA-Z]*[na])", line)
    if target is None or network is None:
        return None
    return f"process {target[1]}"
