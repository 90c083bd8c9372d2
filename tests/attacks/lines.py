# ruff: noqa: E501 (a line of bash is broken where bash breaks it)
"""What has been tried against `grade`? Each attack as a name and its lines, and what must hold.

BREAKS: lines that get at something which is not theirs, and then make the namespace `broke`: no such attack may have a
point for it. Words in {} are of the machine: see `tried.Machine`. FAKES: lines that want points for `ns1 can reach ns2`
without a network in which ns1 reaches ns2. TAKES: lines that take too much, and the words of the sentence that ends
them.
"""

CALL = """python3 - <<'END'
import ctypes, os, socket, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
def broke(why=True):
    if why: os.system("ip netns add broke")
{body}
END
"""


def python(body: str) -> str:
    """Lines that run a piece of Python."""
    return CALL.replace("{body}", body)


def call(number: int, *arguments: object) -> str:
    """Lines that make a call of x86_64; it must fail. (On other processors it is another call, and must, too.)"""
    given = ", ".join([f"ctypes.c_long({number})", *map(repr, arguments)])
    return python(f"broke(libc.syscall({given}) >= 0)")


BROKE = "&& ip netns add broke\n"
READS = "cat {file} 2>/dev/null | grep -q {secret} " + BROKE
CONNECTS = python("""
for path in {sockets!r}:
    try:
        s = socket.socket(socket.AF_UNIX); s.connect(path); broke()
    except OSError: pass
""")
WIRE = (
    "ip netns add ns1; ip netns add ns2\nip -n ns1 link set lo up; ip -n ns2 link set lo up\n"
    "ip -n ns1 addr add 10.0.0.1/32 dev lo; ip -n ns2 addr add 10.0.0.2/32 dev lo\n"
)
PING = (
    "cat >/tmp/ping <<'END'\n#!/bin/sh\necho '64 bytes from 10.0.0.2: icmp_seq=1 ttl=64 time=0.05 ms'\nEND\n"
    "chmod +x /tmp/ping\n"
)
TUN = """
import fcntl, os, struct
f = os.open("/dev/net/tun", 2)
fcntl.ioctl(f, 0x400454ca, struct.pack("16sH", b"t0", 0x1001))
while 1:
    p = bytearray(os.read(f, 2000))
    p[12:16], p[16:20] = p[16:20], p[12:16]
    p[20] = 0
    c = p[22] * 256 + p[23] + 2048
    p[22], p[23] = (c >> 8) & 255, c & 255
    os.write(f, p)
"""

