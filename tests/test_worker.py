"""Python itself in a namespace: `lab.inside`."""

import http.server
import os
import socket
import subprocess
import threading
import urllib.request

import pytest
from conftest import until

from vethlab_sh import Lab
from vethlab_sh.errors import BadInput, BadOption, GaveUpWaiting, LabClosed

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def pods():
    with Lab() as lab:
        lab.play("bridge")
        yield lab


def devices():
    return sorted(name for _, name in socket.if_nameindex())


def serve(port):
    class Hello(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(f"hello {self.client_address[0]}".encode())

    http.server.HTTPServer(("", port), Hello).serve_forever()


def fetch(url):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    return opener.open(url, timeout=5).read().decode()


def test_function_sees_the_namespace(pods):
    assert pods.inside("ns100", devices) == ["lo", "veth100"]
    assert "br0" in pods.inside("master", devices)
    assert pods.inside("ns100", lambda: sorted(os.listdir("/sys/class/net"))) == ["lo", "veth100"]
    told = pods.inside("ns100", subprocess.check_output, ["ip", "netns", "identify"], text=True)
    assert told.strip() == "ns100"


def test_server_and_client_in_two_namespaces(pods):
    with pods.inside("ns101") as server, pods.inside("ns100") as client:
        running = server.start(serve, 8080)

        def answers():
            assert running.alive
            try:
                return client.call(fetch, "http://192.168.1.101:8080/") == "hello 192.168.1.100"
            except OSError:
                return False

        until(answers, "the server answers")
    with pytest.raises(OSError, match="refused"):
        pods.inside("ns100", fetch, "http://192.168.1.101:8080/")


def test_what_it_raises_is_raised_here_with_where_it_was(pods):
    with pytest.raises(ZeroDivisionError) as raised:
        pods.inside("ns100", lambda: 1 / 0)
    assert "Raised inside the namespace" in raised.value.__notes__[0]


def test_result_that_cannot_come_back_is_told_in_a_sentence(pods):
    with pytest.raises(BadInput, match="cannot be handed over"):
        pods.inside("ns100", socket.socket)


def test_namespace_that_is_not_there_is_told(pods):
    with pytest.raises(BadOption, match="no namespace 'nosuch'"):
        pods.inside("nosuch", devices)


def test_large_results_and_arguments_by_name(pods):
    assert len(pods.inside("ns100", bytes, 3_000_000)) == 3_000_000
    assert pods.inside("ns100", sorted, [1, 2], reverse=True) == [2, 1]


def test_this_python_stays_where_it_is_also_with_threads(pods):
    here = devices()
    seen = []
    threads = [threading.Thread(target=lambda: seen.append(pods.inside("ns100", devices))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [["lo", "veth100"]] * 4
    assert devices() == here


def test_result_is_waited_for_no_longer_than_asked(pods):
    with pods.inside("ns100") as worker:
        running = worker.start(threading.Event().wait)
        with pytest.raises(GaveUpWaiting):
            running.result(timeout=0.1)
        running.stop()
        with pytest.raises(LabClosed):
            running.result()


def test_what_was_started_ends_with_the_lab():
    with Lab() as lab:
        running = lab.inside("master").start(threading.Event().wait)
    with pytest.raises(LabClosed):
        running.result(timeout=60)
