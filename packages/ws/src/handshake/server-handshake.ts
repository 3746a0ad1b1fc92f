import type { DeflateAgreement } from "../deflate/agreement.js";
import { WsError, type WsErrorCode } from "../errors.js";
import type { DeflateSettings } from "../options.js";
import { acceptKey, isKey } from "./accept-key.js";
import { acceptDeflate } from "./deflate-negotiation.js";
import { parseExtensions } from "./extensions.js";
import { isToken, listElements, listHas } from "./tokens.js";

const VERSION = "13";

/** What is read of the request. The lines of one name are joined by `", "`, as RFC 9110 §5.2 has it. */
export interface HandshakeRequest {
  readonly method: string;
  /** HTTP/1.`minorVersion`. */
  readonly minorVersion: number;
  /** @param name in lower case */
  field(name: string): string | undefined;
}

export interface HandshakeOptions {
  /** From `deflateSettings`; without it, permessage-deflate is declined. */
  readonly deflate?: DeflateSettings | undefined;
  /** Picks one of the offered subprotocols, or none. */
  readonly chooseProtocol?: ((offered: readonly string[]) => string | undefined) | undefined;
  /**
   * Says whether pages of that origin may connect: browsers send one, and do not ask anybody else (§10.2).
   * Default: all may.
   */
  readonly allowOrigin?: ((origin: string | undefined) => boolean) | undefined;
}

export type Fields = readonly (readonly [name: string, value: string])[];

export interface AcceptedHandshake {
  readonly accepted: true;
  readonly status: 101;
  readonly fields: Fields;
  readonly protocol: string | undefined;
  readonly deflate: DeflateAgreement | undefined;
}

export interface RejectedHandshake {
  readonly accepted: false;
  readonly status: number;
  /** What belongs to the status: `Allow`, `Upgrade`, `Sec-WebSocket-Version`. */
  readonly fields: Fields;
  readonly error: WsError;
}

const UPGRADE: Fields = [
  ["Upgrade", "websocket"],
  ["Connection", "Upgrade"],
];

/** Fields that go with a rejection. */
const REJECTION_FIELDS: Partial<Record<WsErrorCode, Fields>> = {
  TZ_WS_METHOD: [["Allow", "GET"]],
  TZ_WS_UPGRADE: UPGRADE,
  TZ_WS_VERSION: [["Sec-WebSocket-Version", VERSION], ...UPGRADE],
};

/**
 * The server's side of the opening handshake (RFC 6455 §4.2): answers a request with what a 101 needs, or with
 * the status that refuses it.
 *
 * @throws WsError `TZ_WS_ARGUMENT` when `chooseProtocol` returns what was not offered
 */
export function acceptHandshake(
  request: HandshakeRequest,
  options: HandshakeOptions = {},
): AcceptedHandshake | RejectedHandshake {
  const refusal = checkRequest(request, options);
  if (refusal !== undefined) return reject(refusal);
  const offered = readProtocols(request.field("sec-websocket-protocol"));
  if (offered === undefined) return reject("TZ_WS_PROTOCOL");
  const offers = parseExtensions(request.field("sec-websocket-extensions") ?? "");
  if (offers === undefined) return reject("TZ_WS_EXTENSIONS");
  const deflate = options.deflate && acceptDeflate(offers, options.deflate);
  const protocol = offered.length > 0 ? options.chooseProtocol?.(offered) : undefined;
  if (protocol !== undefined && !offered.includes(protocol)) {
    throw new WsError("TZ_WS_ARGUMENT", `chooseProtocol returned "${protocol}", which was not offered`);
  }
  const fields: [string, string][] = [
    ["Upgrade", "websocket"],
    ["Connection", "Upgrade"],
    ["Sec-WebSocket-Accept", acceptKey(request.field("sec-websocket-key")!)],
  ];
  if (protocol !== undefined) fields.push(["Sec-WebSocket-Protocol", protocol]);
  if (deflate !== undefined) fields.push(["Sec-WebSocket-Extensions", deflate.response]);
  return { accepted: true, status: 101, fields, protocol, deflate: deflate?.agreement };
}

function checkRequest(request: HandshakeRequest, options: HandshakeOptions): WsErrorCode | undefined {
  if (request.method !== "GET") return "TZ_WS_METHOD";
  if (request.minorVersion < 1) return "TZ_WS_HTTP_VERSION";
  if (!listHas(request.field("upgrade"), "websocket")) return "TZ_WS_UPGRADE";
  if (!listHas(request.field("connection"), "upgrade")) return "TZ_WS_CONNECTION";
  if (request.field("sec-websocket-version") !== VERSION) return "TZ_WS_VERSION";
  if (!isKey(request.field("sec-websocket-key") ?? "")) return "TZ_WS_KEY";
  if (options.allowOrigin?.(request.field("origin")) === false) return "TZ_WS_ORIGIN";
  return undefined;
}

/** Different tokens, at least one where the field is there (§4.1). */
function readProtocols(value: string | undefined): string[] | undefined {
  if (value === undefined) return [];
  const offered = listElements(value);
  const right = offered.length > 0 && offered.every(isToken) && new Set(offered).size === offered.length;
  return right ? offered : undefined;
}

function reject(code: WsErrorCode): RejectedHandshake {
  const error = new WsError(code);
  return { accepted: false, status: error.status ?? 400, fields: REJECTION_FIELDS[code] ?? [], error };
}
