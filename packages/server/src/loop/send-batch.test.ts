import { ResponseHead, type ResponsePlan } from "@tz/http1";
import { expect, test } from "vitest";
import { DRAINED, OutQueue } from "../response/out-queue.js";
import { IoMemory } from "./io-memory.js";
import type { Transport } from "./loop.js";
import { SendBatch } from "./send-batch.js";

/** Memory by address, as the kernel sees it: the answer lies at 5,000, its lead in front. */
const LEAD_START = 4_900;
const PACKED = Buffer.from("Head: x\r\n\r\nbody");

function kernel(limit: { bytes: number }) {
  const lead = new Uint8Array(100);
  const memory = Buffer.alloc(6_000);
  const sent: Buffer[] = [];
  const transport = {
    flush(batch: SendBatch): number {
      memory.set(lead, LEAD_START);
      memory.set(PACKED, LEAD_START + lead.length);
      const pieces: Buffer[] = [];
      for (let i = 0; i < batch.count; i++) {
        const from = batch.plans[i] === null ? batch.memory.buffer : memory;
        pieces.push(Buffer.from(from.subarray(batch.starts[i]!, batch.starts[i]! + batch.lengths[i]!)));
      }
      const taken = Buffer.concat(pieces).subarray(0, limit.bytes);
      sent.push(taken);
      return taken.length;
    },
  } as unknown as Transport;
  return { lead: { bytes: lead, end: lead.length, written: undefined }, transport, sent };
}

const first = Buffer.from("HTTP/1.1 200 OK\r\nDate: 1\r\n");
const second = Buffer.from("HTTP/1.1 200 OK\r\nDate: 2\r\n");
const whole = (prefix: Buffer): string => prefix.toString() + PACKED.toString();

test("a lead that another answer changes does not change what is left of the one before, wherever it was cut", () => {
  for (let cut = 0; cut < first.length * 2 + PACKED.length * 2; cut++) {
    const limit = { bytes: cut };
    const { lead, transport, sent } = kernel(limit);
    const batch = new SendBatch(new IoMemory(), true);
    let held = 2;
    const packed = { address: 5_000, byteLength: PACKED.length, headByteLength: PACKED.length - 4, lead };
    const plan: ResponsePlan = {
      head: new ResponseHead(200, []),
      body: { kind: "none" },
      packed,
      release: () => void held--,
    };
    batch.led(packed, lead, first, PACKED.length, plan);
    batch.led(packed, lead, first, PACKED.length, plan);
    const taken = transport.flush(batch, false);
    const queue = new OutQueue();
    queue.prepend(batch, taken);
    // Somebody else's answer, a second later.
    held++;
    batch.led(packed, lead, second, PACKED.length, plan);
    limit.bytes = Number.POSITIVE_INFINITY;
    const before = sent.length;
    transport.flush(batch, false);
    batch.releaseAll();
    expect(sent.splice(before).join("")).toBe(whole(second));
    expect(queue.drain(transport, batch)).toBe(DRAINED);
    expect(Buffer.concat(sent).toString(), `cut at ${cut}`).toBe(whole(first) + whole(first));
    expect(held).toBe(0);
  }
});

test("a shorter prefix than the one before leaves nothing of it in front", () => {
  const limit = { bytes: Number.POSITIVE_INFINITY };
  const { lead, transport, sent } = kernel(limit);
  const batch = new SendBatch(new IoMemory(), true);
  const packed = { address: 5_000, byteLength: PACKED.length, headByteLength: 11, lead };
  const plan: ResponsePlan = { head: new ResponseHead(200, []), body: { kind: "none" }, packed };
  for (const prefix of [first, Buffer.from("HTTP/1.1 200 OK\r\n"), second, first]) {
    batch.led(packed, lead, prefix, PACKED.length, plan);
    transport.flush(batch, false);
    batch.releaseAll();
    expect(sent.pop()!.toString()).toBe(whole(prefix));
  }
});
