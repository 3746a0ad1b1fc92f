/**
 * What counting costs a request that is answered from memory, without the system calls: CPU time of this process,
 * servers in turn. `node --import tsx --conditions=@tz/source packages/server/src/observe/observer.bench.ts`
 */
import { subscribe } from "node:diagnostics_channel";
import { ResponseHead, type ResponsePlan } from "@tz/http1";
import { App } from "../app.js";
import { FakeLoop } from "../loop/fake.js";
import type { ServerOptions } from "../options.js";

const REQUEST = Buffer.from("GET /style.css HTTP/1.1\r\nHost: localhost:8080\r\nUser-Agent: wrk\r\n\r\n");
const body = Buffer.alloc(1024, "x");
const fields = ["Content-Type", "text/css", "Content-Length", String(body.byteLength)];
const plan: ResponsePlan = { head: new ResponseHead(200, fields), body: { kind: "bytes", bytes: body } };

/** @returns what reads one request and answers it */
async function server(stats: NonNullable<ServerOptions["stats"]>): Promise<() => void> {
  const loop = new FakeLoop(100);
  const app = new App({ stats }, loop);
  app.mount({ prefix: "/", plan: () => plan });
  await app.listen({ port: 1 });
  const transport = loop.connect();
  transport.flush = (batch) => batch.byteLength;
  const { handler } = transport;
  const { bytes, receiveStart } = loop.memory;
  bytes.set(REQUEST, receiveStart);
  return () => {
    loop.nowMs = performance.now();
    handler.onData(receiveStart, receiveStart + REQUEST.byteLength);
  };
}

/** @returns CPU time of one request in nanoseconds */
function measure(serve: () => void, requests: number): number {
  const before = process.cpuUsage();
  for (let i = 0; i < requests; i++) serve();
  const { user, system } = process.cpuUsage(before);
  return ((user + system) * 1000) / requests;
}

const turn = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const names = ["off", "stats: true", "stats: { paths: true }"];
const servers = [await server(false), await server(true), await server({ paths: true })];
for (const serve of servers) {
  measure(serve, 200_000);
  // The sampler of paths learns the rate once a second.
  await turn(1200);
}
const samples = servers.map((): number[] => []);
for (let round = 0; round < 60; round++) {
  servers.forEach((serve, i) => {
    samples[i]!.push(measure(serve, 20_000));
  });
  await turn(20);
}
// At the end: who subscribes is told of the requests of all servers.
names.push("off, with a subscriber to tz:server:request:end");
const watched: number[] = [];
subscribe("tz:server:request:end", () => {});
measure(servers[0]!, 200_000);
for (let round = 0; round < 60; round++) watched.push(measure(servers[0]!, 20_000));
samples.push(watched);
for (const [i, found] of samples.entries()) {
  const sorted = found.sort((a, b) => a - b);
  const median = sorted[sorted.length >> 1]!;
  console.log(`${names[i]}: ${median.toFixed(0)} ns, at best ${sorted[0]!.toFixed(0)} ns`);
}
process.exit(0);
