import { refusalOfField, type StaticOptions } from "@tz/static";
import { type Command, InvalidArgumentError, Option } from "commander";

const MIB = 1024 * 1024;
const SECOND_MS = 1000;

/** What commander makes of the flags below. */
interface MountFlags {
  readonly listing?: true;
  readonly spa?: true;
  readonly cleanUrls?: true;
  readonly compress?: true;
  readonly precompressed?: true;
  readonly cors?: true;
  readonly manifest?: string;
  readonly earlyHints?: true;
  readonly cacheMb?: number;
  readonly ttl?: number;
  readonly maxAge?: number;
  readonly maxFileMb?: number;
  readonly etag?: "weak" | "strong" | "off";
  readonly dotfiles?: "deny" | "ignore" | "allow";
  readonly symlinks?: "deny" | "within-root" | "follow";
  readonly header?: Record<string, Record<string, string>>;
}

/** Adds the flags that say how DIR is served. */
export function addMountFlags(command: Command): Command {
  return command
    .option("--listing", "show what is in a directory that has no index page")
    .option("--spa", "answer navigations to unknown paths with index.html")
    .option("--clean-urls", "/about is about.html")
    .option("--compress", "compress text on the fly: brotli, zstd where Node has it, gzip")
    .option("--precompressed", "serve app.js.br, app.js.zst, app.js.gz beside app.js")
    .option("--cors", "let pages of every origin read the files")
    .option("--manifest <file>", "hashes and preloads of the files, as `tz-static manifest` writes them")
    .option("--early-hints", "send 103 with the preloads of the manifest")
    .addOption(
      new Option("--cache-mb <number>", "memory for hot files, in MiB").argParser(amount(0, 10_240, "MiB")),
    )
    .addOption(
      new Option("--ttl <seconds>", "keep a file in memory no longer than this").argParser(
        amount(1, 604_800, "seconds", 3),
      ),
    )
    .addOption(
      new Option("--max-age <seconds>", "Cache-Control: max-age for browsers").argParser(
        amount(0, 31_536_000, "seconds", 0),
      ),
    )
    .addOption(
      new Option("--max-file-mb <number>", "answer 413 for larger files").argParser(
        amount(0.001, 10_240, "MiB"),
      ),
    )
    .addOption(
      new Option("--etag <kind>", "tags of time and size, or of the content").choices([
        "weak",
        "strong",
        "off",
      ]),
    )
    .addOption(
      new Option("--dotfiles <policy>", "names that begin with a dot").choices(["deny", "ignore", "allow"]),
    )
    .addOption(new Option("--symlinks <policy>", "symbolic links").choices(["deny", "within-root", "follow"]))
    .addOption(
      new Option(
        "--header <rule>",
        "'GLOB: Name: value', a field for the files that match; may be repeated",
      ).argParser(headerRule),
    );
}

/** The options of the mount that the flags ask for; flags that were not given leave the mount's defaults. */
export function mountOptions(flags: MountFlags): StaticOptions {
  const { cacheMb, ttl, maxFileMb } = flags;
  const cache = {
    ...(cacheMb !== undefined && { bytes: Math.round(cacheMb * MIB) }),
    ...(ttl !== undefined && { ttlMs: ttl * SECOND_MS }),
  };
  return {
    ...(flags.listing && { listing: true }),
    ...(flags.spa && { spaFallback: true }),
    ...(flags.cleanUrls && { cleanUrls: true }),
    ...(flags.compress && { compress: true }),
    ...(flags.precompressed && { precompressed: true }),
    ...(flags.cors && { cors: true }),
    ...(flags.manifest !== undefined && { manifest: flags.manifest }),
    ...(flags.earlyHints && { earlyHints: true }),
    ...(flags.maxAge !== undefined && { maxAge: flags.maxAge }),
    ...(maxFileMb !== undefined && { maxFileBytes: Math.round(maxFileMb * MIB) }),
    ...(flags.etag !== undefined && { etag: flags.etag === "off" ? false : flags.etag }),
    ...(flags.dotfiles !== undefined && { dotfiles: flags.dotfiles }),
    ...(flags.symlinks !== undefined && { symlinks: flags.symlinks }),
    ...(flags.header !== undefined && { headers: flags.header }),
    ...(Object.keys(cache).length > 0 && { cache }),
  };
}

/** @param digits how many there may be behind the point; as many as one likes when it is not given */
function amount(min: number, max: number, unit: string, digits = 100): (value: string) => number {
  const kind = digits === 0 ? "a whole number" : "a number";
  const precision = digits === 0 || digits === 100 ? "" : `, with at most ${digits} digits behind the point`;
  return (value) => {
    const number = Number(value);
    const [, fraction = ""] = /^\d+(?:\.(\d+))?$/.exec(value) ?? [];
    if (!/^\d+(\.\d+)?$/.test(value) || fraction.length > digits || number < min || number > max) {
      throw new InvalidArgumentError(`It must be ${kind} of ${unit} from ${min} to ${max}${precision}.`);
    }
    return number;
  };
}

function headerRule(
  rule: string,
  before: Record<string, Record<string, string>> = {},
): Record<string, Record<string, string>> {
  const parts = /^(.+?):\s*([^:\s]+):\s*(.+)$/.exec(rule);
  if (parts === null)
    throw new InvalidArgumentError("It must be 'GLOB: Name: value', as '**/*.woff2: Cache-Control: public'.");
  const [, glob = "", name = "", value = ""] = parts;
  if (glob.trim() === "__proto__") throw new InvalidArgumentError("No file has the name __proto__ here.");
  const refusal = refusalOfField(name, value);
  if (refusal !== undefined) throw new InvalidArgumentError(refusal);
  return { ...before, [glob.trim()]: { ...before[glob.trim()], [name]: value } };
}
