/** Class 6: UTF-8, whole, fragmented on and within characters, and failing fast. Sequences after Markus Kuhn. */
import type { WireFrame } from "../wire.fixture.js";
import { type AutobahnCase, fragments, text } from "./case.fixture.js";

const TEXT = 1;
const hex = (digits: string): Buffer => Buffer.from(digits.replaceAll(" ", ""), "hex");

const mixed = Buffer.from("Hello-µ@ßöäüàá-UTF-8!!", "utf8");
const kosme = hex("ceba e1bdb9 cf83 cebc ceb5");
const surrogateInside = Buffer.concat([kosme, hex("eda080"), Buffer.from("edited")]);
const tooHighInside = Buffer.concat([kosme, hex("f4908080"), Buffer.from("edited")]);
/** The byte that makes `tooHighInside` invalid: 0x90 behind 0xf4. */
const FIRST_BAD_BYTE = 12;

const valid = (id: string, sends: string, frames: WireFrame[], payload: Uint8Array): AutobahnCase => ({
  id,
  sends,
  frames,
  answers: [text(payload)],
  end: "open",
});
const invalid = (id: string, sends: string, frames: WireFrame[], failsWithin?: number): AutobahnCase => ({
  id,
  sends,
  frames,
  answers: [],
  end: 1007,
  ...(failsWithin !== undefined && { failsWithin }),
});

const fragmented: AutobahnCase[] = [
  valid("6.1.1", "an empty text", [{ opcode: TEXT }], Buffer.alloc(0)),
  valid(
    "6.1.2",
    "three empty fragments",
    [{ opcode: TEXT, fin: false }, { opcode: 0, fin: false }, { opcode: 0 }],
    Buffer.alloc(0),
  ),
  valid(
    "6.1.3",
    "three fragments, the first and the last empty",
    [{ opcode: TEXT, fin: false }, { opcode: 0, fin: false, payload: "middle frame payload" }, { opcode: 0 }],
    Buffer.from("middle frame payload"),
  ),
  valid("6.2.1", "valid UTF-8 in one frame", [{ opcode: TEXT, payload: mixed }], mixed),
  valid(
    "6.2.2",
    "valid UTF-8 in two fragments, cut between characters",
    [
      { opcode: TEXT, fin: false, payload: "Hello-µ@ßöä" },
      { opcode: 0, payload: "üàá-UTF-8!!" },
    ],
    mixed,
  ),
  valid("6.2.3", "valid UTF-8 in fragments of one octet", fragments(TEXT, mixed, 1), mixed),
  valid("6.2.4", "more valid UTF-8 in fragments of one octet", fragments(TEXT, kosme, 1), kosme),
  invalid("6.3.1", "a surrogate in one frame", [{ opcode: TEXT, payload: surrogateInside }]),
  invalid("6.3.2", "a surrogate in fragments of one octet", fragments(TEXT, surrogateInside, 1)),
];

/** In the third frame or chop lies valid text: the end has to fail before it comes. */
const failFast: AutobahnCase[] = [
  invalid("6.4.1", "a code point above U+10FFFF in the second of three fragments", [
    { opcode: TEXT, fin: false, payload: kosme },
    { opcode: 0, fin: false, payload: hex("f4908080") },
  ]),
  invalid("6.4.2", "the same, only up to the octet that makes it invalid", [
    { opcode: TEXT, fin: false, payload: tooHighInside.subarray(0, FIRST_BAD_BYTE) },
    { opcode: 0, fin: false, payload: tooHighInside.subarray(FIRST_BAD_BYTE, FIRST_BAD_BYTE + 1) },
  ]),
  invalid(
    "6.4.3",
    "the same in three chops of one frame",
    [{ opcode: TEXT, payload: tooHighInside }],
    FIRST_BAD_BYTE + 3,
  ),
  invalid(
    "6.4.4",
    "the same in chops, only up to the octet that makes it invalid",
    [{ opcode: TEXT, payload: tooHighInside }],
    FIRST_BAD_BYTE + 1,
  ),
];

interface Sequences {
  readonly title: string;
  readonly good?: readonly string[];
  readonly bad?: readonly string[];
}

const incomplete = [
  "c0",
  "e080",
  "f08080",
  "f8808080",
  "fc80808080",
  "df",
  "efbf",
  "f7bfbf",
  "fbbfbfbf",
  "fdbfbfbfbf",
];

/** Every first byte of a range but the last, each followed by a space. */
const lonely = (from: number, to: number): string => {
  let digits = "";
  for (let byte = from; byte < to; byte++) digits += `${byte.toString(16)}20`;
  return digits;
};

