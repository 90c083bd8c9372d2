"""README, CONTRIBUTING and docs/: every command runs, every transcript is what is printed now, every link leads there.

What becomes of a block stands in pages.py. A block that no test can run stands in NOT_RUN, with the reason.
"""

from __future__ import annotations

import ast
import functools
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pages
import pytest
from conftest import ROOT
from pages import Block

PAGES = {pages.name(path): path for path in pages.pages()}
BLOCKS = [block for path in PAGES.values() for block in pages.blocks(path)]
EDITS = [block for block in BLOCKS if pages.is_edit(block)]
AT_ONCE = 4
CHINESE = "README.zh.md"  # read where the kit speaks Chinese
BY_CLASS = "tests/tools/classroom.py does what it says (make test-class)"
DRAWING = "a drawing; its names are looked up in the kernel below"

# A block or a command that is not run here: (page, how its first line or the command begins) -> why.
NOT_RUN = {
    ("README.md", "make demo"): "sets the machine up; .ci/run and a fresh machine run it",
    ("README.md", "make test"): "runs this test",
    ("README.md", "python -m vethlab_sh lab "): "serves until it is stopped; tests/tools/browser.py opens the lessons",
    ("CONTRIBUTING.md", "make check"): "runs this test",
    ("docs/start.md", "make demo"): "sets the machine up; .ci/run and a fresh machine run it",
    ("docs/start.md", "make test"): "runs this test",
    (
        "docs/start.md",
        "pip install vethlab-sh",
    ): "from the day of the first release; test_package.py builds and runs it",
    ("docs/start.md", "$ vagrant up"): "makes a virtual machine: make test-vm",
    ("docs/start.md", "sudo apt-get install user-mode-linux"): "installs it: make test-uml, make test-container",
    ("docs/start.md", "docker build"): "needs Docker: make test-container ARGS=image carries the Dockerfile out",
    ("docs/machine.md", "make box"): "builds a virtual machine: make test-vm",
    (
        "docs/machine.md",
        "VETHLAB_BOX_URL",
    ): "makes a machine: make test-vm; test_virtual_machine.py asks each place",
    ("docs/machine.md", "sed "): "needs a cloud; test_virtual_machine.py reads the file, make test-vm starts with it",
    ("docs/machine.md", "limactl"): "needs Lima, which the page says was not tried",
    ("docs/machine.md", "wsl "): "needs Windows, which the page says was not tried",
    ("docs/start.md", "sudo ./provision.sh"): "changes the machine that it runs on: make test-vm",
    ("docs/real-nodes.md", "$ sudo python -m vethlab_sh inspect --walk web-1 db-1"): (
        "needs pods and their files; test_node.py lays both and compares the transcript"
    ),
    ("docs/two-nodes.md", " pod-a          pod-b"): DRAWING,
    ("docs/two-nodes.md", " pod-a 10.240.188.122/32"): DRAWING,
    ("docs/open-vswitch.md", " ns1: eth0 10.0.0.1"): "a drawing",
    ("docs/kinds.md", ""): "written from networks that were laid (make kinds); test_kinds.py lays them again",
    ("docs/quiz.md", ""): "written from the quiz (make quiz); test_quiz.py runs its lines",
    ("docs/causes.md", ""): "written from networks that were played (make causes); test_causes.py plays some of them",
    ("docs/inside.md", "vethlab_sh/"): "a list of files; each is looked up below",
    ("docs/inside.md", "line → record"): "a drawing",
    ("classroom/README.md", "git clone"): BY_CLASS,
    ("classroom/README.md", "mkdir -p course"): BY_CLASS,
    ("classroom/README.md", "chmod -R go="): "permissions of the place where a class has the kit",
    ("classroom/README.md", "FROM debian:12"): "an image for Kubernetes, which the page says was not tried",
    ("classroom/README.md", "c.KubeSpawner"): "settings for Kubernetes, which the page says were not tried",
}


def why_not_run(block: Block, text: str) -> str | None:
    """The reason why a block or a command of it is not run."""
    for (page, begins), reason in NOT_RUN.items():
        if page == block.page and text.startswith(begins):
            return reason
    return None


def of(*languages: str) -> list[Block]:
    """The blocks to run that are of these languages."""
    meant = [block for block in BLOCKS if block.language in languages and block not in (*EDITS, *SAID_TWICE)]
    return [block for block in meant if not why_not_run(block, block.first)]


def typed(block: Block) -> str:
    """What a block does, whatever its remarks say."""
    if block.language == "python":
        return ast.dump(ast.parse(block.text))
    return "\n".join(re.sub(r"\s+#.*", "", line) for line in block.text.splitlines())


