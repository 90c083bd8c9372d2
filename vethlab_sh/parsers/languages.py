"""In which language did a tool speak? What `ping` and `ifconfig` say in German, French and Chinese, put into English.

iputils and net-tools have their sentences translated (their folders po/), word for word, so that each can be put back.
Of other languages, and of what is not here, the line stays as it is.

>>> ping_in_english("64 octets de 192.168.56.112 : icmp_seq=1 ttl=64 temps=0.266 ms")
'64 bytes from 192.168.56.112: icmp_seq=1 ttl=64 time=0.266 ms'
>>> ifconfig_in_english("inet Adresse:10.0.0.1 Bcast:10.0.0.255 Maske:255.255.255.0")
'inet addr:10.0.0.1 Bcast:10.0.0.255 Mask:255.255.255.0'
"""

from __future__ import annotations

import functools
import re

Sentences = tuple[tuple[str, str], ...]  # the form of what is said, and how that is said in English

# Of iputils from s20200821 on: its po/de.po, po/fr.po, po/zh_CN.po and po/zh_Hant.po, spaces as ours.
PING = (
    (r"^(\d+) (?:Bytes von|octets de|字节，来自|字節，來自|bytes 来自|bytes de|bytes von) ", r"\1 bytes from "),
    (r"^(\d+ bytes from .+?) : ", r"\1: "),
    (r"^(\d+ bytes from .+? ttl=\d+) (?:Zeit|temps|时间|時間)=([\d.]+) (?:ms|毫秒)", r"\1 time=\2 ms"),
    (r" \((?:DUPLIQUÉ !|重复!)\)", " (DUP!)"),
    (r" \((?:FALSCHE PRÜFSUMME!|MAUVAISE SOMME DE CONTRÔLE !|CHECKSUM 错误)\)", " (BAD CHECKSUM!)"),
    (r" [(（](?:ANDERE ADRESSE!|ADRESSE DIFFÉRENTE !|地址不同[!！])[)）]", " (DIFFERENT ADDRESS!)"),
    (r"^(PING .*?\)) (?:von|de|来自|來自) (\S+(?: [^\s\d]\S*)?) ?[:：]? (?=\d)", r"\1 from \2: "),
    (r"^(PING .*\)) ?(?:Bytes (?:an )?Daten\.|octets de données\.|字节的数据。|位元組的資料。)$", r"\1 bytes of data."),
    (r"^(PING .* \d+) (?:Datenbytes|octets de données|字节的数据|資料位元組)$", r"\1 data bytes"),
    (r"^--- (\S*) ping(?:-Statistiken| 统计) ---$", r"--- \1 ping statistics ---"),
    (r"^--- statistiques ping (\S*) ---$", r"--- \1 ping statistics ---"),
    (r"^(\d+) (?:Pakete übertragen|paquets transmis), ", r"\1 packets transmitted, "),
    (r"^已发送 (\d+) 个包， ", r"\1 packets transmitted, "),
    (r"(?<=transmitted, )(\d+) (?:empfangen|reçus)", r"\1 received"),
    (r"(?<=transmitted, )已接收 (\d+) 个包", r"\1 received"),
    (r", \+(\d+) (?:Duplikate|dupliqués|重复)", r", +\1 duplicates"),
    (r", \+(\d+) (?:Fehler|erreurs|错误|錯誤)", r", +\1 errors"),
    (r", ([\d.]+) ?% (?:Paketverlust|paquets perdus|包丢失|封包遺失)", r", \1% packet loss"),
    (r", (?:Zeit|temps|耗时|時間) (\d+) ?(?:ms|毫秒)$", r", time \1ms"),
    # The Chinese words stand in another order, the numbers do not: one printf() serves all languages.
    (r"^rtt (?:min/moy/max/mdev|最小/平均/移动平均/最大) = ", "rtt min/avg/max/mdev = "),
    (r"^(?:Von|De|来自|來自) (\S+(?: \([^)]*\))?) ?:? icmp_seq=(\d+) ", r"From \1 icmp_seq=\2 "),
    (r"^noch keine Antwort für icmp_seq=(\d+)$", r"no answer yet for icmp_seq=\1"),
    (r"^encore aucune réponse pour icmp_seq=(\d+)$", r"no answer yet for icmp_seq=\1"),
    (r"^icmp_seq=(\d+) (?:未响应|尚未有答案)$", r"no answer yet for icmp_seq=\1"),
    (r"(?:Zielnetz nicht erreichbar|Réseau de destination injoignable|目标网络不可达)$", "Destination Net Unreachable"),
    (r"(?:Zielhost nicht erreichbar|Hôte de destination injoignable|目标主机不可达)$", "Destination Host Unreachable"),
    (r"(?:Zielport nicht erreichbar|Port de destination injoignable|目标端口不可达)$", "Destination Port Unreachable"),
    (r"(?:Zielnetz verboten|Réseau de destination interdit|目标网络被禁止。?)$", "Destination Net Prohibited"),
    (r"(?:Zielhost verboten|Hôte de destination interdit|目标主机被禁止)$", "Destination Host Prohibited"),
    (r"(?:Paket gefiltert|Paquet filtré|数据包被过滤)$", "Packet filtered"),
    (r"(?:Lebenszeit überschritten|Durée de vie dépassée|超过生存时间|超過生存時間)$", "Time to live exceeded"),
)

