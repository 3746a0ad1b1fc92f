import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { TerminalGateway } from "./gateway.fixture.js";
import { localPty } from "./local-pty.js";
import { TerminalClient } from "./terminal-client.fixture.js";
import { TerminalSockets } from "./terminal-sockets.js";
import { type TerminalEvent, Terminals, type TerminalsOptions } from "./terminals.js";

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

async function start(
  options: Partial<TerminalsOptions> = {},
  loop: "epoll" | "node" = "epoll",
): Promise<TerminalGateway> {
  const gateway = await TerminalGateway.start(options, loop);
  stops.push(() => gateway.stop());
  return gateway;
}

describe.each(["epoll", "node"] as const)("on the %s loop", (loop) => {
  test("typing, output, a new size, the program's end", async () => {
    const gateway = await start({}, loop);
    const terminal = await gateway.terminals.open({ user: "ada" });
    const client = await gateway.client(`/t/${terminal.id}/write`, { columns: 100, rows: 40 });
    client.type("echo a$((1+1))b; stty size\n");
    await client.sees("a2b");
    await client.sees("40 100");
    expect(client.states[0]).toMatchObject({
      terminal: terminal.id,
      sequence: 0,
      reset: true,
      access: "write",
      viewers: 1,
      columns: 100,
      rows: 40,
    });
    client.send('1{"columns":120,"rows":33}');
    client.type("stty size\n");
    await client.sees("33 120");
    client.type("exit 7\n");
    expect(await client.closed()).toEqual({ code: 4000, reason: "the program exited with code 7" });
    expect(client.ends).toEqual([{ code: 7, signal: null, message: "the program exited with code 7" }]);
    expect(terminal.ended).toMatchObject({ code: 7 });
    // Still to be seen by one who comes too late.
    const late = await gateway.client(`/t/${terminal.id}/read`);
    await late.sees("33 120");
    expect((await late.closed()).code).toBe(4000);
  });

  test("resume: each byte comes once, whatever the connection does", async () => {
    const gateway = await start({}, loop);
    const terminal = await gateway.terminals.open({ user: "ada" });
    const path = `/t/${terminal.id}/write`;
    let client = await gateway.client(path);
    client.type("stty -echo; PS1=\n");
    await client.until(() => client.sequence > 0);
    client.type("i=0; while [ $i -lt 3000 ]; do i=$((i+1)); echo line $i; done; echo fin''ished\n");
    let all = "";
    for (let cut = 0; cut < 4; cut++) {
      const before = client.outputBytes;
      await client.until(() => client.outputBytes > before);
      client.socket.terminate();
      await client.closed();
      all += client.text;
      const resumeFrom = client.sequence;
      client = await gateway.client(path, { resumeFrom });
      await client.until(() => client.states.length > 0);
      expect(client.states[0]).toMatchObject({ sequence: resumeFrom, reset: false });
      client.type("echo more\n");
    }
    await client.until(() => (all + client.text).includes("finished"));
    all += client.text;
    const numbers = [...all.matchAll(/line (\d+)\r\n/g)].map(([, number]) => Number(number));
    expect(numbers).toEqual(Array.from({ length: 3000 }, (_, i) => i + 1));
  });
});

test("a stalled reader stops the program, bounds memory, and leaves other terminals alone", async () => {
  const gateway = await start();
  const { terminals } = gateway;
  const flood = await terminals.open({ user: "ada" });
  const other = await terminals.open({ user: "ada" });
  const stalled = await gateway.client(`/t/${flood.id}/write`, {}, { perMessageDeflate: false });
  const typist = await gateway.client(`/t/${other.id}/write`);
  await stalled.until(() => stalled.states.length > 0);
  stalled.socket.pause();
  stalled.type("yes\n");
  let last = -1;
  let still = 0;
  // Until nothing moves any more: what is under way fills the sockets first.
  await typist.until(() => {
    still = flood.outputEnd === last && last > 0 ? still + 1 : 0;
    last = flood.outputEnd;
    return still > 50;
  });
  for (let i = 0; i < 20; i++) {
    typist.type(`echo k''ey${i}\n`);
    await typist.sees(`key${i}`);
  }
  expect(flood.outputEnd - [...flood.viewers][0]!.position).toBeLessThanOrEqual(256 * 1024 + 64 * 1024);
  expect(flood.ringBytes).toBeLessThanOrEqual(1024 * 1024);
  // Another reader of the same terminal gets on, and the stalled one is told what it missed.
  const reader = await gateway.client(`/t/${flood.id}/read`);
  const from = flood.outputEnd;
  await reader.until(() => flood.outputEnd > from + 4_000_000);
  reader.socket.terminate();
  stalled.socket.resume();
  await stalled.until(() =>
    stalled.states.some(({ sequence, reset }) => Number(sequence) > 0 && reset === true),
  );
  await stalled.until(() => stalled.sequence > from + 4_000_000);
});

