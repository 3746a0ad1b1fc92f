import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { totpCode, totpStep } from "@tz/cloudterm";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import {
  type RunningTtyd,
  startTtydDouble,
} from "../../../packages/cloudterm/src/terminals/ttyd-double.fixture.js";
import {
  type GatewayProcess,
  newData,
  PASSWORD,
  runCli,
  startWithAdmin,
  Visitor,
} from "./gateway-process.fixture.js";

let gateway: GatewayProcess;
let admin: Visitor;
let ttyd: RunningTtyd;

beforeAll(async () => {
  ttyd = await startTtydDouble(["-W", "-O", "-c", "far:geheim", "sh"]);
  const path = join(newData(), "upstreams.json");
  const url = `ws://127.0.0.1:${ttyd.port}/ws`;
  const upstreams = [
    { name: "build", url, credential: "far:geheim" },
    { name: "locked", url },
    { name: "nobody", url: "ws://127.0.0.1:1/ws" },
  ];
  writeFileSync(path, JSON.stringify(upstreams));
  ({ gateway, admin } = await startWithAdmin(["--logins-per-address", "1000", "--upstreams", path]));
}, 240_000);
afterAll(async () => {
  await gateway?.stop();
  await ttyd?.kill();
});

/** A socket at a terminal that has said hello. */
async function openSocket(visitor: Visitor, path: string): Promise<{ socket: WebSocket; text(): string }> {
  const socket = await visitor.socket(path);
  if (typeof socket === "number") throw new Error(`status ${socket}`);
  let text = "";
  socket.on("message", (data: Buffer) => {
    if (data[0] === 0x30) text += data.subarray(1).toString();
  });
  socket.send(Buffer.from('{"AuthToken":"","columns":80,"rows":24}'));
  return { socket, text: () => text };
}

async function closedWith(socket: WebSocket): Promise<number> {
  if (socket.readyState === WebSocket.CLOSED) return 0;
  const [code] = await once(socket, "close");
  return code as number;
}

/** Raw bytes in, the status of the answer out. */
function rawStatus(head: string): Promise<number> {
  const { hostname, port } = new URL(gateway.url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(head));
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk;
      const status = /^HTTP\/1\.1 (\d+)/.exec(text)?.[1];
      if (status !== undefined) {
        socket.destroy();
        resolve(Number(status));
      }
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(0));
  });
}

test("the link of the first run works once", async () => {
  const again = new Visitor(gateway.url);
  const { status, body } = await again.send("POST", "api/setup", {
    ticket: await gateway.setup(),
    user: "mallory",
    password: PASSWORD,
  });
  expect([status, body.error]).toEqual([403, "TZ_CLOUDTERM_SETUP"]);
});

test("a login changes the session, and what is stored is no cookie", async () => {
  const visitor = new Visitor(gateway.url);
  visitor.cookies.set("cloudterm", "A".repeat(43));
  expect((await visitor.logIn()).status).toBe(200);
  const first = visitor.cookies.get("cloudterm")!;
  expect(first).toMatch(/^[A-Za-z0-9_-]{43}$/);
  expect(first).not.toBe("A".repeat(43));
  // Logging in again voids the session that the browser had.
  const old = new Visitor(gateway.url);
  old.cookies.set("cloudterm", first);
  expect((await visitor.logIn()).status).toBe(200);
  expect(visitor.cookies.get("cloudterm")).not.toBe(first);
  expect((await old.send("GET", "api/terminals")).status).toBe(401);
  // The keys of the snapshot.
  await vi.waitUntil(() => readFileSync(join(gateway.data, "sessions.json"), "utf8").length > 100, {
    timeout: 120_000,
  });
  const { sessions } = JSON.parse(readFileSync(join(gateway.data, "sessions.json"), "utf8")) as {
    sessions: [string][];
  };
  for (const [key] of sessions) {
    const thief = new Visitor(gateway.url);
    thief.cookies.set("cloudterm", key);
    expect((await thief.send("GET", "api/terminals")).status).toBe(401);
  }
});

