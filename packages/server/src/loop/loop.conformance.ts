import { closeSync, mkdtempSync, openSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WheelTimer } from "@tz/alloc";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Loop, Transport, TransportHandler } from "./loop.js";

/** The other end of a connection. */
export interface ConformanceClient {
  send(bytes: Uint8Array | string): void;
  /** Half-closes. */
  end(): void;
  /** Resets the connection. */
  reset(): void;
  /** Stops taking bytes, so that the server's writes become short. */
  stopReading(): void;
  resumeReading(): void;
  readonly received: Buffer;
  readonly ended: boolean;
  readonly closed: boolean;
}

/** How one implementation is run by {@link loopConformance}. */
export interface LoopHarness {
  readonly loop: Loop;
  /** The port that `loop.listen` bound. */
  connect(port: number): Promise<ConformanceClient>;
  /** Lets the loop work until `done()` holds; fails after a few seconds. */
  until(done: () => boolean): Promise<void>;
  /** Lets time pass in which nothing may happen. */
  quiet(): Promise<void>;
}

const EAGAIN = 11;

/** Records what the loop says to one connection, and lets a test answer. */
class Recorder implements TransportHandler {
  readonly transport: Transport;
  readonly chunks: Buffer[] = [];
  readonly events: string[] = [];
  closedWith: number[] = [];
  onChunk: (chunk: Buffer) => void = () => {};
  onRoom: () => void = () => {};
  readonly #loop: Loop;

  constructor(transport: Transport, loop: Loop) {
    this.transport = transport;
    this.#loop = loop;
  }

  get received(): Buffer {
    return Buffer.concat(this.chunks);
  }

  onData(start: number, end: number): void {
    const chunk = Buffer.from(this.#loop.memory.bytes.slice(start, end));
    this.chunks.push(chunk);
    this.events.push("data");
    this.onChunk(chunk);
  }
  onEnd(): void {
    this.events.push("end");
  }
  onWritable(): void {
    this.onRoom();
  }
  onClose(errno: number): void {
    this.events.push("close");
    this.closedWith.push(errno);
  }
}

/** Pseudo-random bytes that repeat at no power of two. */
function pattern(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let i = 0, x = 1; i < length; i++) {
    x = (Math.imul(x, 1103515245) + 12345) >>> 0;
    bytes[i] = x >>> 16;
  }
  return bytes;
}

