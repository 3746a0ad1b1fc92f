import { CLOSE, type ConnectionHandler, type WebSocketConnection } from "@tz/ws";
import { closeReason } from "../close-reason.js";
import { CloudtermError } from "../errors.js";
import type { Terminal } from "./terminal.js";
import type { TerminalEnd } from "./terminal-backend.js";
import type { TerminalSize } from "./terminal-size.js";
import { DISMISSED } from "./terminals.js";
import type { Access, Viewer, ViewerSink, ViewerState } from "./viewer.js";
import {
  CLIENT,
  CLOSED,
  readHello,
  readResize,
  readSequence,
  SERVER,
  TERMINAL_PROTOCOL,
  TTYD_CLOSED,
  textMessage,
} from "./wire.js";

/** What a request was found to be allowed, before its handshake is answered. */
export interface SocketAccess {
  /** The terminal, or what opens one when the client has said its size. */
  readonly terminal: Terminal | ((size: TerminalSize | undefined) => Promise<Terminal>);
  readonly access: Access;
  readonly sessionId?: string | undefined;
  readonly inviteId?: string | undefined;
  readonly name?: string | undefined;
  /** Judges `AuthToken` of the first message; default: any will do, the request was judged. */
  readonly checkToken?: ((token: string) => boolean) | undefined;
  /** Sent as ttyd's preferences message. */
  readonly preferences?: object | undefined;
  /** Whether one more may look; asked when the client has said hello. */
  readonly hasRoom?: ((terminal: Terminal) => boolean) | undefined;
}

/** A client that does not say hello for so long is closed. */
const HELLO_TIMEOUT_MS = 10_000;
/** How long the close of somebody whose access is over may take. */
const DISMISS_MS = 500;

/** One WebSocket at a terminal: messages to viewer calls, viewer events to messages. */
export class TerminalSocket implements ViewerSink {
  readonly #connection: WebSocketConnection;
  readonly #given: SocketAccess;
  readonly #extended: boolean;
  #viewer: Viewer | undefined;
  #helloTimer: NodeJS.Timeout | undefined;
  #greeted = false;
  #closed = false;

