"""Which pod has which address, and on which node? A row a pod of `kubectl get pods -o wide`.

>>> row = parse("web-5d7 1/1 Running 2 (5m ago) 3d 10.244.1.7 node-b <none> <none>")[0]
>>> row["pod"], row["ip"], row["node"], row["restarts"]
('web-5d7', '10.244.1.7', 'node-b', 2)
"""

from __future__ import annotations

import re

from ..language import marked
from .words import Columns, Row, Words, is_ip, lines

COMMAND = "kubectl get pods"
COLUMNS: Columns = {
    "pod": (str, marked("the pod's name")),
    "ip": (str, marked("its address (with -o wide); missing while it has none")),
    "node": (str, marked("the node that it runs on (with -o wide)")),
    "namespace": (str, marked("its Kubernetes namespace, which is no network namespace (with -A)")),
    "ready": (str, marked("containers that are ready / all of them")),
    "status": (str, marked("Running, Pending, CrashLoopBackOff ...")),
    "restarts": (int, marked("how often its containers were started again")),
    "age": (str, marked("since when it is there, as printed")),
    "more": (str, marked("further columns as printed")),
}
HEADER = re.compile(r"(?:NAMESPACE )?NAME READY STATUS RESTARTS AGE(?: .*)?")
NOTHING = re.compile(r"No resources found.*")
READY = re.compile(r"\d{1,9}/\d{1,9}", re.ASCII)
AGE = re.compile(r"(?:\d+[smhdy])+|<unknown>|<invalid>", re.ASCII)
MISSING = "<none>"


def parse(printed: str) -> list[Row]:
    """Rows of `kubectl get pods`, one per pod; -o wide and -A too."""
    rows = []
    for words in lines(COMMAND, printed):
        text = words.text
        if not HEADER.fullmatch(text) and not NOTHING.fullmatch(text):
            rows.append(_pod(words))
    return rows


def _pod(words: Words) -> Row:
    row: Row = dict.fromkeys(COLUMNS)
    if READY.fullmatch(words.word(2)):
        row["namespace"] = words.take()
    row["pod"] = words.take()
    row["ready"] = words.take()
    if not READY.fullmatch(row["ready"]):
        raise words.unknown(row["ready"])
    row["status"] = words.take()
    row["restarts"] = words.take_int()
    if words.peek().startswith("("):  # 2 (5m ago)
        words.take()
        ago = words.take()
        if ago != "ago)":
            raise words.unknown(ago)
    row["age"] = words.take()
    if not AGE.fullmatch(row["age"]):
        raise words.unknown(row["age"])
    if words:
        _wide(words, row)
    return row


def _wide(words: Words, row: Row) -> None:
    """`10.244.1.7  node-b  <none>  <none>`, and labels."""
    address = words.take()
    if address != MISSING and not is_ip(address):
        raise words.unknown(address)
    row["ip"] = None if address == MISSING else address
    node = words.take()
    row["node"] = None if node == MISSING else node
    row["more"] = words.rest() or None
