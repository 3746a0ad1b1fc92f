import { headLength, writeHead } from "@tz/ws";
import fc from "fast-check";
import { expect, test } from "vitest";
import { FrameScanner } from "./frame-scanner.js";

interface Message {
  readonly pieces: readonly Uint8Array[];
  readonly control: Uint8Array;
}

const message: fc.Arbitrary<Message> = fc.record({
  pieces: fc.array(fc.uint8Array({ maxLength: 300, size: "max" }), { minLength: 1, maxLength: 4 }),
  control: fc.uint8Array({ maxLength: 125, size: "max" }),
});

test("at any split, data passes as it is, control frames come out whole, payload is seen unmasked", () => {
  fc.assert(
    fc.property(
      fc.array(message, { maxLength: 6 }),
      fc.boolean(),
      fc.infiniteStream(fc.integer({ min: 1, max: 400 })),
      (messages, masked, steps) => {
        const stream: Buffer[] = [];
        const data: Buffer[] = [];
        const put = (opcode: number, payload: Uint8Array): Buffer => {
          const key = masked ? 0x12345678 ^ payload.length : undefined;
          const frame = Buffer.alloc(headLength(payload.length, masked) + payload.length);
          const at = writeHead(frame, 0, opcode, payload.length, key);
          for (let i = 0; i < payload.length; i++) {
            frame[at + i] = payload[i]! ^ (key === undefined ? 0 : (key >>> (8 * (i & 3))) & 0xff);
          }
          stream.push(frame);
          return frame;
        };
        for (const { pieces, control } of messages) {
          pieces.forEach((piece, i) => {
            const first = (i === 0 ? 2 : 0) | (i === pieces.length - 1 ? 0x80 : 0);
            data.push(put(first, piece));
            put(0x89, control);
          });
        }
        const passed: Buffer[] = [];
        const controls: Buffer[] = [];
        let seen: Buffer[] = [];
        const whole: Buffer[] = [];
        const scanner = new FrameScanner(
          { masked, compressed: false, maxMessageBytes: 10_000, maxFragments: 10 },
          {
            onPass: (bytes, start, end) => void passed.push(Buffer.from(bytes.subarray(start, end))),
            onControl: (opcode, payload) => {
              expect(opcode).toBe(9);
              controls.push(Buffer.from(payload));
            },
            onBroken: (_code, reason) => expect.fail(reason),
            onPayload: (opcode, payload, last) => {
              expect(opcode).toBe(2);
              seen.push(Buffer.from(payload));
              if (!last) return;
              whole.push(Buffer.concat(seen));
              seen = [];
            },
          },
        );
        const all = Buffer.concat(stream);
        for (let at = 0; at < all.length; ) {
          const end = Math.min(all.length, at + steps.next().value);
          scanner.scan(all, at, end);
          at = end;
        }
        expect(Buffer.concat(passed).equals(Buffer.concat(data))).toBe(true);
        expect(controls.length).toBe(messages.reduce((sum, { pieces }) => sum + pieces.length, 0));
        expect(whole.map((bytes) => [...bytes])).toEqual(
          messages.map(({ pieces }) => pieces.flatMap((piece) => [...piece])),
        );
        expect(scanner.betweenFrames).toBe(true);
      },
    ),
  );
});
