import { X509Certificate } from "node:crypto";
import { connect, createServer } from "node:tls";
import { expect, onTestFinished, test } from "vitest";
import { networkAddressBytes } from "./address-bytes.js";
import { selfSignedCertificate } from "./self-signed.js";

test("is a certificate for its names, signed by its own key", () => {
  const { cert, key } = selfSignedCertificate({ names: ["dev.test", "*.dev.test", "10.1.2.3", "fe80::1"] });
  const certificate = new X509Certificate(cert);
  expect(certificate.subjectAltName).toBe(
    "DNS:dev.test, DNS:*.dev.test, IP Address:10.1.2.3, IP Address:FE80:0:0:0:0:0:0:1",
  );
  expect(certificate.verify(certificate.publicKey)).toBe(true);
  expect(certificate.checkHost("a.dev.test")).toBe("*.dev.test");
  expect(certificate.ca).toBe(false);
  expect(certificate.keyUsage).toEqual(["1.3.6.1.5.5.7.3.1"]);
  expect(key).toMatch(/^-----BEGIN PRIVATE KEY-----/);
  const lifeMs = Date.parse(certificate.validTo) - Date.now();
  expect(Math.round(lifeMs / 86_400_000)).toBe(90);
});

test("each has its own serial number and key, and may outlive 2050", () => {
  const [a, b] = [1, 2].map(() => new X509Certificate(selfSignedCertificate({ days: 20_000 }).cert));
  expect(a!.serialNumber).not.toBe(b!.serialNumber);
  expect(a!.fingerprint256).not.toBe(b!.fingerprint256);
  expect(new Date(a!.validTo).getFullYear()).toBeGreaterThan(2050);
});

test("a client that is told to trust it connects by name and by address", async () => {
  const { cert, key } = selfSignedCertificate();
  const server = createServer({ cert, key }, (socket) => socket.end("hello"));
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  for (const at of [{ servername: "localhost" }, {}]) {
    const text = await new Promise<string>((resolve, reject) => {
      const socket = connect({ host: "127.0.0.1", port, ca: cert, ...at });
      socket.once("data", (data) => resolve(data.toString())).once("error", reject);
    });
    expect(text).toBe("hello");
  }
});

test.each([
  ["1.2.3.4", "01020304"],
  ["::", "0".repeat(32)],
  ["::1", `${"0".repeat(31)}1`],
  ["2001:db8::ff00:42:8329", "20010db8000000000000ff0000428329"],
  ["1:2:3:4:5:6:7:8", "00010002000300040005000600070008"],
  ["::ffff:1.2.3.4", "00000000000000000000ffff01020304"],
  ["fe80::1%eth0", "fe800000000000000000000000000001"],
])("%s in bytes", (address, hex) => {
  expect(networkAddressBytes(address).toString("hex")).toBe(hex);
});
