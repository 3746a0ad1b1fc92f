import { selfSignedCertificate, type TlsOptions } from "@tz/server";
import type { TlsConfig } from "./tls-flags.js";

/** How workers learn the certificate that their supervisor made: it is one for all of them. */
const CERTIFICATE_VARIABLE = "TZ_STATIC_SELF_SIGNED";

/** What the server takes of the flags. A certificate for development is made once, for `localhost` and the host. */
export function tlsOptions({ files, hstsS }: TlsConfig, host: string): TlsOptions {
  return {
    ...(files ?? ownCertificate(host)),
    hsts: hstsS === undefined ? false : { maxAgeS: hstsS },
  };
}

function ownCertificate(host: string): { cert: string; key: string } {
  const given = process.env[CERTIFICATE_VARIABLE];
  if (given !== undefined) return JSON.parse(given) as { cert: string; key: string };
  const names = new Set(["localhost", "127.0.0.1", "::1"]);
  if (!host.includes("/")) names.add(host);
  const made = selfSignedCertificate({ names: [...names] });
  process.env[CERTIFICATE_VARIABLE] = JSON.stringify(made);
  return made;
}
