import { ResponseHead, type ResponsePlan } from "@tz/http1";
import { ServerError } from "../errors.js";
import { errorPlan } from "../response/error-plan.js";
import type { Handler } from "../server-core.js";

const HTTPS_PORT = 443;

export interface RedirectToHttpsOptions {
  /** Of the HTTPS server, as clients reach it. Default 443. */
  readonly port?: number;
}

/**
 * Sends every request to the same place over HTTPS: 308, so that method and body stay. For a listener of its own on port 80:
 *
 * ```js
 * createServer().handle(redirectToHttps()).listen({ port: 80 });
 * ```
 *
 * A request without `Host` (HTTP/1.0) is answered 400.
 * @throws ServerError `TZ_SERVER_OPTION`
 */
export function redirectToHttps({ port = HTTPS_PORT }: RedirectToHttpsOptions = {}): Handler {
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new ServerError("TZ_SERVER_OPTION", `port is ${port}; allowed: a whole number from 1 to 65535`);
  }
  const suffix = port === HTTPS_PORT ? "" : `:${port}`;
  return (request): ResponsePlan => {
    // The port, if any, is that of HTTP. What stands in brackets is an IPv6 address.
    const host = request.client.host.replace(/:\d*$/, "");
    if (host === "") return errorPlan(400, true);
    const target = request.target.startsWith("/") ? request.target : "/";
    const head = new ResponseHead(308, [
      "Location",
      `https://${host}${suffix}${target}`,
      "Content-Length",
      "0",
    ]);
    return { head, body: { kind: "none" } };
  };
}
