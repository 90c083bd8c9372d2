"""How is a file written? Whole, or not at all."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path


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
