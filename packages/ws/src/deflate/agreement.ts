import type { Role } from "../opcode.js";
import type { DeflateSettings } from "../options.js";
import { Deflater } from "./deflater.js";
import { Inflater } from "./inflater.js";
import type { DeflateRuntime } from "./runtime.js";

/** What both ends agreed on in the handshake (RFC 7692 §7.1). */
export interface DeflateAgreement {
  /** log2 of the window of the server's compressor. */
  readonly serverMaxWindowBits: number;
  readonly clientMaxWindowBits: number;
  readonly serverNoContextTakeover: boolean;
  readonly clientNoContextTakeover: boolean;
  /** This end's own part: level, memory, threshold. */
  readonly settings: DeflateSettings;
}

export function deflaterFor(role: Role, agreement: DeflateAgreement, runtime: DeflateRuntime): Deflater {
  const server = role === "server";
  const noTakeover = server ? agreement.serverNoContextTakeover : agreement.clientNoContextTakeover;
  return new Deflater(runtime, {
    windowBits: server ? agreement.serverMaxWindowBits : agreement.clientMaxWindowBits,
    takeover: !noTakeover,
    level: agreement.settings.level,
    memoryLevel: agreement.settings.memoryLevel,
  });
}

export function inflaterFor(
  role: Role,
  agreement: DeflateAgreement,
  runtime: DeflateRuntime,
  maxMessageBytes: number,
): Inflater {
  const server = role === "server";
  const bits = server ? agreement.clientMaxWindowBits : agreement.serverMaxWindowBits;
  const noTakeover = server ? agreement.clientNoContextTakeover : agreement.serverNoContextTakeover;
  // A peer whose zlib has no window of 8 bits compresses with 9.
  return new Inflater(runtime, Math.max(9, bits), !noTakeover, maxMessageBytes);
}