  constructor(connection: WebSocketConnection, given: SocketAccess) {
    this.#connection = connection;
    this.#given = given;
    this.#extended = connection.protocol === TERMINAL_PROTOCOL;
    this.#helloTimer = setTimeout(
      () => connection.close(CLOSE.policyViolation, "no hello in time"),
      HELLO_TIMEOUT_MS,
    );
    this.#helloTimer.unref();
  }

  // ---- from the client

  message(bytes: Uint8Array, start: number, end: number): void {
    if (start === end) return;
    const type = bytes[start];
    if (!this.#greeted) {
      if (type === CLIENT.hello) this.#hello(bytes, start, end);
      else this.#connection.close(CLOSE.policyViolation, "the first message must be a hello");
      return;
    }
    const viewer = this.#viewer;
    if (viewer === undefined) return;
    if (type === CLIENT.input) {
      if (!viewer.input(bytes, start + 1, end)) this.#connection.pause();
    } else if (type === CLIENT.resize) {
      const size = readResize(bytes, start + 1, end);
      if (size !== undefined) viewer.resize(size);
    } else if (type === CLIENT.pause) {
      viewer.pause();
    } else if (type === CLIENT.resume) {
      viewer.resume();
    } else if (type === CLIENT.acknowledge && this.#extended) {
      viewer.acknowledge(readSequence(bytes, start + 1, end));
    }
    // What is not known is ignored, as ttyd does.
  }

  #hello(bytes: Uint8Array, start: number, end: number): void {
    const hello = readHello(bytes, start, end);
    const { checkToken, terminal } = this.#given;
    if (hello === undefined || checkToken?.(hello.token) === false) {
      this.#connection.close(CLOSE.policyViolation, hello === undefined ? "no hello" : "wrong token");
      return;
    }
    this.#greeted = true;
    clearTimeout(this.#helloTimer);
    const attach = (to: Terminal): void => {
      const { hasRoom, access, sessionId, inviteId, name, preferences } = this.#given;
      if (this.#closed) return;
      if (hasRoom?.(to) === false) {
        this.#connection.close(this.#extended ? CLOSE.tryAgainLater : TTYD_CLOSED.normal, "too many viewers");
        return;
      }
      if (!this.#extended) {
        // ttyd's order: title, preferences, output.
        this.title(to.title);
        this.#connection.send(textMessage(SERVER.preferences, JSON.stringify(preferences ?? {})));
      }
      const { size, resumeFrom, acknowledges } = hello;
      const extras = this.#extended ? { resumeFrom, acknowledges } : {};
      // Output comes from within `attach`, before its viewer is known here: that is why drains are looked up later.
      const viewer = to.attach(this, { access, sessionId, inviteId, name, size, ...extras });
      this.#viewer = viewer;
      viewer.onInputDrain = () => this.#connection.resume();
      if (this.#closed) viewer.leave();
    };
    if (typeof terminal !== "function") {
      attach(terminal);
      return;
    }
    // What is typed meanwhile waits in the socket.
    this.#connection.pause();
    terminal(hello.size).then(
      (opened) => {
        attach(opened);
        this.#connection.resume();
      },
      (error: unknown) => this.#failed(error),
    );
  }

  /** There is no terminal: the user sees why. */
  #failed(error: unknown): void {
    const message = error instanceof CloudtermError ? error.message : "the terminal cannot be opened";
    const end: TerminalEnd = { code: undefined, signal: undefined, message };
    if (this.#extended) {
      this.ended(end);
      return;
    }
    this.#connection.send(textMessage(SERVER.output, `\r\n${printable(message)}\r\n`));
    this.#connection.close(TTYD_CLOSED.normal, closeReason(message));
  }

  drained(): void {
    this.#viewer?.writable();
  }

  closed(): void {
    this.#closed = true;
    clearTimeout(this.#helloTimer);
    this.#viewer?.leave();
  }

  // ---- from the terminal

  output(bytes: Uint8Array, start: number, end: number): boolean {
    return this.#connection.sendRange(bytes, start, end, false);
  }

  state(state: ViewerState): void {
    if (this.#extended) this.#connection.send(textMessage(SERVER.state, JSON.stringify(state)));
    // A ttyd client has no word for it: its screen is cleared.
    else if (state.reset === true && (state.sequence ?? 0) > 0) {
      this.#connection.send(textMessage(SERVER.output, "\x1bc"));
    }
  }

  title(title: string): void {
    this.#connection.send(textMessage(SERVER.title, title));
  }

  ended(end: TerminalEnd): void {
    if (this.#extended) {
      const { code = null, signal = null, message } = end;
      this.#connection.send(textMessage(SERVER.end, JSON.stringify({ code, signal, message })));
    }
    this.#finish(end);
  }

  #finish(end: TerminalEnd): void {
    const codes = this.#extended ? CLOSED : TTYD_CLOSED;
    const code = end.code === 0 ? codes.normal : codes.failed;
    this.#connection.close(code, closeReason(end.message));
  }

  dismissed(code: number, reason: string): void {
    this.#closed = true;
    const ttydCode = code === DISMISSED.limit ? TTYD_CLOSED.normal : TTYD_CLOSED.denied;
    this.#connection.close(this.#extended ? code : ttydCode, closeReason(reason));
    // Behind output that nobody reads a close would not arrive.
    setTimeout(() => this.#connection.terminate(), DISMISS_MS).unref();
  }
}

/** Without what a terminal would act upon. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, " ");
}

/** What the WebSocket layer calls; `connection.data` is the connection's {@link TerminalSocket}. */
export const terminalSocketHandler: ConnectionHandler = {
  onMessage(connection, bytes, start, end) {
    (connection.data as TerminalSocket | undefined)?.message(bytes, start, end);
  },
  onDrain(connection) {
    (connection.data as TerminalSocket | undefined)?.drained();
  },
  onClose(connection) {
    (connection.data as TerminalSocket | undefined)?.closed();
  },
};
