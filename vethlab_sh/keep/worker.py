"""How is Python itself in a namespace? A function runs in a copy of this Python, forked, which has entered it first.

Without root a process that has threads, as a notebook's has, cannot enter another's namespaces, and could not leave
them again (setns(2)). A copy has one thread, so it can: what it runs sees that namespace, with sockets, subprocesses
and /sys, and the lab's process numbers. Its result comes back pickled.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import pickle
import select
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable
from typing import Any, Self

from ..errors import BadInput, BadName, BadOption, GaveUpWaiting, LabClosed
from ..language import tr
from ..sandbox import HOSTNAME, Sandbox
from ..world import CLONE_NEWNET, CLONE_NEWNS

MS_REC, MS_SLAVE, MNT_DETACH = 16384, 1 << 19, 2  # linux/mount.h


class Worker:
    """Runs functions in one namespace of a lab: `call` waits for the result, `start` does not.

    As a context it ends, when it is left, what was started and still runs. sandbox: the lab's; namespace: `master` or
    one that has a name. A function sees all that this Python has when it is called; what it changes it changes in its
    copy.
    """

    def __init__(self, sandbox: Sandbox, namespace: str) -> None:
        self.namespace = _file_name(namespace)
        self._sandbox = sandbox
        self._started: list[Running] = []

    def call(self, function: Callable[..., Any], *args: Any, **named: Any) -> Any:
        """Run a function in there, and return what it returns, or raise what it raises.

        Raises BadOption when there is no such namespace, BadInput when the result cannot be pickled, LabClosed.
        """
        running = Running(self._sandbox, self.namespace, lambda: function(*args, **named))
        try:
            return running.result()
        finally:
            running.stop()

    def start(self, function: Callable[..., Any], *args: Any, **named: Any) -> Running:
        """Let a function run in there, a server say, while this Python goes on."""
        running = Running(self._sandbox, self.namespace, lambda: function(*args, **named))
        self._started.append(running)
        return running

    def close(self) -> None:
        """End what was started and still runs."""
        while self._started:
            self._started.pop().stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _file_name(namespace: str) -> str:
    """The name itself, when a file below /run/netns may have it: somebody else may have chosen it, and oddly."""
    is_one = namespace not in ("", ".", "..") and not {"/", "\0"} & set(namespace)
    if not is_one:
        raise BadName(namespace, tr("a namespace is a file below /run/netns"))
    return namespace


class Running:
    """A function that runs in a namespace, in a copy of this Python; the copy ends with this one."""

    def __init__(self, sandbox: Sandbox, namespace: str, function: Callable[[], Any]) -> None:
        sandbox.check_alive()
        self._answers, answering = os.pipe()
        living, self._lives = os.pipe()  # nobody writes: its end tells the copy that we are gone, or want it to be
        sys.stdout.flush()
        sys.stderr.flush()
        with warnings.catch_warnings():
            # Python warns of locks that other threads hold; the copy runs the function and nothing else of ours.
            warnings.simplefilter("ignore", DeprecationWarning)
            self._pid: int | None = os.fork()
        if self._pid == 0:
            os.close(self._answers)
            os.close(self._lives)
            _be_the_copy(sandbox, namespace, function, answering, living)
        os.close(answering)
        os.close(living)

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        if self._pid is None:
            return False
        heard, _, _ = select.select([self._answers], [], [], 0)
        return not heard

    def result(self, timeout: float | None = None) -> Any:
        """What the function has returned, once it has; what it raised is raised. timeout: seconds to wait for that.

        Raises GaveUpWaiting; LabClosed, when it was ended before.
        """
        if self._pid is None:
            raise LabClosed(tr("It was stopped, or its result was taken before."))
        heard = b""
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            left = None if end is None else max(0.0, end - time.monotonic())
            if not select.select([self._answers], [], [], left)[0]:
                raise GaveUpWaiting(tr("the function returns"), timeout or 0)
            more = os.read(self._answers, 65536)
            if not more:
                break
            heard += more
        self.stop()
        if not heard:
            raise LabClosed(tr("The function was ended before it returned anything: its process is gone."))
        value, error, trace = pickle.loads(heard)  # our own copy wrote it
        if error is None:
            return value
        if trace:
            error.add_note(tr("Raised inside the namespace:\n{trace}", trace=trace))
        raise error

    def stop(self) -> None:
        """End it. Harmless when it has ended."""
        pid, self._pid = self._pid, None
        if pid is None:
            return
        os.close(self._lives)
        os.close(self._answers)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, 0)


def _be_the_copy(sandbox: Sandbox, namespace: str, function: Callable[[], Any], answering: int, living: int) -> None:
    """Enter, run the function, tell its result, and end: nothing of the Python that was copied runs further."""
    try:
        _enter(sandbox, namespace)
        # Only children have numbers in the lab's process-number namespace (pid_namespaces(7)).
        worker = os.fork()
        if worker:
            os.close(answering)
            os.close(living)
            os.waitpid(worker, 0)
            os._exit(0)
        threading.Thread(target=_end_with, args=(living,), daemon=True).start()
        _speak_plainly()
        told = _told(function)
    except OSError as error:  # no namespace lets us in any more, or no process begin
        told = _pickled(None, LabClosed(tr("The lab is gone, or lets nobody in ({error}).", error=error)), "")
    except BaseException as error:  # noqa: BLE001  (whatever it is, the Python that waits is told)
        told = _pickled(None, error, "")
    with contextlib.suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    with contextlib.suppress(OSError), os.fdopen(answering, "wb") as answers:
        answers.write(told)
    os._exit(0)


def _enter(sandbox: Sandbox, namespace: str) -> None:
    """Move into the lab and its namespace, as `ip netns exec` does: /sys shows the devices of who mounted it."""
    sandbox.enter()
    if namespace == HOSTNAME:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        name = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    except FileNotFoundError:
        raise BadOption(
            tr("There is no namespace {namespace!r} in this lab; `ip netns list` lists them.", namespace=namespace)
        ) from None
    if libc.setns(name, CLONE_NEWNET) != 0:
        raise BadOption(tr("The name {namespace!r} leads to no namespace.", namespace=namespace))
    os.close(name)
    if libc.unshare(CLONE_NEWNS) == 0:
        libc.mount(b"", b"/", b"none", MS_SLAVE | MS_REC, None)
        libc.umount2(b"/sys", MNT_DETACH)
        libc.mount(os.fsencode(namespace), b"/sys", b"sysfs", 0, None)


def _end_with(living: int) -> None:
    """End when the Python that was copied has ended, or closes its end."""
    os.read(living, 1)
    os._exit(1)


def _speak_plainly() -> None:
    """Let what is printed go to the descriptors: a notebook's streams speak by a network that is not there now."""
    sys.stdout = os.fdopen(os.dup(1), "w", buffering=1)
    sys.stderr = os.fdopen(os.dup(2), "w", buffering=1)


def _told(function: Callable[[], Any]) -> bytes:
    try:
        value = function()
    except BaseException as error:  # noqa: BLE001  (also what ends a program: it is the caller's to know)
        return _pickled(None, error, traceback.format_exc())
    return _pickled(value, None, "")


def _pickled(value: Any, error: BaseException | None, trace: str) -> bytes:
    """A result, or an error with its traceback, as bytes; what cannot be one is told in a sentence."""
    try:
        told = pickle.dumps((value, error, trace))
        pickle.loads(told)
        return told
    except Exception as reason:  # noqa: BLE001  (pickle raises whatever the value's own methods raise)
        what = tr("What it raised") if error else tr("What it returned")
        sentence = tr(
            "{what} cannot be handed over between processes ({reason}): {value}.",
            what=what,
            reason=reason,
            value=error or type(value).__name__,
        )
        return pickle.dumps((None, BadInput(sentence), trace))
