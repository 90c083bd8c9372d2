#!/bin/bash
# A container with its own systemd, in the network world that `run` has made: fresh.sh ROOT. It switches itself off.
set -euo pipefail
root=$1
mount --make-rprivate /
echo "nameserver 10.0.2.3" >"$root/etc/resolv.conf"
# API_VFS_WRITABLE: with parts of /proc and /sys hidden, the kernel refuses new ones in user namespaces.
# Read-only: provisioning must not need to write into a folder that belongs to the laptop.
mv "$root/vagrant" "$root.checkout" && mkdir "$root/vagrant"
trap 'rm -rf "$root.checkout"' EXIT
SYSTEMD_NSPAWN_API_VFS_WRITABLE=yes SYSTEMD_SECCOMP=0 timeout 900 systemd-nspawn --register=no --keep-unit --boot \
    --directory="$root" --bind-ro="$root.checkout:/vagrant" --resolv-conf=off --capability=all --console=read-only \
    </dev/null >"$root.log" 2>&1
