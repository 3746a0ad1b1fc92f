/** How a terminal's WebSocket is opened again: the path may hold a ticket that is good once. */
export interface SocketSource {
  /** @throws Error when the terminal is gone for good: `final` is true then */
  url(): Promise<string>;
}

export interface SocketEvents {
  output(bytes: Uint8Array, sequenceEnd: number): void;
  /** Start with an empty screen. */
  reset(): void;
  state(state: Readonly<Record<string, unknown>>): void;
  title(title: string): void;
  status(status: SocketStatus): void;
}

export type SocketStatus =
  | { readonly kind: "open" }
  | { readonly kind: "waiting"; readonly seconds: number }
  | { readonly kind: "over"; readonly message: string };

export class TerminalGone extends Error {}

const PROTOCOL = "tz-terminal.1";
/** The close code of a session that is over. */
const LOGGED_OUT = 4401;
const BACKOFF_MS = [250, 500, 1000, 2000, 4000, 8000];
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Speaks `tz-terminal.1`: connects again by itself and goes on at the byte where it stopped. */
export class TerminalSocket {
  readonly #source: SocketSource;
  readonly #events: SocketEvents;
  #socket: WebSocket | undefined;
  #size = { columns: 80, rows: 24 };
  /** Number of the output byte that comes next; `undefined` before the first. */
  #sequence: number | undefined;
  #attempt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;
  #end: string | undefined;

  constructor(source: SocketSource, events: SocketEvents) {
    this.#source = source;
    this.#events = events;
    window.addEventListener("online", this.#hurry);
    document.addEventListener("visibilitychange", this.#hurry);
  }

  get isOpen(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  start(size: { columns: number; rows: number }): void {
    this.#size = size;
    void this.#connect();
  }

  send(text: string): void {
    this.#message("0", text);
  }

  /** Bytes that are no text: mouse reports of old programs. */
  sendBinary(binary: string): void {
    const bytes = new Uint8Array(binary.length + 1);
    bytes[0] = 0x30;
    for (let i = 0; i < binary.length; i++) bytes[i + 1] = binary.charCodeAt(i);
    if (this.isOpen) this.#socket!.send(bytes);
  }

  resize(size: { columns: number; rows: number }): void {
    this.#size = size;
    this.#message("1", JSON.stringify(size));
  }

  /** What was shown, so that more comes. */
  acknowledge(sequence: number): void {
    this.#message("4", String(sequence));
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    window.removeEventListener("online", this.#hurry);
    document.removeEventListener("visibilitychange", this.#hurry);
    this.#socket?.close();
  }

  #message(type: string, text: string): void {
    if (this.isOpen) this.#socket!.send(encoder.encode(type + text));
  }

  async #connect(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    let url: string;
    try {
      url = await this.#source.url();
    } catch (error) {
      if (error instanceof TerminalGone) this.#over(error.message);
      else this.#later();
      return;
    }
    if (this.#closed) return;
    const socket = new WebSocket(url, PROTOCOL);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    socket.onopen = () => {
      const resume = this.#sequence === undefined ? {} : { resumeFrom: this.#sequence };
      socket.send(encoder.encode(JSON.stringify({ AuthToken: "", ...this.#size, acks: true, ...resume })));
      this.#attempt = 0;
      this.#events.status({ kind: "open" });
    };
    socket.onmessage = ({ data }: MessageEvent<ArrayBuffer>) => this.#receive(new Uint8Array(data));
    socket.onclose = ({ code, reason }) => {
      if (this.#closed || this.#socket !== socket) return;
      // A login that is over is not the terminal's end: whoever asks again is told, or has a new one.
      const isOver =
        this.#end !== undefined ||
        code === 1000 ||
        code === 1008 ||
        (code >= 4000 && code < 5000 && code !== LOGGED_OUT);
      if (isOver) this.#over(this.#end ?? (reason || "the terminal has ended"));
      else this.#later();
    };
  }

  #receive(message: Uint8Array): void {
    const rest = message.subarray(1);
    switch (message[0]) {
      case 0x30: {
        this.#sequence = (this.#sequence ?? 0) + rest.length;
        this.#events.output(rest, this.#sequence);
        break;
      }
      case 0x31:
        this.#events.title(decoder.decode(rest));
        break;
      case 0x33: {
        const state = JSON.parse(decoder.decode(rest)) as Record<string, unknown>;
        if (typeof state.sequence === "number") this.#sequence = state.sequence;
        if (state.reset === true) this.#events.reset();
        this.#events.state(state);
        break;
      }
      case 0x34:
        this.#end = String((JSON.parse(decoder.decode(rest)) as { message?: string }).message ?? "ended");
        break;
    }
  }

  #over(message: string): void {
    this.#closed = true;
    this.#events.status({ kind: "over", message });
  }

  #later(): void {
    if (this.#closed) return;
    const delayMs = BACKOFF_MS[Math.min(this.#attempt++, BACKOFF_MS.length - 1)]!;
    this.#events.status({ kind: "waiting", seconds: Math.ceil(delayMs / 1000) });
    this.#timer = setTimeout(() => void this.#connect(), delayMs);
  }

  readonly #hurry = (): void => {
    if (this.#timer === undefined || document.hidden) return;
    this.#attempt = 0;
    void this.#connect();
  };
}
