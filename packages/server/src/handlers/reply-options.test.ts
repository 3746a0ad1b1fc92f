import { expect, test } from "vitest";
import { bytes, empty, html, json, sse, stream, text } from "./reply.js";

async function* none(): AsyncGenerator<never> {}
const anything = (options: unknown): never => options as never;

test("an option that a reply does not know is named, with what is allowed", () => {
  for (const [name, call] of [
    ["text", (options: unknown) => text("x", anything(options))],
    ["html", (options: unknown) => html("x", anything(options))],
    ["json", (options: unknown) => json(1, anything(options))],
    ["bytes", (options: unknown) => bytes(new Uint8Array(1), anything(options))],
    ["stream", (options: unknown) => stream(none(), anything(options))],
    ["sse", (options: unknown) => sse(none(), anything(options))],
  ] as const) {
    expect(() => call({ headers: { a: "b" } })).toThrow(
      expect.objectContaining({
        code: "TZ_SERVER_OPTION",
        message: expect.stringMatching(
          new RegExp(`^${name}\\(\\) has no option "headers"; allowed: status, fields.*flat list`),
        ),
      }),
    );
    expect(() => call({ fields: { a: "b" } })).toThrow(/^fields of .* are no list; allowed: a flat list/);
    expect(() => call(201)).toThrow(/options of \w+\(\) are 201; allowed: an object of status, fields/);
    expect(call({ status: 201, fields: ["A", "b"] }).head.status).toBe(201);
    expect(call({}).head.status).toBe(200);
  }
  expect(() => empty(204, anything({ a: "b" }))).toThrow(/fields of empty\(\) are no list/);
});

test("the options that are there are taken", () => {
  expect(bytes(new Uint8Array(1), { type: "image/png" }).head.fields).toContain("image/png");
  expect(json(1, { type: "application/x", stringify: () => "2" }).body).toEqual({
    kind: "bytes",
    bytes: Buffer.from("2"),
  });
  expect(stream(none(), { length: 0, type: "text/css" }).head.fields).toContain("0");
  expect(sse(none(), { heartbeatMs: 0 }).head.status).toBe(200);
});
