import { Deflater } from "../src/deflate/deflater.js";
import { Inflater } from "../src/deflate/inflater.js";
import { DeflateRuntime } from "../src/deflate/runtime.js";
import { check, compare, table, times } from "./measure.js";
import { PerMessageDeflate } from "./ws-peer.js";

const LEVEL = 3;
const rows = Array.from({ length: 400 }, (_, id) => ({
  id,
  name: `user ${(id * 7919) % 1000}`,
  mail: `u${id}@example.com`,
  tags: ["a", String(id % 13)],
  on: id % 3 === 0,
}));
const json = Buffer.from(JSON.stringify(rows));

/** A message compressed and inflated again. */
export async function benchDeflate(): Promise<void> {
  const lines: string[][] = [];
  for (const size of [200, 1024, 4096, 16384]) {
    for (const takeover of [true, false]) {
      const text = json.subarray(0, size);
      const runtime = new DeflateRuntime();
      const deflater = new Deflater(runtime, { windowBits: 15, takeover, level: LEVEL, memoryLevel: 8 });
      const inflater = new Inflater(runtime, 15, takeover, 1 << 20);
      let packedBytes = 0;
      const ours = () => {
        deflater.deflate(text, 0, text.length, true);
        packedBytes = deflater.length;
        inflater.inflate(deflater.output, 0, deflater.length, true, () => {});
        deflater.release();
        const { length } = inflater;
        inflater.release();
        return length;
      };
      const peer = { zlibDeflateOptions: { level: LEVEL }, serverNoContextTakeover: !takeover };
      const compressor = new PerMessageDeflate({ ...peer, isServer: true });
      const decompressor = new PerMessageDeflate({ ...peer, isServer: false });
      compressor.accept([{}]);
      const parameters = takeover ? {} : { server_no_context_takeover: [true] };
      decompressor.accept([parameters]);
      const theirs = () =>
        new Promise<number>((resolve, reject) => {
          compressor.compress(text, true, (error, packed) => {
            if (error) return reject(error);
            decompressor.decompress(packed, true, (failure, back) =>
              failure ? reject(failure) : resolve(back.length),
            );
          });
        });
      check(ours() === size && (await theirs()) === size, `a message of ${size} did not come back`);
      const [own, other] = await compare([
        { name: "tz", operations: 1, run: () => void ours() },
        { name: "ws", operations: 1, run: () => theirs().then(() => {}) },
      ]);
      lines.push([
        `${size} B`,
        takeover ? "kept" : "dropped",
        `${packedBytes} B`,
        `${(own!.nsPerOperation / 1000).toPrecision(3)} µs`,
        `${(other!.nsPerOperation / 1000).toPrecision(3)} µs`,
        times(1 / own!.ratioToLast),
      ]);
      for (const one of [deflater, inflater]) one.close();
      for (const one of [compressor, decompressor]) one.cleanup();
    }
  }
  table(
    "permessage-deflate: JSON compressed (level 3) and inflated",
    ["message", "context", "compressed", "@tz/ws", "`ws`", "times as fast"],
    lines,
  );
}
