import { accessSync, constants, existsSync, statSync } from "node:fs";
import { resolve } from "node:path";
import type { StaticOptions } from "@tz/static";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { addMonitoringFlags, type MonitoringConfig, monitoringConfig } from "./monitoring-flags.js";
import { addMountFlags, mountOptions } from "./mount-flags.js";
import { addTlsFlags, type TlsConfig, tlsConfig } from "./tls-flags.js";
import { UsageError } from "./usage-error.js";

/** How and where the process listens. */
export interface ProcessOptions {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  readonly loop: "auto" | "epoll" | "node";
  /** Processes that serve. */
  readonly workers: number | "auto";
  /** Each worker runs on one processor. */
  readonly pin: boolean;
  /** After binding, become this user and group. */
  readonly user: string | undefined;
  readonly group: string | undefined;
  /** Permission bits of the file of a Unix socket. */
  readonly socketMode: number | undefined;
  /** Nothing on stderr but errors; the ready line stays, programs wait for it. */
  readonly quiet: boolean;
  /** HTTPS; `undefined` is HTTP. */
  readonly tls: TlsConfig | undefined;
}

/** What the command line says. A config file may add to it, see `settings.ts`. */
export interface CommandLine extends ProcessOptions {
  /** Absolute path of the folder to serve. */
  readonly dir: string | undefined;
  /** As given, meant from the working directory. */
  readonly config: string | undefined;
  /** What operators can see. */
  readonly monitoring: MonitoringConfig;
  /** How DIR is served. */
  readonly mount: StaticOptions;
  /** Which options of the process were given; the others have their defaults. */
  readonly given: ReadonlySet<keyof ProcessOptions>;
}

/** The text for `--help` and `--version`: to be printed on stdout, exit code 0. */
export interface Answer {
  readonly text: string;
}

export const PORT_MAX = 65_535;
export const WORKERS_MAX = 256;

function parsePort(value: string): number {
  const port = Number(value);
  if (!/^\d+$/.test(value) || port > PORT_MAX) {
    throw new InvalidArgumentError(`It must be a whole number from 0 to ${PORT_MAX}; 0 picks a free port.`);
  }
  return port;
}

function parseHost(value: string): string {
  // Brackets belong to a URL; people paste them.
  const host = value.replace(/^\[(.*)\]$/, "$1");
  if (isSocketPath(host)) return resolve(host);
  if (!isHost(host)) {
    throw new InvalidArgumentError(
      "It must be an IPv4 or IPv6 address of this machine, a host name, or the path of a Unix socket (with a slash).",
    );
  }
  return host;
}

function parseWorkers(value: string): number | "auto" {
  const workers = Number(value);
  if (value === "auto") return value;
  if (!/^\d+$/.test(value) || workers < 1 || workers > WORKERS_MAX) {
    throw new InvalidArgumentError(`It must be auto, or a whole number from 1 to ${WORKERS_MAX}.`);
  }
  return workers;
}

function parseMode(value: string): number {
  if (!isMode(value)) {
    throw new InvalidArgumentError("It must be three octal digits, as 660.");
  }
  return Number.parseInt(value, 8);
}

export function isMode(value: unknown): value is string {
  return typeof value === "string" && /^[0-7]{3,4}$/.test(value) && Number.parseInt(value, 8) <= 0o777;
}

export function isSocketPath(value: string): boolean {
  return /^[^\0]*\/[^\0]*[^\0/]$/.test(value);
}

export function isHost(value: unknown): value is string {
  return typeof value === "string" && /^[0-9A-Za-z.:%_-]+$/.test(value);
}

function buildCommand(version: string): Command {
  const command = new Command("tz-static")
    .description(
      "Serve a directory over HTTP. Without DIR: the demo site.\n" +
        "`tz-static precompress DIR` writes compressed forms beside the files, for --precompressed.\n" +
        "`tz-static manifest DIR` writes hashes and preloads of the files, for --manifest.\n" +
        "`tz-static import-nginx FILE` converts an nginx configuration to a file for --config.",
    )
    .argument("[DIR]", "the directory to serve")
    .addOption(
      new Option("--host <address>", "address to listen on").default("127.0.0.1").argParser(parseHost),
    )
    .addOption(
      new Option("--port <number>", "port to listen on, 0 for any").default(8080).argParser(parsePort),
    )
    .addOption(
      new Option("--loop <name>", "epoll: direct Linux system calls; node: node:net, everywhere")
        .choices(["epoll", "node"])
        .default("auto", "the fastest that works here"),
    )
    .addOption(
      new Option("--workers <number>", "processes that serve; auto is one for each processor")
        .default(1)
        .argParser(parseWorkers),
    )
    .option("--pin", "each worker on a processor of its own (Linux)", false)
    .option("--user <name>", "after binding, become this user (as root only)")
    .option("--group <name>", "and this group, instead of the user's own")
    .addOption(
      new Option("--socket-mode <octal>", "who may connect to a Unix socket, as 660").argParser(parseMode),
    )
    .option("--quiet", "no notes on stderr, only errors", false)
    .option(
      "--config <file>",
      "server and mounts from a file: .json, .mjs, .js, .cjs; .ts from Node 22.18 on",
    );
  return addMountFlags(addMonitoringFlags(addTlsFlags(command, parsePort)))
    .version(version)
    .showSuggestionAfterError(false)
    .exitOverride();
}

