"""The same as an ordinary user: the live tests once more, without root."""

import os
import re
import subprocess
import sys
import textwrap

import pytest
from conftest import ROOT

from vethlab_sh import Lab
from vethlab_sh.keep import stay
from vethlab_sh.sandbox import Sandbox
from vethlab_sh.shell import Shell

pytestmark = pytest.mark.live
PYTHON = ".venv/bin/python"


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user runs the live tests rootless already")
def test_live_tests_pass_without_root(as_user):
    """pytest again, as a user made for it; one nested run keeps both halves in one command.

    A few cases of each test are enough there: what differs from root is the world, and not the question asked in it.
    """
    words = "-q -n 4 --dist loadfile --deselect tests/test_rootless.py -p no:cacheprovider --color=no"
    ended = as_user("env", "VETHLAB_BRIEF=1", PYTHON, "-m", "pytest", "-m", "live and not no_lab", *words.split())
    assert ended.returncode == 0, ended.stdout[-5000:] + ended.stderr[-2000:]
    assert re.search(r"\d+ passed", ended.stdout)
    assert "skipped" not in ended.stdout.splitlines()[-1]


def test_user_without_privileges_plays_bridge(as_user):
    ended = as_user(PYTHON, "-m", "vethlab_sh", "demo", "bridge", "--quiet")
    assert ended.returncode == 0, ended.stderr
    assert "4 of 4 pings" in " ".join(ended.stdout.split())


@pytest.mark.skipif(os.geteuid() != 0, reason="root makes the second user")
def test_users_neither_see_nor_reach_each_others_labs(as_user):
    with Lab() as lab:
        lab.stay("mine")
    mine = stay.find("mine")
    program = f"""
        import os
        from vethlab_sh import Lab
        from vethlab_sh.keep import stay
        from vethlab_sh.errors import LabError
        from vethlab_sh.sandbox import Sandbox
        os.environ["XDG_RUNTIME_DIR"] = {str(stay.folder().parent)!r}
        print(stay.names())
        try:
            Sandbox.attach({mine.pid}, {mine.since})
        except LabError as error:
            print(error)
        lab = Lab()
        lab.stay("theirs")
        print(lab.sandbox.pid, stay.find("theirs").since)
    """
    said = as_user(PYTHON, "-c", textwrap.dedent(program)).stdout
    try:
        names, refused, found = said.splitlines()
        assert names == "[]"
        assert "belongs to another user" in refused
        assert stay.names() == ["mine"]
        theirs = Sandbox.attach(*map(int, found.split()))  # root may: it enters as the lab's owner
        ran = Shell(theirs).run("ip netns add red && touch /run/file && stat -c %U /run/file && whoami")
        assert len(set(ran.out.split())) == 1
        assert ran.out.split()[0] != "root"
        theirs.close()
    finally:
        assert "Nothing ran" in as_user(PYTHON, "-m", "vethlab_sh", "down", "theirs").stdout
        as_user(PYTHON, "-c", "from vethlab_sh.keep import stay; stay.folder().rmdir()")
        stay.down("mine")


IN_A_CHROOT = """
mount --rbind / "$0" && cd "$0" && mount -t tmpfs tmpfs mnt && exec chroot . "$@"
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is in a chroot and may make a world")
@pytest.mark.no_lab
def test_root_in_a_chroot_makes_no_lab_and_is_told_so(tmp_path):
    """Lines would run outside of it, because who enters a mount namespace is at the machine's root."""
    words = ["unshare", "--mount", "--propagation", "private", "sh", "-c", IN_A_CHROOT, str(tmp_path), sys.executable]
    program = "from vethlab_sh import Lab; Lab().run('touch /run/PWNED')"
    around = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run([*words, "-c", program], capture_output=True, text=True, env=around)
    assert "NotReady" in ended.stderr
    assert "chroot" in ended.stderr
    assert not os.path.exists("/run/PWNED")
