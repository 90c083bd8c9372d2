"""In which language does the kit speak? English stands in the source; another one is a gettext catalogue in locale/.

A sentence is written once, where it is needed: `tr("{pod} has no route.", pod=name)`. The catalogues, .po for
translators and .mo for this module, are kept by `make catalogue`. A sentence that a catalogue lacks stays English.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache, wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from gettext import NullTranslations

SOURCE = "en"
LANGUAGES = (SOURCE, "zh")
CATALOGUES = os.path.join(os.path.dirname(__file__), "locale")
DOMAIN = "vethlab_sh"  # the sentences of the code
LESSONS = "lessons"  # the prose of the lessons, and what they ask
# Signs that are as wide as two letters and bring their own room: no space stands after them.
ENDS_WIDE = "。，、；：？！）」』》"
AFTER_WIDE = re.compile(f"(?<=[{ENDS_WIDE}]) +(?=\\S)")

FIRST_WIDE = 0x2E80  # what stands before it in Unicode is as narrow as a letter; what stands behind it is mostly wide
CHINESE = "\u4e00-\u9fff"

_asked_for: str | None = None

Method = TypeVar("Method", bound=Callable[..., Any])


def tr(sentence: str, /, **fields: object) -> str:
    """The sentence in the language that is spoken, with its fields filled in.

    sentence: the English one, a literal, so that it can be extracted; fields: what stands in {} in it, as in
    `str.format`. A brace in a value is a brace. Without fields, a brace in the sentence is one too.
    """
    spoken = language()
    if spoken != SOURCE and sentence:
        sentence = _catalogue(spoken).gettext(sentence)
    if not fields:
        return sentence
    if spoken == SOURCE:
        return sentence.format(**fields)
    return _filled(sentence, fields)


def _filled(sentence: str, fields: Mapping[str, object]) -> str:
    """A translation with its fields filled in, and without room that is only wanted beside Latin letters.

    A value that ends with a full-width sign brings its own; between two Chinese signs none stands.
    """
    for name, value in fields.items():
        text = str(value)
        if text and ord(text[0]) > FIRST_WIDE:
            sentence = re.sub(f"(?<=[{CHINESE}]) (?={{{name}\\b)", "", sentence)
        if text and ord(text[-1]) > FIRST_WIDE:
            sentence = re.sub(f"({{{name}\\b[^}}]*}}) (?=[{CHINESE}])", r"\1", sentence)
    return AFTER_WIDE.sub("", sentence.format(**fields))


def plural(one: str, many: str, count: int, /, **fields: object) -> str:
    """The sentence for so many things: `one` where English says it of a single one; {count} is a field, too."""
    spoken = language()
    sentence = one if count == 1 else many
    if spoken != SOURCE:
        sentence = _catalogue(spoken).ngettext(one, many, count)
        return _filled(sentence, {"count": count, **fields})
    return sentence.format(count=count, **fields)


def in_lesson(text: str, context: str = "") -> str:
    """A text of the lessons in the language that is spoken; context: where it stands, if it reads otherwise there."""
    spoken = language()
    if spoken == SOURCE or not text:
        return text
    catalogue = _catalogue(spoken, LESSONS)
    return catalogue.pgettext(context, text) if context else catalogue.gettext(text)


def marked(sentence: str) -> str:
    """The sentence as it is, marked for the catalogues: for a table that is made once and translated when shown."""
    return sentence


def sentences(*parts: str) -> str:
    """Sentences one after the other, as the language sets them: a space between, and none after a full-width sign."""
    whole = ""
    for part in parts:
        if not part:
            continue
        if whole and not whole.endswith(tuple(ENDS_WIDE)):
            whole += " "
        whole += part
    return whole


def enumerated(names: Iterable[str]) -> str:
    """Names one after the other, as the language parts them: a comma and a space in English.

    >>> enumerated(["eth0", "eth1", "lo"])
    'eth0, eth1, lo'
    """
    return tr(", ").join(names)


def together(names: Iterable[str]) -> str:
    """Few names, all of which are meant.

    >>> together(["eth0", "eth1"])
    'eth0 and eth1'
    """
    return tr(" and ").join(names)


def either(names: Iterable[str]) -> str:
    """Few names, one of which is meant.

    >>> either(["eth0", "eth1"])
    'eth0 or eth1'
    """
    return tr(" or ").join(names)


def language() -> str:
    """The language that is spoken: what was asked for, else VETHLAB_LANG, else the user's locale; one of LANGUAGES."""
    if _asked_for is not None:
        return _asked_for
    return supported(_wished()) or SOURCE


@contextmanager
def speaking(name: str | None) -> Iterator[None]:
    """Speak this language for a while; None: whatever is spoken anyway."""
    global _asked_for
    before = _asked_for
    if name is not None:
        _asked_for = supported([name]) or SOURCE
    try:
        yield
    finally:
        _asked_for = before


class Spoken:
    """What is shown later than it is made: it speaks the language of whatever has made it.

    lang: that language; None: whatever is spoken when it is shown.
    """

    lang: str | None = None


def in_its_language(method: Method) -> Method:
    """A method that speaks the language of its object, its `lang`; where that is None, what is spoken anyway.

    What it returns speaks it as well, if it is `Spoken`.
    """

    @wraps(method)
    def told(self: Any, *args: Any, **named: Any) -> Any:
        with speaking(self.lang):
            value = method(self, *args, **named)
        if isinstance(value, Spoken) and self.lang is not None:
            object.__setattr__(value, "lang", self.lang)  # it may be frozen
        return value

    return cast(Method, told)


def supported(names: Iterable[str]) -> str | None:
    """The first of these locales' languages that we speak, as LANGUAGES names it; None when there is none.

    >>> supported(["de_DE.UTF-8", "zh_CN.UTF-8"]), supported(["fr"])
    ('zh', None)
    """
    for name in names:
        code = name.replace("-", "_").partition("_")[0].partition(".")[0].lower()
        if code in LANGUAGES:
            return code
    return None


def _wished() -> list[str]:
    """Which languages the user wishes, the dearest first, as gettext(3) asks for those of messages."""
    own = os.environ.get("VETHLAB_LANG")
    if own:
        return [own]
    locale = ""
    for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):
        locale = locale or os.environ.get(variable, "")
    if locale in ("", "C", "POSIX"):  # there LANGUAGE is not asked
        return []
    return [*os.environ.get("LANGUAGE", "").split(":"), locale]


@cache
def _catalogue(name: str, domain: str = DOMAIN) -> NullTranslations:
    import gettext  # who speaks English does not wait for it

    return gettext.translation(domain, CATALOGUES, [name], fallback=True)
