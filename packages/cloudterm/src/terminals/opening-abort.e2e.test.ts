import { createHash, generateKeyPairSync } from "node:crypto";
import { createServer as createHttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import ssh2 from "ssh2";
import { afterEach, expect, test } from "vitest";
import { rawUpstream as bareServer, until } from "../proxy/proxy-gateway.fixture.js";
import { rawUpstream } from "./raw-upstream.js";
import { sshFleet } from "./ssh-fleet.js";
import type { TerminalBackend } from "./terminal-backend.js";
import { Terminals, type TerminalsOptions } from "./terminals.js";
import { ttydUpstream } from "./ttyd-upstream.js";

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

/** A server that takes connections and says nothing. */
async function silent(): Promise<{ port: number; sockets(): number; closed(): number }> {
  let sockets = 0;
  let closed = 0;
  const server = await bareServer((socket) => {
    sockets++;
    socket.resume();
    socket.on("end", () => socket.end());
    socket.on("close", () => closed++);
  });
  stops.push(() => server.stop());
  return { port: server.port, sockets: () => sockets, closed: () => closed };
}

function open(
  backend: TerminalBackend,
  limits: TerminalsOptions["limits"] = {},
): { terminals: Terminals; gone: AbortController; opening: Promise<unknown> } {
  const terminals = new Terminals({ backends: { it: backend }, limits });
  stops.push(() => terminals.close());
  const gone = new AbortController();
  const opening = terminals.open({ user: "ada", choice: "one", signal: gone.signal });
  opening.catch(() => {});
  return { terminals, gone, opening };
}

const privateKey = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  privateKeyEncoding: { type: "pkcs1", format: "pem" },
  publicKeyEncoding: { type: "pkcs1", format: "pem" },
}).privateKey;

function fleet(port: number, hostKey = `SHA256:${"A".repeat(43)}`): TerminalBackend {
  const host = { name: "one", host: "127.0.0.1", port, user: "ada", hostKeys: [hostKey] };
  return sshFleet({ hosts: [host], privateKey });
}

/** As `ssh-keygen -l` shows it. */
function fingerprint(key: string): string {
  const parsed = ssh2.utils.parseKey(key);
  if (parsed instanceof Error) throw parsed;
  return `SHA256:${createHash("sha256").update(parsed.getPublicSSH()).digest("base64").replace(/=+$/, "")}`;
}

const allow = ["127.0.0.1"];

test.each<[string, (port: number) => TerminalBackend]>([
  ["an SSH host", (port) => fleet(port)],
  ["a ttyd", (port) => ttydUpstream({ url: `ws://127.0.0.1:${port}/ws`, allow })],
  ["a raw WebSocket", (port) => rawUpstream({ url: `ws://127.0.0.1:${port}/`, allow })],
])("the opening of a terminal of %s is broken off when whoever asked for it goes", async (_name, backend) => {
  const server = await silent();
  const { terminals, gone, opening } = open(backend(server.port), { maxTerminalsPerUser: 1 });
  await until(() => server.sockets() === 1);
  expect(server.closed()).toBe(0);
  gone.abort();
  await expect(opening).rejects.toMatchObject({
    code: "TZ_CLOUDTERM_BACKEND",
    message: "whoever asked for the terminal is gone",
  });
  await until(() => server.closed() === 1);
  expect(terminals.all).toEqual([]);
  // The place is free again.
  const again = open(backend(server.port));
  await until(() => server.sockets() === 2);
  again.gone.abort();
  await until(() => server.closed() === 2);
});

test("so is one that takes longer than it may", async () => {
  const server = await silent();
  const { opening } = open(fleet(server.port), { openTimeoutMs: 100 });
  await expect(opening).rejects.toThrow("was not opened within 100 ms");
  await until(() => server.closed() === 1);
});

test("so is one whose SSH host takes the login and answers nothing more", async () => {
  let asked = false;
  let closed = false;
  const server = new ssh2.Server({ hostKeys: [privateKey] }, (connection) => {
    connection.on("authentication", (context) => context.accept());
    connection.on("session", (accept) => {
      const session = accept();
      session.on("pty", () => {
        asked = true;
      });
    });
    connection.on("error", () => {});
    connection.on("close", () => {
      closed = true;
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  stops.push(() => server.close());
  const { port } = server.address() as AddressInfo;
  const { gone, opening } = open(fleet(port, fingerprint(privateKey)));
  await until(() => asked);
  gone.abort();
  await expect(opening).rejects.toThrow("is gone");
  await until(() => closed);
});

test("one that was gone before it began asks nobody", async () => {
  let asked = 0;
  const server = createHttpServer(() => asked++);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  stops.push(() => server.close());
  const { port } = server.address() as AddressInfo;
  const terminals = new Terminals({
    backends: { it: rawUpstream({ url: `ws://127.0.0.1:${port}/`, allow }) },
  });
  stops.push(() => terminals.close());
  await expect(terminals.open({ user: "ada", signal: AbortSignal.abort() })).rejects.toThrow("is gone");
  expect(asked).toBe(0);
});
