/**
 * Sockets that the supervisor before this one handed over, see `Supervisor.handOver`.
 *
 * ```
 *   old supervisor ──spawn, descriptors 4 …──▶ new supervisor ──starts workers──▶ "taken-over" ──▶ the old one ends
 * ```
 */
import { close, setCloseOnExec } from "@tz/sys";
import type { TicketKeys } from "../tls/ticket-keys.js";
import type { TakenOver } from "./messages.js";
import { askForTls } from "./tls-snapshot.js";

export const HAND_OVER_VARIABLE = "TZ_HAND_OVER";

/** The first descriptor that `spawn` hands to a child after stdin, stdout, stderr and the channel. */
export const FIRST_CHILD_FD = 4;

/** How long after the workers serve the program may take to listen on what else there was. */
const LEFT_OVER_MS = 10_000;

export interface HandedOver {
  /** What `listen` was asked for. */
  readonly host: string;
  readonly port: number;
  readonly fds: readonly number[];
  /** Served by the supervisor's process itself. */
  readonly ofProcess?: boolean;
  /** The process before can be asked for the keys of session tickets. */
  readonly sharesTls?: boolean;
}

/** The target of sockets that were given (systemd's). */
export const GIVEN_HOST = "(given)";

const handedOver: HandedOver[] = read();
const isSuccessor = handedOver.length > 0;
const sharesTls = handedOver.some((each) => each.sharesTls === true);

function read(): HandedOver[] {
  const text = process.env[HAND_OVER_VARIABLE];
  if (text === undefined) return [];
  delete process.env[HAND_OVER_VARIABLE];
  const all = JSON.parse(text) as HandedOver[];
  for (const { fds } of all) for (const fd of fds) setCloseOnExec(fd, true);
  return all;
}

/**
 * The sockets of a target, once.
 * @param ofProcess those without workers
 */
export function takeHandedOver(host: string, port: number, ofProcess = false): readonly number[] | undefined {
  const at = handedOver.findIndex(
    (each) => each.host === host && each.port === port && (each.ofProcess ?? false) === ofProcess,
  );
  return at < 0 ? undefined : handedOver.splice(at, 1)[0]!.fds;
}

/** The keys of session tickets of the process before; `undefined` when there is none, or it has none. */
export async function takeTicketKeys(): Promise<TicketKeys | undefined> {
  if (!sharesTls) return undefined;
  return (await askForTls())?.keys;
}

/** Tells the process that handed its sockets over that they are served. */
export function confirmTakeOver(): void {
  if (!isSuccessor) return;
  // What this program does not listen on any more: nobody shall wait in its queue.
  setTimeout(() => {
    for (const { fds } of handedOver.splice(0)) for (const fd of fds) close(fd);
  }, LEFT_OVER_MS).unref();
  if (!process.connected) return;
  const message: TakenOver = { tz: "taken-over" };
  process.send?.(message, undefined, undefined, () => {
    if (process.connected) process.disconnect();
  });
}
