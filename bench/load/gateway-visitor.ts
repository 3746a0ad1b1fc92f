import { Agent, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { ServerProcess } from "../harness/server-process.js";

const PASSWORD = "correct horse battery";
const SETUP_TIMEOUT_MS = 30_000;

interface Reply {
  readonly status: number;
  readonly cookies: readonly string[];
  readonly body: Record<string, unknown>;
}

/** Somebody who is logged into a gateway: keeps cookies, sends Origin and the CSRF token. */
export class GatewayVisitor {
  readonly port: number;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 16 });
  readonly #cookies = new Map<string, string>();
  #csrfToken = "";

  constructor(port: number) {
    this.port = port;
  }

  /** The first user of a gateway, by the link that it prints. */
  static async setUp(gateway: ServerProcess): Promise<GatewayVisitor> {
    const visitor = new GatewayVisitor(gateway.port);
    const deadline = Date.now() + SETUP_TIMEOUT_MS;
    let ticket: string | undefined;
    while ((ticket = /#setup=(\S+)\s/.exec(gateway.output)?.[1]) === undefined) {
      if (Date.now() > deadline) throw new Error(`the gateway printed no link:\n${gateway.output}`);
      await sleep(20);
    }
    await visitor.send("POST", "/api/setup", { ticket, user: "admin", password: PASSWORD });
    return visitor;
  }

  get origin(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async openTerminal(): Promise<string> {
    const { body } = await this.send("POST", "/api/terminals", {});
    return body.id as string;
  }

  /** The head of a request for a terminal's socket. */
  handshakeOf(terminal: string): string {
    return [
      `GET /api/terminals/${terminal}/socket HTTP/1.1`,
      `Host: 127.0.0.1:${this.port}`,
      `Origin: ${this.origin}`,
      `Cookie: ${this.#cookie}`,
      "Upgrade: websocket",
      "Connection: Upgrade",
      "Sec-WebSocket-Version: 13",
      "Sec-WebSocket-Protocol: tz-terminal.1",
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
      "",
      "",
    ].join("\r\n");
  }

  /** Logs a user in as the proxy in front says, without the cookies of anybody. */
  async logInByHeader(user: string): Promise<void> {
    const { status, cookies } = await this.#exchange("GET", "/api/session", undefined, {
      "Remote-User": user,
    });
    if (status !== 200 || !cookies.some((cookie) => cookie.startsWith("cloudterm=")))
      throw new Error(`a login by header is answered ${status}`);
  }

  /** @throws Error when the answer is no 2xx */
  async send(method: string, path: string, body?: unknown): Promise<Reply> {
    const reply = await this.#exchange(method, path, body, {
      Cookie: this.#cookie,
      "X-CSRF-Token": this.#csrfToken,
    });
    if (reply.status >= 300)
      throw new Error(`${method} ${path}: ${reply.status} ${JSON.stringify(reply.body)}`);
    for (const cookie of reply.cookies) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      this.#cookies.set(name, value);
    }
    const { csrfToken } = (reply.body.welcome ?? reply.body) as { csrfToken?: string };
    this.#csrfToken = csrfToken ?? this.#csrfToken;
    return reply;
  }

  close(): void {
    this.#agent.destroy();
  }

  get #cookie(): string {
    return [...this.#cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  }

  #exchange(
    method: string,
    path: string,
    body: unknown,
    fields: Readonly<Record<string, string>>,
  ): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const headers = {
        Origin: this.origin,
        ...(body !== undefined && { "Content-Type": "application/json" }),
      };
      const { port } = this;
      const sent = request(
        { host: "127.0.0.1", port, method, path, agent: this.#agent, headers: { ...headers, ...fields } },
        (answer) => {
          let text = "";
          answer.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
          answer.on("end", () => {
            const isJson = /\bjson\b/.test(answer.headers["content-type"] ?? "");
            resolve({
              status: answer.statusCode ?? 0,
              cookies: answer.headers["set-cookie"] ?? [],
              body: isJson ? (JSON.parse(text) as Record<string, unknown>) : { text },
            });
          });
        },
      );
      sent.on("error", reject);
      sent.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }
}
