import type { StaticOptions } from "@tz/static";
import type { CommandLine, ProcessOptions } from "./config.js";
import { type MountSettings, readConfigFile } from "./config-file/read.js";
import type { MonitoringConfig } from "./monitoring-flags.js";
import { UsageError } from "./usage-error.js";

/** Everything that is served, and where: the command line on top of the config file on top of the defaults. */
export interface Settings extends ProcessOptions {
  /** What operators can see. */
  readonly monitoring: MonitoringConfig;
  /** Empty: the demo site. */
  readonly mounts: readonly (MountSettings & { readonly dir: string })[];
}

/** @throws {UsageError} */
export async function resolveSettings(line: CommandLine): Promise<Settings> {
  const { config, dir, mount, given, ...process } = line;
  if (config === undefined) {
    const mounts = dir === undefined ? [] : [{ prefix: "/", dir, options: mount, origin: "" }];
    return checked({ ...process, mounts });
  }
  const file = await readConfigFile(config);
  const fromFile = Object.entries(file.process).filter(
    ([name, value]) => value !== undefined && !given.has(name as keyof ProcessOptions),
  );
  return checked({
    ...process,
    ...(Object.fromEntries(fromFile) as Partial<ProcessOptions>),
    mounts: mountsOf(file.single, file.mounts, line),
  });
}

function checked(settings: Settings): Settings {
  if (settings.pin && settings.workers === 1) {
    throw new UsageError('"pin" needs "workers" 2 or more, or "auto"');
  }
  if (settings.socketMode !== undefined && !settings.host.includes("/")) {
    throw new UsageError('"socketMode" needs the path of a Unix socket as "host"');
  }
  return settings;
}

function mountsOf(
  single: MountSettings | undefined,
  several: readonly MountSettings[],
  { dir, mount, config }: CommandLine,
): Settings["mounts"] {
  const name = `--config ${JSON.stringify(config)}:`;
  const hasFlags = Object.keys(mount).length > 0;
  if (several.length > 0) {
    if (dir !== undefined) throw new UsageError(`${name} has "mounts", so there can be no DIR beside it`);
    if (hasFlags) throw new UsageError(`${name} has "mounts"; options for the files belong into them`);
    return several.map((each) => withDirectory(each, undefined));
  }
  if (single === undefined && dir === undefined) {
    if (hasFlags) throw new UsageError(`options for the files need a DIR, or a "root" in ${config}`);
    return [];
  }
  const base = single ?? { prefix: "/", dir: undefined, options: {}, origin: "" };
  return [withDirectory({ ...base, options: merged(base, mount) }, dir)];
}

function withDirectory(mount: MountSettings, dir: string | undefined): Settings["mounts"][number] {
  const path = dir ?? mount.dir;
  if (path === undefined) throw new UsageError(`${mount.origin} lacks "root", and there is no DIR either`);
  return { ...mount, dir: path };
}

/** Flags over the file; the members of `cache` and `headers` one by one. */
function merged({ options, origin }: MountSettings, flags: StaticOptions): StaticOptions {
  const { cache, headers } = flags;
  if (headers !== undefined && typeof options.headers === "function") {
    throw new UsageError(`${origin} "headers" is a function, so --header cannot add to it`);
  }
  return {
    ...options,
    ...flags,
    ...(cache !== undefined && { cache: { ...options.cache, ...cache } }),
    ...(headers !== undefined && { headers: { ...options.headers, ...headers } }),
  };
}
