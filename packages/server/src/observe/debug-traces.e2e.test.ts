import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import { isEpollSupported } from "../loop/epoll.js";
import { SocketClient, until } from "../loop/socket-client.fixture.js";
import { debugSections } from "./debug-traces.js";

const loops = isEpollSupported().supported ? (["epoll", "node"] as const) : (["node"] as const);
const fixture = fileURLToPath(new URL("./debug-traces.fixture.ts", import.meta.url));
const REQUESTS = [
  "GET /users/7?q=%1b HTTP/1.1\r\nHost: a\r\n\r\n",
  "GET /broken HTTP/1.1\r\nHost: a\r\n\r\n",
  "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nhello world",
];

/** What a server says on stderr, from its start to its end, times and ports left out. */
async function traced(loop: string, sections: string | undefined): Promise<string[]> {
  const env = { ...process.env };
  delete env.TZ_DEBUG;
  if (sections !== undefined) env.TZ_DEBUG = sections;
  const child = spawn(process.execPath, ["--import", "tsx", "--conditions=@tz/source", fixture, loop], {
    env,
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let said = "";
  child.stderr!.on("data", (chunk) => {
    said += chunk;
  });
  const [{ port }] = (await once(child, "message")) as [{ port: number }];
  const client = await SocketClient.open(port);
  for (const [at, request] of REQUESTS.entries()) {
    client.send(request);
    await until(() => client.received.toString("latin1").split("HTTP/1.1 ").length === at + 2);
  }
  client.end();
  await until(() => client.ended);
  const long = await SocketClient.open(port);
  long.send(`GET /${"x".repeat(300)} HTTP/1.1\r\nHost: a\r\n\r\n`);
  await until(() => long.ended);
  long.reset();
  child.send("stop");
  await once(child, "close");
  return said
    .split("\n")
    .filter((line) => line.startsWith("tz:"))
    .map((line) => line.replace(/^(tz:\w+) \d+ \d+\.\d{4} /, "$1 ").replace(/127\.0\.0\.1:\d+/, "PEER"))
    .map((line) => line.replace(/\d+\.\d\d ms/, "TIME"));
}

describe.each(loops)("TZ_DEBUG on the %s loop", (loop) => {
  test("shows the sections that it names", async () => {
    const lines = await traced(loop, "request, LIMITS,connection");
    const of = (section: string): string[] =>
      lines.filter((line) => line.startsWith(`tz:${section} `)).map((line) => line.slice(section.length + 4));
    expect(of("request")).toEqual([
      "PEER GET /users/7?q=%1b HTTP/1.1 for a",
      "PEER GET /users/7?q=%1b [/users/:id] 200, 6 bytes, TIME",
      "PEER GET /broken HTTP/1.1 for a",
      "PEER GET /broken failed: TypeError: on\\u000apurpose",
      expect.stringMatching(/^PEER GET \/broken \[\/broken\] 500, \d+ bytes, TIME$/),
      "PEER POST / HTTP/1.1 for a",
      expect.stringMatching(/^PEER POST \/ failed: TZ_SERVER_BODY_TOO_LARGE \w+: .*maxBodyBytes/),
      expect.stringMatching(/^PEER POST \/ \[\/\] 413, \d+ bytes, TIME$/),
    ]);
    expect(of("limits")).toEqual([
      expect.stringMatching(/^127\.0\.0\.1 TZ_SERVER_BODY_TOO_LARGE: .*maxBodyBytes/),
      "127.0.0.1 maxRequestLineBytes: answered 414",
    ]);
    const connections = of("connection").map((line) => line.replace(/, errno \d+$/, ""));
    expect(connections.sort()).toEqual([
      "PEER closed after 0 requests",
      "PEER closed after 3 requests",
      "PEER opened",
      "PEER opened",
    ]);
  });

  test("names what it does not know, once; is silent when it is not set", async () => {
    expect(await traced(loop, "conection,ws")).toEqual([
      "tz: TZ_DEBUG names an unknown section: conection; allowed: connection, request, limits, tls, workers, static, cache, ws, *",
    ]);
    expect(await traced(loop, undefined)).toEqual([]);
    expect(await traced(loop, "")).toEqual([]);
  });
});

test("sections are divided by commas, in any case; * is all of them", () => {
  expect(debugSections(" Limits ,connection,")).toEqual({ sections: ["connection", "limits"], unknown: [] });
  expect(debugSections("*,x").sections).toContain("cache");
  expect(debugSections("*,x").unknown).toEqual(["x"]);
});
