"""What passed every device of the lab while one command ran? What a tcpdump on each of them printed.

One real `tcpdump` per device, all started by one script. Nothing here waits for time: a listener is ready when it
says `listening on`, and it has told everything when it says that it printed as many packets as the kernel had given it
when the command ended, or says the same often. Each is ended by its process number, also when the script is
interrupted.

The command may use `$patience`, seconds: how long an answer can take on a machine that is as busy as this one is now.
"""

from __future__ import annotations

import contextlib
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import CommandFailed, GaveUpWaiting, OutputNotUnderstood, ToolMissing
from ..facts import Link
from ..language import tr
from ..parsers import tcpdump
from ..record import Ran
from ..sandbox import find, is_rootless
from ..snapshot import Snapshot
from .probe import PATIENCE, Wanted

Row = dict[str, Any]
MARK = "=listened="
# A part of what the script prints: a line with its name, and all up to the next such line.
PART = re.compile(rf"^{MARK} (\w+)\n(.*?)(?=^{MARK} |\Z)", re.S | re.M)
SECONDS = 10  # for the listeners to start: a busy machine with a thousand devices needs a while
COUNTING = 2  # seconds for all to be told
# What came before a tcpdump had its filter is counted and never told: set_kernel_filter(), pcap-linux.c of libpcap. So
# nothing more is awaited, too, when each tcpdump was woken so often and has told nothing more.
ENOUGH = 20
HURRY = 0.03  # seconds that an answer is always waited for; it takes some 0.0001
# -p: a bridge that is listened to with promiscuity on would hand every frame up to its machine, and the walk would
# show a hop that the packet does not make. --immediate-mode: without it the kernel keeps packets back for a second.
# -xx: the bytes of the whole frame, for a capture of the walk.
OPTIONS = "-p --immediate-mode -U -l -nn -e -v -tt --time-stamp-precision=nano -T vxlan -xx"
# Its drop to another user would end the world's hold on it: prctl(2), PR_SET_PDEATHSIG.
AS_ROOT = "-Z root "

# The process number of a process substitution is $!, and its errors are the pipe that we read: they say when it is
# ready, what it has counted, and by their end that it is gone.
SCRIPT = """
ulimit -n "$(ulimit -Hn)"
here=$(mktemp -d /run/listen.XXXXXX) || exit 1
pids=() ears=() links=() files=()
stop() {{
    ((${{#pids[@]}})) && kill "${{pids[@]}}" 2>/dev/null
    for ear in "${{ears[@]}}"; do while read -r line <&"$ear"; do :; done; done
    pids=() ears=()
}}
trap 'stop; rm -rf "$here"' EXIT
trap 'exit 130' INT TERM
clock() {{ now=${{EPOCHREALTIME/./}}; }}  # microseconds
# What is printed goes into files that begin with the name of their part, so that one program hands on all of them.
begin() {{ echo "{mark} $1" >"$here/$1"; files+=("$here/$1"); }}
listen() {{
    local number=${{#pids[@]}}
    begin "$number"
    exec {{ear}}< <(exec "$@" 2>&1 >>"$here/$number")
    pids+=($!) ears+=("$ear")
}}
ready() {{
    while read -r -t {seconds} line <&"$1"; do
        case $line in *'listening on'*) links+=("$line"); return 0 ;; esac
        echo "$line" >&2
    done
    return 1
}}
# Fills `counted`: how much each has printed, was given by the kernel, and lost, in its own words.
count() {{
    counted=
    for pid in "${{pids[@]}}"; do kill -USR1 "$pid"; done
    for ear in "${{ears[@]}}"; do
        read -r -t {seconds} line <&"$ear" && counted+="$line;"
    done
}}
numbers() {{ [[ $1 =~ ([0-9]+)' packet'.*' captured, '([0-9]+)' packet'.*' filter, '([0-9]+)' packet' ]]; }}
# What each was given until now, which it has yet to tell.
note_due() {{
    local IFS=';' line
    due=()
    for line in $counted; do numbers "$line"; due+=("${{BASH_REMATCH[2]:-0}}"); done
}}
all_told() {{
    local IFS=';' line number=0
    for line in $counted; do
        numbers "$line" || return 1
        ((BASH_REMATCH[1] * times[number] + BASH_REMATCH[3] >= due[number])) || return 1
        number=$((number + 1))
    done
    ((number == ${{#pids[@]}}))
}}
times=({times})
clock; start=$now
{listeners}
for ear in "${{ears[@]}}"; do ready "$ear" || exit {not_ready}; done
clock; patience=$((now - start))
((patience < {least})) && patience={least}
((patience > {most})) && patience={most}
printf -v patience '0.%06d' "$patience"; export patience
{first}
begin out
begin err
began=$EPOCHREALTIME
{command} >>"$here/out" 2>>"$here/err"
code=$? ended=$EPOCHREALTIME
count; note_due
clock; last=$((now + {counting}000000)) unchanged=0
until all_told || ((now >= last)); do
    before=$counted; count
    if [ "$counted" = "$before" ]; then ((++unchanged)); else unchanged=0; fi
    ((unchanged >= {enough})) && break
    clock
done
stop
cat "${{files[@]}}"
echo "{mark} links"; printf '%s\n' "${{links[@]}}"
echo "{mark} code"; echo $code
echo "{mark} began"; echo $began
echo "{mark} ended"; echo $ended
echo "{mark} patience"; echo $patience
echo "{mark} counted"; echo "$counted"
"""
NOT_READY = 99
MISSED = re.compile(r"(\d+) packets? dropped by kernel")
LINK_TYPE = re.compile(r"link-type (\w+)")
TIME = re.compile(r"(\d{1,10})\.(\d{1,9}) ")
MICRO = 1_000_000


