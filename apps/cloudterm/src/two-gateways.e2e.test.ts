import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { WebSocket } from "ws";
import { GatewayProcess, PASSWORD, runCli, Visitor } from "./gateway-process.fixture.js";

const lacksRedis =
  spawnSync("redis-server", ["--version"]).status === 0
    ? ""
    : " (skipped: redis-server is not installed, apt-get install redis-server)";

describe.skipIf(lacksRedis !== "")(`two gateways, one Redis, no affinity${lacksRedis}`, () => {
  const folder = mkdtempSync(join(tmpdir(), "tz-two-gateways-"));
  const users = join(folder, "users.json");
  let redis: ChildProcess;
  let a: GatewayProcess;
  let b: GatewayProcess;

  beforeAll(async () => {
    const path = join(folder, "redis");
    redis = spawn("redis-server", ["--port", "0", "--unixsocket", path, "--save", "", "--dir", folder]);
    let text = "";
    redis.stdout!.on("data", (chunk) => (text += chunk));
    await vi.waitUntil(() => /ready to accept connections/i.test(text), { timeout: 50_000 });
    await runCli(["user", "add", "ada", "--users", users], `${PASSWORD}\n`);
    mkdirSync(join(folder, "files"));
    const args = ["--redis", path, "--users", users, "--logins-per-address", "50"];
    args.push("--files-dir", join(folder, "files"));
    [a, b] = await Promise.all([
      GatewayProcess.start(args),
      GatewayProcess.start([...args, "--base-path", "/term"]),
    ]);
  }, 300_000);

  afterAll(async () => {
    await Promise.all([a?.stop(), b?.stop()]);
    redis.kill("SIGKILL");
    await once(redis, "exit");
    rmSync(folder, { recursive: true, force: true });
  });

  /** The same browser at the other gateway: cookies know no ports. */
  function at(gateway: GatewayProcess, visitor: Visitor): Visitor {
    const same = new Visitor(gateway.url);
    for (const [name, value] of visitor.cookies) same.cookies.set(name, value);
    same.csrfToken = visitor.csrfToken;
    return same;
  }

  interface Seen {
    readonly socket: WebSocket;
    readonly closed: Promise<number>;
    text(): string;
  }

  /** A socket that has said hello and was answered. */
  async function look(visitor: Visitor, path: string): Promise<Seen> {
    const socket = await visitor.socket(path);
    if (typeof socket === "number") throw new Error(`status ${socket}`);
    let text = "";
    socket.on("message", (data: Buffer) => {
      if (data[0] === 0x30) text += data.subarray(1).toString();
    });
    const closed = once(socket, "close").then(([code]) => code as number);
    socket.send(Buffer.from('{"AuthToken":"","columns":80,"rows":24}'));
    await once(socket, "message");
    return { socket, closed, text: () => text };
  }

  test("a login on one works on the other, and its end closes the sockets of both", async () => {
    const ada = new Visitor(a.url);
    expect((await ada.logIn("ada")).status).toBe(200);
    const there = at(b, ada);
    expect((await there.send("GET", "api/session")).body.user).toBe("ada");
    const here = await look(ada, `api/terminals/${await ada.openTerminal()}/socket`);
    const other = await look(there, `api/terminals/${await there.openTerminal()}/socket`);
    // One more that is passed on from the one to the other.
    const id = await ada.openTerminal();
    const passed = await look(there, `api/terminals/${id}/socket`);
    expect((await there.send("POST", "api/logout-everywhere")).status).toBe(200);
    expect(await Promise.all([here.closed, other.closed, passed.closed])).toEqual([4401, 4401, 4401]);
    expect((await ada.send("GET", "api/session")).status).toBe(401);
  });

  test("a terminal of the one is seen, used, shared, sent files and ended through the other", async () => {
    const ada = new Visitor(a.url);
    await ada.logIn("ada");
    const there = at(b, ada);
    const id = await ada.openTerminal();
    const { body } = await there.send("GET", "api/terminals");
    expect((body.terminals as { id: string }[]).map((info) => info.id)).toContain(id);
    const direct = await look(ada, `api/terminals/${id}/socket`);
    const passed = await look(there, `api/terminals/${id}/socket`);
    passed.socket.send(Buffer.from("0echo pas''sed on\n"));
    await vi.waitUntil(() => direct.text().includes("passed on") && passed.text().includes("passed on"), {
      timeout: 50_000,
    });

    // Only through the gateway, and only of its owner.
    expect((await new Visitor(b.url).send("GET", `api/terminals/${id}/files`)).status).toBe(401);
    expect(await there.socket(`api/terminals/${id}/socket`, { origin: "https://evil.example" })).toBe(403);
    expect(
      (await there.send("DELETE", `api/terminals/${id}`, undefined, { "x-csrf-token": "" })).status,
    ).toBe(403);
    await runCli(["user", "add", "eve", "--users", users], `${PASSWORD}\n`);
    const eve = new Visitor(b.url);
    await eve.logIn("eve");
    expect(await eve.socket(`api/terminals/${id}/socket`)).toBe(404);
    expect((await eve.send("DELETE", `api/terminals/${id}`)).status).toBe(404);

    const sent = await there.send("PUT", `api/terminals/${id}/file?path=note`, { some: "file" });
    expect([sent.status, sent.body]).toEqual([201, { bytes: 15 }]);
    expect(readFileSync(join(folder, "files/note"), "utf8")).toBe('{"some":"file"}');
    writeFileSync(join(folder, "files/big"), "x".repeat(300_000));
    const fetched = await there.send("GET", `api/terminals/${id}/file?path=big`);
    expect([fetched.status, (fetched.body.text as string).length]).toEqual([200, 300_000]);

    const { body: made } = await there.send("POST", `api/terminals/${id}/invites`, {
      access: "read",
      lifeMs: 60_000,
    });
    const guest = new Visitor(b.url);
    const { body: entered } = await guest.send("POST", "api/shared", { secret: made.secret });
    const view = await look(guest, `api/shared/socket?ticket=${entered.ticket}`);
    await vi.waitUntil(() => view.text().includes("passed on"), { timeout: 50_000 });
    const { id: invite } = made.invite as { id: string };
    expect((await there.send("DELETE", `api/terminals/${id}/invites/${invite}`)).status).toBe(200);
    expect(await view.closed).toBe(4403);

    expect((await there.send("DELETE", `api/terminals/${id}`)).status).toBe(200);
    expect(await passed.closed).toBe(await direct.closed);
    // The audit log of the gateway that has the terminal knows the browser's address and the user.
    const audit = readFileSync(join(a.data, "audit.jsonl"), "utf8");
    expect(audit).toContain(
      `"event":"file.sent","user":"ada","address":"127.0.0.1","terminal":"${id}","path":"note"`,
    );
  });

  test("a ticket that no gateway has signed opens nothing", async () => {
    const ada = new Visitor(a.url);
    await ada.logIn("ada");
    const id = await ada.openTerminal();
    const claims = Buffer.from(JSON.stringify({ claims: { session: { user: "ada" } } })).toString(
      "base64url",
    );
    for (const ticket of ["x", `${claims}.`, `${claims}.${"A".repeat(43)}`]) {
      const headers = { "x-cloudterm-ticket": ticket };
      expect((await new Visitor(a.url).send("GET", "api/terminals", undefined, headers)).status).toBe(401);
      expect(await new Visitor(a.url).socket(`api/terminals/${id}/socket`, headers)).toBe(401);
    }
  });

  test("a gateway that is gone takes its terminals with it, and the other serves on", async () => {
    const ada = new Visitor(b.url);
    await ada.logIn("ada");
    const c = await GatewayProcess.start(["--redis", join(folder, "redis"), "--users", users]);
    const id = await at(c, ada).openTerminal();
    const passed = await look(ada, `api/terminals/${id}/socket`);
    await c.stop();
    await passed.closed;
    expect(await ada.socket(`api/terminals/${id}/socket`)).toBe(404);
    expect((await ada.send("GET", "api/terminals")).status).toBe(200);
  });

  test("attempts count together", async () => {
    const statuses: number[] = [];
    for (let i = 0; i < 10; i++) {
      const visitor = new Visitor(i % 2 === 0 ? a.url : b.url);
      statuses.push((await visitor.logIn("nobody")).status);
    }
    // Five failures of an account, wherever they were made.
    expect(statuses.filter((status) => status === 401).length).toBe(5);
    expect(statuses.slice(5)).toEqual([429, 429, 429, 429, 429]);
  });
});
