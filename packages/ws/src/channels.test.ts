import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { expect, test } from "vitest";
import { CHANNELS, type CloseMessage, type ErrorMessage, type OpenMessage } from "./channels.js";
import { WebSocketConnection } from "./connection.js";
import { RecordingSink } from "./recording-sink.fixture.js";
import { encodeFor } from "./wire.fixture.js";

test("opening, failing and closing are published", () => {
  const seen: unknown[][] = [];
  const listeners = {
    [CHANNELS.open]: (message: unknown) => seen.push(["open", (message as OpenMessage).connection]),
    [CHANNELS.error]: (message: unknown) => {
      const { connection, error } = message as ErrorMessage;
      seen.push(["error", connection, error.code]);
    },
    [CHANNELS.close]: (message: unknown) => {
      const { connection, code, clean } = message as CloseMessage;
      seen.push(["close", connection, code, clean]);
    },
  };
  for (const [name, listener] of Object.entries(listeners)) subscribe(name, listener);
  const connection = new WebSocketConnection("server", new RecordingSink(), { onMessage() {} });
  connection.receive(encodeFor("server", [{ opcode: 3 }]));
  for (const [name, listener] of Object.entries(listeners)) unsubscribe(name, listener);
  expect(seen).toEqual([
    ["open", connection],
    ["error", connection, "TZ_WS_OPCODE"],
    ["close", connection, 1006, false],
  ]);
});
