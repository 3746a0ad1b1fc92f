import { randomBytes } from "node:crypto";
import { CloudtermError, shown } from "../errors.js";
import { type NumberOptions, type Numbers, type NumberTable, resolveNumbers } from "../option-table.js";
import type { OutputRecorder } from "../recordings/recorder.js";
import { type SizePolicy, Terminal } from "./terminal.js";
import type { TerminalBackend, TerminalEnd } from "./terminal-backend.js";
import { checkedSize, DEFAULT_SIZE, type TerminalSize } from "./terminal-size.js";
import type { Viewer } from "./viewer.js";

const KiB = 1024;
const MiB = 1024 * KiB;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export const TERMINAL_LIMITS = {
  maxTerminals: { default: 1000, min: 1, max: 100_000, unit: "terminals", meaning: "Open at a time." },
  maxTerminalsPerUser: {
    default: 50,
    min: 1,
    max: 100_000,
    unit: "terminals",
    meaning: "Open at a time of one user.",
  },
  openTimeoutMs: {
    default: 30_000,
    min: 100,
    max: HOUR_MS,
    unit: "ms",
    meaning:
      "A back end that has not opened a terminal after so long has failed; what it opens later is ended.",
  },
  maxViewers: { default: 32, min: 1, max: 10_000, unit: "viewers", meaning: "Viewers of one terminal." },
  ringBytes: {
    default: MiB,
    min: 64 * KiB,
    max: 64 * MiB,
    unit: "bytes, a power of two",
    meaning: "Output that is kept of each terminal for viewers that come, come back or are slow.",
  },
  windowBytes: {
    default: 256 * KiB,
    min: 16 * KiB,
    max: 16 * MiB,
    unit: "bytes",
    meaning: "A program waits when its furthest viewer is so far behind; at most half of `ringBytes`.",
  },
  maxInputBytes: {
    default: MiB,
    min: 4 * KiB,
    max: 16 * MiB,
    unit: "bytes",
    meaning: "When so much input waits for a program that does not read, its viewers are not read any more.",
  },
  idleTimeoutMs: {
    default: 0,
    min: 0,
    max: 30 * DAY_MS,
    unit: "ms",
    meaning: "A terminal into which nobody types for so long is ended; 0 is never.",
  },
  detachedTimeoutMs: {
    default: 12 * HOUR_MS,
    min: 0,
    max: 30 * DAY_MS,
    unit: "ms",
    meaning: "A terminal at which nobody looks for so long is ended; 0 is never.",
  },
  maxTimeMs: {
    default: 0,
    min: 0,
    max: 365 * DAY_MS,
    unit: "ms",
    meaning: "A terminal is ended after so long in any case; 0 is never.",
  },
  keepEndedMs: {
    default: 60_000,
    min: 0,
    max: DAY_MS,
    unit: "ms",
    meaning: "How long the output of a terminal that has ended can still be seen.",
  },
} as const satisfies NumberTable;

export type TerminalLimits = NumberOptions<typeof TERMINAL_LIMITS>;

export interface TerminalsOptions {
  /** By the name that `open` chooses one with; the first is the default. */
  readonly backends: Readonly<Record<string, TerminalBackend>>;
  readonly limits?: TerminalLimits | undefined;
  /** Default `smallest`. */
  readonly sizePolicy?: SizePolicy | undefined;
  /** Makes what records a terminal; `undefined` when it is not to be recorded. */
  readonly record?: ((terminal: RecordedStart) => Promise<OutputRecorder | undefined>) | undefined;
  /**
   * Asks for room beyond this process, such as limits that several gateways share. Resolves to what is called when the terminal
   * is one of `all`, or has failed.
   */
  readonly admit?: ((user: string) => Promise<() => Promise<void>>) | undefined;
  /** Is told what happens, for audit logs and metrics. */
  readonly onEvent?: ((event: TerminalEvent) => void) | undefined;
  readonly now?: (() => number) | undefined;
}

export interface RecordedStart extends TerminalSize {
  readonly id: string;
  readonly user: string;
  readonly backend: string;
}

export interface OpenOptions extends Partial<TerminalSize> {
  readonly user: string;
  readonly backend?: string | undefined;
  /** Out of the back end's own list: a host of the fleet. */
  readonly choice?: string | undefined;
  /** Default false. */
  readonly record?: boolean | undefined;
  /** Nobody waits for the terminal any more: what the back end does to open it is broken off, at once. */
  readonly signal?: AbortSignal | undefined;
}

export type TerminalEvent =
  | { readonly kind: "opened"; readonly terminal: Terminal }
  | { readonly kind: "ended"; readonly terminal: Terminal; readonly end: TerminalEnd }
  | { readonly kind: "limit"; readonly terminal: Terminal; readonly limit: TerminalLimitName };

