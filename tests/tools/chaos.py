"""What is left when everything goes wrong, at every step of every scenario? Nothing, and the next run works.

    python tests/tools/chaos.py [FAULT[:SCENARIO[-MODE][:STEP]] ...]        (make chaos)

A *player* plays a scenario up to a step, where the fault comes; this *referee* then looks for what it has left:
processes (and with them the namespaces and mounts, which last as long as a process is in them), files, names. Prints
a line for each fault and scenario; the exit code is 1 when one fails.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

from machine import own_machine
from waiting import descriptors, until

from vethlab_sh import Lab, sandbox, scenarios
from vethlab_sh.errors import LabError
from vethlab_sh.keep import stay
from vethlab_sh.sandbox import is_rootless
from vethlab_sh.scenarios import SCENARIOS, Scenario, Step

PR_SET_CHILD_SUBREAPER = 36
SOMEBODY = 2**30 + os.getpid()  # has no process yet; `nobody` may have some, which would count
USER_NAMESPACE = ("--user", "--map-current-user", "--keep-caps")  # in which who is not root may mount
STOPPED = "kill -STOP $BASHPID; "
SIGNALS = ("SIGINT", "SIGTERM", "SIGKILL")
# What is played: each scenario, and those of their modes that have programs or devices of their own
MODES: dict[str, dict[str, str | bool]] = {
    "calico-bgp": {"mode": "bgp"},
    "calico-routed": {"mode": "routed"},
    "flannel-host-gw": {"mode": "host-gw"},
    "flannel-cni": {"cni": True},
}
NAMES = (*SCENARIOS, *MODES)


# ---- the player ---------------------------------------------------------------------------------------------------


def play(fault: str, name: str, *numbers: str) -> None:
    """Let the fault come at each of these steps; whatever the kit says of it, it says as a LabError."""
    if fault == "processes" and not is_rootless():
        from vethlab_sh import shell  # noqa: F401  (who is somebody else may not read where packages are)

        os.setgroups([])
        os.setresgid(SOMEBODY, SOMEBODY, SOMEBODY)
        os.setresuid(SOMEBODY, SOMEBODY, SOMEBODY)  # root has no limit of processes
    signal.signal(signal.SIGINT, signal.default_int_handler)  # started in the background we would not hear it
    steps = load(name).steps
    for number in map(int, numbers):
        before = held(fault)
        with Lab() as lab:
            print(os.readlink(f"/proc/{lab.sandbox.pid}/ns/pid"), flush=True)
            for step in steps[:number]:
                run(lab, step)
            with contextlib.suppress(LabError):
                FAULTS[fault](lab, steps[number], number)
        until(partial(gives_back, fault, before), "descriptors and threads are given back", 10)
    play_all(name)
    print("done")


def play_all(name: str) -> None:
    scenario, _, _ = name.partition("-")
    with Lab() as lab:
        lab.play(scenario, **MODES.get(name, {}))


def load(name: str) -> Scenario:
    """A scenario, `calico`, or one in a mode, `calico-bgp`."""
    scenario, _, _ = name.partition("-")
    return scenarios.load(scenario, **MODES.get(name, {}))


def gives_back(fault: str, before: tuple[int, int]) -> bool:
    return held(fault) == before


def held(fault: str) -> tuple[int, int]:
    """Descriptors and threads; but `sh` forgets its own pipes when the kernel gives it no process."""
    return 0 if fault == "processes" else descriptors(), threading.active_count()


def run(lab: Lab, step: Step) -> None:
    for line in step.lines:
        lab.run(line, at=step.at, expect=step.expect)


def command_killed(name: str) -> Callable[[Lab, Step, int], None]:
    """The running command gets a signal."""

    def fault(lab: Lab, step: Step, number: int) -> None:
        space = os.readlink(f"/proc/{lab.sandbox.pid}/ns/pid")
        killer = threading.Thread(target=lambda: kill_stopped(space, signal.Signals[name]))
        killer.start()
        try:
            lab.run(STOPPED + step.lines[0], at=step.at, expect=step.expect)
        finally:
            killer.join()

    return fault


def kill_stopped(space: str, number: int) -> None:
    """Send a signal to the process in there that has stopped itself."""
    found: list[int] = []
    until(lambda: bool(found.extend(stopped(space)) or found), "the command runs")
    for pid in found:
        for each in (number, signal.SIGCONT):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, each)


def python_killed(lab: Lab, step: Step, number: int) -> None:
    """The command stops itself, and the referee kills us."""
    lab.run(STOPPED + step.lines[0], at=step.at, expect=None)


def memory_disk_full(lab: Lab, step: Step, number: int) -> None:
    """No file more in the lab's own /run, where its names are."""
    lab.run("mount -o remount,nr_inodes=$(df --output=iused /run | tail -n 1) /run")
    run(lab, step)


