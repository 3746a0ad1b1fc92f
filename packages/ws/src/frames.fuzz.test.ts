/**
 * Streams of frames that are almost right: the same outcome at every split, and the same as the receiver of
 * `ws` but for the differences that are written down here with the section that decides each.
 */
import { readFileSync } from "node:fs";
import type { Writable } from "node:stream";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as ws from "ws";
import { type ConnectionHandler, WebSocketConnection } from "./connection.js";
import { FUZZ_TIMEOUT_MS, fuzzRun } from "./fuzz-budget.fixture.js";
import type { Role } from "./opcode.js";
import { connectionSettings } from "./options.js";
import { RecordingSink } from "./recording-sink.fixture.js";
import { decodeFrames, encodeFrame } from "./wire.fixture.js";

const MAX_MESSAGE_BYTES = 1000;
const settings = connectionSettings({ maxMessageBytes: MAX_MESSAGE_BYTES, autoPong: false });

interface Outcome {
  /** Messages, pings, pongs and the peer's Close. */
  readonly events: readonly string[];
  /** The close code that the connection failed with. */
  readonly failed: number | undefined;
  readonly error: string | undefined;
}

function line(kind: string, bytes: Uint8Array): string {
  return `${kind} ${Buffer.from(bytes).toString("hex")}`;
}

function ours(role: Role, stream: Uint8Array, nextLength: () => number): Outcome {
  const events: string[] = [];
  let failed: number | undefined;
  let error: string | undefined;
  const handler: ConnectionHandler = {
    onMessage: (_ws, bytes, start, end, isText) =>
      void events.push(line(isText ? "text" : "binary", bytes.subarray(start, end))),
    onPing: (_ws, bytes, start, end) => void events.push(line("ping", bytes.subarray(start, end))),
    onPong: (_ws, bytes, start, end) => void events.push(line("pong", bytes.subarray(start, end))),
    onError(_ws, reported) {
      failed = reported.closeCode;
      error = reported.code;
    },
    onClose(_ws, code, reason) {
      if (error === undefined) events.push(`close ${code} ${reason}`);
    },
  };
  const sink = new RecordingSink();
  const connection = new WebSocketConnection(role, sink, handler, { settings });
  for (let at = 0; at < stream.length; ) {
    const end = Math.min(stream.length, at + Math.max(1, nextLength()));
    connection.receive(stream.subarray(at, end));
    at = end;
  }
  // What it answered is a Close at most, and whole.
  const answers = decodeFrames(sink.bytes);
  expect(answers.map(({ opcode }) => opcode)).toEqual(answers.length > 0 ? [8] : []);
  if (failed !== undefined) expect(answers[0]!.payload.readUInt16BE(0)).toBe(failed);
  if (role === "client" && error === undefined) connection.ended();
  if (events.at(-1) === "close 1006 ") events.pop();
  return { events, failed, error };
}

/** Exported by `ws`, and not in its types. */
const { Receiver } = ws as unknown as { Receiver: new (options: object) => Writable };

/** What `ws` makes of the same bytes. */
async function theirs(role: Role, stream: Uint8Array): Promise<Outcome> {
  const events: string[] = [];
  let failed: number | undefined;
  const receiver = new Receiver({ isServer: role === "server", maxPayload: MAX_MESSAGE_BYTES });
  receiver.on("message", (data: Buffer, isBinary: boolean) =>
    events.push(line(isBinary ? "binary" : "text", data)),
  );
  receiver.on("ping", (data: Buffer) => events.push(line("ping", data)));
  receiver.on("pong", (data: Buffer) => events.push(line("pong", data)));
  receiver.on("conclude", (code: number, reason: Buffer) => events.push(`close ${code} ${reason}`));
  receiver.on("error", (error: object) => {
    const key = Object.getOwnPropertySymbols(error).find(({ description }) => description === "status-code")!;
    failed = (error as Record<symbol, number>)[key];
  });
  await new Promise<void>((resolve) => receiver.write(Buffer.from(stream), () => resolve()));
  await new Promise(process.nextTick);
  return { events, failed, error: undefined };
}

const aPayload = fc.oneof(
  { weight: 4, arbitrary: fc.string({ unit: "grapheme", maxLength: 30 }).map((text) => Buffer.from(text)) },
  { weight: 2, arbitrary: fc.uint8Array({ maxLength: 140 }).map((bytes) => Buffer.from(bytes)) },
  { weight: 1, arbitrary: fc.integer({ min: 100, max: 1100 }).map((length) => Buffer.alloc(length, "z")) },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom(1000, 1005, 3000, 5000)
      .map((code) => Buffer.from([code >> 8, code & 255, 0x61])),
  },
);

