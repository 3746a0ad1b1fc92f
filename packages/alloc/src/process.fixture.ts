import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { close, ftruncate, isSupported, memfdCreate, mmap, type Region } from "@tz/sys";

/** Memory that processes share: children inherit the descriptor as 3. */
export interface ProcessMemory {
  readonly fd: number;
  readonly byteLength: number;
  readonly region: Region;
  release(): void;
}

export const canShareBetweenProcesses: boolean = isSupported().supported;

export function makeProcessMemory(byteLength: number): ProcessMemory {
  const fd = memfdCreate("alloc-test", 0);
  ftruncate(fd, byteLength);
  const region = mmap({ fd, byteLength });
  return {
    fd,
    byteLength,
    region,
    release() {
      region.release();
      close(fd);
    },
  };
}

/** The memory in a child. */
export function inheritedMemory(byteLength: number): Region {
  return mmap({ fd: 3, byteLength });
}

/** A process that runs a TypeScript file with the memory as descriptor 3; its arguments are in JSON. */
export function startProcess(file: URL, memory: ProcessMemory, argument: unknown): ChildProcess {
  return spawn(
    process.execPath,
    ["--import", "tsx", "--conditions=@tz/source", fileURLToPath(file), JSON.stringify(argument)],
    { stdio: ["ignore", "pipe", "inherit", memory.fd] },
  );
}

/** Resolves with the code or the signal that ended a process. */
export function exited(child: ChildProcess): Promise<number | string> {
  return new Promise((resolve) => {
    child.once("exit", (code, signal) => resolve(signal ?? code ?? -1));
  });
}

/** Resolves when a process has printed its first line, or has ended. */
export function started(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.stdout?.once("data", () => resolve());
    child.once("exit", () => resolve());
  });
}
