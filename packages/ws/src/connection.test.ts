import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test, vi } from "vitest";
import { type ConnectionHandler, type ConnectionParts, WebSocketConnection } from "./connection.js";
import type { DeflateAgreement } from "./deflate/agreement.js";
import { PeerDeflate, PeerInflate } from "./deflate/peer-deflate.fixture.js";
import type { WsError } from "./errors.js";
import type { Role } from "./opcode.js";
import { type ConnectionOptions, connectionSettings, deflateSettings } from "./options.js";
import { RecordingSink } from "./recording-sink.fixture.js";
import { webAssembly } from "./webassembly.js";
import { decodeFrames, encodeFor, encodeFrame, type WireFrame } from "./wire.fixture.js";
import { Workspace } from "./workspace.js";

const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;
const PING = 9;
const PONG = 10;

const wasmMemory = () => new webAssembly!.Memory({ initial: 1, maximum: 1 });

/** Everything that a handler is told, one line a call. */
function logging(log: string[], also: Partial<ConnectionHandler> = {}): ConnectionHandler {
  const text = (bytes: Uint8Array, start: number, end: number) =>
    Buffer.from(bytes.subarray(start, end)).toString("latin1");
  return {
    onMessage: (_connection, bytes, start, end, isText) =>
      void log.push(`${isText ? "text" : "binary"} ${text(bytes, start, end)}`),
    onPing: (_connection, bytes, start, end) => void log.push(`ping ${text(bytes, start, end)}`),
    onPong: (_connection, bytes, start, end) => void log.push(`pong ${text(bytes, start, end)}`),
    onDrain: () => void log.push("drain"),
    onError: (_connection, error) => void log.push(error.code),
    onClose: (_connection, code, reason, clean) => void log.push(`close ${code} ${reason} ${clean}`),
    ...also,
  };
}

interface Setup {
  readonly role?: Role;
  readonly options?: ConnectionOptions;
  readonly handler?: Partial<ConnectionHandler>;
  readonly parts?: ConnectionParts;
}

function setUp({ role = "server", options, handler, parts }: Setup = {}) {
  const log: string[] = [];
  const sink = new RecordingSink();
  const settings = connectionSettings(options);
  const connection = new WebSocketConnection(role, sink, logging(log, handler), { settings, ...parts });
  const feed = (...frames: WireFrame[]) => connection.receive(encodeFor(role, frames));
  /** What was sent since the last call, one line a frame. */
  const sent = () =>
    decodeFrames(Buffer.concat(sink.chunks.splice(0))).map(
      ({ opcode, fin, payload }) =>
        `${opcode}${fin ? "" : "…"} ${opcode === CLOSE ? payload.toString("hex") : payload.toString("utf8")}`,
    );
  return { connection, feed, log, sent, sink };
}

const closeFrame = (code: number, reason = ""): WireFrame => {
  const payload = Buffer.concat([Buffer.alloc(2), Buffer.from(reason)]);
  payload.writeUInt16BE(code);
  return { opcode: CLOSE, payload };
};