const mostly = <T>(usual: T, ...others: readonly T[]): fc.Arbitrary<T> =>
  fc.oneof(
    { weight: 12, arbitrary: fc.constant(usual) },
    { weight: 1, arbitrary: fc.constantFrom(...others) },
  );

const aFrame = fc.record({
  opcode: fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(0, 1, 2) },
    { weight: 3, arbitrary: fc.constantFrom(9, 10) },
    { weight: 1, arbitrary: fc.nat(15) },
  ),
  fin: fc.oneof({ weight: 2, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
  rsv: mostly(0, 1, 2, 4),
  payload: aPayload,
  swapMask: mostly(false, true),
  lengthBits: mostly<7 | 16 | 64 | undefined>(undefined, 16, 64),
  announced: mostly<bigint | undefined>(undefined, 1n << 62n, 1n << 63n, 1001n, 70_000n),
  key: fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255)),
});

/** Frames, most of them right, then a few changed bytes. */
const aStream = (role: Role) =>
  fc
    .tuple(
      fc.array(aFrame, { maxLength: 8 }),
      fc.array(fc.tuple(fc.nat(2000), fc.nat(255)), { maxLength: 2 }),
      fc.nat(20),
    )
    .map(([frames, changes, cut]) => {
      const stream = Buffer.concat(
        frames.map(({ swapMask, lengthBits, announced, key, ...frame }) =>
          encodeFrame(frame, {
            masked: (role === "server") !== swapMask,
            key,
            ...(lengthBits !== undefined &&
              (lengthBits === 64 || frame.payload.length < 65536) && { lengthBits }),
            ...(announced !== undefined && lengthBits === undefined && { announced }),
          }),
        ),
      );
      for (const [at, byte] of changes) if (at < stream.length && at % 3 === 0) stream[at] = byte;
      return stream.subarray(0, cut < 5 ? Math.max(0, stream.length - cut) : stream.length);
    });

/**
 * Where this package fails and `ws` does not, or later, and by which section. Up to that point both must have
 * seen the same.
 */
const STRICTER = new Map([
  [
    "TZ_WS_UTF8",
    "RFC 6455 §8.1: text fails at the byte that makes it invalid, not when the message is complete",
  ],
  ["TZ_WS_LENGTH", "RFC 6455 §5.2: the minimal number of bytes must be used, the highest bit must be 0"],
]);

async function compare(role: Role, stream: Uint8Array): Promise<void> {
  const whole = ours(role, stream, () => stream.length);
  const other = await theirs(role, stream);
  if (whole.error !== undefined && STRICTER.has(whole.error)) {
    expect(other.events.slice(0, whole.events.length)).toEqual(whole.events);
  } else {
    expect({ ...whole, error: undefined }).toEqual(other);
  }
}

describe.each(["server", "client"] as const)("streams to a %s", (role) => {
  test("have one outcome at every split", { timeout: FUZZ_TIMEOUT_MS }, () => {
    fc.assert(
      fc.property(aStream(role), fc.infiniteStream(fc.integer({ min: 1, max: 60 })), (stream, lengths) => {
        const whole = ours(role, stream, () => stream.length);
        expect(ours(role, stream, () => lengths.next().value as number)).toEqual(whole);
        expect(ours(role, stream, () => 1)).toEqual(whole);
      }),
      fuzzRun(4),
    );
  });

  test("have the outcome that ws gives them, but for what is stricter here", {
    timeout: FUZZ_TIMEOUT_MS,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(aStream(role), (stream) => compare(role, stream)),
      fuzzRun(4),
    );
  });

  test("the corpus: every stream that once went wrong, and one of each kind", async () => {
    const lines = readFileSync(new URL("./corpus/frames.txt", import.meta.url), "utf8").split("\n");
    const streams = lines.filter((text) => text !== "" && !text.startsWith("#"));
    expect(streams.length).toBeGreaterThan(10);
    for (const text of streams) {
      const stream = Buffer.from(text.split(" ")[0]!, "hex");
      await compare(role, stream);
      for (const pieceBytes of [1, 2, 5]) {
        expect(ours(role, stream, () => pieceBytes)).toEqual(ours(role, stream, () => stream.length));
      }
    }
  });
});
