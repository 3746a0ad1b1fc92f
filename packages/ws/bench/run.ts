/** All benches; every one checks its results before it times. `--quick` is for the tests. */
import { cpus } from "node:os";
import { benchDeflate } from "./deflate.js";
import { benchEcho } from "./echo.js";
import { benchMask } from "./mask.js";
import { benchMemory } from "./memory.js";
import { benchReceive } from "./receive.js";
import { benchSend } from "./send.js";

console.log(`Node ${process.version}, ${cpus()[0]?.model ?? "unknown processor"}`);
await benchMask();
await benchReceive();
await benchSend();
await benchEcho();
await benchDeflate();
benchMemory();