describe("messages", () => {
  test("arrive as text and binary, and are sent as what they are", () => {
    const { connection, feed, log, sent } = setUp();
    feed({ opcode: TEXT, payload: "one" }, { opcode: BINARY, payload: "two" });
    expect(log).toEqual(["text one", "binary two"]);
    expect(connection.send("text é \ud83d")).toBe(true);
    expect(connection.send(Buffer.from("bytes"))).toBe(true);
    expect(connection.send(Buffer.from("text too"), { text: true })).toBe(true);
    expect(connection.sendRange(Buffer.from("xxpartxx"), 2, 6, false)).toBe(true);
    expect(sent()).toEqual(["1 text é \ufffd", "2 bytes", "1 text too", "2 part"]);
  });

  test.each(["server", "client"] as const)(
    "of every size leave a %s whole, masked by a client alone",
    (role) => {
      for (const size of [0, 1, 24, 25, 125, 126, 65535, 65536, 131_058, 131_072, 131_073, 400_000]) {
        const { connection, sink } = setUp({ role });
        const payload = Buffer.alloc(size + 2, "0123456789abcdefg");
        connection.send(payload.subarray(1, size + 1));
        connection.send(payload.toString("latin1", 1, size + 1));
        const frames = decodeFrames(sink.bytes);
        expect(frames.map(({ opcode, masked }) => [opcode, masked])).toEqual([
          [BINARY, role === "client"],
          [TEXT, role === "client"],
        ]);
        for (const frame of frames) expect(frame.payload.equals(payload.subarray(1, size + 1))).toBe(true);
      }
    },
  );

  test("a client's keys differ from frame to frame (RFC 6455 §5.3)", () => {
    const { connection, sink } = setUp({ role: "client" });
    for (let i = 0; i < 3000; i++) connection.send("");
    const keys = new Set(Array.from({ length: 3000 }, (_, i) => sink.bytes.readUInt32LE(i * 6 + 2)));
    expect(keys.size).toBeGreaterThan(2990);
  });

  test("in fragments", () => {
    const { connection, sent } = setUp();
    connection.send("one", { fin: false });
    connection.ping("between");
    connection.send("two", { fin: false });
    connection.send("", { fin: true });
    connection.send(Buffer.from("next"));
    expect(sent()).toEqual(["1… one", "9 between", "0… two", "0 ", "2 next"]);
  });

  test("that were sent do not change when their memory does", () => {
    const { connection, sink } = setUp();
    sink.room = 0;
    const payload = Buffer.from("kept");
    connection.send(payload);
    payload.fill("x");
    sink.room = 100;
    connection.writable();
    expect(decodeFrames(sink.bytes)[0]!.payload.toString()).toBe("kept");
  });

  test("received bytes are not changed", () => {
    const { connection, log } = setUp();
    const bytes = encodeFor("server", [{ opcode: TEXT, payload: "same" }]);
    const before = Buffer.from(bytes);
    connection.receive(bytes);
    expect(bytes.equals(before)).toBe(true);
    expect(log).toEqual(["text same"]);
  });

  test("above maxMessageBytes fail with 1009 before their payload comes", () => {
    const { connection, feed, log, sent, sink } = setUp({ options: { maxMessageBytes: 10 } });
    feed({ opcode: BINARY, payload: "0123456789" });
    connection.receive(encodeFor("server", [{ opcode: BINARY, payload: "0123456789a" }]).subarray(0, 6));
    expect(sent()).toEqual(["8 03f1"]);
    expect(log.slice(1)).toEqual(["TZ_WS_MESSAGE_SIZE", "close 1006  false"]);
    expect(sink.closed).toBe(true);
  });

  test("of more than maxFragments frames fail with 1008", () => {
    const { feed, log, sent } = setUp({ options: { maxFragments: 3 } });
    const part: WireFrame = { opcode: 0, fin: false };
    feed({ opcode: BINARY, fin: false }, part, { opcode: 0 }, { opcode: BINARY, fin: false }, part, part);
    expect(log).toEqual(["binary "]);
    feed(part);
    expect(log.slice(1)).toEqual(["TZ_WS_FRAGMENTS", "close 1006  false"]);
    expect(sent()).toEqual(["8 03f0"]);
  });

  test("memory follows what was received, not what was announced", () => {
    const frame = { opcode: BINARY, payload: Buffer.alloc(5000) };
    const begun = encodeFrame(frame, { masked: true, announced: 16n << 20n, lengthBits: 64 });
    const connections = Array.from({ length: 50 }, () => setUp().connection);
    const before = process.memoryUsage().arrayBuffers;
    for (const connection of connections) connection.receive(begun);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(50 * 5000 * 5);
    expect(connections.every(({ state }) => state === "open")).toBe(true);
  });
});

describe("corking", () => {
  test("answers to one receive leave in one write", () => {
    const { connection, feed, sink } = setUp({
      handler: { onMessage: (ws, bytes, start, end, isText) => void ws.sendRange(bytes, start, end, isText) },
    });
    feed(...Array.from({ length: 20 }, (_, i) => ({ opcode: TEXT, payload: `${i}` })), { opcode: PING });
    expect(sink.chunks.length).toBe(1);
    expect(decodeFrames(sink.bytes).length).toBe(21);
    connection.cork(() => {
      connection.send("a");
      connection.cork(() => connection.send("b"));
      expect(sink.chunks.length).toBe(1);
      expect(connection.bufferedBytes).toBe(6);
    });
    expect(sink.chunks.length).toBe(2);
    expect(connection.bufferedBytes).toBe(0);
  });

  test("the cork is taken out when the work throws", () => {
    const { connection, sent } = setUp();
    expect(() =>
      connection.cork(() => {
        connection.send("sent");
        throw new Error("work failed");
      }),
    ).toThrow("work failed");
    expect(sent()).toEqual(["1 sent"]);
    connection.send("later");
    expect(sent()).toEqual(["1 later"]);
  });

  test("connections that send in turns inside their corks keep their own bytes and order", () => {
    const [a, b] = [setUp(), setUp({ role: "client" })];
    a.connection.cork(() => {
      b.connection.cork(() => {
        for (let i = 0; i < 50; i++) {
          a.connection.send(`a${i}`);
          b.connection.send(`b${i}`);
        }
      });
    });
    expect(a.sent()).toEqual(Array.from({ length: 50 }, (_, i) => `1 a${i}`));
    expect(b.sent()).toEqual(Array.from({ length: 50 }, (_, i) => `1 b${i}`));
  });

  test("more than the send range holds leaves in order", () => {
    const { connection, sink } = setUp({ role: "client" });
    connection.cork(() => {
      for (let i = 0; i < 40; i++) connection.send(Buffer.alloc(9000 + i, i));
      connection.send(Buffer.alloc(300_000, 99));
      connection.send("end");
    });
    const frames = decodeFrames(sink.bytes);
    expect(frames.length).toBe(42);
    frames.slice(0, 40).forEach((frame, i) => {
      expect(frame.payload.equals(Buffer.alloc(9000 + i, i))).toBe(true);
    });
    expect(frames[40]!.payload.equals(Buffer.alloc(300_000, 99))).toBe(true);
  });
});