export type TerminalLimitName = "idleTimeoutMs" | "detachedTimeoutMs" | "maxTimeMs";

/** Close codes of the terminal protocol for viewers that are sent away. */
export const DISMISSED = {
  /** The login session was revoked or is over. */
  session: 4401,
  /** The invite link was revoked or is over. */
  invite: 4403,
  /** The terminal reached a limit of time. */
  limit: 4408,
} as const;

const SWEEP_MS = 1000;

/** All terminals of a gateway. */
export class Terminals {
  readonly #backends: ReadonlyMap<string, TerminalBackend>;
  readonly #limits: Numbers<typeof TERMINAL_LIMITS>;
  readonly #options: TerminalsOptions;
  readonly #now: () => number;
  readonly #terminals = new Map<string, Terminal>();
  readonly #sweep: NodeJS.Timeout;
  /** Being opened: they count. */
  readonly #opening = new Map<string, number>();
  #openingCount = 0;
  readonly #limited = new WeakSet<Terminal>();
  #closed = false;

  /** @throws CloudtermError `TZ_CLOUDTERM_OPTION` */
  constructor(options: TerminalsOptions) {
    this.#limits = resolveNumbers("terminals", TERMINAL_LIMITS, options.limits ?? {});
    const { ringBytes } = this.#limits;
    if ((ringBytes & (ringBytes - 1)) !== 0) {
      throw new CloudtermError(
        "TZ_CLOUDTERM_OPTION",
        `terminals: ringBytes is ${ringBytes}; allowed: a power of two`,
      );
    }
    this.#backends = new Map(Object.entries(options.backends));
    if (this.#backends.size === 0) {
      throw new CloudtermError("TZ_CLOUDTERM_OPTION", "terminals: backends is empty; allowed: one or more");
    }
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#sweep = setInterval(() => this.sweep(), SWEEP_MS);
    this.#sweep.unref();
  }

  get backendNames(): readonly string[] {
    return [...this.#backends.keys()];
  }

  /** Those that run and those that have ended and can still be seen. */
  get all(): readonly Terminal[] {
    return [...this.#terminals.values()];
  }

  get(id: string): Terminal | undefined {
    return this.#terminals.get(id);
  }

  ofUser(user: string): readonly Terminal[] {
    return this.all.filter((terminal) => terminal.user === user);
  }

  /**
   * Starts a terminal.
   * @throws CloudtermError `TZ_CLOUDTERM_SIZE`, `TZ_CLOUDTERM_TERMINALS` at a limit, `TZ_CLOUDTERM_BACKEND`, what `admit` throws,
   *   `TZ_CLOUDTERM_NOT_FOUND` for a back end that is not there
   */
  async open(open: OpenOptions): Promise<Terminal> {
    const { user, columns = DEFAULT_SIZE.columns, rows = DEFAULT_SIZE.rows } = open;
    const size = checkedSize(columns, rows);
    const backend = this.#backend(open.backend);
    this.#claim(user);
    let admitted: (() => Promise<void>) | undefined;
    try {
      admitted = await this.#options.admit?.(user);
      const id = randomBytes(15).toString("base64url");
      const start = { id, user, backend: backend.name, ...size };
      const recorder = open.record === true ? await this.#options.record?.(start) : undefined;
      const { ringBytes, windowBytes, maxInputBytes, openTimeoutMs } = this.#limits;
      const opening = openedWithin(openTimeoutMs, open.signal, (signal) =>
        Terminal.open(backend, {
          id,
          user,
          ...size,
          choice: open.choice,
          sizePolicy: this.#options.sizePolicy ?? "smallest",
          ringBytes,
          windowBytes: Math.min(windowBytes, ringBytes / 2),
          maxInputBytes,
          recorder,
          now: this.#now,
          signal,
          onEnd: (ended, end) => this.#options.onEvent?.({ kind: "ended", terminal: ended, end }),
        }),
      );
      const terminal = await opening.catch((error: Error) => {
        recorder?.end({ code: undefined, signal: undefined, message: error.message });
        throw error;
      });
      if (this.#closed) {
        terminal.end();
        throw new CloudtermError("TZ_CLOUDTERM_BACKEND", "the gateway stops");
      }
      this.#terminals.set(id, terminal);
      this.#options.onEvent?.({ kind: "opened", terminal });
      return terminal;
    } finally {
      this.#release(user);
      await admitted?.();
    }
  }

  #backend(name: string | undefined): TerminalBackend {
    const backend = name === undefined ? this.#backends.values().next().value : this.#backends.get(name);
    if (backend !== undefined) return backend;
    throw new CloudtermError("TZ_CLOUDTERM_NOT_FOUND", `there is no back end ${shown(name)}`);
  }

  #claim(user: string): void {
    const { maxTerminals, maxTerminalsPerUser } = this.#limits;
    const own = this.#opening.get(user) ?? 0;
    const running = this.all.filter(({ ended }) => ended === undefined);
    const ofUser = running.filter((terminal) => terminal.user === user).length + own;
    if (running.length + this.#openingCount >= maxTerminals) {
      throw new CloudtermError("TZ_CLOUDTERM_TERMINALS", `${maxTerminals} terminals are open`);
    }
    if (ofUser >= maxTerminalsPerUser) {
      throw new CloudtermError(
        "TZ_CLOUDTERM_TERMINALS",
        `${maxTerminalsPerUser} terminals of yours are open`,
      );
    }
    this.#opening.set(user, own + 1);
    this.#openingCount++;
  }

