import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { isSupported } from "@tz/sys";
import { describe, expect, test } from "vitest";
import { ask, OneMillion, post } from "./one-million.fixture.js";

const support = isSupported();
const why = support.supported ? "" : ` (not here: ${support.reason})`;

async function start(workers: number): Promise<{ server: OneMillion; url: string }> {
  const server = new OneMillion(["--port", "0", "--workers", String(workers)]);
  return { server, url: await server.ready() };
}

const childrenOf = (pid: number) =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").map(Number);

describe.each(support.supported ? [1, 2] : [1])("%i workers", (workers) => {
  test("the contract", async () => {
    const { server, url } = await start(workers);
    expect(await ask(url, "/stats")).toEqual({
      status: 200,
      body: { totalRequests: 0, uniqueUsers: 0, sum: 0, avg: 0 },
    });
    for (const [userId, value] of [
      ["a", 1.5],
      ["b", 2],
      ["a", -0.5],
    ] as const) {
      expect(await post(url, JSON.stringify({ userId, value }))).toEqual({ status: 200, body: { ok: true } });
    }
    expect(await post(url, '{"userId":"\\u0061","value":1}')).toMatchObject({ status: 200 });
    const counted = { totalRequests: 4, uniqueUsers: 2, sum: 4, avg: 1 };
    expect((await ask(url, "/stats")).body).toEqual(counted);

    for (const [body, error] of [
      ["", "the body is not a JSON object"],
      ['{"userId":"a"}', "the body has no value"],
      ['{"userId":"a","value":1e999}', "the body has a value too large for a double"],
      ['{"userId":"a","value":1e-999}', "the body has a value too small for a double"],
      ['{"userId":"\\ud800","value":1}', "the body has a lone surrogate in userId"],
    ] as const) {
      expect(await post(url, body)).toEqual({ status: 400, body: { error } });
    }
    expect(await post(url, `{"userId":"a","value":1}${" ".repeat(9000)}`)).toMatchObject({ status: 413 });
    expect((await ask(url, "/event")).status).toBe(405);
    expect((await ask(url, "/other")).status).toBe(404);
    expect((await ask(url, "/stats")).body).toEqual(counted);

    expect(await ask(url, "/reset", { method: "POST" })).toEqual({ status: 200, body: { ok: true } });
    expect((await ask(url, "/stats")).body).toMatchObject({ totalRequests: 0, uniqueUsers: 0 });
    server.child.kill("SIGTERM");
    expect((await server.ended).code).toBe(0);
  });

  test("a body in pieces, and pipelined events", async () => {
    const { url } = await start(workers);
    const event = '{"userId":"a","value":1}';
    const request = `POST /event HTTP/1.1\r\nHost: a\r\nContent-Length: ${event.length}\r\n\r\n${event}`;
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    let received = "";
    const answers = (count: number) =>
      new Promise<void>((resolve) => {
        const look = () => received.split('{"ok":true}').length > count && resolve();
        socket.on("data", look);
        look();
      });
    socket.on("data", (chunk) => (received += chunk));
    socket.write(request.slice(0, -5));
    await new Promise((resolve) => setTimeout(resolve, 20));
    socket.write(request.slice(-5) + request.repeat(99));
    await answers(100);
    socket.destroy();
    expect((await ask(url, "/stats")).body).toEqual({ totalRequests: 100, uniqueUsers: 1, sum: 100, avg: 1 });
  });

  test("the client finds the totals exact", async () => {
    const { url } = await start(workers);
    const args = [
      "--url",
      url,
      "--requests",
      "20000",
      "--connections",
      "50",
      "--users",
      "3000",
      "--pipeline",
      "4",
    ];
    const { code, stdout } = await new OneMillion(["client", ...args]).ended;
    expect(stdout).toMatch(/^20000 events over 50 connections in [\d.]+ s: [\d,]+ requests\/s\n/);
    expect(stdout.match(/ exact\n/g)).toHaveLength(4);
    expect(code).toBe(0);
  });
});

test("the client starts a server of its own", async () => {
  const workers = support.supported ? "3" : "1";
  const { code, stdout } = await new OneMillion([
    "client",
    "--requests",
    "500",
    "--connections",
    "5",
    "--workers",
    workers,
  ]).ended;
  expect([code, stdout.match(/ exact\n/g)?.length]).toEqual([0, 4]);
});

test.skipIf(!support.supported)(
  `workers killed with -9 under load: what was answered counts, and nothing twice${why}`,
  async () => {
    const { server, url } = await start(2);
    let sent = 0;
    let answered = 0;
    let stop = false;
    const send = async () => {
      while (!stop) {
        sent++;
        const ok = await post(url, `{"userId":"user-${sent}","value":1}`).then(
          ({ status }) => status === 200,
          () => false,
        );
        if (ok) answered++;
      }
    };
    const senders = Array.from({ length: 8 }, send);
    for (let kill = 1; kill <= 4; kill++) {
      const goal = answered + 200;
      while (answered < goal) await new Promise((resolve) => setTimeout(resolve, 5));
      const [victim] = childrenOf(server.child.pid ?? 0);
      process.kill(victim!, "SIGKILL");
      while (server.stderr.split("another takes its place").length <= kill)
        await new Promise((resolve) => setTimeout(resolve, 5));
    }
    stop = true;
    await Promise.all(senders);
    // The last ones that were killed may still be on their way back.
    let stats: Awaited<ReturnType<typeof ask>> | undefined;
    while (stats === undefined) stats = await ask(url, "/stats").catch(() => undefined);
    const { totalRequests, uniqueUsers, sum } = stats.body as Record<string, number>;
    expect(totalRequests).toBeGreaterThanOrEqual(answered);
    expect(totalRequests).toBeLessThanOrEqual(sent);
    expect([uniqueUsers, sum]).toEqual([totalRequests, totalRequests]);
  },
);

test("what is wrong on the command line is told in one line", async () => {
  for (const [args, message] of [
    [
      ["--workers", "65"],
      /^one-million: option '--workers <number>' argument '65' is invalid\. It must be a whole number from 1 to 64\.\n$/,
    ],
    [
      ["--redis", "http://a"],
      /^one-million: .* It must be a URL that begins with redis:\/\/ or rediss:\/\/\.\n$/,
    ],
    [["--nothing"], /^one-million: unknown option '--nothing'\n$/],
    [
      ["client", "--url", "http://127.0.0.1:1"],
      /^one-million: nothing answers at --url http:\/\/127\.0\.0\.1:1\/\n$/,
    ],
  ] as const) {
    const { code, stderr } = await new OneMillion(args).ended;
    expect(stderr).toMatch(message);
    expect(code).toBe(2);
  }
});

test.each(support.supported ? [1, 2] : [1])("a port that is taken, %i workers", async (workers) => {
  const { url } = await start(2);
  const { port } = new URL(url);
  const { code, stderr } = await new OneMillion(["--port", port, "--workers", String(workers)]).ended;
  expect(stderr).toContain(`port ${port} on 127.0.0.1 is taken`);
  expect(code).toBe(2);
});
