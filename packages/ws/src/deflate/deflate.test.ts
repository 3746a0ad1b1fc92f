import { randomBytes } from "node:crypto";
import { constants, deflateRawSync } from "node:zlib";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import type { WsError } from "../errors.js";
import { Deflater, type DeflaterOptions } from "./deflater.js";
import { Inflater } from "./inflater.js";
import { OneShotStream } from "./one-shot-stream.js";
import { PeerDeflate, PeerInflate } from "./peer-deflate.fixture.js";
import { DeflateRuntime } from "./runtime.js";
import { SlicedJobs } from "./sliced-jobs.js";
import { tinyInflate } from "./tiny-inflate.fixture.js";

const TAIL = Buffer.of(0, 0, 0xff, 0xff);
const runtime = new DeflateRuntime();
const MAX = 4 << 20;

const deflaterOptions = (options: Partial<DeflaterOptions> = {}): DeflaterOptions => ({
  windowBits: 15,
  takeover: true,
  level: 3,
  memoryLevel: 8,
  ...options,
});

function pack(deflater: Deflater, text: Uint8Array, last = true): Buffer {
  deflater.deflate(text, 0, text.length, last);
  const payload = Buffer.from(deflater.output.subarray(0, deflater.length));
  deflater.release();
  return payload;
}

/** Inflates, however many turns it takes. */
async function unpack(inflater: Inflater, payload: Uint8Array, owned = false): Promise<Buffer> {
  await new Promise<void>((resolve, reject) => {
    const onDone = (error: WsError | undefined) => (error ? reject(error) : resolve());
    try {
      if (inflater.inflate(payload, 0, payload.length, owned, onDone)) resolve();
    } catch (error) {
      reject(error);
    }
  });
  const text = Buffer.from(inflater.output.subarray(0, inflater.length));
  inflater.release();
  return text;
}

const open: { close(): void }[] = [];
function keep<T extends { close(): void }>(one: T): T {
  open.push(one);
  return one;
}
afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

const newDeflater = (options?: Partial<DeflaterOptions>) =>
  keep(new Deflater(runtime, deflaterOptions(options)));
const newInflater = (windowBits = 15, takeover = true, max = MAX) =>
  keep(new Inflater(runtime, windowBits, takeover, max));

const prose = Buffer.from(
  Array.from(
    { length: 3000 },
    (_, i) => `line ${i} of ${(i * 7919) % 1009} ${"abcdefgh".slice(i % 8)}\n`,
  ).join(""),
);

describe("RFC 7692 §7.2.3 examples", () => {
  const hello = "Hello";
  test.each([
    ["§7.2.3.1 one compressed DEFLATE block", "f248cdc9c90700"],
    ["§7.2.3.3 a block without compression", "000500faff48656c6c6f00"],
    ["§7.2.3.4 a block with BFINAL set", "f348cdc9c9070000"],
    ["§7.2.3.5 two DEFLATE blocks", "f248050000 00ffff cac9c90700".replaceAll(" ", "")],
  ])("%s", async (_name, hex) => {
    for (const takeover of [true, false]) {
      const inflater = newInflater(15, takeover);
      for (let i = 0; i < 3; i++) expect(String(await unpack(inflater, Buffer.from(hex, "hex")))).toBe(hello);
    }
  });

  test("§7.2.3.2 sharing the window: the second Hello refers to the first", async () => {
    const inflater = newInflater();
    expect(String(await unpack(inflater, Buffer.from("f248cdc9c90700", "hex")))).toBe(hello);
    expect(String(await unpack(inflater, Buffer.from("f200110000", "hex")))).toBe(hello);
  });

  test("§7.2.3.6 an empty message is one zero byte, and reads as one", async () => {
    const deflater = newDeflater();
    for (const text of ["", "a", "", ""]) {
      const payload = pack(deflater, Buffer.from(text));
      if (text === "") expect(payload.toString("hex")).toBe("00");
      expect(String(await unpack(newInflater(), payload))).toBe(text);
    }
  });

  test("blocks with BFINAL in the middle of a message, and messages after it", async () => {
    const part = (text: string) => deflateRawSync(text);
    const inflater = newInflater();
    const payload = Buffer.concat([part("one "), part("two "), part("three"), Buffer.of(0)]);
    expect(String(await unpack(inflater, payload))).toBe("one two three");
    expect(
      String(
        await unpack(
          inflater,
          new PeerDeflate({ windowBits: 15, takeover: false }).message(Buffer.from("four")),
        ),
      ),
    ).toBe("four");
  });
});

