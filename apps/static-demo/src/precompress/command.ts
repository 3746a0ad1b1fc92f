import { rm } from "node:fs/promises";
import { checkedDirectory } from "../config.js";
import { UsageError } from "../usage-error.js";
import { CODINGS } from "./codings.js";
import { findOrphans } from "./find-orphans.js";
import { precompress } from "./precompress.js";
import { progressBar } from "./progress-bar.js";

const KIB = 1024;

const HELP = `Usage: tz-static precompress [--prune] DIR

Writes ${CODINGS.map(({ suffix }) => `*${suffix}`).join(", ")} beside the text files of DIR, for --precompressed. What is up to date is
left alone: an interrupted run goes on where it stopped.

--prune  remove forms whose file is gone: they would still be served in its place
`;

/**
 * `tz-static precompress DIR`.
 * @returns the exit code: 1 when a file could not be compressed
 * @throws UsageError
 */
export async function runPrecompress(args: readonly string[]): Promise<number> {
  if (args.includes("--help") || args.includes("-h")) {
    process.stdout.write(HELP);
    return 0;
  }
  const prunes = args.includes("--prune");
  const [dir, ...rest] = args.filter((arg) => arg !== "--prune");
  if (dir === undefined || rest.length > 0 || dir.startsWith("-")) {
    const got = args.length === 0 ? "nothing" : JSON.stringify(args.join(" "));
    throw new UsageError(`precompress takes one DIR, got ${got}; usage: tz-static precompress [--prune] DIR`);
  }
  const directory = checkedDirectory("DIR", dir);
  const { files, written, current, useless, sourceBytes, formBytes, failures } = await precompress(
    directory,
    {
      progress: progressBar(),
    },
  );
  for (const { path, message } of failures) console.error(`tz-static: ${path}: ${message}`);
  console.log(
    `${files} files: ${written} forms written, ${current} up to date, ${useless} would save nothing; ` +
      `${Math.round(sourceBytes / KIB)} KiB become ${Math.round(formBytes / KIB)} KiB`,
  );
  await tellOrphans(directory, prunes);
  return failures.length > 0 ? 1 : 0;
}

/** Forms that were made of files that are no longer there. */
async function tellOrphans(directory: string, prunes: boolean): Promise<void> {
  let count = 0;
  for await (const path of findOrphans(directory)) {
    if (prunes) await rm(path, { force: true });
    count++;
  }
  if (count === 0) return;
  if (prunes) console.log(`${count} forms whose file is gone: removed`);
  else console.error(`tz-static: ${count} forms whose file is gone are still served; --prune removes them`);
}