@dataclass(frozen=True)
class Heard:
    """What passed (`rows`: the parser's, with namespace and device), and what the command said.

    patience: the seconds that the command could read in `$patience`; missed: how many frames came faster than they
    could be told.
    """

    rows: tuple[Row, ...]
    out: str
    err: str
    code: int
    patience: float = PATIENCE
    missed: int = 0


@dataclass(frozen=True)
class Ground:
    """Where packets pass, a lab or this machine.

    run: one line there, whatever its exit code; inside: the line that runs a line in one of its namespaces; look: all
    that is there now; typed: the line as a reader would type it for one of the namespaces.
    """

    run: Callable[[str], Ran]
    inside: Callable[[str, str], str]
    look: Callable[[], Snapshot]
    typed: Callable[[str, str], str]

    def way_into(self, namespace: str) -> str:
        """What stands before a program's own words, so that it runs in a namespace; ends with a blank, if not empty."""
        return self.inside(namespace, "true").removesuffix("true")


def listen(ground: Ground, links: Iterable[Link], command: str, wanted: Wanted, first: str = "") -> Heard:
    """Run one command while tcpdump listens at these devices, for the packets that are wanted.

    first: lines that run when all listen already, just before the command; what they cause is not heard. Raises
    ToolMissing, GaveUpWaiting and CommandFailed.
    """
    if find("tcpdump") is None:
        raise ToolMissing("tcpdump")
    devices = []
    listeners = []
    for link in links:
        devices.append(link.device)
        listener = ground.inside(link.namespace, _listener(link.name, wanted.at(link)))
        listeners.append(f"listen {listener}")
    script = SCRIPT.format(
        listeners="\n".join(listeners),
        times=" ".join(str(_times_counted(name)) for _, name in devices),
        first=f"{{\n{first}\n}} >/dev/null 2>&1" if first else "",
        command=command,
        least=int(HURRY * MICRO),
        most=int(PATIENCE * MICRO),
        mark=MARK,
        seconds=SECONDS,
        counting=COUNTING,
        enough=ENOUGH,
        not_ready=NOT_READY,
    )
    ran = ground.run(script)
    if ran.code == NOT_READY:
        complaint = ran.err.strip() or tr("it did not say why not")
        raise GaveUpWaiting(tr("every tcpdump listens ({complaint})", complaint=complaint), SECONDS)
    if ran.code != 0:
        raise CommandFailed(ran)
    parts = dict(PART.findall(ran.out))
    return Heard(
        rows=tuple(_rows(devices, parts)),
        out=parts["out"],
        err=parts["err"],
        code=int(parts["code"]),
        patience=float(parts["patience"]),
        missed=sum(int(count) for count in MISSED.findall(parts["counted"])),
    )


def _rows(devices: list[tuple[str, str]], parts: Mapping[str, str]) -> Iterator[Row]:
    """What each tcpdump printed while the command ran.

    What passed before was not heard everywhere, because not all listened yet. What comes later is nobody's, and some
    ears are closed already.
    """
    began = round(float(parts["began"]) * 1e9)
    ended = round(float(parts["ended"]) * 1e9)
    links = parts["links"].splitlines()
    for number, (namespace, device) in enumerate(devices):
        link = LINK_TYPE.search(links[number])
        where = {
            "namespace": namespace,
            "device": device,
            "link_type": link[1] if link else "",
        }
        text, frames = _without_bytes(parts[str(number)])
        for row in _understood(text):
            time_ns = row["time_ns"]
            if began <= time_ns <= ended:
                yield where | row | {"frame": frames.get(time_ns)}


def _without_bytes(printed: str) -> tuple[str, dict[int, bytes]]:
    """What tcpdump printed without the bytes of the frames, and these by the kernel's clock, nanoseconds."""
    lines: list[str] = []
    digits: dict[int, list[str]] = {}
    here: list[str] = []
    for line in printed.splitlines():
        if line.startswith("\t0x"):
            _, _, text = line.partition(": ")
            here.append(text)
            continue
        lines.append(line)
        time = TIME.match(line)
        if time:
            here = digits.setdefault(_nanoseconds(time), [])
    frames = {time_ns: bytes.fromhex("".join(texts)) for time_ns, texts in digits.items()}
    return "\n".join(lines), frames


def _nanoseconds(time: re.Match[str]) -> int:
    """A time as `tcpdump -tt` prints it, whose fraction may have fewer than nine digits."""
    seconds = int(time[1])
    fraction = time[2].ljust(9, "0")
    return seconds * 10**9 + int(fraction)


def _times_counted(device: str) -> int:
    """How often the kernel counts a packet that tcpdump prints once: on lo as it goes out, and as it comes in.

    libpcap leaves out the one that goes out there (linux_check_direction(), pcap-linux.c).
    """
    return 2 if device == "lo" else 1


def _understood(printed: str) -> list[Row]:
    """The rows of what one tcpdump printed; a packet that the parser does not know costs itself, not the walk."""
    try:
        return tcpdump.parse(printed)
    except OutputNotUnderstood:
        pass
    rows = []
    for packet in re.split(r"\n(?=\d+\.\d+ )", printed):
        with contextlib.suppress(OutputNotUnderstood):
            rows += tcpdump.parse(packet)
    return rows


def _listener(device: str, wanted: str) -> str:
    options = OPTIONS
    if not is_rootless():
        options = AS_ROOT + OPTIONS
    return f"tcpdump -i {shlex.quote(device)} {options} {shlex.quote(wanted)}"