# Of net-tools 1.60 as Debian 8 and Ubuntu 16.04 had it.
IFCONFIG = (
    (r"(?<= Link encap:)(?:Lokale Schleife|Boucle locale|本地环回)", "Local Loopback"),
    (r"(?<= Link encap:)以太网", "Ethernet"),
    (r" (?:Hardware Adresse|硬件地址) ", " HWaddr "),
    (r"^inet (?:adr|Adresse|地址):", "inet addr:"),
    (r"^(?:adr inet6|inet6-Adresse|inet6 地址): ?", "inet6 addr: "),
    (r" (?:Gültigkeitsbereich|Scope):(?:Lien|Verbindung)$", " Scope:Link"),
    (r" (?:Gültigkeitsbereich|Scope):(?:Hôte|Maschine)$", " Scope:Host"),
    (r" Gültigkeitsbereich:Global$", " Scope:Global"),
    (r" 广播:", " Bcast:"),
    (r" (?:Masque|Maske|掩码):", " Mask:"),
    (r" (?:Metrik|跃点数):(?=\d+$)", " Metric:"),
    (r"^(?:Packets reçus|Empfangene Pakete|接收数据包):", "RX packets:"),
    (r"^(?:Packets transmis|Verschickte Pakete|发送数据包):", "TX packets:"),
    (r" (?:erreurs|Fehler|错误):", " errors:"),
    (r" (?:|Verloren|Weggeworfen|丢弃|jetés):(?=\d+ (?:overruns|Überläufe|Überlauf|débordements|过载):)", " dropped:"),
    (r" (?:Überläufe|Überlauf|débordements|过载):", " overruns:"),
    (r" (?:Fenster|Rahmen|trames|帧数):", " frame:"),
    (r" (?:Träger|载波):", " carrier:"),
    (r"^(?:Kollisionen|碰撞):", "collisions:"),
    (r" (?:Sendewarteschlangenlänge|lg file transmission|发送队列长度):", " txqueuelen:"),
    (r"^(?:Octets reçus|接收字节):", "RX bytes:"),
    (r" (?:Octets transmis|发送字节):", " TX bytes:"),
    (r"^(?:Interruption|中断):", "Interrupt:"),
    (r" (?:Basisadresse|Adresse de base|基本地址):", " Base address:"),
)


def ping_in_english(line: str) -> str:
    """A line of ping, its words one space apart, in English where it is German, French or Chinese."""
    return _in_english(line, PING)


def ifconfig_in_english(line: str) -> str:
    """A line of ifconfig, its words one space apart, in English where it is German, French or Chinese."""
    return _in_english(line, IFCONFIG)


def _in_english(line: str, sentences: Sentences) -> str:
    for said, english in _compiled(sentences):
        line = said.sub(english, line)
    return line


@functools.cache
def _compiled(sentences: Sentences) -> list[tuple[re.Pattern[str], str]]:
    return [(re.compile(said), english) for said, english in sentences]
