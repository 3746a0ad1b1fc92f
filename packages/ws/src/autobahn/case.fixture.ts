import type { WireFrame } from "../wire.fixture.js";

/** What a peer that echoes must have sent, in order. */
export type Answer =
  | { readonly kind: "text" | "binary"; readonly payload: Buffer }
  | { readonly kind: "pong"; readonly payload: Buffer };

/**
 * One case of the Autobahn test suite, by its public number: frames that are sent to an echoing end, and what
 * that end must do.
 */
export interface AutobahnCase {
  readonly id: string;
  readonly sends: string;
  readonly frames: readonly WireFrame[];
  readonly answers: readonly Answer[];
  /**
   * `"open"`: the connection stays open, and a Close of 1000 ends it cleanly. A number: the end sends a Close
   * of that code and ends the transport. `"peer-close"`: the case sends a Close itself, whose code comes back.
   */
  readonly end: "open" | number | { readonly answersClose: number | undefined };
  /** Octets of a TCP segment, where the case says so. */
  readonly chopBytes?: number;
  /** The connection must have failed before this many bytes of the last frame's payload were received. */
  readonly failsWithin?: number;
}

export function text(payload: string | Uint8Array): Answer {
  return { kind: "text", payload: Buffer.from(payload) };
}

export function binary(payload: Uint8Array): Answer {
  return { kind: "binary", payload: Buffer.from(payload) };
}

export function pong(payload: string | Uint8Array): Answer {
  return { kind: "pong", payload: Buffer.from(payload) };
}

/** Cuts one message into frames of `size` bytes. */
export function fragments(opcode: number, payload: Uint8Array, size: number): WireFrame[] {
  const frames: WireFrame[] = [];
  for (let at = 0; at < payload.length || frames.length === 0; at += size) {
    frames.push({
      opcode: at === 0 ? opcode : 0,
      fin: at + size >= payload.length,
      payload: payload.subarray(at, at + size),
    });
  }
  return frames;
}
