"""How do the lines of a notebook cell run? `%load_ext vethlab_sh`, then cells that begin with `%%lab`.

Each line runs as typed, in one lab that belongs to the notebook's kernel: it lasts as long as the kernel does,
and a restarted kernel begins with a fresh one. Cells in Python find the same lab as `lab`.
"""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from IPython.core.completer import CompletionContext, SimpleCompletion, context_matcher
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics, cell_magic, magics_class
from IPython.core.magic_arguments import argument, magic_arguments, parse_argstring
from IPython.display import display

from .. import drills
from ..drills.drill import KEPT, Drill
from ..errors import CannotBegin, LabError, OutputNotUnderstood
from ..lab import Lab, Session
from ..language import LANGUAGES, marked, plural, sentences, speaking, tr
from ..lessons.questions import GAP
from ..record import prompt_of
from ..sandbox import HOSTNAME
from ..tables import columns
from ..terminal.lines import commands as commands  # a cell is cut by them
from ..terminal.lines import read
from ..terminal.page import Page, Stream
from ..terminal.script import whose
from ..wiring import characters
from . import beside, pictures
from .again import recall
from .before import speak_as_the_notebook
from .explorer import Explorer
from .lesson import Lesson, progress
from .notes import ABOUT, WRONG, Note, Place, note, show_table, together, with_whole_words
from .telling import Telling

if TYPE_CHECKING:
    from ..record import Ran


NO_CELLS = marked(
    "Voila shows a lesson without its cells: nothing can be typed or run again here, so an answer is kept, and judged "
    "only in a notebook. To do the lesson, open it in JupyterLab: `python -m vethlab_sh lab`."
)
Remark = tuple[int, str]  # the number of a line in its cell, and the line
PAGE = Page(width=110, colour=True)
ASIDE = {"qdisc", "group", "qlen", "flags", "broadcast", "linkmode", "label", "details", "hwtype", "more",
         "rtt_mdev_ms", "duplicates"}  # fmt: skip
SAID_ALREADY = {"sysctl", "ping statistics"}  # tables that are as short as the lines above them
WORDS = (
    "address", "addr", "add", "arp", "arping", "bridge", "brctl", "del", "delete", "dev", "down", "exec", "fdb",
    "flush", "forward", "iptables", "ip", "link", "list", "master", "mtu", "name", "neigh", "netns", "nomaster",
    "onlink", "peer", "ping", "replace", "route", "scope", "set", "show", "showmacs", "sysctl", "tcpdump", "type",
    "up", "veth", "via", "vxlan",
)  # fmt: skip


def load(shell: InteractiveShell) -> None:
    """Give a notebook its `%%lab` cells and a first lab; where none can be made, a sentence says why."""
    magics = shell.magics_manager.registry.get("LabMagics")
    if magics:  # loaded again: begin anew
        magics.leave()
        magics.begin()
        return
    magics = LabMagics(shell)
    shell.register_magics(magics)
    shell.set_custom_exc((LabError,), _tell)  # in cells of Python too
    shell.Completer.custom_matchers.append(magics.complete)
    _run_our_python()
    pictures.describe(shell)
    _give_words(shell, magics)
    magics.begin()


def _is_shown_by_voila() -> bool:
    """Whether Voila has started this kernel: it says so as a web server does to its programs (RFC 3875)."""
    return os.environ.get("SERVER_SOFTWARE", "").startswith("voila/")


def _run_our_python() -> None:
    """Let `!python` in a cell be the Python that the notebook runs with."""
    ours = str(Path(sys.executable).parent)
    path = [ours, os.environ.get("PATH", "")]
    os.environ["PATH"] = os.pathsep.join(filter(None, path))


def _give_words(shell: InteractiveShell, magics: LabMagics) -> None:
    """Let cells of Python say `predict`, `look` and the like."""
    lesson = magics.of_lesson
    words = {
        "lesson": magics.lesson,
        "predict": lesson.predict,
        "look": lesson.look,
        "hold": lesson.hold,
        "exercise": lesson.exercise,
        "here": lesson.here,
        "progress": progress,
        "recall": recall,
        "explore": magics.explore,
        "drill": magics.drill,
    }
    shell.user_ns.update(words)


def _tell(shell: InteractiveShell, kind: type, error: BaseException, trace: object, tb_offset: object = None) -> None:
    """Show an error as the sentence that it is, without a traceback; the cell has failed all the same."""
    magics = shell.magics_manager.registry.get("LabMagics")
    if isinstance(error, CannotBegin) and magics and magics.telling.is_on:
        magics.telling.tell()  # said at the top, once
        return
    _print_error(error)


