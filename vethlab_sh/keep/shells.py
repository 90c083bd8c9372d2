"""Does a line open a shell that reads the lines below it? One as `ip netns exec ns1 bash` does, in that namespace."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Sequence

SHELLS = {"bash", "sh", "dash", "ash", "rbash", "$SHELL", "${SHELL}"}
GOES_ON = re.compile(r"\\\n")  # a line that goes on in the next
SUBSTITUTED = re.compile(r"<\([^()]*\)")  # what `--rcfile <(…)` is given: a file, to the program
JOINTS = {"&&", "||", ";"}  # what stands on both sides of them runs with the same keyboard
WITH_VALUE = {"--rcfile", "--init-file", "-o", "+o", "-O", "+O"}  # options of a shell that are two words
# Options of programs before a program's own words that are two words: sudo(8), nsenter(1), unshare(1), env(1) ...
VALUED = {
    "sudo": {"-u", "--user", "-g", "--group", "-p", "-C", "-h", "-r", "-t", "-T", "-U", "-D", "-R"},
    "nsenter": {"-t", "--target", "-S", "--setuid", "-G", "--setgid", "-W"},
    "unshare": {"-S", "--setuid", "-G", "--setgid", "-R", "--root", "-w", "--wd"},
    "env": {"-u", "--unset", "-C", "--chdir"},
    "nice": {"-n", "--adjustment"},
    "stdbuf": {"-i", "-o", "-e"},
    "chroot": set(),
    "setsid": set(),
    "exec": {"-a"},
    "command": set(),
    "time": set(),
}
ENDS_IN_A_SHELL = {"nsenter", "unshare", "chroot"}  # without a program they run $SHELL


def opens_a_shell(line: str) -> bool:
    """Whether, in a terminal, the next line would be read by a shell that this one has opened.

    >>> opens_a_shell("sudo ip netns exec ns1 bash"), opens_a_shell("ip netns exec ns1 bash -c 'ip a'")
    (True, False)
    >>> opens_a_shell("ip netns exec ns1 su -"), opens_a_shell("su -c id")
    (True, False)
    >>> opens_a_shell("cd /tmp && nsenter -t 7 -n"), opens_a_shell("echo ip a | bash"), opens_a_shell("bash lab.sh")
    (True, False, False)
    """
    return any(_is_a_shell(words) for words in _commands(line))


def named_namespace(line: str) -> str:
    """The namespace that such a line names, by `ip netns exec NAME` or by its file in /run/netns; empty when none.

    >>> named_namespace("ip netns exec ns1 bash"), named_namespace("nsenter --net=/run/netns/red")
    ('ns1', 'red')
    """
    named = ""
    for words in _commands(line):
        for number, word in enumerate(words):
            if word == "ip" and len(words) > number + 3 and _runs_in_netns(words[number + 1], words[number + 2]):
                named = words[number + 3]
            elif "/netns/" in word:
                named = os.path.basename(word)
    return named


def _commands(line: str) -> list[list[str]]:
    """The simple commands of a line that all have its keyboard, as words; none when a pipe or a file is in the way."""
    line = SUBSTITUTED.sub("file", GOES_ON.sub(" ", line))
    if "\n" in line.strip():
        return []
    reader = shlex.shlex(line, posix=True, punctuation_chars=";&|<>()")
    reader.whitespace_split = True
    try:
        tokens = list(reader)
    except ValueError:  # a quote that is not closed
        return []
    commands: list[list[str]] = [[]]
    for token in tokens:
        if token in JOINTS:
            commands.append([])
        elif token.strip(";&|<>()") == "" and token:
            return []
        else:
            commands[-1].append(token)
    return [words for words in commands if words]


def _is_a_shell(words: Sequence[str]) -> bool:
    """Whether these words end in a shell that is given nothing to do."""
    rest = _without_settings(words)
    while rest:
        program = os.path.basename(rest.pop(0))
        if program in SHELLS:
            return _has_nothing_to_do(rest)
        if program == "su":
            return not any(word.startswith("-c") or word == "--command" for word in rest)
        if program in VALUED:
            options = _take_options(rest, VALUED[program])
            if program == "chroot" and rest:
                rest.pop(0)
            if not rest:
                return program in ENDS_IN_A_SHELL or (program == "sudo" and _asks_for_a_shell(options))
        rest = _without_settings(_run_by(program, rest))
    return False


def _without_settings(words: Sequence[str]) -> list[str]:
    """The words without the variables that are set before a program: `A=1 bash`."""
    rest = list(words)
    while rest:
        name, equals, _ = rest[0].partition("=")
        if not equals or not name.isidentifier():
            break
        rest.pop(0)
    return rest


def _run_by(program: str, rest: list[str]) -> list[str]:
    """What a program runs, of the words behind its options; nothing for one that runs none."""
    if program == "ip":
        return _behind_ip(rest)
    if program == "busybox" or program in VALUED:
        return rest
    return []


def _behind_ip(rest: list[str]) -> list[str]:
    """What `ip netns exec NAME` or `ip vrf exec NAME` runs; nothing for other words of `ip`."""
    if len(rest) > 3 and (_runs_in_netns(*rest[:2]) or rest[:2] == ["vrf", "exec"]):
        return rest[3:]
    return []


def _runs_in_netns(kind: str, verb: str) -> bool:
    """Whether these words of `ip` are `netns exec`, which may be shortened.

    >>> _runs_in_netns("net", "e"), _runs_in_netns("n", "exec")
    (True, False)
    """
    return kind in ("net", "netn", "netns") and verb != "" and "exec".startswith(verb)


def _take_options(rest: list[str], valued: set[str]) -> list[str]:
    """Take the options away from the front of a program's words; return them."""
    options = []
    while rest and rest[0].startswith("-") and rest[0] != "-":
        option = rest.pop(0)
        if option == "--":
            break
        options.append(option)
        if option in valued and rest:
            rest.pop(0)
    return options


def _asks_for_a_shell(options: Sequence[str]) -> bool:
    """Whether sudo was given -i or -s."""
    for option in options:
        if option in ("--login", "--shell"):
            return True
        if not option.startswith("--") and set("is") & set(option):
            return True
    return False


def _has_nothing_to_do(rest: Sequence[str]) -> bool:
    """Whether a shell, of these words, reads what it is to do: neither `-c` nor a script."""
    words = list(rest)
    while words:
        word = words.pop(0)
        if not word.startswith(("-", "+")):
            return False
        if word in WITH_VALUE and words:
            words.pop(0)
        elif not word.startswith("--") and "c" in word:
            return False
    return True
