/**
 * Many connections that are mostly idle, each of them checked before and after.
 *
 * ```sh
 * node --import tsx --conditions=@tz/source bench/crowd.ts sockets 20000 epoll
 * node --import tsx --conditions=@tz/source bench/crowd.ts keep-alive 10000 epoll
 * ```
 *
 * `sockets`: WebSockets over two server processes on one port (a process may have 20,000 descriptors here); all get what
 * is published, then each echoes. `keep-alive`: one server process, 100 of the connections ask request after request;
 * what a request costs is compared with the same load on those 100 connections alone.
 */
import { strict as assert } from "node:assert";
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";

const [kind = "sockets", size = "20000", loop = "epoll"] = process.argv.slice(2);
const connections = Number(size);
const PER_CLIENT = 10_000;
const ACTIVE = Math.min(100, connections >> 1);
const LOAD_REQUESTS = Math.max(20, Math.min(500, connections >> 2));
const TEXT = "to everybody";

interface Report {
  readonly connections: number;
  readonly rssBytes: number;
  readonly heapBytes: number;
  readonly cpuUs: number;
}

const children: ChildProcess[] = [];

function start(file: string, args: readonly string[]): ChildProcess {
  const execArgv = ["--expose-gc", "--import", "tsx", "--conditions=@tz/source"];
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), args, { execArgv });
  children.push(child);
  return child;
}

function next<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    child.once("message", (message: T & { failed?: string }) =>
      message.failed === undefined ? resolve(message) : reject(new Error(message.failed)),
    );
    child.once("exit", (code) => reject(new Error(`a process ended with ${code}`)));
  });
}

function ask<T>(child: ChildProcess, message: object): Promise<T> {
  const answer = next<T>(child);
  child.send(message);
  return answer;
}

/** Servers on one port; on the node loop there is one, which has no SO_REUSEPORT. */
async function startServers(count: number): Promise<{ servers: ChildProcess[]; port: number }> {
  const first = start("crowd-server.ts", [loop, "0"]);
  const { port } = await next<{ port: number }>(first);
  const servers = [first];
  while (servers.length < count) {
    const server = start("crowd-server.ts", [loop, String(port)]);
    await next(server);
    servers.push(server);
  }
  return { servers, port };
}

async function openClients(port: number, count: number): Promise<ChildProcess[]> {
  const clients: ChildProcess[] = [];
  for (let left = count; left > 0; left -= PER_CLIENT) {
    clients.push(start("crowd-client.ts", [kind, String(port), String(Math.min(left, PER_CLIENT))]));
  }
  await Promise.all(clients.map((client) => ask(client, { do: "open" })));
  return clients;
}

async function reportOf(servers: readonly ChildProcess[]): Promise<Report> {
  const reports = await Promise.all(servers.map((server) => ask<Report>(server, { ask: "report" })));
  const sum = (name: keyof Report): number => reports.reduce((total, report) => total + report[name], 0);
  return {
    connections: sum("connections"),
    rssBytes: sum("rssBytes"),
    heapBytes: sum("heapBytes"),
    cpuUs: sum("cpuUs"),
  };
}

const each = (bytes: number): string => `${Math.round(bytes / connections)} B`;

function printMemory(before: Report, after: Report): void {
  assert.equal(after.connections, connections);
  console.log(
    `${connections} connections held, memory of each: ${each(after.rssBytes - before.rssBytes)} resident, ` +
      `${each(after.heapBytes - before.heapBytes)} of it JavaScript heap`,
  );
}

async function sockets(): Promise<void> {
  const { servers, port } = await startServers(loop === "epoll" ? 2 : 1);
  const before = await reportOf(servers);
  const clients = await openClients(port, connections);
  printMemory(before, await reportOf(servers));
  const idleMs = 5000;
  const from = await reportOf(servers);
  await new Promise((resolve) => setTimeout(resolve, Math.min(idleMs, connections)));
  const idle = (await reportOf(servers)).cpuUs - from.cpuUs;
  console.log(`idle for ${Math.min(idleMs, connections)} ms: ${Math.round(idle / 1000)} ms of CPU`);
  const received = clients.map(async (client) => {
    await ask(client, { do: "expect", text: TEXT });
    return next(client);
  });
  await Promise.all(clients.map((client) => new Promise((resolve) => client.once("message", resolve))));
  const counts = await Promise.all(
    servers.map((server) => ask<{ count: number }>(server, { ask: "publish", text: TEXT })),
  );
  assert.equal(
    counts.reduce((sum, { count }) => sum + count, 0),
    connections,
  );
  await Promise.all(received);
  console.log(`published to ${counts.map(({ count }) => count).join(" + ")} sockets, all got it`);
  await Promise.all(clients.map((client) => ask(client, { do: "exchange", text: "still here" })));
  console.log("each echoed");
}

async function keepAlive(): Promise<void> {
  const { servers, port } = await startServers(1);
  const load = async (client: ChildProcess): Promise<number> => {
    const { cpuUs } = await reportOf(servers);
    await ask(client, { do: "load", active: ACTIVE, requests: LOAD_REQUESTS });
    return ((await reportOf(servers)).cpuUs - cpuUs) / (ACTIVE * LOAD_REQUESTS);
  };
  const [few] = await openClients(port, ACTIVE);
  await load(few!);
  const alone = await load(few!);
  few!.kill();
  await new Promise((resolve) => few!.once("exit", resolve));
  while ((await reportOf(servers)).connections > 0) await new Promise((resolve) => setTimeout(resolve, 10));
  const before = await reportOf(servers);
  const [client] = await openClients(port, connections);
  printMemory(before, await reportOf(servers));
  const crowded = await load(client!);
  console.log(
    `${ACTIVE} active, ${ACTIVE * LOAD_REQUESTS} requests: ${crowded.toFixed(1)} µs of CPU each, ` +
      `${alone.toFixed(1)} µs without the idle ones, ratio ${(crowded / alone).toFixed(2)}`,
  );
  await ask(client!, { do: "exchange", text: "" });
  console.log("each answered");
}

try {
  await (kind === "sockets" ? sockets() : keepAlive());
} finally {
  for (const child of children) child.kill("SIGKILL");
}
