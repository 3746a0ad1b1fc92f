import fc from "fast-check";
import { expect, test } from "vitest";
import { EventReader } from "./event-reader.js";

const reader = new EventReader();
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

interface Event {
  readonly userId: string;
  readonly value: number;
}

/** What the reader makes of bytes. */
function ours(bytes: Uint8Array): Event | undefined {
  if (!reader.read(bytes)) {
    expect(reader.reason).toMatch(/^the body \S/);
    return undefined;
  }
  return { userId: strict.decode(reader.bytes.subarray(reader.start, reader.end)), value: reader.value };
}

/** The same by JSON.parse, with the rules that it does not have. */
function reference(bytes: Uint8Array): Event | undefined {
  let value: unknown;
  let text: string;
  try {
    text = strict.decode(bytes);
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const event = value as Record<string, unknown>;
  if (Object.keys(event).sort().join() !== "userId,value") return undefined;
  const { userId, value: number } = event;
  if (typeof userId !== "string" || typeof number !== "number") return undefined;
  if (!isWellFormed(userId) || Buffer.byteLength(userId) > 1024 || !Number.isFinite(number)) return undefined;
  // Only flat objects of two known keys are left: so many members are in the text as there are colons outside strings.
  const members = text.replace(/"(?:[^"\\]|\\.)*"/g, "s").split(":").length - 1;
  if (members !== 2) return undefined;
  const digits = text.replace(/"(?:[^"\\]|\\.)*"/g, "s").replace(/[eE].*/, "");
  if (number === 0 && /[1-9]/.test(digits)) return undefined;
  return { userId, value: number };
}

const isWellFormed = (text: string): boolean => !/\p{Surrogate}/u.test(text);

const same = (bytes: Uint8Array): void => {
  expect(ours(bytes)).toEqual(reference(bytes));
};
const encode = (text: string) => new TextEncoder().encode(text);

const space = fc.stringMatching(/^[ \t\r\n]{0,2}$/);
/** A string as JSON, each character in one of the ways that JSON has for it. */
const literal = fc.array(fc.tuple(fc.string({ unit: "binary", minLength: 1, maxLength: 1 }), fc.nat(2))).map(
  (characters) =>
    `"${characters
      .map(([character, way]) => {
        const plain = JSON.stringify(character).slice(1, -1);
        if (way === 0) return plain;
        const spell = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
        const escaped = [...Array(character.length).keys()].map((i) => spell(character[i]!)).join("");
        return way === 1 ? escaped : escaped.replace(/[a-f]/g, (digit) => digit.toUpperCase());
      })
      .join("")}"`,
);
const numeral = fc.oneof(
  fc.double().map((value) => JSON.stringify(value)),
  fc.integer().map(String),
  fc.bigInt().map(String),
  fc.stringMatching(/^-?[0-9]{1,20}(\.[0-9]{0,20})?([eE][+-]?[0-9]{0,3})?$/),
  fc.constantFrom(
    "0",
    "-0",
    "-0.0e-5",
    "1e309",
    "-1e999",
    "1e-400",
    "5e-324",
    "2e-324",
    "0e999",
    "01",
    "+1",
    ".5",
    "1.",
    "NaN",
  ),
);
const key = fc.constantFrom('"userId"', '"value"', '"\\u0075serId"', '"valu\\u0065"', '"other"', '""');
const scalar = fc.oneof(
  { weight: 4, arbitrary: literal },
  { weight: 4, arbitrary: numeral },
  fc.constantFrom("null", "true", "[]", "{}"),
);
const member = fc.tuple(space, key, space, scalar, space).map(([a, k, b, v, c]) => `${a}${k}${b}:${v}${c}`);
const event = fc
  .tuple(space, literal, numeral, fc.boolean(), space, space)
  .map(([a, userId, value, swap, b, c]) => {
    const members = [`"userId"${b}:${a}${userId}`, `${a}"value":${b}${value}${c}`];
    return `${a}{${(swap ? members.reverse() : members).join(",")}}${c}`;
  });

test("events in all spellings, as JSON.parse reads them", () => {
  fc.assert(
    fc.property(event, (text) => same(encode(text))),
    { numRuns: 5000 },
  );
});

test("objects of any members", () => {
  const object = fc.array(member, { maxLength: 4 }).map((members) => `{${members.join(",")}}`);
  fc.assert(
    fc.property(object, (text) => same(encode(text))),
    { numRuns: 5000 },
  );
});

test("events with bytes changed, left out or added", () => {
  const change = fc.tuple(fc.nat(), fc.nat(255), fc.constantFrom("replace", "remove", "insert"));
  fc.assert(
    fc.property(event, fc.array(change, { minLength: 1, maxLength: 3 }), (text, changes) => {
      const bytes = [...encode(text)];
      for (const [at, byte, kind] of changes) {
        const place = at % (bytes.length + 1);
        if (kind === "remove") bytes.splice(place, 1);
        else bytes.splice(place, kind === "insert" ? 0 : 1, byte);
      }
      same(Uint8Array.from(bytes));
    }),
    { numRuns: 20_000 },
  );
});

test("any bytes", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), same), { numRuns: 5000 });
});