const allContinuations = Array.from({ length: 0xbf - 0x80 }, (_, i) => (0x80 + i).toString(16)).join("");

const nonCharacters = ["efbfbe", "efbfbf"];
for (const first of ["f0", "f1", "f2", "f3", "f4"]) {
  for (const second of ["8f", "9f", "af", "bf"]) {
    const tooHigh = first === "f4" && second !== "8f";
    const overlong = first === "f0" && second === "8f";
    if (!tooHigh && !overlong) nonCharacters.push(`${first}${second}bfbe`, `${first}${second}bfbf`);
  }
}

/** Classes 6.5 to 6.23, in the order of the suite. `kosme`'s prefixes are class 6.6 and mixed. */
const CLASSES: readonly Sequences[] = [
  {
    title: "valid sequences",
    good: [
      "68656c6c6f24776f726c64",
      "68656c6c6fc2a2776f726c64",
      "68656c6c6fe282ac776f726c64",
      "68656c6c6ff0a4ada2776f726c64",
      kosme.toString("hex"),
    ],
  },
  { title: "prefixes of a valid text" },
  { title: "first sequence of a length", good: ["00", "c280", "e0a080", "f0908080"] },
  { title: "first sequence of length 5 and 6", bad: ["f888808080", "fc8480808080"] },
  { title: "last sequence of a length", good: ["7f", "dfbf", "efbfbf", "f48fbfbf"] },
  { title: "last sequence of length 4, 5 and 6", bad: ["f7bfbfbf", "fbbfbfbfbf", "fdbfbfbfbfbf"] },
  { title: "other boundaries", good: ["ed9fbf", "ee8080", "efbfbd", "f48fbfbf"], bad: ["f4908080"] },
  {
    title: "unexpected continuation bytes",
    bad: ["80", "bf", "80bf", "80bf80", "80bf80bf", "80bf80bf80", "80bf80bf80bf", allContinuations],
  },
  {
    title: "lonely first bytes",
    bad: [lonely(0xc0, 0xdf), lonely(0xe0, 0xef), lonely(0xf0, 0xf7), lonely(0xf8, 0xfb), lonely(0xfc, 0xfd)],
  },
  { title: "last continuation byte missing", bad: incomplete },
  { title: "incomplete sequences joined", bad: [incomplete.join("")] },
  { title: "impossible bytes", bad: ["fe", "ff", "fefeffff"] },
  { title: "overlong ASCII", bad: ["c0af", "e080af", "f08080af", "f8808080af", "fc80808080af"] },
  { title: "longest overlong forms", bad: ["c1bf", "e09fbf", "f08fbfbf", "f887bfbfbf", "fc83bfbfbfbf"] },
  { title: "overlong NUL", bad: ["c080", "e08080", "f0808080", "f880808080", "fc8080808080"] },
  { title: "single surrogates", bad: ["eda080", "edadbf", "edae80", "edafbf", "edb080", "edbe80", "edbfbf"] },
  {
    title: "surrogate pairs",
    bad: [
      "eda080edb080",
      "eda080edbfbf",
      "edadbfedb080",
      "edadbfedbfbf",
      "edae80edb080",
      "edae80edbfbf",
      "edafbfedb080",
      "edafbfedbfbf",
    ],
  },
  { title: "non-characters", good: nonCharacters },
  { title: "specials", good: ["efbfb9", "efbfba", "efbfbb", "efbfbc", "efbfbd", "efbfbe", "efbfbf"] },
];

/** Bytes of `kosme` after which it is whole. */
const KOSME_BOUNDARIES = [2, 5, 7, 9, 11];

function sequenceCases(): AutobahnCase[] {
  return CLASSES.flatMap(({ title, good = [], bad = [] }, at) => {
    const number = at + 5;
    const sequences =
      number === 6
        ? Array.from({ length: kosme.length }, (_, i) => ({
            payload: kosme.subarray(0, i + 1),
            right: KOSME_BOUNDARIES.includes(i + 1),
          }))
        : [
            ...good.map((digits) => ({ payload: hex(digits), right: true })),
            ...bad.map((digits) => ({ payload: hex(digits), right: false })),
          ];
    return sequences.map(({ payload, right }, index) => {
      const id = `6.${number}.${index + 1}`;
      const sends = `${title}: ${payload.toString("hex").slice(0, 24)}`;
      const frames = [{ opcode: TEXT, payload }];
      return right ? valid(id, sends, frames, payload) : invalid(id, sends, frames);
    });
  });
}

export const UTF8_CASES: readonly AutobahnCase[] = [...fragmented, ...failFast, ...sequenceCases()];
