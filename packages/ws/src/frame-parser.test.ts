import { describe, expect, test } from "vitest";
import type { WsError } from "./errors.js";
import { type FrameEvents, FrameParser } from "./frame-parser.js";
import type { Role } from "./opcode.js";
import { encodeFor, encodeFrame, type WireForm, type WireFrame } from "./wire.fixture.js";
import { Workspace } from "./workspace.js";

/** Everything a parser reported, one line an event; pieces of a frame joined. */
class Recorder implements FrameEvents {
  readonly lines: string[] = [];
  #payload: Buffer[] = [];
  #first = 0;

  onFrame(first: number, bytes: Uint8Array, start: number, end: number): void {
    this.#line(first, Buffer.from(bytes.subarray(start, end)));
  }
  onFrameStart(first: number): void {
    this.#first = first;
    this.#payload = [];
  }
  onFrameData(bytes: Uint8Array, start: number, end: number): void {
    this.#payload.push(Buffer.from(bytes.subarray(start, end)));
  }
  onFrameEnd(): void {
    this.#line(this.#first, Buffer.concat(this.#payload));
  }
  onControl(opcode: number, bytes: Uint8Array, start: number, end: number): void {
    this.#line(opcode, Buffer.from(bytes.subarray(start, end)));
  }
  onFrameError(error: WsError): void {
    this.lines.push(`${error.code} ${error.closeCode}`);
  }
  #line(first: number, payload: Buffer): void {
    this.lines.push(`${first.toString(16)} ${payload.toString("latin1")}`);
  }
}

const LIMITS = { maxMessageBytes: 1000, maxCompressedBytes: 1200 };

function parse(role: Role, bytes: Uint8Array, pieceBytes: number, compression = false): string[] {
  const workspace = new Workspace();
  const recorder = new Recorder();
  const parser = new FrameParser(role, workspace, recorder, LIMITS, compression);
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    const piece = bytes.subarray(at, at + pieceBytes);
    workspace.bytes.set(piece, 0);
    parser.parse(0, piece.length);
  }
  return recorder.lines;
}

const TEXT = 1;
const BINARY = 2;
const CLIENT: WireForm = { masked: true };

interface Row {
  readonly rule: string;
  readonly bytes: Uint8Array;
  readonly lines: readonly string[];
  readonly role?: Role;
  readonly compression?: boolean;
}

const text: WireFrame = { opcode: TEXT, payload: "Hi" };
const failing = (code: string, closeCode = 1002) => [`${code} ${closeCode}`];

