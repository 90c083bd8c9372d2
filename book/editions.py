"""In which languages is the site, and where is each? Every page of one leads to the same page of the others."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from vethlab_sh.language import SOURCE

BUILD = Path(__file__).resolve().parent / "_build"
CHOSEN = "VETHLAB_BOOK"  # by this variable conf.py is told which edition Sphinx builds


@dataclass(frozen=True)
class Edition:
    """The site in one language.

    code: as the kit calls the language; name: as Sphinx does; own: as its readers do; folder: where it is in the site.
    """

    code: str
    name: str
    own: str
    folder: str = ""

    @property
    def build(self) -> Path:
        """Where what it is made from is gathered."""
        return BUILD / self.code

    @property
    def tag(self) -> str:
        """The language as HTML names it."""
        return self.name.replace("_", "-")

    def way_to(self, other: Edition) -> str:
        """What a link from its first page to a page of another edition begins with."""
        up = "../" if self.folder else ""
        down = f"{other.folder}/" if other.folder else ""
        return up + down


EDITIONS = (Edition(SOURCE, "en", "English"), Edition("zh", "zh_CN", "中文", "zh"))


def chosen() -> Edition:
    """The one that is being built; the English one where nobody has said."""
    code = os.environ.get(CHOSEN, SOURCE)
    return next(edition for edition in EDITIONS if edition.code == code)
