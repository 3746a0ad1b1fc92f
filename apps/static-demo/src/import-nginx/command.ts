import { parseArgs } from "node:util";
import { UsageError } from "../usage-error.js";
import { convertNginx } from "./convert.js";

const HELP = `Usage: tz-static import-nginx FILE [--server NAME]

Converts the common directives of an nginx configuration to a config file of tz-static, on stdout:

  tz-static import-nginx /etc/nginx/sites-enabled/site > site.json
  tz-static --config site.json

Notes go to stderr. What cannot be converted is refused there, with file, line and what to do; stdout stays empty
and the exit code is 1. --server picks one of several servers by its name.
`;

/**
 * `tz-static import-nginx FILE`.
 * @returns the exit code: 1 when something cannot be converted
 * @throws UsageError
 */
export function runImportNginx(args: string[]): number {
  const { values, positionals } = parsed(args);
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const [file, ...rest] = positionals;
  if (file === undefined || rest.length > 0) {
    const got = positionals.length === 0 ? "nothing" : JSON.stringify(positionals.join(" "));
    throw new UsageError(
      `import-nginx takes one FILE, got ${got}; usage: tz-static import-nginx FILE [--server NAME]`,
    );
  }
  const { config, notes, refusals } = convertNginx(file, values.server);
  for (const refusal of refusals) console.error(`error: ${refusal}`);
  if (refusals.length > 0) {
    console.error(`tz-static: ${refusals.length} of ${file} cannot be converted`);
    return 1;
  }
  for (const note of notes) console.error(`note: ${note}`);
  process.stdout.write(`${JSON.stringify(config, undefined, 2)}\n`);
  return 0;
}

function parsed(args: string[]) {
  try {
    const options = { server: { type: "string" }, help: { type: "boolean", short: "h" } } as const;
    return parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    const [first] = (error as Error).message.split(". ");
    throw new UsageError(`import-nginx: ${first}; allowed: --server NAME, --help`);
  }
}
