"""How are claims worded? Each form in English and in Chinese, beside each other, with who judges it.

One grammar serves both languages: in Chinese the room between a word and what is Chinese may be left out.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..errors import UnknownClaim, nearest
from ..language import SOURCE, language, marked
from .arp import answers_arp
from .devices import (
    belongs_to,
    has_address,
    has_mtu,
    has_not_address,
    is_down,
    is_peer,
    is_plugged,
    is_port,
    is_up,
    makes_no_port_wait,
    nobody_else_has,
)
from .entries import exists, has_tunnel, knows_mac, routes
from .forwarding import forwards, nobody_rewrites, rewrites_nothing
from .packets import can_reach, cannot_reach, sends_through
from .ports import tcp_answers, udp_answers
from .question import Finding
from .stacked import is_child, is_held, is_vlan, lets_through

# What the words of a form may hold: {name}, {name:kind}, [what may be left out], router(s), (one wording|another).
TOKEN = re.compile(r"\{(?P<name>\w+)(?::(?P<kind>[\w ]+))?\}|\((?P<either>[^)]+)\)|(?P<bracket>[\[\]])")
EITHER = re.compile(r"\([^)]+\)")
OPTIONAL = re.compile(r"\[[^\[\]]*\]")
HAN = "\u4e00-\u9fff"  # CJK Unified Ideographs
# Chinese is written with and without room between a sign and a Latin word.
BESIDE_HAN = re.compile(rf"(?:(?<=[{HAN}])|(?<=[{HAN}][)\]])) | (?=[\[\](]*[{HAN}])")
QUOTED = re.compile(rf"""(?<![^\s{HAN}])(?:'[^']+'|"[^"]+"|“[^”]+”)(?![^\s{HAN}])""")
KINDS = {
    # A name ends where Chinese begins, unless there is room on both sides of it.
    "word": rf"(?:[^\s{HAN}]+|(?<!\S)\S+(?!\S))",
    "number": r"\d+",
    "address": r"[0-9a-fA-F:./]+",
}
FULL_STOPS = (".", "。")
COMMA = "，"
LATIN = ("ping", "tcp", "udp", "up", "down", "ip", "mtu", "master", "stp", "veth", "vlan", "mac", "arp", "nat")
MEANT = {"默认": "default"}  # what `ip` calls it


