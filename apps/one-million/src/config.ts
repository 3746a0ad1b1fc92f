import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { MAX_LANES } from "./totals/root.js";
import { UsageError } from "./usage-error.js";

export interface ServeConfig {
  readonly command: "serve";
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  readonly workers: number;
  /** Totals are kept there, so that several machines share them. */
  readonly redis: string | undefined;
  /** In front of the names of the keys in Redis. */
  readonly redisPrefix: string;
}

export interface ClientConfig {
  readonly command: "client";
  /** Without one, a server is started for the run. */
  readonly url: string | undefined;
  readonly requests: number;
  readonly connections: number;
  readonly users: number;
  /** Workers of the server that is started. */
  readonly workers: number;
  /** Requests that a connection sends before it waits for answers. */
  readonly pipeline: number;
}

/** The text for `--help` and `--version`: to be printed on stdout, exit code 0. */
export interface Answer {
  readonly command: "answer";
  readonly text: string;
}

export type Config = ServeConfig | ClientConfig | Answer;

const whole = (min: number, max: number) => (text: string) => {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
};

const numbered = (flags: string, about: string, min: number, max: number, standard: number) =>
  new Option(flags, about).default(standard).argParser(whole(min, max));

function urlOf(protocols: readonly string[]) {
  return (text: string) => {
    if (URL.canParse(text) && protocols.includes(new URL(text).protocol)) return text;
    throw new InvalidArgumentError(`It must be a URL that begins with ${protocols.join("// or ")}//.`);
  };
}

function commands(version: string, choose: (config: Config) => void): Command {
  const program = new Command("one-million")
    .description("The one-million-request challenge: POST /event, GET /stats, POST /reset, counted exactly.")
    .option("--host <address>", "address to listen on", "127.0.0.1")
    .addOption(numbered("--port <number>", "port to listen on, 0 for any", 0, 65_535, 8080))
    .addOption(numbered("--workers <number>", "processes that serve", 1, MAX_LANES, 1))
    .addOption(
      new Option("--redis <url>", "keep the totals in Redis, shared by several machines").argParser(
        urlOf(["redis:", "rediss:"]),
      ),
    )
    .option("--redis-prefix <text>", "in front of the names of the keys", "one-million")
    .version(version)
    .action((flags: Omit<ServeConfig, "command" | "redis"> & { redis?: string }) =>
      choose({ redis: undefined, ...flags, command: "serve" }),
    );
  program
    .command("client")
    .description(
      "Sends events, shows its progress, then compares what the server counted with what was sent.",
    )
    .addOption(
      new Option("--url <url>", "the server; without one, a server is started").argParser(urlOf(["http:"])),
    )
    .addOption(numbered("--requests <number>", "events to send", 1, 1_000_000_000, 1_000_000))
    .addOption(numbered("--connections <number>", "connections that send them", 1, 15_000, 1000))
    .addOption(numbered("--users <number>", "different users among them, at most", 1, 100_000_000, 75_000))
    .addOption(numbered("--workers <number>", "processes of the server that is started", 1, MAX_LANES, 2))
    .addOption(numbered("--pipeline <number>", "events that a connection sends at a time", 1, 256, 1))
    .action((flags: Omit<ClientConfig, "command" | "url"> & { url?: string }) =>
      choose({ url: undefined, ...flags, command: "client" }),
    );
  return program;
}

/**
 * Reads the command line.
 * @param args without node and script
 * @throws UsageError naming the thing, its value and what is allowed
 */
export function readConfig(args: readonly string[], version: string): Config {
  let config: Config | undefined;
  let text = "";
  const program = commands(version, (chosen) => (config = chosen));
  for (const command of [program, ...program.commands]) {
    command
      .exitOverride()
      .showSuggestionAfterError(false)
      .configureOutput({ writeOut: (part) => (text += part), writeErr: () => {} });
  }
  try {
    program.parse(args, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { command: "answer", text };
    throw new UsageError(error.message.replace(/^error: /, "").replace(/\s*\n\s*/g, " "));
  }
  if (config === undefined) throw new UsageError("nothing to do");
  return config;
}
