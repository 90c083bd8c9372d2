"""What changed in what decides about packets? Settings, policy rules, and the rules and chains of packet filters.

What comes with a new namespace, or goes with one, is told with it and not again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher
from fnmatch import fnmatchcase

from ..facts import Chain, ChainPlace, Rule, Setting
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
        name += f" in {setting.namespace}"
    sentence = f"{name} is now {setting.value}, was {earlier}"
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
        by_kernel = rule.proto == "kernel"
        if by_kernel and rule.namespace not in earlier:
            continue  # it came with its namespace
        by = ", which the kernel added by itself" if by_kernel else ""
        yield _rule(APPEARED, rule, f"has the {_in_words(rule)}{by}")
    for rule in only_in(old, new):
        if rule.namespace in later:
            yield _rule(VANISHED, rule, f"has lost the {_in_words(rule)}")


def _rule_key(rule: Rule) -> tuple[str, str, str]:
    return rule.namespace, rule.family, rule.words


def _rule(sign: str, rule: Rule, predicate: str) -> Change:
    return Change(
        sign=sign,
        what="rule",
        namespace=rule.namespace,
        name=rule.iif or "",
        sentence=f"{rule.namespace} {predicate}",
    )


def _in_words(rule: Rule) -> str:
    kind = "IPv6 policy rule" if rule.family == "inet6" else "policy rule"
    return f"{kind} `{rule.words}`"


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
        yield _filter(APPEARED, place, f"{here} has the {_chain_in_full(place, now)}")
    elif was is not None and now is None:
        yield _filter(VANISHED, place, f"{here} has lost the {_chain_in_full(place, was)}")
    elif was is not None and now is not None:
        yield from _policy(place, was, now)
        if was.hook != now.hook:
            yield _filter(CHANGED, place, f"{_chain_of(place)} is now `{now.hook}`, was `{was.hook}`")


def _policy(place: ChainPlace, was: Chain | None, now: Chain | None) -> Iterator[Change]:
    """Of the kernel's own chains iptables says ACCEPT also before there is one."""
    earlier = was.policy if was else "ACCEPT"
    later = now.policy if now else "ACCEPT"
    if earlier != later:
        sentence = f"the policy of {_chain_of(place)} is now {later}, was {earlier}"
        yield _filter(CHANGED, place, sentence)


def _chain_of(place: ChainPlace) -> str:
    chain = f"the {place.program} chain {place.chain}"
    return f"{chain} ({place.in_table}) in {place.namespace}"


def _chain_in_full(place: ChainPlace, chain: Chain) -> str:
    parts = [place.in_table]
    if chain.hook:
        parts.append(chain.hook)
    if chain.policy:
        parts.append(f"policy {chain.policy}")
    return f"{place.program} chain {place.chain} ({', '.join(parts)})"


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
    chain = f"{place.in_table}, chain {place.chain}"
    moved = Counter(gone) & Counter(new_texts)
    for text in gone:
        if text not in moved:
            yield _filter(VANISHED, place, f"{here} has lost the {place.program} rule `{text}` ({chain})")
    for number, text in come:
        rule = f"the {place.program} rule `{text}`"
        where = f"{chain}, rule {number}"
        if text in moved:
            yield _filter(CHANGED, place, f"{rule} in {here} stands elsewhere now ({where})")
        else:
            yield _filter(APPEARED, place, f"{here} has {rule} ({where})")


def _set(place: ChainPlace, gone: list[str], come: list[str]) -> Change:
    """A set or a map of nft: it is one thing, whatever is in it."""
    here = place.namespace
    one = f"the nft {place.chain}"
    table = place.in_table
    if not gone:
        return _filter(APPEARED, place, f"{here} has {one} with `{come[0]}` ({table})")
    if not come:
        return _filter(VANISHED, place, f"{here} has lost {one} with `{gone[0]}` ({table})")
    sentence = f"{one} ({table}) in {here} is now `{come[0]}`, was `{gone[0]}`"
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
