# ruff: noqa: E501 (a line of bash is broken where bash breaks it)
"""What has been tried against `grade`? Each attack as a name and its lines, and what must hold.

BREAKS: lines that get at something which is not theirs, and then make the namespace `broke`: no such attack may have a
point for it. Words in {} are of the machine: see `tried.Machine`. FAKES: lines that want points for `ns1 can reach ns2`
without a network in which ns1 reaches ns2. CLAIMS: the same with a claim of their own. TAKES: lines that take too much,
and the words of the sentence that ends them; GROUPED: those that only a control group ends. HARMLESS: what may be done,
and costs nothing: after it stands the good network, with its point.
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
# ns1 has a cable to a third, x, and sends there what is for ns2
THIRD = WIRE + (
    "ip netns add x; ip link add name va netns ns1 type veth peer name vb netns x\n"
    "ip -n ns1 link set va up; ip -n x link set vb up; ip -n x link set lo up\n"
    "ip -n ns1 route add 10.0.0.2 dev va src 10.0.0.1; ip -n x route add 10.0.0.1 dev vb\n"
)
# ns1 has a cable to itself, and sends there what is for ns2
LOOPED = WIRE + (
    "ip -n ns1 link add name va type veth peer name vb; ip -n ns1 link set va up; ip -n ns1 link set vb up\n"
    "ip -n ns1 route add 10.0.0.2 dev va src 10.0.0.1\n"
    "ip -n ns1 neigh add 10.0.0.2 dev va lladdr $(ip netns exec ns1 cat /sys/class/net/vb/address) nud permanent\n"
    "for n in all va vb; do ip netns exec ns1 sysctl -qw net.ipv4.conf.$n.accept_local=1 net.ipv4.conf.$n.rp_filter=0; done\n"
)
ANSWERS = "ip daddr 10.0.0.2 ip saddr set 10.0.0.2 ip daddr set 10.0.0.1 icmp type set echo-reply"
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
    # what there is a number of, or one, for the whole machine
    "terminals without number": python("""
opened = []
try:
    while len(opened) < 200: opened.append(os.open("/dev/ptmx", os.O_RDWR))
except OSError: pass
broke(len(opened) > 64)
"""),
    "watches of files without number": python("broke(sum(libc.inotify_init1(0) > 0 for _ in range(100)) > 64)"),
    "namespaces without number": "for n in $(seq 260); do touch /tmp/n$n; unshare --net=/tmp/n$n true || exit; done\n"
    "ip netns add broke\n",
    "queues of messages": python("broke(libc.mq_open(b'/queue', os.O_CREAT | os.O_RDWR, 0o600, None) >= 0)"),
    "signals without number": python("""
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGRTMIN]); value = ctypes.c_void_p(1); sent = 0
while sent < 5000 and libc.sigqueue(os.getpid(), int(signal.SIGRTMIN), value) == 0: sent += 1
broke(sent == 5000)
"""),
    "a ring for packets in the kernel": python("""
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
for ring in (5, 13):
    broke(libc.setsockopt(s.fileno(), 263, ring, struct.pack("IIII", 1 << 20, 8, 2048, 8 * 512), 16) == 0)
"""),
    "before all others": "chrt -f 1 true " + BROKE + "nice -n -20 sh -c '[ $(nice) -lt 0 ]' " + BROKE + "ionice -c 1 true " + BROKE,
    "a core for the machine's own program": python("""
import resource
for limit in ((0, 0), (1 << 20, 1 << 20)):
    try: resource.setrlimit(resource.RLIMIT_CORE, limit); broke()
    except (OSError, ValueError): pass
limits = dict(line.rstrip().rsplit(None, 3)[:2] for line in open("/proc/self/limits"))
broke(limits.get("Max core file size") != "1")
"""),
    # out by the files of namespaces
    "the namespaces around its own": python("""
import fcntl
for kind in ("user", "pid", "mnt", "net", "uts", "ipc"):
    for question in (0xb701, 0xb702):
        try: around = fcntl.ioctl(os.open(f"/proc/1/ns/{kind}" if kind in ("net", "uts", "ipc") else
            f"/proc/self/ns/{kind}", os.O_RDONLY), question)
        except OSError: continue
        broke(os.fstat(around).st_ino != os.stat("/proc/self/ns/user").st_ino)
