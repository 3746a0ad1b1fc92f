import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { CA, OTHER, RENEWED, SERVER } from "../tls/certificates.fixture.js";
import { newTicketKeys } from "../tls/ticket-keys.js";
import { SharedTls } from "./shared-tls.js";
import { readTlsMessage, tlsMessage } from "./tls-snapshot.js";

function shared(options: ConstructorParameters<typeof SharedTls>[0]): SharedTls {
  const made = new SharedTls(options, undefined);
  onTestFinished(() => made.close());
  return made;
}

test("a fresh ticket key every ticketRotationS, with the one before behind it", () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const tls = shared({ ...SERVER, ticketRotationS: 60 });
  const told: string[] = [];
  tls.onChange = (what) => told.push(what);
  const first = tls.snapshot(1).keys!;
  expect(first.previous).toBeUndefined();
  vi.advanceTimersByTime(59_999);
  expect(tls.snapshot(1).keys).toBe(first);
  vi.advanceTimersByTime(1);
  const second = tls.snapshot(1).keys!;
  expect(told).toEqual(["ticket-keys"]);
  expect(Buffer.from(second.previous!).equals(first.current)).toBe(true);
  vi.advanceTimersByTime(60_000);
  expect(Buffer.from(tls.snapshot(1).keys!.previous!).equals(second.current)).toBe(true);
  tls.close();
  vi.advanceTimersByTime(600_000);
  expect(told).toHaveLength(2);
});

test("keys that are given are nobody's to rotate; those of a supervisor before are taken over", () => {
  const given = shared({ ...SERVER, ticketKeys: newTicketKeys() });
  expect(given.snapshot(1).keys).toBeUndefined();
  expect(() => given.rotateKeys()).toThrow(expect.objectContaining({ code: "TZ_SERVER_STATE" }));
  const before = shared(SERVER);
  const heir = new SharedTls(SERVER, before.inheritance.keys);
  onTestFinished(() => heir.close());
  expect(heir.snapshot(1).keys).toBe(before.snapshot(1).keys);
});

test("reload: contents for workers of this generation; a later one reads the files itself", () => {
  const folder = mkdtempSync(join(tmpdir(), "tz-shared-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const files = { cert: join(folder, "cert.pem"), key: join(folder, "key.pem") };
  const write = (pair: typeof SERVER): void => {
    writeFileSync(files.cert, pair.cert);
    writeFileSync(files.key, pair.key);
  };
  write(SERVER);
  const tls = shared({ ...files, sni: { "other.test": OTHER } });
  expect(tls.snapshot(1)).toMatchObject({ version: 0, changes: {} });
  write(RENEWED);
  tls.reload({}, 1);
  const { version, changes } = readTlsMessage(tlsMessage(tls.snapshot(1)));
  expect([version, String(changes.cert), String(changes.key)]).toEqual([1, RENEWED.cert, RENEWED.key]);
  expect(String(changes.sni?.["other.test"]?.cert)).toBe(OTHER.cert);
  expect(tls.snapshot(2).changes).toEqual({});
  tls.reload({ ca: CA }, 2);
  expect(Object.keys(tls.snapshot(3).changes)).toEqual(["ca"]);
  writeFileSync(files.key, OTHER.key);
  expect(() => tls.reload({}, 2)).toThrow(/not the key/);
  expect(tls.snapshot(2).version).toBe(2);
});

test("a message carries keys and bytes as they are", () => {
  const tls = shared(SERVER);
  tls.rotateKeys();
  tls.reload({ ocsp: Buffer.from([0, 255, 10]) }, 1);
  const sent = tls.snapshot(1);
  const read = readTlsMessage(JSON.parse(JSON.stringify(tlsMessage(sent))));
  expect(Buffer.from(read.keys!.block).equals(sent.keys!.block)).toBe(true);
  expect([...(read.changes.ocsp as Uint8Array)]).toEqual([0, 255, 10]);
});