def disk_full(lab: Lab, step: Step, number: int) -> None:
    """No byte more where we write when asked to: TMPDIR, which is a small disk of its own."""
    here = Path(os.environ["TMPDIR"])
    with contextlib.suppress(OSError), open(here / "full", "wb", buffering=0) as file:
        while True:
            file.write(bytes(1024))
    try:
        run(lab, step)
        with contextlib.suppress(OSError):
            lab.save(here / "saved.sh")
        with contextlib.suppress(OSError):
            lab.stay("kept")
        assert stay.names() == []
    finally:
        (here / "full").unlink()
    (here / "saved.sh").unlink(missing_ok=True)  # which was asked for
    assert [file for file in here.rglob("*") if file.is_file()] == []


def no_process_more(lab: Lab, step: Step, number: int) -> None:
    """This user may have no more processes, or so many more."""
    with limited(resource.RLIMIT_NPROC, own_tasks() + number % 4):
        run(lab, step)


def own_tasks() -> int:
    """How many tasks this user has now, in all processes that do not end meanwhile."""
    tasks = 0
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if os.stat(f"/proc/{pid}").st_uid == os.geteuid():
                tasks += len(os.listdir(f"/proc/{pid}/task"))
    return tasks


def no_descriptor_more(lab: Lab, step: Step, number: int) -> None:
    """This Python may open no more files, or so many more."""
    highest = max(map(int, os.listdir("/proc/self/fd")))
    with limited(resource.RLIMIT_NOFILE, highest + number % 6):
        run(lab, step)


