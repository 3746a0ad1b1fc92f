import { rename, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { checkedDirectory } from "../config.js";
import { UsageError } from "../usage-error.js";
import { makeManifest } from "./make-manifest.js";

/** In DIR, but a name that the server does not serve. */
const DEFAULT_NAME = ".manifest.json";

interface Flags {
  readonly out?: string;
  readonly prefix: string;
  readonly names: boolean;
}

function buildCommand(): Command {
  return new Command("tz-static manifest")
    .description(
      "Writes what is known of the files of DIR at build time, for --manifest: the SHA-256 of each, names with a\n" +
        "hash under which they are served for a year, and what pages preload.",
    )
    .argument("<DIR>", "the directory that will be served")
    .option("--out <file>", `where to write; - is stdout (default: DIR/${DEFAULT_NAME})`)
    .addOption(
      new Option("--prefix <path>", "where DIR will be mounted").default("/").argParser((value) => {
        if (/^\/(?:[!-~]*[!-.0-~])?$/.test(value)) return value;
        throw new InvalidArgumentError('It must be "/" or a path as "/assets", without a slash at its end.');
      }),
    )
    .option("--no-names", "no content-addressed names")
    .showSuggestionAfterError(false)
    .exitOverride();
}

/**
 * `tz-static manifest DIR`.
 * @returns the exit code: 1 when a file could not be read
 * @throws UsageError
 */
export async function runManifest(args: readonly string[]): Promise<number> {
  const command = buildCommand().configureOutput({ writeErr: () => {} });
  try {
    command.parse(args, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return 0;
    throw new UsageError(`manifest: ${error.message.replace(/^error: /, "")}`);
  }
  const { out, prefix, names } = command.opts<Flags>();
  const directory = checkedDirectory("DIR", command.args[0] ?? "");
  const summary = await makeManifest(directory, { prefix, names });
  for (const { path, message } of summary.failures) console.error(`tz-static: ${path}: ${message}`);
  const text = `${JSON.stringify(summary.manifest, undefined, 2)}\n`;
  if (out === "-") {
    process.stdout.write(text);
  } else {
    const file = out === undefined ? join(directory, DEFAULT_NAME) : resolve(out);
    await replaceFile(file, text);
    const { files, preloads } = summary;
    console.log(
      `${files} files: ${summary.names} names with a hash, ${preloads} preloads; written to ${file}`,
    );
  }
  return summary.failures.length > 0 ? 1 : 0;
}

/** A server that reads it meanwhile sees the old one or the new one. @throws UsageError */
async function replaceFile(file: string, text: string): Promise<void> {
  const partial = `${file}.${process.pid}.partial`;
  try {
    await writeFile(partial, text);
    await rename(partial, file);
  } catch (error) {
    await rm(partial, { force: true });
    throw new UsageError(`--out ${JSON.stringify(file)} cannot be written: ${(error as Error).message}`);
  }
}
