import type { TerminalFiles } from "../files/terminal-files.js";
import type { OutputRecorder } from "../recordings/recorder.js";
import { OutputRing } from "./output-ring.js";
import type { BackendEvents, BackendTerminal, TerminalBackend, TerminalEnd } from "./terminal-backend.js";
import type { TerminalSize } from "./terminal-size.js";
import { type ViewedTerminal, Viewer, type ViewerOptions, type ViewerSink } from "./viewer.js";

/** `smallest`: as small as the smallest viewer that may write; `owner`: as the viewer that came or resized last. */
export type SizePolicy = "smallest" | "owner";

export interface TerminalOptions extends TerminalSize {
  readonly id: string;
  readonly user: string;
  readonly choice?: string | undefined;
  /** Breaks off what the back end does to open it. */
  readonly signal?: AbortSignal | undefined;
  readonly sizePolicy: SizePolicy;
  readonly ringBytes: number;
  readonly windowBytes: number;
  readonly maxInputBytes: number;
  readonly recorder?: OutputRecorder | undefined;
  readonly now: () => number;
  readonly onEnd: (terminal: Terminal, end: TerminalEnd) => void;
}

export interface TerminalInfo extends TerminalSize {
  readonly id: string;
  readonly user: string;
  readonly backend: string;
  readonly title: string;
  readonly createdMs: number;
  readonly lastInputMs: number;
  readonly viewers: number;
  readonly outputBytes: number;
  readonly recording: string | undefined;
  /** Whether there are files beside it. */
  readonly hasFiles: boolean;
  readonly end: TerminalEnd | undefined;
}

const TITLE_LENGTH_MAX = 200;

/**
 * One terminal: a program behind it, its last output, and who looks at it.
 *
 * ```
 *   backend ──onOutput──▶ ring ──┬─▶ viewer (own place, own pace) ──▶ WebSocket
 *      ▲                         ├─▶ viewer
 *      │                         └─▶ recorder
 *      └── pause, when the furthest viewer is `windowBytes` behind, or the recorder
 * ```
 *
 * A viewer that reads nothing therefore stops the program only when nobody else reads; otherwise it loses output, and is
 * told so. What a stalled viewer costs is bounded by the ring, which is there anyway.
 */
export class Terminal implements ViewedTerminal, BackendEvents {
  readonly id: string;
  readonly user: string;
  readonly backend: string;
  readonly createdMs: number;
  /** When a viewer last typed, pasted or came. */
  lastInputMs: number;
  /** When the last viewer left; `undefined` while somebody looks. */
  detachedSinceMs: number | undefined;
  endedMs: number | undefined;
  readonly viewers = new Set<Viewer>();
  readonly #options: TerminalOptions;
  readonly #ring: OutputRing;
  #program: BackendTerminal | undefined;
  #size: TerminalSize;
  #title = "";
  #end: TerminalEnd | undefined;
  #paused = false;
  /** Who typed last and was told to stop. */
  readonly #inputWaiters = new Set<Viewer>();

  private constructor(backend: TerminalBackend, options: TerminalOptions) {
    const nowMs = options.now();
    this.id = options.id;
    this.user = options.user;
    this.backend = backend.name;
    this.createdMs = this.lastInputMs = this.detachedSinceMs = nowMs;
    this.#options = options;
    this.#ring = new OutputRing(options.ringBytes);
    this.#size = { columns: options.columns, rows: options.rows };
    options.recorder?.onDrain(() => this.moved());
  }

  /** @throws CloudtermError `TZ_CLOUDTERM_BACKEND` */
  static async open(backend: TerminalBackend, options: TerminalOptions): Promise<Terminal> {
    const terminal = new Terminal(backend, options);
    const { columns, rows, user, choice, signal } = options;
    terminal.#program = await backend.open({ columns, rows, user, choice, signal }, terminal);
    return terminal;
  }

  get size(): TerminalSize {
    return this.#size;
  }

  /** How it ended; `undefined` while it runs. */
  get ended(): TerminalEnd | undefined {
    return this.#end;
  }

  get pid(): number | undefined {
    return this.#program?.pid;
  }

  /** Files beside the program; `undefined` when there are none, or it has ended. */
  get files(): TerminalFiles | undefined {
    return this.#end === undefined ? this.#program?.files : undefined;
  }

  get title(): string {
    return this.#title;
  }

  get windowBytes(): number {
    return this.#options.windowBytes;
  }

  get outputStart(): number {
    return this.#ring.start;
  }

  get outputEnd(): number {
    return this.#ring.end;
  }

  /** Bytes of memory that its output takes. */
  get ringBytes(): number {
    return this.#ring.capacityBytes;
  }

  get info(): TerminalInfo {
    const { id, user, backend, createdMs, lastInputMs } = this;
    return {
      id,
      user,
      backend,
      createdMs,
      lastInputMs,
      ...this.#size,
      title: this.#title,
      viewers: this.viewers.size,
      outputBytes: this.#ring.end,
      recording: this.#options.recorder?.id,
      hasFiles: this.files !== undefined,
      end: this.#end,
    };
  }

