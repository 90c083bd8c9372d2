# A Vagrant box of Debian for libvirt, $CACHE/box.box, from the tarball of `run`. Sourced by it.
# The settings that only an emulated computer needs are in the box's own Vagrantfile, which Vagrant reads before the
# project's: so the project's stays as it is.

work=$(mktemp -d "$CACHE/box.XXXXXX")
unpack boot "$work/root"
in_root() { chroot "$work/root" env PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"; }
in_root useradd --create-home --shell /bin/bash vagrant
in_root install -d -m 700 -o vagrant -g vagrant /home/vagrant/.ssh
install -m 600 -o "$(in_root id -u vagrant)" -g "$(in_root id -g vagrant)" \
    "$(dpkg -L vagrant | grep 'keys/vagrant.pub$')" "$work/root/home/vagrant/.ssh/authorized_keys"
echo "vagrant ALL=(ALL) NOPASSWD: ALL" >"$work/root/etc/sudoers.d/vagrant"
printf '[Match]\nName=e*\n[Network]\nDHCP=yes\n' >"$work/root/etc/systemd/network/any.network"
in_root systemctl enable systemd-networkd systemd-resolved ssh
echo "/dev/vda1 / ext4 defaults 0 1" >"$work/root/etc/fstab"
echo "127.0.0.1 localhost" >"$work/root/etc/hosts"
mkdir -p "$work/root/boot/extlinux"
cat >"$work/root/boot/extlinux/extlinux.conf" <<END
default linux
label linux
    kernel /vmlinuz
    append initrd=/initrd.img root=/dev/vda1 rw console=ttyS0 net.ifnames=0
END
ln -sf /run/systemd/resolve/stub-resolv.conf "$work/root/etc/resolv.conf"

truncate -s 8G "$work/disk"
echo "2048,,L,*" | sfdisk -q "$work/disk"
dd if="$work/root/usr/lib/EXTLINUX/mbr.bin" of="$work/disk" conv=notrunc status=none 2>/dev/null ||
    dd if=/usr/lib/EXTLINUX/mbr.bin of="$work/disk" conv=notrunc status=none
# extlinux reads neither 64-bit block numbers nor checksummed metadata
mke2fs -q -t ext4 -O '^64bit,^metadata_csum' -E offset=$((2048 * 512)) -d "$work/root" "$work/disk" $((8 * 1024 * 1024 - 1024))k
mkdir "$work/mounted"
mount -o loop,offset=$((2048 * 512)) "$work/disk" "$work/mounted"
extlinux --install "$work/mounted/boot/extlinux" 2>/dev/null
umount "$work/mounted"
qemu-img convert -c -O qcow2 "$work/disk" "$work/box.img"
echo '{"provider": "libvirt", "format": "qcow2", "virtual_size": 8}' >"$work/metadata.json"
cat >"$work/Vagrantfile" <<'END'
Vagrant.configure("2") do |config|
  config.vm.boot_timeout = 900
  config.vm.provider("libvirt") do |l|
    l.driver = "qemu"        # not KVM: a device /dev/kvm may be there and not work
    l.cpu_mode = "maximum"   # numpy needs more than QEMU's plainest processor
  end
end
END
tar -C "$work" -czf "$CACHE/box.box" metadata.json Vagrantfile box.img
rm -rf "$work"
