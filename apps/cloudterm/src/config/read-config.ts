import { readFileSync } from "node:fs";
import { Command, CommanderError, Option } from "commander";
import { UsageError } from "../usage-error.js";
import { CONFIG, type Config, type ConfigName, type ConfigRow, dashed, variableOf } from "./config-table.js";
import { configValue } from "./config-value.js";

const NAMES = Object.keys(CONFIG) as ConfigName[];

const EXAMPLES = `
Examples:
  cloudterm                                   a terminal on http://127.0.0.1:7681/
  cloudterm --port 0 --data ./data            any free port, everything below ./data
  cloudterm --host 0.0.0.0 --tls-cert cert.pem --tls-key key.pem --hosts term.example
  cloudterm --trusted-proxies loopback --hosts term.example --base-path /term
  cloudterm --command tmux --command new --command -A --command -s --command main
  cloudterm --ssh-hosts hosts.json --ssh-key ./id_ed25519 --files-dir ./files
  cloudterm --auth-header Remote-User --auth-header-peers loopback --trusted-proxies loopback
  cloudterm --redis redis://10.0.0.9 --users /shared/users.json --internal-url http://10.0.0.1:7681
  cloudterm --config cloudterm.json           {"port": 8443, "hosts": ["term.example"]}
  cloudterm user add ada --admin              asks for the password, or reads a line from stdin
  cloudterm user passwd ada | remove ada | list

Every option is also a setting of the file ("sessionIdleMs") and a variable of the environment
(TZ_CLOUDTERM_SESSION_IDLE_MS). The command line precedes the environment, that the file.
`;

/** The text for `--help` and `--version`: to be printed on stdout, exit code 0. */
export interface Answer {
  readonly text: string;
}

function optionOf(name: ConfigName): Option {
  const row: ConfigRow = CONFIG[name];
  const flag = row.type === "flag" ? `--${dashed(name)}` : `--${dashed(name)} <${row.value}>`;
  const standard = row.type === "flag" || String(row.default) === "" ? "" : ` (default: ${row.default})`;
  const option = new Option(flag, row.meaning + standard);
  if (row.type === "list") {
    option.argParser<string[]>((value, before) => [...(before ?? []), value]);
    option.description += " May be repeated.";
  }
  return option;
}

export function addConfigOptions(command: Command, names: readonly ConfigName[] = NAMES): Command {
  for (const name of names) command.addOption(optionOf(name));
  return command.option("--config <file>", "JSON file with settings.");
}

/**
 * Reads the command line, the environment and the file.
 * @param args without node and script
 * @throws UsageError naming the setting, its value and what is allowed
 */
export function readConfig(
  args: readonly string[],
  version: string,
  env: NodeJS.ProcessEnv = process.env,
): Config | Answer {
  const command = addConfigOptions(new Command("cloudterm"))
    .description("A terminal in the browser: log in, leave, come back to it.")
    .version(version)
    .addHelpText("after", EXAMPLES)
    .showSuggestionAfterError(false)
    .exitOverride();
  let text = "";
  command.configureOutput({ writeOut: (part) => (text += part), writeErr: () => {} });
  try {
    command.parse(args, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { text };
    throw new UsageError(error.message.replace(/^error: /, "").replace(/\s*\n\s*/g, " "));
  }
  return resolveConfig(command.opts(), env);
}

/** What was given on the command line, over the environment, over the file, over the defaults. */
export function resolveConfig(flags: Record<string, unknown>, env: NodeJS.ProcessEnv = process.env): Config {
  const path = flags.config ?? env.TZ_CLOUDTERM_CONFIG;
  const file = typeof path === "string" && path !== "" ? readFile(path) : {};
  const config: Record<string, unknown> = {};
  for (const name of NAMES) {
    const variable = variableOf(name);
    if (flags[name] !== undefined) config[name] = configValue(name, flags[name], `--${dashed(name)}`);
    else if (env[variable] !== undefined) config[name] = configValue(name, env[variable], variable);
    else if (file[name] !== undefined) config[name] = configValue(name, file[name], `"${name}" in ${path}`);
    else config[name] = CONFIG[name].default;
  }
  const checked = config as Config;
  if ((checked.tlsCert === "") !== (checked.tlsKey === ""))
    throw new UsageError("--tls-cert and --tls-key go together; one of them is missing");
  if ((checked.authHeader === "") !== (checked.authHeaderPeers.length === 0))
    throw new UsageError("--auth-header and --auth-header-peers go together; one of them is missing");
  if ((checked.oidcIssuer === "") !== (checked.oidcClientId === ""))
    throw new UsageError("--oidc-issuer and --oidc-client-id go together; one of them is missing");
  if (checked.sshOnly && checked.sshHosts === "" && checked.upstreams === "")
    throw new UsageError("--ssh-only needs --ssh-hosts: there would be nothing to open a terminal on");
  return checked;
}

function readFile(path: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    // The parser quotes what it found, lines and all.
    throw new UsageError(`--config ${path}: ${(error as Error).message.replace(/\s*\n\s*/g, " ")}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new UsageError(`--config ${path} holds no JSON object`);
  // "$schema" is for editors.
  const unknown = Object.keys(value).find((name) => name !== "$schema" && !Object.hasOwn(CONFIG, name));
  if (unknown !== undefined)
    throw new UsageError(`--config ${path} has ${JSON.stringify(unknown)}; allowed: ${NAMES.join(", ")}`);
  return value as Record<string, unknown>;
}