test("a client that acknowledges never has more than the window under way", async () => {
  const gateway = await start({ limits: { windowBytes: 65_536, ringBytes: 131_072 } });
  const terminal = await gateway.terminals.open({ user: "ada" });
  const client = await gateway.client(`/t/${terminal.id}/write`, { acks: true });
  client.type("yes | head -c 1000000; echo fin''ished\n");
  await client.until(() => client.outputBytes === 65_536);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(client.outputBytes).toBe(65_536);
  client.send("4999999999999");
  client.send("4-1");
  client.send("4");
  while (!client.text.includes("finished")) {
    const got = client.outputBytes;
    client.send(`4${client.sequence}`);
    await client.until(() => client.outputBytes > got);
    expect(client.outputBytes - got).toBeLessThanOrEqual(65_536);
  }
});

test("pause and resume, messages that are none, sizes that are none", async () => {
  const gateway = await start();
  const terminal = await gateway.terminals.open({ user: "ada" });
  const client = await gateway.client(`/t/${terminal.id}/write`, { columns: -1, rows: 1e9 });
  client.type("stty -echo; echo re''ady\n");
  await client.sees("ready");
  for (const size of ["0", "-1", "1.5", "1e9", '"80"', "null", "[]"])
    client.send(`1{"columns":${size},"rows":24}`);
  for (const odd of ["", "1", "1{", "1NaN", "9x", "\0", "{}", "1".repeat(5000), '{"AuthToken":1}'])
    client.send(odd);
  client.send("2");
  client.type("echo hel''lo; stty size\n");
  const writer = await gateway.client(`/t/${terminal.id}/write`, { columns: 0, rows: 0 });
  await writer.sees("24 80");
  expect(client.text).not.toContain("hello");
  client.send("3");
  await client.sees("hello");
});

test("a paste to a program that does not read is bounded and arrives", async () => {
  const gateway = await start({ limits: { maxInputBytes: 65_536 } });
  const terminal = await gateway.terminals.open({ user: "ada" });
  const client = await gateway.client(`/t/${terminal.id}/write`);
  client.type("stty raw -echo; echo re''ady; sh -c 'kill -STOP $$; head -c 1000000 | wc -c'\n");
  await client.sees("ready");
  await client.until(() => terminal.pid !== undefined);
  for (let i = 0; i < 100; i++) client.type("p".repeat(10_000));
  // The gateway stops reading: the rest waits in the client's own buffers or the kernel's.
  const other = await gateway.terminals.open({ user: "ada" });
  const typist = await gateway.client(`/t/${other.id}/write`);
  typist.type(`pkill -CONT -f 'head -c 100000[0]'; echo do''ne\n`);
  await typist.sees("done");
  await client.sees("1000000");
});

