import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { WebSocket } from "ws";
import { addUser, GatewayProcess, runCli, Visitor } from "./gateway-process.fixture.js";
import { lacksRedis, RedisProgram } from "./redis-program.fixture.js";

const TERMINALS_MAX = 8;

describe.skipIf(lacksRedis !== "")(`two gateways, one Redis, no affinity${lacksRedis}`, () => {
  const folder = mkdtempSync(join(tmpdir(), "tz-two-gateways-"));
  const users = join(folder, "users.json");
  let redis: RedisProgram;
  let a: GatewayProcess;
  let b: GatewayProcess;

  beforeAll(async () => {
    redis = await new RedisProgram().start();
    await addUser(users, "ada");
    mkdirSync(join(folder, "files"));
    const args = ["--redis", redis.path, "--users", users, "--logins-per-address", "50"];
    args.push("--files-dir", join(folder, "files"), "--max-terminals-per-user", String(TERMINALS_MAX));
    [a, b] = await Promise.all([
      GatewayProcess.start(args),
      GatewayProcess.start([...args, "--base-path", "/term"]),
    ]);
  }, 300_000);

  afterAll(async () => {
    await Promise.all([a?.stop(), b?.stop()]);
    await redis?.remove();
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
      timeout: 120_000,
    });

    // Only through the gateway, and only of its owner.
    expect((await new Visitor(b.url).send("GET", `api/terminals/${id}/files`)).status).toBe(401);
    expect(await there.socket(`api/terminals/${id}/socket`, { origin: "https://evil.example" })).toBe(403);
    expect(
      (await there.send("DELETE", `api/terminals/${id}`, undefined, { "x-csrf-token": "" })).status,
    ).toBe(403);
    await addUser(users, "eve");
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
    await vi.waitUntil(() => view.text().includes("passed on"), { timeout: 120_000 });
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

  test("a socket that is passed on ends with its login, also when that ends on the command line", async () => {
    await addUser(users, "kim");
    const kim = new Visitor(a.url);
    await kim.logIn("kim");
    const id = await kim.openTerminal();
    const passed = await look(at(b, kim), `api/terminals/${id}/socket`);
    await runCli(["user", "passwd", "kim", "--users", users], "another password\n");
    expect(await passed.closed).toBe(4401);
  });

  test("terminals count together: at once through both, no more than one user may have", async () => {
    await addUser(users, "cy");
    const cy = new Visitor(a.url);
    await cy.logIn("cy");
    const there = at(b, cy);
    const open = async (i: number) =>
      (await (i % 2 === 0 ? cy : there).send("POST", "api/terminals", {})).status;
    const statuses = await Promise.all(Array.from({ length: TERMINALS_MAX + 4 }, (_, i) => open(i)));
    expect(statuses.filter((status) => status === 201).length).toBe(TERMINALS_MAX);
    expect(statuses.filter((status) => status === 429).length).toBe(4);
    // Room that one of them has again is room for the other, too.
    const { body } = await cy.send("GET", "api/terminals");
    const [first] = body.terminals as { id: string }[];
    await cy.send("DELETE", `api/terminals/${first!.id}`);
    await vi.waitUntil(async () => (await open(1)) === 201, { timeout: 120_000, interval: 100 });
    expect(await open(0)).toBe(429);
  });

  test("recordings of both are listed, read and deleted through each, and only by their owner", async () => {
    await addUser(users, "rita", "admin");
    const rita = new Visitor(a.url);
    await rita.logIn("rita");
    const there = at(b, rita);
    const eve = new Visitor(b.url);
    await eve.logIn("eve");
    for (const [visitor, word] of [
      [rita, "ay"],
      [there, "bee"],
    ] as const) {
      const { body } = await visitor.send("POST", "api/terminals", { record: true });
      const { socket, text } = await look(visitor, `api/terminals/${body.id}/socket`);
      socket.send(Buffer.from(`0echo re''corded-${word}\n`));
      await vi.waitUntil(() => text().includes(`recorded-${word}\r\n`), { timeout: 120_000 });
      await visitor.send("DELETE", `api/terminals/${body.id}`);
    }
    const list = async (visitor: Visitor) => {
      const { body } = await visitor.send("GET", "api/recordings");
      expect(body.silent).toBe(0);
      return (body.recordings as { id: string }[]).map(({ id }) => id);
    };
    const ids = await list(rita);
    expect(ids.length).toBe(2);
    expect(await list(there)).toEqual(ids);
    expect(await list(eve)).toEqual([]);
    for (const id of ids) {
      const seen = [rita, there].map(async (visitor) => {
        const { status, body } = await visitor.send("GET", `api/recordings/${id}`);
        return [status, /recorded-\w+/.exec(body.text as string)?.[0]];
      });
      const [one, two] = await Promise.all(seen);
      expect(one![0]).toBe(200);
      expect(two).toEqual(one);
      for (const method of ["GET", "DELETE"])
        expect((await eve.send(method, `api/recordings/${id}`)).status).toBe(404);
    }
    for (const id of ids) expect((await there.send("DELETE", `api/recordings/${id}`)).status).toBe(200);
    expect(await list(rita)).toEqual([]);
    // What happened on either is in the audit log of both, the newest first.
    const { body } = await there.send("GET", "api/admin/audit");
    const deleted = (body.events as { event: string; gateway?: string; time: string }[]).filter(
      ({ event }) => event === "recording.deleted",
    );
    expect(deleted.map(({ gateway }) => gateway).sort()).toEqual([a.url.replace(/\/$/, ""), undefined]);
    expect(deleted[0]!.time >= deleted[1]!.time).toBe(true);
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
    const c = await GatewayProcess.start(["--redis", redis.path, "--users", users]);
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
