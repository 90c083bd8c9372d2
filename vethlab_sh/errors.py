"""What can go wrong?

LabError                     everything below, so that one `except` catches us
├── CommandFailed            a command ended with an exit code nobody expected
├── OutputNotUnderstood      a command printed a word that its parser does not know
├── NoParser                 this command has no table
├── BadName                  a name that the kernel, or we, would refuse
├── UnknownScenario          there is no scenario of that name
├── BadOption                an option that the scenario does not have, or a value it cannot take
├── BadInput                 what was given to explain, or to look for, is not there or is no text
├── UnknownClaim             a claim that is worded like none that can be checked
├── UnknownDrill             there is no drill of that name
├── DrillUnfit               a drill cannot begin in this lab
├── NoDrill                  no drill is under way in this lab
├── NoSuchLab                no lab stays under that name
├── NameTaken                another lab stays under that name
├── CannotSave               something in the lab that no line of ours makes again
├── ToolMissing              a program is not installed
├── NotReady                 this machine cannot make a lab (the reason says why, and the ways out)
├── NotRecorded              a recording does not have this line, walk or scenario
├── LabClosed                the lab is gone
└── GaveUpWaiting            a fact did not come true in time

Each message is written for a beginner: what was run, where, what it said, what to try.
The facts stay as attributes.
"""

from __future__ import annotations

from typing import Protocol


class Failed(Protocol):
    """What an error needs to know of a command: the line, where it ran, what came back. A record has it all."""

    @property
    def line(self) -> str:
        """As typed."""

    @property
    def at(self) -> str:
        """The machine on which it ran."""

    @property
    def out(self) -> str:
        """What it printed."""

    @property
    def err(self) -> str:
        """What it printed as errors."""

    @property
    def code(self) -> int:
        """Its exit code."""


class LabError(Exception):
    """Anything that a learner should read as a sentence instead of a traceback."""


class CommandFailed(LabError):
    """A command ended with an exit code the story did not expect (`ran`, `hint`)."""

    def __init__(self, ran: Failed, hint: str = "") -> None:
        self.ran = ran
        self.hint = hint
        said = [line.strip() for line in (ran.err or ran.out).splitlines() if line.strip()]
        # "Try `iptables -h` ...", and what `ip -batch` adds, are not what went wrong
        told = [line for line in said if not line.startswith(("Try ", "Command failed -:"))]
        message = f"`{ran.line}` failed on {ran.at} (exit code {ran.code})"
        message += f": {told[0 if told[0].startswith('Usage:') else -1]}" if told else ", without saying why"
        if hint:
            message += f"\n{hint}"
        super().__init__(message)


class OutputNotUnderstood(LabError):
    """A parser met a word it does not know (`command`, `word`, `line`, `number`).

    Better no table than a wrong one: nothing is guessed and nothing is dropped.
    """

    def __init__(self, command: str, word: str, line: str, number: int) -> None:
        self.command, self.word, self.line, self.number = command, word, line, number
        super().__init__(f"{command}, line {number}: I do not know {word!r} in: {line.strip()}")


class NoParser(LabError):
    """There is no table for this command (`line`)."""

    def __init__(self, line: str) -> None:
        self.line = line
        super().__init__(f"There is no table for `{line}`. `python -m vethlab_sh tables` lists those there are.")


class BadName(LabError):
    """A name that cannot be used (`name`, `rule`)."""

    def __init__(self, name: str, rule: str) -> None:
        self.name, self.rule = name, rule
        super().__init__(f"{name!r} cannot be a name here: {rule}.")


class UnknownScenario(LabError):
    """There is no scenario called `name`; `known` lists those there are."""

    def __init__(self, name: str, known: list[str], nearest: str | None = None) -> None:
        self.name, self.known, self.nearest = name, known, nearest
        guess = f" Did you mean {nearest!r}?" if nearest else ""
        super().__init__(f"There is no scenario {name!r}.{guess} There are: {', '.join(known)}.")


class BadOption(LabError):
    """An option that a scenario does not have, or a value that it cannot take."""


class BadInput(LabError):
    """What was given to explain, or to look for, is not there or is no text."""


class UnknownClaim(LabError):
    """A claim that is in no form that a check knows (`claim`, `nearest`, `known`)."""

    def __init__(self, claim: str, nearest: str, known: tuple[str, ...]) -> None:
        self.claim, self.nearest, self.known = claim, nearest, known
        forms = "".join(f"\n  {form}" for form in known)
        super().__init__(f"I cannot check {claim!r}. Nearest to it is `{nearest}`. What can be checked:{forms}")


class UnknownDrill(LabError):
    """There is no drill called `name`; `known` lists those there are."""

    def __init__(self, name: str, known: list[str], nearest: str | None = None) -> None:
        self.name, self.known, self.nearest = name, known, nearest
        guess = f" Did you mean {nearest!r}?" if nearest else ""
        super().__init__(f"There is no drill {name!r}.{guess} There are: {', '.join(known)}.")


class DrillUnfit(LabError):
    """The drill `name` cannot begin in this lab (`reason`)."""

    def __init__(self, name: str, reason: str) -> None:
        self.name, self.reason = name, reason
        super().__init__(f"The drill {name!r} cannot begin: {reason}. Begin with a fresh lab: `Lab().drill({name!r})`.")


class NoDrill(LabError):
    """No drill is under way in the lab `name` (None: a lab that does not stay)."""

    def __init__(self, name: str | None) -> None:
        self.name = name
        where = f"the lab {name!r}" if name else "this lab"
        super().__init__(
            f"No drill is under way in {where}. `python -m vethlab_sh drill start NAME` begins one. "
            "(In a lab's own shell no lab is seen: leave it first, with `exit`.)"
        )


class NoSuchLab(LabError):
    """No lab stays under this `name`; `known` lists those that do."""

    def __init__(self, name: str, known: list[str]) -> None:
        self.name, self.known = name, known
        there = f"There are: {', '.join(known)}" if known else "None does; `python -m vethlab_sh up` makes one"
        super().__init__(f"No lab stays under the name {name!r}. {there}.")


class NameTaken(LabError):
    """Another lab stays under this `name`."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            f"A lab {name!r} is there already. Choose another name (`--name`), "
            f"or end it: `python -m vethlab_sh down {name}`."
        )


class CannotSave(LabError):
    """Something in the lab that we do not know how to write as a line of bash."""


class ToolMissing(LabError):
    """The program `tool` is not on this machine; `package` is Debian's package that has it."""

    def __init__(self, tool: str, package: str | None) -> None:
        self.tool, self.package = tool, package
        cure = f" Install it: sudo apt-get install {package}" if package else ""
        super().__init__(f"The program {tool!r} is not on this machine.{cure}")


class NotReady(LabError):
    """This machine cannot make a lab; the message says why and names the ways out."""


class NotRecorded(LabError):
    """A recording was asked for what it does not have; the message names what it has."""


class LabClosed(LabError):
    """The lab was closed, or the process that held it was killed."""


class GaveUpWaiting(LabError):
    """A fact did not come true within the limit (`fact`, `seconds`)."""

    def __init__(self, fact: str, seconds: float) -> None:
        self.fact, self.seconds = fact, seconds
        super().__init__(f"Gave up after {seconds:g} s waiting until {fact}.")
