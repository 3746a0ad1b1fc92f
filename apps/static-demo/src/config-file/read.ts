import { dirname, resolve } from "node:path";
import { inspect } from "node:util";
import { STATIC_OPTIONS, type StaticOptions } from "@tz/static";
import { checkedDirectory, isSocketPath, type ProcessOptions } from "../config.js";
import { type TlsConfig, type TlsFlags, tlsConfig } from "../tls-flags.js";
import { UsageError } from "../usage-error.js";
import type { ConfigFile, MountConfig } from "./config-file.js";
import { loadConfigValue } from "./load.js";
import { PLACE_KEYS, SERVER_KEYS, type ServerKey } from "./server-keys.js";

/** A directory, where it is served and how. */
export interface MountSettings {
  readonly prefix: string;
  /** Absolute; `undefined` when the file leaves it to the command line. */
  readonly dir: string | undefined;
  /** Checked by `staticMount`, values included. */
  readonly options: StaticOptions;
  /** Where it is said: stands in front of errors. Empty for the command line. */
  readonly origin: string;
}

export interface FileSettings {
  /** What is not in the file is `undefined`. */
  readonly process: { readonly [Name in keyof ProcessOptions]: ProcessOptions[Name] | undefined };
  /** One mount at the top of the file; without it, `mounts` were given, or nothing. */
  readonly single: MountSettings | undefined;
  readonly mounts: readonly MountSettings[];
}

/** Names of options at the first level: `cache` for `cache.bytes`. */
const OPTION_NAMES = [...new Set(Object.keys(STATIC_OPTIONS).map((name) => name.split(".")[0] ?? name))];

/** @throws {UsageError} naming the file, the key, its value and what is allowed */
export async function readConfigFile(file: string): Promise<FileSettings> {
  const value = await loadConfigValue(file);
  const origin = `--config ${JSON.stringify(file)}:`;
  if (!isObject(value)) throw new UsageError(`${origin} must be an object, got ${shown(value)}`);
  checkKeys(value, { ...SERVER_KEYS, ...PLACE_KEYS }, origin);
  const { $schema, host, port, loop, workers, pin, user, group, socketMode, quiet, ...others } =
    value as ConfigFile;
  const { cert: certFile, key: keyFile, tlsSelfSigned, http2, hsts, httpRedirect, mounts, ...rest } = others;
  const base = dirname(resolve(file));
  const [cert, key] = [below(base, certFile), below(base, keyFile)];
  const process = {
    host: host !== undefined && isSocketPath(host) ? resolve(base, host) : host,
    port,
    loop,
    workers,
    pin,
    user,
    group,
    socketMode: socketMode === undefined ? undefined : Number.parseInt(socketMode, 8),
    quiet,
    tls: tlsOf({ cert, key, tlsSelfSigned, http2, hsts, httpRedirect }, origin),
  };
  if (mounts === undefined) {
    const isMount = Object.keys(rest).length > 0;
    return { process, single: isMount ? mountOf(rest, origin, base) : undefined, mounts: [] };
  }
  const [stray] = Object.keys(rest);
  if (stray !== undefined) {
    throw new UsageError(`${origin} "${stray}" stands beside "mounts"; it belongs into one of them`);
  }
  return { process, single: undefined, mounts: mounts.map((mount, i) => entryOf(mount, i, origin, base)) };
}

function tlsOf(given: TlsFlags, origin: string): TlsConfig | undefined {
  try {
    return tlsConfig(given).tls;
  } catch (error) {
    throw error instanceof UsageError ? new UsageError(`${origin} ${error.message}`) : error;
  }
}

function below(base: string, path: string | undefined): string | undefined {
  return path === undefined ? undefined : resolve(base, path);
}

function entryOf(mount: unknown, i: number, origin: string, base: string): MountSettings {
  const place = `${origin} mounts[${i}]:`;
  if (!isObject(mount)) throw new UsageError(`${place} must be an object with a root, got ${shown(mount)}`);
  checkKeys(mount, PLACE_KEYS, place);
  if (mount.root === undefined) throw new UsageError(`${place} lacks "root", the directory to serve`);
  return mountOf(mount as unknown as MountConfig, place, base);
}

function mountOf(mount: Partial<MountConfig>, origin: string, base: string): MountSettings {
  const { prefix = "/", root, ...options } = mount;
  const { manifest } = options;
  return {
    prefix,
    dir: root === undefined ? undefined : checkedDirectory(`${origin} root`, root, base),
    options: typeof manifest === "string" ? { ...options, manifest: resolve(base, manifest) } : options,
    origin,
  };
}

/** Unknown keys, and values of the keys that are ours; those of mount options are checked by the mount. */
function checkKeys(given: object, ours: Readonly<Record<string, ServerKey>>, origin: string): void {
  for (const [key, value] of Object.entries(given)) {
    if (OPTION_NAMES.includes(key)) continue;
    const known = Object.hasOwn(ours, key) ? ours[key] : undefined;
    if (known === undefined) {
      const allowed = [...Object.keys(ours), ...OPTION_NAMES].join(", ");
      throw new UsageError(`${origin} unknown key "${key}" (${shown(value)}); allowed: ${allowed}`);
    }
    if (!known.isGood(value) && value !== undefined) {
      throw new UsageError(`${origin} "${key}" must be ${known.allowed}, got ${shown(value)}`);
    }
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function shown(value: unknown): string {
  const text =
    typeof value === "string"
      ? JSON.stringify(value)
      : inspect(value, { depth: 1, compact: true, breakLength: Infinity });
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
