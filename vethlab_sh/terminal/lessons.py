"""What do the verbs of lessons do? `lessons` copies them to a folder of one's own, `lab` opens JupyterLab on that."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path

from .. import files
from ..errors import BadInput, package
from ..language import SOURCE, language, tr
from .arguments import does

FOLDER = "lessons"
FIRST = "0_start_here"


# --- lessons ------------------------------------------------------------------------------------------------------


def lessons_arguments(verb: argparse.ArgumentParser) -> None:
    """`lessons [FOLDER]`: copies of one's own."""
    does(verb, _lessons, "lessons", "lessons mine --solutions", "lessons --reset 2_bridge")
    _folder_argument(verb)
    verb.add_argument("--solutions", action="store_true", help=tr("the solved lessons too, into FOLDER/solutions"))
    verb.add_argument(
        "--reset", metavar="LESSON", help=tr("begin this lesson anew: what you did in it is kept beside it (2_bridge)")
    )


def _lessons(options: argparse.Namespace) -> int:
    folder = Path(options.folder)
    if options.reset:
        old = _set_aside(folder, options.reset)
        if old:
            print(tr("What you did is kept as {old}.", old=old))
    copied = _copy(files.lessons(), folder)
    if options.solutions:
        copied += _copy(files.lessons() / "solutions", folder / "solutions")
    for path in copied:
        print(path)
    if not copied:
        print(tr("Every lesson is in {folder} already, and stays as it is.", folder=folder))
    return 0


def _copy(source: Path, folder: Path) -> list[Path]:
    """Copy the notebooks that are not in the folder yet, in the language that is spoken; returns the new ones."""
    from ..lessons import translation

    folder.mkdir(parents=True, exist_ok=True)
    copied = []
    for notebook in sorted(source.glob("*.ipynb")):
        path = folder / translation.file_name(notebook.stem)
        if path.exists() or path.is_symlink():
            continue
        ran = notebook.parent / language() / path.name  # a solved one, with what it showed in this language
        with files.written(path):
            if language() == SOURCE or ran.is_file():
                shutil.copyfile(ran if ran.is_file() else notebook, path)
            else:
                text = translation.notebook(notebook.read_text(encoding="utf-8"))
                path.write_text(text, encoding="utf-8")
        copied.append(path)
    return copied


def _set_aside(folder: Path, lesson: str) -> Path | None:
    """Give the learner's copy of a lesson another name, the first that is free; None when there is no copy."""
    from ..lessons import answers, questions, translation

    name = lesson.partition(".")[0]  # it may have been called by its file
    if name not in questions.lessons():
        raise questions.UnknownLesson(name, questions.lessons())
    path = folder / translation.file_name(name)
    if not path.exists():
        return None
    number = 1
    while (old := path.with_name(f"{name}.before-{number}{path.name.removeprefix(name)}")).exists():
        number += 1
    path.rename(old)
    kept = answers.path(name, folder)
    if kept.exists():  # else the new one would begin with the old one's answers
        kept.replace(kept.with_name(f"{name}.before-{number}.json"))
    return old


# --- lab ----------------------------------------------------------------------------------------------------------


def lab_arguments(verb: argparse.ArgumentParser) -> None:
    """`lab [FOLDER]`: JupyterLab on one's own copies."""
    does(verb, _lab, "lab", "lab mine -- --no-browser --port 9999", "lab --poll")
    _folder_argument(verb)
    verb.add_argument("--ip", default="127.0.0.1", help=tr("the address that JupyterLab listens on (127.0.0.1)"))
    verb.add_argument("--poll", action="store_true", help=tr("in front of a class: each question is put to the vote"))
    verb.add_argument("more", nargs="*", metavar="OPTION", help=tr("after --, options of JupyterLab: -- --no-browser"))


def _lab(options: argparse.Namespace) -> int:
    from ..lessons import translation

    package("jupyterlab")  # PackageMissing where it is not installed
    folder = Path(options.folder)
    _copy(files.lessons(), folder)
    line = [sys.executable, "-m", "jupyterlab", f"--ip={options.ip}", f"--ServerApp.root_dir={folder.absolute()}"]
    # In there JupyterLab's news are switched off: no question about them stands above the first lesson
    # and a cell that is run before a lesson's first one says so.
    ours = files.PACKAGE / "notebook" / "jupyter"
    for place in ("JUPYTER_CONFIG_PATH", "JUPYTER_PATH"):
        os.environ[place] = os.pathsep.join(filter(None, [str(ours), os.environ.get(place)]))
    os.environ["VETHLAB_LANG"] = language()  # its notebooks speak it, too
    if options.poll:
        os.environ["VETHLAB_POLL"] = "1"  # its notebooks read it: notebook/lesson.py
    if os.geteuid() == 0:
        line.append("--allow-root")
    line += options.more
    first = folder / translation.file_name(FIRST)
    if not first.is_file():
        raise BadInput(tr("{file} is no file, and JupyterLab would have nothing to begin with.", file=first))
    line.append(str(first))
    sys.stdout.flush()
    os.execv(sys.executable, line)


# --- of both ------------------------------------------------------------------------------------------------------


def _folder_argument(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "folder",
        nargs="?",
        default=FOLDER,
        metavar="FOLDER",
        help=tr("where your copies are ({folder})", folder=FOLDER),
    )
