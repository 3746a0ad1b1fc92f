import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DEFAULT_SCHEME, hashPassword, type UserRole, UsersFile } from "@tz/cloudterm";
import { inject, vi } from "vitest";
import { WebSocket } from "ws";

const cli = fileURLToPath(new URL("./cli.ts", import.meta.url));
/** The sources, or with `TZ_CLOUDTERM_CLI` a program that was built. */
const PROGRAM =
  process.env.TZ_CLOUDTERM_CLI === undefined
    ? ["--import", "tsx", "--conditions=@tz/source", cli]
    : [process.env.TZ_CLOUDTERM_CLI];
export const PASSWORD = "correct horse battery";

/** The program as people run it, in a process of its own. */
export class GatewayProcess {
  readonly data: string;
  readonly #child: ChildProcess;
  output = "";
  url = "";
  setupTicket = "";

  private constructor(data: string, child: ChildProcess) {
    this.data = data;
    this.#child = child;
    const note = (chunk: Buffer) => {
      this.output += chunk;
    };
    child.stdout!.on("data", note);
    child.stderr!.on("data", note);
  }

  static async start(
    args: readonly string[] = [],
    data = newData(),
    env: Readonly<Record<string, string>> = {},
  ): Promise<GatewayProcess> {
    const child = spawn(process.execPath, [...PROGRAM, "--port", "0", "--data", data, ...args], {
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        PATH: process.env.PATH,
        HOME: data,
        SHELL: "/bin/sh",
        PS1: "$ ",
        LANG: "C.UTF-8",
        TZ_CHECK: "1",
        ...(process.env.TZ_CLOUDTERM_CLI === undefined && { TZ_CLOUDTERM_WEB: inject("builtWeb") }),
        ...env,
      },
    });
    const gateway = new GatewayProcess(data, child);
    await vi.waitUntil(() => gateway.output.includes("Listening on") || child.exitCode !== null, {
      timeout: 150_000,
    });
    gateway.url = /Listening on (\S+)/.exec(gateway.output)?.[1] ?? "";
    if (gateway.url === "") throw new Error(gateway.output);
    return gateway;
  }

  /** The secret of the first run's link. */
  async setup(): Promise<string> {
    await vi.waitUntil(() => /#setup=\S+\n/.test(this.output), { timeout: 150_000 });
    return /#setup=(\S+)/.exec(this.output)![1]!;
  }

  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
    const child = this.#child;
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
    child.kill(signal);
    return ended;
  }
}

export function newData(): string {
  return mkdtempSync(join(tmpdir(), "tz-cloudterm-data-"));
}

/** A user with {@link PASSWORD}, as `cloudterm user add` makes one, without a process of its own. */
export async function addUser(usersPath: string, name: string, role: UserRole = "user"): Promise<void> {
  const hash = await hashPassword(Buffer.from(PASSWORD), DEFAULT_SCHEME);
  await new UsersFile(usersPath).add({ name, role, hash });
}

/** `cloudterm user …` with a line on its standard input. */
export function runCli(
  args: readonly string[],
  input = "",
): Promise<{ code: number | null; output: string }> {
  const env = { ...process.env, TZ_CLOUDTERM_WEB: inject("builtWeb") };
  const child = spawn(process.execPath, [...PROGRAM, ...args], { env });
  let output = "";
  child.stdout.on("data", (chunk) => (output += chunk));
  child.stderr.on("data", (chunk) => (output += chunk));
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  return new Promise((resolve) => child.once("close", (code) => resolve({ code, output })));
}

export interface Reply {
  readonly status: number;
  readonly body: Record<string, unknown>;
  readonly headers: Headers;
}

/** A browser without a screen: keeps cookies, sends Origin and the CSRF token. */
export class Visitor {
  readonly url: string;
  readonly cookies = new Map<string, string>();
  csrfToken = "";

  constructor(url: string) {
    this.url = url;
  }

  get origin(): string {
    return new URL(this.url).origin;
  }

  get cookie(): string {
    return [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  }

  async send(
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Reply> {
    const answer = await fetch(new URL(path, this.url), {
      method,
      redirect: "manual",
      headers: {
        origin: this.origin,
        cookie: this.cookie,
        "x-csrf-token": this.csrfToken,
        ...(body !== undefined && { "content-type": "application/json" }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    for (const field of answer.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(field)!;
      if (/Max-Age=0/.test(field)) this.cookies.delete(name!);
      else this.cookies.set(name!, value!);
    }
    const text = await answer.text();
    const parsed = /\bjson\b/.test(answer.headers.get("content-type") ?? "")
      ? (JSON.parse(text) as Record<string, unknown>)
      : { text };
    const welcome = (parsed.welcome ?? parsed) as { csrfToken?: string };
    if (welcome.csrfToken !== undefined) this.csrfToken = welcome.csrfToken;
    return { status: answer.status, body: parsed, headers: answer.headers };
  }

  logIn(user = "admin", password = PASSWORD): Promise<Reply> {
    return this.send("POST", "api/login", { user, password });
  }

  async openTerminal(): Promise<string> {
    const { body, status } = await this.send("POST", "api/terminals", {});
    if (status !== 201) throw new Error(JSON.stringify(body));
    return body.id as string;
  }

  /** The status that a handshake is refused with, or the socket when it is not. */
  socket(path: string, headers: Readonly<Record<string, string>> = {}): Promise<number | WebSocket> {
    const url = new URL(path, this.url.replace(/^http/, "ws"));
    const socket = new WebSocket(url, "tz-terminal.1", {
      headers: { cookie: this.cookie, origin: this.origin, ...headers },
      rejectUnauthorized: false,
    });
    return new Promise((resolve, reject) => {
      socket.on("open", () => resolve(socket));
      socket.on("error", reject);
      socket.on("unexpected-response", (_request, answer) => {
        answer.resume();
        resolve(answer.statusCode!);
      });
    });
  }
}

/** A gateway with an administrator, who is logged in. */
export async function startWithAdmin(
  args: readonly string[] = [],
): Promise<{ gateway: GatewayProcess; admin: Visitor }> {
  const gateway = await GatewayProcess.start(args);
  const admin = new Visitor(gateway.url);
  const { status, body } = await admin.send("POST", "api/setup", {
    ticket: await gateway.setup(),
    user: "admin",
    password: PASSWORD,
  });
  if (status !== 200) throw new Error(JSON.stringify(body));
  return { gateway, admin };
}
