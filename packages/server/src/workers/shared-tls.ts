import { ServerError } from "../errors.js";
import { rotateEvery, TicketKeys } from "../tls/ticket-keys.js";
import { loadTls, type TlsOptions, withContents } from "../tls/tls-options.js";
import type { TlsSnapshot } from "./tls-snapshot.js";

/**
 * The TLS that all workers of a supervisor have in common: keys for tickets, so that each resumes the sessions of all,
 * and what `reloadTls` changed since they started.
 *
 * ```
 *   supervisor   keys ──every ticketRotationS──▶ keys'          reloadTls: files are read here, with its rights
 *                  │                              │                          │
 *   workers        └─ at their start              └─ at once                 └─ at once, and at the start of later ones
 * ```
 */
export class SharedTls {
  readonly #options: TlsOptions;
  /** What calls of `reloadTls` gave, as they gave it. */
  #given: Partial<TlsOptions> = {};
  /** With the contents of all files. */
  #contents: Partial<TlsOptions> = {};
  /** The generation that `#contents` was read for: a later one reads the files itself. */
  #generation = 0;
  #version = 0;
  #keys: TicketKeys | undefined;
  #rotation: NodeJS.Timeout | undefined;
  /** New keys or certificates are there. */
  onChange: (what: "certificates" | "ticket-keys") => void = () => {};

  /**
   * @param keys of the supervisor before this one
   * @throws ServerError `TZ_SERVER_OPTION`
   */
  constructor(options: TlsOptions, keys: TicketKeys | undefined) {
    this.#options = options;
    const { ticketKeys, ticketRotationS } = loadTls(options);
    if (ticketKeys !== undefined) return;
    this.#keys = keys ?? TicketKeys.random();
    this.#rotation = rotateEvery(ticketRotationS, () => this.rotateKeys());
  }

  /** What a worker gets at its start, or when something changed. */
  snapshot(generation: number): TlsSnapshot {
    const isCurrent = generation <= this.#generation;
    return {
      keys: this.#keys,
      version: this.#version,
      changes: isCurrent ? this.#contents : withContents(this.#given),
    };
  }

  /** What a supervisor that takes over gets: its options are its own. */
  get inheritance(): TlsSnapshot {
    return { keys: this.#keys, version: 0, changes: {} };
  }

  /** @throws ServerError `TZ_SERVER_STATE` when they are given by the options */
  rotateKeys(): void {
    if (this.#keys === undefined) throw keysAreGiven();
    this.#keys = this.#keys.rotated();
    this.onChange("ticket-keys");
  }

  /**
   * @param generation the workers that are told
   * @throws ServerError `TZ_SERVER_OPTION`: then nothing has changed
   */
  reload(options: Partial<TlsOptions>, generation: number): void {
    const given = { ...this.#given, ...options };
    const contents = withContents({ ...this.#options, ...given });
    const { ticketKeys } = loadTls(contents as TlsOptions);
    this.#given = given;
    this.#contents = contents;
    this.#generation = generation;
    this.#version++;
    if (ticketKeys !== undefined) {
      this.#keys = undefined;
      clearInterval(this.#rotation);
    }
    this.onChange("certificates");
  }

  close(): void {
    clearInterval(this.#rotation);
  }
}

export function keysAreGiven(): ServerError {
  return new ServerError("TZ_SERVER_STATE", "ticket keys are given by tls.ticketKeys: rotate them there");
}