/** The contract of `loop.ts`, as tests that every implementation runs. */
export function loopConformance(name: string, make: () => Promise<LoopHarness>): void {
  describe(`${name} loop keeps the contract`, () => {
    let harness: LoopHarness;
    let loop: Loop;
    let port: number;
    let recorders: Recorder[];
    let directory: string;

    beforeEach(async () => {
      harness = await make();
      loop = harness.loop;
      recorders = [];
      directory = mkdtempSync(join(tmpdir(), "tz-loop-"));
      const listener = await loop.listen(
        { host: "127.0.0.1", port: 0, backlog: 128, maxConnections: 1000 },
        (transport) => {
          const recorder = new Recorder(transport, loop);
          recorders.push(recorder);
          return recorder;
        },
      );
      port = listener.address.port;
    });

    afterEach(async () => {
      await loop.close();
      rmSync(directory, { recursive: true, force: true });
    });

    const open = async (): Promise<{ client: ConformanceClient; server: Recorder }> => {
      const before = recorders.length;
      const client = await harness.connect(port);
      await harness.until(() => recorders.length > before);
      return { client, server: recorders[before]! };
    };

    /** Sends all of `bytes` through the batch, waiting for room as often as needed. */
    const sendAll = (server: Recorder, bytes: Buffer): { sent: number } => {
      const state = { sent: 0 };
      const push = (): void => {
        while (state.sent < bytes.byteLength) {
          const end = Math.min(bytes.byteLength, state.sent + loop.batch.room);
          loop.batch.copyRange(bytes, state.sent, end);
          const wanted = loop.batch.byteLength;
          const taken = server.transport.flush(loop.batch, false);
          loop.batch.clear();
          if (taken === -EAGAIN) return;
          expect(taken).toBeGreaterThan(0);
          state.sent += taken;
          if (taken < wanted) return;
        }
      };
      server.onRoom = push;
      push();
      return state;
    };

    test("bytes arrive in order and inside the receive area", async () => {
      const { client, server } = await open();
      client.send("one ");
      client.send("two");
      await harness.until(() => server.received.byteLength === 7);
      expect(server.received.toString()).toBe("one two");
    });

    test("a megabyte arrives whole, in pieces no larger than the receive area", async () => {
      const { client, server } = await open();
      const bytes = pattern(1 << 20);
      client.send(bytes);
      await harness.until(() => server.received.byteLength === bytes.byteLength);
      expect(server.received.equals(bytes)).toBe(true);
      for (const chunk of server.chunks)
        expect(chunk.byteLength).toBeLessThanOrEqual(loop.memory.receiveBytes);
    });

    test("a batch of several pieces leaves in order", async () => {
      const { client, server } = await open();
      loop.batch.text("head ");
      loop.batch.copy(Buffer.from("body "));
      loop.batch.name(loop.memory.sendStart, 4);
      loop.batch.text("end");
      expect(server.transport.flush(loop.batch, false)).toBe(17);
      loop.batch.clear();
      await harness.until(() => client.received.byteLength === 17);
      expect(client.received.toString()).toBe("head body headend");
    });

    test("a slow reader makes writes short; onWritable continues them; no byte is lost", async () => {
      const { client, server } = await open();
      client.stopReading();
      const bytes = pattern(12 << 20);
      const state = sendAll(server, bytes);
      await harness.quiet();
      expect(state.sent).toBeLessThan(bytes.byteLength);
      client.resumeReading();
      await harness.until(() => client.received.byteLength === bytes.byteLength);
      expect(client.received.equals(bytes)).toBe(true);
    });

    test("pause keeps bytes back, resume delivers them in order", async () => {
      const { client, server } = await open();
      server.transport.pause();
      client.send("kept");
      await harness.quiet();
      expect(server.received.byteLength).toBe(0);
      server.transport.resume();
      await harness.until(() => server.received.byteLength === 4);
      client.send(" and more");
      await harness.until(() => server.received.toString() === "kept and more");
    });

    test("pausing inside onData takes effect before the next piece", async () => {
      const { client, server } = await open();
      server.onChunk = () => server.transport.pause();
      const bytes = pattern(400_000);
      client.send(bytes);
      await harness.until(() => server.chunks.length === 1);
      await harness.quiet();
      expect(server.chunks.length).toBe(1);
      server.onChunk = () => {};
      server.transport.resume();
      await harness.until(() => server.received.byteLength === bytes.byteLength);
      expect(server.received.equals(bytes)).toBe(true);
    });

    test("end of input comes after the last byte and only then; writing still works", async () => {
      const { client, server } = await open();
      client.send("last");
      client.end();
      await harness.until(() => server.events.includes("end"));
      expect(server.events).toEqual(["data", "end"]);
      loop.batch.text("answer");
      expect(server.transport.flush(loop.batch, false)).toBe(6);
      loop.batch.clear();
      await harness.until(() => client.received.toString() === "answer");
    });

    test("end of input waits while paused", async () => {
      const { client, server } = await open();
      server.transport.pause();
      client.send("x");
      client.end();
      await harness.quiet();
      expect(server.events).toEqual([]);
      server.transport.resume();
      await harness.until(() => server.events.length === 2);
      expect(server.events).toEqual(["data", "end"]);
    });

    test("shutdown ends one direction: the client reads the end, the server still reads", async () => {
      const { client, server } = await open();
      loop.batch.text("bye");
      server.transport.flush(loop.batch, false);
      loop.batch.clear();
      server.transport.shutdown();
      await harness.until(() => client.ended);
      expect(client.received.toString()).toBe("bye");
      client.send("still here");
      await harness.until(() => server.received.toString() === "still here");
    });

    test("destroy closes once, tells the handler once, and frees the place", async () => {
      const { client, server } = await open();
      expect(loop.connections).toBe(1);
      server.transport.destroy();
      server.transport.destroy();
      await harness.until(() => client.ended);
      expect(server.closedWith).toEqual([0]);
      expect(loop.connections).toBe(0);
    });

    test("reset closes once, although the client has taken little of what was sent", async () => {
      const { client, server } = await open();
      client.stopReading();
      let taken = 0;
      for (;;) {
        loop.batch.text("x".repeat(10_000));
        const sent = server.transport.flush(loop.batch, false);
        loop.batch.clear();
        if (sent < 0) break;
        taken += sent;
        if (sent < 10_000) break;
      }
      server.transport.reset();
      server.transport.reset();
      client.resumeReading();
      await harness.until(() => client.ended);
      expect(server.closedWith).toEqual([0]);
      expect(loop.connections).toBe(0);
      expect(client.received.byteLength).toBeLessThanOrEqual(taken);
    });

    test("destroy inside onData stops the delivery", async () => {
      const { client, server } = await open();
      server.onChunk = () => server.transport.destroy();
      client.send(pattern(500_000));
      await harness.until(() => client.closed);
      expect(server.chunks.length).toBe(1);
      expect(server.closedWith).toEqual([0]);
    });

    test("a reset by the client closes with its errno", async () => {
      const { client, server } = await open();
      client.send("x");
      await harness.until(() => server.received.byteLength === 1);
      client.reset();
      await harness.until(() => server.closedWith.length === 1);
      expect(server.closedWith[0]).toBeGreaterThan(0);
      expect(loop.connections).toBe(0);
    });

    test("a connection closed by another one's handler gets no further event", async () => {
      const pairs = [await open(), await open(), await open()];
      for (const { server } of pairs) {
        server.onChunk = () => {
          for (const other of pairs) if (other.server !== server) other.server.transport.destroy();
        };
      }
      for (const { client } of pairs) client.send("now");
      await harness.until(() => pairs.filter(({ server }) => server.closedWith.length === 1).length === 2);
      await harness.quiet();
      const heard = pairs.filter(({ server }) => server.chunks.length > 0);
      expect(heard.length).toBe(1);
      // Their descriptors are reused now: events of the old connections must not reach the new ones.
      const next = await open();
      await harness.quiet();
      expect(next.server.events).toEqual([]);
      next.client.send("mine");
      await harness.until(() => next.server.received.toString() === "mine");
    });

    test("a file's range is sent after the batch before it", async () => {
      const { client, server } = await open();
      const bytes = pattern(3 << 20);
      const path = join(directory, "file");
      writeFileSync(path, bytes);
      const fd = openSync(path, "r");
      const from = 1000;
      const length = bytes.byteLength - 3000;
      loop.batch.text("HEAD");
      server.transport.flush(loop.batch, true);
      loop.batch.clear();
      let sent = 0;
      const push = (): void => {
        while (sent < length) {
          const taken = server.transport.sendFile(fd, from + sent, length - sent);
          if (taken === -EAGAIN) return;
          expect(taken).toBeGreaterThan(0);
          sent += taken;
        }
      };
      server.onRoom = push;
      push();
      await harness.until(() => client.received.byteLength === length + 4);
      expect(client.received.subarray(0, 4).toString()).toBe("HEAD");
      expect(client.received.subarray(4).equals(bytes.subarray(from, from + length))).toBe(true);
      closeSync(fd);
    });

    test("a file that ends early says 0", async () => {
      const { server } = await open();
      const path = join(directory, "short");
      writeFileSync(path, pattern(10));
      const fd = openSync(path, "r");
      truncateSync(path, 4);
      const results: number[] = [];
      let offset = 0;
      const push = (): void => {
        for (;;) {
          const taken = server.transport.sendFile(fd, offset, 10 - offset);
          if (taken === -EAGAIN) return;
          results.push(taken);
          if (taken <= 0) return;
          offset += taken;
        }
      };
      server.onRoom = push;
      push();
      await harness.until(() => results.at(-1) === 0);
      expect(results).toEqual([4, 0]);
      closeSync(fd);
    });

    test("yieldWrite comes back in a later turn", async () => {
      const { server } = await open();
      let asked = true;
      let calls = 0;
      server.onRoom = () => {
        if (!asked) calls++;
      };
      server.transport.yieldWrite();
      asked = false;
      await harness.until(() => calls > 0);
      expect(calls).toBe(1);
    });

    test("timers fire in order of their time", async () => {
      const fired: string[] = [];
      loop.timers.schedule(new WheelTimer(() => void fired.push("late")), 120);
      loop.timers.schedule(new WheelTimer(() => void fired.push("early")), 20);
      await harness.until(() => fired.length === 2);
      expect(fired).toEqual(["early", "late"]);
    });

    test("a taken address is refused with EADDRINUSE", async () => {
      const again = loop.listen(
        { host: "127.0.0.1", port, backlog: 1, maxConnections: 1 },
        (t) => new Recorder(t, loop),
      );
      await expect(again).rejects.toMatchObject({ code: "EADDRINUSE" });
    });

    test("close destroys what is open and tells every handler", async () => {
      const first = await open();
      const second = await open();
      await loop.close();
      expect(first.server.closedWith).toEqual([0]);
      expect(second.server.closedWith).toEqual([0]);
      expect(loop.connections).toBe(0);
    });
  });
}