"""),
    "the next mount namespace": python("""
import fcntl
for step in (11, 12):
    number = 2 << 30 | 16 << 16 | 0xb7 << 8 | step
    try: fcntl.ioctl(os.open("/proc/self/ns/mnt", os.O_RDONLY), number, bytearray(16)); broke()
    except OSError: pass
"""),
    "mounts of all namespaces": python("""
for other in range(1, 50):
    request = struct.pack("IIQQQ", 32, 0, 2**64 - 1, 0, other); found = ctypes.create_string_buffer(800)
    broke(libc.syscall(ctypes.c_long(458), request, found, ctypes.c_long(100), 0) > 0 and
        b"/boot" in open("/proc/self/mountinfo", "rb").read())
"""),
    "the namespaces of the outer /proc": "for n in $(ls /proc | grep -x '[0-9]*'); do nsenter -t $n -m -n -p true 2>/dev/null && "
    "[ $n = 1 ] && ip netns add broke; done\n",
    "/proc of the holder by its thread": "ls /proc/1/task/1/cwd/ /proc/1/task/1/root/ /proc/1/map_files /proc/1/fdinfo 2>/dev/null "
    "| grep -qE '[0-9a-z]{{3}}' " + BROKE,
    # sockets
    "who is at which socket of the machine": "cat /proc/net/unix | grep -q {abstract} " + BROKE
    + "ss -xa | grep -q vethlab- " + BROKE + "cat /proc/net/tcp | grep -qi :$(printf %04X {port}) " + BROKE,
    "what the machine starts": python("""
s = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, 11) if socket else None
""").replace("s = ", "try:\n    s = ").replace(" if socket else None", "; s.bind((0, 1)); s.settimeout(1); "
    "s.send(struct.pack('IHHIIIIIIHHI', 40, 3, 0, 0, os.getpid(), 1, 1, 0, 0, 4, 0, 1)); s.recv(999); broke()\nexcept OSError: pass"),
    "the machine's audit": python("""
try: s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 9); s.bind((0, 1)); broke()
except OSError: pass
"""),
    "a device back to the machine": "ip link add name out type veth peer name in; for n in 1 {pid}; do "
    "ip link set out netns $n && [ ! -e /sys/class/net/out ] " + BROKE + "done\n",
    "a descriptor by a socket": python("""
import array
a, b = socket.socketpair(socket.AF_UNIX)
for number in range(3, 1024):
    try: target = os.readlink(f"/proc/self/fd/{number}")
    except OSError: continue
    broke(target.startswith(("/", "net:", "mnt:", "user:")) and not target.startswith(("/proc", "/dev/fd", "/memfd:")))
"""),
    # files
    "a program of root's as it is": "find / -xdev -perm -4000 -type f 2>/dev/null | while read -r f; do "
    "[ $(stat -c %u $f) = $(id -u) ] || timeout 1 $f -c 'id -u' 2>/dev/null </dev/null | grep -qx 0 " + BROKE + "done\n",
    "an own program with others' rights": "cp /bin/sh /tmp/s && chmod 6755 /tmp/s && setcap cap_sys_admin+ep /tmp/s\n"
    "/tmp/s -p -c 'cat {file}' 2>/dev/null | grep -q {secret} " + BROKE,
    "an overlay over the machine's settings": "mkdir /tmp/u /tmp/w; mount -t overlay -o "
    "lowerdir=/etc:/usr,upperdir=/tmp/u,workdir=/tmp/w,userxattr o /etc && [ -e /etc/shadow ] " + BROKE,
    # what a reader of the code would try
    "below its own names of tables": "umount -l /etc/iproute2 && touch /etc/iproute2/x " + BROKE
    + "mkdir /tmp/e; mount --rbind /etc /tmp/e; umount -l /tmp/e/iproute2 && touch /tmp/e/iproute2/x " + BROKE,
    "settings beside those of its own": "touch /etc/x " + BROKE + "mkdir /etc/netns " + BROKE + "echo x >>/etc/hosts " + BROKE
    + "mv /etc/iproute2 /etc/x " + BROKE,
    "a call that is newer than the filter": python("""
