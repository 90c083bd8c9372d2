"""What one lab, or another user, can do to the verbs of labs that stay: nothing. No path in there is trusted."""

import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import pytest
from conftest import ROOT, until

from vethlab_sh.cli import main
from vethlab_sh.errors import GaveUpWaiting, NoSuchLab, OtherPlace
from vethlab_sh.keep import place, processes, reading, stay
from vethlab_sh.sandbox import find

pytestmark = [pytest.mark.live, pytest.mark.every_case]
ME = [sys.executable, "-m", "vethlab_sh"]
LIMIT = 60  # seconds; who hangs does so for ever


def verb(*words):
    """A verb as a learner types it, which may not hang."""
    ended = subprocess.run(
        [*ME, *words], capture_output=True, text=True, cwd=ROOT, stdin=subprocess.DEVNULL, timeout=LIMIT
    )
    assert "Traceback" not in ended.stderr, ended.stderr
    return ended


@pytest.fixture
def two():
    """Two labs that stay, and what runs in the second."""
    for name in ("one", "two"):
        assert verb("up", "--name", name).returncode == 0
    verb("run", "two", "--", "ip netns add ns1; setsid ip netns exec ns1 sleep 2001 >/dev/null 2>&1 &")
    until(lambda: "sleep 2001" in commands("two"), "it runs in the second")
    yield "one", "two"
    for name in stay.names():
        stay.down(name)


def commands(name):
    return [process.command for process in stay.find(name).processes]


def inside(name, line):
    ended = verb("run", name, "--", line)
    assert ended.returncode == 0, ended.stderr


@pytest.fixture
def bystander():
    """A process of the same user in a network namespace of its own, that is of no lab."""
    own = [] if os.geteuid() == 0 else ["--user", "--map-current-user"]
    process = subprocess.Popen([str(find("unshare")), *own, "--net", "sleep", "2002"])
    until(lambda: os.readlink(f"/proc/{process.pid}/ns/net") != os.readlink("/proc/self/ns/net"), "it has its own")
    yield process
    process.kill()
    process.wait()


# ---- paths of the lab -----------------------------------------------------------------------------------------------

TRAPS = {
    "links to the namespaces of others": "mkdir -p /run/netns; ln -s /proc/{other}/ns/net /run/netns/x; "
    "ln -s /proc/{bystander}/ns/net /run/netns/y; touch '/run/netns/net:[{inode}]'",
    "a link for the folder of names": "mkdir -p /tmp/$$/x; ln -s /proc/{other}/root/run/netns /run/netns",
    "what is no file, or no name": "mkdir -p /run/netns; mkfifo /run/netns/x; "
    "python3 -c 'import socket; socket.socket(1).bind(\"/run/netns/y\")'; "
    "touch $'/run/netns/\\n{{\"a\": 1}}\\e[31m' /run/netns/$(printf '\\377')",
    "a FIFO where the history was": "mkfifo /run/history",
    "a link where the history was": "ln -s {victim} /run/history",
    "a FIFO for the folder of names": "mkfifo /run/netns",
    "a device without an end": "mkdir -p /run/netns; ln -s /dev/zero /run/netns/x; ln -s /dev/zero /run/history",
    "five hundred names": "mkdir -p /run/netns; for n in $(seq 500); do mkfifo /run/netns/$n; done",
    "nothing in /run": "umount /run || true",
    "no /proc": "umount -l /proc || true",
}


@pytest.mark.parametrize("trap", TRAPS)
def test_down_ends_its_own_lab_and_nothing_else(two, bystander, tmp_path, trap):
    one, other = two
    victim = tmp_path / "victim"
    victim.write_text("precious\n")
    known = {"other": stay.find(other).pid, "bystander": bystander.pid, "victim": victim}
    known["inode"] = os.stat(f"/proc/{known['other']}/ns/net").st_ino
    inside(one, TRAPS[trap].format(**known) + "; setsid sleep 2003 >/dev/null 2>&1 &")
    until(lambda: "sleep 2003" in commands(one), "it runs")
    before = commands(one)
    assert not [command for command in before if "sleep 200" in command and command != "sleep 2003"], before
    assert verb("ps").returncode == 0
    assert verb("show", one, "history").returncode == 0
    ended = verb("down", one)
    assert (ended.returncode, "sleep 2003" in ended.stdout) == (0, True), ended.stderr
    assert "sleep 200" not in ended.stdout.replace("sleep 2003", "")
    assert stay.names() == [other]
    assert "sleep 2001" in commands(other)
    assert bystander.poll() is None
    assert victim.read_text() == "precious\n"


