#!/bin/bash
# Set up what is missing: the Debian packages, and the virtual environment .venv.
#   ./setup.sh          what the demos and the lessons need
#   ./setup.sh tests    what the tests need too
#   ./setup.sh real     what the demos need in which real programs stand beside our hands
#   ./setup.sh browser  what the tests in a real browser need
#   ./setup.sh book     what the site is built with
#   ./setup.sh fronts   what the tests in other pages and terminals than JupyterLab need
#   ./setup.sh all      what the tests on every Python need too
#   ./setup.sh tools    what the tests with other releases' programs need too
#   ./setup.sh fuzz     what the search for texts that break a promise needs
#   ./setup.sh class    what a class on one machine needs (classroom/README.md)
#   ./setup.sh packages the Debian packages only
#   ./setup.sh apparmor let this folder's Python alone make namespaces, where AppArmor forbids them (Ubuntu); with sudo
# The second time there is nothing to do. PYTHON=/path/to/python3 chooses another Python, and
# VETHLAB_VENV=/folder another place than .venv, for a checkout on a file system without links.
set -euo pipefail
cd "$(dirname "$0")"
VENV=${VETHLAB_VENV:-$(pwd -P)/.venv}
PATH=$PATH:/usr/sbin:/sbin # an ordinary Debian user's PATH lacks them; ip and brctl may live there

# tool:package. Without the first no demo runs; the others are for single lessons.
ESSENTIAL=(unshare:util-linux ip:iproute2 bridge:iproute2 ping:iputils-ping ifconfig:net-tools)
REAL=(/usr/lib/cni/bridge:containernetworking-plugins # the real plugins, which also the tests make pods with
    birdc:bird2 ovs-vswitchd:openvswitch-switch)
TESTS=("${REAL[@]}" busybox:busybox # its nc is what a learner leaves running
    tshark:tshark                   # it has to read what a walk writes as a capture
    ipset:ipset                     # a fault is planted with it: an address on a block list
    ruby:ruby)                      # the Vagrantfile is read by it, without Vagrant
BROWSER=(chromium:chromium
    /usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc:fonts-noto-cjk) # it looks at Chinese pages, too
BENCH=(mn:mininet)
TOOLS=(patchelf:patchelf)
CLASS=(configurable-http-proxy:node-configurable-http-proxy) # of JupyterHub
USEFUL=(brctl:bridge-utils arping:iputils-arping tcpdump:tcpdump iptables:iptables nft:nftables sysctl:procps)

say() { echo "setup: $*" >&2; }
give_up() { say "$*"; exit 1; }

# --- Debian packages