const ROWS: readonly Row[] = [
  {
    rule: "§5.1 a server refuses a frame that is not masked",
    bytes: encodeFrame(text, { masked: false }),
    lines: failing("TZ_WS_MASK"),
  },
  {
    rule: "§5.1 a client refuses a frame that is masked",
    role: "client",
    bytes: encodeFrame(text, CLIENT),
    lines: failing("TZ_WS_MASK"),
  },
  {
    rule: "§5.1 a client takes a frame that is not masked",
    role: "client",
    bytes: encodeFrame(text, { masked: false }),
    lines: ["81 Hi"],
  },
  {
    rule: "§5.3 any key, also of zeros",
    bytes: encodeFrame(text, { masked: true, key: [0, 0, 0, 0] }),
    lines: ["81 Hi"],
  },
  {
    rule: "§5.2 RSV1 without an extension",
    bytes: encodeFrame({ ...text, rsv: 4 }, CLIENT),
    lines: failing("TZ_WS_RSV"),
  },
  {
    rule: "§5.2 RSV2",
    bytes: encodeFrame({ ...text, rsv: 2 }, CLIENT),
    compression: true,
    lines: failing("TZ_WS_RSV"),
  },
  {
    rule: "§5.2 RSV3",
    bytes: encodeFrame({ ...text, rsv: 1 }, CLIENT),
    compression: true,
    lines: failing("TZ_WS_RSV"),
  },
  {
    rule: "RFC 7692 §6 RSV1 on the first frame of a message",
    bytes: encodeFrame({ ...text, rsv: 4 }, CLIENT),
    compression: true,
    lines: ["c1 Hi"],
  },
  {
    rule: "RFC 7692 §6.1 RSV1 on a continuation",
    bytes: encodeFor("server", [
      { ...text, fin: false, rsv: 4 },
      { opcode: 0, rsv: 4 },
    ]),
    compression: true,
    lines: ["41 Hi", ...failing("TZ_WS_RSV")],
  },
  {
    rule: "RFC 7692 §6.1 RSV1 on a control frame",
    bytes: encodeFrame({ opcode: 9, rsv: 4 }, CLIENT),
    compression: true,
    lines: failing("TZ_WS_RSV"),
  },
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode) => ({
    rule: `§5.2 reserved opcode ${opcode}`,
    bytes: encodeFrame({ opcode }, CLIENT),
    lines: failing("TZ_WS_OPCODE"),
  })),
  {
    rule: "§5.2 length 125 in 16 bits",
    bytes: encodeFrame({ opcode: BINARY, payload: "x".repeat(125) }, { masked: true, lengthBits: 16 }),
    lines: failing("TZ_WS_LENGTH"),
  },
  {
    rule: "§5.2 length 0 in 16 bits",
    bytes: encodeFrame({ opcode: BINARY }, { masked: true, lengthBits: 16 }),
    lines: failing("TZ_WS_LENGTH"),
  },
  {
    rule: "§5.2 length 126 in 16 bits",
    bytes: encodeFrame({ opcode: BINARY, payload: "x".repeat(126) }, CLIENT),
    lines: [`82 ${"x".repeat(126)}`],
  },
  {
    rule: "§5.2 length 65535 in 64 bits",
    bytes: encodeFrame({ opcode: BINARY }, { masked: true, lengthBits: 64, announced: 65535n }),
    lines: failing("TZ_WS_LENGTH"),
  },
  {
    rule: "§5.2 length 2^63: the highest bit must be 0",
    bytes: encodeFrame({ opcode: BINARY }, { masked: true, announced: 2n ** 63n }),
    lines: failing("TZ_WS_LENGTH"),
  },
  {
    rule: "§10.4 length 2^63 - 1 is above the limit",
    bytes: encodeFrame({ opcode: BINARY }, { masked: true, announced: 2n ** 63n - 1n }),
    lines: failing("TZ_WS_MESSAGE_SIZE", 1009),
  },
  {
    rule: "§10.4 length 2^32 is above the limit",
    bytes: encodeFrame({ opcode: BINARY }, { masked: true, announced: 2n ** 32n }),
    lines: failing("TZ_WS_MESSAGE_SIZE", 1009),
  },
  {
    rule: "§10.4 one byte above the limit, before its payload",
    bytes: encodeFrame({ opcode: BINARY }, { masked: true, announced: 1001n }),
    lines: failing("TZ_WS_MESSAGE_SIZE", 1009),
  },
  {
    rule: "§10.4 exactly the limit",
    bytes: encodeFrame({ opcode: BINARY, payload: "x".repeat(1000) }, CLIENT),
    lines: [`82 ${"x".repeat(1000)}`],
  },
  {
    rule: "§10.4 fragments count together",
    bytes: encodeFor("server", [
      { opcode: BINARY, fin: false, payload: "x".repeat(600) },
      { opcode: 0, payload: "x".repeat(401) },
    ]),
    lines: [`2 ${"x".repeat(600)}`, ...failing("TZ_WS_MESSAGE_SIZE", 1009)],
  },
  {
    rule: "§10.4 a new message counts anew",
    bytes: encodeFor("server", [
      { opcode: BINARY, fin: false, payload: "x".repeat(600) },
      { opcode: 0 },
      { opcode: BINARY, payload: "y".repeat(1000) },
    ]),
    lines: [`2 ${"x".repeat(600)}`, "80 ", `82 ${"y".repeat(1000)}`],
  },
  {
    rule: "§10.4 a compressed message may be a little longer",
    bytes: encodeFrame({ opcode: BINARY, rsv: 4, payload: "x".repeat(1200) }, CLIENT),
    compression: true,
    lines: [`c2 ${"x".repeat(1200)}`],
  },
  {
    rule: "§10.4 but not more",
    bytes: encodeFrame({ opcode: BINARY, rsv: 4 }, { masked: true, announced: 1201n }),
    compression: true,
    lines: failing("TZ_WS_MESSAGE_SIZE", 1009),
  },
  {
    rule: "§5.5 a control frame of 126 bytes",
    bytes: encodeFrame({ opcode: 9, payload: "x".repeat(126) }, CLIENT),
    lines: failing("TZ_WS_CONTROL_LENGTH"),
  },
  {
    rule: "§5.5 a control frame that says 64 bits of length",
    bytes: encodeFrame({ opcode: 9 }, { masked: true, lengthBits: 64 }),
    lines: failing("TZ_WS_CONTROL_LENGTH"),
  },
  {
    rule: "§5.5 a fragmented control frame",
    bytes: encodeFrame({ opcode: 8, fin: false }, CLIENT),
    lines: failing("TZ_WS_CONTROL_FRAGMENT"),
  },
  {
    rule: "§5.5.1 a Close of one byte, before that comes",
    bytes: encodeFrame({ opcode: 8, payload: "a" }, CLIENT).subarray(0, 2),
    lines: failing("TZ_WS_CLOSE_LENGTH"),
  },
  {
    rule: "§5.4 a continuation without a message",
    bytes: encodeFrame({ opcode: 0 }, CLIENT),
    lines: failing("TZ_WS_CONTINUATION"),
  },
  {
    rule: "§5.4 a continuation after the last frame",
    bytes: encodeFor("server", [text, { opcode: 0 }]),
    lines: ["81 Hi", ...failing("TZ_WS_CONTINUATION")],
  },
  {
    rule: "§5.4 a new message inside another",
    bytes: encodeFor("server", [{ ...text, fin: false }, { opcode: BINARY }]),
    lines: ["1 Hi", ...failing("TZ_WS_CONTINUATION")],
  },
  {
    rule: "§5.4 control frames inside a message",
    bytes: encodeFor("server", [
      { ...text, fin: false },
      { opcode: 9, payload: "p" },
      { opcode: 0, fin: false, payload: "a" },
      { opcode: 10 },
      { opcode: 0, payload: "b" },
    ]),
    lines: ["1 Hi", "9 p", "0 a", "a ", "80 b"],
  },
  {
    rule: "nothing is reported after an error",
    bytes: encodeFor("server", [text, { opcode: 3 }, text]),
    lines: ["81 Hi", ...failing("TZ_WS_OPCODE")],
  },
];

