import { ByteQueue } from "./byte-queue.js";
import { headLength, writeHead } from "./frame-writer.js";
import { maskBytes, rotateKey } from "./mask.js";
import { randomMaskKey } from "./mask-keys.js";
import type { Role } from "./opcode.js";
import type { Sink } from "./sink.js";
import type { SendOwner, Workspace } from "./workspace.js";

/** A UTF-16 code unit is at most so many bytes of UTF-8. */
const UTF8_BYTES_PER_UNIT_MAX = 3;

/** Copying fewer bytes one by one is faster than making a view of them. */
const COPY_LOOP_BYTES_MAX = 24;

/**
 * Frames into the workspace's send range and from there into the sink: all frames of a cork in one write.
 * What the sink does not take waits in a queue of this connection.
 */
export class FrameSender implements SendOwner {
  readonly #sink: Sink;
  readonly #workspace: Workspace;
  readonly #masked: boolean;
  readonly #newKey: () => number;
  #backlog: ByteQueue | undefined = undefined;
  #corks = 0;

  /** @param newKey where masking keys come from; tests hold it still */
  constructor(role: Role, sink: Sink, workspace: Workspace, newKey: () => number = randomMaskKey) {
    this.#sink = sink;
    this.#workspace = workspace;
    this.#masked = role === "client";
    this.#newKey = newKey;
  }

  /** Bytes that the sink refused and has not taken yet. */
  get backlogBytes(): number {
    return this.#backlog?.length ?? 0;
  }

  /** Bytes that have not left: refused ones, and those of a cork. */
  get bufferedBytes(): number {
    const corked =
      this.#workspace.sendOwner === this ? this.#workspace.sendAt - this.#workspace.sendStart : 0;
    return corked + this.backlogBytes;
  }

  get isBlocked(): boolean {
    return this.#backlog !== undefined;
  }

  /** Until `uncork`, frames are collected. Calls nest. */
  cork(): void {
    this.#corks++;
  }

