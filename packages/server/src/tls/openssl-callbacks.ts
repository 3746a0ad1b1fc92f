import {
  copyFromOpenssl,
  copyToOpenssl,
  nativeCallback,
  openssl,
  Region,
  SSL_CTRL_SET_TLSEXT_STATUS_REQ_OCSP_RESP,
  SSL_TLSEXT_ERR_ALERT_FATAL,
  SSL_TLSEXT_ERR_NOACK,
  SSL_TLSEXT_ERR_OK,
} from "@tz/sys";

/** What the OpenSSL engine speaks, the better first. HTTP/2 only where it is on and not `node:http2`'s. */
const PROTOCOLS = ["h2", "http/1.1"] as const;
/** The argument of {@link alpnCallback}: HTTP/2 may be chosen. */
export const WITH_HTTP2 = 1;
/** Longest list of protocols that is looked at. */
const MAX_LIST_BYTES = 4096;
const POINTER_BYTES = 8;
const LENGTH_OFFSET = 8;
const TEXT_OFFSETS = [16, 32] as const;
const LIST_OFFSET = 64;

let alpn: number | undefined;

/** OpenSSL's question which protocol is taken (RFC 7301 §3.2); the alert when none of ours is offered. */
export function alpnCallback(): number {
  alpn ??= makeAlpnCallback();
  return alpn;
}

function makeAlpnCallback(): number {
  const memory = Region.allocate(LIST_OFFSET + MAX_LIST_BYTES);
  for (const [i, name] of PROTOCOLS.entries()) memory.bytes.set(Buffer.from(name), TEXT_OFFSETS[i]);
  const list = memory.bytes.subarray(LIST_OFFSET);
  return nativeCallback(
    "int tz_alpn_select(intptr_t, intptr_t, intptr_t, intptr_t, uint32_t, intptr_t)",
    (_ssl, out = 0, outLength = 0, offered = 0, length = 0, argument = 0) => {
      if (length > MAX_LIST_BYTES) return SSL_TLSEXT_ERR_ALERT_FATAL;
      copyFromOpenssl(memory.address + LIST_OFFSET, offered, length);
      const first = argument === WITH_HTTP2 ? 0 : 1;
      const chosen = PROTOCOLS.findIndex((name, i) => i >= first && offers(list, length, name));
      if (chosen < 0) return SSL_TLSEXT_ERR_ALERT_FATAL;
      memory.view.setBigUint64(0, BigInt(memory.address + TEXT_OFFSETS[chosen]!), true);
      memory.bytes[LENGTH_OFFSET] = PROTOCOLS[chosen]!.length;
      copyToOpenssl(out, memory.address, POINTER_BYTES);
      copyToOpenssl(outLength, memory.address + LENGTH_OFFSET, 1);
      return SSL_TLSEXT_ERR_OK;
    },
  );
}

function offers(list: Uint8Array, length: number, protocol: string): boolean {
  for (let at = 0; at < length; at += 1 + list[at]!) {
    const end = at + 1 + list[at]!;
    if (end > length) return false;
    if (Buffer.from(list.subarray(at + 1, end)).toString("latin1") === protocol) return true;
  }
  return false;
}

let status: number | undefined;
const responses = new Map<number, Region>();
let lastResponse = 0;

/** OpenSSL's question for an OCSP response (RFC 6066 §8). Its argument is what {@link keepOcspResponse} gave. */
export function ocspCallback(): number {
  status ??= nativeCallback("int tz_ocsp_status(intptr_t, intptr_t)", (ssl = 0, id = 0) => {
    const response = responses.get(id);
    if (response === undefined) return SSL_TLSEXT_ERR_NOACK;
    const { CRYPTO_malloc, SSL_ctrl } = openssl();
    // The connection frees it: it must be OpenSSL's own memory.
    const copy = CRYPTO_malloc(response.byteLength, "tz", 0);
    if (copy === 0) return SSL_TLSEXT_ERR_NOACK;
    copyToOpenssl(copy, response.address, response.byteLength);
    SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_STATUS_REQ_OCSP_RESP, response.byteLength, copy);
    return SSL_TLSEXT_ERR_OK;
  });
  return status;
}

/** Keeps a response for the callback. @returns its number, never 0 */
export function keepOcspResponse(bytes: Uint8Array): number {
  const region = Region.allocate(bytes.byteLength);
  region.bytes.set(bytes);
  lastResponse++;
  responses.set(lastResponse, region);
  return lastResponse;
}

export function forgetOcspResponse(id: number): void {
  responses.get(id)?.release();
  responses.delete(id);
}
