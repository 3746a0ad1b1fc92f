import { readFileSync, readlinkSync } from "node:fs";

/** A thread of this machine: its id, and when it started (the low 31 bits of ticks since boot), because ids are used again. */
export interface ThreadIdentity {
  readonly thread: number;
  readonly start: number;
}

/** Whether a thread lives is read from `/proc`, so it works between processes that see the same one. */
export interface Liveness {
  readonly self: ThreadIdentity;
  /** `start` 0 means that it is not known (yet): then any thread with that id will do. */
  isAlive(thread: number, start: number): boolean;
}

const START_FIELD = 22;
const STATE_FIELD = 3;

function statOf(thread: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${thread}/stat`, "latin1");
    // The name, in brackets, may contain anything; fields are counted from behind it.
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined;
  }
}

function startOf(fields: readonly string[]): number {
  // Never 0, which means unknown.
  return (Number(BigInt(fields[START_FIELD - STATE_FIELD]!) & 0x7fffffffn) || 1) | 0;
}

let own: ThreadIdentity | undefined;

function self(): ThreadIdentity {
  if (own !== undefined) return own;
  try {
    const thread = Number(readlinkSync("/proc/thread-self").split("/").pop());
    own = { thread, start: startOf(statOf(thread)!) };
  } catch {
    // No /proc: a name that no other thread has. Others cannot tell whether it lives.
    own = { thread: 1 + Math.floor(Math.random() * 0x7ffffffe), start: 1 };
  }
  return own;
}

const hasProc = statOf(process.pid) !== undefined;

/**
 * Liveness by `/proc/<thread id>/stat`. A zombie is dead. Without `/proc` everything is taken for alive: there the
 * parent has to say who died, with `SharedCache.recover`.
 */
export const procLiveness: Liveness = {
  get self() {
    return self();
  },
  isAlive(thread, start) {
    if (!hasProc) return true;
    const fields = statOf(thread);
    if (fields === undefined || fields[0] === "Z" || fields[0] === "X") return false;
    return start === 0 || startOf(fields) === start;
  },
};
