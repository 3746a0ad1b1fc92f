import { readdirSync, readFileSync } from "node:fs";

/** How long programs have to end after the hang-up before they are killed. */
export const GRACE_MS = 2000;

/**
 * Sends a signal to every process of a session (setsid(2)): a shell's background jobs have process groups of their own,
 * so the group of the leader is not enough.
 * @param leader process id of the session's leader, which is the session's id
 */
export function signalSession(leader: number, signal: NodeJS.Signals): void {
  const groups = new Set([leader]);
  for (const { group, session } of processes()) if (session === leader) groups.add(group);
  for (const group of groups) {
    try {
      process.kill(-group, signal);
    } catch {
      // Nobody is left in it (ESRCH), or it became another user's (EPERM).
    }
  }
}

/** Whether any process of the session lives. */
export function sessionLives(leader: number): boolean {
  return processes().some(({ session, state }) => session === leader && state !== "Z");
}

interface ProcessLine {
  readonly state: string;
  readonly group: number;
  readonly session: number;
}

/** From /proc; empty where there is none. */
function processes(): ProcessLine[] {
  const found: ProcessLine[] = [];
  let names: string[];
  try {
    names = readdirSync("/proc");
  } catch {
    return found;
  }
  for (const name of names) {
    if (!/^\d+$/.test(name)) continue;
    try {
      // "pid (name) state ppid pgrp session …", and a name may hold anything.
      const text = readFileSync(`/proc/${name}/stat`, "latin1");
      const [state, , group, session] = text.slice(text.lastIndexOf(")") + 2).split(" ");
      found.push({ state: state!, group: Number(group), session: Number(session) });
    } catch {
      // Ended meanwhile.
    }
  }
  return found;
}
