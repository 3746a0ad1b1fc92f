import { existsSync, readFileSync } from "node:fs";
import { expect, test, vi } from "vitest";
import { localPty } from "./local-pty.js";
import type { BackendTerminal, TerminalEnd } from "./terminal-backend.js";

interface Run {
  readonly terminal: BackendTerminal;
  readonly ended: Promise<TerminalEnd>;
  text(): string;
  drains: number;
}

async function run(command: string[], options: object = {}): Promise<Run> {
  let text = "";
  let end!: (value: TerminalEnd) => void;
  const ended = new Promise<TerminalEnd>((resolve) => {
    end = resolve;
  });
  const result = { drains: 0, ended, text: () => text } as Run & { terminal: BackendTerminal };
  result.terminal = await localPty({ command, ...options }).open(
    { columns: 90, rows: 30, user: "ada" },
    {
      onOutput: (bytes, from, to) => {
        text += Buffer.from(bytes.subarray(from, to)).toString("latin1");
      },
      onDrain: () => void result.drains++,
      onEnd: end,
    },
  );
  return result;
}

const send = ({ terminal }: Run, text: string) =>
  terminal.write(Buffer.from(text), 0, Buffer.byteLength(text));
const until = (check: () => boolean) => vi.waitUntil(check, { timeout: 120_000, interval: 10 });
const alive = (pid: number) =>
  existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));

test("a program has a terminal of its own, its size, and its exit code", async () => {
  const shell = await run(["sh", "-c", "tty; stty size; echo $TERM; pwd; exit 3"], { cwd: "/tmp" });
  expect(await shell.ended).toEqual({
    code: 3,
    signal: undefined,
    message: "the program exited with code 3",
  });
  expect(shell.text()).toMatch(/^\/dev\/pts\/\d+\r\n30 90\r\nxterm-256color\r\n\/tmp\r\n$/);
});

test("no byte of what a program wrote last is lost", async () => {
  const bytes = 3_000_000;
  const program = await run(["sh", "-c", `head -c ${bytes} /dev/zero | tr '\\0' x; printf END`]);
  await program.ended;
  expect(program.text().length).toBe(bytes + 3);
  expect(program.text().endsWith("xEND")).toBe(true);
});

test("input, a new size, and a signal's name", async () => {
  const shell = await run(["sh"], { env: { PS1: "", PATH: process.env.PATH! } });
  send(shell, "stty -echo; echo ready=$((1+1))\n");
  await until(() => shell.text().includes("ready=2"));
  shell.terminal.resize({ columns: 132, rows: 50 });
  send(shell, "stty size; kill -9 $$\n");
  expect(await shell.ended).toMatchObject({ code: undefined, signal: "SIGKILL" });
  expect(shell.text()).toContain("50 132");
});

test("a paused program waits, and goes on", async () => {
  const program = await run(["sh", "-c", "read a; yes | head -c 4000000; echo; echo done"]);
  program.terminal.pause();
  send(program, "\n");
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(program.text()).toBe("");
  program.terminal.resume();
  await program.ended;
  expect(program.text()).toContain("done");
});

test("input that a program does not read waits, and goes to it when it reads", async () => {
  const program = await run([
    "sh",
    "-c",
    "stty raw -echo; echo go; read a < /dev/null; kill -STOP $$; wc -c",
  ]);
  await until(() => program.text().includes("go"));
  const paste = "p".repeat(1_000_000);
  expect(send(program, paste)).toBe(false);
  const waiting = program.terminal.pendingInputBytes;
  expect(waiting).toBeGreaterThan(500_000);
  process.kill(program.terminal.pid!, "SIGCONT");
  await until(() => program.drains > 0);
  expect(program.terminal.pendingInputBytes).toBe(0);
  program.terminal.end();
  await program.ended;
});

test("the end takes background jobs and those that ignore the hang-up along", async () => {
  const shell = await run(["bash", "--norc", "-i"], { env: { PATH: process.env.PATH! } });
  send(shell, "trap '' HUP; (trap '' HUP TERM; while :; do sleep 1000; done) & echo pids $! $$ .\n");
  await until(() => /pids \d+ \d+ \./.test(shell.text()));
  const [, job, leader] = /pids (\d+) (\d+) \./.exec(shell.text())!;
  expect(alive(Number(job))).toBe(true);
  shell.terminal.end();
  expect(await shell.ended).toMatchObject({ signal: "SIGKILL" });
  await until(() => !alive(Number(job)) && !alive(Number(leader)));
});

test("what a program leaves behind ends after it", async () => {
  const shell = await run([
    "bash",
    "--norc",
    "-c",
    "set -m; nohup sleep 1000 >/dev/null 2>&1 & echo pid $! .",
  ]);
  await shell.ended;
  const job = Number(/pid (\d+) \./.exec(shell.text())![1]);
  await until(() => !alive(job));
});

test("the environment has no secrets of the gateway", async () => {
  process.env.TZ_CLOUDTERM_ADMIN_PASSWORD = "geheim";
  process.env.MY_API_TOKEN = "geheim";
  const program = await run(["env"]);
  await program.ended;
  delete process.env.TZ_CLOUDTERM_ADMIN_PASSWORD;
  delete process.env.MY_API_TOKEN;
  expect(program.text()).toContain("PATH=");
  expect(program.text()).not.toContain("geheim");
});

const isRoot = process.getuid?.() === 0;
test.skipIf(!isRoot)(
  `another user, without the gateway's groups${isRoot ? "" : " (skipped: not root)"}`,
  async () => {
    const program = await run(["id"], { uid: 65534, gid: 65534, cwd: "/" });
    await program.ended;
    expect(program.text()).toMatch(/^uid=65534\S* gid=65534\S* groups=65534\S*\r\n$/);
  },
);

test.each<[string, object]>([
  ["a program that is not there", { command: ["/nowhere/prog"] }],
  ["an empty command", { command: [] }],
  ["a NUL byte", { command: ["sh", "a\0b"] }],
  ["a directory that is not there", { cwd: "/nowhere" }],
  ["uid alone", { uid: 1000 }],
  ["a uid out of bounds", { uid: -1, gid: 0 }],
  ["a name with =", { env: { "a=b": "c" } }],
  ["an unknown option", { shell: "sh" }],
])("%s is refused when it is set up", (_name, options) => {
  expect(() => localPty(options)).toThrow(expect.objectContaining({ code: "TZ_CLOUDTERM_OPTION" }));
});
