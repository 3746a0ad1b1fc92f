/**
 * The other end of the wire, written apart from the package's own code so that it does not share its mistakes:
 * frames to bytes and bytes to frames, byte by byte.
 */
import type { Role } from "./opcode.js";

export interface WireFrame {
  readonly opcode: number;
  readonly fin?: boolean;
  /** RSV1 is 4, RSV2 is 2, RSV3 is 1. */
  readonly rsv?: number;
  readonly payload?: Uint8Array | string;
}

export interface WireForm {
  readonly masked: boolean;
  /** Defaults to one that is not zero. */
  readonly key?: readonly [number, number, number, number];
  /** Says the length in 7, 16 or 64 bits, whether that is the shortest form or not. */
  readonly lengthBits?: 7 | 16 | 64;
  /** Announces another length than the payload has. */
  readonly announced?: bigint;
}

export function encodeFrame(frame: WireFrame, form: WireForm): Buffer {
  const payload = Buffer.from(frame.payload ?? "");
  const length = form.announced ?? BigInt(payload.length);
  const bits = form.lengthBits ?? (length < 126n ? 7 : length < 65536n ? 16 : 64);
  const head: number[] = [];
  head.push((frame.fin === false ? 0 : 0x80) + (frame.rsv ?? 0) * 16 + frame.opcode);
  const mask = form.masked ? 0x80 : 0;
  if (bits === 7) head.push(mask + Number(length));
  if (bits === 16) head.push(mask + 126, Number(length / 256n), Number(length % 256n));
  if (bits === 64) {
    head.push(mask + 127);
    for (let shift = 56n; shift >= 0n; shift -= 8n) head.push(Number((length >> shift) & 255n));
  }
  if (!form.masked) return Buffer.concat([Buffer.from(head), payload]);
  const key = form.key ?? [0x37, 0xfa, 0x21, 0x3d];
  const masked = Buffer.alloc(payload.length);
  for (let at = 0; at < payload.length; at++) masked[at] = payload[at]! ^ key[at % 4]!;
  return Buffer.concat([Buffer.from([...head, ...key]), masked]);
}

/** Bytes as a peer of `role` receives them: what a server receives is masked. */
export function encodeFor(role: Role, frames: readonly WireFrame[]): Buffer {
  return Buffer.concat(frames.map((frame) => encodeFrame(frame, { masked: role === "server" })));
}

export interface DecodedFrame {
  readonly opcode: number;
  readonly fin: boolean;
  readonly rsv: number;
  readonly masked: boolean;
  readonly payload: Buffer;
}

/** Every frame in the bytes; throws when they end inside one. */
export function decodeFrames(bytes: Buffer): DecodedFrame[] {
  const frames: DecodedFrame[] = [];
  let at = 0;
  const next = (count: number): Buffer => {
    if (at + count > bytes.length) throw new Error(`the bytes end inside a frame, at ${bytes.length}`);
    at += count;
    return bytes.subarray(at - count, at);
  };
  while (at < bytes.length) {
    const [first, second] = next(2) as unknown as [number, number];
    const short = second & 127;
    const length =
      short < 126 ? short : short === 126 ? next(2).readUInt16BE() : Number(next(8).readBigUInt64BE());
    const masked = second >= 128;
    const key = masked ? Buffer.from(next(4)) : undefined;
    const payload = Buffer.from(next(length));
    if (key !== undefined) for (let i = 0; i < length; i++) payload[i]! ^= key[i % 4]!;
    frames.push({ opcode: first & 15, fin: first >= 128, rsv: (first >> 4) & 7, masked, payload });
  }
  return frames;
}

/** Cuts bytes into pieces whose lengths come from `nextLength`. */
export function* cut(bytes: Buffer, nextLength: () => number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; ) {
    const length = Math.max(1, nextLength());
    yield bytes.subarray(at, at + length);
    at += length;
  }
}

/** A small generator of numbers that are the same in every run. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
