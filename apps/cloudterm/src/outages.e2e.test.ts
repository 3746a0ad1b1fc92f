import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { lacksSshd, SshServer } from "../../../packages/cloudterm/src/terminals/sshd.fixture.js";
import { unusedPort } from "../../../scripts/workspace/unused-port.mjs";
import { GatewayProcess, PASSWORD, runCli, startWithAdmin, Visitor } from "./gateway-process.fixture.js";

const lacksRedis =
  spawnSync("redis-server", ["--version"]).status === 0
    ? ""
    : " (skipped: redis-server is not installed, apt-get install redis-server)";
const PATIENT = { timeout: 100_000, interval: 50 };
const folder = mkdtempSync(join(tmpdir(), "tz-outages-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A network of its own with one address in it, where this process may make one. */
class OtherNetwork {
  readonly name = `tz${process.pid}`;
  /** Not that of another run. */
  readonly #subnet = `10.213.${process.pid % 250}`;
  readonly address = `${this.#subnet}.2`;
  readonly canBeMade: boolean;

  constructor() {
    this.canBeMade =
      process.getuid?.() === 0 &&
      this.#ip(`netns add ${this.name}`) &&
      this.#ip(`link add ${this.name}a type veth peer name ${this.name}b netns ${this.name}`) &&
      this.#ip(`addr add ${this.#subnet}.1/30 dev ${this.name}a`) &&
      this.#ip(`-n ${this.name} addr add ${this.address}/30 dev ${this.name}b`) &&
      this.#ip(`-n ${this.name} link set ${this.name}b up`) &&
      this.#ip(`link set ${this.name}a up`);
  }

  /** Packets go nowhere, and nobody says so. */
  cut(): void {
    this.#ip(`-n ${this.name} link set ${this.name}b down`);
  }

  join(): void {
    this.#ip(`-n ${this.name} link set ${this.name}b up`);
  }

  remove(): void {
    this.#ip(`link del ${this.name}a`);
    this.#ip(`netns del ${this.name}`);
  }

  #ip(args: string): boolean {
    return spawnSync("ip", args.split(" "), { stdio: "ignore" }).status === 0;
  }
}

const network = new OtherNetwork();
afterAll(() => network.remove());

async function startRedis(
  address: string,
  port: number,
  prefix: readonly string[] = [],
): Promise<ChildProcess> {
  const args = [
    "--port",
    `${port}`,
    "--bind",
    address,
    "--protected-mode",
    "no",
    "--save",
    "",
    "--dir",
    folder,
    // Kept through kill -9, as a deployment would.
    ...["--appendonly", "yes", "--appendfsync", "always", "--appendfilename", `${port}.aof`],
  ];
  const [program = "", ...rest] = [...prefix, "redis-server", ...args];
  const child = spawn(program, rest);
  let text = "";
  child.stdout.on("data", (chunk) => (text += chunk));
  await vi.waitUntil(() => /ready to accept connections/i.test(text), PATIENT);
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}

async function openSocket(
  visitor: Visitor,
): Promise<{ says(text: string): Promise<void>; code: number | undefined }> {
  const socket = await visitor.socket(`api/terminals/${await visitor.openTerminal()}/socket`);
  if (typeof socket === "number") throw new Error(`status ${socket}`);
  const seen = { text: "", code: undefined as number | undefined };
  socket.on("message", (data: Buffer) => (seen.text += data.toString("latin1")));
  socket.on("close", (code) => (seen.code = code));
  socket.send(Buffer.from('{"AuthToken":"","columns":80,"rows":24}'));
  return {
    async says(text) {
      socket.send(Buffer.from(`0echo ${text.slice(0, 1)}''${text.slice(1)}\n`));
      await vi.waitUntil(() => seen.text.includes(text), PATIENT);
    },
    get code() {
      return seen.code;
    },
  };
}

describe.skipIf(lacksRedis !== "")(`Redis goes away and comes back${lacksRedis}`, () => {
  const outages: [name: string, skip: boolean][] = [
    ["stopped and started", false],
    ["silent", false],
    ["slow", false],
    [
      `on a network that is cut off${network.canBeMade ? "" : " (skipped: this process may make no network)"}`,
      !network.canBeMade,
    ],
  ];
  test.for(outages)(
    "%s: who is logged in stays so, open terminals go on, requests get an answer",
    async ([name, skip], { skip: leave }) => {
      if (skip) leave();
      const isFar = name.startsWith("on a network");
      const port = await unusedPort();
      const address = isFar ? network.address : "127.0.0.1";
      const prefix = isFar ? ["ip", "netns", "exec", network.name] : [];
      let redis = await startRedis(address, port, prefix);
      onTestFinished(() => end(redis));
      const users = join(folder, `${port}.json`);
      await runCli(["user", "add", "ada", "--users", users], `${PASSWORD}\n`);
      const gateway = await GatewayProcess.start(["--redis", `redis://${address}:${port}`, "--users", users]);
      onTestFinished(async () => void (await gateway.stop()));
      const ada = new Visitor(gateway.url);
      expect((await ada.logIn("ada")).status).toBe(200);
      const terminal = await openSocket(ada);
      await terminal.says("before");

      if (name === "slow") {
        // Each command waits for up to a second.
        spawnSync("redis-cli", ["-p", `${port}`, "CLIENT", "PAUSE", "1000", "ALL"]);
        expect((await ada.send("GET", "api/session")).status).toBe(200);
      } else {
        if (name === "stopped and started") await end(redis);
        else if (name === "silent") redis.kill("SIGSTOP");
        else network.cut();
        expect((await ada.send("GET", "api/session")).status).toBe(503);
        expect((await new Visitor(gateway.url).logIn("ada")).status).toBe(503);
        await terminal.says("meanwhile");
        if (name === "stopped and started") redis = await startRedis(address, port, prefix);
        else if (name === "silent") redis.kill("SIGCONT");
        else network.join();
      }
      await vi.waitUntil(async () => (await ada.send("GET", "api/session")).status === 200, PATIENT);
      await terminal.says("after");
      expect(terminal.code).toBe(undefined);
    },
  );
});

test.skipIf(lacksSshd !== "")(
  `sshd is restarted: open shells stay, new ones are refused until it is back${lacksSshd}`,
  async () => {
    const server = await SshServer.start();
    onTestFinished(() => server.stop());
    const hosts = join(folder, "hosts.json");
    const { port, user, fingerprint } = server;
    writeFileSync(
      hosts,
      JSON.stringify([{ name: "alpha", host: "127.0.0.1", port, user, hostKeys: [fingerprint] }]),
    );
    const { gateway, admin } = await startWithAdmin([
      "--ssh-hosts",
      hosts,
      "--ssh-key",
      server.keyPath("client"),
    ]);
    onTestFinished(async () => void (await gateway.stop()));
    const open = () => admin.send("POST", "api/terminals", { backend: "ssh", choice: "alpha" });
    const { body } = await open();
    const socket = await admin.socket(`api/terminals/${body.id}/socket`);
    if (typeof socket === "number") throw new Error(`status ${socket}`);
    let text = "";
    socket.on("message", (data: Buffer) => (text += data.toString("latin1")));
    socket.send(Buffer.from('{"AuthToken":"","columns":80,"rows":24}'));
    await server.halt();
    const { status, body: refused } = await open();
    expect([status, refused.error]).toEqual([502, "TZ_CLOUDTERM_BACKEND"]);
    socket.send(Buffer.from("0echo st''ays\n"));
    await vi.waitUntil(() => text.includes("stays"), PATIENT);
    await server.listen();
    expect((await open()).status).toBe(201);
  },
);
