import { createHash } from "node:crypto";

/** RFC 6455 §1.3. */
const MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** What `Sec-WebSocket-Accept` answers to a key (RFC 6455 §4.2.2). */
export function acceptKey(key: string): string {
  return createHash("sha1").update(key).update(MAGIC).digest("base64");
}

/** 16 bytes in base64. */
export function isKey(value: string): boolean {
  return /^[+/0-9A-Za-z]{22}==$/.test(value);
}
