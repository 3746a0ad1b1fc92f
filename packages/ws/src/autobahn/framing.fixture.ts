/** Classes 1 (framing), 2 (pings), 3 (reserved bits), 4 (opcodes), 5 (fragmentation) and 10 (auto-fragmentation). */
import type { WireFrame } from "../wire.fixture.js";
import { type AutobahnCase, binary, fragments, pong, text } from "./case.fixture.js";

const TEXT = 1;
const BINARY = 2;
const PING = 9;
const PONG = 10;
const hello = "Hello, world!";

const LENGTHS = [0, 125, 126, 127, 128, 65535, 65536, 65536];

const framing: AutobahnCase[] = [
  ...LENGTHS.map((length, at): AutobahnCase => {
    const payload = Buffer.alloc(length, "*");
    const chop = at === 7 ? { chopBytes: 997 } : {};
    return {
      id: `1.1.${at + 1}`,
      sends: `a text of ${length} bytes${at === 7 ? " in chops of 997" : ""}`,
      frames: [{ opcode: TEXT, payload }],
      answers: [text(payload)],
      end: "open",
      ...chop,
    };
  }),
  ...LENGTHS.map((length, at): AutobahnCase => {
    const payload = Buffer.alloc(length, 0xfe);
    const chop = at === 7 ? { chopBytes: 997 } : {};
    return {
      id: `1.2.${at + 1}`,
      sends: `${length} binary bytes${at === 7 ? " in chops of 997" : ""}`,
      frames: [{ opcode: BINARY, payload }],
      answers: [binary(payload)],
      end: "open",
      ...chop,
    };
  }),
];

const binaryPing = Buffer.from([0x00, 0xff, 0xfe, 0xfd, 0xfc, 0xfb, 0x00, 0xff]);
const longPing = Buffer.alloc(125, 0xfe);
const tenPings = Array.from({ length: 10 }, (_, i) => `payload-${i}`);

const pings: AutobahnCase[] = [
  {
    id: "2.1",
    sends: "a ping without payload",
    frames: [{ opcode: PING }],
    answers: [pong("")],
    end: "open",
  },
  {
    id: "2.2",
    sends: "a ping with a small text payload",
    frames: [{ opcode: PING, payload: hello }],
    answers: [pong(hello)],
    end: "open",
  },
  {
    id: "2.3",
    sends: "a ping with a small payload that is not UTF-8",
    frames: [{ opcode: PING, payload: binaryPing }],
    answers: [pong(binaryPing)],
    end: "open",
  },
  {
    id: "2.4",
    sends: "a ping with 125 bytes",
    frames: [{ opcode: PING, payload: longPing }],
    answers: [pong(longPing)],
    end: "open",
  },
  {
    id: "2.5",
    sends: "a ping with 126 bytes",
    frames: [{ opcode: PING, payload: Buffer.alloc(126, 0xfe) }],
    answers: [],
    end: 1002,
  },
  {
    id: "2.6",
    sends: "a ping with 125 bytes, octet by octet",
    frames: [{ opcode: PING, payload: longPing }],
    answers: [pong(longPing)],
    end: "open",
    chopBytes: 1,
  },
  { id: "2.7", sends: "a pong nobody asked for", frames: [{ opcode: PONG }], answers: [], end: "open" },
  {
    id: "2.8",
    sends: "a pong nobody asked for, with payload",
    frames: [{ opcode: PONG, payload: "unsolicited pong payload" }],
    answers: [],
    end: "open",
  },
  {
    id: "2.9",
    sends: "a pong nobody asked for, then a ping",
    frames: [
      { opcode: PONG, payload: "unsolicited pong payload" },
      { opcode: PING, payload: "ping payload" },
    ],
    answers: [pong("ping payload")],
    end: "open",
  },
  ...([undefined, 1] as const).map(
    (chop, at): AutobahnCase => ({
      id: `2.${10 + at}`,
      sends: `ten pings${chop === 1 ? ", octet by octet" : ""}`,
      frames: tenPings.map((payload) => ({ opcode: PING, payload })),
      answers: tenPings.map(pong),
      end: "open",
      ...(chop !== undefined && { chopBytes: chop }),
    }),
  ),
];

function afterHello(id: string, sends: string, bad: WireFrame, chopBytes?: number): AutobahnCase {
  return {
    id,
    sends: `a text, then ${sends}, then a ping`,
    frames: [{ opcode: TEXT, payload: hello }, bad, { opcode: PING }],
    answers: [text(hello)],
    end: 1002,
    ...(chopBytes !== undefined && { chopBytes }),
  };
}

function alone(id: string, sends: string, bad: WireFrame): AutobahnCase {
  return { id, sends, frames: [bad], answers: [], end: 1002 };
}

const reservedBits: AutobahnCase[] = [
  alone("3.1", "a text with RSV 1", { opcode: TEXT, rsv: 1, payload: hello }),
  afterHello("3.2", "a text with RSV 2", { opcode: TEXT, rsv: 2, payload: hello }),
  afterHello("3.3", "a text with RSV 3", { opcode: TEXT, rsv: 3, payload: hello }),
  afterHello("3.4", "a text with RSV 4", { opcode: TEXT, rsv: 4, payload: hello }, 1),
  alone("3.5", "binary with RSV 5", { opcode: BINARY, rsv: 5, payload: Buffer.alloc(8, 0xff) }),
  alone("3.6", "a ping with RSV 6", { opcode: PING, rsv: 6, payload: hello }),
  alone("3.7", "a Close with RSV 7", { opcode: 8, rsv: 7 }),
];

