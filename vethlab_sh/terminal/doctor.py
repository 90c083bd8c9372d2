"""Can this machine run the labs, and if not, what is to be done? The verb `doctor` tells."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from ..errors import EXTRAS, LabError, OfBusyBox, ToolMissing, package_of
from ..files import install
from ..lab import Lab
from ..language import enumerated, marked, tr
from ..sandbox import check_program, find, is_rootless
from ..scenarios import SCENARIOS, check_programs, load
from .arguments import does, json_argument
from .rows import print_rows

OF_EVERY_LINE = ("ip", "unshare", "bash")
NEEDED = ("ip", "bridge", "ping", "ifconfig", "arp", "sysctl", "iptables", "unshare", "bash")
USEFUL = ("brctl", "tcpdump", "nft", "arping")  # the demos have others for it; for walks; for lines of your own
# What each is for: without the first nothing runs
PYTHON_PACKAGES = {
    "sh": marked("every line"),
    "pandas": marked("tables in Python"),
    "matplotlib": marked("pictures as PNG and SVG"),
    "jupyterlab": marked("the lessons"),
    "ipywidgets": marked("the lessons' controls"),
}
# Those that do not know --version
VERSION_FLAG = {"ip": "-V", "bridge": "-V", "ping": "-V", "sysctl": "-V", "ifconfig": "-V", "arp": "-V"}
VERSION = re.compile(r"\b(?:iproute2-|iputils |v)?(\d[\w.]*\d)")
PATIENCE = 5  # seconds for a program to tell its version
WORLD = marked("a private network world")
# What is tried in it, by the word that stands in the lines of scenarios which need it
LINKS = {
    "veth": "ip link add name vl-p type veth peer name vl-q",
    "bridge": "ip link add name vl-b type bridge",
    "vxlan": "ip link add name vl-x type vxlan id 1 dstport 4789 dev lo",
}


# As the lines of scenarios do: a pod is a namespace that is entered from its node's, which was entered before
NESTED = "ip netns add vl-n && ip netns exec vl-n ip netns exec vl-n true"
SETTING = "sysctl -w net.ipv4.ip_forward=0"


def doctor_arguments(verb: argparse.ArgumentParser) -> None:
    """`doctor`: what this machine has and lacks."""
    does(verb, _doctor, "doctor")
    json_argument(verb)


def _doctor(options: argparse.Namespace) -> int:
    findings = list(examine())
    rows = []
    for finding in findings:
        row = {
            "status": finding.status,
            "what": finding.what,
            "found, or to do": finding.found if finding.ok else finding.cure,
        }
        rows.append(row)
    print_rows(options, rows)
    is_ready = all(finding.ok for finding in findings if finding.needed)
    if not options.json:
        print("\n" + _verdict(findings, is_ready))
    return 0 if is_ready else 1


def _verdict(findings: list[Finding], is_ready: bool) -> str:
    if is_ready:
        return tr("This machine is ready.")
    some = [finding.scenario for finding in findings if finding.ok and finding.scenario]
    if some:
        return tr("Here can run: {some}.", some=enumerated(some))
    return tr("The demos cannot run here until the missing things are there.")


@dataclass(frozen=True)
class Finding:
    """One requirement: what, ok or not, what was found, what to do; needed: without it some demo does not run.

    word: that which stands in the lines of the scenarios that need it; empty: all do; scenario: which one it is, if
    the requirement is that one can run.
    """

    what: str
    ok: bool
    found: str
    cure: str = ""
    needed: bool = True
    word: str = ""
    scenario: str = ""

    @property
    def status(self) -> str:
        """`ok`, `missing`, or `optional` for what only some lessons use."""
        if self.ok:
            return "ok"
        return "missing" if self.needed else "optional"


def examine() -> Iterator[Finding]:
    """Every requirement in turn."""
    findings = [_python()]
    for name, purpose in PYTHON_PACKAGES.items():
        findings.append(_package(name, purpose))
    for name in NEEDED:
        findings.append(_program(name, True))
    for name in USEFUL:
        findings.append(_program(name, False))
    findings += _kernel()
    yield from findings
    for name in SCENARIOS:
        yield _scenario(name, findings)


def _scenario(name: str, findings: list[Finding]) -> Finding:
    """Whether a scenario can run: all is there that its lines name, and what every line needs."""
    words: set[str] = set()
    scenario = load(name)
    for step in scenario.steps:
        for line in step.lines:
            words.update(line.split())
    lacking = []
    for finding in findings:
        is_used = not finding.word or finding.word in words
        if finding.needed and not finding.ok and is_used:
            lacking.append(finding.what)
    what = tr("scenario {name}", name=name)
    try:
        check_programs(scenario)
    except ToolMissing as error:
        return Finding(what, False, "", str(error), needed=False, scenario=name)
    if lacking:
        cure = tr("needs what is missing: {lacking}", lacking=enumerated(lacking))
        return Finding(what, False, "", cure, scenario=name)
    return Finding(what, True, tr("can run"), scenario=name)


def _python() -> Finding:
    major, minor, patch = sys.version_info[:3]
    ok = sys.version_info >= (3, 11)
    return Finding("Python", ok, f"{major}.{minor}.{patch}", tr("install Python 3.11 or newer"))


def _package(name: str, purpose: str) -> Finding:
    import importlib.metadata  # which brings 50 modules along, and no other verb waits for them

    what = tr("Python package {name}", name=name)
    needed = name not in EXTRAS
    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        line = install(EXTRAS.get(name, "all"))
        cure = tr("for {purpose}: {line}", purpose=tr(purpose), line=line)
        return Finding(what, False, "", cure, needed)
    return Finding(what, True, version, needed=needed)


def _program(name: str, needed: bool) -> Finding:
    what = tr("program {name}", name=name)
    word = "" if name in OF_EVERY_LINE else name
    cure = f"sudo apt-get install {package_of(name)}"
    path = find(name)
    if path is None:
        return Finding(what, False, "", cure, needed, word)
    try:
        check_program(name)
    except OfBusyBox as error:
        return Finding(what, False, "", str(error), needed, word)
    found = _version(path, name) or path
    return Finding(what, True, found, needed=needed, word=word)


def _version(path: str, name: str) -> str:
    """The version that a program tells about itself; empty when it does not."""
    flag = VERSION_FLAG.get(name, "--version")
    try:
        answer = subprocess.run([path, flag], capture_output=True, text=True, timeout=PATIENCE)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    version = VERSION.search(answer.stdout + answer.stderr)
    return version.group(1) if version else ""


def _kernel() -> Iterator[Finding]:
    """What the kernel lets us make: a world, and in it what the demos need; each is tried."""
    try:
        lab = Lab()
    except LabError as error:
        yield Finding(tr(WORLD), False, "", str(error))
        return
    with lab:
        yield Finding(tr(WORLD), True, lab.guest or _namespaces())
        for kind, line in LINKS.items():
            yield _device(lab, kind, line)
        if find("brctl"):
            yield _brctl(lab)
        yield _nested(lab)
        yield _setting(lab)


def _namespaces() -> str:
    return tr("ordinary user, in a user namespace") if is_rootless() else "root"


def _device(lab: Lab, kind: str, line: str) -> Finding:
    what = tr("kernel: {kind}", kind=kind)
    ran = lab.run(line, expect=None)
    if ran.code == 0:
        return Finding(what, True, tr("works"), word=kind)
    complaint = ran.err.strip()
    cure = tr("the kernel has no {kind}: {complaint}. Try `sudo modprobe {kind}`", kind=kind, complaint=complaint)
    return Finding(what, False, "", cure, word=kind)


def _brctl(lab: Lab) -> Finding:
    # brctl reads /sys/class/net, which shows the network namespace of whoever mounted it: sysfs(5)
    what = tr("brctl sees the lab's bridges")
    ran = lab.run("brctl show", expect=None)
    if "vl-b" in ran.out:
        return Finding(what, True, tr("works"), word="brctl")
    return Finding(what, False, "", ran.err.strip() or tr("it does not list them"), word="brctl")


def _nested(lab: Lab) -> Finding:
    what = tr("namespaces entered from namespaces")
    ran = lab.run(NESTED, expect=None)
    if ran.code == 0:
        return Finding(what, True, tr("works"))
    return Finding(what, False, "", ran.err.strip())


def _setting(lab: Lab) -> Finding:
    what = tr("settings of its networks")
    ran = lab.run(SETTING, expect=None)
    if ran.code == 0:
        return Finding(what, True, tr("can be changed"), word="sysctl")
    from ..uml import guest

    if guest.is_installed():
        found = tr("read-only here: what changes them is played in user-mode Linux")
        return Finding(what, True, found, word="sysctl")
    return Finding(what, False, "", ran.hint or ran.err.strip(), word="sysctl")
