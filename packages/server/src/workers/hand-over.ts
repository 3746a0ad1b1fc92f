/**
 * Sockets that the supervisor before this one handed over, see `Supervisor.handOver`.
 *
 * ```
 *   old supervisor ──spawn, descriptors 4 …──▶ new supervisor ──starts workers──▶ "taken-over" ──▶ the old one ends
 * ```
 */
import { setCloseOnExec } from "@tz/sys";
import type { TakenOver } from "./messages.js";

export const HAND_OVER_VARIABLE = "TZ_HAND_OVER";

/** The first descriptor that `spawn` hands to a child after stdin, stdout, stderr and the channel. */
export const FIRST_CHILD_FD = 4;

export interface HandedOver {
  /** What `listen` was asked for. */
  readonly host: string;
  readonly port: number;
  readonly fds: readonly number[];
}

/** The target of sockets that were given (systemd's). */
export const GIVEN_HOST = "(given)";

const handedOver: HandedOver[] = read();
const isSuccessor = handedOver.length > 0;

function read(): HandedOver[] {
  const text = process.env[HAND_OVER_VARIABLE];
  if (text === undefined) return [];
  delete process.env[HAND_OVER_VARIABLE];
  const all = JSON.parse(text) as HandedOver[];
  for (const { fds } of all) for (const fd of fds) setCloseOnExec(fd, true);
  return all;
}

/** The sockets of a target, once. */
export function takeHandedOver(host: string, port: number): readonly number[] | undefined {
  const at = handedOver.findIndex((each) => each.host === host && each.port === port);
  return at < 0 ? undefined : handedOver.splice(at, 1)[0]!.fds;
}

/** Tells the process that handed its sockets over that they are served. */
export function confirmTakeOver(): void {
  if (!isSuccessor || !process.connected) return;
  const message: TakenOver = { tz: "taken-over" };
  process.send?.(message, undefined, undefined, () => {
    if (process.connected) process.disconnect();
  });
}
