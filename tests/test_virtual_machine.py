"""The virtual machine is made from the first place that has a box, and every way to one runs provision.sh.

What only a machine that boots can show is tested by `make test-vm`.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from xml.etree import ElementTree

import pytest
import yaml
from conftest import ROOT

NAME = "vethlab/debian-13"
BOX = "vethlab-libvirt-amd64.box"
CLOSED = "http://127.0.0.1:1"  # nobody listens there, and a closed port answers at once
AMD64 = {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]
SCRIPTS = ("vm/build", "vm/inside", "vm/run", "provision.sh", "setup.sh", "tests/vm/run")


class Project:
    """A checkout with the Vagrantfile, and a laptop to run it on."""

    def __init__(self, folder):
        self.folder = folder / "vethlab_sh"
        self.home = folder / "home"
        self.home.mkdir()
        (self.folder / "vm").mkdir(parents=True)
        shutil.copy(ROOT / "Vagrantfile", self.folder)
        shutil.copy(ROOT / "vm" / "box.rb", self.folder / "vm")

    def ask(self, *words, **environment):
        """What `vagrant WORDS` takes: the place's name and url, and the lines that it says."""
        script = 'load "vm/box.rb"; print JSON.generate([Box.name, Box.url])'
        command = ["ruby", "-e", script, "--", *(words or ("up", "--provider=libvirt"))]
        ran = subprocess.run(
            command, cwd=self.folder, env=self.environment(environment), capture_output=True, text=True
        )
        answer = json.loads(ran.stdout) if ran.returncode == 0 else (None, None)
        return Answer(ran.returncode, *answer, ran.stderr.splitlines())

    def environment(self, more):
        """A laptop's, whose network has neither releases nor a registry."""
        ours = {"PATH": os.environ["PATH"], "HOME": str(self.home), "LANG": "C.UTF-8"}
        ours |= {"VAGRANT_HOME": str(self.home / ".vagrant.d"), "VAGRANT_SERVER_URL": CLOSED}
        ours |= {"VETHLAB_RELEASES": CLOSED + "/metadata.json"}
        return ours | {name: str(value) for name, value in more.items()}

    def add_box(self, place, name=NAME):
        """As Vagrant keeps a box that it has fetched."""
        folder = self.home / ".vagrant.d" / "boxes" / name.replace("/", "-VAGRANTSLASH-") / place
        folder.mkdir(parents=True)
        (folder / "metadata.json").write_text("{}")


class Answer:
    """What the order of places ended with."""

    def __init__(self, code, name, url, lines):
        self.code, self.name, self.url, self.lines = code, name, url, lines

    def box(self):
        """The address in the catalogue that Vagrant is given."""
        with open(self.url) as catalogue:
            (version,) = json.load(catalogue)["versions"]
        (provider,) = version["providers"]
        return provider["url"]


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)


def write_catalogue(folder, url=BOX, version="2026.11.26", **provider):
    """A catalogue with one box for libvirt, which lies beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / BOX).write_text("a box")
    entry = {"name": "libvirt", "url": url, "architecture": AMD64} | provider
    text = {"name": NAME, "versions": [{"version": version, "providers": [entry]}]}
    (folder / "metadata.json").write_text(json.dumps(text))
    return folder / "metadata.json"


@pytest.fixture
def web(tmp_path):
    """A school's web server, for the folder `site`."""

    class Silent(SimpleHTTPRequestHandler):
        def log_message(self, *words):
            pass

    site = tmp_path / "site"
    site.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=site))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield site, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


# --- the order of places


@pytest.mark.parametrize("place", ["2026.11.26/libvirt", f"2026.11.26/{AMD64}/libvirt"])
def test_box_that_is_here_needs_no_other_place(project, place):
    project.add_box(place)
    write_catalogue(project.folder / "vm")
    answer = project.ask()
    assert (answer.name, answer.url) == (NAME, None)
    remark = f"(`vagrant box remove {NAME}` makes room for another)"
    assert answer.lines == [f"box: {NAME} 2026.11.26 is here already {remark}"]


