"""What changed in what decides about packets? Settings, policy rules, and the rules and chains of packet filters.

What comes with a new namespace, or goes with one, is told with it and not again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher
from fnmatch import fnmatchcase

from ..facts import Chain, ChainPlace, Rule, Setting
from ..language import tr
from ..parsers.filters import is_set
from ..sandbox import HOSTNAME
from ..snapshot import Snapshot
from .change import APPEARED, CHANGED, VANISHED, Change, by_key, names, only_in

# ---- settings ---------------------------------------------------------------------------------------------

# Who writes the first writes the others too: devinet_sysctl_forward() in net/ipv4/devinet.c,
# addrconf_fixup_forwarding() and addrconf_disable_ipv6() in net/ipv6/addrconf.c
FOLLOWERS = {
    "net/ipv4/ip_forward": "net/ipv4/conf/*/forwarding",
    "net/ipv6/conf/all/forwarding": "net/ipv6/conf/*/forwarding",
    "net/ipv6/conf/all/disable_ipv6": "net/ipv6/conf/*/disable_ipv6",
}
SettingKey = tuple[str, str]  # namespace, path


def settings(before: Snapshot, after: Snapshot) -> Iterator[Change]:
    """Settings of devices come and go with them; what is told is a setting that was there and is another now."""
    old = by_key(before.rows.settings, _setting_key)
    changed = {}
    for setting in after.rows.settings:
        key = _setting_key(setting)
        if key in old and old[key].value != setting.value:
            changed[key] = setting
    for key, setting in changed.items():
        if not _follows(setting, changed):
            yield _setting(setting, old[key].value)


def _setting_key(setting: Setting) -> SettingKey:
    return setting.namespace, setting.key


def _follows(setting: Setting, changed: Mapping[SettingKey, Setting]) -> bool:
    """Whether the kernel wrote this one because somebody wrote the one for all devices."""
    for leader, followers in FOLLOWERS.items():
        led = changed.get((setting.namespace, leader))
        if led is None or led == setting or led.value != setting.value:
            continue
        if fnmatchcase(setting.key, followers):
            return True
    return False


def _setting(setting: Setting, earlier: str) -> Change:
    name = _as_typed(setting.key)
    if setting.namespace != HOSTNAME:
        name = tr("{name} in {namespace}", name=name, namespace=setting.namespace)
    sentence = tr("{name} is now {value}, was {earlier}", name=name, value=setting.value, earlier=earlier)
    return Change(CHANGED, "setting", setting.namespace, "", sentence)


def _as_typed(key: str) -> str:
    """A setting as sysctl(8) takes it: with dots, but with slashes where a device's name holds a dot (eth0.100)."""
    if "." in key:
        return key
    return key.replace("/", ".")


# ---- policy routing -----------------------------------------------------------------------------------------


def rules(before: Snapshot, after: Snapshot) -> Iterator[Change]:
    """Rules of policy routing; each namespace has three of IPv4 and two of IPv6 from its beginning."""
    old = by_key(before.rows.rules, _rule_key)
    new = by_key(after.rows.rules, _rule_key)
    earlier = names(before)
    later = names(after)
    for rule in only_in(new, old):
        if rule.proto == "kernel" and rule.namespace not in earlier:
            continue  # it came with its namespace
        yield _rule(APPEARED, rule)
    for rule in only_in(old, new):
        if rule.namespace in later:
            yield _rule(VANISHED, rule)


def _rule_key(rule: Rule) -> tuple[str, str, str]:
    return rule.namespace, rule.family, rule.words


def _rule(sign: str, rule: Rule) -> Change:
    if sign == VANISHED:
        sentence = tr("{namespace} has lost the {in_words}", namespace=rule.namespace, in_words=_in_words(rule))
    elif rule.proto == "kernel":
        sentence = tr(
            "{namespace} has the {in_words}, which the kernel added by itself",
            namespace=rule.namespace,
            in_words=_in_words(rule),
        )
    else:
        sentence = tr("{namespace} has the {in_words}", namespace=rule.namespace, in_words=_in_words(rule))
    return Change(
        sign=sign,
        what="rule",
        namespace=rule.namespace,
        name=rule.iif or "",
        sentence=sentence,
    )


def _in_words(rule: Rule) -> str:
    if rule.family == "inet6":
        return tr("IPv6 policy rule `{words}`", words=rule.words)
    return tr("policy rule `{words}`", words=rule.words)


# ---- chains of packet filters ---------------------------------------------------------------------------------


def chains(before: Snapshot, after: Snapshot) -> Iterator[Change]:
    """Chains of packet filters and their policies."""
    old = {chain.place: chain for chain in before.rows.chains}
    new = {chain.place: chain for chain in after.rows.chains}
    spaces = names(after)
    for place in {**old, **new}:
        if place.namespace in spaces:
            was = old.get(place)
            now = new.get(place)
            yield from _chain(place, was, now)


def _chain(place: ChainPlace, was: Chain | None, now: Chain | None) -> Iterator[Change]:
    here = place.namespace
    one = now or was
    if one is not None and one.policy and place.program != "nft":
        yield from _policy(place, was, now)
    elif was is None and now is not None:
        yield _filter(
            APPEARED, place, tr("{here} has the {chain_in_full}", here=here, chain_in_full=_chain_in_full(place, now))
        )
    elif was is not None and now is None:
        yield _filter(
            VANISHED,
            place,
            tr("{here} has lost the {chain_in_full}", here=here, chain_in_full=_chain_in_full(place, was)),
        )
    elif was is not None and now is not None:
        yield from _policy(place, was, now)
        if was.hook != now.hook:
            yield _filter(
                CHANGED,
                place,
                tr(
                    "{chain_of} is now `{hook}`, was `{old_hook}`",
                    chain_of=_chain_of(place),
                    hook=now.hook,
                    old_hook=was.hook,
                ),
            )