@contextlib.contextmanager
def limited(what: int, limit: int) -> Iterator[None]:
    before = resource.getrlimit(what)
    resource.setrlimit(what, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(what, before)


def tool_gone(lab: Lab, step: Step, number: int) -> None:
    """A program vanishes: the one of this step, or the shell."""
    tool = Path(os.environ["PATH"], (step.lines[0].split()[0], "bash")[number % 2])
    there = os.readlink(tool)
    tool.unlink()
    try:
        run(lab, step)
    finally:
        tool.symlink_to(there)


FAULTS: dict[str, Callable[[Lab, Step, int], None]] = {
    **{f"command-{name}": command_killed(name) for name in SIGNALS},
    **{f"python-{name}": python_killed for name in SIGNALS},
    "run-full": memory_disk_full,
    "disk-full": disk_full,
    "processes": no_process_more,
    "descriptors": no_descriptor_more,
    "tool": tool_gone,
}


# ---- the referee --------------------------------------------------------------------------------------------------


def stopped(space: str) -> list[int]:
    """The processes in this process-number namespace that are stopped."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if os.readlink(f"/proc/{pid}/ns/pid") == space:
                state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
                found += [int(pid)] if state == "T" else []
    return found


def judge(fault: str, name: str, numbers: Sequence[int]) -> None:
    """Play the fault at these steps; AssertionError when it leaves something, or when the next run fails."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)  # who loses its parent becomes our child
    for some in [[number] for number in numbers] if kills_python(fault) else [numbers]:
        judge_player(fault, name, some)
    if kills_python(fault):
        play_all(name)


def judge_player(fault: str, name: str, numbers: Sequence[int]) -> None:
    names = named()
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        disk = own_disk(folder) if fault == "disk-full" else []
        words = [*disk, sys.executable, __file__, "--play", fault, name, *map(str, numbers)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        player = subprocess.Popen(words, env=surroundings(fault, folder), cwd="/", **pipes)
        if kills_python(fault):
            assert player.stdout
            space = player.stdout.readline().strip()
            assert space, player.communicate()[1]
            until(lambda: bool(stopped(space)) or player.poll() is not None, "the command runs")
            assert player.returncode is None, player.communicate()[1]
            player.send_signal(signal.Signals[fault.partition("-")[2]])
        wait_for(player)
        said, complained = player.communicate(timeout=20)
        if not kills_python(fault):
            assert (player.returncode, said.splitlines()[-1:], complained) == (0, ["done"], ""), complained
        until(no_child, "every process is gone that the player has left", 20)
        assert [str(file) for file in Path(folder).rglob("*") if file.is_file() and not file.is_symlink()] == []
        assert folder not in Path("/proc/self/mountinfo").read_text()
    assert names == named()


def kills_python(fault: str) -> bool:
    return fault.startswith("python-")


def named() -> list[str]:
    """The machine's own names of network namespaces."""
    return os.listdir("/run/netns") if os.path.isdir("/run/netns") else []


def wait_for(player: subprocess.Popen[str]) -> None:
    """Wait for the player, and meanwhile as process 1 does for orphans: a namespace does not end before its zombies."""
    while (pid := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT).si_pid) != player.pid:
        os.waitpid(pid, 0)


def no_child() -> bool:
    """Whether we have none; those that have ended are waited for."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return True
    return False


def own_disk(folder: str) -> list[str]:
    """What goes before a program that is to have a small disk of its own at this folder."""
    flags = USER_NAMESPACE if is_rootless() else ()
    mount = 'mount -t tmpfs -o size=256k,mode=777 tmpfs "$0" && exec "$@"'
    return ["unshare", *flags, "--mount", "sh", "-c", mount, folder]


def surroundings(fault: str, folder: str) -> dict[str, str]:
    """An environment in which all that is written without being asked for is written into this folder."""
    path = {"PATH": sandbox.search_path()}
    return {**path, "HOME": folder, "TMPDIR": folder, "XDG_RUNTIME_DIR": folder, "PYTHONDONTWRITEBYTECODE": "1"}


def only_links(folder: Path) -> None:
    """Let every program be found by a link in this folder only, so that one can be taken away."""
    folder.mkdir()
    for place in map(Path, reversed(sandbox.search_path().split(":"))):
        for tool in place.iterdir() if place.is_dir() else ():
            (folder / tool.name).unlink(missing_ok=True)
            (folder / tool.name).symlink_to(tool)
    sandbox.SYSTEM_PATH, os.environ["PATH"] = str(folder), str(folder)


def main(*chosen: str) -> int:
    """Every fault at every step of every scenario, or those chosen."""
    own_machine()
    failed = 0
    for fault, name, number in cases(chosen or FAULTS):
        steps = [int(number)] if number else range(len(load(name).steps))
        where = f"step {number}" if number else f"each of {len(steps)} steps"
        try:
            judge(fault, name, steps)
            print(f"{fault:16} {name:15} at {where}: nothing left", flush=True)
        except AssertionError as error:
            failed += 1
            print(f"{fault:16} {name:15} at {where}: FAILED: {error}", flush=True)
    return 1 if failed else 0


def cases(chosen: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    """FAULT, SCENARIO and STEP of each case; what is left out of one means all."""
    for words in chosen:
        fault, _, rest = words.partition(":")
        name, _, number = rest.partition(":")
        yield from ((fault, each, number) for each in ([name] if name else NAMES))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--play"]:
        if sys.argv[2] == "tool":
            only_links(Path(os.environ["TMPDIR"], "tools"))
        play(*sys.argv[2:])
    else:
        sys.exit(main(*sys.argv[1:]))