import errno
for number in range(468, 600):
    broke(libc.syscall(ctypes.c_long(number), 0, 0, 0, 0, 0) >= 0 or ctypes.get_errno() != errno.ENOSYS)
"""),
    "sockets of every family": python("""
for family in set(range(50)) - {1, 2, 10, 16, 17}:
    for kind in (1, 2, 3, 5):
        try: socket.socket(family, kind); broke()
        except OSError: pass
"""),
    "whom to wait for, and the room of all": "for s in net/core/netdev_max_backlog net/ipv4/neigh/default/gc_thresh3 "
    "net/netfilter/nf_conntrack_max net/ipv4/tcp_mem; do v=$(cat /proc/sys/$s 2>/dev/null) && "
    "echo $v >/proc/sys/$s " + BROKE + "done\n",
    "a link where the folder of names is": "rm -rf /run/netns; ln -s {folder} /run/netns; ip netns add broke\n"
    "ls /run/netns/ | grep -q '[0-9]*.sh' " + BROKE,
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
    "other names for tables and scopes": THIRD + "ip -n x addr add 10.0.0.2/32 dev lo\n"
    "for f in rt_tables rt_scopes rt_protos; do for n in $(seq 0 255); do echo \"$n local\"; done >/etc/iproute2/$f; done\n",
    "a namespace that is called as the lab": "ip netns add ns1; ip netns add ns2; ip netns add master; "
    "ip -n ns1 link add va type veth peer name vb netns master; ip -n ns1 link set va up; ip -n master link set vb up\n"
    "ip -n ns1 addr add 10.0.0.1/24 dev va; ip -n master addr add 10.0.0.2/24 dev vb\n"
    "ip -n ns2 addr add 10.0.0.2/24 dev lo\n",
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
    "a third who has the address": THIRD + "ip -n x addr add 10.0.0.2/32 dev lo\n",
    "a program that answers": WIRE + "ip -n ns1 tuntap add t0 mode tun; ip -n ns1 link set t0 up\n"
    "ip -n ns1 route add 10.0.0.2 dev t0\ncat >/tmp/tun <<'END'" + TUN + "END\n"
    "setsid ip netns exec ns1 python3 /tmp/tun >/dev/null 2>&1 </dev/null &\nsleep 0.5\n",
    "other programs": WIRE + "mount --bind /dev/null /usr/bin/nft; mount --bind /bin/true /usr/bin/tcpdump\n",
    "an answer made of the question, at a device": LOOPED + "ip netns exec ns1 nft 'add table netdev t; add chain netdev t c "
    "{ type filter hook ingress device vb priority 0; }; add rule netdev t c " + ANSWERS + "'\n",
    "an answer made of the question, on its way in": LOOPED + "ip netns exec ns1 nft 'add table ip t; add chain ip t c "
    "{ type filter hook prerouting priority -300; }; add rule ip t c iif vb " + ANSWERS + " notrack'\n",
    "an answer made of the question by tc": LOOPED + "ip netns exec ns1 tc qdisc add dev vb ingress\n"
    "ip netns exec ns1 tc filter add dev vb ingress protocol ip prio 1 u32 match ip dst 10.0.0.2 action pedit "
    "munge ip src set 10.0.0.2 munge ip dst set 10.0.0.1 munge offset 20 u8 set 0 pipe action csum ip and icmp\n",
    "who answers broadcasts": THIRD + "ip netns exec x sysctl -qw net.ipv4.icmp_echo_ignore_broadcasts=0\n"
    "ip -n x addr add 10.0.0.9/32 dev vb; ip -n x route add broadcast 10.0.0.2 dev vb table local\n"
    "ip -n ns1 neigh add 10.0.0.2 dev va lladdr $(ip netns exec x cat /sys/class/net/vb/address)\n",
    "who answers once": THIRD + "ip -n x addr add 10.0.0.2/32 dev lo; ip netns exec x nft 'add table ip t; add chain ip t c "
    "{ type filter hook input priority 0; }; add rule ip t c icmp type echo-request limit rate 1/minute burst 1 packets "
    "accept; add rule ip t c icmp type echo-request drop'\n",
    "too many devices to listen at": THIRD + "ip -n x addr add 10.0.0.2/32 dev lo\n"
    "for n in $(seq 300); do echo link add d$n type ifb; echo link set d$n up; done | ip -n ns1 -b -\n",
    "names that no tool reads": THIRD + "ip -n x addr add 10.0.0.2/32 dev lo\n"
    "for n in $'\\e[31m' $'\\n[]' '{\"a\":1}' '=vethlab=' $'\\377' -1; do ip -n ns1 link add name \"$n\" type ifb; "
    "ip -n ns1 link set dev \"$n\" up; ip -n ns1 link set dev \"$n\" alias $'x\\n=vethlab= 5\\n[]'; done\n",
    "a circle, in which nothing is followed": THIRD + "ip -n x addr add 10.0.0.2/32 dev lo\n"
    "for b in b1 b2; do ip -n x link add name $b type bridge; ip -n x link set $b up; done\n"
    "for n in 1 2; do ip -n x link add name p$n type veth peer name q$n; ip -n x link set p$n up master b1; "
    "ip -n x link set q$n up master b2; done\n",
    "a third with a rule and a table": THIRD + "ip -n x route add local 10.0.0.2 dev lo table 77\n"
    "ip -n x rule add to 10.0.0.2 table 77 prio 1; ip -n x addr add 10.0.0.3/32 dev lo\n",
    "a third without a name": THIRD + "ip -n x addr add 10.0.0.2/32 dev lo; for k in $(seq 100); do "
    "echo link add name a$k type veth peer name b$k; done >/tmp/b\n"
    "for n in $(seq 10); do unshare -n sh -c 'ip -b /tmp/b; exec sleep 100' & done\n"
    "touch /tmp/k; mount --bind /run/netns/x /tmp/k; sleep 1; ip netns del x\n",
    "an address that everybody has": "ip netns add ns1; ip netns add ns2; ip -n ns1 link set lo up; ip -n ns2 link set lo up\n"
    "ip -n ns2 addr add 127.0.0.7/32 dev lo scope global\n",
    "an address of many": WIRE + "ip -n ns2 addr flush dev lo; ip -n ns2 addr add 224.0.0.1/32 dev lo\n"
    "ip netns exec ns1 sysctl -qw net.ipv4.icmp_echo_ignore_broadcasts=0; ip -n ns1 route add 224.0.0.0/4 dev lo\n",
    "a filter that dumps for ever": THIRD + "ip -n x addr add 10.0.0.2/32 dev lo\n{ echo 'add table ip t'; "
    "echo 'add set ip t s { type ipv4_addr; flags interval; }'; for a in $(seq 0 99); do for b in $(seq 0 2 254); do "
    "echo \"add element ip t s { 11.0.$a.$b }\"; done; done; } | ip netns exec ns1 nft -f -\n",
}  # fmt: skip

CLAIMS: dict[str, tuple[str, str]] = {
    "a bridge of that name elsewhere": (
        "ip link add name br0 type ifb; ip netns add ns1; ip netns add x\n"
        "ip link add name va netns ns1 type veth peer name vb netns x\n"
        "ip -n x link add name br0 type bridge; ip -n x link set vb up master br0; ip -n ns1 link set va up\n",
        "ns1 is plugged into br0",
    ),
    "cables of the right names and numbers, to others": (
        "ip netns add red; ip netns add x\n"
        "ip link add name tap1 index 60 type veth peer name p index 61; ip link set p netns x\n"
        "ip -n red link add name tap2 index 61 type veth peer name q index 60; ip -n red link set q netns x\n",
        "red tap2 is the peer of master tap1",
    ),
    "the other end in a namespace that is called as the lab": (
        "ip netns add red; ip netns add master; ip link add name tap1 netns master type veth peer name tap2 netns red\n",
        "red tap2 is the peer of master tap1",
    ),
    "a table that is called as another": (
        "ip netns add ns1; ip -n ns1 link add name va type ifb; ip -n ns1 link set va up; ip -n ns1 addr add 10.0.0.1/24 dev va\n"
        "echo 201 main >/etc/iproute2/rt_tables; ip -n ns1 route add 10.9.0.0/24 via 10.0.0.2 table 201\n",
        "ns1 routes 10.9.0.0/24 via 10.0.0.2",
    ),
    "a child in place of a cable": (
        "ip netns add red; ip link add name tap1 type veth peer name other\n"
        "ip link add name tap2 link tap1 netns red type macvlan\n",
        "red tap2 is the peer of master tap1",
    ),
    "who reaches, and is not to be followed": (
        WIRE + "ip link add name va netns ns1 type veth peer name vb netns ns2\n"
        "ip -n ns1 link set va up; ip -n ns2 link set vb up\n"
        "ip -n ns1 route add 10.0.0.2 dev va src 10.0.0.1; ip -n ns2 route add 10.0.0.1 dev vb\n"
        "for n in $(seq 300); do echo link add d$n type ifb; echo link set d$n up; done | ip -n ns1 -b -\n",
        "ns1 cannot reach ns2",
    ),
    "rules that are kept by a program": (
        "ip netns add ns1; (echo 'add table ip t { flags owner; }'; echo 'add chain ip t c { type nat hook output "
        "priority 0; }'; echo 'add rule ip t c ip daddr 10.0.0.2 dnat to 10.0.0.1'; sleep 100) | "
        "ip netns exec ns1 nft -i >/dev/null 2>&1 &\n"
        "ip netns exec ns1 nft 'add table ip u; add chain ip u c { type filter hook output priority 0; }; "
        "add rule ip u c @nh,96,64 set 0x0a0000010a000001'; sleep 0.5\n",
        "ns1 rewrites no addresses",
    ),
    "a port that a filter answers for": (
        WIRE + "ip link add name va netns ns1 type veth peer name vb netns ns2\n"
        "ip -n ns1 link set va up; ip -n ns2 link set vb up\n"
        "ip -n ns1 route add 10.0.0.2 dev va src 10.0.0.1; ip -n ns2 route add 10.0.0.1 dev vb\n"
        "setsid ip netns exec ns2 python3 -m http.server 80 >/dev/null 2>&1 </dev/null &\nsleep 1\n",
        "TCP port 80 of ns2 answers ns1",
    ),
}

# More than there may be on the machine, and each too young to be forgotten
NEIGHBOURS = (
    "ip link add name d0 type ifb; ip addr add 10.0.0.1/8 dev d0; ip link set d0 up\n"
    "for a in $(seq 0 15); do for b in $(seq 1 250); do "
    "echo neigh replace 10.1.$a.$b lladdr 02:00:00:00:00:01 dev d0 nud reachable; done; done >/tmp/b\n"
    "while :; do ip -b /tmp/b -force; done\n"
)
# A frame becomes ever more of them
STORM = (
    "for b in b1 b2; do ip link add $b type bridge; ip link set $b up; done\n"
    "for n in 1 2 3 4; do ip link add p$n type veth peer name q$n; ip link set p$n up master b1; "
    "ip link set q$n up master b2; done\nping -c 1 -W 1 -b -I b1 255.255.255.255\n"
)
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
    "memory as files without a size": (
        "mkdir /run/m; mount -t ramfs r /run/m\nfor n in $(seq 100); do head -c 3M /dev/zero >/run/m/$n; done; sleep 100\n",
        "no size",
    ),
    "memory as files below others": (
        "mkdir /run/m; mount -t tmpfs t /run/m; cd /run/m; mount -t tmpfs t /run/m\n"
        "for n in $(seq 100); do head -c 3M /dev/zero >$n; done; sleep 100\n", "memory",
    ),
    "memory as files that nobody looks at": (
        "mkdir /run/m; mount -t tmpfs t /run/m; mount -t tmpfs u /run/m; sleep 100\n", "memory",
    ),
    "memory as files mounted nowhere": (
        python("""
