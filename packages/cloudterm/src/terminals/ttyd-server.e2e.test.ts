import { text } from "@tz/server";
import { afterEach, expect, test } from "vitest";
import { WebSocket } from "ws";
import { TerminalGateway } from "./gateway.fixture.js";
import { TerminalClient } from "./terminal-client.fixture.js";
import { DISMISSED } from "./terminals.js";
import { serveTtyd } from "./ttyd-server.js";

let gateway: TerminalGateway;
afterEach(() => gateway.stop());

const TOKEN = Buffer.from("ada:geheim").toString("base64");

async function start(): Promise<string> {
  gateway = await TerminalGateway.start();
  serveTtyd(gateway.app, "/term/", gateway.sockets, {
    token: () => TOKEN,
    access: (request) =>
      request.query.has("locked")
        ? text("log in first", { status: 401 })
        : {
            access: "write",
            terminal: async (size) => {
              const terminal = await gateway.terminals.open({ user: "ada", ...size });
              terminal.setTitle("sh (here)");
              return terminal;
            },
            preferences: { fontSize: 20 },
          },
  });
  return `127.0.0.1:${gateway.port}/term`;
}

test("a ttyd client: token, hello, title, preferences, output, resize, pause, exit", async () => {
  const base = await start();
  const { token } = (await (await fetch(`http://${base}/token`)).json()) as { token: string };
  expect(token).toBe(TOKEN);
  const client = await TerminalClient.open(
    `ws://${base}/ws`,
    { AuthToken: token, columns: 101, rows: 31 },
    { protocol: "tty" },
  );
  expect(client.socket.protocol).toBe("tty");
  expect(client.socket.extensions).toContain("permessage-deflate");
  await client.until(() => client.titles.length > 0 && client.preferences !== undefined);
  expect(client.titles[0]).toBe("sh (here)");
  expect(client.preferences).toEqual({ fontSize: 20 });
  client.type("stty size; echo ☃ | wc -c\n");
  await client.sees("31 101");
  await client.sees("4\r\n");
  client.send('1{"columns":132,"rows":43}');
  client.type("stty size\n");
  await client.sees("43 132");
  client.send("2");
  client.type("echo pau''sed\n");
  const probe = await fetch(`http://${base}/token`);
  expect(probe.status).toBe(200);
  expect(client.text).not.toContain("paused");
  client.send("3");
  await client.sees("paused");
  client.type("exit\n");
  expect((await client.closed()).code).toBe(1000);
  expect(client.states).toEqual([]);
  expect(client.ends).toEqual([]);
});

test("a wrong token, and a first message that is no hello, are closed with 1008", async () => {
  const base = await start();
  for (const first of [
    '{"AuthToken":"x","columns":80,"rows":24}',
    "{}",
    "0ls\n",
    "{",
    '{"AuthToken":["x"]}',
  ]) {
    const client = new TerminalClient(`ws://${base}/ws`, { protocol: "tty" });
    await client.until(() => client.socket.readyState === WebSocket.OPEN);
    client.send(first);
    expect((await client.closed()).code, first).toBe(1008);
  }
  expect(gateway.terminals.all).toEqual([]);
});

test("a program that fails closes with ttyd's 1011, behind its last output", async () => {
  const base = await start();
  const client = await TerminalClient.open(`ws://${base}/ws`, { AuthToken: TOKEN }, { protocol: "tty" });
  client.type("echo la''st; exit 3\n");
  expect((await client.closed()).code).toBe(1011);
  expect(client.text).toContain("last");
});

/** What ttyd's own page does when its socket is closed (html/src/components/terminal/xterm/index.ts). */
function connectsAgain(code: number): boolean {
  return code !== 1000;
}

test("a ttyd page comes back after a failed program, is sent away for good by a limit, and is not set into a loop", async () => {
  const base = await start();
  const open = () => TerminalClient.open(`ws://${base}/ws`, { AuthToken: TOKEN }, { protocol: "tty" });
  const ended = await open();
  await ended.sees("$ ");
  gateway.terminals.dismiss(() => true, DISMISSED.limit, "the terminal's maxTimeMs is over");
  expect(connectsAgain((await ended.closed()).code)).toBe(false);
  const loggedOut = await open();
  await loggedOut.sees("$ ");
  gateway.terminals.dismiss(() => true);
  // It asks for a token, which is refused, and for a handshake, which is refused: then it stops.
  expect((await loggedOut.closed()).code).toBe(1008);
  await gateway.terminals.close();
  const refused = await open();
  expect(connectsAgain((await refused.closed()).code)).toBe(false);
  expect(refused.text).toContain("the gateway stops");
});

test("token and WebSocket are both refused without access", async () => {
  const base = await start();
  expect((await fetch(`http://${base}/token?locked`)).status).toBe(401);
  await expect(TerminalClient.open(`ws://${base}/ws?locked`, {}, { protocol: "tty" })).rejects.toThrow("401");
});