  /** Lets somebody look. What is kept of the output comes at once, from `resumeFrom` on when that is kept. */
  attach(sink: ViewerSink, options: ViewerOptions): Viewer {
    const viewer = new Viewer(this, sink, options, this.#options.now());
    this.viewers.add(viewer);
    this.detachedSinceMs = undefined;
    this.lastInputMs = this.#options.now();
    this.#fit(viewer, viewer);
    viewer.greet({
      terminal: this.id,
      ...this.#size,
      access: options.access,
      viewers: this.viewers.size,
      title: this.#title,
    });
    this.#tellOthers(viewer, { viewers: this.viewers.size });
    if (this.#end === undefined) viewer.pump();
    else viewer.finish(this.#end);
    this.moved();
    return viewer;
  }

  /** Names it for lists and viewers. */
  setTitle(title: string): void {
    const clean = [...title.replace(/\p{Cc}/gu, "")].slice(0, TITLE_LENGTH_MAX).join("");
    if (clean === this.#title) return;
    this.#title = clean;
    for (const viewer of this.viewers) viewer.tellTitle(clean);
  }

  /** Input that comes from no viewer. @returns false to stop for a while */
  write(bytes: Uint8Array, start = 0, end = bytes.length): boolean {
    this.lastInputMs = this.#options.now();
    if (this.#program === undefined || this.#end !== undefined) return true;
    return (
      this.#program.write(bytes, start, end) || this.#program.pendingInputBytes < this.#options.maxInputBytes
    );
  }

  /** Hangs the program up and kills what stays. */
  end(): void {
    this.#program?.end();
  }

  // ---- for viewers

  firstShown(): number {
    return this.#ring.start === 0 ? 0 : this.#ring.characterStart(this.#ring.start);
  }

  copy(sequence: number, target: Uint8Array, targetStart: number, length: number): number {
    return this.#ring.copy(sequence, target, targetStart, length);
  }

  input(viewer: Viewer, bytes: Uint8Array, start: number, end: number): boolean {
    const goOn = this.write(bytes, start, end);
    if (!goOn) this.#inputWaiters.add(viewer);
    return goOn;
  }

  resized(viewer: Viewer): void {
    this.#fit(viewer);
  }

  left(viewer: Viewer): void {
    if (!this.viewers.delete(viewer)) return;
    this.#inputWaiters.delete(viewer);
    if (this.viewers.size === 0) this.detachedSinceMs = this.#options.now();
    this.#fit(undefined);
    this.#tellOthers(viewer, { viewers: this.viewers.size });
    this.moved();
  }

  /** A viewer or the recorder has moved: may the program go on? */
  moved(): void {
    const program = this.#program;
    if (program === undefined || this.#end !== undefined) return;
    const { windowBytes, recorder } = this.#options;
    const limit = this.#paused ? windowBytes / 2 : windowBytes;
    const behind = recorder?.isBehind === true || this.#behind() > limit;
    if (behind === this.#paused) return;
    this.#paused = behind;
    if (behind) program.pause();
    else program.resume();
  }

  /** How far the furthest viewer is behind; 0 without any. */
  #behind(): number {
    let furthest = -1;
    for (const { position } of this.viewers) if (position > furthest) furthest = position;
    return furthest < 0 ? 0 : this.#ring.end - furthest;
  }

  #fit(changed: Viewer | undefined, told?: Viewer): void {
    const wanted = this.#options.sizePolicy === "owner" ? sizeOfOwner(changed) : smallest(this.viewers);
    if (wanted === undefined) return;
    if (wanted.columns === this.#size.columns && wanted.rows === this.#size.rows) return;
    this.#size = { columns: wanted.columns, rows: wanted.rows };
    if (this.#end === undefined) this.#program?.resize(this.#size);
    this.#options.recorder?.resize(this.#size);
    this.#tellOthers(told, this.#size);
  }

  #tellOthers(but: Viewer | undefined, state: Parameters<Viewer["tell"]>[0]): void {
    for (const viewer of this.viewers) if (viewer !== but) viewer.tell(state);
  }

  // ---- from the back end

  onOutput(bytes: Uint8Array, start: number, end: number): void {
    this.#ring.append(bytes, start, end);
    this.#options.recorder?.output(bytes, start, end);
    for (const viewer of this.viewers) viewer.pump();
    this.moved();
  }

  onDrain(): void {
    for (const viewer of [...this.#inputWaiters]) {
      this.#inputWaiters.delete(viewer);
      viewer.onInputDrain?.();
    }
  }

  onTitle(title: string): void {
    this.setTitle(title);
  }

  onEnd(end: TerminalEnd): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.endedMs = this.#options.now();
    this.onDrain();
    this.#options.recorder?.end(end);
    for (const viewer of [...this.viewers]) viewer.finish(end);
    this.#options.onEnd(this, end);
  }
}

function sizeOfOwner(changed: Viewer | undefined): TerminalSize | undefined {
  return changed?.mayWrite === true ? changed.size : undefined;
}

function smallest(viewers: ReadonlySet<Viewer>): TerminalSize | undefined {
  let columns = Number.POSITIVE_INFINITY;
  let rows = Number.POSITIVE_INFINITY;
  for (const { size, mayWrite } of viewers) {
    if (!mayWrite || size === undefined) continue;
    columns = Math.min(columns, size.columns);
    rows = Math.min(rows, size.rows);
  }
  return Number.isFinite(columns) ? { columns, rows } : undefined;
}