def _print_error(error: BaseException) -> None:
    sentence = str(error)
    print(PAGE.ink(sentence, "31"))


@magics_class
class LabMagics(Magics):
    """The `%%lab` cell and the lab that its lines run in."""

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        self.world: Lab | None = None
        self.staying: dict[str, Lab] = {}
        self.of_lesson = Lesson(self.current, self.renew, self._count)
        self.telling = Telling(shell, self.of_lesson)
        self.top = Place()
        self.above: list[Note] = []  # what stands at the top of a lesson, above how far it is

    def begin(self) -> None:
        """Make the first lab; where none can be made, say why below the cell."""
        self.telling.end()
        self.top = Place()
        try:
            self.current()
        except LabError as error:
            self.top.show(note(WRONG, str(error)))

    def lesson(self, name: str) -> None:
        """Which lesson this notebook is.

        Where no lab can be made, or a program is missing, it is told as a recording, and its top says so.
        """
        speak_as_the_notebook()
        self.of_lesson.begin(name, is_told=False)
        try:
            lab = self.current()
            self.of_lesson.check_programs()
        except CannotBegin as error:
            self.of_lesson.begin(name, is_told=True)
            above = self.telling.begin(name, error)
        else:
            self.telling.end()
            above = note(ABOUT, lab.guest) if lab.guest else beside.terminal(self._lent(lab))
        self.above = [note(ABOUT, tr(NO_CELLS)), above] if _is_shown_by_voila() else [above]
        self._show_top(has_begun=True)

    def _count(self) -> None:
        """Let the top of a page count what was answered and done; a terminal would print it anew each time."""
        if self.above and hasattr(self.shell, "kernel"):
            self._show_top(has_begun=False)

    def _show_top(self, has_begun: bool) -> None:
        top = together([*self.above, self.of_lesson.so_far(has_begun)])
        self.top.show(with_whole_words(top))

    def _lent(self, lab: Lab) -> str:
        """The name under which a terminal enters the lesson's lab; empty where that cannot be."""
        if not self.of_lesson.name:
            return ""
        try:
            return lab.lend(self.of_lesson.name)
        except (LabError, OSError):  # a recording, or a machine without a folder for it
            return ""

    def named(self, name: str) -> Lab:
        """The lab in the notebook's variable of this name; else the one that stays under it, entered once.

        One that stays is `lab` in the notebook's Python cells from here on.
        """
        assert self.shell
        variable = self.shell.user_ns.get(name)
        if isinstance(variable, Lab):
            return variable
        lab = self.staying.get(name)
        if lab is None or not lab.alive:
            lab = Lab(name)
            self.staying[name] = lab
        return self._give(lab)

    def current(self, replay: str | None = None) -> Lab:
        """The kernel's lab, made when it is first needed; `lab` in the notebook's Python cells.

        A lab that such a cell has put there, `lab = Lab(replay="bridge")` say, is taken over.
        """
        assert self.shell
        mine = self.shell.user_ns.get("lab")
        if isinstance(mine, Lab) and self._is_new(mine):
            self.leave()
            self.world = mine
            if mine.recording:
                print(mine.recording)
        if self.world is None or not self.world.alive:
            self.world = Lab(replay=replay)
            self._lent(self.world)
            self.world.changes()
        return self._give(self.world)

    def _is_new(self, lab: Lab) -> bool:
        """Whether a cell has made this lab: it is neither the one that this keeps nor one that stays under a name."""
        if lab is self.world or lab in self.staying.values():
            return False
        return lab.alive

    def _give(self, lab: Lab) -> Lab:
        assert self.shell
        self.shell.user_ns["lab"] = lab
        return lab

    def leave(self) -> None:
        """End the kernel's lab; the next line begins with a fresh one."""
        if self.world:
            self.world.close()
        self.world = None

    def renew(self) -> Lab:
        """A fresh lab, in the place of the kernel's."""
        self.leave()
        return self.current()

    def drill(self, name: str, seed: int | str = 0) -> Drill:
        """A network with a fault to find, in a fresh lab; see `Lab.drill`."""
        drills.fault(name, seed)  # a misspelt one must not end the drill that is under way
        return self.renew().drill(name, seed)

    def explore(self, src: str | None = None, dst: str | None = None, lab: Lab | None = None) -> None:
        """Controls for the lab as it is now: send a ping and step after it, switch devices up and down.

        lab: another than the notebook's own.
        """
        renewed = None if lab else self.current
        explorer = Explorer(lab or self.current(), src, dst, renewed)
        explorer.show()

    @context_matcher()
    def complete(self, context: CompletionContext) -> dict[str, Any]:
        """In a %%lab cell: programs, words of `ip`, and the lab's namespaces, devices and addresses as they are now."""
        is_command = context.full_text.startswith("%%lab") and context.cursor_line > 0
        if not is_command or self.world is None:
            return {"completions": []}
        begun = context.token
        completions = []
        for word in self._words():
            if word.startswith(begun) and word != begun:
                completions.append(SimpleCompletion(text=word, type="lab"))
        return {"completions": completions, "suppress": True}

    def _words(self) -> list[str]:
        lab = self.current()
        rows = lab.snapshot().rows
        names = {space.namespace for space in rows.namespaces}
        for link in rows.links:
            names.add(link.name)
        for address in rows.addresses:
            if address.scope == "global":
                names.add(address.ip)
        return sorted(names) + list(WORDS)

    @magic_arguments()
    @argument("--new", action="store_true", help=tr("begin with a fresh lab"))
    @argument(
        "--for", dest="exercise", metavar="NAME", help=tr("begin, each time, where this exercise of the lesson begins")
    )
    @argument("--quiet", action="store_true", help=tr("say how many lines ran, and not what they print"))
    @argument("--brief", action="store_true", help=tr("no table, and no prompt for a line that prints nothing new"))
    @argument("--replay", metavar="NAME", help=tr("begin with the recording of a scenario, where labs cannot be made"))
    @argument("--lab", metavar="NAME", help=tr("run in the lab of this name: a variable, or one that stays"))
    @argument("--changes", action="store_true", help=tr("after each command, what changed in the kernel"))
    @argument("--draw", action="store_true", help=tr("after the last command, the wiring as a picture"))
    @argument(
        "--walk", nargs=2, metavar=("SRC", "DST"), help=tr("after the last command, one ping and all that it passes")
    )
    @argument("--cold", action="store_true", help=tr("forget learned MAC addresses before the walk"))
    @argument(
        "--at", default=HOSTNAME, metavar="NODE", help=tr("the machine to type on: master, or a namespace like node2")
    )
    @argument("--expect", type=int, action="append", metavar="CODE", help=tr("an exit code that belongs to the story"))
    @argument("--lang", choices=LANGUAGES, help=tr("the language of what is said besides the commands: en, zh"))
    @cell_magic
    def lab(self, line: str, cell: str) -> None:
        """Run each line as typed in the notebook's lab; what one sets, `cd` or a variable, holds for the next."""
        if self.telling.is_on:
            self.telling.tell_lines(f"%%lab {line}\n{cell}")
            return
        options = parse_argstring(self.lab, line)
        with speaking(options.lang):
            self._type_into_a_lab(cell, options)

    def _type_into_a_lab(self, cell: str, options: Namespace) -> None:
        """Run a cell in the lab that it asks for, which may have a language of its own."""
        try:
            if options.exercise and GAP in cell:
                raise LabError(tr("(Nothing ran: a word stands for each {gap} first.)", gap=GAP))
            lab = self._lab_for(options)
            with speaking(options.lang or lab.lang):
                if options.replay:
                    print(PAGE.prose(lab.recording))
                lab.changes()
                self._type(lab, cell, options)
                _look(lab, options)
        except LabError as error:
            _print_error(error)
        except KeyboardInterrupt:
            print(tr("^C (the command is stopped, the lab is still there)"))

    def _lab_for(self, options: Namespace) -> Lab:
        """The lab that the first line of a cell asks for."""
        begins_anew = options.new or options.replay
        if begins_anew and self.world:
            self.world.close()
        if options.lab:
            return self.named(options.lab)
        if options.exercise:
            return self.of_lesson.start_over(options.exercise)
        return self.current(options.replay)

    def _type(self, lab: Lab, cell: str, options: Namespace) -> None:
        """Run the commands of a cell, one after the other, and say what is not as in a terminal."""
        lines = read(cell)
        for remark in lines.remarks:
            print(tr("({remark})", remark=remark))
        session = lab.session(options.at)
        printed = False
        try:
            remarks = _remarks(lab, cell)
            for command in lines.commands:
                remarks = _noted(lab, remarks, command.number)
                if options.quiet:
                    session.run(command.text).expected(options.expect or (0,))
                else:
                    ran, has_shown = self._run(lab, session, command.text, options)
                    printed = printed or has_shown
                    _go_on(ran, options, is_last=command is lines.commands[-1])
                if not session.open:
                    print(tr("(The shell has ended; the lines below it did not run.)"))
                    break
            _noted(lab, remarks)
            if options.quiet:
                count = len(lines.commands)
                told = plural(
                    "({count} line ran; it stands in the cell above, which opens by a click.)",
                    "({count} lines ran; they stand in the cell above, which opens by a click.)",
                    count,
                )
                print(told)
            elif options.brief and lines.commands and not printed:
                print(tr("(Lines that ran, and printed nothing new: {count}.)", count=len(lines.commands)))
        finally:
            if session.depth:
                print(tr("(A shell is open in {at}: the next lines run there. `exit` leaves it.)", at=session.at))
            if options.at != HOSTNAME:  # a shell there would keep the namespace, whoever deletes it
                session.close()

    def _run(self, lab: Lab, session: Session, command: str, options: Namespace) -> tuple[Ran, bool]:
        """Run a command below its prompt; returns what came of it, and whether it has shown anything."""
        typed = PAGE.typed(prompt_of(session.at), command)
        out: TextIO = sys.stdout
        if not options.brief:
            print(typed, flush=True)
            stream = Stream(out)
        else:
            if _sets(command):
                out = StringIO()
            stream = Stream(out, above=typed)
        try:
            ran = session.run(command, watch=stream, late=stream.late(whose))
        except KeyboardInterrupt as stopped:
            stream.end()
            for ran in stopped.args:
                _show_table(ran, options)
            raise
        stream.end()
        _show_table(ran, options)
        if options.changes:
            display(lab.changes())
        has_shown = out is sys.stdout and _prints(ran)
        if options.brief and not has_shown and not _as_it_should(ran, options):
            print(PAGE.record(ran))
        return ran, has_shown


