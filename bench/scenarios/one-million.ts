import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { compareServers } from "../harness/compare-servers.js";
import type { Scenario } from "../harness/scenario.js";
import type { LoadResult } from "../harness/wrk.js";
import { script } from "../load/script.js";
import { wrongJson } from "../site/users.js";

const event = JSON.stringify({ userId: "user-1", value: 12.5 });
const client = new URL("../../apps/one-million/dist/cli.js", import.meta.url).pathname;
const lua = new URL("../../apps/one-million/load/events.lua", import.meta.url).pathname;
const USERS = 75_000;
const EVENTS = 1_000_000;
const EVENTS_TINY = 2000;
const CLIENT_CONNECTIONS = 1000;

interface Stats {
  readonly totalRequests: number;
  readonly uniqueUsers: number;
  readonly sum: number;
  readonly avg: number;
}

async function ask<Result>(port: number, path: string, method = "GET", body?: string): Promise<Result> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    ...(body !== undefined && { body, headers: { "Content-Type": "application/json" } }),
  });
  if (!response.ok) throw new Error(`${method} ${path} is answered ${response.status}`);
  return (await response.json()) as Result;
}

/** Three events of two users, in values that doubles add exactly; then nothing is counted. */
async function proveSmall(port: number): Promise<void> {
  await ask(port, "/reset", "POST");
  for (const [userId, value] of [
    ["a", 1.5],
    ["b", -4],
    ["a", 8],
  ] as const)
    await ask(port, "/event", "POST", JSON.stringify({ userId, value }));
  const stats = await ask<Stats>(port, "/stats");
  const expected = { totalRequests: 3, uniqueUsers: 2, sum: 5.5, avg: 5.5 / 3 };
  if (JSON.stringify(stats) !== JSON.stringify(expected))
    throw new Error(`three events are counted as ${JSON.stringify(stats)}`);
  await ask(port, "/reset", "POST");
}

/** What wrk saw answered was counted; the events that it cut off at its end may be. */
async function proveLoad(port: number, taken: LoadResult, connections: number): Promise<void> {
  const { totalRequests } = await ask<Stats>(port, "/stats");
  if (totalRequests < taken.requests || totalRequests > taken.requests + connections)
    throw new Error(`${taken.requests} events were answered, ${totalRequests} counted`);
  await ask(port, "/reset", "POST");
}

/** A million events from the challenge's own client, which compares all four figures exactly. */
async function runClient(port: number, events: number): Promise<string> {
  const args = ["client", "--url", `http://127.0.0.1:${port}`, "--requests", String(events)];
  const connections = [
    "--connections",
    String(Math.min(CLIENT_CONNECTIONS, events / 10)),
    "--pipeline",
    "16",
  ];
  const { stdout } = await promisify(execFile)(process.execPath, [client, ...args, ...connections]);
  await ask(port, "/reset", "POST");
  return stdout.trim().split("\n").join("; ");
}

export const scenario: Scenario = {
  name: "one-million",
  title: "The one-million-request challenge: POST /event",
  targets: ["one-million-1", "one-million-2", "node-http-events", "fastify-events", "bun-events"],
  async run(work, targets, settings) {
    const notes: string[] = [];
    const result = await compareServers(
      {
        subject: "one-million-1",
        targets,
        root: work,
        work,
        path: "/event",
        script: { ...script("", USERS), file: lua },
        request: (port) =>
          `POST /event HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: application/json\r\nContent-Length: ${event.length}\r\n\r\n${event}`,
        check: (answer) => wrongJson(answer, { ok: true }),
        async prove(port, taken, { name }) {
          if (taken !== undefined) return proveLoad(port, taken, settings.connections);
          await proveSmall(port);
          if (!name.startsWith("one-million-")) return;
          const events = settings.tiny ? EVENTS_TINY : EVENTS;
          notes.push(`Its own client at ${name}: ${await runClient(port, events)}.`);
        },
      },
      settings,
    );
    return { ...result, notes };
  },
};