test("cookies on plain loopback are HttpOnly, SameSite=Strict and not Secure; a forged X-Forwarded-Proto changes nothing", async () => {
  const visitor = new Visitor(gateway.url);
  const { headers } = await visitor.logIn();
  for (const field of headers.getSetCookie()) {
    expect(field).toMatch(/; HttpOnly; SameSite=Strict$/);
    expect(field).not.toContain("Secure");
  }
  expect(headers.get("content-security-policy")).toContain("script-src 'self' 'wasm-unsafe-eval';");
  expect(headers.get("cache-control")).toBe("no-store");
  const forged = await visitor.send("GET", "api/session", undefined, { "x-forwarded-proto": "https" });
  expect(forged.status).toBe(200);
});

test.each([
  "https://evil.example",
  "null",
  "http://127.0.0.1:1",
  "https://127.0.0.1",
  "http://127.0.0.1.evil.example",
])("a page of %s gets no socket and changes nothing, with a valid cookie", async (origin) => {
  const id = await admin.openTerminal();
  expect(await admin.socket(`api/terminals/${id}/socket`, { origin })).toBe(403);
  expect((await admin.send("POST", "api/terminals", {}, { origin })).status).toBe(403);
  expect((await admin.send("POST", "api/login", { user: "a", password: "b" }, { origin })).status).toBe(403);
  expect((await admin.send("DELETE", `api/terminals/${id}`)).status).toBe(200);
});

test("a name that was pointed here gets nothing (DNS rebinding)", async () => {
  const { port } = new URL(gateway.url);
  for (const path of ["/", "/api/session", "/health", "/app.js"]) {
    const head = `GET ${path} HTTP/1.1\r\nHost: evil.example:${port}\r\nOrigin: http://evil.example:${port}\r\n`;
    expect(await rawStatus(`${head}Cookie: ${admin.cookie}\r\n\r\n`)).toBe(403);
  }
});

test("without a session: 401, however the path is spelled", async () => {
  const id = await admin.openTerminal();
  const stranger = new Visitor(gateway.url);
  for (const path of [
    `api/terminals/${id}/socket`,
    "api/terminals/x/socket",
    "ws",
    "api/ws",
    "api//terminals",
    `api/%74erminals/${id}/socket`,
    `api/terminals/${id}%2fsocket`,
    `API/terminals/${id}/socket`,
    `./api/./terminals/${id}/socket`,
  ]) {
    expect([path, await stranger.socket(path)]).toEqual([path, 401]);
    expect([path, (await stranger.send("GET", path)).status]).toEqual([path, 401]);
  }
  for (const path of [
    "api/terminals",
    "api/sessions",
    "api/admin/users",
    "api/admin/audit",
    "nothing",
    "metrics",
  ])
    expect((await stranger.send("GET", path)).status).toBe(401);
  await admin.send("DELETE", `api/terminals/${id}`);
});

test("an unsafe request needs the CSRF token of its session", async () => {
  for (const token of ["", "x", admin.cookies.get("cloudterm")!]) {
    const { status, body } = await admin.send("POST", "api/terminals", {}, { "x-csrf-token": token });
    expect([status, body.error]).toEqual([403, "TZ_CLOUDTERM_CSRF"]);
  }
});

test("odd targets, too many fields and too large bodies are refused", async () => {
  const host = new URL(gateway.url).host;
  expect(await rawStatus(`GET /% HTTP/1.1\r\nHost: ${host}\r\n\r\n`)).toBeGreaterThanOrEqual(400);
  expect(await rawStatus(`GET /%00 HTTP/1.1\r\nHost: ${host}\r\n\r\n`)).toBeGreaterThanOrEqual(400);
  const many = Array.from({ length: 2000 }, (_, i) => `X-${i}: a\r\n`).join("");
  expect(await rawStatus(`GET / HTTP/1.1\r\nHost: ${host}\r\n${many}\r\n`)).toBe(431);
  expect(
    await rawStatus(
      `POST /api/login HTTP/1.1\r\nHost: ${host}\r\nOrigin: ${admin.origin}\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n`,
    ),
  ).toBe(413);
});

test("a shell: typing, what it says, resume in a second socket", async () => {
  const id = await admin.openTerminal();
  const one = await openSocket(admin, `api/terminals/${id}/socket`);
  one.socket.send(Buffer.from("0echo $((40+2))\n"));
  await vi.waitUntil(() => one.text().includes("42\r\n"), { timeout: 120_000 });
  one.socket.terminate();
  const two = await openSocket(admin, `api/terminals/${id}/socket`);
  await vi.waitUntil(() => two.text().includes("42\r\n"), { timeout: 120_000 });
  await admin.send("DELETE", `api/terminals/${id}`);
  expect(await closedWith(two.socket)).toBeGreaterThanOrEqual(1000);
});

