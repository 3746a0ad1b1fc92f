/** What a scanner of TLS servers looks for, asked with `openssl s_client`: one table, on both engines. */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { createServer } from "../app.js";
import { text } from "../handlers/reply.js";
import { isEpollSupported } from "../loop/epoll.js";
import { CA, CLIENT, OTHER, SERVER, STRANGER } from "./certificates.fixture.js";
import type { TlsOptions } from "./tls-options.js";

const ENGINES = isEpollSupported().supported
  ? ([
      ["epoll", "openssl"],
      ["node", "node"],
    ] as const)
  : ([["node", "node"]] as const);
const hasOpenssl = spawnSync("openssl", ["version"]).error === undefined;
const lacking = hasOpenssl ? "" : " (skipped: openssl is not installed)";

const folder = mkdtempSync(join(tmpdir(), "tz-check-"));
afterAll(() => rmSync(folder, { recursive: true }));
const put = (name: string, content: string): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};
const ca = put("ca.pem", CA);
const shows = (name: string, pair: typeof CLIENT): string[] => [
  ...["-cert", put(`${name}.pem`, pair.cert)],
  ...["-key", put(`${name}.key`, pair.key)],
];
const good = shows("client", CLIENT);
const strange = shows("stranger", STRANGER);

interface Row {
  readonly tls?: Partial<TlsOptions>;
  readonly http2?: boolean;
  /** Calls of s_client, one after another on one server. Default: one without more arguments. */
  readonly args?: readonly string[] | readonly (readonly string[])[];
  /** In place of a request. */
  readonly typed?: string;
  /** What the last output has. */
  readonly has?: readonly RegExp[];
  readonly lacks?: readonly RegExp[];
}

/** Not at the start of a line: s_client prints a ticket that came meanwhile. */
const ANSWERED = /HTTP\/1\.1 200 OK/;
const ONLY_12 = ["-tls1_2"];
const ONLY_13 = ["-tls1_3"];
const refused = (args: readonly string[], why: RegExp): Row => ({ args, has: [why], lacks: [ANSWERED] });
const suite12 = (cipher: string): Row => ({
  args: [...ONLY_12, "-cipher", cipher],
  has: [new RegExp(`Cipher is ${cipher}$`, "m"), ANSWERED],
});
const noSuite12 = (cipher: string): Row =>
  refused([...ONLY_12, "-cipher", `${cipher}:@SECLEVEL=0`], /handshake failure|no cipher/i);
const suite13 = (cipher: string): Row => ({
  args: [...ONLY_13, "-ciphersuites", cipher],
  has: [new RegExp(`Cipher is ${cipher}$`, "m"), ANSWERED],
});
const group = (name: string, shown: string): Row => ({
  args: ["-groups", name],
  has: [new RegExp(`Temp Key: (ECDH, )?${shown}`), ANSWERED],
});
const named = (args: readonly string[], subject: string): Row => ({
  tls: { sni: { "other.test": OTHER, "*.other.test": OTHER } },
  args,
  has: [new RegExp(`^subject=(CN ?= ?)${subject.replaceAll(".", "\\.")}$`, "m"), ANSWERED],
});
const asks = (clientCertificate: "required" | "optional", row: Row): Row => ({
  ...row,
  tls: { clientCertificate, ca: CA },
});
const tryLater = Buffer.from("30030a0103", "hex");
const session = join(folder, "session");

