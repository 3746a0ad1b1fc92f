import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { CloudtermError } from "../errors.js";
import type { Upstream, UpstreamGuard } from "../proxy/upstream.js";
import { unreachable } from "../proxy/upstream-handshake.js";
import type { TerminalBackend } from "./terminal-backend.js";
import {
  type TerminalDialect,
  type UpstreamTerminalOptions,
  upstreamTerminal,
  withOwnFields,
} from "./upstream-terminal.js";
import { SERVER, TTYD_PROTOCOL, textMessage } from "./wire.js";

export interface TtydUpstreamOptions extends UpstreamTerminalOptions {
  /** `user:password` of ttyd's `--credential`. */
  readonly credential?: string | undefined;
}

const TOKEN_BYTES_MAX = 64 * 1024;

/**
 * Terminals of a ttyd: `url` is the one of its WebSocket, `ws://host:7681/ws`. Its `3` (resume) is never sent: a ttyd then
 * overwrites output that is under way; TCP holds it back instead.
 * @throws CloudtermError `TZ_CLOUDTERM_REQUEST` for a URL that may not be, `TZ_CLOUDTERM_OPTION`
 */
export function ttydUpstream({ credential, ...options }: TtydUpstreamOptions): TerminalBackend {
  const basic =
    credential === undefined
      ? []
      : [["Authorization", `Basic ${Buffer.from(credential).toString("base64")}`] as const];
  const fields = withOwnFields(basic, options.fields ?? []);
  return upstreamTerminal("ttyd", { ...options, fields }, async (guard, upstream, signal) =>
    dialect(await tokenOf(guard, upstream, { ...options, fields }, signal)),
  );
}

function dialect(token: string): TerminalDialect {
  return {
    protocols: [TTYD_PROTOCOL],
    greet: ({ columns, rows }) => [Buffer.from(JSON.stringify({ AuthToken: token, columns, rows }))],
    input: (bytes, start, end) => Buffer.concat([Buffer.from("0"), bytes.subarray(start, end)]),
    resize: ({ columns, rows }) => textMessage(0x31, JSON.stringify({ columns, rows })),
    read(bytes, start, end, events) {
      if (bytes[start] === SERVER.output) events.onOutput(bytes, start + 1, end);
      else if (bytes[start] === SERVER.title)
        events.onTitle?.(Buffer.from(bytes.subarray(start + 1, end)).toString());
      // Preferences are those of ttyd's own page.
    },
  };
}

/** `GET BASE/token`, beside `BASE/ws`. @throws CloudtermError `TZ_CLOUDTERM_BACKEND` */
function tokenOf(
  guard: UpstreamGuard,
  upstream: Upstream,
  options: UpstreamTerminalOptions,
  signal: AbortSignal | undefined,
): Promise<string> {
  const { secure, host, port, authority } = upstream;
  const path = upstream.path.replace(/\/ws(\?.*)?$/, "/token");
  const { fields = [], tls, connectTimeoutMs = 10_000 } = options;
  const headers = withOwnFields([["Host", authority]], fields).flat();
  const asked = { host, port, path, headers, agent: false as const, lookup: guard.lookup, signal };
  return new Promise((resolve, reject) => {
    const fail = (message: string): void => {
      clearTimeout(timer);
      reject(new CloudtermError("TZ_CLOUDTERM_BACKEND", message));
      request.destroy();
    };
    const request = secure ? httpsRequest({ ...tls, ...asked }) : httpRequest(asked);
    // For all of it: one that sends a byte now and then has not answered either.
    const timer = setTimeout(
      () => fail(`the upstream did not answer within ${connectTimeoutMs} ms`),
      connectTimeoutMs,
    );
    request.on("error", (error: NodeJS.ErrnoException) => fail(unreachable(error)));
    request.on("response", (response) => {
      let text = "";
      response.setEncoding("latin1");
      response.on("data", (chunk: string) => {
        text += chunk;
        if (text.length > TOKEN_BYTES_MAX) fail("the upstream's token is too long");
      });
      const onBroken = (): void => fail("the upstream broke off while it was asked for a token");
      response.on("error", onBroken);
      // After `end` nobody waits any more.
      response.on("close", onBroken);
      response.on("end", () => {
        try {
          const { token } = JSON.parse(text) as { token?: unknown };
          if (response.statusCode === 200 && typeof token === "string") {
            clearTimeout(timer);
            resolve(token);
          } else fail(`the upstream answered ${response.statusCode} when it was asked for a token`);
        } catch {
          fail(`the upstream answered ${response.statusCode} when it was asked for a token`);
        }
      });
    });
    request.end();
  });
}
