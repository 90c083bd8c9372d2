"""Where does a command line run? In the pod, container, namespace or machine that its own words enter.

`sudo kubectl exec web -- ip a` runs in web, `ssh node2 ip netns exec ns9 bash` in ns9 on node2.
"""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Iterable, Set
from dataclasses import dataclass

from ..language import tr

SHELLS = {"sh", "bash", "ash", "dash", "zsh", "ksh", "fish"}
INTO_POD = {"kubectl", "kc", "k", "kubecolor", "oc", "k3s", "k0s", "microk8s", "minikube"}
INTO_CONTAINER = {"docker", "podman", "nerdctl", "crictl", "ctr", "lxc", "incus", "pct", "docker-compose"}
ENTERING_BY_EXEC = INTO_POD | INTO_CONTAINER | {"multipass"}
WRAPPERS = {"sudo", "env", "time", "timeout", "watch", "command", "chroot", "stdbuf", "nice", "busybox", "doas"}
# Options that a value follows: of kubectl, docker and ssh; of the wrappers.
WITH_VALUE = {
    "-n", "-c", "-f", "-u", "-w", "-e", "-l", "-i", "-p", "-o", "-J", "-F", "--namespace", "--container", "--context",
    "--kubeconfig", "--user", "--workdir", "--env", "--filename", "--image", "--target", "--profile", "--index",
    "--exec-id", "--detach-keys", "--env-file", "--project", "--cwd",
}  # fmt: skip
RUN_WITH_VALUE = WITH_VALUE | {
    "--name", "--network", "--net", "-v", "--volume", "--entrypoint", "-h", "--hostname", "-m", "--memory", "--mount",
    "--ip", "--cap-add", "--cap-drop", "--device", "--dns", "--label", "--platform", "--pid", "--publish", "--restart",
    "--overrides", "--image-pull-policy", "--add-host", "--link", "--mac-address", "--security-opt", "--sysctl",
}  # fmt: skip
WRAPPERS_WITH_VALUE = {"-u", "-g", "-k", "-s", "-n"}
# What nsenter enters: a file, a process by its number or by what a command in $(...) answers.
NET_FILE = re.compile(r"(?:--net|-n)=?(/.*)")
PROCESS_FILE = re.compile(r"/proc/(.+)/ns/net")
GLUED_TARGET = re.compile(r"-t([\d$(`].*)")
INTO_NETWORK = re.compile(r"-[a-zA-Z]*[na][a-zA-Z]*")
SUBSTITUTION = re.compile(r"\$\((.*)\)|`(.*)`", re.DOTALL)
FLAGS = re.compile(r"-[a-zA-Z]+")  # several of one letter in one word
INTERACTIVE = {"-i"}  # after `exec` it stands alone, for ssh it names a key
KINDS_OF_POD = re.compile(r"(?:pods?|po|deploy(?:ment)?|deployments?|ds|daemonsets?|sts|statefulsets?|svc|job)/")
RUNTIME = re.compile(r"^\S+://")  # of a container's id: docker://…
HOST_NETWORK = re.compile(r"--net(?:work)?[= ]host\b")
ANOTHERS_NETWORK = re.compile(r"--net(?:work)?[= ]container:(\S+)")


@dataclass(frozen=True)
class Place:
    """Where a command ran. kind: machine, pod (or container), namespace, or empty when only a prompt named it.

    on: the machine that a namespace or a container is on, when the command line tells it (`ip netns exec` does,
    `kubectl exec`, which may be typed anywhere, does not); is_named: whether a prompt, a command or a heading has told
    the name, which is else one of ours.
    """

    name: str
    kind: str = ""
    on: str | None = None
    is_named: bool = True

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
    if program in SHELLS:
        return _of_shell(words)
    if program in ("ip", "bridge"):
        return _into_namespace(program, words, at)
    if program == "nsenter":
        return _into_process(words, at)
    if program in ("ssh", "mosh"):
        return _onto_machine(words, at)
    if program in ENTERING_BY_EXEC:
        return _by_verb(program, words, at)
    if program in ENTERING_ALONE:
        return _alone(program, words, at)
    return None