def test_guest_who_asked_for_numbers_of_its_own_is_ended_too(two):
    one, _ = two
    holder = stay.find(one).pid
    enter = ["--user", "--preserve-credentials"] if os.geteuid() else []
    words = [*enter, "--net", "-t", str(holder), "unshare", *(["--user"] if enter else []), "--pid", "sleep", "2004"]
    with subprocess.Popen([str(find("nsenter")), *words]) as guest:
        until(lambda: "sleep 2004" in commands(one), "it is in there")
        verb("down", one)
        assert guest.wait(20) == -signal.SIGKILL


def test_history_is_kept_out_of_the_labs_reach(two):
    one, _ = two
    inside(one, "ip netns add red")
    inside(one, "rm -rf /run/* /run/.[a-z]* || true")
    assert "ip netns add red" in stay.find(one).history


@pytest.mark.parametrize("lead", ["link", "fifo", "folder"])
def test_history_is_neither_followed_nor_waited_for(two, tmp_path, lead):
    lab = stay.find(two[0])
    file = lab.home / stay.HISTORY
    file.unlink(missing_ok=True)
    victim = tmp_path / "victim"
    victim.write_text("precious\n")
    {"link": lambda: file.symlink_to(victim), "fifo": lambda: os.mkfifo(file), "folder": file.mkdir}[lead]()
    assert lab.history == []
    ended = verb("run", two[0], "--", "true")
    assert (ended.returncode, str(file) in ended.stderr) == (1, True)
    assert victim.read_text() == "precious\n"
    file.rmdir() if lead == "folder" else file.unlink()


# ---- what does not answer ------------------------------------------------------------------------------------------


@pytest.mark.no_lab
def test_who_does_not_answer_is_not_waited_for_long(tmp_path):
    os.mkfifo(tmp_path / "silent")
    with pytest.raises(GaveUpWaiting, match="it speaks"):
        reading.patiently((tmp_path / "silent").read_bytes, 0.05, "it speaks")
    with pytest.raises(FileNotFoundError):
        reading.patiently((tmp_path / "nothing").read_bytes, 5, "it speaks")


@pytest.mark.no_lab
@pytest.mark.parametrize("kind", ["fifo", "link", "folder", "device"])
def test_only_a_regular_file_is_read(tmp_path, kind):
    file = tmp_path / "file"
    (tmp_path / "there").write_text("text")
    make = {
        "fifo": lambda: os.mkfifo(file),
        "link": lambda: file.symlink_to(tmp_path / "there"),
        "folder": file.mkdir,
        "device": lambda: None,
    }
    make[kind]()
    with pytest.raises(OSError):  # noqa: PT011, of several kinds
        reading.regular("/dev/zero" if kind == "device" else file)
    assert reading.regular(tmp_path / "there", most=2) == b"te"


def test_silent_process_is_listed_by_its_name(two, monkeypatch):
    silent = threading.Event()
    monkeypatch.setattr(processes, "_command", lambda pid: silent.wait() and "")
    monkeypatch.setattr(processes, "COMMAND_PATIENCE", 0.05)
    start = time.monotonic()
    assert commands("two") == ["[sleep]"]
    assert time.monotonic() - start < LIMIT
    silent.set()


def test_lab_that_cannot_be_ended_holds_up_no_other(two, monkeypatch, capsys):
    """Its process 1 is not gone before a child of it is reaped, whose parent is outside and stopped."""
    one, other = two
    monkeypatch.setattr(processes, "PATIENCE", 1.0)
    with subprocess.Popen([sys.executable, "-c", STRANDED, str(stay.find(one).pid)], stdout=subprocess.PIPE) as parent:
        parent.stdout.readline()
        code = main(["down", "--all"])
        told = capsys.readouterr()
        assert (code, f"The lab {other} is gone" in told.out) == (1, True), told
        assert f"The lab {one} is not gone" in told.err
        parent.kill()
    until(lambda: stay.names() == [], "it is gone when its last process is reaped")


