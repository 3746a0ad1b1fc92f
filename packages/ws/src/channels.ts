import { channel } from "node:diagnostics_channel";
import type { WebSocketConnection } from "./connection.js";
import type { WsError } from "./errors.js";

/** On `tz:ws:open`. */
export interface OpenMessage {
  readonly connection: WebSocketConnection;
}

/** On `tz:ws:error`: why a connection fails. */
export interface ErrorMessage {
  readonly connection: WebSocketConnection;
  readonly error: WsError;
}

/** On `tz:ws:close`, once for each connection. */
export interface CloseMessage {
  readonly connection: WebSocketConnection;
  readonly code: number;
  readonly reason: string;
  readonly clean: boolean;
}

/** The channels of `node:diagnostics_channel` on which the package publishes. A message is made only for a subscriber. */
export const CHANNELS = { open: "tz:ws:open", error: "tz:ws:error", close: "tz:ws:close" } as const;

export const openChannel = channel(CHANNELS.open);
export const errorChannel = channel(CHANNELS.error);
export const closeChannel = channel(CHANNELS.close);
