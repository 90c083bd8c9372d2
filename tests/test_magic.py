"""%%lab cells, in a real kernel."""

import nbformat
import pytest
from conftest import ROOT
from IPython.core.interactiveshell import InteractiveShell
from nbclient import NotebookClient

from vethlab_sh.notebook.magic import commands

pytestmark = pytest.mark.live


def run(*cells):
    """The outputs of each cell, after running them in a kernel of their own."""
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell(cell) for cell in ("%load_ext vethlab_sh", *cells)]
    NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(ROOT)}}).execute()
    return [cell.outputs for cell in notebook.cells[1:]]


def said(outputs):
    return "".join(output.text for output in outputs if output.output_type == "stream")


@pytest.mark.no_lab
@pytest.mark.parametrize(
    ("cell", "split"),
    [
        ("ip a\nip r", ["ip a", "ip r"]),
        ("# remark\n\n  ip a", ["  ip a"]),
        ("cat <<EOF\none\nEOF\nip a", ["cat <<EOF\none\nEOF", "ip a"]),
        ("echo a \\\n  b\nip a", ["echo a \\\n  b", "ip a"]),
        ("echo 'a\nb'\nip a", ["echo 'a\nb'", "ip a"]),
        ("for n in 1 2\ndo\n echo $n\ndone\nip a", ["for n in 1 2\ndo\n echo $n\ndone", "ip a"]),
        ("ip a |\n grep lo", ["ip a |\n grep lo"]),
        ("echo $(ip a)", ["echo $(ip a)"]),
        ("echo 'open", ["echo 'open"]),
        ("", []),
    ],
)
def test_cell_is_cut_as_bash_reads(cell, split):
    assert list(commands(cell)) == split


def test_lines_run_in_one_lab():
    first, second, third = run(
        "%%lab\nip netns add ns1\nip link add tap1 type veth peer name tap2",
        "%%lab --changes\nip link set tap1 netns ns1\nip netns exec ns1 ip a | grep -c tap1",
        "print(lab.snapshot().wires.peer_namespace.tolist())",
    )
    assert "ip link add tap1 type veth peer name tap2" in said(first)
    assert any("tap1 left master and appeared in ns1" in str(output) for output in second)
    assert "ns1" in said(third)


@pytest.mark.no_lab
def test_cell_before_the_first_one_of_a_lesson_says_where_to_begin(capsys):
    shell = InteractiveShell()
    shell.run_cell("%load_ext vethlab_sh.notebook.before")
    shell.run_cell("%%lab\nip a")
    shell.run_cell("predict('ttl')")
    assert capsys.readouterr().out.count("Run the first cell of the lesson") == 2


class Watched(NotebookClient):
    """Keeps what each update below a cell said, which the notebook keeps the last of."""

    updates = ()

    def process_message(self, message, cell, index):
        if message["msg_type"] == "update_display_data":
            self.updates = (*self.updates, message["content"]["data"].get("text/plain"))
        return super().process_message(message, cell, index)


def test_large_build_and_drawing_tell_how_far_they_are_and_leave_no_trace():
    notebook = nbformat.v4.new_notebook()
    build = 'from vethlab_sh import Lab\nlab = Lab()\n_ = lab.play("bridge", hosts=100)'
    notebook.cells = [nbformat.v4.new_code_cell(cell) for cell in (build, "_ = lab.draw()")]
    client = Watched(notebook, timeout=60, resources={"metadata": {"path": str(ROOT)}})
    client.execute()
    told = [update for update in client.updates if update]
    assert told == [
        *(f"Building bridge: step {n} of 10 …" for n in (*range(1, 8), 10)),
        "Drawing 101 namespaces …",
    ]  # pings go together
    (built,), (wiped, picture) = (cell.outputs for cell in notebook.cells)
    assert built.data == wiped.data == {}
    assert "image/png" in picture.data


def test_table_stands_under_its_output():
    (shown,) = run("%%lab\nip addr show lo")
    assert "ip addr show lo" in said(shown)
    html = "".join(output.data["text/html"] for output in shown if output.output_type == "display_data")
    assert "127.0.0.1/8" in html
    assert "vxlan" not in html