describe("several viewers", () => {
  test("the smallest one that may write decides the size", async () => {
    const gateway = await start();
    const terminal = await gateway.terminals.open({ user: "ada" });
    const big = await gateway.client(`/t/${terminal.id}/write`, { columns: 200, rows: 50 });
    await big.until(() => terminal.size.columns === 200);
    const small = await gateway.client(`/t/${terminal.id}/write`, { columns: 90, rows: 60 });
    await big.until(() => big.states.some(({ columns, rows }) => columns === 90 && rows === 50));
    await gateway.client(`/t/${terminal.id}/read`, { columns: 10, rows: 5 });
    await big.until(() => big.states.some(({ viewers }) => viewers === 3));
    expect(terminal.size).toEqual({ columns: 90, rows: 50 });
    small.socket.close();
    await big.until(() => terminal.size.columns === 200 && terminal.size.rows === 50);
  });

  test("or the one that came or resized last", async () => {
    const gateway = await start({ sizePolicy: "owner" });
    const terminal = await gateway.terminals.open({ user: "ada" });
    const first = await gateway.client(`/t/${terminal.id}/write`, { columns: 200, rows: 50 });
    await first.until(() => terminal.size.columns === 200);
    await gateway.client(`/t/${terminal.id}/write`, { columns: 90, rows: 60 });
    await first.until(() => terminal.size.columns === 90);
    first.send('1{"columns":180,"rows":44}');
    await first.until(() => terminal.size.columns === 180 && terminal.size.rows === 44);
  });

  test("a viewer that may only read types and resizes nothing", async () => {
    const gateway = await start();
    const terminal = await gateway.terminals.open({ user: "ada" });
    const writer = await gateway.client(`/t/${terminal.id}/write`, { columns: 80, rows: 24 });
    const reader = await gateway.client(`/t/${terminal.id}/read`, { columns: 20, rows: 5 });
    reader.type("echo in''trusion\n");
    reader.send('1{"columns":30,"rows":8}');
    await reader.until(() => reader.states.length > 0);
    writer.type("echo ro''und; stty size\n");
    await reader.sees("round");
    await reader.sees("24 80");
    expect(reader.text).not.toContain("intrusion");
    expect(terminal.size).toEqual({ columns: 80, rows: 24 });
  });

  test("links let in what they allow, as often and as long as they allow", async () => {
    const gateway = await start();
    const terminal = await gateway.terminals.open({ user: "ada" });
    const share = (access: "read" | "write", more: object = {}) =>
      gateway.invites.create({ terminal: terminal.id, user: "ada", access, lifeMs: 60_000, ...more });
    const read = share("read");
    const write = share("write", { uses: 1 });
    const reader = await gateway.client(`/invite/${read.secret}`);
    const writer = await gateway.client(`/invite/${write.secret}`);
    await expect(gateway.client(`/invite/${write.secret}`)).rejects.toThrow("404");
    await expect(gateway.client(`/invite/${read.invite.id}`)).rejects.toThrow("404");
    reader.type("echo in''trusion\n");
    writer.type("echo ho''la\n");
    await reader.sees("hola");
    expect(gateway.invites.ofTerminal(terminal.id).length).toBe(2);
    expect(gateway.invites.revoke(terminal.id, write.invite.id)).toBe(true);
    expect(await writer.closed()).toEqual({ code: 4403, reason: "the link is over" });
    expect(gateway.invites.revokeAll({ user: "ada" })).toBe(1);
    expect((await reader.closed()).code).toBe(4403);
    await expect(gateway.client(`/invite/${read.secret}`)).rejects.toThrow("404");
    expect(reader.text).not.toContain("intrusion");
  });

  test("revoking a session closes its sockets, also one that reads nothing, and no other", async () => {
    const gateway = await start();
    const terminal = await gateway.terminals.open({ user: "ada" });
    const stays = await gateway.client(`/t/${terminal.id}/write?session=b`);
    const goes = await gateway.client(`/t/${terminal.id}/write?session=a`);
    const stalled = await gateway.client(`/t/${terminal.id}/write?session=a`);
    await stays.until(() => stays.states.some(({ viewers }) => viewers === 3));
    stalled.socket.pause();
    stays.type("yes | head -c 3000000; echo do''ne\n");
    await stays.sees("done");
    expect(gateway.terminals.dismiss(({ options }) => options.sessionId === "a")).toBe(2);
    expect(terminal.viewers.size).toBe(1);
    expect(await goes.closed()).toEqual({ code: 4401, reason: "logged out" });
    stalled.socket.resume();
    await stalled.closed();
    stays.type("echo al''ive\n");
    await stays.sees("alive");
  });
});

