"""Whatever the surroundings are: nothing of the current folder runs, and what goes wrong is told in a sentence."""

import asyncio
import json
import os
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest
from conftest import ROOT

from vethlab_sh.sandbox import find, search_path

pytestmark = [pytest.mark.live, pytest.mark.every_case]
LIMIT = 120  # seconds; who hangs does so for ever


def verb(*words, cwd=ROOT, **environment):
    """A verb in an environment; None takes a variable away."""
    path = f"{os.environ.get('PYTHONPATH', '')}:{ROOT}"
    around = {**os.environ, "PYTHONPATH": path, **environment}
    around = {name: value for name, value in around.items() if value is not None}
    streams = {"capture_output": True, "stdin": subprocess.DEVNULL, "timeout": LIMIT}
    ended = subprocess.run([sys.executable, "-m", "vethlab_sh", *words], cwd=cwd, env=around, **streams)
    assert b"Traceback" not in ended.stderr, ended.stderr
    assert ended.returncode in (0, 1, 2)
    return ended


# ---- PATH ---------------------------------------------------------------------------------------------------------

PATHS = {"empty": "", "unset": None, "a dot": ".", "empty parts": "::", "a relative folder": "bin:./bin:"}


@pytest.mark.no_lab
@pytest.mark.parametrize("path", PATHS)
def test_only_folders_named_from_the_root_are_looked_into(monkeypatch, path):
    if PATHS[path] is None:
        monkeypatch.delenv("PATH")
    else:
        monkeypatch.setenv("PATH", PATHS[path])
    assert all(os.path.isabs(folder) for folder in search_path().split(":"))


@pytest.mark.parametrize("path", PATHS)
def test_nothing_of_the_current_folder_runs(tmp_path, path):
    (tmp_path / "bin").mkdir()
    for folder in (tmp_path, tmp_path / "bin"):
        for name in ("ip", "unshare", "bash", "sh", "ping", "hostname", "mount", "nsenter", "tcpdump", "brctl", "env"):
            program = folder / name
            program.write_text(f"#!/bin/sh\n: > {tmp_path}/PWNED\nexit 1\n")
            program.chmod(0o755)
    ended = verb("demo", "direct", "--quiet", cwd=tmp_path, PATH=PATHS[path])
    assert (ended.returncode, b"answered" in ended.stdout) == (0, True), ended.stderr
    assert not (tmp_path / "PWNED").exists()


@pytest.mark.no_lab
def test_ip_of_busybox_is_told_as_such(tmp_path):
    (tmp_path / "ip").symlink_to(find("busybox"))
    path = f"{tmp_path}:{os.environ['PATH']}"
    for words, code in ((("doctor",), 1), (("demo", "direct"), 2), (("inspect",), 2)):
        ended = verb(*words, PATH=path)
        assert ended.returncode == code
        said = " ".join((ended.stdout + ended.stderr).decode().split())
        assert "is BusyBox's here, which has no namespaces" in said
        assert "apt-get install iproute2" in said


# ---- words and variables ------------------------------------------------------------------------------------------

ODD = ["", "-", "-1", "99999999999999999999", "nan", "inf", "x" * 300, "$(id)", "\n", b"\xff", "/dev/full", "/dev/null"]
VERBS = {
    "demo hosts": ["demo", "bridge", "--replay", "--hosts", "?"],
    "draw": ["draw", "?", "--replay"],
    "draw png": ["draw", "direct", "--replay", "--png", "?"],
    "walk count": ["walk", "bridge", "ns100", "ns101", "--replay", "--count", "?"],
    "walk ends": ["walk", "bridge", "?", "?", "--replay"],
    "walk probe": ["walk", "bridge", "ns100", "ns101", "--replay", "--proto", "?"],
    "explain": ["explain", "?"],
    "show": ["show", "?", "links"],
    "run": ["run", "?", "--", "true"],
    "down": ["down", "?"],
    "compare": ["compare", "?"],
}


# All words of a verb in one process, whose streams are its own: a verb may change them, because it ends with them.
ALL_WORDS = """
import io, json, os, sys
from vethlab_sh import cli
cli.nowhere = lambda descriptor: None  # it is for a process that ends
out, words = os.fdopen(os.dup(1), "w"), json.loads(sys.argv[1])
for each in words:
    sys.stdin = io.TextIOWrapper(io.BytesIO())
    sys.stderr = io.TextIOWrapper(io.BytesIO(), write_through=True)
    sys.stdout = io.TextIOWrapper(io.BytesIO(), write_through=True)
    try:
        code = cli.main(each)
    except SystemExit as end:  # argparse has told it
        code = end.code
    print(json.dumps([each, code, bool(sys.stderr.buffer.getvalue())]), file=out, flush=True)
"""


@pytest.mark.no_lab
@pytest.mark.parametrize("name", VERBS)
def test_odd_words_are_told_in_a_sentence(tmp_path, name):
    lines = [[os.fsdecode(odd) if word == "?" else word for word in VERBS[name]] for odd in ODD]
    program = [sys.executable, "-c", ALL_WORDS, json.dumps(lines)]
    environment = {**os.environ, "PYTHONPATH": f"{os.environ.get('PYTHONPATH', '')}:{ROOT}"}
    ended = subprocess.run(program, capture_output=True, text=True, cwd=tmp_path, env=environment)
    told = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [words for words, _, _ in told] == lines, ended.stderr
    for words, code, has_spoken in told:
        assert code in (0, 1, 2), words
        assert code == 0 or has_spoken, words


@pytest.mark.no_lab
@pytest.mark.parametrize("columns", ["", "x", "-5", "0", "1", "9" * 5000, "\n", "²"])
def test_odd_width_is_not_obeyed(columns):
    assert verb("tables", COLUMNS=columns).returncode == 0


# ---- the class ------------------------------------------------------------------------------------------------------


@pytest.mark.no_lab
def test_one_learner_holds_up_nobodys_login(tmp_path, monkeypatch):
    """The hub goes on meanwhile, and whose home does not answer logs in without the lessons."""
    runuser = tmp_path / "runuser"
    runuser.write_text("#!/bin/sh\nexec sleep 1000\n")
    runuser.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    config = SimpleNamespace(
        JupyterHub=SimpleNamespace(), PAMAuthenticator=SimpleNamespace(), Spawner=SimpleNamespace()
    )
    page = ROOT / "classroom" / "jupyterhub_config.py"
    names = {"get_config": lambda: config, "__file__": str(page)}
    exec(compile(page.read_text(), str(page), "exec"), names)
    names["PATIENCE"] = 0.5
    told = []
    spawner = SimpleNamespace(
        user=SimpleNamespace(name="root"), log=SimpleNamespace(warning=lambda *words: told.append(words))
    )

    async def log_in():
        beats = 0
        login = asyncio.ensure_future(config.Spawner.pre_spawn_hook(spawner))
        while not login.done():
            await asyncio.wait([login], timeout=0.01)
            beats += 1
        await login
        return beats

    start = time.monotonic()
    assert asyncio.run(log_in()) > 3
    assert told
    assert time.monotonic() - start < LIMIT


@pytest.mark.no_lab
def test_no_token_stands_in_a_command_line():
    for file in [ROOT / "provision.sh", *ROOT.glob("classroom/*"), ROOT / "setup.sh"]:
        for line in file.read_text().splitlines():
            assert not ("curl" in line and "TOKEN" in line), line
