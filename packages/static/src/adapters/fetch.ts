/** The Fetch standard: Hono, Elysia, Deno, Bun, service workers' cousins; anything that takes `(Request) => Response`. */
import {
  FIELD_NAMES,
  type FieldId,
  type PlanBody,
  type PlanMount,
  type PlanRequest,
  type ResponsePlan,
} from "@tz/http1";
import { DECIDING_FIELDS } from "../deciding-fields.js";
import { readSegments } from "../respond/segment-reader.js";
import { mayPass } from "./may-pass.js";

export type FetchHandler = (request: Request) => Promise<Response>;

/** Without an answer for what the mount does not have. */
export type PassingFetchHandler = (request: Request) => Promise<Response | undefined>;

export interface FetchHandlerOptions {
  /** Answer with `undefined` what the mount does not have, and other methods than its own. Default `false`. */
  readonly fallthrough?: boolean;
}

/**
 * Mounts where requests and responses are those of Fetch.
 * @example
 * ```ts
 * const assets = toFetchHandler(staticMount("/assets", "./public"));
 * new Hono().get("/assets/*", (c) => assets(c.req.raw));
 *
 * const site = toFetchHandler(staticMount("/", "./public"), { fallthrough: true });
 * new Hono().use(async (c, next) => (await site(c.req.raw)) ?? next());
 * ```
 */
export function toFetchHandler(mount: PlanMount, options?: { readonly fallthrough?: false }): FetchHandler;
export function toFetchHandler(mount: PlanMount, options: FetchHandlerOptions): PassingFetchHandler;
export function toFetchHandler(mount: PlanMount, options: FetchHandlerOptions = {}): PassingFetchHandler {
  if (options.fallthrough !== true) {
    return async (request) => toResponse(await mount.plan(new FetchRequest(request)));
  }
  return async (request) => {
    // A preflight for a route behind the mount is not ours to answer: is there a file at all?
    if (request.method === "OPTIONS") {
      const found = await mount.plan(new FetchRequest(request, "HEAD"));
      found.release?.();
      if (mayPass(found)) return undefined;
    }
    const plan = await mount.plan(new FetchRequest(request));
    if (!mayPass(plan)) return toResponse(plan);
    plan.release?.();
    return undefined;
  };
}

class FetchRequest implements PlanRequest {
  readonly method: string;
  readonly target: string;
  readonly minorVersion = 1;
  readonly fieldMask: number;
  readonly #headers: Headers;

  constructor(request: Request, method = request.method) {
    const { pathname, search } = new URL(request.url);
    this.method = method;
    this.target = pathname + search;
    this.#headers = request.headers;
    let mask = 0;
    for (const [id, name] of DECIDING_FIELDS) if (request.headers.has(name)) mask |= 1 << id;
    this.fieldMask = mask;
  }

  field(name: FieldId | string): string | undefined {
    return this.#headers.get(typeof name === "string" ? name : (FIELD_NAMES[name] ?? "")) ?? undefined;
  }
}

function toResponse(plan: ResponsePlan): Response {
  const headers = new Headers();
  const { status, fields } = plan.head;
  for (let i = 0; i < fields.length; i += 2) headers.append(fields[i]!, fields[i + 1]!);
  const { body } = plan;
  if (body.kind === "none") {
    plan.release?.();
    return new Response(null, { status, headers });
  }
  if (body.kind === "bytes") {
    // Whoever reads the response may keep or change its bytes for as long as it likes: they have to be its own.
    const copy = new Uint8Array(body.bytes);
    plan.release?.();
    return new Response(copy, { status, headers });
  }
  return new Response(
    streamOf(body, () => plan.release?.()),
    { status, headers },
  );
}

/** Reads on demand; an error in the middle fails the stream, so the length is never completed with other bytes. */
function streamOf(
  body: Extract<PlanBody, { kind: "segments" | "stream" }>,
  release: () => void,
): ReadableStream<Uint8Array> {
  const source = body.kind === "segments" ? copied(readSegments(body.segments)) : body.chunks;
  const iterator = source[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const next = await iterator.next();
          if (next.done !== true) {
            controller.enqueue(next.value);
            return;
          }
          controller.close();
          release();
        } catch (error) {
          controller.error(error);
          release();
        }
      },
      async cancel() {
        await iterator.return?.();
        release();
      },
    },
    { highWaterMark: 0 },
  );
}

async function* copied(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of chunks) yield new Uint8Array(chunk);
}
