import { createHash, timingSafeEqual } from "node:crypto";
import type { ResponsePlan } from "@tz/http1";
import { type App, json, type ServerRequest } from "@tz/server";
import type { SocketAccess } from "./terminal-socket.js";
import type { TerminalSockets } from "./terminal-sockets.js";

export interface TtydServerOptions {
  /**
   * What `GET BASE/token` answers and the first message must repeat: with ttyd the base64 of `user:password`, or nothing.
   * Give a token of its own to each login; it is asked for once a handshake.
   */
  readonly token?: ((request: ServerRequest) => string) | undefined;
  /** What the request may do; an answer of its own refuses it. */
  readonly access: (
    request: ServerRequest,
  ) => SocketAccess | ResponsePlan | Promise<SocketAccess | ResponsePlan>;
}

/** Serves ttyd's protocol below a path: `GET BASE/token` and the WebSocket `BASE/ws`. */
export function serveTtyd(
  app: App,
  base: string,
  sockets: TerminalSockets,
  options: TtydServerOptions,
): void {
  const prefix = base.endsWith("/") ? base.slice(0, -1) : base;
  const { access, token } = options;
  app.get<string>(`${prefix}/token`, async (request) => {
    const given = await access(request);
    if ("head" in given) return given;
    return json({ token: token?.(request) ?? "" }, { fields: ["Cache-Control", "no-store"] });
  });
  app.get<string>(`${prefix}/ws`, async (request) => {
    const given = await access(request);
    if ("head" in given) return given;
    const wanted = token?.(request) ?? "";
    return sockets.accept(request, { checkToken: (sent) => sameText(sent, wanted), ...given });
  });
}

/** In a time that does not tell how much of it is right. */
function sameText(sent: string, wanted: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(sent), digest(wanted));
}
