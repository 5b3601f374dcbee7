// What users of toxiproxy-node-client call, against the API and the server given as arguments.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import net from "node:net";
import { performance } from "node:perf_hooks";

const [modules, api, upstream] = process.argv.slice(2);
const { Toxiproxy } = createRequire(modules)("toxiproxy-node-client");
const server = new Toxiproxy(`http://${api}`);

function ping(proxy) {
  const begun = performance.now();
  const [host, port] = proxy.listen.split(":");
  return new Promise((resolve, reject) => {
    const client = net.connect(Number(port), host, () => client.write("hello"));
    client.once("data", () => {
      client.destroy();
      resolve(performance.now() - begun);
    });
    client.once("error", reject);
    client.once("close", () => reject(new Error("closed")));
  });
}

const fails = (promise, status) => assert.rejects(promise, new RegExp(`status code ${status}`));

assert.match(await server.getVersion(), /"version"/);
const proxy = await server.createProxy({ name: "redis", listen: "127.0.0.1:0", upstream });
assert.deepEqual(proxy.toJson(), { name: "redis", listen: proxy.listen, upstream, enabled: true });
await fails(server.createProxy({ name: "redis", listen: "127.0.0.1:0", upstream }), 409);
await fails(server.createProxy({ name: "x", listen: "127.0.0.1:0" }), 400);
assert.deepEqual(Object.keys(await server.getAll()), ["redis"]);
assert.equal((await server.get("redis")).listen, proxy.listen);
await fails(server.get("none"), 404);
assert.ok((await ping(proxy)) < 150);

const body = { name: "slow", type: "latency", stream: "downstream", toxicity: 1, attributes: { latency: 200, jitter: 0 } };
const toxic = await proxy.addToxic(body);
assert.deepEqual(toxic.toJson(), body);
assert.ok((await ping(proxy)) > 195);
await fails(proxy.addToxic(body), 409);
await fails(proxy.addToxic({ ...body, name: "x", type: "nonsense" }), 400);
const changed = await toxic.update({ ...body, attributes: { latency: 0, jitter: 0 } });
assert.equal(changed.attributes.latency, 0);
assert.ok((await ping(proxy)) < 150);
assert.equal((await proxy.getToxic("slow")).attributes.latency, 0);
await changed.remove();
await fails(proxy.getToxic("slow"), 404);
for (const [type, attributes] of Object.entries({
  bandwidth: { rate: 10 },
  slow_close: { delay: 10 },
  timeout: { timeout: 10 },
  slicer: { average_size: 10, size_variation: 1, delay: 10 },
  limit_data: { bytes: 10 },
  reset_peer: { timeout: 10 },
})) {
  const made = await proxy.addToxic({ name: "", type, stream: "upstream", toxicity: 0.5, attributes });
  assert.deepEqual(made.toJson(), { name: `${type}_upstream`, type, stream: "upstream", toxicity: 0.5, attributes });
}

const off = await proxy.update({ enabled: false, listen: proxy.listen, upstream });
assert.equal(off.enabled, false);
await assert.rejects(ping(proxy), /ECONNREFUSED/);
await server.reset();
assert.equal((await server.get("redis")).enabled, true);
assert.ok((await ping(proxy)) < 150);
const populated = await server.populate([
  { name: "redis", listen: proxy.listen, upstream },
  { name: "other", listen: "127.0.0.1:0", upstream },
]);
assert.deepEqual(Object.keys(populated), ["redis", "other"]);
assert.ok((await ping(populated.other)) < 150);
await proxy.remove();
await fails(proxy.remove(), 404);
console.log("all calls as expected");
