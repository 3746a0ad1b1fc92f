/** The part of the result that says where and how the process listens. */
import type { Directive } from "./directive.js";
import { commonHost, readListen } from "./listen.js";
import type { Report } from "./report.js";
import { redirectPort, type ServerBlock } from "./servers.js";

export interface ProcessConfig {
  readonly host: string;
  readonly port?: number;
  readonly workers?: number | "auto";
  readonly cert?: string;
  readonly key?: string;
  readonly http2?: boolean;
  readonly httpRedirect?: number;
}

/** Directives of a server that are read here. */
export const PROCESS_DIRECTIVES: ReadonlySet<string> = new Set([
  "listen",
  "ssl",
  "http2",
  "ssl_certificate",
  "ssl_certificate_key",
]);

const DEFAULT_PORT = 80;

/**
 * @param around directives around the servers: certificates may stand there
 * @param others servers that are not converted; one may send clients to HTTPS
 */
export function processConfig(
  server: ServerBlock,
  around: readonly Directive[],
  others: readonly ServerBlock[],
  report: Report,
): ProcessConfig {
  const lines = server.directives.filter(({ name }) => name === "listen");
  const all = lines.flatMap((directive) => readListen(directive, report) ?? []);
  const isOn = (name: string) =>
    server.directives.some((each) => each.name === name && each.args[0] === "on");
  const secure = all.filter(({ isSecure }) => isSecure || isOn("ssl"));
  const plain = all.filter((address) => !secure.includes(address));
  const chosen = secure.length > 0 ? secure : plain;
  const first = lines[0] ?? server.directive;
  if (new Set(chosen.map(({ port }) => port)).size > 1) {
    report.refuse(first, "listens on several ports; tz-static has one: leave one of them, or start it twice");
  }
  const host = chosen.length === 0 ? "0.0.0.0" : commonHost(chosen.map((address) => address.host));
  if (host === undefined) {
    report.refuse(
      first,
      "listens on several addresses; tz-static has one: leave one of them, or say 0.0.0.0",
    );
  }
  const port = chosen.length === 0 ? DEFAULT_PORT : chosen[0]!.port;
  const place = { host: host ?? "0.0.0.0", ...(port !== undefined && { port }) };
  const workers = workersOf(around, report);
  if (secure.length === 0) return { ...place, ...workers };
  if (plain.length > 0) {
    report.note(first, "HTTP beside HTTPS: requests without TLS are now sent to HTTPS (httpRedirect)");
  }
  const redirect = plain[0]?.port ?? others.map(redirectPort).find((each) => each !== undefined);
  return {
    ...place,
    ...workers,
    ...certificate(server, around, report),
    ...((isOn("http2") || secure.some(({ isHttp2 }) => isHttp2)) && { http2: true }),
    ...(redirect !== undefined && { httpRedirect: redirect }),
  };
}

function certificate(
  server: ServerBlock,
  around: readonly Directive[],
  report: Report,
): Pick<ProcessConfig, "cert" | "key"> {
  const lines = (wanted: string) => {
    const own = server.directives.filter(({ name }) => name === wanted);
    return own.length > 0 ? own : around.filter(({ name }) => name === wanted);
  };
  const [cert, second] = lines("ssl_certificate");
  const [key] = lines("ssl_certificate_key");
  if (second !== undefined) report.refuse(second, "one certificate for a server; leave one of them");
  if (cert?.args[0] === undefined || key?.args[0] === undefined) {
    report.refuse(server.directive, "listens with ssl but lacks ssl_certificate or ssl_certificate_key");
    return {};
  }
  for (const line of [cert, key]) {
    if (/[$]|^(?:data|engine):/.test(line.args[0]!)) report.refuse(line, "must be the path of a PEM file");
  }
  return { cert: cert.args[0], key: key.args[0] };
}

/** `worker_processes auto`. One is the default of both. */
function workersOf(around: readonly Directive[], report: Report): Pick<ProcessConfig, "workers"> {
  const line = around.find(({ name }) => name === "worker_processes");
  const [word] = line?.args ?? [];
  if (line === undefined || word === "1") return {};
  if (word === "auto") return { workers: "auto" };
  const count = Number(word);
  if (Number.isInteger(count) && count > 0 && count <= 256) return { workers: count };
  report.refuse(line, "takes auto or a number from 1 to 256");
  return {};
}
