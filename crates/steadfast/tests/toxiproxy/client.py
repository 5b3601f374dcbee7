"""What toxiproxy-python's users call, against the API and the server given as arguments."""
import socket
import sys
import time

from toxiproxy import Toxiproxy
from toxiproxy.exceptions import InvalidToxic, NotFound, ProxyExists

api, upstream = sys.argv[1], sys.argv[2]
host, port = api.split(":")
server = Toxiproxy()
server.update_api_consumer(host, int(port))


def raises(kind, call, *arguments, **named):
    try:
        call(*arguments, **named)
    except kind:
        return
    raise AssertionError("%s was not raised" % kind.__name__)


def connect(proxy):
    where = proxy.listen.split(":")
    return socket.create_connection((where[0], int(where[1])), 10)


def ping(proxy):
    begun = time.monotonic()
    with connect(proxy) as client:
        client.sendall(b"hello")
        assert client.recv(5) == b"hello"
    return time.monotonic() - begun


assert server.running()
assert b'"version"' in server.version()
proxy = server.create(name="redis", upstream=upstream)
assert (proxy.name, proxy.upstream, proxy.enabled) == ("redis", upstream, True)
assert proxy.listen.startswith("127.0.0.1:")
raises(ProxyExists, server.create, name="redis", upstream=upstream)
assert list(server.proxies()) == ["redis"]
assert server.get_proxy("redis").listen == proxy.listen
assert server.get_proxy("none") is None
assert ping(proxy) < 0.15

proxy.add_toxic(type="latency", attributes={"latency": 200})
toxics = proxy.toxics()
assert list(toxics) == ["latency_downstream"]
assert toxics["latency_downstream"].attributes == {"latency": 200, "jitter": 0}
assert toxics["latency_downstream"].toxicity == 1.0
assert 0.195 < ping(proxy) < 0.8
raises(ProxyExists, proxy.add_toxic, type="latency", attributes={})
raises(InvalidToxic, proxy.add_toxic, type="nonsense")
raises(InvalidToxic, proxy.add_toxic, type="bandwidth", attributes={"rate": -1})
raises(NotFound, proxy.destroy_toxic, "none")
proxy.add_toxic(type="timeout", name="gone", stream="upstream", toxicity=0.0, attributes={"timeout": 50})
assert proxy.get_toxic("gone").stream == "upstream"
assert proxy.get_toxic("none") is None
assert proxy.destroy_toxic("latency_downstream")
assert ping(proxy) < 0.15

with proxy.down():
    assert not server.get_proxy("redis").enabled
    raises(ConnectionRefusedError, connect, proxy)
assert ping(proxy) < 0.15
proxy.disable()
assert server.reset()
assert proxy.toxics() == {}
assert ping(proxy) < 0.15

populated = server.populate([
    {"name": "redis", "upstream": upstream, "listen": proxy.listen},
    {"name": "other", "upstream": upstream, "listen": "127.0.0.1:0"},
])
assert [one.name for one in populated] == ["other"]
assert ping(populated[0]) < 0.15
server.destroy_all()
assert server.proxies() == {}
raises(NotFound, proxy.destroy)
print("all calls as expected")
