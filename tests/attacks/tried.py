"""Does what has been tried against `grade` hold? Each attack is graded, and what it may not have is looked for."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from attacks.lines import BREAKS, CLAIMS, FAKES, GROUPED, HARMLESS, NEIGHBOURS, STORM, TAKES
from vethlab_sh.grading import groups
from vethlab_sh.grading.confine import Limits
from vethlab_sh.grading.grade import Row, grade
from vethlab_sh.grading.submissions import Claim, read_claims

ROOT = Path(__file__).resolve().parent.parent.parent
GOOD = "ip netns add red\nip link add name tap1 type veth peer name tap2\nip link set tap2 netns red\n"
LIMITS = Limits(seconds=20, processes=60, memory=96, file=4)
CLASS = 30  # learners who hand in what is right
GREEDY = {
    "busy": "for n in $(seq 190); do setsid bash -c 'while :; do :; done' >/dev/null 2>&1 </dev/null & done; wait\n",
    "bomb": "bomb() { bomb | bomb & }; bomb\nsleep 1000\n",
    "memory": "mkdir /run/m; mount -t tmpfs t /run/m; cd /run/m\n"
    "for n in $(seq 2000); do head -c 15M /dev/zero >$n; done; sleep 1000\n",
    "neighbours": NEIGHBOURS,
    "storm": STORM + "sleep 5; ip link set b1 down\n",
}
SHORT = 6  # in the short form, one in so many


@dataclass(frozen=True)
class Machine:
    """What attacks look for: a file with a secret, sockets and a port that are listened to, a process, a folder."""

    file: str
    secret: str
    sockets: list[str]
    abstract: str
    port: int
    pid: int
    folder: str
    marker: str

    def words_in(self, lines: str) -> str:
        """The lines, with what is of this machine in its place; braces of bash stay."""
        for name, value in vars(self).items():
            lines = lines.replace("{" + name + "!r}", repr(value)).replace("{" + name + "}", str(value))
        return lines


@contextlib.contextmanager
def machine(place: Path) -> Iterator[Machine]:
    """Something to be found, in a folder."""
    secret = secrets.token_hex(8)
    file = place / "secret"
    file.write_text(secret)
    os.environ["VETHLAB_SECRET"] = secret
    sockets = []
    with contextlib.ExitStack() as opened:
        for number, folder in enumerate((place, Path("/tmp"), Path("/run"), Path(f"/run/user/{os.getuid()}"))):
            path = str(folder / f"vethlab-{secret[:4]}-{number}")
            if os.access(folder, os.W_OK):
                listener = opened.enter_context(socket.socket(socket.AF_UNIX))
                listener.bind(path)
                opened.callback(os.unlink, path)
                os.chmod(path, 0o777)
                listener.listen()
                sockets.append(path)
        named = opened.enter_context(socket.socket(socket.AF_UNIX))
        named.bind(f"\0{secret}")
        named.listen()
        server = opened.enter_context(socket.create_server(("127.0.0.1", 0)))
        yield Machine(
            file=str(file),
            secret=secret,
            sockets=sockets,
            abstract=secret,
            port=server.getsockname()[1],
            pid=os.getpid(),
            folder=str(place / "class"),
            marker=f"vethlab-left-{secret}",
        )
        del os.environ["VETHLAB_SECRET"]


def graded(place: Path, submissions: dict[str, str], claim: str) -> dict[str, Row]:
    """The rows of some submissions, for one claim."""
    folder = place / "class"
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    names = {}
    for number, (name, lines) in enumerate(submissions.items()):
        (folder / f"{number}.sh").write_text(lines)
        names[str(number)] = name
    return {names[row.learner]: row for row in grade(folder, {"": [Claim(claim, 1)]}, limits=LIMITS)}


def every(place: Path, short: bool = False) -> dict[str, str]:
    """Why each attack has not been held: nothing where it has."""
    step = SHORT if short else 1
    broken = {}
    with machine(place) as here:
        breaks = {name: here.words_in(lines) for name, lines in list(BREAKS.items())[::step]}
        for name, row in graded(place, breaks, "broke exists").items():
            was_judged = "broke" in row.sentence
            broken[name] = "" if was_judged and not row.points else f"{row.points:g} points: {row.sentence}"
        left = [path for path in Path("/proc").glob("[0-9]*/cmdline") if here.marker in _words(path)]
        broken["nothing lives on"] = f"{left}" if left else ""
        for name, row in graded(place, dict(list(FAKES.items())[::step]), "ns1 can reach ns2").items():
            broken[name] = f"{row.points:g} points: {row.sentence}" if row.points else ""
        for name, (lines, claim) in list(CLAIMS.items())[::step]:
            row = graded(place, {name: lines}, claim)[name]
            broken[name] = f"{row.points:g} points: {row.sentence}" if row.points else ""
        broken |= _taken(place, step)
        if not short:
            wrong = [f"{name}: {why}" for name, why in crowd(place).items() if why]
            broken[f"a class of {CLASS} beside {len(GREEDY)} who want all of the machine"] = "; ".join(wrong)
    return broken


def _taken(place: Path, step: int) -> dict[str, str]:
    """Those that take too much, and good ones beside them."""
    broken = {}
    ends = TAKES
    with groups.place() as group:
        if group:
            ends = TAKES | GROUPED
    takes = {name: lines for name, (lines, _) in list(ends.items())[::step]}
    good = {f"a good one beside them, {number}": GOOD for number in range(1 if step > 1 else 5)}
    good |= {name: lines + GOOD for name, lines in list(HARMLESS.items())[::step]}
    rows = graded(place, takes | good, "red tap2 is the peer of master tap1")
    for name, row in rows.items():
        if name in good:
            broken[name] = "" if row.points == 1 else row.sentence
        else:
            _, words = ends[name]
            broken[name] = "" if words in row.sentence and not row.points else row.sentence
    return broken


def crowd(place: Path) -> dict[str, str]:
    """A class beside three who want all of the machine: why each good one has not got its full points."""
    example = ROOT / "examples" / "class"
    lines = (example / "anna" / "bridge.sh").read_text()
    claims = read_claims(example.with_suffix(".checks"))
    folder = place / "crowd"
    folder.mkdir()
    for number in range(CLASS):
        # between the good ones, so that each has neighbours of both kinds
        for name, hostile in list(GREEDY.items()) if number == CLASS // 2 else []:
            (folder / f"{number:02} {name}.sh").write_text(hostile)
        (folder / f"{number:02} good.sh").write_text(lines)
    broken = {}
    for row in grade(folder, claims):
        is_good = row.learner.endswith("good")
        is_right = row.points == (row.out_of if is_good else 0)
        broken[row.learner] = "" if is_right else f"{row.points:g} points: {row.sentence}"
    return broken


def _words(path: Path) -> str:
    try:
        return path.read_bytes().decode(errors="replace")
    except OSError:
        return ""


def told(broken: dict[str, str]) -> str:
    """Each attack on a line, and the sums."""
    lines = []
    for name, why in broken.items():
        lines.append(f"BROKE  {name}: {why}" if why else f"held   {name}")
    held = sum(not why for why in broken.values())
    lines.append(f"{len(broken)} tried, {held} held")
    return "\n".join(lines)
