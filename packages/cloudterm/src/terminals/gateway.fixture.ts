import { type App, createServer, text } from "@tz/server";
import { Invites } from "./invites.js";
import { localPty } from "./local-pty.js";
import { type ClientOptions, TerminalClient } from "./terminal-client.fixture.js";
import type { SocketAccess } from "./terminal-socket.js";
import { TerminalSockets } from "./terminal-sockets.js";
import { DISMISSED, Terminals, type TerminalsOptions } from "./terminals.js";

const ENV = { PS1: "$ ", PATH: process.env.PATH!, HOME: "/tmp" };

/** Terminals behind `@tz/server`, as an application mounts them, without its logins. */
export class TerminalGateway {
  readonly app: App;
  readonly terminals: Terminals;
  readonly invites: Invites;
  /** Without a limit of silence: on a busy machine this process itself may be away for longer. */
  readonly sockets = new TerminalSockets({ connection: { idleTimeoutMs: 0 } });
  port = 0;
  readonly #clients: TerminalClient[] = [];

  private constructor(options: Partial<TerminalsOptions>, loop: "epoll" | "node") {
    this.app = createServer({ loop, lingerTimeoutMs: 100 });
    this.terminals = new Terminals({
      backends: { local: localPty({ command: ["sh"], env: ENV }) },
      ...options,
    });
    this.invites = new Invites(({ id }) => {
      this.terminals.dismiss(
        ({ options: { inviteId } }) => inviteId === id,
        DISMISSED.invite,
        "the link is over",
      );
    });
    this.app.get("/t/:id/:access", (request) => {
      const terminal = this.terminals.get(request.params.id);
      if (terminal === undefined) return text("no such terminal", { status: 404 });
      const access = request.params.access === "write" ? "write" : "read";
      return this.accept(request, { terminal, access, sessionId: request.query.get("session") ?? undefined });
    });
    this.app.get("/invite/:secret", (request) => {
      const invite = this.invites.enter(request.params.secret);
      const terminal = invite && this.terminals.get(invite.terminal);
      if (terminal === undefined) return text("no such link", { status: 404 });
      return this.accept(request, { terminal, access: invite!.access, inviteId: invite!.id });
    });
  }

  accept(request: Parameters<TerminalSockets["accept"]>[0], given: SocketAccess) {
    return this.sockets.accept(request, {
      hasRoom: (terminal) => this.terminals.hasRoom(terminal),
      preferences: { fontSize: 14 },
      ...given,
    });
  }

  static async start(
    options: Partial<TerminalsOptions> = {},
    loop: "epoll" | "node" = "epoll",
  ): Promise<TerminalGateway> {
    const gateway = new TerminalGateway(options, loop);
    ({ port: gateway.port } = await gateway.app.listen({ port: 0 }));
    return gateway;
  }

  async client(path: string, hello: object = {}, options: ClientOptions = {}): Promise<TerminalClient> {
    const client = await TerminalClient.open(`ws://127.0.0.1:${this.port}${path}`, hello, options);
    this.#clients.push(client);
    return client;
  }

  async stop(): Promise<void> {
    for (const { socket } of this.#clients) socket.terminate();
    await this.terminals.close();
    await this.app.close({ timeoutMs: 0 });
  }
}