os.mkdir("/run/m"); libc.mount(b"t", b"/run/m", b"tmpfs", ctypes.c_ulong(0), None); os.chdir("/run/m")
broke(libc.umount2(b"/run/m", 2))
for n in range(100): open(str(n), "wb").write(bytes(3 << 20))
os.system("sleep 100")
"""), "memory",
    ),
    "shared memory that is let go of": (
        python("""
import mmap, signal
for k in range(40):
    if os.fork() == 0:
        m = mmap.mmap(-1, 8 << 20); m.write(bytes(8 << 20)); m.madvise(mmap.MADV_DONTNEED); signal.pause()
    os.system("sleep 0.05")
os.system("sleep 100")
"""), "memory",
    ),
    "neighbours, of which the machine has one table": (NEIGHBOURS, "neighbours"),
    "pieces of memory, so that looking takes long": (
        python("""
import mmap, signal
size = 16000 * 4096; m = mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
at = ctypes.addressof(ctypes.c_char.from_buffer(m))
for page in range(0, size, 8192): libc.mprotect(ctypes.c_void_p(at + page), ctypes.c_size_t(4096), 1)
for n in range(50):
    if os.fork() == 0: signal.pause()
signal.pause()
"""), "memory",
    ),
    "mounts, so that looking takes long": (
        "mkdir /tmp/m; mount -t tmpfs t /tmp/m; for n in $(seq 15); do mkdir /tmp/m/$n; "
        "mount --rbind /tmp/m /tmp/m/$n; done; for n in $(seq 40); do sleep 100 & done; sleep 100\n", "than can be looked at",
    ),
    "time, stopped": ("kill -STOP $$\n", "not done after"),
    "processors, by children that nobody counts": (
        python("""
