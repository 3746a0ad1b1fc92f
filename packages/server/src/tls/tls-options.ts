import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { ServerError } from "../errors.js";
import { checkNumber } from "../options.js";
import { type HstsOptions, hstsValue } from "./hsts.js";
import { splitPem } from "./pem.js";
import { TicketKeys } from "./ticket-keys.js";

/** The options of `listen({ tls })` that are numbers. */
export const TLS_OPTIONS = {
  handshakeTimeoutMs: {
    default: 10_000,
    min: 100,
    max: 120_000,
    unit: "ms",
    meaning: "From the accept to the end of the handshake; then the connection is closed.",
  },
  handshakesPerSecond: {
    default: 0,
    min: 0,
    max: 1_000_000,
    unit: "handshakes/s",
    meaning:
      "In the long run, and as many at once; further ones wait, up to `handshakeTimeoutMs`. 0 is no limit.",
  },
  sessionTimeoutS: {
    default: 86_400,
    min: 1,
    max: 604_800,
    unit: "s",
    meaning: "How long a session may be resumed (by tickets; the server keeps nothing).",
  },
  ticketRotationS: {
    default: 43_200,
    min: 1,
    max: 604_800,
    unit: "s",
    meaning:
      "How often a fresh ticket key is made, when `ticketKeys` is not given. The one before is read as long.",
  },
} as const;

type NumberOption = keyof typeof TLS_OPTIONS;

/** PEM text, or the path of a file that holds it. Files are read again by `app.reloadTls()`. */
export type PemSource = string | Uint8Array;

export interface CertificateOptions {
  /** The certificate, with its intermediate certificates behind it. */
  readonly cert: PemSource;
  /** Its private key. */
  readonly key: PemSource;
  /** Of an encrypted key. */
  readonly passphrase?: string;
  /** An OCSP response (DER bytes, or the path of a file) to staple. */
  readonly ocsp?: string | Uint8Array;
}

export type ClientCertificateMode = "off" | "optional" | "required";
export type TlsVersion = "TLSv1.2" | "TLSv1.3";
/** `"openssl"`: the functions in the Node executable, called on the epoll loop. `"node"`: `node:tls`. */
export type TlsEngine = "auto" | "openssl" | "node";

export interface TlsOptions extends CertificateOptions, Partial<Record<NumberOption, number>> {
  /** More certificates, by name: `"example.com"` or `"*.example.com"`. A name that is not among them gets `cert`. */
  readonly sni?: Readonly<Record<string, CertificateOptions>>;
  /** Who signs client certificates. */
  readonly ca?: PemSource;
  /** Default `"off"`. A certificate that `ca` did not sign fails the handshake in either of the other two. */
  readonly clientCertificate?: ClientCertificateMode;
  /** Default `"TLSv1.2"`. */
  readonly minVersion?: TlsVersion;
  /** Names of OpenSSL, separated by `:`; those of TLS 1.3 begin with `TLS_`. Default: Mozilla's intermediate list. */
  readonly ciphers?: string;
  /**
   * One or two keys of 80 bytes, the newest first (see `newTicketKeys`), for several machines behind one address.
   * Default: its own, rotated every `ticketRotationS`; all workers of a supervisor have the same.
   */
  readonly ticketKeys?: Uint8Array;
  /** `Strict-Transport-Security` in every answer of this listener. Default `false`. */
  readonly hsts?: boolean | HstsOptions;
  /** Who does the work. Default `"auto"`: `"openssl"` where the loop and the executable allow it. */
  readonly engine?: TlsEngine;
}

export interface LoadedCertificate {
  /** The certificate, then its intermediates, each as PEM. */
  readonly chain: readonly string[];
  readonly key: string;
  /** DER of the first one. */
  readonly der: Uint8Array;
  readonly ocsp: Uint8Array | undefined;
}