def _as_it_should(ran: Ran, options: Namespace) -> bool:
    """Whether a command ended with an exit code that its cell allows."""
    expected = options.expect or []
    return ran.code == 0 or ran.code in expected


def _go_on(ran: Ran, options: Namespace, is_last: bool) -> None:
    """Go on after a command that ended as it should; else its cell ends here, and why is said."""
    if _as_it_should(ran, options):
        return
    sentence = tr("Exit code {code}.", code=ran.code)
    if not is_last:
        sentence = tr("Exit code {code}; the lines below did not run.", code=ran.code)
    raise LabError(tr("({remark})", remark=sentences(sentence, ran.hint)))


def _sets(command: str) -> bool:
    """Whether all that a command prints is what it was told to set: `sysctl -w` does."""
    words = command.split()
    return "sysctl" in words and "-w" in words


def _prints(ran: Ran) -> bool:
    """Whether anything is seen of what a line printed."""
    return bool(ran.out.strip() or ran.err.strip())


def _remarks(lab: Lab, cell: str) -> list[Remark]:
    """What a learner has noted in a cell of a drill: lines that begin with `#`, unless they wait to be filled in."""
    if lab.recording or not lab.kept(KEPT):
        return []
    remarks = []
    for number, line in enumerate(cell.splitlines(), 1):
        text = line.strip()
        is_filled_in = text.startswith("# ") and not text.endswith(":")
        if is_filled_in:
            remarks.append((number, text))
    return remarks