@pytest.mark.parametrize("place", ["2026.11.26/virtualbox", "2026.11.26/riscv64/libvirt"])
def test_box_for_another_computer_is_not_here(project, place):
    project.add_box(place)
    assert project.ask().lines[0] == f"box: {NAME} for libvirt on {AMD64} is not here yet"


def test_places_are_asked_in_order_and_each_is_told(project):
    answer = project.ask()
    assert [line.split(":")[0] for line in answer.lines] == ["box"] * 8
    steps = ["not here yet", "VETHLAB_BOX_URL", "vm/metadata.json", "the project's releases", "debian/bookworm64"]
    assert [step in line for step, line in zip(steps, answer.lines, strict=False)] == [True] * 5
    assert "does not answer" in answer.lines[3]
    assert "does not answer" in answer.lines[4]


def test_no_box_anywhere_names_the_other_ways(project):
    answer = project.ask()
    assert answer.code == 1
    for way in ("make box", "VETHLAB_BOX_URL", "cloud-init", "Lima", "WSL2", "make vm", "--replay"):
        assert way in "\n".join(answer.lines[5:])


def test_asked_for_comes_before_the_one_built_here(project, tmp_path):
    write_catalogue(project.folder / "vm")
    stick = tmp_path / "a stick: 50 % für alle"
    write_catalogue(stick)
    answer = project.ask(VETHLAB_BOX_URL=stick)
    assert answer.box() == str(stick / BOX)
    assert answer.lines[-1] == f"box: {NAME} from {stick}/metadata.json (VETHLAB_BOX_URL)"
    assert len(answer.lines) == 2


@pytest.mark.parametrize("form", ["{}", "{}/", "{}/metadata.json", "file://{}", "file://{}/metadata.json"])
def test_every_form_of_a_folder_is_understood(project, tmp_path, form):
    write_catalogue(tmp_path / "stick")
    answer = project.ask(VETHLAB_BOX_URL=form.format(tmp_path / "stick"))
    assert answer.box() == str(tmp_path / "stick" / BOX)


def test_a_box_without_a_catalogue_is_taken(project, tmp_path):
    write_catalogue(tmp_path / "stick")
    answer = project.ask(VETHLAB_BOX_URL=tmp_path / "stick" / BOX)
    assert (answer.name, answer.url) == (NAME, str(tmp_path / "stick" / BOX))


@pytest.mark.parametrize("form", ["{}", "{}/", "{}/metadata.json"])
def test_a_web_servers_folder_is_understood(project, web, form):
    site, address = web
    write_catalogue(site, url="https://elsewhere.example/" + BOX)
    assert project.ask(VETHLAB_BOX_URL=form.format(address)).box() == f"{address}/{BOX}"


def test_a_web_servers_box_is_taken_and_a_missing_one_is_not(project, web):
    site, address = web
    write_catalogue(site)
    assert project.ask(VETHLAB_BOX_URL=f"{address}/{BOX}").url == f"{address}/{BOX}"
    other = project.ask(VETHLAB_BOX_URL=f"{address}/other.box")
    assert other.lines[1] == f"box: VETHLAB_BOX_URL: there is no {address}/other.box"


def test_a_box_that_is_not_beside_its_catalogue_has_an_address(project, web):
    site, address = web
    write_catalogue(site, url="https://elsewhere.example/there.box")
    assert project.ask(VETHLAB_BOX_URL=address).box() == "https://elsewhere.example/there.box"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("<html>sold</html>", "is no catalogue of Vagrant boxes"),
        ("[]", "is no catalogue of Vagrant boxes"),
        ('{"name": "x", "versions": []}', "is no catalogue of Vagrant boxes"),
        ('{"name": "x", "versions": [{"version": "1"}]}', "is no catalogue of Vagrant boxes"),
        ('{"name": "x", "versions": [{"version": "1", "providers": [{"name": "hyperv"}]}]}', "has no box for libvirt"),
        (None, "there is no"),
    ],
)
def test_a_bad_catalogue_is_told_and_the_next_place_is_asked(project, tmp_path, text, complaint):
    stick = tmp_path / "stick"
    stick.mkdir()
    if text is not None:
        (stick / "metadata.json").write_text(text)
    write_catalogue(project.folder / "vm")
    answer = project.ask(VETHLAB_BOX_URL=stick)
    assert answer.lines[1].startswith("box: VETHLAB_BOX_URL: ")
    assert complaint in answer.lines[1]
    assert answer.box() == str(project.folder / "vm" / BOX)


