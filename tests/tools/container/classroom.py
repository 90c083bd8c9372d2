"""Is what `binder/Dockerfile` makes live, with the rights that its first lines name? `run` builds it before."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from configuration import Container, Program, configuration
from rows import PROFILES, run_in

IMAGE = Path(os.environ["CONTAINER_TOOLS"]) / "image"
NO_RIGHTS = Container(user=1000, dropped=True, no_new_privileges=True)
TWO_OPTIONS = Container(user=1000, dropped=True, no_new_privileges=True, seccomp=False, masked=False)
ALONE = "This lab runs in user-mode Linux"
SERVER = """
jupyter lab --ip=127.0.0.1 --no-browser --IdentityProvider.token=known >/tmp/log 2>&1 &
until python - <<'ASK'
import json, urllib.request
for kind in ("api/status", "api/contents/lessons"):
    print(json.load(urllib.request.urlopen(f"http://127.0.0.1:8888/{kind}?token=known")))
ASK
do kill -0 $! || exit 1; sleep 0.2; done 2>/dev/null
"""


def in_image(container: Container, script: str) -> subprocess.CompletedProcess[str]:
    """Run a bash script in a new container of the image, as its user, in its folder."""
    begins = json.loads(IMAGE.with_name("image.json").read_text())
    program = Program(["bash", "-c", script], begins["environment"], begins["folder"])
    with tempfile.TemporaryDirectory() as folder:
        bundle = Path(folder)
        config = configuration(container, program, bundle / "root", PROFILES["docker"], {}, writable=True)
        layer = f'mount -t tmpfs tmpfs "$0/layer" && mkdir "$0/layer/up" "$0/layer/work" && mount -t overlay overlay \
            -o "lowerdir={IMAGE},upperdir=$0/layer/up,workdir=$0/layer/work" "$0/root"'
        (bundle / "layer").mkdir()
        return run_in(bundle, config, layer)


@pytest.mark.parametrize(("container", "is_alone"), [(NO_RIGHTS, True), (TWO_OPTIONS, False)])
@pytest.mark.parametrize("name", ["direct", "bridge", "flannel", "calico"])
def test_scenarios_are_live(container, is_alone, name):
    ended = in_image(container, f"vethlab_sh demo {name} --quiet")
    assert ended.returncode == 0, (ended.stdout[-500:], ended.stderr[-900:])
    assert "answered.)" in ended.stdout
    assert (ALONE in ended.stderr) == is_alone


def test_doctor_finds_all_that_it_needs():
    rows = json.loads(in_image(NO_RIGHTS, "vethlab_sh doctor --json").stdout)
    assert [row for row in rows if row["status"] == "missing"] == []


def test_jupyterlab_answers_with_the_lessons():
    ended = in_image(NO_RIGHTS, SERVER)
    assert ended.returncode == 0, (ended.stdout[-500:], ended.stderr[-900:])
    assert "2_bridge.ipynb" in ended.stdout


def test_lesson_runs_in_a_kernel():
    ended = in_image(
        NO_RIGHTS, "jupyter execute --inplace lessons/0_start_here.ipynb && cat lessons/0_start_here.ipynb"
    )
    assert ended.returncode == 0, (ended.stdout[-500:], ended.stderr[-900:])
    assert ALONE in ended.stdout
