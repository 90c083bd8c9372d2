"""What stands on a page? README, CONTRIBUTING and docs/ as blocks to run, links to follow and headings to reach.

Each fenced block says by its language what becomes of it:

sh        commands, one a line; each must end with 0, or with the N of a comment `# exit code N`
console   a transcript: `$ ` and a command, then what it prints; a line of `…` stands for whatever is left out
python    a program, which must say nothing on standard error; a new file where the first line names one
pycon     a Python session (`>>>`), compared as doctest does; `...` stands for whatever is left out
ipython   a notebook's cell
diff      a change of files: `--- PATH`, then lines that stand there, `-` those that go and `+` those that come;
          a line of `@@` where the next change of that file begins
text      a drawing, to be looked at
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from conftest import ROOT

FENCE = re.compile(r"^( *)```(\S*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
LEFT_OUT = "…"
NEW_FILE = re.compile(r"# (vethlab_sh/\S+\.py)$")


@dataclass(frozen=True)
class Block:
    """One fenced block: its page, the line of its fence, its language and its text."""

    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def first(self) -> str:
        """Its first line, by which a list can name it."""
        return self.text.partition("\n")[0]

    def commands(self) -> list[str]:
        """The commands of a block of `sh`, remarks included, as bash would take them one after the other."""
        joined = self.text.replace("\\\n", "")
        return [line for line in joined.splitlines() if line.strip() and not line.startswith("#")]

    def transcript(self) -> list[tuple[str, str]]:
        """Each command of a `console` block with what is shown below it."""
        parts = re.split(r"^\$ (.*)\n?", self.text, flags=re.MULTILINE)
        assert not parts[0], f"{self}: a transcript begins with `$ ` and a command"
        return list(zip(parts[1::2], parts[2::2], strict=True))


def pages() -> list[Path]:
    """Every page that a user reads, wherever it stands."""
    outside = [
        ROOT / name for name in ("README.md", "README.zh.md", "CONTRIBUTING.md", "CHANGELOG.md", "classroom/README.md")
    ]
    machine = [path for path in ROOT.glob("tests/**/README.md") if ".hypothesis" not in path.parts]
    return [*outside, *sorted((ROOT / "docs").rglob("*.md")), *sorted(machine)]


def name(path: Path) -> str:
    """A page as the tests call it: docs/looking.md."""
    return path.relative_to(ROOT).as_posix()


def blocks(path: Path) -> Iterator[Block]:
    """The fenced blocks of a page; raises AssertionError where a fence is not closed."""
    text = path.read_text()
    fences = re.findall(r"^ *```", text, re.MULTILINE)
    found = list(FENCE.finditer(text))
    assert len(fences) == 2 * len(found), f"{name(path)}: a fence is open"
    for match in found:
        indent, language, inside = match.groups()
        lines = [line.removeprefix(indent) for line in inside.splitlines(keepends=True)]
        yield Block(name(path), text[: match.start()].count("\n") + 1, language, "".join(lines))


def prose(path: Path) -> str:
    """A page without its fenced blocks."""
    return FENCE.sub("", path.read_text())


def headings(path: Path) -> list[str]:
    """The headings of a page, as they are written: `## Start`."""
    return re.findall(r"^#+ .*", prose(path), re.MULTILINE)


def anchors(path: Path) -> set[str]:
    """What may stand after the # in a link to a page, as GitHub and documentation sites make it of headings."""
    titles = (heading.lstrip("#").strip().lower() for heading in headings(path))
    return {re.sub(r"[^\w\- ]", "", title).replace(" ", "-") for title in titles}


def is_edit(block: Block) -> bool:
    """Whether a block changes a file: a `diff`, or `python` whose first line names a new one, `# vethlab_sh/x.py`."""
    return block.language == "diff" or (block.language == "python" and NEW_FILE.match(block.first) is not None)


def apply(block: Block, checkout: Path) -> None:
    """Do to a checkout what a block shows; raises AssertionError where its context does not stand there once."""
    if block.language == "python":
        named = NEW_FILE.match(block.first)
        assert named is not None
        (checkout / named[1]).write_text(block.text.partition("\n")[2])
        return
    for part in re.split(r"^--- ", block.text, flags=re.MULTILINE)[1:]:
        file, _, changes = part.partition("\n")
        text = "\n" + (checkout / file).read_text()
        for hunk in re.split(r"^@@\n", changes, flags=re.MULTILINE):
            lines = hunk.splitlines(keepends=True)
            before = "\n" + "".join(line[1:] or line for line in lines if not line.startswith("+"))
            after = "\n" + "".join(line[1:] or line for line in lines if not line.startswith("-"))
            assert text.count(before) == 1, f"{block}: this stands {text.count(before)} times in {file}:\n{before}"
            text = text.replace(before, after, 1)
        (checkout / file).write_text(text[1:])


def steady(text: str) -> str:
    """What a command printed, without what differs from run to run."""
    changes = {
        r"\b([0-9a-f]{2}:){5}[0-9a-f]{2}\b": "MAC",
        r"\b8000\.[0-9a-f]{12}\b": "8000.MAC",  # a bridge's id: its priority and its MAC address
        r"\bfe80::[0-9a-f:]+": "fe80::MAC",  # an address that the kernel makes of a MAC address
        r" +\d+\.\d us": " T us",
        r"time[= ][0-9.]+ ?ms": "time=T ms",
        r"rtt min/avg/max/mdev = [0-9./]+ ms": "rtt min/avg/max/mdev = T ms",
        r"\bpid \d+\b": "pid N",
        r"[ \t]+$": "",
    }
    for pattern, word in changes.items():
        text = re.sub(pattern, word, text, flags=re.MULTILINE)
    return text


def missing(shown: str, printed: str) -> str | None:
    """The first part of a transcript that was not printed, in this order; None when all of it was.

    A line of `…` stands for any lines, and a `…` within a line for the rest of it.

    >>> missing("one\\n…\\nthree\\n", "one\\ntwo\\nthree\\n")
    >>> missing("one\\nthree\\n", "one\\ntwo\\nthree\\n")
    'one\\nthree\\n'
    """
    rest = steady(printed)
    parts = re.split(rf"^{LEFT_OUT}\n", steady(shown), flags=re.MULTILINE)
    for number, part in enumerate(parts):
        pattern = re.escape(part).replace(LEFT_OUT, "[^\n]*")
        if number == 0 and (part or len(parts) == 1):
            pattern = r"\A" + pattern
        if number == len(parts) - 1 and (part or len(parts) == 1):
            pattern += r"\Z"
        found = re.search(pattern, rest)
        if found is None:
            return part
        rest = rest[found.end() :]
    return None