def test_a_catalogue_that_was_copied_without_its_box_is_told_and_the_next_place_is_asked(project, tmp_path):
    stick = write_catalogue(tmp_path / "stick", url="file:///home/teacher/vethlab_sh/vm/" + BOX)
    (tmp_path / "stick" / BOX).unlink()
    write_catalogue(project.folder / "vm")
    answer = project.ask(VETHLAB_BOX_URL=stick)
    assert answer.lines[1].endswith(f"neither beside it nor at /home/teacher/vethlab_sh/vm/{BOX}")
    assert answer.box() == str(project.folder / "vm" / BOX)


def test_a_box_for_another_processor_is_told(project, tmp_path):
    write_catalogue(tmp_path / "stick", architecture="riscv64")
    line = project.ask(VETHLAB_BOX_URL=tmp_path / "stick").lines[1]
    assert line.endswith(f"has no box for libvirt on {AMD64}, only libvirt riscv64")


def test_the_newest_version_is_taken(project, tmp_path):
    place = write_catalogue(tmp_path / "stick", version="2026.9.30")
    text = json.loads(place.read_text())
    newer = {"version": "2026.11.2", "providers": [{"name": "libvirt", "url": "newer.box"}]}
    place.write_text(json.dumps(text | {"versions": [newer, *text["versions"]]}))
    assert project.ask(VETHLAB_BOX_URL=place).box() == "newer.box"


def test_the_projects_releases_come_before_the_public_registry(project, web):
    site, address = web
    write_catalogue(site)
    answer = project.ask(VETHLAB_RELEASES=f"{address}/metadata.json", VAGRANT_SERVER_URL=address)
    assert answer.lines[-1] == f"box: {NAME} from {address}/metadata.json (the project's releases)"


@pytest.mark.parametrize("origin", ["https://github.com/a/b", "https://github.com/a/b.git", "git@github.com:a/b.git"])
def test_releases_are_those_of_the_project_that_was_cloned(project, origin):
    address = "https://github.com/a/b/releases/latest/download/metadata.json"
    assert releases_of(project, origin) == address


def test_a_clone_from_elsewhere_has_no_releases_that_are_known(project):
    assert releases_of(project, "https://example.org/a/b.git") is None


def releases_of(project, origin):
    """The catalogue of a project that was cloned from `origin`."""
    subprocess.run(["git", "init", "-q"], cwd=project.folder, check=True)
    subprocess.run(["git", "remote", "add", "origin", origin], cwd=project.folder, check=True)
    script = 'load "vm/box.rb"; print JSON.generate(Box.releases)'
    ran = subprocess.run(["ruby", "-e", script], cwd=project.folder, capture_output=True, text=True, check=True)
    return json.loads(ran.stdout)


@pytest.mark.parametrize(("provider", "name"), [("libvirt", "debian/bookworm64"), ("virtualbox", "bento/debian-12")])
def test_the_public_registry_is_the_last_place(project, web, provider, name):
    site, address = web
    (site / name).parent.mkdir()
    (site / name).write_text('{"versions": []}')
    answer = project.ask("up", f"--provider={provider}", VAGRANT_SERVER_URL=address)
    assert (answer.name, answer.url) == (name, None)
    assert "which closes" in answer.lines[4]