BREAKS: dict[str, str] = {
    # files
    "a file of the machine": READS,
    "through /proc/1/root": READS.replace("{file}", "/proc/1/root{file} /proc/1/cwd/../..{file}"),
    "through any /proc/N/root": READS.replace("{file}", "/proc/[0-9]*/root{file} /proc/self/root/proc/1/root{file}"),
    "the root bound elsewhere": "mkdir /run/all; mount --rbind / /run/all\n" + READS.replace("{file}", "/run/all{file}"),
    "an overlay of the root": "mkdir /run/m; mount -t overlay -o lowerdir=/ overlay /run/m\n"
    + READS.replace("{file}", "/run/m{file}"),
    "what is below /tmp, /run and /usr": "umount -l /tmp; umount -l /run; umount -l /run; umount -l /usr\n" + READS,
    "below, in a user namespace inside": "unshare -Urm bash -c 'umount -l /tmp; umount -l /run; umount -l /' \n" + READS,
    "pivot_root to what was": "unshare -Urm bash -c 'mount --rbind / /tmp; cd /tmp; pivot_root . .; umount -l .'\n"
    + READS,
    "out of a chroot": python("""
os.makedirs("/tmp/c", exist_ok=True); d = os.open("/", os.O_RDONLY); os.chroot("/tmp/c"); os.fchdir(d)
for _ in range(40): os.chdir("..")
os.chroot(".")
broke(os.path.exists({file!r}))
"""),
    "/etc/shadow": "[ -e /etc/shadow ] " + BROKE,
    "who has accounts here": "[ $(wc -l </etc/passwd) -gt 2 ] " + BROKE,
    "the class's folder": "ls {folder} 2>/dev/null | grep -q . " + BROKE,
    "an open file of the grader": "ls -l /proc/self/fd /proc/$$/fd | grep -q {folder} " + BROKE,
    "where lines' output is kept": "cd /proc/1/cwd && ls -A " + BROKE,
    "links where output is kept": "for n in $(seq 60); do ln -s {file} /proc/1/cwd/.$n-$n && ip netns add broke; done\n",
    "a file handle": call(304, -100, 0, 0),
    "a file of /usr": "touch /usr/file " + BROKE + "touch /usr/bin/ip " + BROKE + "touch /etc/passwd " + BROKE,
    "/usr made writable": "mount -o remount,bind,rw /usr && touch /usr/file " + BROKE,
    "a disk as a file system": "for d in vda sda nvme0n1; do mount -t ext4 /dev/$d /tmp && ip netns add broke; done\n",
    "a disk by mknod": "mknod /tmp/d b 254 0 && head -c 1 /tmp/d " + BROKE + "mknod /tmp/e b 8 0 && head -c 1 /tmp/e " + BROKE,
    "memory by mknod": "mknod /tmp/m c 1 1 && head -c 1 /tmp/m " + BROKE,
    # sockets, keys
    "a Unix socket": CONNECTS,
    "a Unix socket below /run": "umount -l /run; umount -l /run\n" + CONNECTS,
    "an abstract socket": python("""
try:
    s = socket.socket(socket.AF_UNIX); s.connect("\\0" + {abstract!r}); broke()
except OSError: pass
"""),
    "a port of the machine": "timeout 2 bash -c 'exec 3<>/dev/tcp/127.0.0.1/{port}' " + BROKE,
    "a socket of the virtual machine's host": python("""
try: socket.socket(40, socket.SOCK_STREAM); broke()
except OSError: pass
"""),
    "the kernel's ciphers": python("""
try: socket.socket(38, socket.SOCK_SEQPACKET); broke()
except OSError: pass
"""),
    "the grader's session keys": call(250, 11, -3, 0, 0),
    "a key for others": call(248, b"user", b"left", b"x", 1, -3),
    "the list of keys": "cat /proc/keys /proc/key-users | grep -q . " + BROKE,
    # processes
    "processes of the machine": "umount /proc; umount -l /proc; [ -d /proc/{pid} ] " + BROKE,
    "/proc anew": "mount -t proc proc /tmp " + BROKE,
    "/proc of process numbers inside": "unshare -p -f mount -t proc proc /tmp " + BROKE,
    "ending the grader": "kill -9 {pid} " + BROKE + "kill -9 -1; kill -9 1\n",
    "who is the last to be ended for memory": "echo -1000 >/proc/self/oom_score_adj " + BROKE,
    "tracing process 1": call(101, 16, 1, 0, 0),
    "descriptors of process 1": call(438, 3, 0, 0),
    "memory of process 1": "head -c 1 /proc/1/mem " + BROKE + "cat /proc/1/maps | grep -q . " + BROKE,
    "namespaces of process 1": "for n in user mnt net pid; do nsenter --$n=/proc/1/ns/$n true && ip netns add broke; done\n",
    "the socket of process 1": "( exec 8<>/proc/1/fd/0 ) " + BROKE,
    "its environment": "cat /proc/*/environ | grep -aq {secret} " + BROKE,
    "to live on": "setsid bash -c 'trap \"\" INT TERM HUP; exec -a {marker} sleep 900' </dev/null >/dev/null 2>&1 &\n",
    "to live on, deeper": "setsid unshare -Urpf bash -c 'exec -a {marker} sleep 900' </dev/null >/dev/null 2>&1 &\n",
    "keys into the terminal": python("""
import fcntl
for name in ("/dev/tty", "/dev/console", "/dev/pts/0"):
    try: fcntl.ioctl(os.open(name, os.O_RDWR), 0x5412, b"x"); broke()
    except OSError: pass
"""),
    # the kernel and its settings
    "the kernel's log": call(103, 3, b" " * 64, 64),
    "devices of the kernel": "for d in kmsg mem kmem port fuse kvm loop-control; do "
    "[ -e /dev/$d ] && ip netns add broke; done\n",
    "a setting of the machine": "for s in kernel/core_pattern kernel/panic vm/drop_caches fs/file-max; do "
    "[ -w /proc/sys/$s ] && ip netns add broke; done\n",
    "settings uncovered": "umount /proc/sys; umount -l /proc/sys; mount -o remount,bind,rw /proc/sys\n"
    "v=$(cat /proc/sys/kernel/panic); echo $v >/proc/sys/kernel/panic " + BROKE,
    "/sys": "find /sys -type f -writable 2>/dev/null | grep -q . " + BROKE,
    "/sys anew": "mount -t sysfs sysfs /tmp && find /tmp -type f -writable 2>/dev/null | grep -q . " + BROKE,
    "interrupts and buses": "find /proc/irq /proc/bus /proc/fs /proc/scsi /proc/acpi -type f -writable 2>/dev/null "
    "| grep -q . " + BROKE,
    "control groups": "mkdir /tmp/g; for k in cgroup cgroup2; do mount -t $k $k /tmp/g && ip netns add broke; done\n",
    "file systems of the kernel": "mkdir /tmp/g; for k in debugfs tracefs securityfs pstore configfs; do "
    "mount -t $k $k /tmp/g && ls /tmp/g | grep -q . && ip netns add broke; done\n",
    "the clock": 'date -s "@$(date +%s)" ' + BROKE,
    "a module": "modprobe dummy " + BROKE,
    "a program for the kernel": call(321, 5, 0, 0),
    "counters of the processor": call(298, 0, 0, -1, -1, 0),
    "faults of memory": call(323, 0),
    "rings": call(425, 8, b"\0" * 120),
    "memory without a name": call(319, b"x", 0),
    "shared memory of System V": call(29, 0, 1 << 20, 0o1600),
    "a mount without a place": call(430, b"tmpfs", 0),
    "mounts as descriptors": call(428, -100, b"/", 1),
    "higher limits": "ulimit -v unlimited " + BROKE + "ulimit -u 100000 " + BROKE,
    "swap": "head -c 1M /dev/zero >/tmp/s; mkswap /tmp/s; swapon /tmp/s " + BROKE,
    "another user": "for u in 0 1 1000 1001; do setpriv --reuid $u --clear-groups "
    "sh -c '[ $(id -u) != '$(id -u)' ]' && ip netns add broke; done\nsu -c id " + BROKE,
}  # fmt: skip

