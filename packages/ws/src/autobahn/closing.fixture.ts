/** Class 7: the closing handshake. */
import type { WireFrame } from "../wire.fixture.js";
import { type AutobahnCase, text } from "./case.fixture.js";

const TEXT = 1;
const PING = 9;
const hello = "Hello World!";

function closeFrame(code: number, reason: string | Uint8Array = ""): WireFrame {
  const payload = Buffer.concat([Buffer.alloc(2), Buffer.from(reason)]);
  payload.writeUInt16BE(code);
  return { opcode: 8, payload };
}

const normal = closeFrame(1000);
const answersNormal = { answersClose: 1000 } as const;
const longText = Buffer.alloc(256 * 1024, "BAsd7&jh23");
const invalidReason = Buffer.from("cebae1bdb9cf83cebcceb5eda080656469746564", "hex");

const basic: AutobahnCase[] = [
  {
    id: "7.1.1",
    sends: "a text, then a Close",
    frames: [{ opcode: TEXT, payload: hello }, normal],
    answers: [text(hello)],
    end: answersNormal,
  },
  { id: "7.1.2", sends: "two Closes", frames: [normal, { opcode: 8 }], answers: [], end: answersNormal },
  {
    id: "7.1.3",
    sends: "a ping after a Close",
    frames: [normal, { opcode: PING }],
    answers: [],
    end: answersNormal,
  },
  {
    id: "7.1.4",
    sends: "a text after a Close",
    frames: [normal, { opcode: TEXT, payload: hello }],
    answers: [],
    end: answersNormal,
  },
  {
    id: "7.1.5",
    sends: "a Close inside a fragmented text",
    frames: [{ opcode: TEXT, fin: false, payload: "fragment1" }, normal, { opcode: 0, payload: "fragment2" }],
    answers: [],
    end: answersNormal,
  },
  {
    id: "7.1.6",
    sends: "a text of 256 KiB, a text, a Close, a ping",
    frames: [{ opcode: TEXT, payload: longText }, { opcode: TEXT, payload: hello }, normal, { opcode: PING }],
    answers: [text(longText), text(hello)],
    end: answersNormal,
  },
];

const form: AutobahnCase[] = [
  {
    id: "7.3.1",
    sends: "an empty Close",
    frames: [{ opcode: 8 }],
    answers: [],
    end: { answersClose: undefined },
  },
  {
    id: "7.3.2",
    sends: "a Close of one byte",
    frames: [{ opcode: 8, payload: "a" }],
    answers: [],
    end: 1002,
  },
  { id: "7.3.3", sends: "a Close with a code", frames: [normal], answers: [], end: answersNormal },
  {
    id: "7.3.4",
    sends: "a Close with a code and a reason",
    frames: [closeFrame(1000, hello)],
    answers: [],
    end: answersNormal,
  },
  {
    id: "7.3.5",
    sends: "a Close with a reason of 123 bytes",
    frames: [closeFrame(1000, "*".repeat(123))],
    answers: [],
    end: answersNormal,
  },
  {
    id: "7.3.6",
    sends: "a Close with a reason of 124 bytes",
    frames: [closeFrame(1000, "*".repeat(124))],
    answers: [],
    end: 1002,
  },
  {
    id: "7.5.1",
    sends: "a Close with a reason that is not UTF-8",
    frames: [closeFrame(1000, invalidReason)],
    answers: [],
    end: 1007,
  },
];

const VALID = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999];
const INVALID = [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999];

const codes: AutobahnCase[] = [
  ...VALID.map(
    (code, at): AutobahnCase => ({
      id: `7.7.${at + 1}`,
      sends: `a Close with code ${code}`,
      frames: [closeFrame(code)],
      answers: [],
      end: { answersClose: code },
    }),
  ),
  ...INVALID.map(
    (code, at): AutobahnCase => ({
      id: `7.9.${at + 1}`,
      sends: `a Close with code ${code}`,
      frames: [closeFrame(code)],
      answers: [],
      end: 1002,
    }),
  ),
  // Undefined by the RFC; here they are codes that must not be sent.
  { id: "7.13.1", sends: "a Close with code 5000", frames: [closeFrame(5000)], answers: [], end: 1002 },
  { id: "7.13.2", sends: "a Close with code 65535", frames: [closeFrame(65535)], answers: [], end: 1002 },
];

export const CLOSING_CASES: readonly AutobahnCase[] = [...basic, ...form, ...codes];
