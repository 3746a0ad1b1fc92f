import type { Readable } from "node:stream";
import { ServerError } from "../errors.js";
import type { RequestBody } from "./request-body.js";

/** Feeds a body from a stream of Node's. Whoever wants more calls `readable.resume()`. */
export function feedFromStream(readable: Readable, body: RequestBody): void {
  readable.on("data", (chunk: Buffer) => {
    const taken = body.feed(chunk, 0, chunk.byteLength);
    if (taken === chunk.byteLength || body.error !== null) return;
    // The reader is behind: the rest waits in Node's stream.
    readable.pause();
    readable.unshift(chunk.subarray(taken));
  });
  readable.on("end", () => body.end());
  readable.on("close", () =>
    body.fail(
      new ServerError("TZ_SERVER_BODY_ABORTED", "the client went away before the end of the request body"),
    ),
  );
  readable.on("error", () => {});
}