def test_a_registry_that_became_a_page_is_no_place(project, web):
    site, address = web
    (site / "debian").mkdir()
    (site / "debian" / "bookworm64").write_text("<html>It was a good time.</html>")
    assert project.ask(VAGRANT_SERVER_URL=address).code == 1


def test_a_public_box_from_before_needs_no_registry(project):
    project.add_box("12.0/libvirt", name="debian/bookworm64")
    answer = project.ask()
    assert (answer.name, answer.url) == ("debian/bookworm64", None)
    assert "12.0 is here" in answer.lines[4]


@pytest.mark.parametrize("command", ["status", "ssh", "halt", "destroy", "validate"])
def test_other_commands_ask_nobody(project, command):
    answer = project.ask(command)
    assert (answer.name, answer.url, answer.lines) == (NAME, None, [])


def test_a_machine_that_is_there_needs_no_box(project):
    machine = project.folder / ".vagrant" / "machines" / "default" / "libvirt"
    machine.mkdir(parents=True)
    (machine / "id").write_text("5eb0")
    (machine / "box_meta").write_text('{"name": "debian/bookworm64", "version": "12.0", "provider": "libvirt"}')
    answer = project.ask()
    assert (answer.name, answer.url, answer.lines) == ("debian/bookworm64", None, [])


# --- what the files say


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    """The Vagrantfile's settings, as (name, values, settings within)."""
    reader = ROOT / "tests" / "vm" / "vagrantfile.rb"
    command = ["ruby", reader, ROOT / "Vagrantfile", "status"]
    ran = subprocess.run(command, cwd=tmp_path_factory.mktemp("away"), capture_output=True, text=True, check=True)
    return json.loads(ran.stdout)


def test_port_is_forwarded_to_the_laptops_loopback_only(settings):
    (forwarded,) = [values for name, values, _ in settings if name == "network"]
    assert forwarded == ["forwarded_port", {"guest": 8888, "host": "8888", "host_ip": "127.0.0.1"}]


def test_vagrant_asks_nobody_for_a_newer_box(settings):
    assert ["box_check_update=", [False], []] in settings


def test_every_provider_has_the_same_size(settings):
    providers = {values[0]: dict_of(within) for name, values, within in settings if name == "provider"}
    assert list(providers) == ["virtualbox", "vmware_desktop", "parallels", "libvirt"]
    for name in ("virtualbox", "parallels", "libvirt"):
        assert (providers[name]["cpus="], providers[name]["memory="]) == ([2], [2048])


def dict_of(settings):
    """The settings of one provider by name."""
    return {name: values for name, values, _ in settings}


def test_vagrantfile_is_a_page():
    assert len((ROOT / "Vagrantfile").read_text().splitlines()) <= 50


@pytest.mark.parametrize("script", SCRIPTS)
def test_script_is_bash(script):
    checked = subprocess.run(["bash", "-n", ROOT / script], capture_output=True, text=True)
    assert (checked.returncode, checked.stderr) == (0, "")


def test_every_way_runs_the_one_provisioning():
    ways = ["Vagrantfile", "vm/cloud-init.yaml", "vm/lima.yaml", "vm/inside"]
    assert [way for way in ways if "provision.sh" not in (ROOT / way).read_text()] == []


def test_cloud_init_is_told_in_its_own_form():
    text = (ROOT / "vm" / "cloud-init.yaml").read_text()
    assert text.startswith("#cloud-config\n")
    (file,) = yaml.safe_load(text)["write_files"]
    assert (file["path"], file["permissions"]) == ("/var/lib/cloud/scripts/per-boot/vethlab_sh", "0755")
    checked = subprocess.run(["bash", "-n"], input=file["content"], capture_output=True, text=True)
    assert (checked.returncode, checked.stderr) == (0, "")
    assert "ADDRESS /opt/vethlab_sh" in file["content"]