STRANDED = """
import ctypes, os, signal, sys, time
libc = ctypes.CDLL(None, use_errno=True)
pid = int(sys.argv[1])
own = os.open("/proc/self/ns/pid", os.O_RDONLY)
spaces = ("user", "pid") if os.geteuid() else ("pid",)
files = [os.open(f"/proc/{pid}/ns/{kind}", os.O_RDONLY) for kind in spaces]
for file in files:
    assert libc.setns(file, 0) == 0, ctypes.get_errno()
child = os.fork()
if not child:
    signal.pause()
if not os.geteuid():
    assert libc.setns(own, 0) == 0, ctypes.get_errno()
print("in there", flush=True)
os.kill(os.getpid(), signal.SIGSTOP)
"""


def test_lock_that_a_lab_holds_is_not_waited_for_long(two, monkeypatch):
    monkeypatch.setattr(place, "LOCK_PATIENCE", 0.2)
    held = os.open(stay.folder(), os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    try:
        assert stay.names() == ["one", "two"]
    finally:
        os.close(held)


# ---- the folder ------------------------------------------------------------------------------------------------------

STRAYS = {
    "a file": lambda at: at.write_text("mine"),
    "a link that leads nowhere": lambda at: at.symlink_to("/nowhere"),
    "a link to a folder": lambda at: at.symlink_to("/usr"),
    "a FIFO": os.mkfifo,
    "a folder with something else": lambda at: (at.mkdir(), (at / "mine.txt").write_text("mine")),
}


@pytest.mark.parametrize("stray", STRAYS)
def test_stray_among_the_labs_is_let_be_and_stops_nobody(two, stray):
    at = stay.folder() / "stray"
    STRAYS[stray](at)
    try:
        assert stay.names() == ["one", "two"]
        assert verb("ps").returncode == 0
        assert os.path.lexists(at)
        assert "is there already" in verb("up", "--name", "stray").stderr
        with pytest.raises(NoSuchLab):
            stay.find("stray")
    finally:
        (at / "mine.txt").unlink(missing_ok=True) if at.is_dir() and not at.is_symlink() else None
        at.rmdir() if at.is_dir() and not at.is_symlink() else at.unlink()


@pytest.mark.no_lab
@pytest.mark.parametrize("entry", ['{"pid": "1", "name": 7}', "[" * 100_000, "\xff" * 9, "fifo"])
def test_entry_that_we_did_not_write_stops_nobody(entry):
    home = stay.folder() / "strange"
    home.mkdir()
    if entry == "fifo":
        os.mkfifo(home / stay.ENTRY)
    else:
        (home / stay.ENTRY).write_text(entry)
    assert stay.names() == []
    assert not home.exists()


SQUATTERS = {
    "open to others": lambda at: (at.mkdir(), at.chmod(0o777)),
    "a link": lambda at: at.symlink_to("/tmp"),
    "a file": lambda at: at.write_text(""),
    "a FIFO": os.mkfifo,
}


@pytest.fixture
def elsewhere(monkeypatch, tmp_path):
    """No runtime folder, and a /tmp of our own."""
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(place, "USERS", Path("/nowhere"))
    monkeypatch.setattr(place, "TMP", tmp_path)
    (tmp_path / "home").mkdir()
    return tmp_path / f"vethlab_sh-{os.geteuid()}"


@pytest.mark.parametrize("squatter", SQUATTERS)
def test_squatted_folder_is_told_of_and_another_taken(elsewhere, capsys, squatter):
    SQUATTERS[squatter](elsewhere)
    with pytest.warns(OtherPlace, match="yours alone"):
        taken = stay.folder()
    assert taken.parent.name == ".cache"
    assert taken.stat().st_mode & 0o777 == 0o700
    assert main(["up", "--name", "web"]) == 0
    assert str(elsewhere) in capsys.readouterr().err
    assert main(["ps"]) == 0
    assert "web" in capsys.readouterr().out
    assert main(["down", "web"]) == 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert stay.names() == []
