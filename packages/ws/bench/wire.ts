import { writeHead } from "../src/frame-writer.js";
import { maskBytes, readKey } from "../src/mask.js";

/** Frames as a client sends them, back to back, as many as fit into `bytes`. */
export function clientFrames(
  first: number,
  payload: Uint8Array,
  bytes: number,
): { stream: Buffer; count: number } {
  const frames: Buffer[] = [];
  let length = 0;
  for (let i = 0; ; i++) {
    const frame = Buffer.alloc(payload.length + 14);
    const start = writeHead(frame, 0, first, payload.length, Math.imul(i + 1, 2654435761));
    frame.set(payload, start);
    maskBytes(frame, start, start + payload.length, readKey(frame, start - 4));
    length += start + payload.length;
    if (length > bytes && i > 0) return { stream: Buffer.concat(frames), count: i };
    frames.push(frame.subarray(0, start + payload.length));
  }
}
