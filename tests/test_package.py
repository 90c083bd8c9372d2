"""What pip installs: the command line alone, with the lessons in it; each further part where it is asked for."""

import email
import itertools
import os
import re
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
from conftest import ROOT

SITE = Path(sysconfig.get_paths()["purelib"])
WATCHED = """
try:
    import sitecustomize  # by which the tests hear of labs; -S leaves it out
except ModuleNotFoundError:
    pass
"""
REPOSITORY = {"GITHUB_SERVER_URL": "https://example.org", "GITHUB_REPOSITORY": "someone/fork"}


def built(folder, **environment):
    """The wheel, made as pip makes it, by the hatchling that is here."""
    words = ("pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "--no-index", "-w", str(folder), str(ROOT))
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GITHUB_")}
    subprocess.run([sys.executable, "-m", *words], check=True, env=clean | environment, cwd=folder)
    (wheel,) = folder.glob("*.whl")
    return zipfile.ZipFile(wheel)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return built(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def bare(wheel, tmp_path_factory):
    """Run a program that finds the installed package and `sh`, and no other package."""
    folder = tmp_path_factory.mktemp("site")
    wheel.extractall(folder)
    for path in itertools.chain.from_iterable(SITE.glob(name) for name in ("sh", "sh.py", "sh-*.dist-info")):
        (folder / path.name).symlink_to(path)

    def run(*words):
        environment = {**os.environ, "PYTHONPATH": f"{folder}:{os.environ.get('PYTHONPATH', '')}"}
        program = words[1]
        if words[0] == "-m":
            program = (
                f"import runpy, sys; sys.argv[:] = {list(words[1:])}; runpy.run_module({program!r}, {{}}, '__main__')"
            )
        # -S: no site-packages, and so none of what the tests have there
        line = [sys.executable, "-S", "-c", WATCHED + program]
        return subprocess.run(line, capture_output=True, text=True, cwd=folder, env=environment)

    return run


def metadata_of(wheel):
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    return email.message_from_bytes(wheel.read(name))


def test_wheel_holds_lessons_recordings_player_and_examples(wheel):
    names = set(wheel.namelist())
    assert {f"vethlab_sh/lessons/notebooks/{path.name}" for path in ROOT.glob("notebooks/*.ipynb")} <= names
    assert {
        f"vethlab_sh/lessons/notebooks/solutions/{path.name}" for path in ROOT.glob("notebooks/solutions/*.ipynb")
    } <= names
    package = ROOT / "vethlab_sh"
    files = {path.relative_to(ROOT).as_posix() for path in package.rglob("*") if path.is_file()}
    assert {name for name in files if "__pycache__" not in name} <= names
    assert {"vethlab_sh/py.typed", "vethlab_sh/examples/class.checks"} <= names


def test_wheel_alone_brings_sh_and_nothing_else(wheel):
    needs = metadata_of(wheel).get_all("Requires-Dist")
    assert [need for need in needs if "extra ==" not in need] == ["sh>=2.0.6"]


def test_where_the_address_is_unknown_none_is_claimed(wheel):
    page = metadata_of(wheel)
    assert page.get_all("Project-URL") is None
    assert "](docs/" not in page.get_payload()


def test_release_links_to_its_own_repository(tmp_path):
    page = metadata_of(built(tmp_path, **REPOSITORY))
    assert "Homepage, https://example.org/someone/fork" in page.get_all("Project-URL")
    links = re.findall(r"\]\(([^)]*)\)", page.get_payload())
    assert links
    assert [link for link in links if not link.startswith(("https://", "#"))] == []
    pictures = re.findall(r"!\[[^]]*\]\(([^)]*)\)", page.get_payload())
    assert all("/raw/v" in picture for picture in pictures)


@pytest.mark.live
def test_scenarios_walks_and_checks_need_no_more_than_sh(bare):
    for words in (
        ("demo", "direct", "--quiet"),
        ("demo", "bridge", "--replay"),
        ("draw", "direct"),
        ("walk", "direct", "ns1", "ns2"),
        ("check", "direct", "ns1 can reach ns2"),
        ("inspect",),
        ("list",),
        ("tables",),
        ("doctor",),
        ("grade", "vethlab_sh/examples/class"),
    ):
        ended = bare("-m", "vethlab_sh", *words)
        assert ended.returncode == 0, (words, ended.stdout[-300:], ended.stderr[-900:])
        assert "Traceback" not in ended.stderr


@pytest.mark.live
@pytest.mark.parametrize(
    ("words", "package", "extra"),
    [
        (("draw", "direct", "--png", "x.png"), "matplotlib", "pictures"),
        (("lab",), "jupyterlab", "lab"),
    ],
)
def test_missing_part_is_named_with_the_line_that_brings_it(bare, words, package, extra):
    ended = bare("-m", "vethlab_sh", *words)
    assert ended.returncode == 2
    assert f"This needs the Python package {package}" in ended.stderr
    assert f'pip install "vethlab-sh[{extra}]"' in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.live
def test_missing_pandas_is_an_error_of_the_kit(bare):
    program = """
from vethlab_sh import Lab, LabError, parse
with Lab() as lab:
    ran = lab.run("ip link")
    for show in (lambda: ran.table, lambda: lab.snapshot().links, lambda: lab.changes().table):
        try:
            print(show())
        except LabError as error:
            print(error.extra)
"""
    assert bare("-c", program).stdout.split() == ["tables"] * 3


@pytest.mark.live
def test_who_installed_it_is_told_no_make_and_no_vagrant(bare):
    without_sh = "import sys; sys.modules['sh'] = None; from vethlab_sh import Lab; Lab()"
    elsewhere = "import sys; sys.platform = 'darwin'; import platform; platform.system = lambda: 'Darwin'\n"
    for program in (without_sh, elsewhere + "from vethlab_sh import Lab; Lab()"):
        said = bare("-c", program).stderr
        assert "NotReady" in said
        assert "`make " not in said
        assert "vagrant" not in said


def test_lessons_are_copied_once_and_never_overwritten(vethlab, tmp_path):
    mine = tmp_path / "mine"
    first = vethlab("lessons", str(mine), "--solutions")
    assert first.returncode == 0, first.stderr
    shipped = sorted(path.name for path in ROOT.glob("notebooks/*.ipynb"))
    assert sorted(path.name for path in mine.glob("*.ipynb")) == shipped
    assert len(list(mine.glob("solutions/*.ipynb"))) == len(shipped)
    (mine / shipped[2]).write_text("what I did")
    (mine / shipped[3]).unlink()
    again = vethlab("lessons", str(mine))
    assert again.stdout.split() == [str(mine / shipped[3])]
    assert (mine / shipped[2]).read_text() == "what I did"


def test_lesson_begins_anew_and_the_old_one_is_kept(vethlab, tmp_path):
    vethlab("lessons", str(tmp_path))
    lesson = tmp_path / "2_bridge.ipynb"
    answers = tmp_path / ".answers"
    answers.mkdir()
    for number in (1, 2):
        lesson.write_text(f"try {number}")
        (answers / "2_bridge.json").write_text(f"answers {number}")
        ended = vethlab("lessons", str(tmp_path), "--reset", "2_bridge")
        assert f"2_bridge.before-{number}.ipynb" in ended.stdout
        assert (tmp_path / f"2_bridge.before-{number}.ipynb").read_text() == f"try {number}"
        assert lesson.read_bytes() == (ROOT / "notebooks/2_bridge.ipynb").read_bytes()
        assert (answers / f"2_bridge.before-{number}.json").read_text() == f"answers {number}"
        assert not (answers / "2_bridge.json").exists()  # nothing is answered yet in the new one
    unknown = vethlab("lessons", str(tmp_path), "--reset", "bridge")
    assert unknown.returncode == 2
    assert "Did you mean '2_bridge'?" in unknown.stderr


def test_shell_that_asks_is_told_the_verbs():
    """argcomplete's protocol: the line so far stands in variables, the answers go to file descriptor 8."""
    line = "vethlab_sh dra"
    environment = os.environ | {
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_SHELL": "bash",
        "_ARGCOMPLETE_IFS": "\n",
        "COMP_LINE": line,
        "COMP_POINT": str(len(line)),
        "COMP_TYPE": "",
    }
    words = f"{sys.executable} -m vethlab_sh 8>&1 9>/dev/null"
    ended = subprocess.run(["bash", "-c", words], capture_output=True, text=True, cwd=ROOT, env=environment)
    assert ended.stdout.split() == ["draw"], ended.stderr