def said_twice() -> list[Block]:
    """The blocks of the Chinese README in which a reader types what the English one says, where it is run."""
    once = {typed(block) for block in BLOCKS if block.page == "README.md" and block.language != "console"}
    here = [block for block in BLOCKS if block.page == CHINESE and block.language != "console"]
    return [block for block in here if typed(block) in once]


SAID_TWICE = said_twice()


class Visit:
    """A reader's terminal in a checkout: its new files are nobody's, and its labs are its own and end with it."""

    def __init__(self, folder: Path, checkout: Path | None = None, language: str = "en") -> None:
        self.checkout = checkout or linked_checkout(folder / "checkout")
        runtime = folder / "runtime"
        runtime.mkdir(mode=0o700)
        self.environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": f"{self.checkout}:{os.environ.get('PYTHONPATH', '')}",
            "XDG_RUNTIME_DIR": str(runtime),
            "COLUMNS": "100",
            "VETHLAB_LANG": language,
        }

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run one program without a terminal."""
        return subprocess.run(
            words, capture_output=True, text=True, cwd=self.checkout, env=self.environment, stdin=subprocess.DEVNULL
        )

    def type(self, command: str) -> str:
        """Run one command of a page, which must end as the page says; return what it printed."""
        expected = re.search(r"# exit code (\d+)$", command)
        ended = self.run("bash", "-c", command)
        assert ended.returncode == int(expected[1] if expected else 0), f"{command}\n{ended.stdout}{ended.stderr}"
        return ended.stdout

    def leave(self) -> None:
        """End the labs that stay."""
        self.run(sys.executable, "-m", "vethlab_sh", "down", "--all")


def linked_checkout(folder: Path) -> Path:
    """A folder that looks like the checkout, and in which a new file harms nobody."""
    folder.mkdir()
    for entry in ROOT.iterdir():
        if not entry.name.startswith("."):
            (folder / entry.name).symlink_to(entry)
    return folder


def contributed_checkout(folder: Path) -> Path:
    """A checkout of its own in which somebody did all that CONTRIBUTING shows."""
    linked_checkout(folder)
    for name in ("vethlab_sh", "tests"):
        (folder / name).unlink()
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "screenshots"))
    (folder / "README.md").unlink()
    shutil.copy(ROOT / "README.md", folder)
    for block in EDITS:
        pages.apply(block, folder)
    return folder


# --- blocks ---------------------------------------------------------------------------------------------------------


def test_no_block_escapes():
    """Each block is run, is a change that is applied to a copy, or stands in NOT_RUN."""
    run = of(*RUN)
    skipped = [block for block in BLOCKS if why_not_run(block, block.first)]
    escaped = [str(block) for block in BLOCKS if block not in (*run, *EDITS, *skipped, *SAID_TWICE)]
    assert escaped == []
    assert len(run) > 20
    assert {block.page for block in EDITS} == {"CONTRIBUTING.md"}


def test_what_is_not_run_still_stands_on_a_page():
    texts = {page: "\n" + "\n".join(block.text for block in BLOCKS if block.page == page) for page in PAGES}
    stale = [(page, begins) for page, begins in NOT_RUN if f"\n{begins}" not in texts[page]]
    assert stale == []


def test_chinese_readme_is_whole():
    """It has the English one's headings, commands, programs and cells; and sections on its language and its claims."""
    levels = {
        page: [heading.partition(" ")[0] for heading in pages.headings(PAGES[page])] for page in ("README.md", CHINESE)
    }
    assert len(levels[CHINESE]) == len(levels["README.md"]) + 2
    typed_there = [typed(block) for block in BLOCKS if block.page == "README.md" and block.language != "console"]
    assert [typed(block) for block in SAID_TWICE] == typed_there


def commands_succeed(block: Block, visit: Visit) -> None:
    """Each command of a list ends as it should."""
    for command in block.commands():
        if not why_not_run(block, command):
            visit.type(command)


def transcript_is_printed(block: Block, visit: Visit) -> None:
    """Each command prints what is shown below it."""
    for command, shown in block.transcript():
        printed = visit.type(command)
        part = pages.missing(shown, printed)
        assert part is None, f"`{command}` does not print\n{part}\nbut\n{printed}"


def program_runs(block: Block, visit: Visit) -> None:
    """A program ends well and complains of nothing."""
    visit.run(sys.executable, "-c", "import matplotlib.font_manager")  # the first time, it says so when it takes long
    ended = visit.run(sys.executable, "-c", block.text)
    assert (ended.returncode, ended.stderr) == (0, "")


