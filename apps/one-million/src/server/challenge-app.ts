import { ResponseHead, type ResponsePlan } from "@tz/http1";
import { type App, createServer, json } from "@tz/server";
import { EventReader } from "../event/event-reader.js";
import type { TotalsStore } from "../totals-store.js";
import { MAX_CONNECTIONS, MAX_EVENT_BYTES } from "./limits.js";

const DONE = Buffer.from('{"ok":true}');

/** One plan for all answers that say no more than this: nothing of it changes. */
const done: ResponsePlan = {
  head: new ResponseHead(200, ["Content-Type", "application/json", "Content-Length", String(DONE.length)]),
  body: { kind: "bytes", bytes: DONE },
};

/** `POST /event`, `GET /stats`, `POST /reset`. */
export function challengeApp(store: TotalsStore, loop: "auto" | "epoll"): App {
  const reader = new EventReader();
  const take = (bytes: Uint8Array): ResponsePlan | Promise<ResponsePlan> => {
    if (!reader.read(bytes)) return json({ error: reader.reason }, { status: 400 });
    const counted = store.record(reader.bytes, reader.start, reader.end, reader.value);
    return counted === undefined ? done : counted.then(() => done);
  };
  return createServer({ loop, maxConnections: MAX_CONNECTIONS, maxBodyBytes: MAX_EVENT_BYTES })
    .post("/event", (request) => {
      // Small bodies come with their head: then nothing waits, and pipelined events are answered in one call.
      const bytes = request.bytesNow();
      return bytes === undefined ? request.bytes().then(take) : take(bytes);
    })
    .get("/stats", async () => json(await store.stats(), { fields: ["Cache-Control", "no-store"] }))
    .post("/reset", async () => {
      await store.reset();
      return done;
    })
    .onError((error, _request, status) => {
      // A store says itself, once, why it is 503; what else fails is a mistake of ours.
      if (status >= 500 && status !== 503) console.error(error);
      if (status === 0) return undefined;
      const isOurs = status < 500 || status === 503;
      return json({ error: isOurs ? (error as Error).message : "the server failed" }, { status });
    });
}