const TABLE: Readonly<Record<string, Row>> = {
  // Protocols
  "TLS 1.3": { args: ONLY_13, has: [/^New, TLSv1\.3,/m, ANSWERED] },
  "TLS 1.2": { args: ONLY_12, has: [/^New, TLSv1\.2,/m, ANSWERED] },
  "TLS 1.3 when the client has both": { has: [/^New, TLSv1\.3,/m] },
  "no TLS 1.1": refused(["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], /alert|no protocols|unsupported/),
  "no TLS 1.0": refused(["-tls1", "-cipher", "ALL:@SECLEVEL=0"], /alert|no protocols|unsupported/),
  "no fallback (RFC 7507)": refused([...ONLY_12, "-fallback_scsv"], /inappropriate fallback/),
  "minVersion: no TLS 1.2": {
    ...refused(ONLY_12, /protocol version|handshake failure/),
    tls: { minVersion: "TLSv1.3" },
  },
  // Ciphers
  ...Object.fromEntries(
    ["AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305"].map((cipher) => [
      `TLS 1.2 ${cipher}`,
      suite12(`ECDHE-ECDSA-${cipher}`),
    ]),
  ),
  ...Object.fromEntries(
    ["AES_128_GCM_SHA256", "AES_256_GCM_SHA384", "CHACHA20_POLY1305_SHA256"].map((cipher) => [
      `TLS 1.3 ${cipher}`,
      suite13(`TLS_${cipher}`),
    ]),
  ),
  "no CBC": noSuite12("ECDHE-ECDSA-AES256-SHA384"),
  "no SHA-1": noSuite12("ECDHE-ECDSA-AES128-SHA"),
  "no key exchange without forward secrecy": noSuite12("AES128-GCM-SHA256"),
  "no finite-field Diffie-Hellman": noSuite12("DHE-RSA-AES128-GCM-SHA256"),
  "no anonymous server": noSuite12("AECDH-AES128-SHA"),
  "no plain text": noSuite12("ECDHE-ECDSA-NULL-SHA"),
  "no CCM in TLS 1.3": refused([...ONLY_13, "-ciphersuites", "TLS_AES_128_CCM_SHA256"], /handshake failure/),
  // Groups, and what belongs to a good handshake
  X25519: group("X25519", "X25519"),
  "P-256": group("P-256", "(P-256|prime256v1)"),
  "P-384": group("P-384", "(P-384|secp384r1)"),
  "no other group": refused(["-groups", "P-521"], /handshake failure/),
  "the chain is whole": {
    args: ["-CAfile", ca, "-verify_return_error", "-verify_hostname", "localhost"],
    has: [/Verification: OK/, /Verify return code: 0 \(ok\)/, ANSWERED],
  },
  "no compression, extended master secret, secure renegotiation": {
    args: ONLY_12,
    has: [/Compression: NONE/, /Extended master secret: yes/, /Secure Renegotiation IS supported/],
  },
  "no early data": { args: ONLY_13, has: [/Max Early Data: 0|Early data was not sent/] },
  "renegotiation is refused": { args: ONLY_12, typed: "R\n", has: [/RENEGOTIATING/, /no renegotiation/] },
  // Names
  "SNI: a name": named(["-servername", "other.test"], "other.test"),
  "SNI: by a wildcard": named(["-servername", "a.other.test"], "other.test"),
  "SNI: in capitals": named(["-servername", "OTHER.test"], "other.test"),
  "SNI: a wildcard is one label": named(["-servername", "a.b.other.test"], "localhost"),
  "SNI: an unknown name": named(["-servername", "else.test"], "localhost"),
  "SNI: none": named(["-noservername"], "localhost"),
  // Protocols above
  "ALPN: http/1.1": { args: ["-alpn", "http/1.1"], has: [/ALPN protocol: http\/1\.1/, ANSWERED] },
  "ALPN: no h2 unless it is on": { args: ["-alpn", "h2,http/1.1"], has: [/ALPN protocol: http\/1\.1/] },
  "ALPN: h2": { http2: true, args: ["-alpn", "h2,http/1.1"], typed: "Q\n", has: [/ALPN protocol: h2/] },
  "ALPN: http/1.1 where h2 is on": {
    http2: true,
    args: ["-alpn", "http/1.1"],
    has: [/ALPN protocol: http\/1\.1/, ANSWERED],
  },
  "ALPN: none": { has: [/No ALPN negotiated/, ANSWERED] },
  "ALPN: none in common": refused(["-alpn", "spdy/3"], /no application protocol/),
  // Sessions
  "resumption in TLS 1.2": {
    args: [
      [...ONLY_12, "-sess_out", session],
      [...ONLY_12, "-sess_in", session],
    ],
    has: [/^Reused, TLSv1\.2,/m, ANSWERED],
  },
  "resumption in TLS 1.3": {
    args: [
      [...ONLY_13, "-sess_out", session],
      [...ONLY_13, "-sess_in", session],
    ],
    has: [/^Reused, TLSv1\.3,/m, ANSWERED],
  },
  "no session without tickets": {
    args: [...ONLY_12, "-no_ticket", "-reconnect"],
    has: [/^New, TLSv1\.2,/m],
    lacks: [/^Reused,/m],
  },
  // Client certificates
  "not asked for": { args: good, has: [/No client certificate CA names sent/, ANSWERED] },
  "required: a good one": asks("required", {
    args: good,
    has: [/Acceptable client certificate CA names\nCN ?= ?tz test CA/, ANSWERED, /shown: CN=a client/],
  }),
  "required: none, TLS 1.3": asks("required", refused(ONLY_13, /alert certificate required/)),
  "required: none, TLS 1.2": asks("required", refused(ONLY_12, /alert handshake failure|errno|EOF/)),
  "required: a stranger's": asks("required", { args: strange, lacks: [ANSWERED] }),
  "optional: none": asks("optional", { has: [ANSWERED, /shown: none/] }),
  "optional: a good one": asks("optional", { args: good, has: [ANSWERED, /shown: CN=a client/] }),
  "optional: a stranger's": asks("optional", { args: strange, lacks: [ANSWERED] }),
  // OCSP
  "OCSP: stapled": {
    tls: { ocsp: tryLater },
    args: ["-status"],
    has: [/OCSP Response Status: trylater \(0x3\)/, ANSWERED],
  },
  "OCSP: not asked for": { tls: { ocsp: tryLater }, lacks: [/OCSP Response/], has: [ANSWERED] },
  "OCSP: there is none": { args: ["-status"], has: [/OCSP response: no response sent/, ANSWERED] },
};

const REQUEST = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

function client(port: number, args: readonly string[], typed: string | undefined): Promise<string> {
  // Without -ign_eof what is typed is a command.
  const more = typed === undefined ? ["-ign_eof"] : [];
  return new Promise((resolve, reject) => {
    const child = spawn("openssl", ["s_client", "-connect", `127.0.0.1:${port}`, ...more, ...args]);
    let [output, errors] = ["", ""];
    child.stdout.on("data", (chunk) => (output += chunk));
    child.stderr.on("data", (chunk) => (errors += chunk));
    child.on("error", reject).on("close", () => resolve(output + errors));
    // It may have ended, refused.
    child.stdin.on("error", () => {});
    if (typed === undefined) child.stdin.end(REQUEST);
    else child.stdout.once("data", () => child.stdin.write(typed));
  });
}

describe.skipIf(!hasOpenssl).each(ENGINES)(`check list, loop %s, engine %s${lacking}`, (loop, engine) => {
  test.each(Object.entries(TABLE))("%s", async (_name, row) => {
    const { tls, http2 = false, args = [], typed, has = [], lacks = [] } = row;
    const app = createServer({ loop, tickMs: 10 });
    onTestFinished(() => app.close({ timeoutMs: 200 }));
    app.get("/", (request) => text(`shown: ${request.certificate?.subject ?? "none"}\n`));
    const { port } = await app.listen({ port: 0, tls: { ...SERVER, engine, ...tls }, http2 });
    const calls = (typeof args[0] === "object" ? args : [args]) as readonly (readonly string[])[];
    let output = "";
    for (const call of calls) output = await client(port, call, typed);
    for (const pattern of has) expect(output).toMatch(pattern);
    for (const pattern of lacks) expect(output).not.toMatch(pattern);
  });
});
