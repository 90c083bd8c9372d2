"""How does a learner get a terminal in the lesson's lab? By a button that opens JupyterLab's own beside the lesson."""

from __future__ import annotations

import json
import shlex
import sys
from html import escape

from ..language import tr
from .notes import ABOUT, NOTHING, Note, note

# JupyterLab hands out itself as `jupyterapp` when it is asked to, as `python -m vethlab_sh lab` does. Its command makes
# a terminal; a second `add` moves that beside the lesson. What is sent is typed.
OPENS = """
const app = window.jupyterapp;
if (!app) { this.textContent = NOT_HERE; return; }
const lesson = app.shell.currentWidget;
app.commands.execute('terminal:create-new').then(async made => {
  app.shell.add(made, 'main', {mode: 'split-right', ref: lesson && lesson.id});
  app.shell.activateById(made.id);
  await made.content.ready;
  made.content.session.send({type: 'stdin', content: [LINE]});
});
"""

COLOURS = f"background:{ABOUT[1]};color:white"  # a page made of the notebook has no others for it in its dark theme


def terminal(name: str) -> Note:
    """A button that opens a terminal in the lab of this name, and the line that does it elsewhere; nothing without."""
    if not name:
        return NOTHING
    shown = f"python -m vethlab_sh shell {name}"
    typed = f"{shlex.quote(sys.executable)} -m vethlab_sh shell {name}\r"  # whichever `python` a terminal has
    not_here = tr("Not here: type the line beside this button in a terminal")
    script = OPENS.replace("LINE", json.dumps(typed)).replace("NOT_HERE", json.dumps(not_here))
    purpose = tr("a terminal of JupyterLab in this lesson's lab, beside the lesson")
    says = tr("Open a terminal in this lab")
    looks = f'class="jp-mod-styled jp-mod-accept" style="{COLOURS}"'
    button = f'<button {looks} title="{escape(purpose)}" onclick="{escape(script)}">'
    html = f"<br>{button}{says}</button>"
    told = tr("What you type in a terminal can be in this lesson's lab, too: `{line}`.", line=shown)
    return note(ABOUT, told, html)