/** Options with their files read and their values checked. */
export interface LoadedTls extends Readonly<Record<NumberOption, number>> {
  /** The default first, then one for each of `names`. */
  readonly certificates: readonly LoadedCertificate[];
  readonly names: readonly string[];
  readonly ca: readonly string[];
  readonly clientCertificate: ClientCertificateMode;
  readonly minVersion: TlsVersion;
  /** Of TLS 1.2. */
  readonly ciphers: string;
  /** Of TLS 1.3. */
  readonly ciphersuites: string;
  readonly ticketKeys: TicketKeys | undefined;
  readonly engine: TlsEngine;
  /** The value of `Strict-Transport-Security`. */
  readonly hsts: string | undefined;
}

/** Mozilla's "intermediate", version 5.7. The client chooses: it knows whether its processor has AES. */
const SUITES = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
const CIPHERS = [
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES128-GCM-SHA256",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-CHACHA20-POLY1305",
  "ECDHE-RSA-CHACHA20-POLY1305",
].join(":");
/** Curves of the key exchange. */
export const GROUPS = "X25519:P-256:P-384";

const ALLOWED = {
  clientCertificate: ["off", "optional", "required"],
  minVersion: ["TLSv1.2", "TLSv1.3"],
  engine: ["auto", "openssl", "node"],
} as const;
const OTHERS = ["cert", "key", "passphrase", "ocsp", "sni", "ca", "ciphers", "ticketKeys", "hsts"];
const CERTIFICATE_OPTIONS = new Set(["cert", "key", "passphrase", "ocsp"]);

/**
 * Reads the files and checks everything that can be checked before a listener exists.
 * @throws ServerError `TZ_SERVER_OPTION` naming the option, the value and what is allowed
 */
export function loadTls(options: TlsOptions): LoadedTls {
  const known = new Set([...OTHERS, ...Object.keys(ALLOWED), ...Object.keys(TLS_OPTIONS)]);
  refuseUnknown("tls", options, known);
  const numbers: Record<string, number> = {};
  for (const name of Object.keys(TLS_OPTIONS) as NumberOption[]) {
    const value = options[name] ?? TLS_OPTIONS[name].default;
    checkNumber(`tls.${name}`, value, TLS_OPTIONS[name]);
    numbers[name] = value;
  }
  for (const name of Object.keys(ALLOWED) as (keyof typeof ALLOWED)[]) {
    const value = options[name];
    if (value !== undefined && !(ALLOWED[name] as readonly string[]).includes(value)) {
      throw refusal(`tls.${name}`, JSON.stringify(value), ALLOWED[name].join(", "));
    }
  }
  const clientCertificate = options.clientCertificate ?? "off";
  if (clientCertificate !== "off" && options.ca === undefined) {
    throw refusal("tls.ca", "missing", "the certificates that sign client certificates");
  }
  const names = Object.keys(options.sni ?? {});
  for (const name of names) checkName(name);
  const ciphers = (options.ciphers ?? `${SUITES}:${CIPHERS}`).split(":");
  return {
    ...(numbers as Record<NumberOption, number>),
    certificates: [
      loadCertificate("tls", options),
      ...names.map((name) => {
        const certificate = options.sni![name]!;
        refuseUnknown(`tls.sni[${JSON.stringify(name)}]`, certificate, CERTIFICATE_OPTIONS);
        return loadCertificate(`tls.sni[${JSON.stringify(name)}]`, certificate);
      }),
    ],
    names,
    ca: options.ca === undefined ? [] : certificatesOf("tls.ca", options.ca),
    clientCertificate,
    minVersion: options.minVersion ?? "TLSv1.2",
    ciphers: ciphers.filter((name) => !name.startsWith("TLS_")).join(":"),
    ciphersuites: ciphers.filter((name) => name.startsWith("TLS_")).join(":"),
    ticketKeys: options.ticketKeys === undefined ? undefined : new TicketKeys(options.ticketKeys),
    engine: options.engine ?? "auto",
    hsts: hstsValue(options.hsts),
  };
}

