"""A class on one shared machine: every learner logs in with an account of this machine, and gets a JupyterLab.

Start it as root, from any folder that is root's alone: `jupyterhub -f .../classroom/jupyterhub_config.py`. Only the
hub is root. A learner's server, notebooks and labs run as that learner, without any privilege; the labs are private
namespaces, so that all can have a br0 at the same time.
"""

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path

c = get_config()  # noqa: F821, which traitlets gives to every such file

LESSONS = Path(__file__).resolve().parent.parent / "notebooks"
PROGRAMS = Path(sys.executable).parent
PATIENCE = 20  # seconds for the lessons to be copied
LOGIN = "vethlab"  # the group of those who may log in

# On loopback: learners come by `ssh -L 8000:127.0.0.1:8000 MACHINE`, or by a web server with TLS in front of it.
c.JupyterHub.bind_url = "http://127.0.0.1:8000"
c.JupyterHub.authenticator_class = "pam"
c.PAMAuthenticator.allowed_groups = {LOGIN}
c.PAMAuthenticator.admin_groups = {"sudo"}

os.environ.setdefault("NODE_PATH", "/usr/share/nodejs")  # the proxy's libraries, for a Node.js that is not Debian's

c.JupyterHub.spawner_class = "jupyterhub.spawner.LocalProcessSpawner"
# A learner's fork bomb hits that learner's limit. Threads count too: a server and three notebooks have about 100.
c.Spawner.cmd = ["prlimit", "--nproc=1000", str(PROGRAMS / "jupyterhub-singleuser")]
c.Spawner.environment = {"PATH": f"{PROGRAMS}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"}
c.Spawner.notebook_dir = "~"
c.Spawner.default_url = "/lab/tree/lessons/0_start_here.ipynb"
c.Spawner.start_timeout = 120  # when a whole class logs in in the same minute
c.Spawner.http_timeout = 120
c.Spawner.args = [
    "--MappingKernelManager.cull_idle_timeout=3600",  # a notebook that nobody touched for an hour gives its memory back
    "--ServerApp.shutdown_no_activity_timeout=7200",  # and so does a server after two
]


async def lessons(spawner):
    """Copy the lessons into the learner's home, as that learner; what is there already stays as it is.

    The hub serves everybody meanwhile, and waits for nobody's home for long: who has filled it, or mounted something
    that does not answer, logs in without the lessons, and the hub's log says so.
    """
    name = spawner.user.name
    home = Path(f"~{name}").expanduser() / "lessons"
    copy = 'mkdir -p "$1" && shift && exec cp --no-clobber --no-preserve=mode "$@"'
    words = ["runuser", "-u", name, "--", "sh", "-c", copy, "sh", home, *LESSONS.glob("*.ipynb"), home]
    process = await asyncio.create_subprocess_exec(*words, stdin=asyncio.subprocess.DEVNULL, start_new_session=True)
    try:
        code = await asyncio.wait_for(process.wait(), PATIENCE)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):  # it ended just now
            os.killpg(process.pid, signal.SIGKILL)
        code = "no end"
    if code:
        spawner.log.warning("The lessons were not copied into the home of %s: %s.", name, code)


c.Spawner.pre_spawn_hook = lessons

if os.access(LESSONS / "solutions", os.F_OK) and (LESSONS / "solutions").stat().st_mode & 0o007:
    print(f"Learners can read {LESSONS}/solutions. See classroom/README.md, Solutions.", file=sys.stderr)