def _noted(lab: Lab, remarks: list[Remark], before: int = sys.maxsize) -> list[Remark]:
    """Keep the remarks that stand before this line among what was typed; returns the rest."""
    for number, text in remarks:
        if number < before:
            lab.note(text)
    return [remark for remark in remarks if remark[0] >= before]


def _look(lab: Lab, options: Namespace) -> None:
    """After the last command, the wiring and a walk, as far as they were asked for."""
    if options.draw:
        if _has_pictures():
            lab.draw()
        else:
            print(characters.as_text(lab.snapshot(), Page.of(sys.stdout).unicode))
    if options.walk:
        src, dst = options.walk
        walk = lab.walk(src, dst, cold=options.cold)
        display(walk)
        if _has_pictures():
            walk.draw()


def _has_pictures() -> bool:
    """Whether figures are shown below a cell: a kernel of Jupyter does that, IPython in a terminal does not."""
    return hasattr(InteractiveShell.instance(), "kernel")


def _show_table(ran: Ran, options: Namespace) -> None:
    """Under the output its table, without what says nothing here; `Ran.table` has every column."""
    if options.brief:
        return
    try:
        tables = ran.rows
    except OutputNotUnderstood as error:
        print(tr("(No table: {error})", error=error))
        return
    for name, rows in tables.items():
        telling = [column for column in columns(name) if column not in ASIDE]
        if rows and name not in SAID_ALREADY:
            show_table(rows, telling)
