"""What does a lesson's cell say before its first cell has run, after a restart, say? Where to begin.

JupyterLab that `lab` opens starts its kernels with this (notebook/jupyter/kernels); `%load_ext vethlab_sh` takes its
place.
"""

from __future__ import annotations

import os
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from ..language import LANGUAGES, marked, tr
from ..lessons import translation
from .notes import BRING

WORDS = ("predict", "look", "hold", "exercise", "here", "progress", "recall", "explore", "drill")  # of a lesson
BEGIN = marked(
    "Nothing ran: the notebook's kernel has just begun, and has no lab yet. Run the first cell of the lesson; then "
    "“{button}”, at each section, plays what stands above it."
)


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Let `%%lab` and the words of a lesson say that the first cell comes first."""
    speak_as_the_notebook()

    def lab(line: str, cell: str) -> None:
        """Run commands in a lab; the first cell of the lesson makes it."""
        word()

    def word(*_: Any, **__: Any) -> None:
        print(tr(BEGIN, button=tr(BRING)))

    shell.magics_manager.register_function(lab, magic_kind="cell", magic_name="lab")
    shell.user_ns.update(dict.fromkeys(WORDS, word))


def speak_as_the_notebook() -> None:
    """A lesson in another language asks in it, too; jupyter-server tells its kernels which file a notebook is."""
    own = translation.language_of(os.environ.get("JPY_SESSION_NAME", ""))
    if own in LANGUAGES:
        os.environ["VETHLAB_LANG"] = own  # also for the programs that its cells start
