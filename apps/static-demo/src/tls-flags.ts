import { type Command, InvalidArgumentError, Option } from "commander";
import { UsageError } from "./usage-error.js";

/** How HTTPS is spoken. */
export interface TlsConfig {
  /** Paths of PEM files; without them a certificate is made for the run. */
  readonly files: { readonly cert: string; readonly key: string } | undefined;
  /** `max-age` of `Strict-Transport-Security`, in seconds. */
  readonly hstsS: number | undefined;
  /** HTTP/2 with clients that offer it. */
  readonly http2: boolean;
  /** A port whose requests are sent to HTTPS. */
  readonly redirectPort: number | undefined;
}

const HSTS_DEFAULT_S = 31_536_000;
export const HSTS_MAX_S = 3_153_600_000;

/** What commander makes of the flags below, or a config file says. */
export interface TlsFlags {
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly tlsSelfSigned?: boolean | undefined;
  readonly http2?: boolean | undefined;
  readonly hsts?: number | true | undefined;
  readonly httpRedirect?: number | undefined;
}

/** Adds the flags of HTTPS. */
export function addTlsFlags(command: Command, parsePort: (value: string) => number): Command {
  return command
    .option("--cert <file>", "HTTPS with this certificate (PEM), its intermediates behind it")
    .option("--key <file>", "the private key of --cert (PEM)")
    .option("--tls-self-signed", "HTTPS with a certificate made for this run: for development")
    .option("--http2", "HTTP/2 too, with clients that offer it over HTTPS")
    .addOption(
      new Option(
        "--hsts [seconds]",
        "tell browsers to come by HTTPS only, for a year or this long",
      ).argParser(parseSeconds),
    )
    .addOption(
      new Option("--http-redirect <port>", "send requests to this port to HTTPS, 0 for any").argParser(
        parsePort,
      ),
    );
}

/**
 * Takes the flags of HTTPS out of all flags.
 * @throws UsageError for one without the others that it needs
 */
export function tlsConfig<Flags extends object>(
  flags: Flags & TlsFlags,
): { readonly tls: TlsConfig | undefined; readonly rest: Omit<Flags, keyof TlsFlags> } {
  const { cert, key, tlsSelfSigned, http2, hsts, httpRedirect, ...rest } = flags;
  if ((cert === undefined) !== (key === undefined)) {
    throw new UsageError(
      `${cert === undefined ? "--key" : "--cert"} without ${cert === undefined ? "--cert" : "--key"}; both are needed`,
    );
  }
  if (cert !== undefined && tlsSelfSigned) {
    throw new UsageError("--tls-self-signed makes a certificate; it cannot be given together with --cert");
  }
  if (cert === undefined && !tlsSelfSigned) {
    const others = { "--http2": http2 || undefined, "--hsts": hsts, "--http-redirect": httpRedirect };
    for (const [name, value] of Object.entries(others)) {
      if (value !== undefined)
        throw new UsageError(`${name} needs HTTPS: --cert and --key, or --tls-self-signed`);
    }
    return { tls: undefined, rest };
  }
  const tls = {
    files: cert === undefined || key === undefined ? undefined : { cert, key },
    hstsS: hsts === true ? HSTS_DEFAULT_S : hsts,
    http2: http2 ?? false,
    redirectPort: httpRedirect,
  };
  return { tls, rest };
}

function parseSeconds(value: string): number {
  const seconds = Number(value);
  if (!/^\d+$/.test(value) || seconds > HSTS_MAX_S) {
    throw new InvalidArgumentError(`It must be a whole number of seconds from 0 to ${HSTS_MAX_S}.`);
  }
  return seconds;
}