/**
 * Reads the command line.
 * @param args without node and script
 * @throws {UsageError} naming the thing, its value and what is allowed
 */
export function readConfig(args: readonly string[], version: string): CommandLine | Answer {
  const command = buildCommand(version);
  let text = "";
  command.configureOutput({ writeOut: (part) => (text += part), writeErr: () => {} });
  try {
    command.parse(asksForHelp(args) ? ["--help"] : args, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { text };
    throw new UsageError(explain(error, command));
  }
  const { host, port, loop, workers, pin, user, group, socketMode, quiet, config, ...others } = command.opts<
    Omit<ProcessOptions, "tls"> & Pick<CommandLine, "config">
  >();
  const [dir] = command.args;
  const { tls, rest } = tlsConfig(others);
  const { monitoring, rest: ofMount } = monitoringConfig(rest);
  const mount = mountOptions(ofMount);
  if (dir === undefined && config === undefined && Object.keys(mount).length > 0) {
    throw new UsageError("options for the files need a DIR; the demo site has its own");
  }
  if (config === undefined && mount.earlyHints === true && mount.manifest === undefined) {
    throw new UsageError("--early-hints needs --manifest: it has the preloads to send");
  }
  if (config === undefined && socketMode !== undefined && !host.includes("/")) {
    throw new UsageError(
      `--socket-mode needs the path of a Unix socket as --host (with a slash), got ${JSON.stringify(host)}`,
    );
  }
  if (pin && workers === 1 && config === undefined) {
    throw new UsageError("--pin needs --workers 2 or more, or auto");
  }
  const process = { host, port, loop, workers, pin, user, group, socketMode, quiet };
  return {
    ...process,
    tls,
    monitoring,
    config,
    mount,
    dir: dir === undefined ? undefined : checkedDirectory("DIR", dir),
    given: new Set([
      ...Object.keys(process).filter((name) => command.getOptionValueSource(name) === "cli"),
      ...(tls === undefined ? [] : ["tls"]),
    ]) as CommandLine["given"],
  };
}

/** `tz-static help`, as many programs have it; a directory of that name is served. */
function asksForHelp([first, ...others]: readonly string[]): boolean {
  return first === "help" && others.length === 0 && !existsSync("help");
}

function explain(error: CommanderError, command: Command): string {
  const message = error.message.replace(/^error: /, "").replace(/\s*\n\s*/g, " ");
  if (error.code === "commander.unknownOption") {
    const allowed = [...command.options.map((option) => option.long), "--help"];
    return `${message}; allowed: ${allowed.join(", ")}`;
  }
  if (error.code === "commander.excessArguments") {
    return `one DIR only, got ${command.args.length}: ${command.args.map((arg) => JSON.stringify(arg)).join(", ")}`;
  }
  return message;
}

const directoryFailures: Record<string, string> = {
  ENOENT: "does not exist; it must be a directory",
  ENOTDIR: "does not exist; a part of the path is a file",
  EACCES: "may not be read by this user",
  ELOOP: "is a symbolic link in a circle",
  ENAMETOOLONG: "is too long for a path",
};

/**
 * The absolute path of a directory that can be read.
 * @param what names it in the error
 * @throws {UsageError}
 */
export function checkedDirectory(what: string, dir: string, base = process.cwd()): string {
  const path = resolve(base, dir);
  const refuse = (why: string) => new UsageError(`${what} ${JSON.stringify(dir)} ${why}`);
  try {
    if (statSync(path).isDirectory()) {
      accessSync(path, constants.R_OK | constants.X_OK);
      return path;
    }
  } catch (error) {
    const why = directoryFailures[(error as NodeJS.ErrnoException).code ?? ""];
    throw why === undefined ? error : refuse(why);
  }
  throw refuse("is not a directory; it must be one, files are served from it");
}
