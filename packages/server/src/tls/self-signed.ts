import { createPrivateKey, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { isIP } from "node:net";
import { networkAddressBytes } from "./address-bytes.js";

/*
 * A certificate is written by hand here since node:crypto reads them only: DER (X.690) of RFC 5280 §4.1, as little of
 * it as browsers want of a server.
 */

const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  utf8: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
  version: 0xa0,
  extensions: 0xa3,
  dnsName: 0x82,
  ipAddress: 0x87,
} as const;

/** Object identifiers, encoded (X.690 §8.19). */
const OID = {
  ecdsaWithSha256: "2a8648ce3d040302",
  commonName: "550403",
  subjectAltName: "551d11",
  basicConstraints: "551d13",
  keyUsage: "551d0f",
  extendedKeyUsage: "551d25",
  serverAuth: "2b06010505070301",
} as const;
const OID_TAG = 0x06;

const DAY_MS = 86_400_000;
/** Clocks differ: valid since yesterday. */
const BEFORE_MS = DAY_MS;
const DEFAULT_DAYS = 90;
/** From here on a time needs four digits for its year (RFC 5280 §4.1.2.5). */
const GENERALIZED_YEAR = 2050;

export interface SelfSignedOptions {
  /** Names and IP addresses that it is good for. Default: `localhost` and its addresses. */
  readonly names?: readonly string[];
  /** Default 90. */
  readonly days?: number;
}

/**
 * A fresh key (P-256) and a certificate for it that it signed itself: for development. Clients do not trust it until
 * they are told to.
 * @returns PEM texts, as `listen({ tls })` takes them
 */
export function selfSignedCertificate(options: SelfSignedOptions = {}): { cert: string; key: string } {
  const { names = ["localhost", "127.0.0.1", "::1"], days = DEFAULT_DAYS } = options;
  const { privateKey, publicKey } = generateKeyPairSync("ec", {
    namedCurve: "P-256",
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "der" },
  });
  const now = Date.now();
  const algorithm = sequence(oid(OID.ecdsaWithSha256));
  const name = sequence(
    der(TAG.set, sequence(oid(OID.commonName), der(TAG.utf8, Buffer.from(names[0] ?? "localhost")))),
  );
  const body = sequence(
    der(TAG.version, der(TAG.integer, Buffer.of(2))),
    // Positive and not zero: its first bits are 01.
    der(TAG.integer, Buffer.concat([Buffer.of(0x40), randomBytes(15)])),
    algorithm,
    name,
    sequence(time(now - BEFORE_MS), time(now + days * DAY_MS)),
    name,
    publicKey,
    der(
      TAG.extensions,
      sequence(
        extension(OID.subjectAltName, false, sequence(...names.map(generalName))),
        extension(OID.basicConstraints, true, sequence()),
        extension(OID.keyUsage, true, der(TAG.bitString, Buffer.of(7, 0x80))),
        extension(OID.extendedKeyUsage, false, sequence(oid(OID.serverAuth))),
      ),
    ),
  );
  const signature = sign("sha256", body, createPrivateKey(privateKey));
  const whole = sequence(body, algorithm, der(TAG.bitString, Buffer.concat([Buffer.of(0), signature])));
  return { cert: pem("CERTIFICATE", whole), key: privateKey };
}

function extension(id: string, critical: boolean, value: Buffer): Buffer {
  const flag = critical ? [der(TAG.boolean, Buffer.of(0xff))] : [];
  return sequence(oid(id), ...flag, der(TAG.octetString, value));
}

function generalName(name: string): Buffer {
  return isIP(name) === 0
    ? der(TAG.dnsName, Buffer.from(name, "latin1"))
    : der(TAG.ipAddress, networkAddressBytes(name));
}

function time(atMs: number): Buffer {
  const text = `${new Date(atMs).toISOString().replace(/[-:T]|\.\d+/g, "")}`;
  return Number(text.slice(0, 4)) < GENERALIZED_YEAR
    ? der(TAG.utcTime, Buffer.from(text.slice(2)))
    : der(TAG.generalizedTime, Buffer.from(text));
}

const sequence = (...parts: readonly Buffer[]): Buffer => der(TAG.sequence, Buffer.concat(parts));
const oid = (hex: string): Buffer => der(OID_TAG, Buffer.from(hex, "hex"));

/** Tag, length, value (X.690 §8.1). */
function der(tag: number, value: Buffer): Buffer {
  const { byteLength } = value;
  if (byteLength < 0x80) return Buffer.concat([Buffer.of(tag, byteLength), value]);
  const digits = byteLength < 0x100 ? [byteLength] : [byteLength >>> 8, byteLength & 0xff];
  return Buffer.concat([Buffer.of(tag, 0x80 | digits.length, ...digits), value]);
}

function pem(label: string, bytes: Buffer): string {
  const lines = bytes.toString("base64").match(/.{1,64}/g)!;
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}