test("a terminal that is recorded: its owner lists, reads and deletes the recording, nobody else", async () => {
  await admin.send("POST", "api/admin/users", { name: "rita", password: PASSWORD, role: "user" });
  const rita = new Visitor(gateway.url);
  await rita.logIn("rita");
  const { body: opened } = await admin.send("POST", "api/terminals", { record: true });
  const { socket, text } = await openSocket(admin, `api/terminals/${opened.id}/socket`);
  socket.send(Buffer.from("0echo re''corded\n"));
  await vi.waitUntil(() => text().includes("recorded\r\n"), { timeout: 120_000 });
  await admin.send("DELETE", `api/terminals/${opened.id}`);
  const list = async () =>
    (await admin.send("GET", "api/recordings")).body.recordings as { id: string; running: boolean }[];
  await vi.waitUntil(async () => (await list())[0]?.running === false, { timeout: 120_000, interval: 100 });
  const [{ id }] = (await list()) as [{ id: string; running: boolean }];
  expect(id).toBe(opened.recording);
  const { status, headers, body } = await admin.send("GET", `api/recordings/${id}`);
  expect([status, headers.get("content-type")]).toEqual([200, "application/x-asciicast"]);
  expect(body.text).toContain("recorded");
  expect((await rita.send("GET", "api/recordings")).body.recordings).toEqual([]);
  for (const method of ["GET", "DELETE"])
    expect((await rita.send(method, `api/recordings/${id}`)).status).toBe(404);
  expect((await admin.send("DELETE", `api/recordings/${id}`)).status).toBe(200);
  expect(await list()).toEqual([]);
});

test("a terminal of another server: chosen by name, its failures in words, no password of it here", async () => {
  const { body } = await admin.send("GET", "api/session");
  expect([body.backends, body.upstreams]).toEqual([
    ["local", "upstream"],
    ["build", "locked", "nobody"],
  ]);
  const open = (choice: unknown) => admin.send("POST", "api/terminals", { backend: "upstream", choice });
  const { status, body: opened } = await open("build");
  expect(status).toBe(201);
  const { socket, text } = await openSocket(admin, `api/terminals/${opened.id}/socket`);
  socket.send(Buffer.from("0echo fa''r away; stty size\n"));
  await vi.waitUntil(() => text().includes("far away\r\n24 80"), { timeout: 120_000 });
  const closed = closedWith(socket);
  await admin.send("DELETE", `api/terminals/${opened.id}`);
  await closed;
  for (const [choice, code, message] of [
    ["locked", 502, /answered 401/],
    ["nobody", 502, /cannot be reached \(ECONNREFUSED\)/],
    ["ws://127.0.0.1:22/", 404, /there is no upstream/],
    [undefined, 404, /there is no upstream/],
  ] as const) {
    const refused = await open(choice);
    expect([choice, refused.status]).toEqual([choice, code]);
    expect(refused.body.message).toMatch(message);
  }
  expect(JSON.stringify(await admin.send("GET", "api/admin/terminals"))).not.toContain("geheim");
  expect(gateway.output).not.toContain("geheim");
});

async function kick(name: string): Promise<void> {
  const { body } = await admin.send("GET", "api/admin/sessions");
  for (const { id, user } of body.sessions as { id: string; user: string }[])
    if (user === name) await admin.send("DELETE", `api/admin/sessions/${id}`);
}

