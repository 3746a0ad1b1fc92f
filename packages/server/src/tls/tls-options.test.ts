import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { CA, OTHER, SERVER, STRANGER } from "./certificates.fixture.js";
import { newTicketKeys, nodeTicketKey } from "./ticket-keys.js";
import { loadTls, type TlsOptions } from "./tls-options.js";

test("defaults: Mozilla's intermediate list, TLS 1.2 and up, nobody asked for a certificate", () => {
  const tls = loadTls(SERVER);
  expect(tls.certificates).toHaveLength(1);
  expect(tls.certificates[0]!.chain).toHaveLength(2);
  expect(tls).toMatchObject({
    minVersion: "TLSv1.2",
    clientCertificate: "off",
    engine: "auto",
    handshakeTimeoutMs: 10_000,
    ciphersuites: "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256",
  });
  expect(tls.ciphers.split(":")).toHaveLength(6);
  expect(tls.ciphers).not.toMatch(/CBC|SHA:|DES|RC4|:DHE|^DHE/);
});

test("text, bytes, and paths; an encrypted key with its passphrase", () => {
  const directory = mkdtempSync(join(tmpdir(), "tz-tls-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const cert = join(directory, "cert.pem");
  writeFileSync(cert, SERVER.cert);
  expect(loadTls({ cert, key: Buffer.from(SERVER.key) }).certificates).toEqual(loadTls(SERVER).certificates);
  const { privateKey } = generateKeyPairSync("ec", {
    namedCurve: "P-256",
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "open" },
  });
  // Opened, and then found to belong to nobody here.
  expect(() => loadTls({ cert, key: privateKey, passphrase: "open" })).toThrow(/not the key/);
  expect(() => loadTls({ cert, key: privateKey, passphrase: "wrong" })).toThrow(/tls\.key is not readable/);
});

test.each<[string, Partial<TlsOptions> & Record<string, unknown>, RegExp]>([
  [
    "a key of another certificate",
    { key: OTHER.key },
    /tls\.key is not the key.*allowed: the private key of/,
  ],
  ["a path that is not there", { cert: "/no/such.pem" }, /tls\.cert is "\/no\/such\.pem".*cannot be read/],
  ["no certificate", { cert: SERVER.key }, /tls\.cert is without a certificate/],
  ["a broken certificate", { cert: SERVER.cert.replace("MII", "MMM") }, /tls\.cert is not readable/],
  ["a key that is none", { key: SERVER.cert }, /tls\.key is not readable/],
  ["an unknown option", { certs: "" }, /unknown option tls\.certs; allowed: .*cert, key/],
  [
    "an unknown option of a name",
    { sni: { a: { ...OTHER, ca: CA } as never } },
    /unknown option tls\.sni\["a"\]\.ca/,
  ],
  [
    "a version that is gone",
    { minVersion: "TLSv1.1" as never },
    /tls\.minVersion is "TLSv1\.1"; allowed: TLSv1\.2, TLSv1\.3/,
  ],
  ["client certificates without a CA", { clientCertificate: "required" }, /tls\.ca is missing/],
  [
    "a number out of bounds",
    { handshakeTimeoutMs: 5 },
    /tls\.handshakeTimeoutMs is 5; allowed: .* 100 to 120000/,
  ],
  [
    "ticket keys of a wrong size",
    { ticketKeys: Buffer.alloc(48) },
    /tls\.ticketKeys has 48 bytes; allowed: 80.*160/,
  ],
  ["a name that is none", { sni: { "a b": OTHER } }, /tls\.sni is "a b"/],
])("%s is refused with its name", (_what, options, message) => {
  expect(() => loadTls({ ...SERVER, ...options })).toThrow(message);
  expect(() => loadTls({ ...SERVER, ...options })).toThrow(
    expect.objectContaining({ code: "TZ_SERVER_OPTION" }),
  );
});

test("ticket keys: one, then the one before behind it", () => {
  const first = newTicketKeys();
  const second = newTicketKeys(first);
  const third = newTicketKeys(second);
  expect([first.byteLength, second.byteLength, third.byteLength]).toEqual([80, 160, 160]);
  expect(Buffer.compare(second.subarray(80), first)).toBe(0);
  expect(Buffer.compare(third.subarray(80), second.subarray(0, 80))).toBe(0);
  expect(nodeTicketKey(loadTls({ ...SERVER, ticketKeys: second }).ticketKeys!.current)).toHaveLength(48);
  expect(loadTls({ ...SERVER, ...STRANGER }).certificates[0]!.chain).toHaveLength(1);
});