def _policy(place: ChainPlace, was: Chain | None, now: Chain | None) -> Iterator[Change]:
    """Of the kernel's own chains iptables says ACCEPT also before there is one."""
    earlier = was.policy if was else "ACCEPT"
    later = now.policy if now else "ACCEPT"
    if earlier != later:
        sentence = tr(
            "the policy of {chain_of} is now {later}, was {earlier}",
            chain_of=_chain_of(place),
            later=later,
            earlier=earlier,
        )
        yield _filter(CHANGED, place, sentence)


def _chain_of(place: ChainPlace) -> str:
    return tr(
        "the {program} chain {chain} ({in_table}) in {namespace}",
        program=place.program,
        chain=place.chain,
        in_table=place.in_table,
        namespace=place.namespace,
    )


def _chain_in_full(place: ChainPlace, chain: Chain) -> str:
    parts = [place.in_table]
    if chain.hook:
        parts.append(chain.hook)
    if chain.policy:
        parts.append(f"policy {chain.policy}")
    where = ", ".join(parts)
    return tr("{program} chain {chain} ({where})", program=place.program, chain=place.chain, where=where)


def _filter(sign: str, place: ChainPlace, sentence: str) -> Change:
    return Change(
        sign=sign,
        what="filter",
        namespace=place.namespace,
        name="",
        sentence=sentence,
    )


# ---- rules of packet filters ------------------------------------------------------------------------------------


def filters(before: Snapshot, after: Snapshot) -> Iterator[Change]:
    """Rules of packet filters: which came, which went, and which stand elsewhere in their chain, as order decides."""
    old = _by_chain(before)
    new = _by_chain(after)
    spaces = names(after)
    for place in {**old, **new}:
        was = old.get(place, [])
        now = new.get(place, [])
        if was != now and place.namespace in spaces:
            yield from _rules_of_chain(place, was, now)


def _by_chain(snapshot: Snapshot) -> dict[ChainPlace, list[str]]:
    """The texts of the rules of each chain, in their order."""
    texts: dict[ChainPlace, list[str]] = {}
    for rule in snapshot.rows.filters:
        texts.setdefault(rule.place, []).append(rule.text)
    return texts


def _rules_of_chain(place: ChainPlace, was: list[str], now: list[str]) -> Iterator[Change]:
    here = place.namespace
    gone, come = _different(was, now)
    new_texts = [text for _, text in come]
    if is_set(place.chain):
        yield _set(place, gone, new_texts)
        return
    moved = Counter(gone) & Counter(new_texts)
    for text in gone:
        if text not in moved:
            lost = tr(
                "{here} has lost the {program} rule `{text}` ({in_table}, chain {chain})",
                here=here,
                program=place.program,
                text=text,
                in_table=place.in_table,
                chain=place.chain,
            )
            yield _filter(VANISHED, place, lost)
    for number, text in come:
        if text in moved:
            sentence = tr(
                "the {program} rule `{text}` in {here} stands elsewhere now ({in_table}, chain {chain}, rule {number})",
                program=place.program,
                text=text,
                here=here,
                in_table=place.in_table,
                chain=place.chain,
                number=number,
            )
            yield _filter(CHANGED, place, sentence)
        else:
            sentence = tr(
                "{here} has the {program} rule `{text}` ({in_table}, chain {chain}, rule {number})",
                here=here,
                program=place.program,
                text=text,
                in_table=place.in_table,
                chain=place.chain,
                number=number,
            )
            yield _filter(APPEARED, place, sentence)


def _set(place: ChainPlace, gone: list[str], come: list[str]) -> Change:
    """A set or a map of nft: it is one thing, whatever is in it."""
    here = place.namespace
    one = place.chain
    table = place.in_table
    if not gone:
        return _filter(
            APPEARED,
            place,
            tr("{here} has the nft {one} with `{come}` ({table})", here=here, one=one, come=come[0], table=table),
        )
    if not come:
        return _filter(
            VANISHED,
            place,
            tr("{here} has lost the nft {one} with `{gone}` ({table})", here=here, one=one, gone=gone[0], table=table),
        )
    was, now = gone[0], come[0]
    sentence = tr(
        "the nft {one} ({table}) in {here} is now `{now}`, was `{was}`",
        one=one,
        table=table,
        here=here,
        now=now,
        was=was,
    )
    return _filter(CHANGED, place, sentence)


def _different(was: list[str], now: list[str]) -> tuple[list[str], list[tuple[int, str]]]:
    """The rules that are no longer where they were, and those that are there instead, with their positions from 1."""
    gone: list[str] = []
    come: list[tuple[int, str]] = []
    matcher = SequenceMatcher(None, was, now, autojunk=False)
    for kind, was_from, was_to, now_from, now_to in matcher.get_opcodes():
        if kind == "equal":
            continue
        gone += was[was_from:was_to]
        come += enumerate(now[now_from:now_to], start=now_from + 1)
    return gone, come
