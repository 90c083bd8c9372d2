"""What did a web page, or the one who pasted, write into a line? Entities, tags, bold type, arrows and remarks.

What a page made of a text is taken back in every line. A remark behind a line is taken off only where the command's
own parser does not know it: what stands there may be the command's.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

ENTITY = re.compile(r"&(?:lt|gt|amp|quot|apos|nbsp|#39|#\d{2,5}|#x[0-9a-fA-F]{2,4});")
TAG = re.compile(r"</?(?:pre|code|span|div|p|br|b|strong|em|i|font|mark|details|summary|kbd|tt|u)(?: [^<>]*)?/?>")
PREFORMATTED = re.compile(r"<(/?)pre(?: [^<>]*)?>(?:\s*</?code(?: [^<>]*)?>)?")
BOLD = re.compile(r"\*\*(?=[^*]*\w)(\S(?:[^*]*\S)?)\*\*|(?<![\w_])__(\S(?:[^_]*\S)?)__(?![\w_])|~~(\S[^~]*)~~")
IN_BACKTICKS = re.compile(r"(\s*)`([^`]+)`\s*$")
ESCAPED = re.compile(r"\\([<>_*#\[\]|])")
POINTING = re.compile(r"\s*(?:[\^~]{2,}|[↑⬆]+)(?:\s.*)?$")  # a line that points at the one above

# How a remark behind a line begins: `# …`, `// …`, `← …`, `<-- …`, `<<<`, `==> …`, `; …`, `(…)`, or another script
REMARK = re.compile(
    r"\s*#?<[-=<]+.*$|\s+#.*$|\s+//.*$|\s+[-=]{1,4}>.*$|\s+(?:;|--|!!+)\s.*$|\s*[^\x00-\xff\u2500-\u257f].*$"
    r"|\s+\([^()]*\)\s*$"
)


def unmarked(text: str) -> str:
    """A text without what a web page made of it: entities are signs again, tags and bold type are gone.

    >>> unmarked("2: **eth0**: &lt;UP&gt;")
    '2: eth0: <UP>'
    """
    if "&" in text:
        text = ENTITY.sub(_sign, text)
    if "<pre" in text or "</pre" in text:
        text = PREFORMATTED.sub(_fence, text)
    if "</" in text or "<br" in text:
        text = TAG.sub("", text)
    if "**" in text or "__" in text or "~~" in text:
        text = _in_lines(BOLD, _plain, text, ("**", "__", "~~"))
    if "`" in text:
        text = _in_lines(IN_BACKTICKS, r"\1\2", text, ("`",))
    if "\\" in text:
        text = ESCAPED.sub(r"\1", text)
    return text


def _sign(entity: re.Match[str]) -> str:
    return html.unescape(entity.group()).replace("\u00a0", " ")


def _fence(tag: re.Match[str]) -> str:
    """A fence instead of <pre>, on a line of its own only where nothing else is: lines keep their numbers."""
    return "```"


def _plain(bold: re.Match[str]) -> str:
    return bold[1] or bold[2] or bold[3]


def _in_lines(pattern: re.Pattern[str], by: object, text: str, signs: tuple[str, ...]) -> str:
    """A replacement within each line that has one of the signs; a fence is left alone."""
    lines = text.split("\n")
    for at, line in enumerate(lines):
        if not any(sign in line for sign in signs):
            continue
        is_fence = line.lstrip().startswith(("```", "~~~"))
        if not is_fence:
            lines[at] = pattern.sub(by, line)  # type: ignore[call-overload]
    return "\n".join(lines)


def without_remark(line: str) -> Iterator[str]:
    """The line without a remark behind it, the shortest remark first; nothing where none can be one.

    >>> list(without_remark("default via 10.0.0.1 dev eth0 # the router"))
    ['default via 10.0.0.1 dev eth0']
    """
    ends = sorted({found.start() for found in REMARK.finditer(line)}, reverse=True)
    first = REMARK.search(line)
    if first:
        ends.append(first.start())
    for end in dict.fromkeys(ends):
        left = line[:end].rstrip()
        if left:
            yield left
