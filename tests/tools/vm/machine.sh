#!/bin/bash
# `vagrant up` for real, in the network world that `run` has made: machine.sh PROJECT. libvirt, its network and the
# emulated computer live in this world and end with it.
set -uo pipefail
project=$1 scratch=${1%/*}
. "$HERE/claims.sh"

mount --make-rprivate /
mount -t tmpfs tmpfs /run
for folder in /etc/libvirt /var/lib/libvirt /var/cache/libvirt; do
    mkdir -p "$scratch$folder" && cp -a "$folder/." "$scratch$folder/" && mount --bind "$scratch$folder" "$folder"
done
echo "nameserver 10.0.2.3" >"$scratch/resolv.conf" && mount --bind "$scratch/resolv.conf" "$(realpath /etc/resolv.conf)"
cat >/etc/libvirt/qemu.conf <<'END'
user = "root"
group = "root"
cgroup_controllers = []
security_driver = "none"
stdio_handler = "file"
remember_owner = 0
namespaces = []
END
echo 'auth_unix_rw = "none"' >/etc/libvirt/libvirtd.conf
libvirtd -d

export VAGRANT_HOME=$scratch/vagrant VAGRANT_CHECKPOINT_DISABLE=1 VAGRANT_DEFAULT_PROVIDER=libvirt
http() { curl -s -o /dev/null -w '%{http_code}' "$@"; }
up() { vagrant up --provider=libvirt >"$scratch/up" 2>&1 || { cat "$scratch/up" && return 1; }; }
link() { grep -oE 'http://127[^ ]*token=[0-9a-f]+' "$scratch/$1" | tail -n 1; }
in_machine() { vagrant ssh -c "$1" -- -T 2>&1; }

cd "$project"
chown -R 1000:1000 . # the first ordinary user's, as on a laptop
git_state=$(find . -type f ! -path './.vagrant/*' | sort)
vagrant box add --name debian/bookworm64 --provider libvirt "$CACHE/box.box" >/dev/null
claim "libvirt's part of the Vagrantfile is understood" vagrant validate
if claim "vagrant up makes the machine and everything in it" up; then
    claim "it prints a ready link" test -n "$(link up)"
    claim "the link opens JupyterLab from the laptop" test "$(http "$(link up)")" = 200
    claim "without the token JupyterLab asks for one" test "$(http http://127.0.0.1:8888/api/contents)" = 403
    claim "the port is on the laptop's loopback only" says '^127.0.0.1:8888$' \
        bash -c 'test "$(ss -ltnH "sport = 8888" | wc -l)" = 1 && ss -ltnH "sport = 8888" | awk "{print \$4}"'
    for name in bridge flannel calico; do
        claim "vagrant ssh -c 'python -m vethlab_sh demo $name' works" says "pings answered" \
            in_machine "python -m vethlab_sh demo $name"
    done
    claim "as the ordinary user, whose namespaces need no root" says '^vagrant$' in_machine 'whoami'
    claim "ssh without a login shell finds the same python" says vethlab_sh/venv vagrant ssh -- -T command -v python
    claim "it has 2 processors and 2 GB" says '^2 (19|20)[0-9][0-9]$' \
        in_machine 'echo $(nproc) $(free -m | awk "/Mem/ {print \$2}")'
    in_machine 'echo mine >/vagrant/notebooks/mine.txt'
    claim "what a learner saves is on the laptop" grep -q mine notebooks/mine.txt
    rm -f notebooks/mine.txt
    claim "the machine put no environment into the folder" test ! -e .venv
    claim "a second provisioning succeeds" bash -c "vagrant provision >'$scratch/again' 2>&1"
    claim "and says nothing but the same link" test "$(link again) $(grep -c 'default: [^R]' "$scratch/again")" = "$(link up) 1"
    claim "halted and up again, it prints the link again" bash -c \
        "vagrant halt >/dev/null 2>&1 && vagrant up --provider=libvirt >'$scratch/later' 2>&1"
    claim "and JupyterLab answers" test "$(http "$(link later)")" = 200
fi
claim "vagrant destroy removes it" vagrant destroy -f
claim "the folder holds nothing new" diff <(echo "$git_state") \
    <(find . -type f ! -path './.vagrant/*' ! -name '*.pyc' | sort)
exit "$CLAIMS_FAILED"
