import { isIPv4 } from "node:net";
import { AddressSet } from "../proxies/address-set.js";
import type { ServerRequest } from "../request.js";

/** Made when it is first asked for. */
let loopback: AddressSet | undefined;
/** What proxies write: whoever asks then is somewhere else. */
const FORWARDING = [
  "forwarded",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
  "x-real-ip",
  "via",
];

/**
 * Whether a request comes from this machine and was meant for it: from a loopback address or a Unix socket, not passed
 * on by a proxy, and under a name of this machine. A page of another site whose name was made to resolve to 127.0.0.1
 * (DNS rebinding) fails the last.
 *
 * A proxy on this machine that neither passes the name on nor says that it is one cannot be told from a local client.
 */
export function isLocal(request: ServerRequest): boolean {
  const { remoteAddress } = request;
  loopback ??= new AddressSet(["loopback"]);
  if (remoteAddress !== "" && !loopback.has(remoteAddress)) return false;
  if (FORWARDING.some((name) => request.field(name) !== undefined)) return false;
  return isLocalName(hostnameOf(request.field("host") ?? ""));
}

function hostnameOf(host: string): string {
  return host
    .replace(/:\d*$/, "")
    .replace(/^\[(.*)\]$/, "$1")
    .toLowerCase();
}

function isLocalName(name: string): boolean {
  if (isIPv4(name)) return name.startsWith("127.");
  return name === "localhost" || name.endsWith(".localhost") || name === "::1";
}
