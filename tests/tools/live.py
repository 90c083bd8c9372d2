"""Which tests need a lab? Those marked `live`, and no others: a test whose mark is wrong fails.

`make check` runs the tests that need none, so the marks must be true, and nobody's memory keeps them so. Each world
that is made raises the auditing event `vethlab_sh.world` (sys.audit()). While tests run, PYTHONPATH begins with a
folder whose `sitecustomize` writes down that it was raised, in this Python and in those that tests start, and refuses
the world to a test that is not marked. A test function that is marked, and of whose cases none makes or asks a lab,
fails as well. In a module that is marked as a whole, `no_lab` marks the functions that need none.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from vethlab_sh import sandbox

HOOK = """
import os, sys

def _hear(event, arguments):
    if event == "vethlab_sh.world":
        try:
            with open({folder!r} + "/log", "a") as log:
                log.write("asked\\n")
        except OSError:  # in a lab, or of a test that is over
            return
        if not os.path.exists({folder!r} + "/allowed"):
            raise RuntimeError("a lab, in a test that is not marked live")

sys.addaudithook(_hear)
"""
BRIEF = os.environ.get("VETHLAB_BRIEF") == "1"  # as an ordinary user, where root has run every case
CASES_IF_BRIEF = 3
AS_OTHERS = {"as_user"}  # fixtures that run programs with another PATH


class Watch:
    """What the tests of this process ask of labs."""

    def __init__(self) -> None:
        # Not where pytest has its folders: a test hides them from a lab that is about to be made.
        self.folder = Path(tempfile.mkdtemp(prefix="vethlab-tests-", dir="/var/tmp"))
        self.folder.chmod(0o755)
        self.log = self.folder / "log"
        self.log.touch()
        self.log.chmod(0o666)  # of the users, too, that tests become
        self.asked = 0  # lines and snapshots of labs that this process has
        self.before = 0  # of them, when the present test began
        self.cases: Counter[str] = Counter()  # of each function, as collected
        self.passed: Counter[str] = Counter()
        self.with_lab: set[str] = set()  # functions, and fixtures that last longer than one test

    def begin(self) -> None:
        """Hear of each world that is made, and count what this process asks of its labs."""
        hook = HOOK.format(folder=str(self.folder))
        (self.folder / "sitecustomize.py").write_text(hook)
        exec(hook, {})
        os.environ["PYTHONPATH"] = f"{self.folder}:{os.environ.get('PYTHONPATH', '')}".rstrip(":")
        checks = sandbox.Sandbox.check_alive

        def counted(self_: sandbox.Sandbox) -> None:
            self.asked += 1
            checks(self_)

        sandbox.Sandbox.check_alive = counted  # type: ignore[method-assign]

    @property
    def uses(self) -> int:
        """How often labs were made or asked until now."""
        return self.asked + self.log.stat().st_size

    @property
    def sees(self) -> bool:
        """Whether the Pythons that tests start tell us."""
        return os.environ.get("PYTHONPATH", "").startswith(str(self.folder))

    def allow(self, allowed: bool) -> None:
        """Let programs make labs, or not."""
        flag = self.folder / "allowed"
        if allowed:
            flag.touch()
        else:
            flag.unlink(missing_ok=True)


watch = Watch()


def is_live(item: pytest.Item) -> bool:
    """Whether a test may make labs."""
    return bool(item.get_closest_marker("live")) and not item.get_closest_marker("no_lab")


def function_of(item: pytest.Item) -> str:
    """The test function, of which an item may be one case of many."""
    return item.nodeid.partition("[")[0]


def long_fixtures(item: pytest.Item) -> set[str]:
    """The fixtures of a test that others of its module share: such a lab is made once."""
    definitions = item._fixtureinfo.name2fixturedefs  # type: ignore[attr-defined]
    module = item.nodeid.partition("::")[0]
    shared = set()
    for name, found in definitions.items():
        if found[-1].scope in ("module", "class"):
            shared.add(f"{module} {name}")
    return shared


def in_brief(items: list[pytest.Item]) -> list[pytest.Item]:
    """The tests of a brief run: of a function with many cases the first, a middle one and the last.

    What differs for an ordinary user is the world, and not the question that is asked in it. Where cases differ by
    what a user may do, `every_case` keeps them all.
    """
    functions: dict[str, list[pytest.Item]] = {}
    for item in items:
        functions.setdefault(function_of(item), []).append(item)
    kept = []
    for cases in functions.values():
        if len(cases) > CASES_IF_BRIEF and not cases[0].get_closest_marker("every_case"):
            cases = [cases[0], cases[len(cases) // 2], cases[-1]]
        kept += cases
    return kept


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Live tests watch the machine; those that need no lab come first, before labs run in the background."""
    modules = {"tests/test_rootless.py": -1}  # it runs the live tests once more: what takes longest begins first
    for item in items:
        modules.setdefault(item.nodeid.partition("::")[0], len(modules))
        watch.cases[function_of(item)] += 1
        names: list[str] = item.fixturenames  # type: ignore[attr-defined]
        if is_live(item) and "machine_stays_as_it_was" not in names:
            names.insert(0, "machine_stays_as_it_was")
    if BRIEF:
        items[:] = in_brief(items)
    items.sort(key=lambda item: (modules[item.nodeid.partition("::")[0]], is_live(item)))


def pytest_sessionstart(session: pytest.Session) -> None:
    """From now on labs are counted, by whoever runs the tests: with xdist that is each worker."""
    hands_out = session.config.getoption("dist", "no") != "no" and not hasattr(session.config, "workerinput")
    if not hands_out:
        watch.begin()
        os.environ.pop("VETHLAB_BRIEF", None)  # what a test starts is run whole, of tests too


def pytest_sessionfinish() -> None:
    """Our hook goes; in this Python it hears on, and finds no log."""
    shutil.rmtree(watch.folder, ignore_errors=True)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Let a test make labs if it is marked, and remember whether it or what it shares with others does."""
    watch.allow(is_live(item))
    watch.before = watch.uses
    yield
    if watch.uses > watch.before:
        watch.with_lab |= {function_of(item), *long_fixtures(item)}


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """A test that passes fails when its mark is wrong; of a function with many cases the last tells for all."""
    outcome = yield
    if outcome.excinfo:
        return
    function = function_of(item)
    watch.passed[function] += 1
    needs_lab = watch.uses > watch.before
    if needs_lab and not is_live(item):
        outcome.force_exception(AssertionError("it makes or asks a lab: mark it live"))
    if needs_lab or watch.with_lab & long_fixtures(item) or AS_OTHERS & set(item.fixturenames):  # type: ignore[attr-defined]
        watch.with_lab.add(function)
    last = watch.passed[function] == watch.cases[function]
    if last and is_live(item) and watch.sees and function not in watch.with_lab:
        outcome.force_exception(AssertionError("it needs no lab: mark it no_lab, and make check runs it, too"))