/**
 * The same options with the contents of files in place of their paths: for processes that may not read them.
 * @throws ServerError `TZ_SERVER_OPTION`
 */
export function withContents(options: Partial<TlsOptions>): Partial<TlsOptions> {
  const { ca, sni } = options;
  const names = Object.entries(sni ?? {});
  return {
    ...certificateContents("tls", options),
    ...(ca !== undefined && { ca: readSource("tls.ca", ca) }),
    ...(sni !== undefined && {
      sni: Object.fromEntries(
        names.map(([name, each]) => [
          name,
          certificateContents(`tls.sni[${JSON.stringify(name)}]`, each) as CertificateOptions,
        ]),
      ),
    }),
  };
}

function certificateContents<Options extends Partial<CertificateOptions>>(
  where: string,
  options: Options,
): Options {
  const contents: Record<string, Buffer> = {};
  for (const name of ["cert", "key", "ocsp"] as const) {
    const source = options[name];
    if (source !== undefined) contents[name] = readSource(`${where}.${name}`, source);
  }
  return { ...options, ...contents };
}

function loadCertificate(name: string, options: CertificateOptions): LoadedCertificate {
  const chain = certificatesOf(`${name}.cert`, options.cert);
  const leaf = new X509Certificate(chain[0]!);
  const source = readSource(`${name}.key`, options.key).toString();
  let key: ReturnType<typeof createPrivateKey>;
  try {
    key = createPrivateKey({ key: source, ...(options.passphrase && { passphrase: options.passphrase }) });
  } catch (error) {
    throw refusal(`${name}.key`, `not readable (${messageOf(error)})`, "a private key as PEM", error);
  }
  if (!leaf.checkPrivateKey(key)) {
    throw refusal(`${name}.key`, "not the key of the certificate", `the private key of ${name}.cert`);
  }
  return {
    chain,
    key: key.export({ type: "pkcs8", format: "pem" }).toString(),
    der: leaf.raw,
    ocsp: options.ocsp === undefined ? undefined : readSource(`${name}.ocsp`, options.ocsp),
  };
}

function certificatesOf(name: string, source: PemSource): string[] {
  const blocks = splitPem(readSource(name, source).toString(), "CERTIFICATE");
  if (blocks.length === 0) throw refusal(name, "without a certificate", "certificates as PEM");
  for (const block of blocks) {
    try {
      new X509Certificate(block);
    } catch (error) {
      throw refusal(name, `not readable (${messageOf(error)})`, "certificates as PEM", error);
    }
  }
  return blocks;
}

function readSource(name: string, source: string | Uint8Array): Buffer {
  if (source instanceof Uint8Array) return Buffer.from(source);
  if (typeof source !== "string") throw refusal(name, String(source), "PEM text, its bytes, or a path");
  if (source.includes("-----BEGIN")) return Buffer.from(source);
  try {
    return readFileSync(source);
  } catch (error) {
    const why = `${JSON.stringify(source)}, which cannot be read (${messageOf(error)})`;
    throw refusal(name, why, "PEM text, or the path of a file that can be read", error);
  }
}

function checkName(name: string): void {
  if (!/^(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*$/i.test(name)) {
    throw refusal("tls.sni", JSON.stringify(name), 'names such as "example.com" and "*.example.com"');
  }
}

function refuseUnknown(where: string, options: object, known: ReadonlySet<string>): void {
  for (const name of Object.keys(options)) {
    if (!known.has(name)) {
      throw new ServerError(
        "TZ_SERVER_OPTION",
        `unknown option ${where}.${name}; allowed: ${[...known].join(", ")}`,
      );
    }
  }
}

function refusal(name: string, value: string, allowed: string, cause?: unknown): ServerError {
  return new ServerError("TZ_SERVER_OPTION", `${name} is ${value}; allowed: ${allowed}`, { cause });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