describe("with a peer of documented functions", () => {
  const texts = fc.array(
    fc.oneof(fc.string({ maxLength: 400 }), fc.constantFrom("", "aaaa", prose.toString().slice(0, 5000))),
    { maxLength: 8 },
  );
  const parameters = fc.record({ windowBits: fc.integer({ min: 8, max: 15 }), takeover: fc.boolean() });

  test("the peer reads what is compressed here, for all parameters", () => {
    fc.assert(
      fc.property(
        texts,
        parameters,
        fc.integer({ min: 0, max: 9 }),
        fc.integer({ min: 1, max: 9 }),
        (all, how, level, memoryLevel) => {
          const deflater = new Deflater(runtime, { ...how, level, memoryLevel });
          const peer = new PeerInflate(how);
          for (const text of all) expect(String(peer.message(pack(deflater, Buffer.from(text))))).toBe(text);
          deflater.close();
        },
      ),
      { numRuns: 100 },
    );
  });

  test("what the peer compresses is read here, for all parameters", async () => {
    await fc.assert(
      fc.asyncProperty(texts, parameters, async (all, how) => {
        const peer = new PeerDeflate(how);
        const inflater = new Inflater(runtime, Math.max(9, how.windowBits), how.takeover, MAX);
        for (const text of all)
          expect(String(await unpack(inflater, peer.message(Buffer.from(text))))).toBe(text);
        inflater.close();
      }),
      { numRuns: 100 },
    );
  });
});

test.each([8, 9, 10, 11, 12, 13, 14, 15])(
  "RFC 7692 §7.1.2: no match reaches back beyond a window of %i bits",
  (windowBits) => {
    const deflater = newDeflater({ windowBits, level: 9 });
    const stream: Buffer[] = [];
    for (let at = 0; at < 40_000; at += 5000)
      stream.push(pack(deflater, prose.subarray(at, at + 5000)), TAIL);
    const { text, distanceMax } = tinyInflate(Buffer.concat(stream));
    expect(text.equals(prose.subarray(0, 40_000))).toBe(true);
    expect(distanceMax).toBeLessThanOrEqual(2 ** windowBits);
    // The window is used, not just respected.
    if (windowBits > 8) expect(distanceMax).toBeGreaterThan(2 ** (windowBits - 2));
  },
);

test("without context takeover no match reaches into the message before", () => {
  const deflater = newDeflater({ takeover: false });
  const message = prose.subarray(0, 500);
  const [first, second] = [pack(deflater, message), pack(deflater, message)];
  expect(second.equals(first)).toBe(true);
  expect(tinyInflate(Buffer.concat([second, TAIL])).text.equals(message)).toBe(true);
});

test("the fragments of a message make one stream", async () => {
  for (const takeover of [true, false]) {
    const deflater = newDeflater({ takeover });
    const inflater = newInflater(15, takeover);
    for (let i = 0; i < 2; i++) {
      const parts = [prose.subarray(0, 900), prose.subarray(900, 900), prose.subarray(900, 3000)];
      const payload = parts.map((part, at) => pack(deflater, part, at === 2));
      expect((await unpack(inflater, Buffer.concat(payload))).equals(prose.subarray(0, 3000))).toBe(true);
    }
  }
});

describe("long messages", () => {
  const long = Buffer.concat(Array.from({ length: 20 }, () => prose));

  test("are compressed over several turns of the event loop", async () => {
    const deflater = newDeflater();
    expect(deflater.isLong(long.length)).toBe(true);
    let turns = 0;
    let done = false;
    deflater.deflateLater(long, true, () => {
      done = true;
    });
    expect(deflater.busy).toBe(true);
    while (!done) {
      turns++;
      await new Promise(setImmediate);
    }
    expect(turns).toBeGreaterThan(10);
    const payload = Buffer.from(deflater.output.subarray(0, deflater.length));
    deflater.release();
    expect(new PeerInflate({ windowBits: 15, takeover: true }).message(payload).equals(long)).toBe(true);
    expect(deflater.busy).toBe(false);
  });

  test.each([true, false])("are inflated over several turns, whoever owns the bytes (%s)", async (owned) => {
    const payload = new PeerDeflate({ windowBits: 15, takeover: true }).message(long);
    const inflater = newInflater();
    const pending = unpack(inflater, payload, owned);
    // What was lent may be overwritten when the call is over.
    if (!owned) payload.fill(0xee);
    expect((await pending).equals(long)).toBe(true);
    const next = new PeerDeflate({ windowBits: 15, takeover: false }).message(Buffer.from("next"));
    expect(String(await unpack(inflater, next))).toBe("next");
  });

  test("closing stops the work", async () => {
    const deflater = newDeflater();
    deflater.deflateLater(long, true, () => expect.unreachable());
    const inflater = newInflater();
    const payload = new PeerDeflate({ windowBits: 15, takeover: true }).message(long);
    expect(inflater.inflate(payload, 0, payload.length, true, () => expect.unreachable())).toBe(false);
    deflater.close();
    inflater.close();
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
    expect(runtime.jobs.size).toBe(0);
  });
});

