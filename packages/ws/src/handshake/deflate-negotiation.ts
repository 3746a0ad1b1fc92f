import type { DeflateAgreement } from "../deflate/agreement.js";
import type { DeflateSettings } from "../options.js";
import type { ExtensionOffer } from "./extensions.js";

/** permessage-deflate in the handshake, RFC 7692 §7.1. */
export const PERMESSAGE_DEFLATE = "permessage-deflate";

const BITS_MAX = 15;

/** The four parameters, from an offer or a response. `true`: named without a value. */
interface Parameters {
  server_no_context_takeover?: true;
  client_no_context_takeover?: true;
  server_max_window_bits?: number;
  client_max_window_bits?: number | true;
}

/** @returns `undefined` for an unknown, repeated or malformed parameter */
function readParameters(offer: ExtensionOffer): Parameters | undefined {
  const read: Record<string, number | true> = Object.create(null);
  for (const [name, value] of offer.parameters) {
    if (name in read) return undefined;
    const meaning = readParameter(name, value);
    if (meaning === undefined) return undefined;
    read[name] = meaning;
  }
  return read as Parameters;
}

function readParameter(name: string, value: string | undefined): number | true | undefined {
  switch (name) {
    case "server_no_context_takeover":
    case "client_no_context_takeover":
      return value === undefined ? true : undefined;
    case "server_max_window_bits":
      return readBits(value);
    case "client_max_window_bits":
      return value === undefined ? true : readBits(value);
    default:
      return undefined;
  }
}

/** 8 to 15 without a leading zero (§7.1.2). */
function readBits(value: string | undefined): number | undefined {
  return value !== undefined && /^(?:[89]|1[0-5])$/.test(value) ? Number(value) : undefined;
}

export interface AcceptedDeflate {
  readonly agreement: DeflateAgreement;
  /** The element of the response's `Sec-WebSocket-Extensions`. */
  readonly response: string;
}

/** The server's choice: the first offer that can be met. @returns `undefined` when there is none */
export function acceptDeflate(
  offers: readonly ExtensionOffer[],
  settings: DeflateSettings,
): AcceptedDeflate | undefined {
  for (const offer of offers) {
    const asked = offer.name === PERMESSAGE_DEFLATE ? readParameters(offer) : undefined;
    if (asked !== undefined) return accept(asked, settings);
  }
  return undefined;
}

function accept(asked: Parameters, settings: DeflateSettings): AcceptedDeflate {
  const serverBits = Math.min(settings.serverMaxWindowBits, asked.server_max_window_bits ?? BITS_MAX);
  const clientBits = clientBitsOf(asked.client_max_window_bits, settings.clientMaxWindowBits);
  const agreement: DeflateAgreement = {
    serverNoContextTakeover: asked.server_no_context_takeover === true || !settings.serverContextTakeover,
    clientNoContextTakeover: asked.client_no_context_takeover === true || !settings.clientContextTakeover,
    serverMaxWindowBits: serverBits,
    clientMaxWindowBits: clientBits,
    settings,
  };
  const response = element({
    ...(agreement.serverNoContextTakeover && { server_no_context_takeover: true }),
    ...(agreement.clientNoContextTakeover && { client_no_context_takeover: true }),
    ...((asked.server_max_window_bits !== undefined || serverBits < BITS_MAX) && {
      server_max_window_bits: serverBits,
    }),
    ...(clientBits < BITS_MAX && { client_max_window_bits: clientBits }),
  });
  return { agreement, response };
}

/** A client that does not name the parameter cannot be asked for a smaller window (§7.1.2.2). */
function clientBitsOf(asked: number | true | undefined, wanted: number): number {
  if (asked === undefined) return BITS_MAX;
  return asked === true ? wanted : Math.min(asked, wanted);
}

/** The client's offer. */
export function offerDeflate(settings: DeflateSettings): string {
  return element({
    ...(!settings.serverContextTakeover && { server_no_context_takeover: true }),
    ...(!settings.clientContextTakeover && { client_no_context_takeover: true }),
    ...(settings.serverMaxWindowBits < BITS_MAX && { server_max_window_bits: settings.serverMaxWindowBits }),
    client_max_window_bits: settings.clientMaxWindowBits < BITS_MAX ? settings.clientMaxWindowBits : true,
  });
}

/** The server's answer to {@link offerDeflate}. @returns what is wrong with it, or the agreement */
export function confirmDeflate(answer: ExtensionOffer, settings: DeflateSettings): DeflateAgreement | string {
  const said = readParameters(answer);
  if (said === undefined) return "its parameters are not those of RFC 7692";
  const { server_max_window_bits: serverBits, client_max_window_bits: clientBits } = said;
  if (clientBits === true) return "client_max_window_bits has no value";
  if (!settings.serverContextTakeover && said.server_no_context_takeover !== true) {
    return "server_no_context_takeover was asked for and is missing";
  }
  if ((serverBits ?? BITS_MAX) > settings.serverMaxWindowBits) {
    return `server_max_window_bits is above ${settings.serverMaxWindowBits}`;
  }
  return {
    serverNoContextTakeover: said.server_no_context_takeover === true,
    clientNoContextTakeover: said.client_no_context_takeover === true || !settings.clientContextTakeover,
    serverMaxWindowBits: serverBits ?? BITS_MAX,
    clientMaxWindowBits: Math.min(clientBits ?? BITS_MAX, settings.clientMaxWindowBits),
    settings,
  };
}

function element(parameters: Parameters): string {
  return Object.entries(parameters).reduce(
    (text, [name, value]) => `${text}; ${value === true ? name : `${name}=${value}`}`,
    PERMESSAGE_DEFLATE,
  );
}
