import type { ResponsePlan } from "@tz/http1";
import { checkNumber, ROUTE_OPTIONS } from "../options.js";
import type { ServerRequest } from "../request.js";
import { compressed } from "../response/compression.js";
import { tagged } from "../response/etag.js";
import type { OnSend } from "./hooks.js";

export interface CompressionOptions {
  /** Shorter answers are sent as they are. Default 1,024. */
  readonly minBytes?: number;
}

/**
 * A hook that compresses answers by what the client accepts (br, gzip): `app.onSend(compression())`. For one route:
 * its option `compress`.
 * @throws ServerError `TZ_SERVER_OPTION`
 */
export function compression(options: CompressionOptions = {}): OnSend {
  const { minBytes = ROUTE_OPTIONS.compressMinBytes.default } = options;
  checkNumber("minBytes", minBytes, ROUTE_OPTIONS.compressMinBytes);
  return (request, plan) => compressed(request, plan, minBytes);
}

/**
 * A hook that gives answers made of bytes an entity tag, and answers 304 to who has them: `app.onSend(etags())`, before
 * {@link compression}. For one route: its option `etag`.
 */
export function etags(): OnSend {
  return tagged;
}

/** Both, for one route. */
export function sent(
  request: ServerRequest,
  plan: ResponsePlan,
  etag: boolean,
  minBytes: number | undefined,
): ResponsePlan | Promise<ResponsePlan> {
  const made = etag ? tagged(request, plan) : plan;
  return minBytes === undefined ? made : compressed(request, made, minBytes);
}
