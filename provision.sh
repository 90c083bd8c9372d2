#!/bin/bash
# Make a Debian machine ready for one user's lessons: packages, Python environment, PATH, JupyterLab as a service.
#   sudo ./provision.sh USER           `vagrant up`, cloud-init and Lima do it (vm/), each time the machine starts
#   sudo ./provision.sh USER --image   for a disk that becomes many machines: all but what each has for itself
# The second time nothing is left to do but to print the link. LAB_IP is where JupyterLab listens (127.0.0.1),
# LINK_PORT the port by which the reader's browser reaches it, when that is another than 8888; a machine that knows
# them itself has them in /etc/default/vethlab_sh.
set -euo pipefail
cd "$(dirname "$0")"
HERE=$(pwd -P)
LOG=$(mktemp)
trap 'rm -f "$LOG"' EXIT
PATH=$PATH:/usr/sbin:/sbin

say() { echo "provision: $*" >&2; }
give_up() { tail -n 20 "$LOG" >&2; say "$*"; exit 1; }

[ "$(id -u)" = 0 ] || give_up "this installs packages and a service: run it as root, sudo ./provision.sh $(id -un)"
LEARNER=${1:-}
HOME_OF=$(getent passwd "$LEARNER" | cut -d: -f6) || true
[ -n "$LEARNER" ] && [ -d "$HOME_OF" ] || give_up "for whom? sudo ./provision.sh USER, a user with a home folder"
case ${2:-} in '' | --image) ;; *) give_up "$2 is not known: sudo ./provision.sh USER [--image]" ;; esac
if [ -r /etc/default/vethlab_sh ]; then . /etc/default/vethlab_sh; fi
# Not in this folder: it may lie on the laptop, with its own .venv, on a file system that cannot hold links.
VENV=$HOME_OF/.local/share/vethlab_sh/venv
TOKEN_FILE=$HOME_OF/.config/vethlab_sh/token
UNIT=/etc/systemd/system/vethlab-jupyter.service

as_learner() { # a clean start: what root exports is not theirs
    runuser -u "$LEARNER" -- env -u XDG_RUNTIME_DIR HOME="$HOME_OF" USER="$LEARNER" VETHLAB_VENV="$VENV" "$@"
}

CHANGED=
put() { # put FILE [AS...]: standard input becomes the file; CHANGED says whether it was something else before
    local file=$1 text
    shift
    text=$(cat) CHANGED=
    [ "$(cat "$file" 2>/dev/null)" != "$text" ] || return 0
    { "$@" mkdir -p "${file%/*}" && printf '%s\n' "$text" | "$@" tee "$file" >/dev/null; } ||
        give_up "$file cannot be written."
    CHANGED=yes
}

# --- packages and the Python environment

wanted=()
for tool in python3 make curl; do command -v "$tool" >/dev/null || wanted+=("$tool"); done
if [ ${#wanted[@]} -gt 0 ]; then
    say "installing the Debian packages ${wanted[*]}"
    { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install --no-install-recommends -qy \
        -o DPkg::Lock::Timeout=120 "${wanted[@]}"; } >"$LOG" 2>&1 || give_up "apt-get could not install ${wanted[*]}."
    : >"$LOG"
fi
VETHLAB_VENV=$VENV bash setup.sh packages || give_up "the Debian packages are not all there (see above)."
as_learner bash setup.sh || give_up "the Python environment $VENV is not ready (see above)."

# --- `python` is that environment's, in every shell: at the top of .bashrc, because Debian's own returns early in a
# shell that is not interactive (`ssh machine command`), and of .profile for login shells (`vagrant ssh -c`).

line="export VETHLAB_VENV=$VENV PATH=$VENV/bin:\$PATH:/usr/sbin:/sbin # vethlab_sh"
for file in "$HOME_OF/.profile" "$HOME_OF/.bashrc"; do
    put "$file" as_learner < <(echo "$line"; grep -sv '# vethlab_sh$' "$file")
done

put "$VENV/share/jupyter/lab/settings/overrides.json" as_learner <<'END'
{"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": false}}
END
[ "${2:-}" != --image ] || exit 0

# --- from here on, what belongs to this machine alone

as_learner "$VENV/bin/python" -m vethlab_sh doctor >"$LOG" 2>&1 || give_up "the labs cannot run here (see above)."

if ! as_learner test -w notebooks; then # a shared folder may keep the numbers of the laptop's users
    say "$LEARNER (user number $(id -u "$LEARNER")) may not write here, where files belong to number" \
        "$(stat -c %u notebooks): to save notebooks, run this outside: chmod -R a+w notebooks"
fi

# --- JupyterLab

[ -s "$TOKEN_FILE" ] || as_learner bash -c 'umask 077; mkdir -p "${1%/*}"
    "$2" -c "import secrets; print(secrets.token_hex(24), end=\"\")" >"$1"' token "$TOKEN_FILE" "$VENV/bin/python"
link="http://127.0.0.1:${LINK_PORT:-8888}/lab?token=$(cat "$TOKEN_FILE")"
jupyter=("$VENV/bin/jupyter" lab --no-browser "--ip=${LAB_IP:-127.0.0.1}" --port=8888 --ServerApp.port_retries=0)

if [ ! -d /run/systemd/system ]; then
    say "no systemd runs here, so start JupyterLab yourself:" \
        "cd $HERE/notebooks && JUPYTER_TOKEN_FILE=$TOKEN_FILE ${jupyter[*]}"
    echo "JupyterLab, once it is started: $link"
    exit 0
fi
# Not enabled at boot: the notebooks' folder is there only when `vagrant up` has mounted it, and then runs this.
put "$UNIT" <<END
[Unit]
Description=JupyterLab with the vethlab_sh lessons, for $LEARNER
After=network.target

[Service]
User=$LEARNER
WorkingDirectory=$HERE/notebooks
Environment=JUPYTER_TOKEN_FILE=$TOKEN_FILE VETHLAB_VENV=$VENV
Environment=PATH=$VENV/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin
ExecStart=${jupyter[*]}
Restart=on-failure
END
[ -z "$CHANGED" ] || { systemctl daemon-reload && systemctl stop "${UNIT##*/}"; }
systemctl start "${UNIT##*/}" || give_up "JupyterLab did not start: journalctl -u ${UNIT##*/}"
# An emulated machine takes minutes to start it; one that cannot start is given up by systemd, and then we know.
# Everybody can read the words of a command, so the token goes in by a pipe.
until printf 'header = "Authorization: token %s"\n' "$(cat "$TOKEN_FILE")" |
    curl -sf -K - -o "$LOG" --retry 20 --retry-delay 1 --retry-connrefused http://127.0.0.1:8888/api/status; do
    systemctl -q is-active "${UNIT##*/}" || give_up "JupyterLab does not run: journalctl -u ${UNIT##*/}"
    [ $SECONDS -lt 1800 ] || give_up "JupyterLab does not answer: journalctl -u ${UNIT##*/}"
done
echo "JupyterLab: $link"
