"""How does a docstring of the house become reStructuredText? What it says of each argument becomes a line of a list.

A docstring tells of arguments as `name: meaning; other: meaning.`; the names are known from the signature.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

from sphinx.application import Sphinx

CODE = re.compile(r"(?<![`:])`([^`]+)`(?!`)")


def setup(app: Sphinx) -> dict[str, bool]:
    """What Sphinx calls."""
    app.connect("autodoc-process-docstring", _turn)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _turn(app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    names = _names(thing)
    turned: list[str] = []
    for paragraph in _paragraphs(lines):
        if paragraph[0].startswith((">>>", " ")):
            turned += [*paragraph, ""]
            continue
        text = CODE.sub(lambda found: f"``{found[1].strip()}``", " ".join(paragraph))
        turned += [*listed(text, names), ""]
    lines[:] = turned


def _names(thing: Any) -> list[str]:
    """What the docstring may tell of: arguments, or fields."""
    fields = getattr(thing, "__dataclass_fields__", {})
    try:
        arguments = list(inspect.signature(thing).parameters)
    except (TypeError, ValueError):  # a property, or a constant
        arguments = []
    properties = [name for name in vars(thing) if not name.startswith("_")] if inspect.isclass(thing) else []
    return [*arguments, *fields, *properties]


def _paragraphs(lines: list[str]) -> Iterator[list[str]]:
    paragraph: list[str] = []
    for line in lines:
        if line.strip():
            paragraph.append(line if line.startswith((">>>", " ")) else line.strip())
        elif paragraph:
            yield paragraph
            paragraph = []
    if paragraph:
        yield paragraph


def listed(text: str, names: list[str]) -> list[str]:
    """A paragraph with what it says of these names as a list.

    >>> listed("Send it. line: as typed; at: where. Raises Lost.", ["line", "at"])
    ['Send it.', '', '- ``line``: as typed', '- ``at``: where.', '', 'Raises Lost.']
    """
    if not names:
        return [_escaped(text)]
    one = rf"(?:{'|'.join(re.escape(name) for name in names)})"
    begins = re.compile(rf"(?:^|(?<=[;.] ))({one}(?:(?:, | and ){one})*(?: \([^)]*\))?): ")
    parts = begins.split(text)
    before, told = parts[0].strip(), parts[1:]
    if not told:
        return [_escaped(text)]
    lines = [_escaped(before), ""] if before else []
    after = ""
    for name, meaning in zip(told[::2], told[1::2], strict=True):
        item, after = _first_sentence(meaning.strip())
        named = re.sub(one, r"``\g<0>``", name.partition(" (")[0])
        kind = name.partition(" (")[2]
        named += f" ({kind}" if kind else ""
        lines.append(f"- {named}: {_escaped(item)}")
        if after and name != told[-2]:  # more is said of it
            lines[-1] += f" {_escaped(after)}"
    return [*lines, "", _escaped(after)] if after else lines


def _first_sentence(text: str) -> tuple[str, str]:
    """What is said of a name, and what comes after it, which is said of all."""
    text = text.rstrip(";")
    found = re.search(r"\. (?=[A-Z`])", text)
    if found is None:
        return text, ""
    return text[: found.start() + 1], text[found.end() :]


def _escaped(text: str) -> str:
    """Without what reStructuredText would obey, outside of code."""
    parts = re.split(r"(``.+?``)", text)
    for number, part in enumerate(parts):
        if number % 2 == 0:
            parts[number] = re.sub(r"([*|]|(?<=\w)_(?=\W|$))", r"\\\1", part)
    return "".join(parts)
