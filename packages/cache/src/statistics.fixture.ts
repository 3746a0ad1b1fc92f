import { workerData } from "node:worker_threads";
import { ByteCache } from "./byte-cache.js";

const { buffer, hits } = workerData as { buffer: SharedArrayBuffer; hits: number };
const cache = new ByteCache<string, string>({ statistics: { buffer, row: 0 } });
cache.set("k", "v");
for (let i = 0; i < hits; i++) cache.get("k");
cache.statistics();