describe("back-pressure", () => {
  test("what the sink does not take waits, is counted, and leaves in order", () => {
    const { connection, log, sent, sink } = setUp();
    sink.room = 5;
    expect(connection.send("one")).toBe(true);
    expect(connection.send("two")).toBe(false);
    expect(connection.send("three")).toBe(false);
    expect(connection.bufferedBytes).toBe(12);
    sink.room = 4;
    connection.writable();
    expect(connection.bufferedBytes).toBe(8);
    expect(log).toEqual([]);
    sink.room = Number.POSITIVE_INFINITY;
    connection.writable();
    expect(log).toEqual(["drain"]);
    expect(connection.bufferedBytes).toBe(0);
    expect(sent()).toEqual(["1 one", "1 two", "1 three"]);
    connection.writable();
    expect(log).toEqual(["drain"]);
  });

  test.each([1, 7, 100, 20_000, 131_072])(
    "messages of all sizes through a sink that takes %i bytes at a time",
    (room) => {
      const { connection, sink } = setUp({ role: "client", options: { maxBufferedBytes: 64 << 20 } });
      const sizes = [0, 1, 200, 70_000, room > 50 ? 300_000 : 3000, 5];
      sink.room = 0;
      for (const size of sizes) connection.send(Buffer.alloc(size, size));
      for (let turn = 0; turn < 500_000 && connection.bufferedBytes > 0; turn++) {
        sink.room = room;
        connection.writable();
      }
      const frames = decodeFrames(sink.bytes);
      expect(frames.map(({ payload }) => payload.length)).toEqual(sizes);
      for (const { payload } of frames)
        expect(payload.equals(Buffer.alloc(payload.length, payload.length))).toBe(true);
    },
  );

  test("a peer that does not read is ended at maxBufferedBytes, and memory stays below it and one message", () => {
    const { connection, log, sink } = setUp({ options: { maxBufferedBytes: 100_000 } });
    sink.room = 0;
    const message = Buffer.alloc(30_000);
    let most = 0;
    for (let i = 0; i < 1000; i++) {
      connection.send(message);
      most = Math.max(most, connection.bufferedBytes);
    }
    expect(most).toBeLessThan(100_000 + 30_010);
    expect(log).toEqual(["TZ_WS_BUFFER_FULL", "close 1006  false"]);
    expect([sink.aborted, connection.state, connection.bufferedBytes]).toEqual([true, "closed", 0]);
  });

  test("one message may be larger than maxBufferedBytes", () => {
    const { connection, sink } = setUp({ options: { maxBufferedBytes: 0 } });
    sink.room = 10;
    expect(connection.send(Buffer.alloc(1000))).toBe(false);
    expect(connection.state).toBe("open");
  });

  test("pings of a peer that does not read are answered once, with the last payload (RFC 6455 §5.5.3)", () => {
    const { connection, feed, sent, sink } = setUp();
    sink.room = 0;
    connection.send("waits");
    for (let i = 0; i < 400; i++) feed({ opcode: PING, payload: `p${i}` });
    expect(connection.bufferedBytes).toBe(7);
    sink.room = Number.POSITIVE_INFINITY;
    connection.writable();
    expect(sent()).toEqual(["1 waits", "10 p399"]);
  });
});

