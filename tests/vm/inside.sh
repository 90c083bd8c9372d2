#!/bin/bash
# Run by the fresh machine itself, as root: is it ready after provision.sh, and does a second time change nothing?
cd /root && . ./claims.sh
exec >claims 2>&1

provision() { bash /vagrant/provision.sh vagrant >"said$1" 2>&1 || { cat "said$1" && return 1; }; }
as_vagrant() { runuser -u vagrant -- env -i HOME=/home/vagrant PATH=/usr/local/bin:/usr/bin:/bin "$@"; }
service() { systemctl show vethlab-jupyter -p MainPID -p User -p ActiveState -p ExecMainStartTimestampMonotonic; }
http() { curl -s -o /dev/null -w '%{http_code}' "$@"; }
# All but what systems write by themselves.
state() { find / -xdev \( -path /proc -o -path /run -o -path /tmp -o -path /root -o -path /var/log -o -path /sys \) -prune \
    -o -type f ! -path '*/.ipython/*' ! -path '*/__pycache__/*' ! -path '*/.jupyter/*' ! -path '*/.local/share/jupyter/*' \
    -printf '%p %s %T@\n' | sort; }

useradd --create-home --shell /bin/bash vagrant
if claim "provision.sh makes a fresh Debian $(cat /etc/debian_version) ready" provision 1; then
    link=$(sed -n 's/^JupyterLab: //p' said1)
    claim "it says little" test "$(wc -l <said1)" -le 7
    claim "it says who cannot save notebooks in a folder of others" grep -q 'chmod -R a+w notebooks' said1
    claim "the demo runs as the ordinary user, in a login shell" says "4 of 4 pings" \
        as_vagrant bash -l -c 'python -m vethlab_sh demo bridge'
    claim "and by ssh without a login shell" says "4 of 4 pings" \
        as_vagrant env SSH_CLIENT=here bash -c 'python -m vethlab_sh demo bridge --quiet'
    claim "the printed link opens JupyterLab on port 8888" test "$(http "$link")" = 200
    claim "without the token it asks for one" test "$(http http://127.0.0.1:8888/api/contents)" = 403
    claim "JupyterLab is the ordinary user's" says '^User=vagrant' service
    claim "nobody else can read the token" test "$(stat -c %a /home/vagrant/.config/vethlab_sh/token)" = 600
    before=$(state) service_before=$(service)
    claim "a second provisioning succeeds" provision 2
    claim "it changes no file" diff <(echo "$before") <(state)
    claim "it leaves the running JupyterLab alone" test "$service_before" = "$(service)"
    claim "it ends with the same link, and says no more than that and who cannot save" \
        test "$(tail -n 1 said2) $(wc -l <said2)" = "JupyterLab: $link 2"
    systemctl stop vethlab-jupyter
    rm -rf /home/vagrant/.local/share/vethlab_sh && touch /home/vagrant/.local/share/vethlab_sh # no room for it
    provision 3 >/dev/null && failed=no || failed=yes
    claim "a provisioning that fails says what failed" grep -q 'provision: the Python environment' said3
    claim "and ends with an error" test "$failed" = yes
fi
echo "$CLAIMS_FAILED" >code
systemctl --no-block poweroff