  uncork(): void {
    if (--this.#corks === 0) this.flush();
  }

  /** One frame with the payload `bytes[start, end)`, which is copied or sent before this returns. */
  send(first: number, bytes: Uint8Array, start: number, end: number): void {
    const workspace = this.#workspace;
    const length = end - start;
    const size = length + headLength(length, this.#masked);
    if (!this.#own()) {
      this.#sendApart(first, bytes, start, end, size);
    } else if (!this.#makeRoom(size)) {
      this.#sendLarge(first, bytes, start, end);
    } else {
      const key = this.#masked ? this.#newKey() : undefined;
      const at = writeHead(workspace.bytes, workspace.sendAt, first, length, key);
      this.#put(bytes, start, end, at, key);
      workspace.sendAt = at + length;
      if (this.#corks === 0) this.flush();
    }
  }

  /**
   * One frame with a text as payload. The text is encoded where the payload will lie if every character is one
   * byte; only a longer one that needs a longer head is moved.
   */
  sendText(first: number, text: string): void {
    const workspace = this.#workspace;
    const { bytes, kernel } = workspace;
    const bytesMax = text.length * UTF8_BYTES_PER_UNIT_MAX;
    if (!this.#own() || !this.#makeRoom(bytesMax + headLength(bytesMax, this.#masked))) {
      const encoded = Buffer.from(text, "utf8");
      this.send(first, encoded, 0, encoded.length);
      return;
    }
    const start = workspace.sendAt;
    const guess = start + headLength(text.length, this.#masked);
    const byteLength = bytes.write(text, guess, bytesMax, "utf8");
    const key = this.#masked ? this.#newKey() : undefined;
    const at = start + headLength(byteLength, this.#masked);
    if (at !== guess) kernel.copy(at, guess, byteLength);
    writeHead(bytes, start, first, byteLength, key);
    if (key !== undefined) kernel.mask(at, at + byteLength, key);
    workspace.sendAt = at + byteLength;
    if (this.#corks === 0) this.flush();
  }

  /** Hands what is collected to the sink. */
  flush(): void {
    const workspace = this.#workspace;
    if (workspace.sendOwner !== this) return;
    const { sendStart, sendAt } = workspace;
    workspace.sendOwner = undefined;
    workspace.sendAt = sendStart;
    if (sendAt === sendStart) return;
    workspace.sendBusy = true;
    try {
      this.#deliver(workspace.bytes, sendStart, sendAt);
    } finally {
      workspace.sendBusy = false;
    }
  }

  /** The sink takes bytes again. @returns true when nothing waits any more */
  drain(): boolean {
    this.flush();
    const backlog = this.#backlog;
    if (backlog === undefined) return true;
    backlog.drain((bytes, start, end) => this.#write(bytes, start, end));
    if (backlog.length > 0) return false;
    this.#backlog = undefined;
    return true;
  }

  /** Drops what has not left. */
  clear(): void {
    this.#backlog = undefined;
    if (this.#workspace.sendOwner !== this) return;
    this.#workspace.sendOwner = undefined;
    this.#workspace.sendAt = this.#workspace.sendStart;
  }

  /** Makes this connection the one that writes into the send range. @returns false when nobody may now */
  #own(): boolean {
    const workspace = this.#workspace;
    if (workspace.sendOwner === this) return true;
    if (workspace.sendBusy) return false;
    workspace.sendOwner?.flush();
    workspace.sendOwner = this;
    return true;
  }

  /** Lets what is collected go when a frame does not fit behind it. @returns false when it never fits */
  #makeRoom(size: number): boolean {
    const { sendAt, sendStart, sendEnd } = this.#workspace;
    if (size <= sendEnd - sendAt) return true;
    this.flush();
    this.#own();
    return size <= sendEnd - sendStart;
  }

  #put(bytes: Uint8Array, start: number, end: number, at: number, key: number | undefined): void {
    const { bytes: target, kernel } = this.#workspace;
    const length = end - start;
    if (bytes === target) kernel.copy(at, start, length);
    else if (length <= COPY_LOOP_BYTES_MAX)
      for (let i = 0; i < length; i++) target[at + i] = bytes[start + i]!;
    else target.set(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end), at);
    if (key !== undefined) kernel.mask(at, at + length, key);
  }

  /** A frame that is longer than the send range: its head and the payload in pieces. */
  #sendLarge(first: number, bytes: Uint8Array, start: number, end: number): void {
    const workspace = this.#workspace;
    const key = this.#masked ? this.#newKey() : undefined;
    let at = writeHead(workspace.bytes, workspace.sendStart, first, end - start, key);
    let from = start;
    do {
      const to = Math.min(end, from + workspace.sendEnd - at);
      this.#put(bytes, from, to, at, key === undefined ? undefined : rotateKey(key, from - start));
      workspace.sendAt = at + to - from;
      from = to;
      this.flush();
      this.#own();
      at = workspace.sendStart;
    } while (key !== undefined && from < end);
    // Not masked: the rest leaves from where it lies.
    if (from < end) this.#deliver(bytes, from, end);
  }

  /** A frame that is sent while a sink reads the send range: it gets memory of its own. */
  #sendApart(first: number, bytes: Uint8Array, start: number, end: number, size: number): void {
    const frame = Buffer.allocUnsafe(size);
    const key = this.#masked ? this.#newKey() : undefined;
    const at = writeHead(frame, 0, first, end - start, key);
    frame.set(bytes.subarray(start, end), at);
    if (key !== undefined) maskBytes(frame, at, size, key);
    this.#deliver(frame, 0, size);
  }

  #deliver(bytes: Uint8Array, start: number, end: number): void {
    const taken = this.isBlocked ? 0 : this.#write(bytes, start, end);
    if (start + taken === end) return;
    this.#backlog ??= new ByteQueue();
    this.#backlog.append(bytes, start + taken, end);
  }

  #write(bytes: Uint8Array, start: number, end: number): number {
    if (start === end) return 0;
    if (this.#sink.writeRange !== undefined) return this.#sink.writeRange(bytes, start, end);
    return this.#sink.write(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end));
  }
}