describe("RFC 6455 §7 closing", () => {
  test.each(["server", "client"] as const)("begun by the peer of a %s", (role) => {
    const { connection, feed, log, sent, sink } = setUp({ role });
    feed(closeFrame(4000, "enough"));
    expect(sent()).toEqual(["8 0fa0"]);
    // §7.1.1: the server ends the transport, the client waits for that.
    expect(sink.closed).toBe(role === "server");
    if (role === "client") connection.ended();
    expect(log).toEqual(["close 4000 enough true"]);
    connection.ended();
    expect(log.length).toBe(1);
  });

  test.each(["server", "client"] as const)("begun by a %s", (role) => {
    const { connection, feed, log, sent, sink } = setUp({ role });
    connection.close(4001, "bye");
    connection.close(4002);
    expect(connection.state).toBe("closing");
    expect(sent()).toEqual(["8 0fa1627965"]);
    expect(connection.send("late")).toBe(false);
    connection.ping();
    // What the peer sent before it read our Close still counts; a ping is not answered behind it (§5.5.1).
    feed({ opcode: TEXT, payload: "in flight" }, { opcode: PING });
    expect(sent()).toEqual([]);
    feed(closeFrame(4001), { opcode: TEXT, payload: "after the Close" });
    expect(sink.closed).toBe(role === "server");
    connection.ended();
    expect(log).toEqual(["text in flight", "ping ", "close 4001  true"]);
  });

  test("a Close without a code is 1005 and answered without one", () => {
    const { feed, log, sent } = setUp();
    feed({ opcode: CLOSE });
    expect(sent()).toEqual(["8 "]);
    expect(log).toEqual(["close 1005  true"]);
  });

  test("arguments are checked, and change nothing when they are wrong", () => {
    const { connection, sent } = setUp();
    expect(() => connection.close(1006)).toThrow(expect.objectContaining({ code: "TZ_WS_ARGUMENT" }));
    expect(() => connection.ping(Buffer.alloc(126))).toThrow(
      expect.objectContaining({ code: "TZ_WS_ARGUMENT" }),
    );
    expect(connection.state).toBe("open");
    connection.close();
    expect(sent()).toEqual(["8 03e8"]);
  });

  test("the transport is ended after all that was sent has left", () => {
    const { connection, feed, log, sent, sink } = setUp();
    sink.room = 3;
    connection.send("message");
    feed(closeFrame(1000));
    expect([sink.closed, log.length]).toEqual([false, 0]);
    sink.room = Number.POSITIVE_INFINITY;
    connection.writable();
    expect(sink.closed).toBe(true);
    expect(sent()).toEqual(["1 message", "8 03e8"]);
    expect(log).toEqual(["close 1000  true"]);
  });

  test("§7.1.7 a broken protocol is told its code, once, and nothing is read any more", () => {
    const { feed, log, sent, sink } = setUp();
    feed({ opcode: TEXT, payload: "good" }, { opcode: 3 }, { opcode: TEXT, payload: "bad" });
    feed({ opcode: TEXT, payload: "worse" });
    expect(sent()).toEqual(["8 03ea"]);
    expect(sink.closed).toBe(true);
    expect(log).toEqual(["text good", "TZ_WS_OPCODE", "close 1006  false"]);
  });

  test("§7.1.7 not told when a Close was sent before", () => {
    const { connection, feed, log, sent } = setUp();
    connection.close();
    sent();
    feed({ opcode: 3 });
    expect(sent()).toEqual([]);
    expect(log).toEqual(["TZ_WS_OPCODE", "close 1006  false"]);
  });

  test("a transport that ends without a Close is 1006", () => {
    const { connection, log } = setUp();
    connection.ended(new Error("ECONNRESET"));
    expect(log).toEqual(["TZ_WS_TRANSPORT", "close 1006  false"]);
    expect(connection.send("x")).toBe(false);
  });

  test("terminate ends at once", () => {
    const { connection, log, sent, sink } = setUp();
    connection.terminate();
    connection.terminate();
    expect([sink.aborted, sink.closed]).toEqual([true, false]);
    expect(sent()).toEqual([]);
    expect(log).toEqual(["close 1006  false"]);
  });

  test("a handler that ends the connection gets no more messages", () => {
    for (const end of ["terminate", "close"] as const) {
      const { feed, log } = setUp({
        handler: {
          onMessage(ws) {
            log.push("message");
            if (end === "terminate") ws.terminate();
            else ws.close();
          },
        },
      });
      feed({ opcode: TEXT, payload: "1" }, closeFrame(1000), { opcode: TEXT, payload: "2" });
      expect(log.filter((line) => line === "message").length).toBe(1);
    }
  });

  test("a handler that throws: the peer is told 1011, the driver gets the error", () => {
    const { connection, feed, log, sent } = setUp({
      handler: {
        onMessage() {
          throw new TypeError("application");
        },
      },
    });
    expect(() => feed({ opcode: TEXT, payload: "1" }, { opcode: TEXT, payload: "2" })).toThrow("application");
    expect(sent()).toEqual(["8 03f3"]);
    expect(log).toEqual(["TZ_WS_HANDLER", "close 1006  false"]);
    expect(connection.state).toBe("closed");
  });
});

