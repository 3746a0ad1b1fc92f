import type { AccessLogFormat } from "@tz/server";
import { type Command, InvalidArgumentError, Option } from "commander";
import { UsageError } from "./usage-error.js";

/** What operators can see, and who of them. */
export interface MonitoringConfig {
  readonly metrics: boolean;
  readonly health: boolean;
  readonly dashboard: boolean;
  /** Where it is told to everybody; without it, it is told on the main address, to this machine only. */
  readonly admin: { readonly host: string; readonly port: number } | undefined;
  /** How long the server goes on after the first signal while it says that it is not ready. */
  readonly drainDelayMs: number;
  /** Where requests are written down; a file, or `-` for standard output. */
  readonly accessLog: { readonly file: string; readonly format: AccessLogFormat } | undefined;
}

const DRAIN_DELAY_MAX_S = 3600;
const PORT_MAX = 65_535;
const SECOND_MS = 1000;

/** What commander makes of the flags below. */
interface MonitoringFlags {
  readonly metrics?: true;
  readonly health?: true;
  readonly dashboard?: true;
  readonly admin?: { readonly host: string; readonly port: number };
  readonly drainDelay?: number;
  readonly accessLog?: string | true;
  readonly accessLogFormat?: AccessLogFormat;
}

export function addMonitoringFlags(command: Command): Command {
  return command
    .option("--metrics", "Prometheus metrics at /metrics, for clients on this machine")
    .option("--health", "/health and /ready, for clients on this machine")
    .option("--dashboard", "a live view of the server at /_tz/, for browsers on this machine")
    .addOption(
      new Option(
        "--admin <address>",
        "tell the three above here instead, to whoever can connect: PORT or HOST:PORT",
      ).argParser(parseAddress),
    )
    .addOption(
      new Option(
        "--drain-delay <seconds>",
        "after a signal, go on for this long while /ready says 503",
      ).argParser(parseSeconds),
    )
    .option("--access-log [file]", "a line for each request, to this file or to stdout (-)")
    .addOption(
      new Option("--access-log-format <name>", "json unless given: an object a line, or as Apache").choices([
        "json",
        "combined",
      ]),
    );
}

/**
 * Takes the flags of monitoring out of all flags.
 * @throws UsageError for one without those that it needs
 */
export function monitoringConfig<Flags extends object>(
  flags: Flags & MonitoringFlags,
): { readonly monitoring: MonitoringConfig; readonly rest: Omit<Flags, keyof MonitoringFlags> } {
  const {
    metrics = false,
    health = false,
    dashboard = false,
    admin,
    drainDelay = 0,
    accessLog: _file,
    accessLogFormat: _format,
    ...rest
  } = flags;
  const { accessLog: file, accessLogFormat: format }: MonitoringFlags = flags;
  if (file === undefined && format !== undefined)
    throw new UsageError("--access-log-format needs --access-log");
  if (admin !== undefined && !metrics && !health && !dashboard) {
    throw new UsageError("--admin needs something to tell: --metrics, --health, --dashboard");
  }
  const accessLog =
    file === undefined ? undefined : { file: file === true ? "-" : file, format: format ?? "json" };
  const drainDelayMs = drainDelay * SECOND_MS;
  return { monitoring: { metrics, health, dashboard, admin, drainDelayMs, accessLog }, rest };
}

function parseAddress(value: string): { host: string; port: number } {
  const found = /^(?:\[([0-9A-Fa-f:.]+)\]:|([0-9A-Za-z._-]+):)?(\d{1,5})$/.exec(value);
  const port = Number(found?.[3]);
  if (found === null || port > PORT_MAX) {
    throw new InvalidArgumentError(
      "It must be a port (then this machine only can connect), or HOST:PORT as 0.0.0.0:9090 or [::1]:9090; port 0 picks a free one.",
    );
  }
  return { host: found[1] ?? found[2] ?? "127.0.0.1", port };
}

function parseSeconds(value: string): number {
  const seconds = Number(value);
  if (!/^\d+(\.\d+)?$/.test(value) || seconds > DRAIN_DELAY_MAX_S) {
    throw new InvalidArgumentError(`It must be a number of seconds from 0 to ${DRAIN_DELAY_MAX_S}.`);
  }
  return seconds;
}
