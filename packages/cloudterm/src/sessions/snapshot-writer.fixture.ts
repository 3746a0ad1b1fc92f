import { writeSync } from "node:fs";
import { MemorySessionStore } from "./memory-store.js";
import { Sessions } from "./sessions.js";

/** Logs in and out for ever; prints the secret of every session that was revoked, after it was. */
const store = new MemorySessionStore({ snapshotPath: process.argv[2], snapshotDelayMs: 1 });
const sessions = new Sessions(store, { idleMs: 60_000, maxMs: 600_000 });
for (;;) {
  const session = await sessions.create({ user: "ada", address: "", agent: "" });
  await new Promise((resolve) => setTimeout(resolve, 1));
  await sessions.revoke([session]);
  writeSync(1, `${session.secret}\n`);
}
