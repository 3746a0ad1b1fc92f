import { type ChildProcess, spawn } from "node:child_process";
import { schedGetaffinity, schedSetaffinity } from "@tz/sys";
import { ServerError } from "../errors.js";
import { FIRST_CHILD_FD } from "./hand-over.js";
import { ROLE_VARIABLE, type WorkerRole } from "./worker-role.js";

/** What a worker is told, but for what differs between the ways to start one. */
export type RoleDraft = Omit<WorkerRole, "sockets" | "fds" | "memory" | "generationFd">;

/** Starts worker processes: this program once more, with its arguments. */
export interface Launcher {
  /** @param generationFd memory of the worker's generation */
  launch(role: RoleDraft, generationFd?: number): ChildProcess;
  /** This program once more as a supervisor, with all sockets, and `others` behind them. */
  successor?(environment: NodeJS.ProcessEnv, others: readonly number[]): ChildProcess;
}

export interface Inheritance {
  /** By address. */
  readonly fds: readonly (readonly number[])[];
  readonly memory: { readonly fd: number; readonly byteLength: number } | undefined;
}

/** Workers that inherit sockets and memory as descriptors. */
export class InheritingLauncher implements Launcher {
  readonly #inheritance: Inheritance;

  constructor(inheritance: Inheritance) {
    this.#inheritance = inheritance;
  }

  launch(draft: RoleDraft, generationFd?: number): ChildProcess {
    const { fds, memory } = this.#inheritance;
    let next = FIRST_CHILD_FD;
    const role: WorkerRole = {
      ...draft,
      sockets: "inherited",
      fds: fds.map((ofAddress) => ofAddress.map(() => next++)),
      memory: memory && { fd: next++, byteLength: memory.byteLength },
      generationFd: generationFd === undefined ? undefined : next,
    };
    const handed = [...fds.flat(), ...[memory?.fd, generationFd].filter((fd) => fd !== undefined)];
    return spawn(process.execPath, ownArguments(), {
      stdio: ["ignore", "inherit", "inherit", "ipc", ...handed],
      env: { ...process.env, [ROLE_VARIABLE]: JSON.stringify(role) },
    });
  }

  successor(environment: NodeJS.ProcessEnv, others: readonly number[]): ChildProcess {
    return spawn(process.execPath, ownArguments(), {
      stdio: ["inherit", "inherit", "inherit", "ipc", ...this.#inheritance.fds.flat(), ...others],
      env: { ...process.env, ...environment },
    });
  }
}

/** Workers of `node:cluster`, for the loop on `node:net`. */
export async function clusterLauncher(memory?: Inheritance["memory"]): Promise<Launcher> {
  const { default: cluster } = await import("node:cluster");
  const [exec, ...args] = process.argv.slice(1);
  if (exec === undefined) throw noProgram();
  const stdio = ["ignore", "inherit", "inherit", "ipc", ...(memory === undefined ? [] : [memory.fd])];
  cluster.setupPrimary({
    exec,
    args,
    execArgv: process.execArgv,
    windowsHide: true,
    stdio,
  });
  const inherited = memory && { fd: FIRST_CHILD_FD, byteLength: memory.byteLength };
  return {
    launch: (draft) => {
      const role: WorkerRole = {
        ...draft,
        sockets: "cluster",
        fds: [],
        memory: inherited,
        generationFd: undefined,
      };
      return cluster.fork({ [ROLE_VARIABLE]: JSON.stringify(role) }).process;
    },
  };
}

/** @throws ServerError `TZ_SERVER_STATE` in a process that has no program: there is nothing to start again */
function ownArguments(): string[] {
  if (process.argv[1] === undefined) throw noProgram();
  return [...process.execArgv, ...process.argv.slice(1)];
}

function noProgram(): ServerError {
  return new ServerError("TZ_SERVER_STATE", "workers need a program in a file: they run it again");
}

/**
 * Runs `start` on one processor: what it starts inherits that, each of its threads too.
 * @param slot workers take turns over the processors that this process may use
 */
export function pinned<T>(slot: number, start: () => T): T {
  const all = schedGetaffinity(0);
  schedSetaffinity(0, [all[slot % all.length]!]);
  try {
    return start();
  } finally {
    schedSetaffinity(0, all);
  }
}
