"""All attacks on `grade`, as whoever runs this, and as root as an ordinary user, too.

`python tests/attacks`; with `--pages` the figures are written into docs/safety.md.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS), str(TESTS.parent)]

from attacks.tried import every, told  # noqa: E402

PAGE = TESTS.parent / "docs" / "safety.md"
SUMS = re.compile(r"(\d+) tried, (\d+) held")


def as_a_user() -> str:
    """The same as an ordinary user that is made for it; what it printed."""
    user = f"vethlab-{os.getpid()}"
    subprocess.run(["useradd", "--create-home", user], check=True)
    try:
        become = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--inh-caps=-all"]
        home = f"HOME=/home/{user}"
        clean = ["env", "-i", home, "PATH=/usr/local/bin:/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE=1", "LANG=C.UTF-8"]
        words = [*become, "--bounding-set=-all", *clean, sys.executable, str(Path(__file__).parent)]
        return subprocess.run(words, stdout=subprocess.PIPE, text=True, cwd="/").stdout
    finally:
        subprocess.run(["userdel", "--remove", user], capture_output=True)


def write(root: str, user: str) -> None:
    """The figures, into the page."""
    figures = []
    for who, text in (("as root", root), ("as an ordinary user", user)):
        tried, held = SUMS.findall(text)[-1]
        figures.append(f"{who} {tried} were tried and {held} held")
    page = PAGE.read_text()
    new = re.sub(r"(<!-- attacks -->).*?(<!-- end -->)", rf"\g<1>{', '.join(figures)}\g<2>", page)
    PAGE.write_text(new)


def main() -> int:
    """Exit code 1 where something broke."""
    with tempfile.TemporaryDirectory() as place:
        here = told(every(Path(place)))
    print(here, flush=True)
    every_text = [here]
    if os.geteuid() == 0:
        user = as_a_user()
        print("As an ordinary user:\n" + user, flush=True)
        every_text.append(user)
        if "--pages" in sys.argv:
            write(here, user)
    return int(any("BROKE" in text or not SUMS.search(text) for text in every_text))


if __name__ == "__main__":
    sys.exit(main())
