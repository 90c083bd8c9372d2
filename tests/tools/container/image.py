"""Does `binder/Dockerfile` make what it says? Its instructions are carried out here, in a Debian of debootstrap.

As root: `python tests/tools/container/image.py DOCKERFILE FOLDER` makes the image's root folder. The words are those of
Docker's reference, as far as the file has them: FROM a Debian, RUN, ARG, ENV, COPY of all, USER, WORKDIR, EXPOSE, CMD.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[3]
MIRROR = "http://deb.debian.org/debian"
CERTIFICATES, TRUSTED = "/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/certs/this-machine.crt"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass
class Image:
    """What is known while a Dockerfile is carried out. root: the image's root folder."""

    root: Path
    variables: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=lambda: {"PATH": PATH})
    user: str = "root"
    folder: str = "/"
    command: list[str] = field(default_factory=list)

    def carry_out(self, word: str, rest: str) -> None:
        """One instruction; raises LookupError for one that is not known here."""
        if word == "FROM":
            self._begin(rest)
        elif word == "RUN":
            self._run(rest)
        elif word == "ARG":
            name, _, value = rest.partition("=")
            self.variables[name] = value
        elif word == "ENV":
            for setting in rest.split():
                name, _, value = setting.partition("=")
                self.environment[name] = self._filled(value)
        elif word == "COPY":
            self._copy(rest)
        elif word == "USER":
            self.user = self._filled(rest)
        elif word == "WORKDIR":
            self.folder = self._filled(rest)
        elif word == "CMD":
            self.command = json.loads(rest)
        elif word != "EXPOSE":
            raise LookupError(word)

    def _filled(self, text: str) -> str:
        for name, value in (self.variables | self.environment).items():
            text = text.replace(f"${name}", value)
        return text

    def _begin(self, name: str) -> None:
        release = name.removeprefix("debian:").removesuffix("-slim")
        kept = self.root.with_name(f"{release}.tar")
        if not kept.exists():
            subprocess.run(["debootstrap", "--variant=minbase", release, self.root, MIRROR], check=True)
            subprocess.run(["tar", "-C", self.root, "-cf", f"{kept}.part", "."], check=True)
            os.rename(f"{kept}.part", kept)
            shutil.rmtree(self.root)
        self.root.mkdir()
        subprocess.run(["tar", "-C", self.root, "-xf", kept], check=True)
        # the certificates that this machine trusts, where it stands behind a proxy of its own
        trusted = self.root / TRUSTED.lstrip("/")
        trusted.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(CERTIFICATES, trusted)
        (self.root / "etc/pip.conf").write_text(f"[global]\ncert = {TRUSTED}\n")

    def _copy(self, rest: str) -> None:
        source, place = rest.split()
        assert source == "."
        target = self.root / place.lstrip("/")
        target.mkdir(parents=True)
        listed = ["git", "-C", CHECKOUT, "ls-files", "-co", "--exclude-standard", "-z"]
        files = subprocess.run(listed, check=True, capture_output=True).stdout
        packing = ["tar", "-C", CHECKOUT, "--null", "-T", "-", "-c"]
        packed = subprocess.run(packing, input=files, check=True, capture_output=True).stdout
        subprocess.run(["tar", "-C", target, "--no-same-owner", "-x"], input=packed, check=True)

    def _run(self, line: str) -> None:
        script = (
            'mount -t proc proc "$0/proc" && mount -t tmpfs tmpfs "$0/tmp" && chmod 1777 "$0/tmp" && '
            'touch "$0/etc/resolv.conf" && mount --bind /etc/resolv.conf "$0/etc/resolv.conf" && '
            'exec chroot --userspec="$1" "$0" sh -c "cd $2 && $3"'
        )
        words = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", script]
        environment = {"DEBIAN_FRONTEND": "noninteractive"} | self.variables | self.environment
        subprocess.run([*words, self.root, self.user, self.folder, line], check=True, env=environment)


def instructions(text: str) -> list[tuple[str, str]]:
    """The words of a Dockerfile, each with what stands behind it."""
    lines = []
    for line in text.splitlines():
        if line and not line.startswith("#"):
            lines.append(line)
    joined = "\n".join(lines).replace("\\\n", " ")
    found = []
    for line in joined.splitlines():
        word, _, rest = line.partition(" ")
        found.append((word, rest.strip()))
    return found


def main() -> None:
    """Make the root folder, and beside it what the container is to run."""
    dockerfile, folder = Path(sys.argv[1]), Path(sys.argv[2])
    new = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    image = Image(new)
    for word, rest in instructions(dockerfile.read_text()):
        print(f"{word} {rest}", flush=True)
        image.carry_out(word, rest)
    told = {"environment": image.environment, "user": image.user, "folder": image.folder, "command": image.command}
    folder.with_name(f"{folder.name}.json").write_text(json.dumps(told))
    os.rename(new, folder)


if __name__ == "__main__":
    main()
