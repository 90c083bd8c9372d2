"""A class: lessons handed out and graded by nbgrader, and ten learners at once on a real JupyterHub.

`make test-class`, as root: it makes ten users and removes them. Not part of `make test`.
"""

import asyncio
import contextlib
import csv
import json
import os
import re
import select
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from http.cookiejar import CookieJar
from pathlib import Path
from pwd import getpwnam
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, build_opener, urlopen
from uuid import uuid4

import nbformat
import pytest
from conftest import ROOT, until
from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.websocket import websocket_connect

pytestmark = pytest.mark.live
BIN = Path(sys.executable).parent
CLASSROOM = ROOT / "classroom"
SOLUTIONS = ROOT / "notebooks" / "solutions"
LESSON = "2_bridge"
SOLUTION = re.compile(r"### BEGIN SOLUTION\n(.*?)\n### END SOLUTION", re.S)
LIMIT = 300  # seconds for ten servers to end, beside whatever else runs


def codes(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def solved(name):
    return nbformat.read(SOLUTIONS / f"{name}.ipynb", as_version=4)


# --- nbgrader


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A course of nbgrader with one lesson, as a teacher makes it."""
    return course_in(tmp_path_factory.mktemp("course"), "en")


def course_in(folder, language):
    shutil.copy(CLASSROOM / "nbgrader_config.py", folder)
    (folder / "source" / LESSON).mkdir(parents=True)
    shutil.copy(SOLUTIONS / f"{LESSON}.ipynb", folder / "source" / LESSON)
    nbgrader(folder, "generate_assignment", LESSON, language=language)
    return folder


def nbgrader(folder, *words, language="en"):
    path = f"{BIN}:{os.environ['PATH']}"  # it calls alembic by name
    around = {**os.environ, "PATH": path, "VETHLAB_LANG": language}
    ended = subprocess.run([BIN / "nbgrader", *words], cwd=folder, capture_output=True, text=True, env=around)
    assert ended.returncode == 0, ended.stderr
    return ended


def released(course):
    return nbformat.read(course / "release" / LESSON / f"{LESSON}.ipynb", as_version=4)


def hand_in(course, learner, notebook):
    place = course / "submitted" / learner / LESSON
    place.mkdir(parents=True)
    nbformat.write(notebook, place / f"{LESSON}.ipynb")


def filled(course, exercises):
    """The released lesson with the first so many exercises solved."""
    notebook = released(course)
    answers = {}
    for cell in codes(solved(LESSON)):
        if SOLUTION.search(cell.source):
            answers[cell.metadata.nbgrader.grade_id] = SOLUTION.sub(r"\1", cell.source)
    to_fill = [cell for cell in codes(notebook) if cell.metadata.get("nbgrader", {}).get("solution")]
    assert len(to_fill) == len(answers)
    for cell in to_fill[:exercises]:
        cell.source = answers[cell.metadata.nbgrader.grade_id]
    return notebook


@pytest.mark.no_lab
def test_released_lesson_is_the_learners_copy(course):
    ours = nbformat.read(ROOT / "notebooks" / f"{LESSON}.ipynb", as_version=4)
    theirs = released(course)
    assert [cell.source for cell in theirs.cells] == [cell.source for cell in ours.cells]
    assert not any(cell.outputs for cell in codes(theirs))


def test_autograde_gives_a_point_for_each_exercise_that_holds(course):
    out_of = sum(cell.source.startswith("exercise(") for cell in codes(solved(LESSON)))
    assert out_of >= 3
    hand_in(course, "good", filled(course, out_of))
    hand_in(course, "poor", filled(course, 1))
    hand_in(course, "blank", released(course))
    cheat = released(course)
    for cell in codes(cheat):
        if cell.source.startswith("exercise("):
            cell.source = "exercise()"
    hand_in(course, "cheat", cheat)
    scores = graded(course, "en")
    assert scores["good"] == (out_of, out_of)
    assert scores["blank"] == scores["cheat"]
    assert scores["blank"][0] < scores["poor"][0] < out_of


def graded(course, language):
    """Of each learner: the points, and how many there are."""
    nbgrader(course, "autograde", LESSON, language=language)
    nbgrader(course, "export", "--to", "grades.csv", language=language)
    rows = csv.DictReader((course / "grades.csv").read_text().splitlines())
    return {row["student_id"]: (float(row["score"]), float(row["max_score"])) for row in rows}


def test_lesson_released_in_chinese_gives_the_same_points_for_the_same_lines(tmp_path):
    course = course_in(tmp_path, "zh")
    out_of = sum(cell.source.startswith("exercise(") for cell in codes(solved(LESSON)))
    assert "许多容器怎样共用一条线？" in released(course).cells[0].source
    hand_in(course, "good", filled(course, out_of))
    hand_in(course, "poor", filled(course, 1))
    scores = graded(course, "zh")
    assert scores["good"] == (out_of, out_of)
    assert scores["poor"][0] < out_of
    nbgrader(course, "generate_feedback", LESSON, language="zh")
    page = (course / "feedback" / "poor" / LESSON / f"{LESSON}.html").read_text()
    assert "没有命名空间 ns103" in page


def test_feedback_shows_the_sentence_of_the_kernel(course):
    nbgrader(course, "generate_feedback", LESSON)
    page = (course / "feedback" / "blank" / LESSON / f"{LESSON}.html").read_text()
    assert "there is no namespace ns102" in page


# --- JupyterHub


LEARNERS = [f"vethlearner{n:02}" for n in range(10)]
GROUP, PASSWORD = "vethlab", "a veth never exists alone"


@dataclass
class Seen:
    """What became of one learner's lesson."""

    ready: float = 0
    ran: float = 0
    outputs: list[str] = field(default_factory=list)
    told: dict[str, str] = field(default_factory=dict)
    memory: dict[str, int] = field(default_factory=dict)


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@pytest.fixture(scope="module")
def accounts():
    """Ten users of this machine with a password, in the group that may log in."""
    assert os.geteuid() == 0, "only root can make the users: sudo make test-class"
    made_group = subprocess.run(["groupadd", GROUP], capture_output=True).returncode == 0
    for name in LEARNERS:
        subprocess.run(["useradd", "--create-home", "--shell", "/bin/bash", "--groups", GROUP, name], check=True)
        (Path("/home") / name).chmod(0o700)
    passwords = "".join(f"{name}:{PASSWORD}\n" for name in LEARNERS)
    subprocess.run(["chpasswd"], input=passwords, text=True, check=True)
    readable = subprocess.run(["runuser", "-u", LEARNERS[0], "--", sys.executable, "-c", "import vethlab_sh"], cwd="/")
    yield LEARNERS
    for name in LEARNERS:
        shutil.rmtree(f"/tmp/vethlab_sh-{getpwnam(name).pw_uid}", ignore_errors=True)  # where labs that stay are noted
        subprocess.run(["userdel", "--remove", name], capture_output=True)
    if made_group:
        subprocess.run(["groupdel", GROUP])
    assert readable.returncode == 0, f"users cannot read {ROOT}: put the checkout where they can"


@pytest.fixture(scope="module")
def hub(accounts, tmp_path_factory):
    """The hub as classroom/ configures it, on loopback; its address."""
    folder = tmp_path_factory.mktemp("hub")
    port, api = free_port(), free_port()
    words = [f"--JupyterHub.bind_url=http://127.0.0.1:{port}", f"--JupyterHub.hub_port={free_port()}"]
    words += [f"--ConfigurableHTTPProxy.api_url=http://127.0.0.1:{api}"]
    with (folder / "log").open("w+") as log:
        hub = subprocess.Popen(
            [BIN / "jupyterhub", "-f", CLASSROOM / "jupyterhub_config.py", *words], cwd=folder, stdout=log, stderr=log
        )
    try:
        address = f"http://127.0.0.1:{port}"
        until(lambda: answers(f"{address}/hub/api") or hub.poll() is not None, "the hub answers")
        assert hub.poll() is None, (folder / "log").read_text()
        yield address
    finally:
        hub.send_signal(signal.SIGTERM)
        hub.wait(60)


def answers(address):
    try:
        with urlopen(address) as answer:
            return answer.status == 200
    except URLError:
        return False


async def ask(address, method="GET", token="", **body):
    """What an address answers, as JSON."""
    headers = {"Authorization": f"token {token}"} if token else {}
    text = json.dumps(body) if method == "POST" else None
    request = HTTPRequest(address, method, headers, text, request_timeout=180, allow_nonstandard_methods=True)
    answer = await AsyncHTTPClient(max_clients=100).fetch(request)
    return json.loads(answer.body) if answer.body and "json" in answer.headers["Content-Type"] else {}


class Notebook:
    """A kernel on a learner's server, as a browser talks to it."""

    def __init__(self, socket):
        self.socket = socket

    @classmethod
    async def open(cls, server, token):
        kernel = await ask(f"{server}/api/kernels", "POST", token, name="python3", path="lessons")
        address = f"{server.replace('http', 'ws', 1)}/api/kernels/{kernel['id']}/channels"
        headers = {"Authorization": f"token {token}"}
        return cls(await websocket_connect(HTTPRequest(address, headers=headers), max_message_size=2**27))

    async def run(self, source):
        """Run a cell; return all that it showed, and whether it ended well."""
        number, shown = uuid4().hex, []
        header = {"msg_id": number, "msg_type": "execute_request", "username": "", "session": number, "version": "5.3"}
        content = {"code": source, "silent": False, "store_history": True, "allow_stdin": False}
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
        await self.socket.write_message(json.dumps(message))
        ended = {}
        while len(ended) < 2:  # both its reply, and that all outputs have come
            told = json.loads(await self.socket.read_message())
            if told["parent_header"].get("msg_id") != number:
                continue
            kind, content = told["msg_type"], told["content"]
            if kind == "execute_reply":
                ended["reply"] = content["status"]
            elif kind == "status" and content["execution_state"] == "idle":
                ended["idle"] = True
            shown += [content.get("text", ""), *map(str, content.get("data", {}).values())]
        return "".join(shown), ended["reply"] == "ok"


def log_in(hub, name):
    """As with the form in a browser: the hub knows a user from the first time on."""
    cookies = CookieJar()
    browser = build_opener(HTTPCookieProcessor(cookies))
    page = f"{hub}/hub/login?next=/hub/home"
    browser.open(page).close()
    (xsrf,) = {cookie.value for cookie in cookies if cookie.name == "_xsrf"}
    form = urlencode({"username": name, "password": PASSWORD, "_xsrf": xsrf})
    with browser.open(page, form.encode()) as answer:
        assert name in answer.read().decode()


async def learn(hub, name):
    """One learner: log in, start a server, run the lesson cell by cell, be measured, leave."""
    await asyncio.to_thread(log_in, hub, name)
    seen, begin = Seen(), time.monotonic()
    auth = {"username": name, "password": PASSWORD}
    token = (await ask(f"{hub}/hub/api/users/{name}/tokens", "POST", auth=auth))["token"]
    await ask(f"{hub}/hub/api/users/{name}/server", "POST", token)
    progress = HTTPRequest(
        f"{hub}/hub/api/users/{name}/server/progress", headers={"Authorization": f"token {token}"}, request_timeout=180
    )
    events = (await AsyncHTTPClient().fetch(progress)).body.decode()  # it ends when the server is ready
    assert '"ready": true' in events, events
    seen.ready, begin = time.monotonic() - begin, time.monotonic()
    notebook = await Notebook.open(f"{hub}/user/{name}", token)
    for cell in codes(solved(LESSON)):
        shown, ok = await notebook.run(cell.source)
        assert ok, (name, cell.source, shown)
        seen.outputs.append(shown)
    seen.ran = time.monotonic() - begin
    facts = {
        "world": "print(lab.run('readlink /proc/self/ns/net').out)",
        "links": "print(lab.run('ip -br link | cut -d @ -f 1 | cut -d \" \" -f 1 | sort').out)",
        "rights": "import os; print(os.getuid(), open('/proc/self/status').read().split('CapEff:')[1].split()[0])",
        "stays": "lab.stay('mine'); from vethlab_sh.keep import stay; print(stay.names())",
        "others": "import glob; print(glob.glob('/home/*/*'))",
        "down": "stay.down('mine')",
    }
    for fact, source in facts.items():
        shown, ok = await notebook.run(source)
        assert ok, (name, fact, shown)
        seen.told[fact] = shown.strip()
        if fact == "others":
            seen.memory = memory(name)
    await ask(f"{hub}/hub/api/users/{name}/server", "DELETE", token)
    return seen


def processes(*names):
    """The processes of users: number and command line. Not those that have ended, which only their parents take off."""
    words = ["ps", "-ww", "-o", "stat=,pid=,args=", "-u", ",".join(names)]
    told = subprocess.run(words, capture_output=True, text=True).stdout
    return [(int(line.split()[1]), line) for line in told.splitlines() if not line.startswith("Z")]


def memory(name):
    """Bytes (Pss, proc(5)) of a learner's server, kernel and labs."""
    total = {"server": 0, "kernel": 0, "lab": 0}
    for pid, line in processes(name):
        kind = "kernel" if "ipykernel" in line else "server" if "jupyterhub" in line else "lab"
        with open(f"/proc/{pid}/smaps_rollup") as file:
            total[kind] += next(int(row.split()[1]) for row in file if row.startswith("Pss:")) * 1024
    return total


@pytest.fixture(scope="module")
def lessons(hub):
    """What ten learners saw who did the same lesson at the same time."""

    async def all_at_once():
        return dict(zip(LEARNERS, await asyncio.gather(*(learn(hub, name) for name in LEARNERS)), strict=True))

    return asyncio.run(all_at_once())


def test_ten_learners_do_the_lesson_at_the_same_time(lessons):
    for name, seen in lessons.items():
        sources = [cell.source for cell in codes(solved(LESSON))]
        judged = [shown for source, shown in zip(sources, seen.outputs, strict=True) if source.startswith("exercise(")]
        assert judged
        assert all("✓" in shown and "✗" not in shown for shown in judged), (name, judged)


def test_each_has_a_private_lab_with_the_same_names(lessons):
    assert len({seen.told["world"] for seen in lessons.values()}) == len(LEARNERS)
    assert len({seen.told["links"] for seen in lessons.values()}) == 1
    assert "br0" in lessons[LEARNERS[0]].told["links"].split()
    assert {seen.told["stays"] for seen in lessons.values()} == {"['2_bridge', 'mine']"}


def test_nobody_is_root_or_sees_the_others_files(lessons):
    uids = {seen.told["rights"].split()[0] for seen in lessons.values()}
    assert len(uids) == len(LEARNERS)
    assert "0" not in uids
    assert {seen.told["rights"].split()[1] for seen in lessons.values()} == {"0" * 16}
    for name, seen in lessons.items():
        assert set(re.findall(r"/home/(vethlearner\w+)", seen.told["others"])) == {name}, seen.told["others"]


def test_nothing_of_a_learner_is_left(lessons):
    """The hub asks a server to end, and after 20 seconds it kills it; then its kernels notice, and then labs end.

    Each end is waited for without asking again and again, which ten servers that end would have to wait for.
    """
    end = time.monotonic() + LIMIT
    while left := processes(*LEARNERS):
        number = left[0][0]
        with contextlib.suppress(ProcessLookupError):
            process = os.pidfd_open(number)
            ended, _, _ = select.select([process], [], [], max(0, end - time.monotonic()))
            os.close(process)
            assert ended, f"still there after {LIMIT} s: {left}"


def test_measured(lessons):
    """What the README of classroom/ tells; shown at the end of `make test-class`."""

    def middle(values, form="{:.0f}"):
        values = list(values)
        return " ".join(f"{word} {form.format(of(values))}" for word, of in (("mean", statistics.mean), ("most", max)))

    seen = lessons.values()
    print(f"{len(LEARNERS)} learners, {os.cpu_count()} processors")
    print(f"seconds until the server is ready: {middle(one.ready for one in seen)}")
    print(f"seconds for {LESSON}: {middle(one.ran for one in seen)}")
    for kind in ("server", "kernel", "lab"):
        print(f"MiB of the {kind}: {middle((one.memory[kind] / 2**20 for one in seen), '{:.1f}')}")
    print(f"MiB of a learner: {middle(sum(one.memory.values()) / 2**20 for one in seen)}")