describe("logging out closes sockets", () => {
  test.each([
    ["logout", (visitor: Visitor) => visitor.send("POST", "api/logout")],
    ["logout everywhere", (visitor: Visitor) => visitor.send("POST", "api/logout-everywhere")],
    [
      "a password set on the command line",
      () => runCli(["user", "passwd", "eve", "--data", gateway.data], "another password\n"),
    ],
    ["an administrator", () => kick("eve")],
    ["removal on the command line", () => runCli(["user", "remove", "eve", "--data", gateway.data])],
  ] as const)(
    "%s",
    async (_name, leave) => {
      await admin.send("DELETE", "api/admin/users/eve");
      await admin.send("POST", "api/admin/users", { name: "eve", password: PASSWORD, role: "user" });
      const eve = new Visitor(gateway.url);
      expect((await eve.logIn("eve")).status).toBe(200);
      const { socket } = await openSocket(eve, `api/terminals/${await eve.openTerminal()}/socket`);
      const closed = closedWith(socket);
      await leave(eve);
      expect(await closed).toBe(4401);
      expect((await eve.send("GET", "api/terminals")).status).toBe(401);
    },
    240_000,
  );
});

test("guesses are limited per account in all spellings; X-Forwarded-For of a stranger changes nothing", async () => {
  await admin.send("POST", "api/admin/users", { name: "ann", password: PASSWORD, role: "user" });
  const guesser = new Visitor(gateway.url);
  const statuses: number[] = [];
  let retryAfter: string | null = null;
  for (const [i, name] of ["ann", "ANN", " ann", "Ann ", "aNN", "ann", "ann"].entries()) {
    const { status, headers } = await guesser.send(
      "POST",
      "api/login",
      { user: name, password: "a wrong password" },
      { "x-forwarded-for": `198.51.100.${i}` },
    );
    statuses.push(status);
    retryAfter = headers.get("retry-after") ?? retryAfter;
  }
  expect(statuses.slice(-2)).toEqual([429, 429]);
  expect(Number(retryAfter)).toBeGreaterThan(0);
  const audit = readFileSync(join(gateway.data, "audit.jsonl"), "utf8");
  expect(audit).toContain('"event":"login.limited","user":"ann","address":"127.0.0.1"');
  expect(audit).not.toContain("a wrong password");
  expect(audit).not.toContain("198.51.100");
});

test("codes and recovery codes", async () => {
  await admin.send("POST", "api/admin/users", { name: "tim", password: PASSWORD, role: "user" });
  const tim = new Visitor(gateway.url);
  await tim.logIn("tim");
  const other = new Visitor(gateway.url);
  await other.logIn("tim");
  const { body: begun } = await tim.send("POST", "api/account/totp");
  expect(begun.uri).toContain("otpauth://totp/");
  const secret = begun.secret as string;
  const code = () => totpCode(secret, totpStep(Date.now()));
  const bad = await tim.send("POST", "api/account/totp/confirm", {
    ticket: begun.ticket,
    code: "000000",
    password: PASSWORD,
  });
  expect(bad.status).toBe(400);
  const used = code();
  const before = tim.cookies.get("cloudterm");
  const confirm = { ticket: bad.body.ticket, code: used, password: PASSWORD };
  const { status, body } = await tim.send("POST", "api/account/totp/confirm", confirm);
  expect(status).toBe(200);
  const codes = body.codes as string[];
  expect(codes.length).toBe(10);
  // What the session may do has changed: so has its secret, and others are over.
  expect(tim.cookies.get("cloudterm")).not.toBe(before);
  expect((await other.send("GET", "api/terminals")).status).toBe(401);

  const first = await other.logIn("tim");
  expect([first.status, first.body.next, first.headers.getSetCookie()]).toEqual([200, "code", []]);
  // Between password and code there is no session.
  expect((await other.send("GET", "api/terminals")).status).toBe(401);
  const replayed = await other.send("POST", "api/login/code", { ticket: first.body.ticket, code: used });
  expect(replayed.status).toBe(401);
  const recovered = await other.send("POST", "api/login/code", {
    ticket: replayed.body.ticket,
    code: codes[0],
  });
  expect([recovered.status, recovered.body.recoveryLeft]).toEqual([200, 9]);
  expect((await other.send("GET", "api/terminals")).status).toBe(200);
  // A password that is changed between password and code: the old one is worth nothing.
  const half = new Visitor(gateway.url);
  const begunBefore = await half.logIn("tim");
  expect(begunBefore.body.next).toBe("code");
  await admin.send("POST", "api/admin/users/tim/password", { password: PASSWORD });
  const late = await half.send("POST", "api/login/code", { ticket: begunBefore.body.ticket, code: codes[2] });
  expect([late.status, late.body.error]).toEqual([401, "TZ_CLOUDTERM_LOGIN"]);
  const renewed = await other.logIn("tim");
  await other.send("POST", "api/login/code", { ticket: renewed.body.ticket, code: codes[2] });
  // How the account is entered has changed: so has the secret of the session.
  const old = new Visitor(gateway.url);
  for (const [name, value] of other.cookies) old.cookies.set(name, value);
  expect((await other.send("POST", "api/account/totp/disable", { password: PASSWORD })).status).toBe(200);
  expect(other.cookies.get("cloudterm")).not.toBe(old.cookies.get("cloudterm"));
  expect((await old.send("GET", "api/terminals")).status).toBe(401);
  expect((await other.send("POST", "api/terminals", {})).status).toBe(201);
  // Tickets are good once.
  const again = await other.send("POST", "api/login/code", { ticket: replayed.body.ticket, code: codes[1] });
  expect(again.status).toBe(401);
});

