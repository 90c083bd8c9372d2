"""The workflow on GitHub runs what the Makefile has, on every Python that the package is for."""

import re
import subprocess

import pytest
import yaml
from conftest import ROOT

WORKFLOW = yaml.safe_load((ROOT / ".github" / "workflows" / "test.yml").read_text())
JOBS = WORKFLOW["jobs"]
PYTHONS = ["3.11", "3.12", "3.13", "3.14"]


def lines(job):
    """What the steps of a job run."""
    return [step["run"] for step in JOBS[job]["steps"] if "run" in step]


def pythons(job):
    """The Pythons that a job runs on."""
    matrix = JOBS[job]["strategy"]["matrix"]
    if "python" in matrix:
        return matrix["python"]
    return [row["python"] for row in matrix["include"]]


def test_pushes_and_pull_requests_are_tested():
    assert set(WORKFLOW[True]) == {"push", "pull_request"}  # to YAML 1.1 the word `on` is true


@pytest.mark.parametrize("job", JOBS)
def test_every_python_is_tested(job):
    assert pythons(job) == PYTHONS


def test_oldest_python_is_the_packages():
    assert f'requires-python = ">={PYTHONS[0]}"' in (ROOT / "pyproject.toml").read_text()


@pytest.mark.parametrize("job", JOBS)
def test_steps_run_targets_of_the_makefile(job):
    targets = re.findall(r"\bmake ([a-z-]+)$", "\n".join(lines(job)), re.M)
    assert targets == ["test"]
    makefile = (ROOT / "Makefile").read_text()
    assert all(re.search(rf"^{target}:", makefile, re.M) for target in targets)


@pytest.mark.parametrize("job", JOBS)
def test_steps_are_bash(job):
    for line in lines(job):
        shell = re.sub(r"\$\{\{.*?\}\}", "value", line)
        checked = subprocess.run(["bash", "-n", "-c", shell], capture_output=True, text=True)
        assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.parametrize("job", JOBS)
def test_ordinary_users_may_make_namespaces(job):
    """The setting that the kit's own message names, as the step's condition and as its cure."""
    (step,) = [line for line in lines(job) if "sysctl" in line]
    assert step.count("apparmor_restrict_unprivileged_userns") == 2
    if "container" in JOBS[job]:
        assert JOBS[job]["container"]["options"] == "--privileged"


def test_site_is_built_by_the_makefile_and_published_from_the_main_branch_alone():
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "book.yml").read_text())
    build, publish = workflow["jobs"]["build"], workflow["jobs"]["publish"]
    (line,) = [step["run"] for step in build["steps"] if "run" in step]
    assert line.endswith("make book")
    assert publish["needs"] == "build"
    assert "github.event_name != 'pull_request'" in publish["if"]
    assert "refs/heads/main" in publish["if"]
    assert workflow["permissions"] == {"contents": "read"}
