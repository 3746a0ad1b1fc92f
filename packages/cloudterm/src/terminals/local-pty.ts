import { existsSync, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { isSupported } from "@tz/sys";
import { CloudtermError, shown } from "../errors.js";
import { folderFiles } from "../files/folder-files.js";
import { PtyProcess } from "./pty-process.js";
import type { BackendEvents, BackendTerminal, TerminalBackend, TerminalStart } from "./terminal-backend.js";

export interface LocalPtyOptions {
  /** Program and arguments. Default: the user's `SHELL`, or `/bin/sh`. */
  readonly command?: readonly string[] | undefined;
  /** Working directory. Default: the gateway's. */
  readonly cwd?: string | undefined;
  /**
   * The whole environment of the program, beside `TERM`. Default: the gateway's without names that hold secrets
   * (`TZ_…`, `…SECRET…`, `…PASSWORD…`, `…TOKEN…`, `…KEY…`).
   */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Default `xterm-256color`. */
  readonly term?: string | undefined;
  /** Run as this user and group; both or none. Other groups of the gateway are given up. Needs root and `setpriv`. */
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
  /** Directory whose files may be sent and fetched; see `folderFiles`. Default: none. */
  readonly files?: string | undefined;
}

const KNOWN = ["command", "cwd", "env", "term", "uid", "gid", "files"];
const ID_MAX = 2 ** 32 - 2;
const SECRET_NAME = /^TZ_|SECRET|PASSW|TOKEN|_KEY$|^KEY$|CREDENTIAL/i;
/** Of the terminal that the gateway itself was started in. */
const FOREIGN = new Set(["TMUX", "TMUX_PANE", "STY", "WINDOW", "WINDOWID", "TERMCAP", "COLUMNS", "LINES"]);

/**
 * Programs on pseudo-terminals of this machine (Linux).
 * @throws CloudtermError `TZ_CLOUDTERM_OPTION`
 */
export function localPty(options: LocalPtyOptions = {}): TerminalBackend {
  const command = checked(options);
  const { cwd = process.cwd(), term = "xterm-256color" } = options;
  const files = options.files === undefined ? undefined : folderFiles(options.files);
  return {
    name: "local",
    async open({ columns, rows }: TerminalStart, events: BackendEvents): Promise<BackendTerminal> {
      const support = isSupported();
      if (!support.supported) throw new CloudtermError("TZ_CLOUDTERM_BACKEND", support.reason);
      const env: Record<string, string> = { ...(options.env ?? inheritedEnv()), TERM: term, PWD: cwd };
      const [file, ...args] = privileged(command, options, env.PATH ?? "/usr/bin:/bin");
      try {
        const lines = Object.entries(env).map(([name, value]) => `${name}=${value}`);
        const program = new PtyProcess({ file: file!, args, env: lines, cwd, columns, rows }, events);
        return files === undefined ? program : Object.assign(program, { files });
      } catch (cause) {
        throw new CloudtermError("TZ_CLOUDTERM_BACKEND", (cause as Error).message, { cause });
      }
    },
  };
}

/** The program's first words with those in front that change user and group. */
function privileged(command: readonly string[], { uid, gid }: LocalPtyOptions, path: string): string[] {
  if (uid === undefined) return [...command];
  if (process.getuid?.() === uid && process.getgid?.() === gid) return [...command];
  const setpriv = programPath("setpriv", `${path}${delimiter}/usr/bin${delimiter}/bin`);
  if (setpriv === undefined) {
    throw new CloudtermError("TZ_CLOUDTERM_BACKEND", "uid and gid need the program setpriv (util-linux)");
  }
  return [setpriv, `--reuid=${uid}`, `--regid=${gid}`, "--clear-groups", "--", ...command];
}

function checked(options: LocalPtyOptions): readonly string[] {
  for (const name of Object.keys(options)) {
    if (!KNOWN.includes(name)) throw wrong(name, "an unknown option", `one of ${KNOWN.join(", ")}`);
  }
  const { command = [process.env.SHELL || "/bin/sh"], cwd, env, uid, gid } = options;
  if (!Array.isArray(command) || command.length === 0 || !command.every(isArgument)) {
    throw wrong("command", command, "one string or more, without NUL bytes");
  }
  const path = env?.PATH ?? process.env.PATH ?? "";
  if (programPath(command[0]!, path) === undefined)
    throw wrong("command", command[0], "a program that is there");
  if (cwd !== undefined && !statSync(cwd, { throwIfNoEntry: false })?.isDirectory()) {
    throw wrong("cwd", cwd, "a directory that is there");
  }
  if (env !== undefined && !Object.entries(env).every(([name, value]) => isName(name) && isArgument(value))) {
    throw wrong("env", env, "names without =, and values, both without NUL bytes");
  }
  if ((uid === undefined) !== (gid === undefined)) throw wrong("uid", uid, "together with gid, or neither");
  for (const [name, value] of Object.entries({ uid, gid })) {
    if (value !== undefined && !(Number.isInteger(value) && value >= 0 && value <= ID_MAX)) {
      throw wrong(name, value, `a whole number from 0 to ${ID_MAX}`);
    }
  }
  return command;
}

function isArgument(value: unknown): value is string {
  return typeof value === "string" && !value.includes("\0");
}

function isName(value: string): boolean {
  return value !== "" && !/[=\0]/.test(value);
}

function wrong(name: string, value: unknown, allowed: string): CloudtermError {
  return new CloudtermError(
    "TZ_CLOUDTERM_OPTION",
    `localPty: ${name} is ${shown(value)}; allowed: ${allowed}`,
  );
}

function programPath(name: string, path: string): string | undefined {
  if (name.includes("/")) return existsSync(name) ? name : undefined;
  return path
    .split(delimiter)
    .filter((folder) => folder !== "")
    .map((folder) => join(folder, name))
    .find((candidate) => existsSync(candidate));
}

function inheritedEnv(): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (value !== undefined && !SECRET_NAME.test(name) && !FOREIGN.has(name)) env[name] = value;
  }
  return env;
}
