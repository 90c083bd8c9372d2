"""Print how long Mininet takes to build and stop a switch with so many hosts. Needs Mininet, and nothing of ours."""

import sys
import time

from mininet.net import Mininet
from mininet.nodelib import LinuxBridge
from mininet.topo import SingleSwitchTopo

start = time.perf_counter()
net = Mininet(topo=SingleSwitchTopo(int(sys.argv[1])), switch=LinuxBridge, controller=None)
net.start()
net.stop()
print(time.perf_counter() - start)
