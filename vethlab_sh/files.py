"""Where do our files lie, and how is one written? In a checkout or in an installed package; whole, or not at all."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parent
CHECKOUT = PACKAGE.parent


def is_checkout() -> bool:
    """Whether we run from a checkout, which has `make`, tests and a Vagrantfile, and not from an installed package."""
    makefile = CHECKOUT / "Makefile"
    notebooks = CHECKOUT / "notebooks"
    return makefile.is_file() and notebooks.is_dir()


def lessons() -> Path:
    """The folder with the lessons as we ship them, and `solutions/` in it. The wheel has it inside of the package."""
    if is_checkout():
        return CHECKOUT / "notebooks"
    return PACKAGE / "lessons" / "notebooks"


def solved(lesson: str, language: str = "") -> Path:
    """A solved lesson with what it showed; language: the one in which it was to run, where there is such a run."""
    folder = lessons() / "solutions"
    there = folder / language / f"{lesson}.{language}.ipynb"
    return there if there.is_file() else folder / f"{lesson}.ipynb"


def install(extra: str) -> str:
    """The command that brings a part of the kit which is not there; extra: as pyproject.toml calls it."""
    if is_checkout():
        return "make setup"
    return f'pip install "vethlab-sh[{extra}]"'


@contextlib.contextmanager
def written(file: str | Path) -> Iterator[Path]:
    """The file that a block writes: if that fails, nothing of a new one is left, and the OSError names it."""
    path = Path(file)
    is_new = not path.exists()
    try:
        yield path
    except BaseException as error:
        if is_new:
            with contextlib.suppress(OSError):
                path.unlink()
        if isinstance(error, OSError):
            raise OSError(error.errno, error.strerror, str(path)) from None
        raise
