import { randomBytes } from "node:crypto";
import type { DeflateAgreement } from "../deflate/agreement.js";
import { WsError } from "../errors.js";
import type { DeflateSettings } from "../options.js";
import { acceptKey } from "./accept-key.js";
import { confirmDeflate, offerDeflate, PERMESSAGE_DEFLATE } from "./deflate-negotiation.js";
import { parseExtensions } from "./extensions.js";
import type { Fields } from "./server-handshake.js";
import { isToken, listHas } from "./tokens.js";

export interface OfferOptions {
  /** Subprotocols in order of preference; different tokens. */
  readonly protocols?: readonly string[] | undefined;
  /** From `deflateSettings`; without it, permessage-deflate is not offered. */
  readonly deflate?: DeflateSettings | undefined;
}

/** A handshake that was begun. */
export interface HandshakeOffer {
  readonly key: string;
  readonly protocols: readonly string[];
  readonly deflate: DeflateSettings | undefined;
  /** Fields of the request, beside `Host` and what the application adds. */
  readonly fields: Fields;
}

/** What is read of the response. */
export interface HandshakeResponse {
  readonly status: number;
  /** @param name in lower case */
  field(name: string): string | undefined;
}

export interface ConfirmedHandshake {
  readonly protocol: string | undefined;
  readonly deflate: DeflateAgreement | undefined;
}

/**
 * The client's request (RFC 6455 §4.1).
 *
 * @throws WsError `TZ_WS_ARGUMENT` when the subprotocols are not different tokens
 */
export function offerHandshake(options: OfferOptions = {}): HandshakeOffer {
  const { protocols = [], deflate } = options;
  if (!protocols.every(isToken) || new Set(protocols).size !== protocols.length) {
    throw new WsError("TZ_WS_ARGUMENT", "subprotocols must be different tokens");
  }
  const key = randomBytes(16).toString("base64");
  const fields: [string, string][] = [
    ["Upgrade", "websocket"],
    ["Connection", "Upgrade"],
    ["Sec-WebSocket-Key", key],
    ["Sec-WebSocket-Version", "13"],
  ];
  if (protocols.length > 0) fields.push(["Sec-WebSocket-Protocol", protocols.join(", ")]);
  if (deflate !== undefined) fields.push(["Sec-WebSocket-Extensions", offerDeflate(deflate)]);
  return { key, protocols, deflate, fields };
}

/**
 * Checks the server's answer (RFC 6455 §4.1, second list).
 *
 * @throws WsError `TZ_WS_RESPONSE`, saying what is wrong with it
 */
export function confirmHandshake(offer: HandshakeOffer, response: HandshakeResponse): ConfirmedHandshake {
  if (response.status !== 101) refuse(`status ${response.status}`);
  if (response.field("upgrade")?.toLowerCase() !== "websocket") refuse("no `Upgrade: websocket`");
  if (!listHas(response.field("connection"), "upgrade")) refuse("no `Connection: Upgrade`");
  if (response.field("sec-websocket-accept") !== acceptKey(offer.key)) {
    refuse("`Sec-WebSocket-Accept` does not answer the key");
  }
  const protocol = response.field("sec-websocket-protocol");
  if (protocol !== undefined && !offer.protocols.includes(protocol)) {
    refuse("a subprotocol that was not offered");
  }
  return { protocol, deflate: confirmExtensions(offer, response.field("sec-websocket-extensions")) };
}

function confirmExtensions(offer: HandshakeOffer, value: string | undefined): DeflateAgreement | undefined {
  const answers = parseExtensions(value ?? "");
  if (answers === undefined) refuse("`Sec-WebSocket-Extensions` does not follow its grammar");
  const [answer, ...more] = answers;
  if (answer === undefined) return undefined;
  if (answer.name !== PERMESSAGE_DEFLATE || more.length > 0 || offer.deflate === undefined) {
    refuse("an extension that was not offered");
  }
  const agreement = confirmDeflate(answer, offer.deflate);
  return typeof agreement === "string" ? refuse(`permessage-deflate: ${agreement}`) : agreement;
}

function refuse(what: string): never {
  throw new WsError("TZ_WS_RESPONSE", `the server's handshake: ${what}`);
}