def test_failure_is_told_without_traceback():
    failed, expected = run(
        "%%lab\nip link set nosuch up\nip netns add ns1", "%%lab --expect 1\nip link set nosuch up\nip netns"
    )
    assert "Cannot find device" in said(failed)
    assert "did not run" in said(failed)
    assert not [output for output in failed if output.output_type == "error"]
    assert "did not run" not in said(expected)
    assert "ns1" not in said(expected)


def test_brief_cell_shows_only_what_prints_something_new():
    shown, silent, failed, mute, blank = run(
        "%%lab --brief\nip netns add ns1\nsysctl -w net.ipv4.ip_forward=1\nip netns list",
        "%%lab --brief\nip link add br0 type bridge\nip link set br0 up",
        "%%lab --brief\nsysctl -w net.ipv4.nosuch=1\nip netns list",
        "%%lab --brief\nfalse\nip netns list",
        "%%lab --brief\n# your lines:",
    )
    assert "ip netns list" in said(shown)
    assert "ns1\n" in said(shown)
    assert "add ns1" not in said(shown)
    assert "ip_forward" not in said(shown)
    assert not [output for output in shown if output.output_type == "display_data"]
    assert said(silent) == "(Lines that ran, and printed nothing new: 2.)\n"
    assert said(blank) == ""
    assert "sysctl -w net.ipv4.nosuch=1" in said(failed)
    assert "cannot stat" in said(failed)
    assert "]# \x1b[0m\x1b[1mfalse" in said(mute), "which line it was"
    for stopped in (failed, mute):
        assert "the lines below did not run" in said(stopped)


def test_fresh_lab_on_request_and_pictures():
    _, names, picture, chart = run(
        "%%lab\nip netns add ns1",
        "%%lab --new\nip netns list",
        "%%lab --draw\nip link add br0 type bridge",
        "from vethlab_sh import plots\nplots.round_trips({'direct': [0.02, 0.03], 'br\\x1bidge': [0.05, 0.06]});",
    )
    assert "ns1" not in said(names)
    (drawn,) = [output.data for output in picture if "image/png" in output.get("data", {})]
    assert 'role="img" aria-label="master\n└─ br0 (bridge) [DOWN]"' in drawn["text/html"]
    assert drawn["text/plain"] == "master\n└─ br0 (bridge) [DOWN]"
    (drawn,) = [output.data for output in chart if "image/png" in output.get("data", {})]
    assert drawn["text/html"].startswith(f'<img alt="{drawn["text/plain"]}" src="data:image/png;base64,')
    assert "direct, br\\x1bidge" in drawn["text/plain"]


def test_recording_is_shown_in_cells():
    shown, refused = run(
        "%%lab --replay direct --changes\nip netns add ns1\nip netns add ns2\nip netns list",
        "%%lab\nip link add br0 type bridge",
    )
    assert "A recording: " in said(shown)
    assert "ns2" in said(shown)
    assert any("the namespace ns1 appeared" in str(output) for output in shown)
    assert "was not recorded" in said(refused)


def test_lesson_goes_on_with_a_recording_in_the_notebooks_own_lab():
    *_, shown, looked, judged = run(
        "from vethlab_sh import Lab\nlab = Lab(replay='direct')",
        "%%lab\nip netns add ns1\nip netns add ns2",
        "look('inside', 'ip netns exec ns1 ip -o link | wc -l', 'Only lo, its own loopback.')",
        "exercise('ns1 can reach 10.0.0.1')",
    )
    assert "A recording: " in said(shown)
    assert "was not recorded" in said(looked)
    assert "Only lo, its own loopback." in str(looked)
    assert "a recording has none" in str(judged)


def test_interrupt_keeps_the_lab():
    stop = "import threading, os, signal; threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()"
    _, interrupted, after = run(
        "%%lab\nip netns add ns1",
        f"{stop}\nget_ipython().run_cell_magic('lab', '', 'ping -i 0.2 127.0.0.1')",
        "%%lab\nip netns",
    )
    assert "the lab is still there" in said(interrupted)
    assert "ns1" in said(after)


def test_walk_follows_the_last_command():
    _, walked = run("lab.play('bridge'); None", "%%lab --walk ns100 ns101 --cold\nip netns list")
    html = "".join(output.data.get("text/html", "") for output in walked if output.output_type == "display_data")
    assert "ns100 reached ns101 (192.168.1.101)" in html
    assert "ARP who-has" in html
    assert any("image/png" in output.get("data", {}) for output in walked)