def test_plain_machine_gets_one_file_more_than_a_cloud():
    """cloud-init takes a list of the user's instead of the vendor's, so `make vm` adds to the list itself."""
    (line,) = [line for line in (ROOT / "vm" / "run").read_text().splitlines() if "printf '  - {path" in line]
    added = line.split("'")[1].replace("\\\\n", "\\n").removesuffix("\\n") % "8889"
    text = (ROOT / "vm" / "cloud-init.yaml").read_text() + added
    first, second = yaml.safe_load(text)["write_files"]
    assert first["path"] == "/var/lib/cloud/scripts/per-boot/vethlab_sh"
    assert second["path"] == "/etc/default/vethlab_sh"
    assert second["content"].strip() == "LAB_IP=0.0.0.0 LINK_PORT=8889"


def test_lima_forwards_to_the_laptops_loopback_only():
    lima = yaml.safe_load((ROOT / "vm" / "lima.yaml").read_text())
    assert lima["portForwards"] == [{"guestPort": 8888, "hostPort": 8888, "hostIP": "127.0.0.1"}]
    (script,) = lima["provision"]
    checked = subprocess.run(["bash", "-n"], input=script["script"], capture_output=True, text=True)
    assert (checked.returncode, checked.stderr) == (0, "")


def test_key_of_the_box_is_the_one_that_vagrant_replaces():
    """Vagrant removes the line that is its own vagrant.pub, to the letter."""
    (line,) = (ROOT / "vm" / "vagrant.pub").read_text().splitlines()
    assert line.startswith("ssh-rsa ")
    assert line.endswith(" vagrant insecure public key")
    assert hashlib.sha256(line.encode()).hexdigest()[:16] == "e6890e41186beb52"


# --- the box


def ask_build(lines, folder, **environment):
    """What vm/build's functions print, in a bash that has them all and has built nothing."""
    functions = (ROOT / "vm" / "build").read_text().split("\ncase $ARCH in\n")[0]
    ours = {"PATH": os.environ["PATH"], "HOME": str(folder), "VETHLAB_BOX_CACHE": str(folder / "cache")}
    command = ["bash", "-c", f"{functions}\n{lines}", ROOT / "vm" / "build"]
    ran = subprocess.run(command, cwd=folder, env=ours | environment, capture_output=True, text=True)
    return ran.stdout


@pytest.fixture
def clone(tmp_path):
    """A clone with one file that git knows and one that lies about, both writable for a group."""
    folder = tmp_path / "clone"
    folder.mkdir()
    for name in ("lesson", "mine"):
        (folder / name).write_text(name)
        (folder / name).chmod(0o664)
    for words in (["init", "-q"], ["add", "lesson"]):
        subprocess.run(["git", *words], cwd=folder, check=True)
    return folder


@pytest.mark.parametrize("owner", [{}, {"GIT_TEST_ASSUME_DIFFERENT_OWNER": "1"}])
def test_only_the_repository_gets_into_a_box_whoever_builds_it(clone, tmp_path, owner):
    lines = 'REPOSITORY=$HOME/clone; checkout "$HOME/code.tar"; tar -tvf "$HOME/code.tar"'
    (file,) = ask_build(lines, tmp_path, **owner).splitlines()
    assert (file.split()[0], file.split()[-1]) == ("-rw-r--r--", "lesson")


def test_an_ordinary_users_programs_are_those_of_sbin_too(tmp_path):
    assert ask_build('echo "$PATH"', tmp_path, PATH="/usr/bin:/bin") == "/usr/bin:/bin:/usr/sbin:/sbin\n"


def test_packages_of_another_day_are_read_by_the_addresses_that_they_came_from(tmp_path):
    lines = """
        mmdebstrap() { cat; }
        furnish() { :; }
        WORK=$HOME
        mkdir -p "$CACHE" && touch "$CACHE/whole" && echo "deb http://where.example trixie main" >"$CACHE/sources"
        machine "$HOME/root.tar"
    """
    assert ask_build(lines, tmp_path, DATE="2026-01-02") == "deb http://where.example trixie main\n"


