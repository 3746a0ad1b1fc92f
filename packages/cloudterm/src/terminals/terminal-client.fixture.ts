import { vi } from "vitest";
import { WebSocket } from "ws";

export interface ClientOptions {
  readonly protocol?: string;
  readonly origin?: string;
  /** Without it, what `yes` says fits into the kernel's buffers for ever. */
  readonly perMessageDeflate?: boolean;
}

/** A terminal's client without a browser: counts output bytes, keeps the text. */
export class TerminalClient {
  readonly socket: WebSocket;
  readonly states: Record<string, unknown>[] = [];
  readonly titles: string[] = [];
  readonly ends: Record<string, unknown>[] = [];
  preferences: unknown;
  /** Number of the output byte that comes next. */
  sequence = 0;
  outputBytes = 0;
  close: { code: number; reason: string } | undefined;
  error: Error | undefined;
  #text = "";

  constructor(url: string, { protocol = "tz-terminal.1", ...options }: ClientOptions = {}) {
    this.socket = new WebSocket(url, [protocol], options);
    this.socket.on("message", (data: Buffer) => this.#message(data));
    this.socket.on("close", (code, reason) => {
      this.close = { code, reason: reason.toString() };
    });
    this.socket.on("error", (error) => {
      this.error = error;
    });
  }

  static async open(url: string, hello: object = {}, options: ClientOptions = {}): Promise<TerminalClient> {
    const client = new TerminalClient(url, options);
    await vi.waitUntil(() => client.socket.readyState !== WebSocket.CONNECTING, { timeout: 120_000 });
    if (client.error !== undefined) throw client.error;
    client.send(JSON.stringify({ AuthToken: "", columns: 80, rows: 24, ...hello }));
    return client;
  }

  get text(): string {
    return this.#text;
  }

  send(message: string): void {
    this.socket.send(Buffer.from(message));
  }

  type(text: string): void {
    this.send(`0${text}`);
  }

  /** Resolves when the output has that in it. */
  async sees(what: string | RegExp): Promise<void> {
    await this.until(() => (typeof what === "string" ? this.#text.includes(what) : what.test(this.#text)));
  }

  async until(check: () => boolean): Promise<void> {
    await vi.waitUntil(check, { timeout: 120_000, interval: 5 }).catch((error: unknown) => {
      throw new Error(`${error}; last output ${JSON.stringify(this.#text.slice(-300))}`);
    });
  }

  async closed(): Promise<{ code: number; reason: string }> {
    await this.until(() => this.close !== undefined);
    return this.close!;
  }

  #message(data: Buffer): void {
    const rest = data.subarray(1);
    switch (String.fromCharCode(data[0]!)) {
      case "0":
        this.sequence += rest.length;
        this.outputBytes += rest.length;
        this.#text = (this.#text + rest.toString("latin1")).slice(-2_000_000);
        break;
      case "1":
        this.titles.push(rest.toString());
        break;
      case "2":
        this.preferences = JSON.parse(rest.toString());
        break;
      case "3": {
        const state = JSON.parse(rest.toString()) as Record<string, unknown>;
        this.states.push(state);
        if (typeof state.sequence === "number") this.sequence = state.sequence;
        break;
      }
      case "4":
        this.ends.push(JSON.parse(rest.toString()) as Record<string, unknown>);
        break;
      default:
        throw new Error(`message of type ${data[0]}`);
    }
  }
}
