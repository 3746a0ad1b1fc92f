import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TerminalGateway } from "./gateway.fixture.js";
import { sshFleet } from "./ssh-fleet.js";
import { readSshHosts, sshHosts } from "./ssh-hosts.js";
import { lacksSshd, SshServer } from "./sshd.fixture.js";

const PIN = `SHA256:${"A".repeat(43)}`;

describe.skipIf(lacksSshd !== "")(`with a real sshd${lacksSshd}`, () => {
  let server: SshServer;
  beforeAll(async () => {
    server = await SshServer.start();
  });
  afterAll(() => server?.stop());

  const host = (more: object = {}) => ({
    name: "here",
    host: "127.0.0.1",
    port: server.port,
    user: server.user,
    hostKeys: [PIN, server.fingerprint],
    ...more,
  });

  test("a shell on a host of the list: size, typing, new size, flood, exit code", async () => {
    const fleet = sshFleet({ hosts: sshHosts([host()]), privateKey: server.key("client") });
    expect(fleet.hostNames).toEqual(["here"]);
    const gateway = await TerminalGateway.start({ backends: { ssh: fleet } });
    try {
      const terminal = await gateway.terminals.open({ user: "ada", choice: "here", columns: 91, rows: 29 });
      const client = await gateway.client(`/t/${terminal.id}/write`, { columns: 91, rows: 29 });
      client.type("exec sh\n");
      client.type("stty size; echo $TERM; echo $SSH_CLIENT | cut -c1-9\n");
      await client.sees("29 91");
      await client.sees("xterm-256color");
      await client.sees("127.0.0.1");
      client.send('1{"columns":120,"rows":40}');
      await client.until(() => terminal.size.columns === 120);
      client.type("stty size; yes | head -c 2000000; echo do''ne\n");
      await client.sees("40 120");
      await client.sees("done");
      client.type("exit 5\n");
      expect(await client.closed()).toEqual({ code: 4000, reason: "the program exited with code 5" });
      const other = await gateway.terminals.open({ user: "ada", choice: "here" });
      other.end();
      await client.until(() => other.ended !== undefined);
    } finally {
      await gateway.stop();
    }
  });

  test("a shell by a key that an agent has", async () => {
    const folder = mkdtempSync(join(tmpdir(), "tz-agent-"));
    const path = join(folder, "agent");
    const agent = spawn("ssh-agent", ["-D", "-a", path], { stdio: ["ignore", "pipe", "ignore"] });
    try {
      // It says where it listens.
      await once(agent.stdout, "data");
      const env = { ...process.env, SSH_AUTH_SOCK: path };
      execFileSync("ssh-add", ["-q", server.keyPath("client")], { env });
      const fleet = sshFleet({ hosts: sshHosts([host()]), agent: path });
      let text = "";
      const ended = new Promise<unknown>((resolve, reject) => {
        const events = {
          onOutput: (bytes: Uint8Array, start: number, end: number) => {
            text += Buffer.from(bytes.subarray(start, end)).toString();
          },
          onDrain() {},
          onEnd: resolve,
        };
        fleet.open({ columns: 80, rows: 24, user: "ada", choice: "here" }, events).then((terminal) => {
          const line = Buffer.from("exec sh -c 'echo from the agent; exit 4'\n");
          terminal.write(line, 0, line.length);
        }, reject);
      });
      expect(await ended).toMatchObject({ code: 4 });
      expect(text).toContain("from the agent\r\n");
    } finally {
      agent.kill();
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test("files of the host over SFTP: list, send, fetch, limits", async () => {
    const folder = mkdtempSync(join(tmpdir(), "tz-sftp-"));
    const fleet = sshFleet({ hosts: sshHosts([host()]), privateKey: server.key("client") });
    const events = { onOutput() {}, onDrain() {}, onEnd() {} };
    const terminal = await fleet.open({ columns: 80, rows: 24, user: "ada", choice: "here" }, events);
    const files = terminal.files!;
    async function* pieces(...texts: string[]): AsyncGenerator<Uint8Array> {
      for (const text of texts) yield Buffer.from(text);
    }
    const code = (promise: Promise<unknown>) =>
      promise.then(
        () => "nothing was thrown",
        (error: { code: string }) => error.code,
      );
    try {
      const path = join(folder, "a ☃");
      const big = "x".repeat(500_000);
      expect(await files.save(path, pieces("one ", big), { maxBytes: 1_000_000 })).toBe(500_004);
      expect(readFileSync(path, "utf8")).toBe(`one ${big}`);
      const { name, byteLength, chunks } = await files.read(path, 1_000_000);
      const parts: Uint8Array[] = [];
      for await (const chunk of chunks) parts.push(chunk);
      expect([name, byteLength, Buffer.concat(parts).toString()]).toEqual(["a ☃", 500_004, `one ${big}`]);
      expect(await code(files.save(path, pieces("new"), { maxBytes: 9 }))).toBe("TZ_CLOUDTERM_FILE_EXISTS");
      await files.save(path, pieces("new"), { maxBytes: 9, overwrite: true });
      expect(readFileSync(path, "utf8")).toBe("new");
      expect(await code(files.save(join(folder, "big"), pieces("12345", "6"), { maxBytes: 5 }))).toBe(
        "TZ_CLOUDTERM_FILE_SIZE",
      );
      expect(await code(files.read(path, 2))).toBe("TZ_CLOUDTERM_FILE_SIZE");
      expect(await code(files.read(join(folder, "nothing"), 9))).toBe("TZ_CLOUDTERM_NOT_FOUND");
      expect(await code(files.read(folder, 9))).toBe("TZ_CLOUDTERM_FILE");
      expect(await code(files.save(join(folder, "no/where"), pieces("x"), { maxBytes: 9 }))).toBe(
        "TZ_CLOUDTERM_NOT_FOUND",
      );
      // Nothing is left of what failed.
      expect((await files.list(folder)).map((entry) => entry.name)).toEqual(["a ☃"]);
    } finally {
      terminal.end();
      rmSync(folder, { recursive: true, force: true });
    }
    await expect(files.list(folder)).rejects.toMatchObject({ code: "TZ_CLOUDTERM_FILE" });
  });

  test.each<[string, () => Parameters<typeof sshFleet>[0], RegExp]>([
    [
      "a host key that is not pinned",
      () => ({ hosts: sshHosts([host({ hostKeys: [PIN] })]), privateKey: server.key("client") }),
      /its host key SHA256:\S+ is not one that is pinned/,
    ],
    [
      "a key that the host does not know",
      () => ({ hosts: sshHosts([host()]), privateKey: server.key("stranger") }),
      /authentication methods failed/,
    ],
    ["a key that is none", () => ({ hosts: sshHosts([host()]), privateKey: "no key" }), /parse/],
    ["an agent that is not there", () => ({ hosts: sshHosts([host()]), agent: "/nowhere" }), /here: /],
    [
      "a host that is not there",
      () => ({ hosts: sshHosts([host({ port: 1 })]), privateKey: server.key("client") }),
      /ECONNREFUSED/,
    ],
  ])("%s opens nothing, and is said", async (_name, options, message) => {
    const events = { onOutput() {}, onDrain() {}, onEnd() {} };
    const start = { columns: 80, rows: 24, user: "ada", choice: "here" };
    await expect(sshFleet(options()).open(start, events)).rejects.toMatchObject({
      code: "TZ_CLOUDTERM_BACKEND",
      message: expect.stringMatching(message),
    });
  });

  test("what a user says is a name of the list or nothing", async () => {
    const fleet = sshFleet({ hosts: sshHosts([host()]), privateKey: server.key("client") });
    const events = { onOutput() {}, onDrain() {}, onEnd() {} };
    for (const choice of [
      "-oProxyCommand=touch /tmp/owned",
      "here -oProxyCommand=x",
      "here%0a",
      "here\n",
      "HERE",
      "127.0.0.1",
      "root@here",
      "__proto__",
      "",
      undefined,
    ]) {
      await expect(fleet.open({ columns: 80, rows: 24, user: "ada", choice }, events)).rejects.toMatchObject({
        code: "TZ_CLOUDTERM_BACKEND",
      });
    }
  });
});

const right = { name: "a", host: "a.example", user: "ada", hostKeys: [PIN] };

test.each<[string, unknown]>([
  ["no list", {}],
  ["a host that is none", [null]],
  ["a name that begins with a dash", [{ ...right, name: "-oProxyCommand=x" }]],
  ["a host that begins with a dash", [{ ...right, host: "-oProxyCommand=x" }]],
  ["a host with a space", [{ ...right, host: "a b" }]],
  ["a host with a line feed", [{ ...right, host: "a\nb" }]],
  ["a host with an encoded one", [{ ...right, host: "a%0ab" }]],
  ["a host with a user", [{ ...right, host: "80@evil" }]],
  ["a user that begins with a dash", [{ ...right, user: "-l" }]],
  ["a port out of bounds", [{ ...right, port: 0 }]],
  ["no pinned key", [{ ...right, hostKeys: [] }]],
  ["a fingerprint that is none", [{ ...right, hostKeys: ["MD5:00"] }]],
  ["a name twice", [right, right]],
  ["an option of ssh", [{ ...right, proxyCommand: "x" }]],
])("a host list with %s is refused", (_name, list) => {
  expect(() => sshHosts(list)).toThrow(expect.objectContaining({ code: "TZ_CLOUDTERM_OPTION" }));
});

test("the host list is a file of JSON", () => {
  const folder = mkdtempSync(join(tmpdir(), "tz-hosts-"));
  const path = join(folder, "hosts.json");
  writeFileSync(path, JSON.stringify([right]));
  expect(readSshHosts(path)).toEqual([{ ...right, port: 22 }]);
  writeFileSync(path, "[");
  expect(() => readSshHosts(path)).toThrow(expect.objectContaining({ code: "TZ_CLOUDTERM_OPTION" }));
  rmSync(folder, { recursive: true });
  expect(() => readSshHosts(path)).toThrow(expect.objectContaining({ code: "TZ_CLOUDTERM_OPTION" }));
  expect(() => sshFleet({ hosts: [] })).toThrow(expect.objectContaining({ code: "TZ_CLOUDTERM_OPTION" }));
});