describe("bounds", () => {
  const bomb = deflateRawSync(Buffer.alloc(64 << 20), { finishFlush: constants.Z_SYNC_FLUSH }).subarray(
    0,
    -4,
  );

  test.each([0, 1, 1000, 65535, 65536, 65537, 300_000, 1 << 20])(
    "a bomb of 64 MiB stops at a limit of %i bytes",
    async (max) => {
      const inflater = newInflater(15, false, max);
      await expect(unpack(inflater, Buffer.from(bomb))).rejects.toMatchObject({
        code: "TZ_WS_MESSAGE_SIZE",
        closeCode: 1009,
      });
      // What was made is bounded by the limit, or by the buffer that all connections share.
      expect(inflater.length).toBeLessThanOrEqual(Math.max(max + 1, 256 * 1024));
    },
  );

  test.each([1, 1000, 65536, 300_000])("a message of exactly the limit of %i bytes is read", async (max) => {
    const payload = new PeerDeflate({ windowBits: 15, takeover: false }).message(Buffer.alloc(max, "ab"));
    expect((await unpack(newInflater(15, false, max), payload)).length).toBe(max);
  });

  test("random bytes are an error or a message, and never hang", async () => {
    for (let i = 0; i < 300; i++) {
      const inflater = new Inflater(runtime, 15, i % 2 === 0, 100_000);
      const outcome = await unpack(inflater, randomBytes(i)).catch((error: WsError) => error.code);
      if (typeof outcome === "string") expect(["TZ_WS_INFLATE", "TZ_WS_MESSAGE_SIZE"]).toContain(outcome);
      inflater.close();
    }
  });

  test("the bytes behind a message are put back after it was inflated where it lies", () => {
    const payload = new PeerDeflate({ windowBits: 15, takeover: false }).message(Buffer.from("text"));
    const memory = Buffer.concat([payload, Buffer.from("next frame")]);
    const inflater = newInflater();
    expect(inflater.inflate(memory, 0, payload.length, false, () => expect.unreachable())).toBe(true);
    expect(memory.subarray(payload.length).toString()).toBe("next frame");
    inflater.release();
  });
});

describe("without zlib's inner streams", () => {
  const portable = new DeflateRuntime((options) => new OneShotStream(options), new SlicedJobs(2));

  test("messages come back the same", async () => {
    for (const takeover of [true, false]) {
      const deflater = keep(new Deflater(portable, deflaterOptions({ takeover })));
      const inflater = keep(new Inflater(portable, 15, takeover, MAX));
      for (const size of [0, 1, 500, 100_000, 500, 0]) {
        const text = prose.subarray(0, size);
        expect((await unpack(inflater, pack(deflater, text))).equals(text)).toBe(true);
      }
    }
  });
});

test("streams without context takeover are shared, and a broken one is not", async () => {
  let created = 0;
  const counting = new DeflateRuntime((options) => {
    created++;
    return new OneShotStream(options);
  });
  const inflaters = Array.from({ length: 50 }, () => keep(new Inflater(counting, 15, false, MAX)));
  const payload = new PeerDeflate({ windowBits: 15, takeover: false }).message(Buffer.from("text"));
  for (const inflater of inflaters) expect(String(await unpack(inflater, payload))).toBe("text");
  expect(created).toBe(1);
  const broken = inflaters[0]!;
  await expect(unpack(broken, Buffer.from("ffffffff", "hex"))).rejects.toMatchObject({
    code: "TZ_WS_INFLATE",
  });
  broken.close();
  expect(String(await unpack(inflaters[1]!, payload))).toBe("text");
  expect(created).toBe(2);
});