describe("RFC 6455 frames, the same at every split", () => {
  test.each(ROWS.map((row) => [row.rule, row] as const))("%s", (_rule, row) => {
    for (const pieceBytes of [row.bytes.length, 1, 2, 3, 5, 13]) {
      expect(parse(row.role ?? "server", row.bytes, pieceBytes, row.compression)).toEqual(row.lines);
    }
  });
});

test("a whole frame is one event, where it lies", () => {
  const workspace = new Workspace();
  const seen: string[] = [];
  const events: FrameEvents = {
    onFrame(_first, bytes, start, end, ascii) {
      expect(bytes).toBe(workspace.bytes);
      seen.push(`frame ${start}-${end} ${ascii}`);
    },
    onFrameStart: () => seen.push("start"),
    onFrameData: () => seen.push("data"),
    onFrameEnd: () => seen.push("end"),
    onControl: () => seen.push("control"),
    onFrameError: () => seen.push("error"),
  };
  const parser = new FrameParser("server", workspace, events, LIMITS, false);
  const bytes = encodeFor("server", [
    { opcode: TEXT, payload: "abc" },
    { opcode: TEXT, payload: "ö" },
  ]);
  workspace.bytes.set(bytes, 100);
  expect(parser.parse(100, 100 + bytes.length)).toBe(100 + bytes.length);
  expect(seen).toEqual(["frame 106-109 true", "frame 115-117 false"]);
});

test("a listener that halts stops the parser behind the frame at hand, and it goes on from there", () => {
  const workspace = new Workspace();
  const recorder = new Recorder();
  let parser: FrameParser;
  const halting = Object.assign(Object.create(recorder) as FrameEvents, {
    onFrame(first: number, bytes: Uint8Array, start: number, end: number) {
      recorder.onFrame(first, bytes, start, end);
      parser.halted = true;
    },
  });
  parser = new FrameParser("server", workspace, halting, LIMITS, false);
  const one = encodeFor("server", [text]);
  const bytes = Buffer.concat([one, one, one]);
  workspace.bytes.set(bytes, 0);
  let at = 0;
  for (let turn = 1; turn <= 3; turn++) {
    at = parser.parse(at, bytes.length);
    expect(at).toBe(turn * one.length);
    expect(parser.parse(at, bytes.length)).toBe(at);
    parser.halted = false;
  }
  expect(recorder.lines).toEqual(["81 Hi", "81 Hi", "81 Hi"]);
});