SESSION = """
import doctest, sys
session = doctest.DocTestParser().get_doctest(sys.argv[1], {}, "session", "page", 0)
sys.exit(not session.examples or bool(doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(session).failed))
"""


def session_answers(block: Block, visit: Visit) -> None:
    """Python answers each line as shown."""
    ended = visit.run(sys.executable, "-c", SESSION, block.text)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


CELL = """
import sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.run_line_magic("load_ext", "vethlab_sh")
sys.exit(not shell.run_cell(sys.argv[1]).success)
"""


def cell_runs(block: Block, visit: Visit) -> None:
    """A notebook's cell ends well and shows something."""
    ended = visit.run(sys.executable, "-c", CELL, block.text)
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stdout
    assert ended.stdout


RUN = {
    "sh": commands_succeed,
    "console": transcript_is_printed,
    "python": program_runs,
    "pycon": session_answers,
    "ipython": cell_runs,
}


def run(block: Block, folder: Path, contributed: Future[Path]) -> None:
    """Do what a block says, as a reader who knows nothing of the other blocks."""
    checkout = contributed.result() if block.page == "CONTRIBUTING.md" else None
    visit = Visit(folder, checkout, language="zh" if block.page == CHINESE else "en")
    try:
        RUN[block.language](block, visit)
    finally:
        visit.leave()


@pytest.fixture(scope="module")
def outcomes(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[Block, Future]]:
    """What becomes of each block that is asked for: several at a time, because they wait for pings most of the time."""
    tests = [item.callspec.params for item in request.session.items if hasattr(item, "callspec")]
    asked = {params["block"] for params in tests if "block" in params}
    folders = {block: tmp_path_factory.mktemp("visit") for block in BLOCKS if block in asked}
    copy = tmp_path_factory.mktemp("contributed") / "checkout"
    with ThreadPoolExecutor(AT_ONCE) as pool:
        contributed = pool.submit(contributed_checkout, copy)
        yield {block: pool.submit(run, block, folder, contributed) for block, folder in folders.items()}


@pytest.mark.live
@pytest.mark.every_case
@pytest.mark.parametrize("block", of(*RUN), ids=str)
def test_block_does_what_the_page_says(outcomes, block):
    outcomes[block].result()


def test_transcript_with_a_wrong_line_is_noticed():
    printed = "one\ntwo 12.5 us\nthree 8e:2a:10:00:00:02\n"
    assert pages.missing("one\n…\nthree 8e:2a:10:00:00:03\n", printed) is None
    assert pages.missing("…\ntwo   13.0 us\n…\n", printed) is None
    assert pages.missing("one\n…\nfour\n", printed) == "four\n"
    assert pages.missing("…\nthree MAC\n…\none\n", printed) == "one\n"
    assert pages.missing("two T us\n…\n", printed) == "two T us\n"
    assert pages.missing("…\ntwo T us\n", printed) == "two T us\n"


# --- what stands in the text ------------------------------------------------------------------------------------------


def spans() -> list[tuple[str, str]]:
    """The commands that stand within a sentence, each with its page."""
    return [(page, span) for page, path in PAGES.items() for span in re.findall(r"`([^`\n]+)`", pages.prose(path))]


@functools.cache
def help_of(*verb: str) -> str:
    """What `--help` says, of the whole or of a verb."""
    words = [sys.executable, "-m", "vethlab_sh", *verb, "--help"]
    ended = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, check=True)
    return ended.stdout


def verbs() -> list[str]:
    """Every verb of the command line."""
    return re.findall(r"^  (\w+) ", help_of(), re.MULTILINE)


def test_commands_in_sentences_have_their_verbs_and_options():
    commands = [span for _, span in spans() if span.startswith("python -m vethlab_sh ")]
    assert len(commands) > 10
    for command in commands:
        words = shlex.split(re.split(r"[|;]", command)[0])[3:]
        verb = next(word for word in words if not word.startswith("-"))  # before it may stand an option of all verbs
        assert verb in verbs(), command
        for option in (word for word in words if word.startswith("--") and word != "--"):
            assert option in help_of(verb), command


def test_make_targets_exist():
    makefile = (ROOT / "Makefile").read_text()
    commands = [span for _, span in spans()]
    commands += [command for block in BLOCKS if block.language == "sh" for command in block.commands()]
    targets = {found[1] for command in commands if (found := re.match(r"make ([a-z-]+)", command))}
    assert {"demo", "test", "lab"} <= targets
    assert [target for target in sorted(targets) if not re.search(rf"^{target}:", makefile, re.M)] == []


