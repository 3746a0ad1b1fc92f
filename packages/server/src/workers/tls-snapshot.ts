import { deserialize, serialize } from "node:v8";
import { TicketKeys } from "../tls/ticket-keys.js";
import type { TlsOptions } from "../tls/tls-options.js";
import { isOurs, type TlsMessage } from "./messages.js";

/** What the TLS of workers has from their supervisor. */
export interface TlsSnapshot {
  /** `undefined`: each has those of its options. */
  readonly keys: TicketKeys | undefined;
  /** Counts calls of `reloadTls`. */
  readonly version: number;
  /** Options on top of the worker's own, with the contents of files in place of their paths. */
  readonly changes: Partial<TlsOptions>;
}

/** As a message: JSON has no bytes. */
export function tlsMessage({ keys, version, changes }: TlsSnapshot): TlsMessage {
  return {
    tz: "tls",
    keys: keys && Buffer.from(keys.block).toString("base64"),
    version,
    changes: serialize(changes).toString("base64"),
  };
}

export function readTlsMessage({ keys, version, changes }: TlsMessage): TlsSnapshot {
  return {
    keys: keys === undefined ? undefined : new TicketKeys(Buffer.from(keys, "base64")),
    version,
    changes: deserialize(Buffer.from(changes, "base64")) as Partial<TlsOptions>,
  };
}

/**
 * Asks the supervisor before this one. Over the channel, not by the environment, which every process of the same user can
 * read.
 * @returns `undefined` when that process is gone
 */
export function askForTls(): Promise<TlsSnapshot | undefined> {
  return new Promise((resolve) => {
    const done = (snapshot: TlsSnapshot | undefined): void => {
      process.off("message", onMessage).off("disconnect", onEnd);
      resolve(snapshot);
    };
    const onMessage = (message: unknown): void => {
      if (isOurs<TlsMessage>(message) && message.tz === "tls") done(readTlsMessage(message));
    };
    const onEnd = (): void => done(undefined);
    process.on("message", onMessage).on("disconnect", onEnd);
    if (process.connected) process.send?.({ tz: "tls?" }, undefined, undefined, () => {});
    else onEnd();
  });
}