describe("time", () => {
  test("silence is pinged each interval and ended after idleTimeoutMs", () => {
    const { connection, feed, log, sent } = setUp({
      options: { pingIntervalMs: 3000, idleTimeoutMs: 10_000 },
    });
    const pingsAt: number[] = [];
    const run = (from: number, to: number) => {
      for (let now = from; now <= to; now += 1000) {
        connection.tick(now);
        if (sent().includes("9 ")) pingsAt.push(now);
      }
    };
    run(1000, 8000);
    expect(pingsAt).toEqual([4000, 7000]);
    feed({ opcode: PONG });
    run(9000, 18_000);
    expect(pingsAt).toEqual([4000, 7000, 12_000, 15_000, 18_000]);
    expect(connection.state).toBe("open");
    connection.tick(19_000);
    expect(sent()).toEqual(["8 03e9"]);
    expect(log).toEqual(["pong ", "TZ_WS_IDLE", "close 1006  false"]);
  });

  test("0 turns both off", () => {
    const { connection, sent } = setUp({ options: { pingIntervalMs: 0, idleTimeoutMs: 0 } });
    for (let now = 0; now < 1e9; now += 1e7) connection.tick(now);
    expect(sent()).toEqual([]);
    expect(connection.state).toBe("open");
  });

  test("a peer that does not finish the closing handshake is cut off after closeTimeoutMs", () => {
    for (const role of ["server", "client"] as const) {
      const { connection, log, sink } = setUp({ role, options: { closeTimeoutMs: 5000 } });
      connection.tick(100_000);
      connection.close();
      for (const now of [101_000, 105_900]) connection.tick(now);
      expect(connection.state).toBe("closing");
      connection.tick(106_000);
      expect(log).toEqual(["TZ_WS_CLOSE_TIMEOUT", "close 1006  false"]);
      expect(sink.aborted).toBe(true);
    }
  });

  test("a client whose server keeps the transport open after both Closes cuts it, cleanly closed", () => {
    const { connection, feed, log, sink } = setUp({ role: "client", options: { closeTimeoutMs: 1000 } });
    feed(closeFrame(1000));
    connection.tick(0);
    connection.tick(1000);
    expect(log).toEqual(["TZ_WS_CLOSE_TIMEOUT", "close 1000  true"]);
    expect(sink.aborted).toBe(true);
  });

  test("more control frames than allowed in a second fail with 1008; a second later they are allowed again", () => {
    const { connection, feed, log, sent } = setUp({ options: { maxControlFramesPerSecond: 10 } });
    const pings = (count: number) => feed(...Array.from({ length: count }, () => ({ opcode: PING })));
    pings(25);
    connection.tick(1000);
    pings(10);
    connection.tick(2000);
    pings(10);
    expect(connection.state).toBe("open");
    sent();
    pings(1);
    expect(sent()).toEqual(["8 03f0"]);
    expect(log.slice(-2)).toEqual(["TZ_WS_CONTROL_FLOOD", "close 1006  false"]);
  });

  test("autoPong: false leaves pings to the application", () => {
    const { connection, feed, log, sent } = setUp({ options: { autoPong: false } });
    feed({ opcode: PING, payload: "mine" });
    expect(sent()).toEqual([]);
    connection.pong("mine");
    expect([log, sent()]).toEqual([["ping mine"], ["10 mine"]]);
  });
});

describe("pausing", () => {
  test("keeps what arrives, in order, however it is cut, and asks the sink to stop", () => {
    const { connection, feed, log, sink } = setUp({
      handler: {
        onMessage(ws, bytes, start, end) {
          log.push(Buffer.from(bytes.subarray(start, end)).toString());
          ws.pause();
        },
      },
    });
    feed(...["1", "2", "3"].map((payload) => ({ opcode: TEXT, payload })));
    expect([log, sink.paused]).toEqual([["1"], true]);
    const more = encodeFor("server", [
      { opcode: TEXT, payload: "4" },
      { opcode: TEXT, payload: "5" },
    ]);
    for (const byte of more) connection.receive(Uint8Array.of(byte));
    for (let count = 2; count <= 5; count++) {
      connection.resume();
      expect(log.length).toBe(count);
    }
    expect(log).toEqual(["1", "2", "3", "4", "5"]);
    connection.resume();
    expect(sink.paused).toBe(false);
    feed({ opcode: TEXT, payload: "6" });
    expect(log.length).toBe(6);
  });

  test("pausing and resuming inside a callback changes nothing, however the message came", async () => {
    const agreement: DeflateAgreement = {
      serverMaxWindowBits: 15,
      clientMaxWindowBits: 15,
      serverNoContextTakeover: true,
      clientNoContextTakeover: true,
      settings: deflateSettings(),
    };
    const peer = new PeerDeflate({ windowBits: 15, takeover: false });
    const packed = (length: number): WireFrame => ({
      opcode: BINARY,
      rsv: 4,
      payload: peer.message(Buffer.alloc(length)),
    });
    let inside = 0;
    const { feed, log, sink } = setUp({
      parts: { deflate: agreement },
      handler: {
        onMessage(ws, _bytes, start, end) {
          expect(++inside).toBe(1);
          ws.pause();
          ws.resume();
          log.push(String(end - start));
          inside--;
        },
      },
    });
    feed(
      { opcode: TEXT, payload: "a" },
      packed(2),
      packed(2 << 20),
      { opcode: TEXT, payload: "abc" },
      packed(4),
    );
    feed(packed(3 << 20), packed(5), { opcode: TEXT, payload: "abcdef" });
    const lengths = [1, 2, 2 << 20, 3, 4, 3 << 20, 5, 6].map(String);
    await vi.waitFor(() => expect(log).toEqual(lengths), { timeout: 120_000 });
    expect(sink.paused).toBe(false);
  });

  test("closing resumes: the peer's Close lies behind what was kept", () => {
    const { connection, feed, log, sink } = setUp();
    connection.pause();
    feed({ opcode: TEXT, payload: "kept" }, closeFrame(1000));
    expect(log).toEqual([]);
    connection.close(1000);
    expect(log).toEqual(["text kept", "close 1000  true"]);
    expect(sink.closed).toBe(true);
  });

  test("a connection is not idle while it is paused", () => {
    const { connection } = setUp({ options: { idleTimeoutMs: 5000, pingIntervalMs: 0 } });
    connection.pause();
    for (let now = 0; now <= 60_000; now += 1000) connection.tick(now);
    expect(connection.state).toBe("open");
    connection.resume();
    for (let now = 61_000; now <= 67_000; now += 1000) connection.tick(now);
    expect(connection.state).toBe("closed");
  });

  test("a paused connection that is ended drops what it kept", () => {
    const { connection, feed, log } = setUp();
    connection.pause();
    feed({ opcode: TEXT, payload: "kept" });
    connection.terminate();
    connection.resume();
    expect(log).toEqual(["close 1006  false"]);
  });
});

