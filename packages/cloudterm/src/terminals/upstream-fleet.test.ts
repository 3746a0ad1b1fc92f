import { expect, test } from "vitest";
import { upstreamFleet } from "./upstream-fleet.js";

const good = { name: "build", url: "ws://127.0.0.1:7681/ws" };

test("names of the list, in its order", () => {
  const list = [good, { ...good, name: "raw", protocol: "raw", fields: { "X-Key": "k" } }];
  expect(upstreamFleet(list).upstreamNames).toEqual(["build", "raw"]);
});

test.each<[string, unknown]>([
  ["the list of upstreams is an object", {}],
  ['upstream 1 is "x"', ["x"]],
  ['upstream 1: name is "-o"', [{ ...good, name: "-o" }]],
  ["upstream 2: name", [good, good]],
  ["upstream 1: url", [{ ...good, url: "http://127.0.0.1/ws" }]],
  ["upstream 1: protocol", [{ ...good, protocol: "ssh" }]],
  ['upstream 1: credential is "something else"', [{ ...good, credential: "secret" }]],
  ["upstream 1: fields", [{ ...good, fields: { "X Y": "a" } }]],
  ["upstream 1: fields", [{ ...good, fields: { "X-Y": "a\r\nHost: b" } }]],
  ['upstream 1: fields is "sec-websocket-Key"', [{ ...good, fields: { "sec-websocket-Key": "a" } }]],
  ['upstream 1: fields is "Connection"', [{ ...good, fields: { "X-Y": "a", Connection: "close" } }]],
  ["upstream 1: extra", [{ ...good, extra: 1 }]],
  ["allowed: a ws:, wss:, http: or https: URL", [{ ...good, url: "ws://80@evil/ws" }]],
])("what is none is refused: %s", (message, list) => {
  expect(() => upstreamFleet(list)).toThrow(message);
});

test("what a user says is a name of the list or nothing", async () => {
  const { open } = upstreamFleet([good]);
  const events = { onOutput() {}, onDrain() {}, onEnd() {} };
  for (const choice of [undefined, "", "ws://127.0.0.1:22/", "Build", "__proto__"])
    await expect(open({ user: "ada", columns: 80, rows: 24, choice }, events)).rejects.toMatchObject({
      code: "TZ_CLOUDTERM_NOT_FOUND",
    });
});