  #release(user: string): void {
    const left = this.#opening.get(user)! - 1;
    if (left === 0) this.#opening.delete(user);
    else this.#opening.set(user, left);
    this.#openingCount--;
  }

  /** Whether one more may look at the terminal. */
  hasRoom(terminal: Terminal): boolean {
    return terminal.viewers.size < this.#limits.maxViewers;
  }

  /** Sends viewers away, such as those of a session that was revoked. @returns how many */
  dismiss(
    which: (viewer: Viewer) => boolean,
    code: number = DISMISSED.session,
    reason = "logged out",
  ): number {
    let count = 0;
    for (const terminal of this.#terminals.values()) {
      for (const viewer of [...terminal.viewers]) {
        if (!which(viewer)) continue;
        viewer.dismiss(code, reason);
        count++;
      }
    }
    return count;
  }

  /** Looks at the limits of time: by itself once a second. */
  sweep(): void {
    const nowMs = this.#now();
    const { idleTimeoutMs, detachedTimeoutMs, maxTimeMs, keepEndedMs } = this.#limits;
    for (const terminal of this.#terminals.values()) {
      const { detachedSinceMs = nowMs, endedMs } = terminal;
      if (endedMs !== undefined) {
        if (nowMs - endedMs >= keepEndedMs) this.#forget(terminal);
      } else if (this.#limited.has(terminal)) {
        // Its programs have a little time to end.
      } else if (isOver(nowMs - terminal.createdMs, maxTimeMs)) {
        this.#limitReached(terminal, "maxTimeMs");
      } else if (isOver(nowMs - terminal.lastInputMs, idleTimeoutMs)) {
        this.#limitReached(terminal, "idleTimeoutMs");
      } else if (isOver(nowMs - detachedSinceMs, detachedTimeoutMs)) {
        this.#limitReached(terminal, "detachedTimeoutMs");
      }
    }
  }

  #forget(terminal: Terminal): void {
    this.#terminals.delete(terminal.id);
    // Those who never read to the end.
    for (const viewer of [...terminal.viewers]) viewer.dismiss(DISMISSED.limit, "the terminal has ended");
  }

  #limitReached(terminal: Terminal, limit: TerminalLimitName): void {
    this.#limited.add(terminal);
    for (const viewer of [...terminal.viewers]) {
      viewer.dismiss(DISMISSED.limit, `the terminal's ${limit} is over`);
    }
    terminal.end();
    this.#options.onEvent?.({ kind: "limit", terminal, limit });
  }

  /** Ends all terminals. Resolves when their programs are gone. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#sweep);
    for (const terminal of this.#terminals.values()) terminal.end();
    while (this.all.some(({ ended }) => ended === undefined)) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    this.#terminals.clear();
  }
}

/**
 * What comes when nobody waits any more is ended.
 * @throws CloudtermError `TZ_CLOUDTERM_BACKEND` when it takes longer, or whoever asked for it is gone
 */
function openedWithin(
  timeoutMs: number,
  gone: AbortSignal | undefined,
  open: (signal: AbortSignal) => Promise<Terminal>,
): Promise<Terminal> {
  return new Promise((resolve, reject) => {
    const controller = new AbortController();
    const giveUp = (message: string): void => {
      reject(new CloudtermError("TZ_CLOUDTERM_BACKEND", message));
      controller.abort();
    };
    const onGone = (): void => giveUp("whoever asked for the terminal is gone");
    const timer = setTimeout(() => giveUp(`the terminal was not opened within ${timeoutMs} ms`), timeoutMs);
    const done = (): void => {
      clearTimeout(timer);
      gone?.removeEventListener("abort", onGone);
    };
    gone?.addEventListener("abort", onGone);
    if (gone?.aborted === true) {
      onGone();
      done();
      return;
    }
    open(controller.signal).then(
      (terminal) => {
        done();
        if (controller.signal.aborted) terminal.end();
        else resolve(terminal);
      },
      (error: unknown) => {
        done();
        reject(error);
      },
    );
  });
}

function isOver(passedMs: number, limitMs: number): boolean {
  return limitMs > 0 && passedMs >= limitMs;
}