missing() { # of these tool:package pairs, the packages whose tool, or file, is not there
    local pair tool
    for pair in "$@"; do
        tool=${pair%%:*}
        case $tool in
        /*) [ -f "$tool" ] ;;
        *) command -v "$tool" >/dev/null ;;
        esac || echo "${pair##*:}"
    done | sort -u
}

may_be_root() { # only who can have sudo is asked for a password: others would be reported for trying
    [ "$(id -u)" = 0 ] && return
    command -v sudo >/dev/null || return
    sudo -n true 2>/dev/null || { (: </dev/tty) 2>/dev/null && id -nG | grep -qwE 'sudo|admin|wheel'; }
}

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

# Debian starts the daemons of these packages at once and at every boot, and only labs are to have them.
daemons() { # of these packages, the units of systemd
    local package
    for package in "$@"; do
        case $package in
        bird2) echo bird ;;
        openvswitch-switch) echo openvswitch-switch ovsdb-server ovs-vswitchd ovs-record-hostname ;;
        esac
    done
}

never_at_boot() { # `systemctl unmask UNIT` undoes it
    local unit units=/etc/systemd/system
    for unit in $(daemons "$@"); do
        as_root mkdir -p $units
        [ -e "$units/$unit.service" ] || as_root ln -s /dev/null "$units/$unit.service"
    done
}

POLICY=/usr/sbin/policy-rc.d POLICY_IS_OURS=
starting_nothing() { # run a command while no daemon may be started: invoke-rc.d(8). Containers are always so
    local ended=0
    if [ ! -e $POLICY ]; then
        POLICY_IS_OURS=yes
        printf '#!/bin/sh\nexit 101\n' | as_root tee $POLICY >/dev/null
        as_root chmod 755 $POLICY
    fi
    "$@" || ended=$?
    forget_policy
    return $ended
}

forget_policy() {
    [ -z "$POLICY_IS_OURS" ] || as_root rm -f $POLICY
    POLICY_IS_OURS=
}

install_packages() { # returns whether they are there now
    local install=(apt-get install --no-install-recommends "$@")
    if ! command -v apt-get >/dev/null; then
        say "missing here, and there is no apt-get to install it: $*"
    elif ! may_be_root; then
        say "missing here: $*. An administrator installs it with: sudo ${install[*]}"
    else
        say "installing the Debian packages $*"
        as_root apt-get update -q >"$LOG" 2>&1 || true # one stale source need not stop the rest
        install=(env DEBIAN_FRONTEND=noninteractive "${install[@]}" -qy -o DPkg::Lock::Timeout=120)
        if [ -n "$(daemons "$@")" ]; then
            never_at_boot "$@"
            install=(starting_nothing as_root "${install[@]}")
        else
            install=(as_root "${install[@]}")
        fi
        "${install[@]}" >>"$LOG" 2>&1 && return
        tail -n 5 "$LOG" >&2
        say "they could not be installed; to see why, run as root: apt-get install $*"
    fi
    return 1
}

# --- Python

find_python() { # Debian's own first: one in root's home could not be read by anybody else
    local candidate candidates=(/usr/bin/python3 python3.13 python3.12 python3.11 python3)
    [ -z "${PYTHON:-}" ] || candidates=("$PYTHON")
    for candidate in "${candidates[@]}"; do
        "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue
        command -v "$candidate"
        return
    done
    [ -z "${PYTHON:-}" ] || give_up "PYTHON=$PYTHON is not a Python 3.11 or newer."
    give_up "Python 3.11 or newer is needed. Debian 12, Ubuntu 24.04: sudo apt-get install python3 python3-venv;" \
        "Ubuntu 22.04: sudo apt-get install python3.11 python3.11-venv"
}

venv_is_whole() { # finished, made at this place, and its Python is still the one it was made for
    [ ! -e "$VENV/.unfinished" ] && grep -qsF " $VENV" "$VENV/pyvenv.cfg" &&
        "$VENV/bin/python" -c 'import pip' 2>/dev/null
}

make_venv() { # make_venv PYTHON
    say "making $VENV with $1"
    { rm -rf "$VENV" && mkdir -p "$VENV" && touch "$VENV/.unfinished"; } ||
        give_up "$VENV cannot be written by $(id -un)."
    "$1" -m venv "$VENV" >"$LOG" 2>&1 && rm "$VENV/.unfinished" && return
    tail -n 5 "$LOG" >&2
    give_up "$VENV could not be made."
}

install_requirements() { # install_requirements FILE. A stamp keeps the checksum of what was installed
    local stamp=$VENV/.installed-${1//\//-} sum folder
    sum=$(cksum <"$1")
    [ "$(cat "$stamp" 2>/dev/null)" != "$sum" ] || return 0
    say "installing the Python packages of $1 into $VENV (a minute or two, once)"
    touch "$VENV/.unfinished" || give_up "$VENV cannot be written by $(id -un)." # stays if we are killed
    if ! "$VENV/bin/python" -m pip install -q --disable-pip-version-check -r "$1" >"$LOG" 2>&1; then
        rm "$VENV/.unfinished"
        tail -n 5 "$LOG" >&2
        give_up "pip could not install the packages of $1. Is the network, or a proxy, in the way?"
    fi
    echo "$sum" >"$stamp"
    rm "$VENV/.unfinished"
}

import_from_here() { # from any folder. An environment that came with a disk was made at another place than this
    local folder file
    for folder in "$VENV"/lib/python3*/site-packages; do
        file=$folder/vethlab_sh.pth
        [ "$(cat "$file" 2>/dev/null)" != "$(pwd -P)" ] || continue
        { pwd -P >"$file"; } 2>/dev/null || say "$VENV imports vethlab_sh from $(cat "$file"), and cannot be written."
    done
}

check_fuzz() { # atheris brings its own libFuzzer, and has no wheel elsewhere
    "$VENV/bin/python" -c 'import platform, sys
sys.exit(not ((3, 11) <= sys.version_info < (3, 14) and platform.machine() == "x86_64"))' ||
        give_up "atheris, which make fuzz needs, is to be had for Python 3.11 to 3.13 on x86-64 only;" \
            "here is $("$VENV/bin/python" -V) on $(uname -m). PYTHON=/path/to/python3 VETHLAB_VENV=/folder choose another."
}

# --- AppArmor: Ubuntu lets no ordinary user's program make namespaces, unless a profile names the program

RESTRICTION=/proc/sys/kernel/apparmor_restrict_unprivileged_userns

profile() { # profile PYTHON: as those that Ubuntu ships for browsers (/etc/apparmor.d/chrome): all as without one, and userns
    cat <<PROFILE
# Made by setup.sh of vethlab_sh. It lets one Python make user namespaces, and takes nothing away from it. Who may
# write that file may, by it, make namespaces too.
abi <abi/4.0>,
include <tunables/global>

profile vethlab_sh "$1" flags=(unconfined) {
  userns,

  include if exists <local/vethlab_sh>
}
PROFILE
}

