import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

/** What is missing to make a certificate, or `undefined`. */
export const missingOpenssl = () =>
  spawnSync("openssl", ["version"]).error ? "openssl is not installed (apt-get install openssl)" : undefined;

/** Of TLS 1.2, as `@tz/server` has them; those of TLS 1.3 are OpenSSL's. */
export const CIPHERS =
  "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";

/** One certificate (ECDSA, P-256) for all servers of a run. @returns the paths of its files */
export function certificateIn(work) {
  const cert = join(work, "cert.pem");
  const key = join(work, "key.pem");
  if (!existsSync(cert)) {
    const make = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    const name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
    execFileSync("openssl", [...make, ...name, "-days", "30", "-keyout", key, "-out", cert], {
      stdio: "ignore",
    });
  }
  return { cert, key };
}
