/** What systemd and its likes expect of a service: sd_listen_fds(3), sd_notify(3), sd_watchdog_enabled(3). */
import {
  AF_UNIX,
  close,
  connect,
  isSupported,
  Region,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  send,
  setCloseOnExec,
  socket,
} from "@tz/sys";
import { GIVEN_HOST, takeHandedOver } from "./hand-over.js";

/** SD_LISTEN_FDS_START */
const FIRST_FD = 3;
const MSG_NOSIGNAL = 0x4000;
const MSG_DONTWAIT = 0x40;
const WATCHDOG = "WATCHDOG=1";

let activated: readonly number[] | undefined;

/**
 * Sockets that systemd opened for this process (`LISTEN_FDS`, `LISTEN_PID`), or that a supervisor before this one
 * handed over; `undefined` when there are none. To be given to `listen({ fds })`.
 */
export function activatedSockets(): readonly number[] | undefined {
  activated ??= takeActivated();
  return activated.length === 0 ? undefined : activated;
}

function takeActivated(): readonly number[] {
  const handedOver = takeHandedOver(GIVEN_HOST, 0);
  if (handedOver !== undefined) return handedOver;
  const { LISTEN_PID, LISTEN_FDS } = process.env;
  // As sd_listen_fds(3): what was meant for a process before us is not ours.
  if (Number(LISTEN_PID) !== process.pid) return [];
  const count = Number(LISTEN_FDS);
  for (const name of ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"]) delete process.env[name];
  if (!Number.isInteger(count) || count < 1) return [];
  const fds = Array.from({ length: count }, (_, index) => FIRST_FD + index);
  if (isSupported().supported) for (const fd of fds) closeOnExec(fd);
  return fds;
}

/** One that is not there is for `listen` to refuse. */
function closeOnExec(fd: number): void {
  try {
    setCloseOnExec(fd, true);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EBADF") throw error;
  }
}

/**
 * Tells the service manager (`NOTIFY_SOCKET`) what goes on: `notifyServiceManager("READY=1", "STATUS=12 mounts")`.
 * @returns whether it was told; `false` without one, or without system calls
 */
export function notifyServiceManager(...assignments: readonly string[]): boolean {
  const path = process.env.NOTIFY_SOCKET;
  if (path === undefined || path === "" || !isSupported().supported) return false;
  const text = Buffer.from(assignments.join("\n"));
  // A sign of life may be lost, the next one follows; it must not wait for a manager that does not read.
  const flags = assignments.includes(WATCHDOG) ? MSG_NOSIGNAL | MSG_DONTWAIT : MSG_NOSIGNAL;
  const fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC);
  const message = Region.allocate(text.byteLength);
  try {
    message.bytes.set(text);
    // "@" stands for the NUL of an abstract name.
    const result = connect(fd, { family: "unix", path: path.replace(/^@/, "\0") });
    return result === 0 && send(fd, message.address, text.byteLength, flags) === text.byteLength;
  } finally {
    message.release();
    close(fd);
  }
}

/** `RELOADING=1` needs the time of CLOCK_MONOTONIC beside it. */
export function reloadingAssignments(): string[] {
  return ["RELOADING=1", `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`];
}

/** How often the service manager wants to hear `WATCHDOG=1`, in ms; 0: not at all. Half of what it waits. */
export function watchdogMs(): number {
  const { WATCHDOG_USEC, WATCHDOG_PID } = process.env;
  if (WATCHDOG_PID !== undefined && Number(WATCHDOG_PID) !== process.pid) return 0;
  const periodUs = Number(WATCHDOG_USEC);
  return periodUs > 0 ? Math.max(1, Math.floor(periodUs / 2000)) : 0;
}