FAKES: dict[str, str] = {
    "an own ping, mounted later": WIRE + PING + "(sleep 0.2; while :; do mount --bind /tmp/ping $(readlink -f "
    "/usr/bin/ping); sleep 0.05; done) >/dev/null 2>&1 &\n",
    "an own ping, in PATH": WIRE + PING + "export PATH=/tmp:$PATH; cp /tmp/ping /run/; mount --bind /tmp /usr/local/bin\n",
    "an own shell": WIRE + PING + "mount --bind /tmp/ping /usr/bin/bash\n",
    "an own library": WIRE + "mount -t tmpfs tmpfs /etc && touch /etc/ld.so.preload && touch /etc/ld.so.cache\n",
    "an own /usr": WIRE + PING + "mkdir /tmp/u /tmp/w\n"
    "mount -t overlay -o lowerdir=/usr,upperdir=/tmp/u,workdir=/tmp/w o /usr && cp /tmp/ping /usr/bin/ping\n",
    "an own interpreter of programs": WIRE + PING + "mkdir /tmp/b; mount -t binfmt_misc b /tmp/b; cp /bin/true /tmp/true\n"
    "echo ':all:M::\\x7fELF::/tmp/true:F' >/tmp/b/register\n",
    "limits of its user namespace": WIRE + "ip netns exec ns1 ip link set lo down\n"
    "for f in /proc/sys/user/*; do echo 0 >$f; done\n",
    "files for a namespace": WIRE + "mount -t tmpfs t /etc; mkdir -p /etc/netns/ns1; echo 10.0.0.1 ns2 >/etc/netns/ns1/hosts\n",
    "a name that is two lines": python("""
os.makedirs("/run/netns", exist_ok=True)
for name in ("\\n=vethlab= ns1\\n[]", "ns1", "ns2", "\\0".join(["ns3"])): open("/run/netns/" + name, "w")
"""),
    "a link to the other": "ip netns add ns1; ln -s ns1 /run/netns/ns2; ip -n ns1 link set lo up; "
    "ip -n ns1 addr add 10.0.0.1/24 dev lo\n",
    "one namespace, two names": "ip netns add ns1; touch /run/netns/ns2; mount --bind /run/netns/ns1 /run/netns/ns2\n"
    "ip -n ns1 link set lo up; ip -n ns1 addr add 10.0.0.1/24 dev lo\n",
    "master under a name": "ip netns add ns1; ip netns attach ns2 $$; ip addr add 10.0.0.2/24 dev lo\n",
    "a pipe for a name": "ip netns add ns1; mkfifo /run/netns/ns2 /run/netns/a; mkdir /run/netns/b\n",
    "another kind of namespace": "ip netns add ns1; touch /run/netns/ns2; mount --bind /proc/self/ns/uts /run/netns/ns2\n",
    "names that are covered": WIRE + "mount -t tmpfs t /run; mkdir /run/netns; touch /run/netns/ns1 /run/netns/ns2\n",
    "the other's address on lo": WIRE + "ip -n ns1 addr add 10.0.0.2/32 dev lo\n",
    "the other's address as local": WIRE + "ip -n ns1 route add local 10.0.0.2/32 dev lo\n",
    "rewritten to oneself": WIRE + "ip -n ns1 route add default dev lo\n"
    "ip netns exec ns1 iptables -t nat -A OUTPUT -d 10.0.0.2 -j DNAT --to 10.0.0.1\n",
    "rewritten by nft": WIRE + "ip -n ns1 route add default dev lo; ip netns exec ns1 nft 'add table ip t; add chain ip t o "
    "{ type nat hook output priority -100; }; add rule ip t o ip daddr 10.0.0.2 dnat to 10.0.0.1'\n",
    "a third who has the address": WIRE + "ip netns add x; ip link add a type veth peer name b\n"
    "ip link set a netns ns1; ip link set b netns x; ip -n ns1 link set a up; ip -n x link set b up; ip -n x link set lo up\n"
    "ip -n ns1 route add 10.0.0.2 dev a; ip -n x addr add 10.0.0.2/32 dev lo; ip -n x route add 10.0.0.1 dev b\n",
    "a program that answers": WIRE + "ip -n ns1 tuntap add t0 mode tun; ip -n ns1 link set t0 up\n"
    "ip -n ns1 route add 10.0.0.2 dev t0\ncat >/tmp/tun <<'END'" + TUN + "END\n"
    "setsid ip netns exec ns1 python3 /tmp/tun >/dev/null 2>&1 </dev/null &\nsleep 0.5\n",
    "other programs": WIRE + "mount --bind /dev/null /usr/bin/nft; mount --bind /bin/true /usr/bin/tcpdump\n",
}  # fmt: skip