import signal, time
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
while True:
    if sum(name.isdigit() for name in os.listdir("/proc")) < 10:
        if os.fork() == 0:
            begin = time.process_time()
            while time.process_time() < begin + 0.3: pass
            os._exit(0)
    os.system("sleep 0.02")
"""), "second",
    ),
}  # fmt: skip

GROUPED: dict[str, tuple[str, str]] = {
    "the kernel's memory, as sockets": (
        python("""
import signal
for j in range(30):
    if os.fork() == 0:
        kept = []
        try:
            while True:
                pair = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM); kept.append(pair); pair[0].setblocking(False)
                try:
                    while True: pair[0].send(bytes(100000))
                except BlockingIOError: pass
        except OSError: signal.pause()
os.system("sleep 100")
"""), "memory",
    ),
    "the kernel's memory, as devices": (
        "for n in $(seq 20000); do echo link add d$n type ifb; done >/tmp/b; ip -b /tmp/b; sleep 100\n", "memory",
    ),
}  # fmt: skip

HARMLESS: dict[str, str] = {
    "a table with a name": "echo 201 T1 >>/etc/iproute2/rt_tables; ip rule add from 10.9.0.9 table T1 || exit\n",
    "names of tables without number": "yes '1 x' | head -c 10M >>/etc/iproute2/rt_tables; cd /etc/iproute2; touch $(seq 500); cd /\n",
    "much output": "yes | head -c 30M; yes | head -c 10M >&2\n",
    "output that a terminal would obey": "printf '\\e]0;title\\a\\e[2J\\x9b31m' | tee /dev/stderr /dev/tty\n",
    "a disk that is full": "head -c 100M /dev/zero >/tmp/full; head -c 100M /dev/zero >/run/full; rm /run/full\n",
    "files without number": "for n in $(seq 11000); do : >/tmp/$n || break; done\n",
    "a file of a million megabytes": "truncate -s 1T /tmp/hole; rm -f /tmp/hole\n",
    "open files without number": "python3 -c 'import os\nwhile True: os.dup(0)'\n",
    "a name of every kind": "ip netns add $'\\e[31m'; mkfifo /run/netns/fifo; mkdir /run/netns/folder; ln -s / /run/netns/link\n"
    "touch /run/netns/file $'/run/netns/\\n[]'; ip link add name $'x\\e[2J' type ifb\n",
    "nothing is there any more": "rm -rf /run/* /tmp/* 2>/dev/null; umount -l /run /tmp /sys /dev/shm 2>/dev/null; true\n",
}
