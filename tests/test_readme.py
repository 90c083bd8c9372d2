"""Every command and every example of the README runs."""

import os
import re
import shlex
import subprocess
import sys

import pytest
from conftest import ROOT

from vethlab_sh.cli import _parser

README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", README, re.S)
COMMANDS = [
    line.split("#")[0].strip()
    for language, block in BLOCKS
    if language == "sh"
    for line in block.splitlines()
    if line.startswith("python -m")
]
MAKE = re.findall(r"^make (\w+)", "\n".join(block for language, block in BLOCKS if language == "sh"), re.M)


@pytest.mark.live
@pytest.mark.parametrize("command", COMMANDS)
def test_readme_command_succeeds(command):
    ended = subprocess.run([sys.executable, *shlex.split(command)[1:]], capture_output=True, text=True, cwd=ROOT)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout


@pytest.mark.live
def test_readme_pipes_run():
    pipes = re.findall(r"`(python -m vethlab_sh script bridge \| )(?:sudo )?bash`", README)
    assert pipes
    ended = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m vethlab_sh script bridge | bash"], capture_output=True, cwd=ROOT
    )
    assert ended.returncode == 0


@pytest.mark.live
def test_readme_python_runs():
    (program,) = (block for language, block in BLOCKS if language == "python")
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, env={**os.environ}
    )
    assert (ended.returncode, ended.stderr) == (0, "")


def test_readme_make_targets_exist():
    makefile = (ROOT / "Makefile").read_text()
    assert {"demo", "test"} <= set(MAKE)
    assert all(re.search(rf"^{target}:", makefile, re.M) for target in MAKE)


def test_readme_names_every_verb():
    (verbs,) = (action for action in _parser()._actions if action.choices and "demo" in action.choices)
    for verb in verbs.choices:
        assert f"python -m vethlab_sh {verb}" in README, verb
    assert all(action.help for action in verbs._choices_actions)


def test_readme_shows_what_the_demo_shows(vethlab):
    (transcript,) = (block for _, block in BLOCKS if block.startswith("$ python -m vethlab_sh demo direct"))
    shown = [
        steady(line) for line in vethlab("demo", "direct", env={**os.environ, "COLUMNS": "100"}).stdout.splitlines()
    ]
    for line in transcript.split("…\n")[1].splitlines():
        assert steady(line) in shown, line


@pytest.mark.live
def test_readme_wiring_is_what_draw_prints(vethlab):
    (picture,) = (block for _, block in BLOCKS if block.startswith("$ python -m vethlab_sh draw flannel\n"))
    assert vethlab("draw", "flannel").stdout == picture.partition("\n")[2]


@pytest.mark.live
def test_readme_changes_are_what_the_demo_tells(vethlab):
    (told,) = (block for _, block in BLOCKS if block.startswith("[root@master ~]# ip link set tap1 netns ns1"))
    shown = vethlab("demo", "direct", "--changes").stdout.splitlines()
    assert all(line in shown for line in told.splitlines())


def steady(line):
    """A line without what differs from run to run: MAC addresses."""
    return re.sub(r"([0-9a-f]{2}:){5}[0-9a-f]{2}", "MAC", line).rstrip()


def test_every_module_stands_in_the_readme():
    rooms = {
        p.stem + ("/" if p.is_dir() else ".py") for p in (ROOT / "vethlab_sh").iterdir() if not p.name.startswith("__")
    }
    assert {name for name in rooms if name not in README} == set()