const opcodes: AutobahnCase[] = [
  alone("4.1.1", "opcode 3", { opcode: 3 }),
  alone("4.1.2", "opcode 4 with payload", { opcode: 4, payload: "reserved opcode payload" }),
  afterHello("4.1.3", "opcode 5", { opcode: 5 }),
  afterHello("4.1.4", "opcode 6 with payload", { opcode: 6, payload: hello }),
  afterHello("4.1.5", "opcode 7 with payload, octet by octet", { opcode: 7, payload: hello }, 1),
  alone("4.2.1", "opcode 11", { opcode: 11 }),
  alone("4.2.2", "opcode 12 with payload", { opcode: 12, payload: "reserved opcode payload" }),
  afterHello("4.2.3", "opcode 13", { opcode: 13 }),
  afterHello("4.2.4", "opcode 14 with payload", { opcode: 14, payload: hello }),
  afterHello("4.2.5", "opcode 15 with payload, octet by octet", { opcode: 15, payload: hello }, 1),
];

const begin: WireFrame = { opcode: TEXT, fin: false, payload: "fragment1" };
const more: WireFrame = { opcode: 0, fin: false, payload: "fragment2" };
const finish: WireFrame = { opcode: 0, payload: "fragment2" };
const ping: WireFrame = { opcode: PING, payload: "ping payload" };
const whole = text("fragment1fragment2");
const strayEnd: WireFrame = { opcode: 0, payload: "non-continuation payload" };
const strayPart: WireFrame = { opcode: 0, fin: false, payload: "non-continuation payload" };
const single: WireFrame = { opcode: TEXT, payload: hello };

/** The same frames in one chop, in chops of frames (which every split has) and octet by octet. */
function thrice(
  first: number,
  sends: string,
  frames: readonly WireFrame[],
  answers: AutobahnCase["answers"],
  end: AutobahnCase["end"],
): AutobahnCase[] {
  return [
    { id: `5.${first}`, sends: `${sends}, in one chop`, frames, answers, end },
    { id: `5.${first + 1}`, sends: `${sends}, frame by frame`, frames, answers, end },
    { id: `5.${first + 2}`, sends: `${sends}, octet by octet`, frames, answers, end, chopBytes: 1 },
  ];
}

const pongedTwice: readonly WireFrame[] = [
  begin,
  more,
  { opcode: PING, payload: "pongme 1!" },
  { opcode: 0, fin: false, payload: "fragment3" },
  { opcode: 0, fin: false, payload: "fragment4" },
  { opcode: PING, payload: "pongme 2!" },
  { opcode: 0, payload: "fragment5" },
];
const pongedTwiceAnswers = [
  pong("pongme 1!"),
  pong("pongme 2!"),
  text("fragment1fragment2fragment3fragment4fragment5"),
];

const fragmentation: AutobahnCase[] = [
  {
    id: "5.1",
    sends: "a ping in two fragments",
    frames: [{ opcode: PING, fin: false, payload: "fragment1" }, finish],
    answers: [],
    end: 1002,
  },
  {
    id: "5.2",
    sends: "a pong in two fragments",
    frames: [{ opcode: PONG, fin: false, payload: "fragment1" }, finish],
    answers: [],
    end: 1002,
  },
  ...thrice(3, "a text in two fragments", [begin, finish], [whole], "open"),
  ...thrice(
    6,
    "a text in two fragments around a ping",
    [begin, ping, finish],
    [pong("ping payload"), whole],
    "open",
  ),
  ...thrice(9, "a last continuation of nothing, then a text", [strayEnd, single], [], 1002),
  ...thrice(12, "a continuation of nothing, then a text", [strayPart, single], [], 1002),
  {
    id: "5.15",
    sends: "a text in two fragments, a continuation of nothing, a text",
    frames: [
      begin,
      finish,
      { opcode: 0, fin: false, payload: "fragment3" },
      { opcode: TEXT, payload: "fragment4" },
    ],
    answers: [whole],
    end: 1002,
  },
  {
    id: "5.16",
    sends: "twice: a continuation of nothing, then a text in two fragments",
    frames: [strayPart, begin, finish, strayPart, begin, finish],
    answers: [],
    end: 1002,
  },
  {
    id: "5.17",
    sends: "twice: a last continuation of nothing, then a text in two fragments",
    frames: [strayEnd, begin, finish, strayEnd, begin, finish],
    answers: [],
    end: 1002,
  },
  {
    id: "5.18",
    sends: "a text in two fragments that both say text",
    frames: [begin, { opcode: TEXT, payload: "fragment2" }],
    answers: [],
    end: 1002,
  },
  {
    id: "5.19",
    sends: "a text in five fragments around two pings",
    frames: pongedTwice,
    answers: pongedTwiceAnswers,
    end: "open",
  },
  {
    id: "5.20",
    sends: "the same, each frame flushed by itself",
    frames: pongedTwice,
    answers: pongedTwiceAnswers,
    end: "open",
  },
];

const autoFragmented = Buffer.alloc(65536, "*");
const autoFragmentation: AutobahnCase = {
  id: "10.1.1",
  sends: "a text of 65536 bytes in fragments of 1300",
  frames: fragments(TEXT, autoFragmented, 1300),
  answers: [text(autoFragmented)],
  end: "open",
};

export const FRAMING_CASES: readonly AutobahnCase[] = [
  ...framing,
  ...pings,
  ...reservedBits,
  ...opcodes,
  ...fragmentation,
  autoFragmentation,
];
