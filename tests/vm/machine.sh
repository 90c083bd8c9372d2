#!/bin/bash
# `vagrant up` for real, in the world that `run` has made, whose only addresses are its own:
#   machine.sh PROJECT BOXES
# libvirt, its network and the emulated computer live in this world and end with it.
set -uo pipefail
project=$1 boxes=$2 scratch=${1%/*}
. "$HERE/claims.sh"

mount --make-rprivate /
mount -t tmpfs tmpfs /run
for folder in /etc/libvirt /var/lib/libvirt /var/cache/libvirt; do
    mkdir -p "$scratch$folder" && cp -a "$folder/." "$scratch$folder/" && mount --bind "$scratch$folder" "$folder"
done
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

# A school's web server, on a computer of its own.
ip link set lo up
ip netns add school
ip link add name to-school type veth peer name eth0 netns school
ip addr add 10.99.0.1/24 dev to-school
ip link set to-school up
ip netns exec school ip addr add 10.99.0.2/24 dev eth0
ip netns exec school ip link set eth0 up
school=http://10.99.0.2
ip netns exec school python3 -m http.server --directory "$boxes" 80 >/dev/null 2>&1 &

export VAGRANT_HOME=$scratch/vagrant VAGRANT_CHECKPOINT_DISABLE=1 VAGRANT_DEFAULT_PROVIDER=libvirt
mkdir -p "$VAGRANT_HOME"
# What only an emulated computer needs; Vagrant reads it before the project's own file, which stays as it is.
cat >"$VAGRANT_HOME/Vagrantfile" <<'END'
Vagrant.configure("2") do |config|
  config.vm.boot_timeout = 900
  config.vm.provider("libvirt") do |l|
    l.driver = "qemu"        # not KVM: a device /dev/kvm may be there and not work
    l.cpu_mode = "maximum"   # numpy needs more than QEMU's plainest processor
  end
end
END
http() { curl -s -o /dev/null -w '%{http_code}' "$@"; }
up() { vagrant up --provider=libvirt >"$scratch/up" 2>&1 || { cat "$scratch/up" && return 1; }; }
link() { grep -oE 'http://127[^ ]*token=[0-9a-f]+' "$scratch/$1" | tail -n 1; }
in_machine() { vagrant ssh -c "$1" -- -T 2>&1; }
listening() { ss -ltnH "sport = 8888" | awk '{print $4}'; }
order() { # what `vagrant up` says where it gets a box from; libvirt is not where it looks, so that no machine is made
    LIBVIRT_DEFAULT_URI='qemu+unix:///system?socket=/nowhere' vagrant up --provider="$1" 2>&1 | grep '^box: ' || true
}
known_keys() { in_machine 'cat ~/.ssh/authorized_keys' | grep -c 'vagrant insecure'; }

cd "$project"
chown -R 1000:1000 . # the first ordinary user's, as on a laptop
git_state=$(find . -type f ! -path './.vagrant/*' | sort)
claim "libvirt's part of the Vagrantfile is understood" vagrant validate
claim "with no box anywhere, five places are told and the message names make box" \
    test "$(order libvirt | grep -cE 'not here yet|VETHLAB_BOX_URL names|vm/metadata.json is not|GitHub|not answer')" = 5
claim "and so it does for VirtualBox" says 'No box for virtualbox on .* `make box`' order virtualbox
export VETHLAB_BOX_URL=http://10.99.0.9/
claim "a web server that is not there is told" says 'VETHLAB_BOX_URL: http://10.99.0.9/metadata.json does not answer' \
    order libvirt

unset VETHLAB_BOX_URL
claim "a catalogue at the project's releases is taken" says "^box: .* from $school/metadata.json .the project's releases" \
    env VETHLAB_RELEASES="$school/metadata.json" bash -c "$(declare -f order); order libvirt"
cp "$boxes/metadata.json" vm/
claim "one that was built here comes before it" says '^box: .* from .*/vm/metadata.json .built here' order libvirt
rm vm/metadata.json
mkdir "$scratch/changed"
ln -s "$boxes"/*.box "$scratch/changed/"
sed -E 's/"checksum": "[0-9a-f]{8}/"checksum": "00000000/' "$boxes/metadata.json" >"$scratch/changed/metadata.json"
claim "a box that is not what its catalogue says is refused" says '00000000[0-9a-f]{56}' \
    env VETHLAB_BOX_URL="$scratch/changed" vagrant up --provider=libvirt

export VETHLAB_BOX_URL=$school/
if claim "vagrant up makes the machine from a school's web server, without any other network" up; then
    claim "it says so" grep -q "^box: vethlab/debian-13 from $school/metadata.json (VETHLAB_BOX_URL)" "$scratch/up"
    claim "it prints a ready link" test -n "$(link up)"
    claim "the link opens JupyterLab from the laptop" test "$(http "$(link up)")" = 200
    claim "without the token JupyterLab asks for one" test "$(http http://127.0.0.1:8888/api/contents)" = 403
    claim "the port is on the laptop's loopback only" test "$(listening)" = 127.0.0.1:8888
    for name in bridge flannel calico; do
        claim "vagrant ssh -c 'python -m vethlab_sh demo $name' works" says "[0-9]+ of [0-9]+ pings" \
            in_machine "python -m vethlab_sh demo $name"
    done
    claim "nothing was installed for it" test "$(grep -ciE 'installing|Fetched' "$scratch/up")" = 0
    claim "the key that everybody knows was replaced" test "$(known_keys)" = 0
    claim "as the ordinary user, whose namespaces need no root" says '^vagrant$' in_machine 'whoami'
    claim "ssh without a login shell finds the same python" says vethlab_sh/venv vagrant ssh -- -T command -v python
    claim "it imports the laptop's lessons, not the box's copy" says '^/vagrant' \
        in_machine 'cd && python -c "import vethlab_sh; print(vethlab_sh.__file__)"'
    claim "it has 2 processors and 2 GB" says '^2 (19|20)[0-9][0-9]$' \
        in_machine 'echo $(nproc) $(free -m | awk "/Mem/ {print \$2}")'
    in_machine 'echo mine >/vagrant/notebooks/mine.txt'
    claim "what a learner saves is on the laptop" grep -q mine notebooks/mine.txt
    rm -f notebooks/mine.txt
    claim "the machine put no environment into the folder" test ! -e .venv
    claim "a second provisioning succeeds" bash -c "vagrant provision >'$scratch/again' 2>&1"
    claim "and says nothing but the same link" test "$(link again) $(grep -c 'default: [^R]' "$scratch/again")" = "$(link up) 1"
    unset VETHLAB_BOX_URL # a machine that is there needs no box
    claim "halted and up again, it prints the link again" bash -c \
        "vagrant halt >/dev/null 2>&1 && vagrant up --provider=libvirt >'$scratch/later' 2>&1"
    claim "and JupyterLab answers" test "$(http "$(link later)")" = 200
    claim "vagrant destroy removes it" vagrant destroy -f
    claim "and the next one needs no other place: the box is here" says '^box: .* is here already' order libvirt
fi
vagrant box remove --all vethlab/debian-13 >/dev/null 2>&1
export VETHLAB_BOX_URL=file://$boxes
if claim "vagrant up makes the machine from a folder, as on a stick" up; then
    claim "it says so" grep -qF "box: vethlab/debian-13 from $boxes/metadata.json (VETHLAB_BOX_URL)" "$scratch/up"
    claim "the link opens JupyterLab from the laptop" test "$(http "$(link up)")" = 200
    vagrant destroy -f >/dev/null 2>&1
fi
claim "the folder holds nothing new" diff <(echo "$git_state") \
    <(find . -type f ! -path './.vagrant/*' ! -name '*.pyc' | sort)
exit "$CLAIMS_FAILED"
