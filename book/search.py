"""How is Chinese searched, which has no blanks between words? jieba parts it, and knows the words of the glossary.

Two things Sphinx lacks there. Its Chinese search stems English words, but calls their stemmer by the wrong name
(`language_name`). And what a reader types is not parted: search.js does that, by the words that are in the index.
"""

from __future__ import annotations

from pathlib import Path

import catalogues
import jieba
from editions import BUILD
from sphinx.search.zh import SearchChinese

HERE = Path(__file__).resolve().parent
OFTEN = 100_000  # so often a word is used, says our dictionary: jieba then never parts it
LONGEST = 8  # signs; what is longer is a sentence


def options(code: str) -> dict[str, str]:
    """What Sphinx is told about the search in a language."""
    if code != "zh":
        return {}
    SearchChinese.language_name = "English"
    SearchChinese.js_splitter_code = (HERE / "search.js").read_text(encoding="utf-8")
    jieba.setLogLevel("WARNING")
    jieba.dt.tmp_dir = str(BUILD)  # it keeps its own words there, to be quicker next time
    dictionary = BUILD / "words.txt"
    lines = [f"{word} {OFTEN} n" for word in sorted(words(code))]
    dictionary.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return {"dict": str(dictionary)}


def words(code: str) -> set[str]:
    """The words that the glossary explains."""
    found = set()
    for message in catalogues.messages(catalogues.read(catalogues.folder(code) / "guides" / "glossary.po")):
        if message.id.startswith("**"):
            bold = message.string.removeprefix("**").partition("**")[0]
            found.update(word for word in bold.split("、") if 1 < len(word) <= LONGEST)
    return found
