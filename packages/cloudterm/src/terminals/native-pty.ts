import { createRequire } from "node:module";

/**
 * The native part of `@lydell/node-pty`, without its streams: those lose what a program wrote last, because they close
 * the descriptor 200 ms after the exit, read or not.
 */
export interface NativePty {
  fork(
    file: string,
    args: readonly string[],
    env: readonly string[],
    cwd: string,
    columns: number,
    rows: number,
    uid: number,
    gid: number,
    utf8: boolean,
    helperPath: string,
    onExit: (code: number, signal: number) => void,
  ): { readonly fd: number; readonly pid: number; readonly pty: string };
  resize(fd: number, columns: number, rows: number): void;
}

let native: NativePty | undefined;

/** @throws Error when there is no binary for this platform */
export function nativePty(): NativePty {
  if (native === undefined) {
    const { requireBinary } = createRequire(import.meta.url)("@lydell/node-pty/requireBinary.js") as {
      requireBinary(file: string): NativePty;
    };
    native = requireBinary("pty.node");
  }
  return native;
}
