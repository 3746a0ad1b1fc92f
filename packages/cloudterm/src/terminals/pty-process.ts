import { constants } from "node:os";
import { close, EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT, Region, read, write } from "@tz/sys";
import { type DescriptorOwner, descriptorLoop } from "../kernel/descriptor-loop.js";
import { InputQueue } from "./input-queue.js";
import { nativePty } from "./native-pty.js";
import { GRACE_MS, sessionLives, signalSession } from "./process-group.js";
import type { BackendEvents, BackendTerminal } from "./terminal-backend.js";
import type { TerminalSize } from "./terminal-size.js";

const EAGAIN = 11;
const EINTR = 4;
const SCRATCH_BYTES = 64 * 1024;
/** A pseudo-terminal gives at most a page at a time; with less room than that, what was read is handed on first. */
const READ_BYTES_MIN = 4096;
/** Input may wait this long before it is tried again: not every line discipline tells that it has room. */
const RETRY_MS = 25;
/** What a dead program wrote last is there at once; a descriptor that says nothing for so long has no more. */
const LAST_OUTPUT_MS = 1000;

export interface ProcessStart extends TerminalSize {
  readonly file: string;
  readonly args: readonly string[];
  /** `NAME=value`. */
  readonly env: readonly string[];
  readonly cwd: string;
}

// One for all: the loop reads and writes one descriptor at a time.
let scratch: Region | undefined;

/** A program on a pseudo-terminal of this machine, read and written by system calls on the thread's descriptor loop. */
export class PtyProcess implements BackendTerminal, DescriptorOwner {
  readonly pid: number;
  readonly #fd: number;
  readonly #events: BackendEvents;
  readonly #loop = descriptorLoop();
  readonly #input = new InputQueue();
  #readable = true;
  #paused = false;
  #inputBlocked = false;
  #outputEnded = false;
  #exit: { code: number; signal: number } | undefined;
  #over = false;
  #retry: NodeJS.Timeout | undefined;
  #killTimer: NodeJS.Timeout | undefined;
  #lastTimer: NodeJS.Timeout | undefined;

  constructor(start: ProcessStart, events: BackendEvents) {
    this.#events = events;
    scratch ??= Region.allocate(SCRATCH_BYTES);
    const { columns, rows } = start;
    const { fd, pid } = nativePty().fork(
      start.file,
      start.args,
      start.env,
      start.cwd,
      columns,
      rows,
      -1,
      -1,
      true,
      "",
      (code, signal) => this.#exited(code, signal),
    );
    this.pid = pid;
    this.#fd = fd;
    this.#loop.add(fd, this);
  }

  get pendingInputBytes(): number {
    return this.#input.byteLength;
  }

  write(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#outputEnded || this.#over) return true;
    const taken = this.#input.byteLength > 0 ? 0 : this.#writeNow(bytes, start, end);
    if (start + taken === end) return true;
    this.#input.append(bytes, start + taken, end);
    this.#inputBlocked = true;
    this.#armRetry();
    return false;
  }

  resize({ columns, rows }: TerminalSize): void {
    if (!this.#over) nativePty().resize(this.#fd, columns, rows);
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    if (this.#readable) this.#loop.soon(this.#readSoon);
  }

  end(): void {
    if (this.#over || this.#killTimer !== undefined) return;
    signalSession(this.pid, "SIGHUP");
    // A stopped job hears of nothing until it goes on.
    signalSession(this.pid, "SIGCONT");
    this.#killTimer = setTimeout(() => this.#kill(), GRACE_MS);
  }

  onEvents(events: number): void {
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) !== 0) {
      this.#readable = true;
      this.#read();
    }
    if ((events & EPOLLOUT) !== 0) this.#flushInput();
  }

  readonly #readSoon = (): void => this.#read();

  #read(): void {
    const { address, bytes } = scratch!;
    if (this.#outputEnded || this.#over || (this.#paused && this.#exit === undefined)) return;
    let filled = 0;
    while (SCRATCH_BYTES - filled >= READ_BYTES_MIN) {
      const count = read(this.#fd, address + filled, SCRATCH_BYTES - filled);
      if (count > 0) {
        filled += count;
      } else if (count !== -EINTR) {
        this.#readable = false;
        // EIO: no program has the other end any more, and all that they wrote was read.
        if (count !== -EAGAIN) this.#outputEnded = true;
        break;
      }
    }
    if (this.#readable) this.#loop.soon(this.#readSoon);
    if (filled > 0) this.#events.onOutput(bytes, 0, filled);
    if (this.#outputEnded) {
      this.#loop.remove(this.#fd);
      this.#finishIfOver();
    }
  }

  #writeNow(bytes: Uint8Array, start: number, end: number): number {
    const { address, bytes: memory } = scratch!;
    let at = start;
    while (at < end) {
      const length = Math.min(SCRATCH_BYTES, end - at);
      memory.set(bytes.subarray(at, at + length));
      const count = write(this.#fd, address, length);
      if (count === -EINTR) continue;
      if (count === -EAGAIN || count === 0) break;
      // The program is gone: the reading end tells.
      if (count < 0) return end - start;
      at += count;
    }
    return at - start;
  }

  #flushInput(): void {
    if (this.#input.byteLength === 0 || this.#over) return;
    this.#input.drain((bytes, start, end) => this.#writeNow(bytes, start, end));
    if (this.#input.byteLength > 0) {
      this.#armRetry();
    } else if (this.#inputBlocked) {
      this.#inputBlocked = false;
      this.#events.onDrain();
    }
  }

  #armRetry(): void {
    this.#retry ??= setTimeout(() => {
      this.#retry = undefined;
      this.#flushInput();
    }, RETRY_MS);
  }

  #exited(code: number, signal: number): void {
    this.#exit = { code, signal };
    this.#lastTimer = setTimeout(() => {
      this.#outputEnded = true;
      this.#finishIfOver();
    }, LAST_OUTPUT_MS);
    if (this.#readable) this.#loop.soon(this.#readSoon);
    this.#finishIfOver();
  }

  #kill(): void {
    signalSession(this.pid, "SIGKILL");
  }

  /** The program is gone and all that it wrote was read. */
  #finishIfOver(): void {
    if (this.#exit === undefined || !this.#outputEnded || this.#over) return;
    this.#over = true;
    clearTimeout(this.#retry);
    clearTimeout(this.#lastTimer);
    clearTimeout(this.#killTimer);
    this.#input.clear();
    this.#loop.remove(this.#fd);
    close(this.#fd);
    // What it started and left behind goes with it.
    if (sessionLives(this.pid)) {
      signalSession(this.pid, "SIGHUP");
      signalSession(this.pid, "SIGCONT");
      setTimeout(() => this.#kill(), GRACE_MS).unref();
    }
    const { code, signal } = this.#exit;
    const name = signal === 0 ? undefined : signalName(signal);
    this.#events.onEnd({
      code: name === undefined ? code : undefined,
      signal: name,
      message:
        name === undefined ? `the program exited with code ${code}` : `the program was ended by ${name}`,
    });
  }
}

function signalName(number: number): string {
  for (const [name, value] of Object.entries(constants.signals)) if (value === number) return name;
  return `signal ${number}`;
}
