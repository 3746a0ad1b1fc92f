import { ResponseHead, type ResponsePlan } from "@tz/http1";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fieldIn } from "./field-list.js";
import { framedPlan } from "./framed-plan.js";

const FIVE = Buffer.from("hello");
const bytes = { kind: "bytes", bytes: FIVE } as const;
const none = { kind: "none" } as const;
async function* nothing(): AsyncGenerator<Uint8Array> {}
const stream = (length?: number): ResponsePlan["body"] => ({ kind: "stream", length, chunks: nothing() });
const plan = (fields: string[], body: ResponsePlan["body"], status = 200): ResponsePlan => ({
  head: new ResponseHead(status, fields),
  body,
});
const lengthIn = (fields: string[], body: ResponsePlan["body"], status = 200, isHead = false) =>
  fieldIn(framedPlan(plan(fields, body, status), isHead).head.fields, "content-length");

describe("a plan whose head is true", () => {
  test.each([
    ["bytes", plan(["Content-Length", "5"], bytes)],
    ["a name in lower case", plan(["content-length", "5"], bytes)],
    ["a Date", plan(["Content-Length", "5", "Date", "Sun, 06 Nov 1994 08:49:37 GMT"], bytes)],
    ["a stream without a length", plan(["Content-Type", "text/plain"], stream())],
    ["a stream with one", plan(["Content-Length", "7"], stream(7))],
    ["204", plan(["Allow", "GET"], none, 204)],
    ["304 with the length of a 200", plan(["Content-Length", "500"], none, 304)],
    ["a redirect", plan(["Location", "/", "Content-Length", "0"], none, 302)],
  ])("%s: is left as it is", (_name, one) => {
    expect(framedPlan(one, false)).toBe(one);
  });

  test("an answer to HEAD says the length that only its handler knows", () => {
    const one = plan(["Content-Length", "12345"], none);
    expect(framedPlan(one, true)).toBe(one);
  });
});

describe("Content-Length", () => {
  test("is that of the bytes, whatever the handler says", () => {
    for (const fields of [
      [],
      ["Content-Length", "4"],
      ["Content-Length", "5", "content-length", "5"],
      ["Content-Length", "5", "Content-Length", "6"],
      ["Content-Length", "5, 5"],
      ["Content-Length", "-5"],
      ["Content-Length", "0x5"],
    ])
      expect(lengthIn(fields, bytes)).toBe("5");
  });

  test("is 0 without content, and not there in a 204", () => {
    expect(lengthIn([], none)).toBe("0");
    expect(lengthIn(["Content-Length", "9"], none)).toBe("0");
    expect(lengthIn(["Content-Length", "0"], none, 204)).toBeUndefined();
    expect(lengthIn(["Content-Length", "5"], bytes, 204)).toBeUndefined();
  });

  test("of a stream without a length of its own is the stream's", () => {
    const made = framedPlan(plan(["Content-Length", "9"], stream()), false);
    expect(made.body).toMatchObject({ kind: "stream", length: 9 });
    expect(lengthIn(["Content-Length", "9"], stream(7))).toBe("7");
    expect(lengthIn([], stream(7))).toBe("7");
    expect(lengthIn(["Content-Length", "many"], stream())).toBeUndefined();
  });
});

test("what concerns the connection is the executor's, and a close is carried out", () => {
  const fields = ["Connection", "Keep-Alive", "Keep-Alive", "timeout=5", "Transfer-Encoding", "chunked"];
  const made = framedPlan(plan([...fields, "X-Own", "1"], bytes), false);
  expect(made.head.fields).toEqual(["X-Own", "1", "Content-Length", "5"]);
  expect(made.close).not.toBe(true);
  expect(framedPlan(plan(["connection", "x, Close"], bytes), false).close).toBe(true);
});

test("the first Date stays, the plan's reference is given back once", () => {
  let released = 0;
  const one: ResponsePlan = { ...plan(["Date", "a", "date", "b"], bytes), release: () => released++ };
  const made = framedPlan(one, false);
  expect(made.head.fields).toEqual(["Date", "a", "Content-Length", "5"]);
  made.release?.();
  expect(released).toBe(1);
});

test("whatever fields a handler gives, the message has one framing", () => {
  const field = fc.tuple(
    fc.constantFrom("Content-Length", "content-length", "DATE", "Connection", "transfer-encoding", "X"),
    fc.constantFrom("5", "6", "chunked", "close", "5, 5", ""),
  );
  const bodies = fc.constantFrom(bytes, none, stream(), stream(3));
  fc.assert(
    fc.property(
      fc.array(field),
      bodies,
      fc.constantFrom(200, 204, 304, 404),
      fc.boolean(),
      (list, body, status, isHead) => {
        const made = framedPlan(plan(list.flat(), body, status), isHead);
        const names = made.head.fields.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase());
        const count = (name: string): number => names.filter((one) => one === name).length;
        expect(count("content-length")).toBeLessThanOrEqual(1);
        expect(count("date")).toBeLessThanOrEqual(1);
        expect(count("connection") + count("transfer-encoding")).toBe(0);
        expect(framedPlan(made, isHead)).toBe(made);
      },
    ),
  );
});