test("a link shows one terminal, lets nobody type who may only read, and ends when it is revoked", async () => {
  const id = await admin.openTerminal();
  const owner = await openSocket(admin, `api/terminals/${id}/socket`);
  const guest = new Visitor(gateway.url);
  const share = (access: string) =>
    admin.send("POST", `api/terminals/${id}/invites`, { access, lifeMs: 60_000 });
  const { body: made } = await share("read");
  const { id: invite } = made.invite as { id: string };
  const enter = async () =>
    (await guest.send("POST", "api/shared", { secret: made.secret })).body.ticket as string;
  const ticket = await enter();
  const view = await openSocket(guest, `api/shared/socket?ticket=${ticket}`);
  // The ticket is used up, and the link's secret is none.
  expect(await guest.socket(`api/shared/socket?ticket=${ticket}`)).toBe(401);
  expect(await guest.socket(`api/shared/socket?ticket=${made.secret}`)).toBe(401);
  expect(await guest.socket(`api/terminals/${id}/socket`)).toBe(401);
  expect(
    await guest.socket(`api/shared/socket?ticket=${await enter()}`, { origin: "https://evil.example" }),
  ).toBe(403);
  view.socket.send(Buffer.from("0echo gue''st\n"));
  owner.socket.send(Buffer.from("0echo own''er\n"));
  await vi.waitUntil(() => view.text().includes("owner"), { timeout: 120_000 });
  expect(view.text()).not.toContain("guest");
  const late = await enter();
  const closed = closedWith(view.socket);
  expect((await admin.send("DELETE", `api/terminals/${id}/invites/${invite}`)).status).toBe(200);
  expect(await closed).toBe(4403);
  expect(await guest.socket(`api/shared/socket?ticket=${late}`)).toBe(404);
  expect((await guest.send("POST", "api/shared", { secret: made.secret })).status).toBe(404);
  await admin.send("DELETE", `api/terminals/${id}`);
});

test("users see their own terminals only, and nothing of the administration", async () => {
  await admin.send("POST", "api/admin/users", { name: "una", password: PASSWORD, role: "user" });
  const una = new Visitor(gateway.url);
  await una.logIn("una");
  const id = await admin.openTerminal();
  expect((await una.send("GET", "api/terminals")).body.terminals).toEqual([]);
  expect(await una.socket(`api/terminals/${id}/socket`)).toBe(404);
  expect((await una.send("DELETE", `api/terminals/${id}`)).status).toBe(404);
  expect(
    (await una.send("POST", `api/terminals/${id}/invites`, { access: "read", lifeMs: 1000 })).status,
  ).toBe(404);
  for (const path of ["users", "sessions", "terminals", "audit"])
    expect((await una.send("GET", `api/admin/${path}`)).status).toBe(403);
  expect((await una.send("POST", "api/admin/users", { name: "x", password: PASSWORD })).status).toBe(403);
  expect((await una.send("GET", "metrics")).status).toBe(403);
  const { body } = await admin.send("GET", "metrics");
  expect(body.text).toMatch(/^cloudterm_terminals [1-9]\d*$/m);
  expect((await admin.send("GET", "api/admin/audit")).body.events).toContainEqual(
    expect.objectContaining({ event: "user.added", user: "admin", name: "una" }),
  );
  expect((await admin.send("DELETE", "api/admin/users/admin")).status).toBe(403);
  await admin.send("DELETE", `api/terminals/${id}`);
});