def test_readme_names_every_verb():
    readme = PAGES["README.md"].read_text()
    assert "demo" in verbs()
    assert [verb for verb in verbs() if f"python -m vethlab_sh {verb}" not in readme] == []


def test_script_runs_without_us(tmp_path):
    pipes = [span for _, span in spans() if re.fullmatch(r"python -m vethlab_sh script bridge \| (sudo )?bash", span)]
    assert pipes
    Visit(tmp_path).type("python -m vethlab_sh script bridge | bash")


@pytest.mark.live
@pytest.mark.parametrize("name", ["flannel", "calico"])
def test_drawing_has_the_names_and_addresses_of_the_kernel(name, request):
    drawings = [block.text for block in BLOCKS if why_not_run(block, block.first) == DRAWING]
    (drawing,) = (text for text in drawings if {"flannel": "cni0", "calico": "felix"}[name] in text)
    snapshot = request.getfixturevalue(name).snapshot()
    there = {row.name for row in snapshot.rows.links} | {row.namespace for row in snapshot.rows.links}
    there |= {row.address for row in snapshot.rows.addresses}
    there |= {row.address.partition("/")[0] for row in snapshot.rows.addresses}
    there |= {to for row in snapshot.rows.routes for to in (row.to, row.via)}
    words = re.findall(r"\b(?:veth|cali)[0-9a-f]{8,}\b|\b(?:\d+\.){3}\d+(?:/\d+)?|\b(?:pod-\w|node2|master)\b", drawing)
    assert len(words) > 10
    assert [word for word in words if word not in there] == []


# --- links and shape --------------------------------------------------------------------------------------------------


def links() -> Iterator[tuple[str, Path, str]]:
    """Each link into this repository: where it stands, the file it leads to, and what follows the #."""
    texts = {name: pages.prose(path) for name, path in PAGES.items()}
    for notebook in [*ROOT.glob("notebooks/*.ipynb"), *ROOT.glob("notebooks/solutions/*.ipynb")]:
        texts[pages.name(notebook)] = notebook.read_text()
    for name, text in texts.items():
        for target in pages.LINK.findall(text):
            if not re.match(r"[a-z]+:", target):
                path, _, anchor = target.partition("#")
                here = ROOT / name
                yield name, (here.parent / path).resolve() if path else here, anchor


def test_links_lead_to_what_is_there():
    found = list(links())
    assert len(found) > 30
    for name, target, anchor in found:
        assert target.exists(), f"{name} links to {target}"
        if anchor:
            assert anchor in pages.anchors(target), f"{name} links to {target.name}#{anchor}"


def test_pages_named_elsewhere_are_there():
    """Programs and settings name pages too: `(docs/start.md)` in a message, a comment of the Vagrantfile."""
    files = [ROOT / name for name in ("Makefile", "setup.sh", "provision.sh", "Vagrantfile", "pyproject.toml")]
    files += [*ROOT.glob("vethlab_sh/**/*.py"), *ROOT.glob("classroom/*.py"), *ROOT.glob("tests/**/*.py")]
    named = {page for file in files for page in re.findall(r"\b(?:\w[\w-]*/)*[\w-]+\.md\b", file.read_text())}
    assert "docs/speed.md" in named
    assert [page for page in sorted(named) if "/" in page and not (ROOT / page).exists()] == []


@pytest.mark.parametrize("path", sorted((ROOT / "docs").glob("*.md")), ids=lambda path: path.name)
def test_page_is_ready_for_a_site(path):
    """One title; no link that leaves docs/, where a site ends; and the index leads there."""
    assert len([heading for heading in pages.headings(path) if heading.startswith("# ")]) == 1
    for target in pages.LINK.findall(pages.prose(path)):
        assert not target.startswith(("/", "..")), f"{path.name} links to {target}"
    index = (ROOT / "docs" / "index.md").read_text()
    assert path.name == "index.md" or f"({path.name})" in index


def test_every_module_stands_on_the_page_about_the_inside():
    (tree,) = (block.text for block in BLOCKS if block.page == "docs/inside.md" and block.first == "vethlab_sh/")
    package = ROOT / "vethlab_sh"
    entries = [path for path in package.iterdir() if not path.name.startswith("__")]
    names = {path.name + "/" if path.is_dir() else path.name for path in entries if path.suffix != ".typed"}
    listed = set(re.findall(r"^  ?(\w+(?:/|\.py))", tree, re.MULTILINE))
    assert listed == names


def test_readme_is_short():
    assert len(PAGES["README.md"].read_text().splitlines()) <= 230