own_python() { # a profile names a file: the link .venv/bin/python would be Debian's own, for every program of everybody
    local real
    real=$(readlink -f "$VENV/bin/python")
    case $real in "$VENV"/*) return ;; esac
    say "copying $real to $VENV/bin, so that it has a name of its own"
    cp "$real" "$VENV/bin/.python.new"
    rm -f "$VENV/bin/python" "$VENV/bin/python3"
    mv "$VENV/bin/.python.new" "$VENV/bin/python"
    ln -s python "$VENV/bin/python3"
}

allow_by_apparmor() {
    [ -e "$RESTRICTION" ] || give_up "AppArmor restricts no namespaces here: there is nothing to allow."
    venv_is_whole || give_up "there is no $VENV yet: ./setup.sh makes it."
    may_be_root || give_up "only root may load a profile: sudo ./setup.sh apparmor"
    own_python
    profile "$VENV/bin/python" >"$LOG"
    as_root install -m 644 "$LOG" /etc/apparmor.d/vethlab_sh
    as_root apparmor_parser -r /etc/apparmor.d/vethlab_sh || give_up "the profile could not be loaded (see above)."
    say "$VENV/bin/python may make namespaces now. Undone by:" \
        "sudo apparmor_parser -R /etc/apparmor.d/vethlab_sh && sudo rm /etc/apparmor.d/vethlab_sh"
}

# --- what happens

[ "${1:-}" != apparmor-profile ] || { profile "$VENV/bin/python"; exit; } # to be looked at

LOG=$(mktemp)
trap 'rm -f "$LOG"; forget_policy' EXIT
trap 'say "interrupted; the next run finishes it."; exit 130' INT TERM
exec 9<. # a second set-up here waits for the first (where the file system has no such locks, it does not)
flock -n 9 2>/dev/null || { say "waiting for another set-up of this folder"; flock 9 2>/dev/null || true; }

[ "${1:-}" != apparmor ] || { allow_by_apparmor; exit; }
mapfile -t packages < <(missing "${ESSENTIAL[@]}" "${USEFUL[@]}")
[ "${1:-}" != real ] || mapfile -t -O ${#packages[@]} packages < <(missing "${REAL[@]}")
[ "${1:-}" != tests ] || mapfile -t -O ${#packages[@]} packages < <(missing "${TESTS[@]}")
[ "${1:-}" != bench ] || mapfile -t -O ${#packages[@]} packages < <(missing "${BENCH[@]}")
case ${1:-} in tools | all) mapfile -t -O ${#packages[@]} packages < <(missing "${TOOLS[@]}") ;; esac
case ${1:-} in browser | fronts) mapfile -t -O ${#packages[@]} packages < <(missing "${BROWSER[@]}") ;; esac
[ "${1:-}" != class ] || mapfile -t -O ${#packages[@]} packages < <(missing "${CLASS[@]}")
python=
if ! venv_is_whole; then
    python=$(find_python)
    "$python" -c 'import ensurepip, venv' 2>/dev/null || packages+=("${python##*/}-venv")
fi
if [ ${#packages[@]} -gt 0 ] && ! install_packages "${packages[@]}"; then
    [ -z "$(missing "${ESSENTIAL[@]}")" ] || give_up "The demos cannot run without: $(missing "${ESSENTIAL[@]}" | xargs)"
    case ${packages[*]} in *-venv) give_up "The demos cannot run without ${packages[-1]}." ;; esac
    say "going on: the demos run without it."
fi
[ "${1:-}" != packages ] || exit 0
[ -z "$python" ] || make_venv "$python"
install_requirements requirements.txt
import_from_here
case ${1:-} in tests | browser | fronts) install_requirements tests/requirements/tests.txt ;; esac
[ "${1:-}" != class ] || install_requirements classroom/requirements.txt
case ${1:-} in browser | fronts) install_requirements tests/requirements/browser.txt ;; esac
[ "${1:-}" != fronts ] || install_requirements tests/requirements/fronts.txt
[ "${1:-}" != book ] || install_requirements book/requirements.txt
[ "${1:-}" != all ] || install_requirements tests/requirements/all.txt
if [ "$(cat "$RESTRICTION" 2>/dev/null)" = 1 ] && [ "$(id -u)" != 0 ] && [ ! -e /etc/apparmor.d/vethlab_sh ]; then
    say "AppArmor forbids namespaces to ordinary users here. ./setup.sh apparmor allows them to $VENV/bin/python alone."
fi
[ "${1:-}" != fuzz ] || { check_fuzz && install_requirements tests/requirements/fuzz.txt; }
[ "${1:-}" != bench ] || install_requirements tests/requirements/bench.txt