def test_lists_of_an_earlier_day_are_old_and_are_read_all_the_same(tmp_path):
    lines = ask_build("sources", tmp_path, DATE="2026-01-02").splitlines()
    beginning = "deb [check-valid-until=no] http://snapshot.debian.org/archive/debian"
    assert [line.startswith(beginning) for line in lines] == [True] * 3
    assert [line.split()[-2] for line in lines] == ["trixie", "trixie-updates", "trixie-security"]
    assert "snapshot" not in ask_build("sources", tmp_path)


def test_who_has_no_user_namespaces_hears_that_root_needs_none(tmp_path):
    hint = "; root needs no user namespaces for it: sudo make box"
    assert ask_build("id() { echo 1000; }; ways_out", tmp_path) == hint
    assert ask_build("id() { echo 0; }; ways_out", tmp_path) == ""


def test_without_a_network_the_days_that_are_here_are_named(tmp_path):
    lines = """
        mkdir -p "${CACHE%/*}/2026-01-02-$ARCH" "${CACHE%/*}/2026-01-03-$ARCH"
        touch "${CACHE%/*}/2026-01-02-$ARCH/whole"
        ways_out
    """
    assert "make box DATE=2026-01-02, whose packages are here" in ask_build(lines, tmp_path, DATE="2026-01-04")
    assert "DATE" not in ask_build(lines, tmp_path, DATE="2026-01-02")


# --- the catalogue


def run_catalogue(*words):
    """What vm/catalogue.py prints."""
    command = [sys.executable, ROOT / "vm" / "catalogue.py", *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def boxes(tmp_path):
    """Boxes for both providers and both architectures."""
    names = ("virtualbox-amd64", "libvirt-amd64", "libvirt-arm64")
    paths = [tmp_path / f"vethlab-{name}.box" for name in names]
    for path in paths:
        path.write_text(path.name)
    return paths


def test_catalogue_has_every_box_with_its_checksum(boxes):
    run_catalogue("write", "2026.11.26", *boxes)
    catalogue = json.loads((boxes[0].parent / "metadata.json").read_text())
    assert catalogue["name"] == NAME
    (version,) = catalogue["versions"]
    assert version["version"] == "2026.11.26"
    assert {box["url"] for box in version["providers"]} == {path.as_uri() for path in boxes}
    for box in version["providers"]:
        text = box["url"].rsplit("/", 1)[1]
        assert (box["checksum_type"], box["checksum"]) == ("sha256", hashlib.sha256(text.encode()).hexdigest())


def test_catalogue_of_a_release_has_its_addresses(boxes):
    run_catalogue("write", "2026.11.26", "--at", "https://host/releases/v1/", *boxes)
    text = (boxes[0].parent / "metadata.json").read_text()
    assert '"https://host/releases/v1/vethlab-libvirt-arm64.box"' in text


def test_old_vagrant_takes_the_last_which_is_for_amd64(boxes):
    run_catalogue("write", "2026.11.26", *boxes)
    (version,) = json.loads((boxes[0].parent / "metadata.json").read_text())["versions"]
    last = {box["name"]: box["architecture"] for box in version["providers"]}
    assert last == {"libvirt": "amd64", "virtualbox": "amd64"}


@pytest.mark.parametrize("architecture", ["amd64", "arm64"])
def test_description_for_virtualbox_is_whole(tmp_path, architecture):
    disk = tmp_path / "box-disk001.vmdk"
    disk.write_text("disk")
    text = run_catalogue("ovf", disk, "10737418240", architecture)
    tree = ElementTree.fromstring(text)
    space = "{http://schemas.dmtf.org/ovf/envelope/1}"
    (file,) = tree.iter(f"{space}File")
    (described,) = tree.iter(f"{space}Disk")
    assert (file.get(f"{space}href"), file.get(f"{space}size")) == (disk.name, "4")
    assert described.get(f"{space}fileRef") == file.get(f"{space}id")
    assert described.get(f"{space}capacity") == "10737418240"
    assert f"/disk/{described.get(f'{space}diskId')}" in text
    assert text.count("<Item>") == text.count("</Item>") == 5
