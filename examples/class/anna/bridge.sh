ip link add br0 type bridge
ip link set br0 up
for n in 1 2; do
    ip netns add ns$n
    ip link add veth$n type veth peer name br-veth$n
    ip link set veth$n netns ns$n
    ip link set br-veth$n master br0
    ip link set br-veth$n up
    ip netns exec ns$n ip addr add 10.0.0.$n/24 dev veth$n
    ip netns exec ns$n ip link set veth$n up
done
ip netns exec ns1 ping -c 1 -W 1 10.0.0.2
