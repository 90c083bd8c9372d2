"""What is the site made from? The guides, the solved lessons, the drills and the code itself; Sphinx makes pages of it.

python book/make.py              build the site in book/_build/html, in Chinese in its folder zh; a warning is an error
python book/make.py en           only in that language
python book/make.py catalogue    bring the catalogues in book/locale up to date with what the pages say, and count
python book/make.py --gather     only gather what it is made from, in book/_build/source
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path[:0] = [str(HERE), str(ROOT), str(ROOT / "notebooks")]

import players  # noqa: E402
import reference  # noqa: E402
import solved  # noqa: E402
import stories  # noqa: E402
from editions import BUILD, CHOSEN, EDITIONS, Edition  # noqa: E402
from retold import on_page  # noqa: E402
from said import tr  # noqa: E402

from vethlab_sh import Lab  # noqa: E402
from vethlab_sh.language import SOURCE, speaking  # noqa: E402
from vethlab_sh.lessons import quiz  # noqa: E402

WALKED = "pictures/walk.png"  # where a guide has this picture, the site has the walk itself
QUOTES = "causes.md"  # its verdicts are quoted, as the kit has said them
SECTION = re.compile(r"^## (.+)$", re.M)
PAGE = re.compile(r"\]\((\w[\w-]*)\.md\)")


def gather(edition: Edition) -> Path:
    """Put everything that an edition is made from into a new folder; returns it."""
    with speaking(edition.code):
        return _gather(edition.build)


def _gather(build: Path) -> Path:
    source = build / "source"
    shelf = players.Shelf(build / "extra" / "players")
    for folder in (source, shelf.folder):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    shelf.keep("first", _first_walk())
    _guides(source / "guides", shelf)
    solved.write(ROOT / "notebooks" / "solutions", source / "lessons", shelf)
    stories.write(source / "drills")
    reference.write(source / "reference", HERE / "python.md")
    (source / "index.md").write_text(_first_page(shelf), encoding="utf-8")
    return source


def _first_page(shelf: players.Shelf) -> str:
    """book/index.md with the walk that moves, the list of guides, and the table of contents."""
    guides = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    sections = guides[guides.index("## ") :]
    parts = {
        "PLAYER": shelf.frame("first", "players", begins=True),
        "GUIDES": PAGE.sub(r"](guides/\1.md)", sections),
        "CONTENTS": _contents(sections),
    }
    page = (HERE / "index.md").read_text(encoding="utf-8")
    for mark, text in parts.items():
        page = page.replace(mark, text)
    return page


def _first_walk() -> players.Walk:
    """The walk of the guides' picture, as it was recorded."""
    with Lab(replay="flannel") as lab:
        lab.play("flannel")
        return lab.walk("pod-a", "pod-c")


def _guides(folder: Path, shelf: players.Shelf) -> None:
    """The pages of docs/ as they are, but for the picture that moves here, and the quiz in the language of the site."""
    shutil.copytree(ROOT / "docs", folder)
    (folder / "quiz.md").write_text("\n".join(quiz.page()), encoding="utf-8")
    for path in folder.glob("*.md"):
        text = path.read_text(encoding="utf-8")
        frame = shelf.frame("first", "../players")
        if path.name == QUOTES:
            text = on_page(text)
        moving = re.sub(rf"^!\[[^]]*\]\({WALKED}\)$", lambda _, shown=frame: shown, text, flags=re.M)
        path.write_text(moving, encoding="utf-8")


def _contents(sections: str) -> str:
    """The table of contents: the guides under the headings that docs/index.md has them under."""
    parts = SECTION.split(sections)
    trees = []
    for title, text in zip(parts[1::2], parts[2::2], strict=True):
        pages = [f"guides/{name}" for name in PAGE.findall(text)]
        trees.append(_tree(title, pages))
    names = [path.stem for path in sorted((ROOT / "notebooks" / "solutions").glob("*.ipynb"))]
    trees.insert(0, _tree(tr("Lessons"), [f"lessons/{name}" for name in names]))
    trees.append(_tree(tr("Look up"), ["drills/index", *(f"reference/{name}" for name in reference.PAGES)]))
    return "\n".join(trees)


def _tree(caption: str, pages: list[str]) -> str:
    return "\n".join(["```{toctree}", ":hidden:", f":caption: {caption}", "", *pages, "```", ""])


def build(edition: Edition, builder: str = "html") -> int:
    """Gather an edition, and let Sphinx build it; returns its exit code."""
    from sphinx.cmd.build import main as sphinx

    source = gather(edition)
    if edition.code != SOURCE:
        import catalogues

        catalogues.for_sphinx(edition)
    os.environ[CHOSEN] = edition.code
    made = BUILD / builder / edition.folder
    options = ["-q", "-W", "--keep-going", "-j", "2", "-c", str(HERE), "-b", builder]
    return sphinx([*options, "-d", str(edition.build / f"doctrees-{builder}"), str(source), str(made)])


def catalogue() -> int:
    """Bring the catalogues of other languages up to date; returns Sphinx's exit code."""
    import catalogues

    source, *others = EDITIONS
    code = build(source, "gettext")
    for edition in others:
        catalogues.update(edition.code, BUILD / "gettext")
        print(catalogues.count(edition.code))
    return code


def main(words: list[str]) -> int:
    """Do what was asked for; returns the exit code."""
    if "catalogue" in words:
        return catalogue()
    editions = [edition for edition in EDITIONS if edition.code in words] or EDITIONS
    if "--gather" in words:
        for edition in editions:
            gather(edition)
        return 0
    return max(build(edition) for edition in editions)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