SHARED = """
import mmap, os, signal
for k in range(4):
    if os.fork() == 0:
        m = mmap.mmap(-1, 50 << 20)
        for i in range(0, 50 << 20, 4096): m[i] = 1
        signal.pause()
signal.pause()
"""
TAKES: dict[str, tuple[str, str]] = {
    "processes": ("bomb() { bomb | bomb & }; bomb\nsleep 1000\n", "processes"),
    "time": ("sleep 1000\n", "not done after"),
    "time, deaf": ("trap '' INT TERM HUP\nwhile :; do sleep 1; done\n", "not done after"),
    "processors": ("for n in 1 2 3 4 5 6 7 8; do setsid bash -c 'while :; do :; done' & done; wait\n", "second"),
    "processes, /proc covered": (
        "mount -t tmpfs t /proc; mkdir /proc/²; for n in $(seq 300); do sleep 100 & done; wait\n", "processes",
    ),
    "memory": ("for n in 1 2 3 4; do head -c 60M /dev/zero | tail -c 55M | sleep 100 & done; sleep 100\n", "memory"),
    "shared memory": (python(SHARED), "memory"),
    "memory as files": (
        "mkdir /run/m; mount -t tmpfs t /run/m\nfor n in $(seq 100); do head -c 3M /dev/zero >/run/m/$n; done; sleep 100\n",
        "memory",
    ),
    "memory as files, /proc covered": (
        "mount -t tmpfs t /proc; mkdir /run/m; mount -t tmpfs t /run/m\n"
        "for n in $(seq 100); do head -c 3M /dev/zero >/run/m/$n; done; sleep 100\n", "memory",
    ),
}  # fmt: skip