def is_shell(words: list[str]) -> bool:
    """Whether these words open a shell, or nothing else than what was entered."""
    if not words:
        return True
    return words[0].rsplit("/", 1)[-1] in SHELLS and "-c" not in words


def _unwrapped(program: str, words: list[str]) -> list[str]:
    """What `sudo -u me`, `timeout 5`, `watch -n 1`, `env A=b` runs."""
    with_value = set(WRAPPERS_WITH_VALUE)
    if program == "sudo":
        with_value.discard("-n")  # never asks for a password
    rest = _operands(words[1:], with_value)
    if program in ("timeout", "chroot"):
        rest = rest[1:]
    while rest and re.match(r"\w+=", rest[0]):
        rest = rest[1:]
    if program in ("chroot", "watch") and len(rest) == 1:
        return _split(rest[0])
    return rest


def _of_shell(words: list[str]) -> Step | None:
    """`sh -c 'ip a'` runs what stands between the quotes."""
    for at, word in enumerate(words[1:], 1):
        if re.fullmatch(r"-[a-z]*c", word) and at + 1 < len(words):
            return None, _split(words[at + 1])
        if not word.startswith("-"):
            return None
    return None


def _split(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:
        return line.split()


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


# ---- into pods and containers -------------------------------------------------------------------------------


def _by_verb(program: str, words: list[str], at: Place) -> Step | None:
    """`kubectl exec POD -- ...`, `docker run IMAGE ...`, `oc debug node/NAME`: what follows the verb tells where to."""
    verbs = {
        "exec": _into_pod,
        "rsh": _into_pod,
        "attach": _into_pod,
        "enter": _into_pod,
        "shell": _into_pod,
        "debug": _into_debugged,
        "run": _into_new,
        "ssh": _into_vm,
    }
    for position, word in enumerate(words[1:], 1):
        if word in verbs and not _is_value(words, position):
            return verbs[word](program, words, position + 1, at)
    return None


def _is_value(words: list[str], position: int) -> bool:
    """Whether a word belongs to the option before it: `kubectl -n debug exec web`."""
    return words[position - 1] in WITH_VALUE


def _into_pod(program: str, words: list[str], start: int, at: Place) -> Step | None:
    """`kubectl exec POD -- ...`, `docker exec -it NAME ...`."""
    with_value = WITH_VALUE - INTERACTIVE
    operands = _operands(words[start:], with_value)
    if not operands:
        return None
    # kubectl is typed anywhere, a runtime's own tool on the machine that the container is on
    on = at.machine if program in INTO_CONTAINER else None
    name = KINDS_OF_POD.sub("", RUNTIME.sub("", operands[0]))
    kind = "machine" if program == "multipass" else "pod"
    return Place(name, kind, on), _operands(operands[1:], with_value)


def _into_debugged(program: str, words: list[str], start: int, at: Place) -> Step | None:
    """`kubectl debug node/NAME` has the network of the node; of a pod, that of the pod."""
    operands = _operands(words[start:], WITH_VALUE - INTERACTIVE)
    if not operands:
        return None
    rest = operands[1:]
    if "--" in rest:
        rest = rest[rest.index("--") + 1 :]
    kind, _, name = operands[0].rpartition("/")
    if kind in ("node", "nodes", "no"):
        return Place(name, "machine"), rest
    return Place(name, "pod"), rest


def _into_new(program: str, words: list[str], start: int, at: Place) -> Step | None:
    """`docker run --name web IMAGE ip a`, `kubectl run web --image=... -- ip a`.

    Without a command it is a shell that one is in only where a terminal was asked for (-it): `docker run -d nginx` and
    `kubectl run web --image=nginx` start something elsewhere, and one stays where one is.
    """
    line = " ".join(words)
    given = words[start:]
    operands = _operands(given, RUN_WITH_VALUE - INTERACTIVE)
    options = given[: len(given) - len(operands)]
    if not operands or _has_flag(options, "d", "--detach"):
        return None
    name = _value(words, "--name") or operands[0]
    if program in INTO_POD:
        return _into_new_pod(name, [*options, *operands[1:]])
    rest = operands[1:]
    if not rest:
        if not _is_interactive(options):
            return None
        rest = ["sh"]
    if HOST_NETWORK.search(line):
        return None, rest
    shared = ANOTHERS_NETWORK.search(line)
    if shared:
        name = shared[1]
    elif program == "docker-compose":
        name = operands[0]
    return Place(name, "pod", at.machine), rest


def _into_new_pod(name: str, rest: list[str]) -> Step | None:
    """What follows the name in `kubectl run web --image=busybox -it -- sh`: options, then perhaps a command."""
    place = Place(name, "pod")
    if "--" in rest:
        return place, _behind_dashes(rest)
    if not _is_interactive(rest):
        return None
    return place, []


def _behind_dashes(words: list[str]) -> list[str]:
    """The words behind `--`; none where that is not there."""
    if "--" not in words:
        return []
    return words[words.index("--") + 1 :]


def _is_interactive(options: Iterable[str]) -> bool:
    """Whether a terminal was asked for, or what is typed: -i, -t, -it."""
    return _has_flag(options, "i", "--interactive", "--stdin") or _has_flag(options, "t", "--tty")


def _has_flag(options: Iterable[str], letter: str, *names: str) -> bool:
    """Whether a flag is among options, by its letter (`-dit` holds three) or by a name."""
    for option in options:
        name, _, value = option.partition("=")
        if name in names and value != "false":
            return True
        if FLAGS.fullmatch(option) and letter in option:
            return True
    return False


def _into_vm(program: str, words: list[str], start: int, at: Place) -> Step | None:
    """`minikube ssh -n minikube-m02 -- ip a`."""
    name = _value(words, "-n") or _value(words, "--node") or _value(words, "-p") or program
    place = Place(name, "machine")
    rest = words[start:]
    if "--" in rest:
        return place, _behind_dashes(rest)
    rest = _operands(rest, WITH_VALUE | {"--node"})
    if len(rest) == 1:
        rest = _split(rest[0])
    return place, rest


def _value(words: list[str], option: str) -> str | None:
    """What follows an option, behind a blank or an equals sign."""
    for at, word in enumerate(words):
        if word == option and at + 1 < len(words):
            return words[at + 1]
        if word.startswith(f"{option}="):
            return word.partition("=")[2]
    return None


def _alone(program: str, words: list[str], at: Place) -> Step | None:
    """Programs that have no verb before the name: `lxc-attach -n c1 -- ip a`, `vagrant ssh n1 -c 'ip a'`."""
    return ENTERING_ALONE[program](words, at)


def _lxc_attach(words: list[str], at: Place) -> Step | None:
    name = _value(words, "-n") or _value(words, "--name")
    if name is None:
        return None
    place = Place(name, "pod", at.machine)
    return place, _behind_dashes(words)


def _vagrant(words: list[str], at: Place) -> Step | None:
    if words[1:2] != ["ssh"]:
        return None
    command = _value(words, "-c") or _value(words, "--command")
    operands = _operands(words[2:], {"-c", "--command"})
    name = operands[0] if operands else "default"  # the name of a machine that has none
    place = Place(name, "machine")
    if not command:
        return place, []
    return place, _split(command)


def _shell_of(words: list[str], at: Place) -> Step | None:
    """`machinectl shell c1 /bin/ip a`, `limactl shell vm ip a`."""
    if words[1:2] not in (["shell"], ["login"]):
        return None
    operands = _operands(words[2:], {"--workdir", "--uid"})
    if not operands:
        return None
    program = words[0].rsplit("/", 1)[-1]
    kind = "machine" if program == "limactl" else "pod"
    on = None if kind == "machine" else at.machine
    return Place(operands[0], kind, on), _operands(operands[1:], set())


def _only_machine(words: list[str], at: Place) -> Step | None:
    """`colima ssh -- ip a`, `lima ip a`: the one machine that the program runs."""
    program = words[0].rsplit("/", 1)[-1]
    rest = words[1:]
    if program == "colima":
        if rest[:1] != ["ssh"]:
            return None
        rest = rest[1:]
    return Place(program, "machine"), _operands(rest, set())


ENTERING_ALONE = {
    "lxc-attach": _lxc_attach,
    "vagrant": _vagrant,
    "machinectl": _shell_of,
    "limactl": _shell_of,
    "colima": _only_machine,
    "lima": _only_machine,
}


# ---- into processes and machines ----------------------------------------------------------------------------


def _into_process(words: list[str], at: Place) -> Step | None:
    """`nsenter -t PID -n ...`, `nsenter --net=FILE -- ...`."""
    rest = _operands(words[1:], {"-t", "--target", "-S", "-G"})
    options = words[1 : len(words) - len(rest)]
    target = _nsenter_target(options)
    if not target:
        return None
    if target == _process("1"):  # its namespaces are the machine's own
        return None, rest
    return Place(target, "namespace", at.machine), rest


def _onto_machine(words: list[str], at: Place) -> Step | None:
    """`ssh -i key root@node2 ...`, `ssh node2 'ip a; ip r'`."""
    operands = _operands(words[1:], WITH_VALUE)
    if not operands:
        return None
    _, _, host = operands[0].rpartition("@")
    rest = _operands(operands[1:], WITH_VALUE)
    if len(rest) == 1:
        rest = _split(rest[0])
    return Place(host, "machine"), rest


def _operands(words: list[str], with_value: Set[str]) -> list[str]:
    """What follows the options."""
    while words and words[0].startswith("-"):
        if words[0] == "--":
            return words[1:]
        length = 2 if _has_value(words[0], with_value) else 1
        words = words[length:]
    return words


def _has_value(option: str, with_value: Set[str]) -> bool:
    """Whether the next word belongs to this option: `-p 80:80`, and `-dp 80:80`, whose last letter takes it."""
    if option in with_value:
        return True
    if FLAGS.fullmatch(option) is None:
        return False
    *others, last = [f"-{letter}" for letter in option[1:]]
    return last in with_value and with_value.isdisjoint(others)  # of `-nshop` the rest is the value


def _netns_option(words: list[str]) -> str | None:
    """NS of `ip -n NS addr`; an ip that is not asked for a namespace has none."""
    for option, value in itertools.pairwise(words[1:]):
        if not option.startswith("-"):
            return None
        if option in ("-n", "-netns", "--netns"):
            return value
    return None


def _nsenter_target(options: list[str]) -> str | None:
    """The name of what `nsenter -t PID -n` or `nsenter --net=FILE` enters; None when it is not a network."""
    target = ""
    has_network = False
    for option, following in itertools.zip_longest(options, options[1:], fillvalue=""):
        file = NET_FILE.fullmatch(option)
        if file:
            return _of_file(file[1])
        if option.startswith("--target="):
            _, _, target = option.partition("=")
        elif GLUED_TARGET.fullmatch(option):
            target = option[2:]
        elif option == "--target" or (FLAGS.fullmatch(option) and option.endswith("t")):
            target = following
        if option in ("--net", "--all") or INTO_NETWORK.fullmatch(option):
            has_network = True
    if not target or not has_network:
        return None
    return _process(target)


def _of_file(path: str) -> str:
    """The name of the network that a file stands for: a process' own, or a name in /run/netns."""
    of_process = PROCESS_FILE.fullmatch(path)
    if of_process:
        return _process(of_process[1])
    _, _, name = path.rpartition("/")
    return name


def _process(pid: str) -> str:
    """What a process is called here: the container that `$(docker inspect -f '{{.State.Pid}}' web)` asks for, or it."""
    substituted = SUBSTITUTION.fullmatch(pid)
    called = tr("process {pid}", pid=pid)
    if substituted is None:
        return called
    inside = _split(substituted[1] or substituted[2])
    if inside[:1] == ["sudo"]:
        inside = inside[1:]
    program = inside[0].rsplit("/", 1)[-1] if inside else ""
    if program in INTO_CONTAINER and "inspect" in inside and len(inside) > 2:
        return RUNTIME.sub("", inside[-1])
    return called