describe("memory", () => {
  test("frames are read where they were received", () => {
    const memory = wasmMemory();
    const workspace = new Workspace({
      memory,
      stage: { start: 16384, end: 32768 },
      send: { start: 32768, end: 65536 },
    });
    let at = 0;
    const { connection, sink } = setUp({
      parts: { workspace },
      handler: {
        onMessage(ws, bytes, start, end, isText) {
          expect(bytes.buffer).toBe(memory.buffer);
          at = start;
          ws.sendRange(bytes, start, end, isText);
        },
      },
    });
    const bytes = encodeFor("server", [{ opcode: TEXT, payload: "in place" }]);
    new Uint8Array(memory.buffer).set(bytes, 1000);
    connection.receiveInPlace(1000, 1000 + bytes.length);
    expect(at).toBe(1006);
    connection.receive(bytes);
    expect(at).toBe(16384 + 6);
    expect(decodeFrames(sink.bytes).map(({ payload }) => payload.toString())).toEqual([
      "in place",
      "in place",
    ]);
  });

  test("a small stage and a small send range change nothing but the number of turns", () => {
    const workspace = new Workspace({
      memory: wasmMemory(),
      stage: { start: 0, end: 1024 },
      send: { start: 1024, end: 2048 },
    });
    const { connection, sink } = setUp({
      role: "client",
      parts: { workspace },
      handler: { onMessage: (ws, bytes, start, end, isText) => void ws.sendRange(bytes, start, end, isText) },
    });
    const payload = Buffer.alloc(50_000, "small turns ");
    connection.receive(encodeFor("client", [{ opcode: TEXT, payload }]));
    expect(decodeFrames(sink.bytes)[0]!.payload.equals(payload)).toBe(true);
    expect(sink.chunks.length).toBeGreaterThan(40);
  });

  test.each([
    [
      { stage: { start: 0, end: 1000 }, send: { start: 2048, end: 4096 } },
      '"stage" must be at least 1024 bytes',
    ],
    [{ stage: { start: 0, end: 2048 }, send: { start: 2000, end: 4096 } }, "overlap"],
    [{ stage: { start: 0, end: 2048 }, send: { start: 4096, end: 70_000 } }, '"send" must be at least'],
    [{ stage: { start: 0, end: 2048 } }, '"send" is needed'],
  ])("a workspace refuses %j", (ranges, message) => {
    expect(() => new Workspace({ memory: wasmMemory(), ...ranges })).toThrow(message);
  });

  test("two ends that feed each other from inside their callbacks", () => {
    let rounds = 0;
    const ends: WebSocketConnection[] = [];
    const pipe = (to: number) => ({
      write(chunk: Uint8Array) {
        const bytes = Buffer.from(chunk);
        queue.push(() => ends[to]!.receive(bytes));
        return chunk.length;
      },
      close() {},
    });
    const queue: (() => void)[] = [];
    const bounce: ConnectionHandler = {
      onMessage(ws, bytes, start, end, isText) {
        if (++rounds < 100) ws.sendRange(bytes, start, end, isText);
      },
    };
    ends.push(
      new WebSocketConnection("server", pipe(1), bounce),
      new WebSocketConnection("client", pipe(0), bounce),
    );
    ends[1]!.send("ball");
    while (queue.length > 0) queue.shift()!();
    expect(rounds).toBe(100);
  });

  test("a connection that is fed from inside another's callback does not disturb its message", () => {
    const inner = setUp();
    const outer = setUp({
      handler: {
        onMessage(ws, bytes, start, end, isText) {
          inner.feed({ opcode: TEXT, payload: "x".repeat(end - start) });
          inner.connection.send("from inside");
          ws.sendRange(bytes, start, end, isText);
        },
      },
    });
    outer.feed({ opcode: TEXT, payload: "outer message" }, { opcode: TEXT, payload: "another" });
    expect(outer.sent()).toEqual(["1 outer message", "1 another"]);
    expect(inner.log).toEqual(["text xxxxxxxxxxxxx", "text xxxxxxx"]);
    expect(inner.sent()).toEqual(["1 from inside", "1 from inside"]);
  });

  test("connections that are fed from inside each other's callbacks, with more than the stage holds", () => {
    const bytes = encodeFor("server", [
      { opcode: TEXT, payload: "x".repeat(200) },
      { opcode: BINARY, payload: Buffer.alloc(200_000) },
    ]);
    const seen: number[] = [];
    const receiveAt = (depth: number) =>
      setUp({
        handler: {
          onMessage(_ws, data, start, end) {
            if (depth > 0 && end - start === 200) receiveAt(depth - 1).connection.receive(bytes);
            if (end - start === 200) expect(data[start]).toBe("x".charCodeAt(0));
            else seen.push(depth);
          },
        },
      });
    receiveAt(6).connection.receive(bytes);
    expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  test("a connection that is fed from its own callback reads that afterwards", () => {
    const { connection, feed, log } = setUp({
      handler: {
        onMessage(_ws, bytes, start, end) {
          const text = Buffer.from(bytes.subarray(start, end)).toString();
          log.push(text);
          if (text === "first") connection.receive(encodeFor("server", [{ opcode: TEXT, payload: "third" }]));
        },
      },
    });
    feed({ opcode: TEXT, payload: "first" }, { opcode: TEXT, payload: "second" });
    expect(log).toEqual(["first", "second", "third"]);
  });
});

describe("compression", () => {
  const agreement = (changes: Partial<DeflateAgreement> = {}): DeflateAgreement => ({
    serverMaxWindowBits: 15,
    clientMaxWindowBits: 15,
    serverNoContextTakeover: false,
    clientNoContextTakeover: false,
    settings: deflateSettings({ thresholdBytes: 100 }),
    ...changes,
  });
  const takeover = { windowBits: 15, takeover: true };
  const prose = Buffer.from(Array.from({ length: 12_000 }, (_, i) => `line ${(i * 7919) % 1009}\n`).join(""));
  const settled = async (connection: WebSocketConnection) => {
    for (let turn = 0; turn < 1000 && connection.bufferedBytes > 0; turn++) await sleep(0);
  };

  test("from the threshold on, or as the sender says", () => {
    const { connection, sink } = setUp({ parts: { deflate: agreement() } });
    const text = "a".repeat(100);
    connection.send(text);
    connection.send(text.slice(1));
    connection.send(text, { compress: false });
    connection.send("short", { compress: true });
    connection.send("", { compress: true });
    const frames = decodeFrames(sink.bytes);
    expect(frames.map(({ rsv }) => rsv)).toEqual([4, 0, 0, 4, 4]);
    const peer = new PeerInflate(takeover);
    const texts = frames.map(({ rsv, payload }) => (rsv === 4 ? peer.message(payload) : payload).toString());
    expect(texts).toEqual([text, text.slice(1), text, "short", ""]);
  });

  test("what does not get shorter is sent as it is where no window depends on it", () => {
    const payload = Buffer.from(Array.from({ length: 200 }, (_, i) => (i * 197 + (i >> 3) * 91) & 255));
    for (const serverNoContextTakeover of [true, false]) {
      const { connection, sink } = setUp({ parts: { deflate: agreement({ serverNoContextTakeover }) } });
      connection.send(payload);
      const [frame] = decodeFrames(sink.bytes);
      expect(frame!.rsv).toBe(serverNoContextTakeover ? 0 : 4);
    }
  });

  test("a fragmented message is compressed as one, decided by its first frame", () => {
    const { connection, sink } = setUp({ parts: { deflate: agreement() } });
    connection.send("b".repeat(200), { fin: false });
    connection.ping();
    connection.send("c", { fin: false });
    connection.send("");
    connection.send("plain", { fin: false });
    connection.send("d".repeat(200));
    const frames = decodeFrames(sink.bytes);
    expect(frames.map(({ opcode, rsv }) => [opcode, rsv])).toEqual([
      [TEXT, 4],
      [PING, 0],
      [0, 0],
      [0, 0],
      [TEXT, 0],
      [0, 0],
    ]);
    const packed = Buffer.concat(
      frames
        .filter(({ opcode }) => opcode < 8)
        .slice(0, 3)
        .map(({ payload }) => payload),
    );
    expect(new PeerInflate(takeover).message(packed).toString()).toBe(`${"b".repeat(200)}c`);
  });

  test("long messages, those behind them and the Close leave in order", async () => {
    const { connection, log, sink } = setUp({ parts: { deflate: agreement() } });
    expect(connection.send(prose)).toBe(false);
    expect(connection.send("second")).toBe(false);
    expect(connection.send(prose.toString("latin1"))).toBe(false);
    connection.send("e".repeat(300));
    connection.ping("may overtake");
    connection.close(1000);
    expect(connection.bufferedBytes).toBeGreaterThan(prose.length * 2);
    expect(connection.state).toBe("closing");
    await settled(connection);
    const peer = new PeerInflate(takeover);
    const frames = decodeFrames(sink.bytes);
    expect(frames.map(({ opcode }) => opcode)).toEqual([PING, BINARY, TEXT, TEXT, TEXT, CLOSE]);
    const texts = frames.slice(1, 5).map(({ rsv, payload }) => (rsv === 4 ? peer.message(payload) : payload));
    expect(texts[0]!.equals(prose)).toBe(true);
    expect(texts[1]!.toString()).toBe("second");
    expect(texts[2]!.equals(prose)).toBe(true);
    expect(texts[3]!.toString()).toBe("e".repeat(300));
    expect(log).toEqual([]);
  });

  test("drain comes after a long message has left", async () => {
    const { connection, log } = setUp({ parts: { deflate: agreement() } });
    expect(connection.send(prose)).toBe(false);
    await settled(connection);
    expect(log).toEqual(["drain"]);
  });

  test("messages behind one that is inflated over several turns wait for it", async () => {
    const { feed, log, sink } = setUp({ parts: { deflate: agreement() } });
    const peer = new PeerDeflate(takeover);
    const long = Buffer.alloc(3 << 20, prose);
    feed(
      { opcode: BINARY, rsv: 4, payload: peer.message(long) },
      { opcode: TEXT, payload: "second" },
      { opcode: TEXT, rsv: 4, payload: peer.message(Buffer.from("third")) },
    );
    expect(log).toEqual([]);
    feed({ opcode: PING, payload: "fourth" });
    expect(sink.paused).toBe(true);
    await vi.waitFor(() => expect(log.length).toBe(4), { timeout: 120_000 });
    expect(log[0] === `binary ${long.toString("latin1")}`).toBe(true);
    expect(log.slice(1)).toEqual(["text second", "text third", "ping fourth"]);
    expect(sink.paused).toBe(false);
  });

  test("pausing while a message is inflated holds what comes behind it", async () => {
    const { connection, feed, log } = setUp({
      parts: { deflate: agreement() },
      handler: {
        onMessage(ws, _bytes, start, end) {
          log.push(`message ${end - start}`);
          ws.pause();
        },
      },
    });
    const peer = new PeerDeflate(takeover);
    feed(
      { opcode: BINARY, rsv: 4, payload: peer.message(Buffer.alloc(2 << 20)) },
      { opcode: TEXT, payload: "second" },
    );
    await vi.waitFor(() => expect(log).toEqual([`message ${2 << 20}`]), { timeout: 120_000 });
    for (let turn = 0; turn < 5; turn++) await sleep(1);
    expect(log.length).toBe(1);
    connection.resume();
    expect(log[1]).toBe("message 6");
  });

  test("what arrives while a message is inflated pauses the sink, and is read afterwards", async () => {
    const { feed, log, sink } = setUp({ parts: { deflate: agreement() } });
    feed({ opcode: BINARY, rsv: 4, payload: new PeerDeflate(takeover).message(Buffer.alloc(1 << 20)) });
    expect(sink.paused).toBe(false);
    feed({ opcode: TEXT, payload: "behind" });
    expect([sink.paused, log]).toEqual([true, []]);
    await vi.waitFor(() => expect(log[1]).toBe("text behind"), { timeout: 120_000 });
    expect(sink.paused).toBe(false);
  });

  test("an error in a long message fails the connection", async () => {
    const { feed, log, sent } = setUp({
      parts: { deflate: agreement() },
      options: { maxMessageBytes: 1 << 20 },
    });
    feed({ opcode: BINARY, rsv: 4, payload: new PeerDeflate(takeover).message(Buffer.alloc(8 << 20)) });
    await vi.waitFor(() => expect(log).toEqual(["TZ_WS_MESSAGE_SIZE", "close 1006  false"]), {
      timeout: 120_000,
    });
    expect(sent()).toEqual(["8 03f1"]);
  });

  test("text is validated after it was inflated", () => {
    const { feed, log, sent } = setUp({ parts: { deflate: agreement() } });
    feed({ opcode: TEXT, rsv: 4, payload: new PeerDeflate(takeover).message(Buffer.from("c0af", "hex")) });
    expect(log).toEqual(["TZ_WS_UTF8", "close 1006  false"]);
    expect(sent()).toEqual(["8 03ef"]);
  });

  test("what is not DEFLATE data fails with 1007", () => {
    const { feed, log, sent } = setUp({ parts: { deflate: agreement() } });
    feed({ opcode: TEXT, rsv: 4, payload: Buffer.from("ffffffff", "hex") });
    expect(log).toEqual(["TZ_WS_INFLATE", "close 1006  false"]);
    expect(sent()).toEqual(["8 03ef"]);
  });

  test("ending the connection while messages are in work", async () => {
    const { connection, feed, log } = setUp({ parts: { deflate: agreement() } });
    connection.send(prose);
    feed({ opcode: BINARY, rsv: 4, payload: new PeerDeflate(takeover).message(Buffer.alloc(2 << 20)) });
    connection.terminate();
    for (let turn = 0; turn < 10; turn++) await sleep(1);
    expect(log).toEqual(["close 1006  false"]);
    expect(connection.bufferedBytes).toBe(0);
  });
});

test("an error carries what it means", () => {
  let seen: WsError | undefined;
  const { connection } = setUp({ handler: { onError: (_ws, error) => (seen = error) } });
  const cause = new Error("ECONNRESET");
  connection.ended(cause);
  expect(seen).toMatchObject({ name: "WsError", code: "TZ_WS_TRANSPORT", cause });
});