test("limits: number, user's number, viewers, time", async () => {
  let nowMs = 1_000_000;
  const events: TerminalEvent[] = [];
  const gateway = await start({
    limits: {
      maxTerminals: 3,
      maxTerminalsPerUser: 2,
      maxViewers: 1,
      idleTimeoutMs: 10_000,
      detachedTimeoutMs: 5000,
      maxTimeMs: 30_000,
      keepEndedMs: 1000,
    },
    now: () => nowMs,
    onEvent: (event) => void events.push(event),
  });
  const { terminals } = gateway;
  const one = await terminals.open({ user: "ada" });
  const two = await terminals.open({ user: "ada" });
  await expect(terminals.open({ user: "ada" })).rejects.toMatchObject({ code: "TZ_CLOUDTERM_TERMINALS" });
  await terminals.open({ user: "bob" });
  await expect(terminals.open({ user: "eve" })).rejects.toMatchObject({ code: "TZ_CLOUDTERM_TERMINALS" });
  await expect(terminals.open({ user: "eve", columns: 0 })).rejects.toMatchObject({
    code: "TZ_CLOUDTERM_SIZE",
  });
  await expect(terminals.open({ user: "eve", backend: "x" })).rejects.toMatchObject({
    code: "TZ_CLOUDTERM_NOT_FOUND",
  });
  const viewer = await gateway.client(`/t/${one.id}/write`);
  await viewer.until(() => viewer.states.length > 0);
  expect((await (await gateway.client(`/t/${one.id}/write`)).closed()).code).toBe(1013);
  nowMs += 6000;
  terminals.sweep();
  await viewer.until(() => two.ended !== undefined);
  expect(one.ended).toBeUndefined();
  viewer.type("echo a\n");
  await viewer.sees("a\r\n");
  nowMs += 9000;
  terminals.sweep();
  expect(one.ended).toBeUndefined();
  nowMs += 2000;
  terminals.sweep();
  expect(await viewer.closed()).toEqual({ code: 4408, reason: "the terminal's idleTimeoutMs is over" });
  await viewer.until(() => one.ended !== undefined);
  nowMs += 2000;
  terminals.sweep();
  expect(terminals.all).toEqual([]);
  expect(events.map((event) => (event.kind === "limit" ? event.limit : event.kind)).sort()).toEqual(
    [
      "opened",
      "opened",
      "opened",
      "ended",
      "ended",
      "ended",
      "detachedTimeoutMs",
      "detachedTimeoutMs",
      "idleTimeoutMs",
    ].sort(),
  );
});

test.each<[string, TerminalsOptions["limits"]]>([
  ["an unknown limit", { maxTerminal: 1 } as object],
  ["a limit out of its bounds", { maxTerminals: 0 }],
  ["a ring that is no power of two", { ringBytes: 100_000 }],
])("%s is refused", (_name, limits) => {
  expect(() => new Terminals({ backends: { local: localPty() }, limits })).toThrow(
    expect.objectContaining({ code: "TZ_CLOUDTERM_OPTION" }),
  );
});

test("a program that cannot be started is said to the user", async () => {
  const gateway = await start();
  gateway.app.get("/broken/:protocol", (request) =>
    gateway.accept(request, {
      access: "write",
      terminal: () => gateway.terminals.open({ user: "ada", backend: "none" }),
    }),
  );
  const client = await gateway.client("/broken/x");
  expect(await client.closed()).toMatchObject({ code: 4000 });
  expect(client.ends).toEqual([{ code: null, signal: null, message: 'there is no back end "none"' }]);
  const ttyd = await gateway.client("/broken/x", {}, { protocol: "tty" });
  await ttyd.sees('there is no back end "none"');
});

test("requests of foreign pages, and without a protocol, are refused before 101", async () => {
  const gateway = await start();
  const terminal = await gateway.terminals.open({ user: "ada" });
  const own = `http://127.0.0.1:${gateway.port}`;
  const path = `/t/${terminal.id}/write`;
  for (const origin of [
    "https://evil.example",
    "null",
    "http://127.0.0.1:1",
    `https://127.0.0.1:${gateway.port}`,
    `http://127.0.0.1.evil:${gateway.port}`,
    "garbage",
  ]) {
    await expect(gateway.client(path, {}, { origin }), origin).rejects.toThrow("403");
  }
  await expect(gateway.client(path, {}, { protocol: "chat" })).rejects.toThrow("400");
  const client = await gateway.client(path, {}, { origin: own });
  await client.until(() => client.states.length === 1);
});

test("on node:http too", async () => {
  const terminals = new Terminals({ backends: { local: localPty({ command: ["cat"] }) } });
  const sockets = new TerminalSockets();
  const terminal = await terminals.open({ user: "ada" });
  const server = createServer();
  server.on("upgrade", (request, socket, head) =>
    sockets.upgrade(request, socket, head, { terminal, access: "write" }),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const client = await TerminalClient.open(url);
  client.type("meow\n");
  await client.sees("meow\r\nmeow");
  await expect(TerminalClient.open(url, {}, { origin: "https://evil.example" })).rejects.toThrow("403");
  await expect(TerminalClient.open(url, {}, { protocol: "chat" })).rejects.toThrow("400");
  client.socket.terminate();
  await terminals.close();
  server.closeAllConnections();
  server.close();
});