@dataclass(frozen=True)
class Wording:
    """A way to say a claim.

    words: `{ns}` is one word, `{size:number}` digits, `{via:address}` what could be an address, `{pieces:in pieces}`
    just these words; brackets may be left out; `router(s)` is one or many; of `(has MTU|MTU is)` the first is shown.
    """

    words: str

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The wording as a regular expression."""
        spaced = BESIDE_HAN.sub(" ?", self.words.replace(COMMA, " "))
        return re.compile(TOKEN.sub(_as_pattern, spaced), re.IGNORECASE)

    @property
    def shown(self) -> str:
        """The wording as a reader sees it: NS DEV is up."""
        shown = TOKEN.sub(_as_shown, self.words)
        return shown.replace(" ]", "] ").replace("[ ", " [")

    def plain(self) -> Iterator[str]:
        """The wording with each choice of words that it leaves, and nothing that may be left out."""
        words = self.words
        while OPTIONAL.search(words):
            words = OPTIONAL.sub("", words)
        eithers = [found[1:-1].split("|") for found in EITHER.findall(words)]
        places = EITHER.sub("{}", words.replace("{", "{{").replace("}", "}}"))
        for chosen in itertools.product(*eithers):
            yield places.format(*chosen)

    def said(self, words: Mapping[str, str | None]) -> str:
        """A claim worded so. words: those of the claim; what may be left out stands only where it has some."""

        def kept(optional: re.Match[str]) -> str:
            inside = optional[0][1:-1]
            values = []
            for token in TOKEN.finditer(inside):
                if token["name"]:
                    values.append(words.get(token["name"]))
            is_said = bool(values) and all(values)
            return inside if is_said else ""

        def filled(token: re.Match[str]) -> str:
            if token["name"] and token["kind"] in (None, *KINDS):
                return _quoted(words.get(token["name"]) or "")
            return _as_shown(token)

        text = self.words
        while OPTIONAL.search(text):
            text = OPTIONAL.sub(kept, text)
        return TOKEN.sub(filled, text)


def _quoted(name: str) -> str:
    """A word as a claim has it: a name with blanks in quotes."""
    return f"'{name}'" if " " in name else name


@dataclass(frozen=True)
class Form:
    """One form of claim: how it is worded, an example, the same in Chinese, what it means, who judges it.

    chinese: several wordings, of which the first is shown. Each has the fields of the English one, or some of them.
    """

    words: str
    example: str
    chinese: tuple[str, ...]
    chinese_example: str
    meaning: str
    judge: Callable[..., Finding]

    @cached_property
    def wordings(self) -> tuple[Wording, ...]:
        """All wordings, the English one first."""
        return tuple(Wording(words) for words in (self.words, *self.chinese))

    @property
    def shown(self) -> str:
        """The form in English as a reader sees it."""
        return self.wordings[0].shown

    @property
    def shown_in_chinese(self) -> str:
        """The form in Chinese as a reader sees it."""
        return self.wordings[1].shown

    def match(self, text: str) -> dict[str, Any] | None:
        """The words of a claim in this form; None where it is in another one."""
        every = dict.fromkeys(self.wordings[0].pattern.groupindex)
        for wording in self.wordings:
            match = wording.pattern.fullmatch(text)
            if match:
                return {**every, **match.groupdict()}
        return None


def _as_pattern(token: re.Match[str]) -> str:
    if token["bracket"] == "[":
        return "(?:"
    if token["bracket"]:
        return ")?"
    if token["either"] == "s":
        return "s?"
    if token["either"]:
        return f"(?:{token['either']})"
    kind = token["kind"] or "word"
    pattern = KINDS.get(kind, kind)
    return f"(?P<{token['name']}>{pattern})"


def _as_shown(token: re.Match[str]) -> str:
    if token["bracket"]:
        return token["bracket"]
    if token["either"]:
        return token["either"].partition("|")[0]
    name, kind = token["name"], token["kind"]
    is_words = kind and kind not in KINDS
    return kind if is_words else name.removesuffix("2").upper()


SIZE = "[ with {size:number} bytes[ {pieces:in pieces}]]"
SIZE_ZH = "[，(带 |发 |用 |每次 |){size:number} 字节[，(允许|可以|){pieces:分片}]]"
ROUTERS_ZH = "[，经过 {routers:number} (个路由器|台路由器|跳)]"
DEV_ZH = "[{ns}( | 的 )]{dev}"
DEV2_ZH = "[{ns2}( | 的 )]{dev2}"
HOP = "[ via {via:address}][ dev {dev}]"
FORMS = (
    Form("{who} can reach {whom}[ through {routers:number} router(s)]" + SIZE, "ns100 can reach 192.168.1.101",
         ("{who} (能|可以|能够) ping 通 {whom}" + ROUTERS_ZH + SIZE_ZH,
          "{who} ping 得通 {whom}" + ROUTERS_ZH + SIZE_ZH,
          "{who} (能|可以|能够)(到达|访问|连通) {whom}" + ROUTERS_ZH + SIZE_ZH,
          "{who} 经过 {routers:number} (个路由器|台路由器|跳) (能|可以|能够) (到达|ping 通) {whom}" + SIZE_ZH,
          "{who} (到|和|与) {whom} (能通|是通的|通)" + SIZE_ZH),
         "ns100 能 ping 通 192.168.1.101",
         marked("a ping is answered; with N bytes in one packet; through N routers as the answer's TTL tells"),
         can_reach),
    Form("{who} cannot reach {whom}" + SIZE, "ns100 cannot reach 192.168.1.101",
         ("{who} ping 不通 {whom}" + SIZE_ZH,
          "{who} (不能|无法) ping 通 {whom}" + SIZE_ZH,
          "{who} (不能|无法)(到达|访问|连通) {whom}" + SIZE_ZH,
          "{who} 到不了 {whom}" + SIZE_ZH,
          "{who} (到|和|与) {whom} 不通" + SIZE_ZH),
         "ns100 ping 不通 192.168.1.101",
         marked("no ping is answered"), cannot_reach),
    Form("TCP port {port:number} of {whom} answers[ {who}]", "TCP port 80 of pod-a answers pod-b",
         ("[{who} ](能|可以)(连上|连接|访问) {whom} 的 TCP 端口 {port:number}",
          "[{who} ](能|可以)(连上|连接|访问) {whom} 的 TCP {port:number}[ 端口]",
          "[{who} ]连得上 {whom} 的 TCP (端口 |){port:number}[ 端口]",
          "{whom} 的 TCP (端口 |){port:number}[ 端口] (有应答|会应答|应答)",
          "{whom} 的 TCP (端口 |){port:number}[ 端口] (会|)应答 {who}"),
         "pod-b 能连上 pod-a 的 TCP 端口 80",
         marked("a connection to it opens; without WHO, the one that has the address asks itself"), tcp_answers),
    Form("UDP port {port:number} of {whom} answers[ {who}]", "UDP port 53 of ns101 answers ns100",
         ("{whom} 的 UDP 端口 {port:number} (会|)应答[ {who}]",
          "{whom} 的 UDP {port:number}[ 端口] (会|)应答[ {who}]",
          "{whom} 的 UDP (端口 |){port:number}[ 端口] 有应答",
          "[{who} ](能|可以)(访问|连上) {whom} 的 UDP (端口 |){port:number}[ 端口]",
          "[{who} ](能|可以)得到 {whom} 的 UDP (端口 |){port:number}[ 端口] 的应答"),
         "ns101 的 UDP 端口 53 会应答 ns100",
         marked("an empty line sent to it is answered; WHO as above"), udp_answers),
    Form("{who} sends to {ip} through {dev}", "ns100 sends to 192.168.1.101 through br0",
         ("{who} 发往 {ip} 的数据包(经过|走) {dev}",
          "{who} (经过|通过|从) {dev} 发往 {ip}",
          "{who} (到|去往) {ip} (经过|走) {dev}"),
         "ns100 发往 192.168.1.101 的数据包经过 br0",
         marked("the route's device, its other end or that one's bridge is DEV"), sends_through),
    Form("[{ns} ]{dev} is up", "ns100 veth100 is up",
         (DEV_ZH + " (已启用|启用了|启用着|起来了|处于启用状态)",
          DEV_ZH + " (是|处于) up[ 状态]"),
         "ns100 的 veth100 已启用",
         marked("switched on and with a carrier"), is_up),
    Form("[{ns} ]{dev} is down", "br-veth100 is down",
         (DEV_ZH + " (已停用|停用了|没有启用|没启用|未启用|关闭了)",
          DEV_ZH + " (是|处于) down[ 状态]"),
         "br-veth100 已停用",
         marked("switched off"), is_down),
    Form("[{ns} ]{dev} has address {address:address}", "ns100 veth100 has address 192.168.1.100/24",
         (DEV_ZH + " (有地址|有 IP|有) {address:address}",
          DEV_ZH + " 的 (地址|IP|IP 地址) (是|为) {address:address}",
          DEV_ZH + " (配|配置|分配)(了|有) {address:address}"),
         "ns100 的 veth100 有地址 192.168.1.100/24",
         marked("with this prefix length, if one is told"), has_address),
    Form("[{ns} ]{dev} has not {address:address}", "ns100 veth100 has not 192.168.1.7",
         (DEV_ZH + " (没有地址|没有 IP|没有) {address:address}",
          DEV_ZH + " 的 (地址|IP|IP 地址) 不是 {address:address}"),
         "ns100 的 veth100 没有地址 192.168.1.7",
         marked("the device does not have this address, or does not use it"), has_not_address),
    Form("nobody else has {ip}", "nobody else has 192.168.1.100",
         ("没有别人(用|有|使用) {ip}",
          "别人都(没有|没用|不用) {ip}",
          "{ip} (没有冲突|不冲突|没有重复|不重复)"),
         "没有别人用 192.168.1.100",
         marked("at most one device of all namespaces has it"), nobody_else_has),
    Form("{ip} belongs to {ns}", "192.168.1.100 belongs to ns100",
         ("{ip} 属于 {ns}",
          "{ip} 是 {ns} 的 [IP ]地址",
          "{ip} 只有 {ns} 有"),
         "192.168.1.100 属于 ns100",
         marked("the namespace has the address, and no other has it"), belongs_to),
    Form("[{ns} ]{dev} (has MTU|MTU is) {mtu:number}", "br0 has MTU 1500",
         (DEV_ZH + " 的 MTU (是|为) {mtu:number}",
          DEV_ZH + " MTU (是|为) {mtu:number}"),
         "br0 的 MTU 是 1500",
         marked("the largest packet of the device"), has_mtu),
    Form("[{ns} ]{dev} is a port of {bridge}", "br-veth100 is a port of br0",
         (DEV_ZH + " 是 {bridge} 的[网桥]端口",
          DEV_ZH + " 的 master 是 {bridge}"),
         "br-veth100 是 br0 的端口",
         marked("its master is the bridge"), is_port),
    Form("{ns} is plugged into {bridge}", "ns100 is plugged into br0",
         ("{ns} (接在|插在|连在) {bridge} 上",
          "{ns} [已](接入|接到|连到|连接到|插到)[了] {bridge}[ 上]"),
         "ns100 接在 br0 上",
         marked("a cable of the namespace ends at a port of the bridge"), is_plugged),
    Form("[{ns} ]{bridge} makes no port wait", "br0 makes no port wait",
         ("[{ns}( | 的 )]{bridge} 不让[新]端口等待",
          "[{ns}( | 的 )]{bridge} (没有打开|没有启用|没有运行|没开|没有开|关闭了|不运行) STP"),
         "br0 不让端口等待",
         marked("no STP: a new port forwards at once"), makes_no_port_wait),
    Form("[{ns} ]{dev} is the peer of [{ns2} ]{dev2}", "ns100 veth100 is the peer of master br-veth100",
         (DEV_ZH + " 是 " + DEV2_ZH + " 的(对端|另一端)",
          DEV_ZH + " 的(对端|另一端)是 " + DEV2_ZH,
          DEV_ZH + " (和|与) " + DEV2_ZH + " 是(一对|一对 veth|同一根网线的两端|一根网线的两端)"),
         "ns100 的 veth100 是 master 的 br-veth100 的对端",
         marked("the two ends of one cable"), is_peer),
    Form("[{ns} ]{dev} is a child of [{ns2} ]{dev2}", "pod-a mac0 is a child of eth0",
         (DEV_ZH + " (建在|创建在) " + DEV2_ZH + " 上",
          DEV_ZH + " 是 " + DEV2_ZH + " (的|上的)(子设备|子接口)"),
         "pod-a 的 mac0 建在 eth0 上",
         marked("a macvlan, ipvlan or VLAN device that is made on it"), is_child),
    Form("[{ns} ]{dev} is a VLAN[ {vlan:number}] of [{ns2} ]{dev2}", "h1 eth0.10 is a VLAN of eth0",
         (DEV_ZH + " 是 " + DEV2_ZH + " (的|上的) VLAN[ {vlan:number}][ 子接口]",),
         "h1 的 eth0.10 是 eth0 的 VLAN",
         marked("an 802.1Q or 802.1ad device on it, with this number if one is told"), is_vlan),
    Form("[{ns} ]{dev} lets VLAN {vlan:number} through", "sw1 trunk lets VLAN 10 through",
         (DEV_ZH + " (放行|允许|允许通过) VLAN {vlan:number}[ 通过]",
          DEV_ZH + " 让 VLAN {vlan:number} 通过"),
         "sw1 的 trunk 放行 VLAN 10",
         marked("its bridge does not look at VLANs, or lets this one through there"), lets_through),
    Form("[{ns} ]{dev} is held by {process}", "tap0 is held by qemu",
         (DEV_ZH + " (由|被) {process} (持有|打开|打开着|占用)",),
         "tap0 由 qemu 持有",
         marked("a process of this name or number has the tun or tap open"), is_held),
    Form("{ns} routes {to}" + HOP, "pod-a routes default via 10.244.0.1",
         ("{ns} 有路由 {to}" + HOP,
          "{ns} 有到 {to} 的路由" + HOP,
          "{ns} 到 {to} 的(路由走|路由经过|路由经|下一跳是) {via:address}[ dev {dev}]",
          "{ns} 有{to:默认}路由" + HOP,
          "{ns} 的{to:默认}(网关|路由)(是|走|为) {via:address}"),
         "pod-a 有路由 default via 10.244.0.1",
         marked("the route for an address, or exactly this route"), routes),
    Form("{ns} knows [the ]MAC of {ip}", "ns100 knows the MAC of 192.168.1.101",
         ("{ns} (知道|学到了|解析到了) {ip} 的 MAC[ 地址]",),
         "ns100 知道 192.168.1.101 的 MAC 地址",
         marked("its neighbour table has a usable entry"), knows_mac),
    Form("{ns} answers ARP for {ip}[ on {dev}]", "master answers ARP for 169.254.1.1 on cali50c25257626",
         ("{ns} [在 {dev} 上 ](替|为|代) {ip} (应答|回答) ARP[ 请求]",
          "{ns} [在 {dev} 上 ](会|)(应答|回答)(对|) {ip} 的 ARP[ 请求]"),
         "master 在 cali50c25257626 上替 169.254.1.1 应答 ARP",
         marked("its own address, or proxy ARP; without DEV, on any device"), answers_arp),
    Form("{ns} forwards", "master forwards",
         ("{ns} (会|)转发[ 数据包]",
          "{ns} (打开了|打开着|启用了|开了|已打开|已启用) [IP ]转发"),
         "master 转发数据包",
         marked("hands on packets that are not for itself: settings allow it, and no filter drops everything"),
         forwards),
    Form("{ns} rewrites no addresses", "master rewrites no addresses",
         ("{ns} 不改写地址",
          "{ns} (不做|没有做|没做|没有) NAT"),
         "master 不改写地址",
         marked("no rule of nft or of either iptables does"), rewrites_nothing),
    Form("nobody rewrites addresses", "nobody rewrites addresses",
         ("谁(也|都)不改写地址",
          "没有人改写地址",
          "(哪里都没有|哪里也没有|谁也不做|谁都不做|没有人做) NAT"),
         "谁也不改写地址",
         marked("the same in every namespace"), nobody_rewrites),
    Form("{ns} has a tunnel to {ip}", "master has a tunnel to 10.244.1.2",
         ("{ns} 有(到|通往) {ip} 的隧道",),
         "master 有到 10.244.1.2 的隧道",
         marked("VXLAN: route, neighbour and FDB entry lead there"), has_tunnel),
    Form("[namespace ]{ns} exists", "namespace ns100 exists",
         ("[(命名空间 |网络命名空间 |namespace )]{ns} 存在",
          "(有|存在)(命名空间|网络命名空间) {ns}"),
         "命名空间 ns100 存在",
         marked("its name is known"), exists),
)  # fmt: skip
VOCABULARY = tuple(form.shown for form in FORMS)
CHINESE_VOCABULARY = tuple(form.shown_in_chinese for form in FORMS)


def understand(claim: str) -> tuple[Form, dict[str, Any]]:
    """The form of a claim, and its words. A name with blanks stands in quotes, as bash has them.

    Raises UnknownClaim, which lists the forms in the language of the claim.

    >>> understand("'red box' can reach 10.0.0.1")[1]["who"]
    'red box'
    >>> understand("ns1能ping通ns2")[1]["whom"]
    'ns2'
    """
    names: list[str] = []

    def without_blanks(found: re.Match[str]) -> str:
        number = len(names)
        names.append(found[0][1:-1])
        return f"\0{number}\0"

    text = QUOTED.sub(without_blanks, claim).replace(COMMA, " ")
    text = " ".join(text.split())
    for sign in FULL_STOPS:
        text = text.removesuffix(sign)
    for form in FORMS:
        words = form.match(text)
        if words is not None:
            return form, {name: _meant(value, names) for name, value in words.items()}
    if re.search(f"[{HAN}]", text):
        raise UnknownClaim(claim, _nearest_in_chinese(text), CHINESE_VOCABULARY)
    raise UnknownClaim(claim, _nearest_in_english(text), VOCABULARY)


def as_spoken(claim: str) -> str:
    """A claim of ours, which is in English, in the language that is spoken."""
    if language() == SOURCE:
        return claim
    form, words = understand(claim)
    return form.wordings[1].said(words)


def _meant(value: str | None, names: list[str]) -> str | None:
    """What a word of a claim stands for. names: those that stood in quotes."""
    if value is None:
        return None
    if value.startswith("\0"):
        return names[int(value.strip("\0"))]
    return MEANT.get(value, value)


def _nearest_in_english(text: str) -> str:
    """The example of the form that a claim in no known form is probably meant to have."""
    examples = {}
    for form in FORMS:
        examples[form.shown.lower()] = form.example
        examples[form.example.lower()] = form.example
    (like,) = nearest(text.lower(), examples, likeness=0)
    return examples[like]


def _nearest_in_chinese(text: str) -> str:
    """The same in Chinese, where a sentence is so short that a name in it would outweigh its words: these count."""
    examples = {}
    for form in FORMS:
        for wording in form.wordings[1:]:
            for plain in wording.plain():
                examples[_without_names(plain)] = form.chinese_example
    (like,) = nearest(_without_names(text), examples, likeness=0)
    return examples[like]


def _without_names(text: str) -> str:
    """What is Chinese in a text, and the words of ours that are not: ping, TCP."""
    plain = TOKEN.sub(" ", text)
    kept = []
    for word in re.findall(f"[{HAN}]+|[A-Za-z]+", plain):
        is_latin = word.isascii()
        if not is_latin or word.lower() in LATIN:
            kept.append(word)
    return "".join(kept)
