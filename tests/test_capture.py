"""A walk as one capture, and the bytes of its frames."""

import json
import subprocess

import pytest

from vethlab_sh import Lab
from vethlab_sh.errors import BadOption, NotRecorded
from vethlab_sh.packet.frame import parts

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def walk():
    with Lab() as lab:
        lab.play("flannel")
        yield lab.walk("pod-a", "pod-c", cold=True)


def tshark(file, *words):
    """What tshark reads in a capture; no name is looked up."""
    return subprocess.run(["tshark", "-n", "-r", str(file), *words], check=True, capture_output=True, text=True).stdout


def fields(file, *names):
    words = [word for name in names for word in ("-e", name)]
    return [line.split("\t") for line in tshark(file, "-T", "fields", *words).splitlines()]


def test_tshark_reads_each_frame_with_its_device_moment_and_reason(walk, tmp_path):
    file = tmp_path / "walk.pcapng"
    walk.pcapng(file)
    read = fields(file, "frame.interface_name", "frame.time_epoch", "frame.len", "frame.comment")
    told = sorted(walk.rows, key=lambda row: row.time_ns)
    assert len(read) == len(told) > 10
    for (device, moment, size, comment), row in zip(read, told, strict=True):
        assert device == f"{row.namespace}:{row.device}"
        assert int(moment.replace(".", "")) == row.time_ns
        assert int(size) == row.bytes
        assert comment == f"{row.number}. {row.caption}: {row.why}"


def test_tshark_finds_the_echo_inside_the_tunnel(walk, tmp_path):
    file = tmp_path / "walk.pcapng"
    walk.pcapng(file)
    decoded = json.loads(tshark(file, "-d", "udp.port==8472,vxlan", "-Y", "vxlan && icmp", "-T", "json"))
    assert len(decoded) == sum(1 for row in walk.rows if row.wrapped and row.leg != "ask")


def test_capture_is_without_complaint(walk, tmp_path):
    file = tmp_path / "walk.pcapng"
    walk.pcapng(file)
    assert tshark(file, "-Y", "_ws.malformed").strip() == ""


def test_verb_writes_the_capture(vethlab, tmp_path):
    file = tmp_path / "walk.pcapng"
    assert vethlab("walk", "bridge", "ns100", "ns101", "--pcapng", str(file)).returncode == 0
    assert {"ns100:veth100", "master:br-veth100"} <= {name for (name,) in fields(file, "frame.interface_name")}


def test_bytes_of_a_frame_are_its_headers_and_its_data(walk):
    wrapped = next(row for row in walk.rows if row.wrapped and row.leg == "there")
    frame = walk.frame(wrapped.number)
    names = [part.name for part in frame.parts]
    assert names == ["Ethernet", "IP", "UDP", "VXLAN", "Ethernet", "IP", "ICMP", "data"]
    assert b"".join(part.bytes for part in frame.parts) == wrapped.frame
    assert len(frame.bytes) == wrapped.bytes
    assert frame.parts[0].bytes[:6].hex(":") == wrapped.outer_dst_mac
    asks = next(row for row in walk.rows if row.leg == "ask" and not row.wrapped)
    assert [part.name for part in walk.frame(asks.number).parts] == ["Ethernet", "ARP"]
    assert "VXLAN" in frame._repr_html_()
    assert "with its headers marked" in walk._repr_html_()
    with pytest.raises(BadOption, match="no row 999"):
        walk.frame(999)


@pytest.mark.no_lab
def test_recording_has_no_frames(tmp_path):
    lab = Lab(replay="flannel")
    lab.play("flannel")
    told = lab.walk("pod-a", "pod-c")
    with pytest.raises(NotRecorded, match="not kept"):
        told.pcapng(tmp_path / "walk.pcapng")
    assert "headers marked" not in told._repr_html_()


@pytest.mark.no_lab
@pytest.mark.parametrize(
    ("frame", "ethernet", "names"),
    [
        ("ff" * 12 + "8100" + "0064" + "0806" + "00" * 28, True, ["Ethernet", "VLAN", "ARP"]),
        (
            "ff" * 12 + "86dd" + "60" + "00" * 5 + "3a40" + "00" * 32 + "8000" + "00" * 6,
            True,
            ["Ethernet", "IP", "ICMP"],
        ),
        (
            "45" + "00" * 8 + "04" + "00" * 10 + "45" + "00" * 8 + "01" + "00" * 10 + "08" * 9,
            False,
            ["IP", "IP", "ICMP", "data"],
        ),
        ("45" + "00" * 8 + "2f" + "00" * 10 + "20000800" + "00000007" + "45" + "00" * 19, False, ["IP", "GRE", "IP"]),
        ("45" + "00" * 8 + "06" + "00" * 10 + "00" * 12 + "50" + "00" * 7 + "aa", False, ["IP", "TCP", "data"]),
        ("ff" * 12 + "88cc" + "00" * 5, True, ["Ethernet", "data"]),
        ("ff" * 5, True, ["data"]),
        ("", True, []),
    ],
)
def test_headers_of_every_kind_are_told_apart(frame, ethernet, names):
    assert [part.name for part in parts(bytes.fromhex(frame), ethernet)] == names
