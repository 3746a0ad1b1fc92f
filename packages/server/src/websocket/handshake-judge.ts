import { ResponseHead, type ResponsePlan } from "@tz/http1";
import {
  type AcceptedHandshake,
  acceptHandshake,
  type ConnectionHandler,
  type ConnectionOptions,
  type ConnectionSettings,
  connectionSettings,
  type DeflateOptions,
  type DeflateSettings,
  deflateSettings,
  type HandshakeOptions,
  type WebSocketConnection,
} from "@tz/ws";
import { ServerError } from "../errors.js";
import { webSocketUpgrade } from "./web-socket-tunnel.js";

/** What `app.ws` and `webSocket` have in common. */
export interface HandshakeSettings {
  /** Limits and timing; see `CONNECTION_OPTIONS` of `@tz/ws`. */
  readonly connection?: ConnectionOptions;
  /** permessage-deflate (RFC 7692): `true` for its defaults. Default `false`. */
  readonly deflate?: boolean | DeflateOptions;
  /** Picks one of the subprotocols that the client offers. */
  readonly chooseProtocol?: HandshakeOptions["chooseProtocol"];
  /** Whether pages of that origin may connect. Default: all may. */
  readonly allowOrigin?: HandshakeOptions["allowOrigin"];
}

const NAMES = ["connection", "deflate", "chooseProtocol", "allowOrigin"];

type Handshake = Parameters<typeof acceptHandshake>[0];

/** Judges opening handshakes (RFC 6455 §4.2) by the options of one route. */
export class HandshakeJudge {
  readonly #settings: ConnectionSettings;
  readonly #deflate: DeflateSettings | undefined;
  readonly #chooseProtocol: HandshakeOptions["chooseProtocol"];
  readonly #allowOrigin: HandshakeOptions["allowOrigin"];

  /**
   * @param more names of options that the caller reads itself
   * @throws WsError `TZ_WS_OPTION`, ServerError `TZ_SERVER_OPTION` for options that are unknown or out of bounds
   */
  constructor(options: HandshakeSettings, more: readonly string[]) {
    const known = [...NAMES, ...more];
    for (const name of Object.keys(options)) {
      if (known.includes(name)) continue;
      throw new ServerError(
        "TZ_SERVER_OPTION",
        `unknown WebSocket option ${JSON.stringify(name)}; allowed: ${known.join(", ")}`,
      );
    }
    const { connection, deflate, chooseProtocol, allowOrigin } = options;
    this.#settings = connectionSettings(connection);
    this.#deflate =
      deflate === undefined || deflate === false
        ? undefined
        : deflateSettings(deflate === true ? undefined : deflate);
    this.#chooseProtocol = chooseProtocol;
    this.#allowOrigin = allowOrigin;
  }

  /** @returns what was agreed, or the answer that refuses (400, 403, 405, 426 …) */
  judge(request: Handshake): AcceptedHandshake | ResponsePlan {
    const result = acceptHandshake(request, {
      deflate: this.#deflate,
      chooseProtocol: this.#chooseProtocol,
      allowOrigin: this.#allowOrigin,
    });
    if (result.accepted) return result;
    const bytes = Buffer.from(`${result.error.message}\n`);
    const fields = withoutConnection(result.fields.flat()).concat(
      "Content-Type",
      "text/plain; charset=utf-8",
      "Content-Length",
      String(bytes.byteLength),
    );
    return { head: new ResponseHead(result.status, fields), body: { kind: "bytes", bytes } };
  }

  /** The 101, and the connection behind it. */
  accept(
    handshake: AcceptedHandshake,
    handler: ConnectionHandler,
    opened: (connection: WebSocketConnection) => void,
  ): ResponsePlan {
    const { protocol, deflate } = handshake;
    return {
      head: new ResponseHead(101, handshake.fields.flat()),
      body: { kind: "none" },
      upgrade: webSocketUpgrade({ settings: this.#settings, deflate, protocol }, handler, opened),
    };
  }
}

/** `Connection` is the server's own business except in a 101. */
function withoutConnection(fields: readonly string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i < fields.length; i += 2) {
    if (fields[i] !== "Connection") kept.push(fields[i]!, fields[i + 1]!);
  }
  return kept;
}
