import { randomBytes } from "node:crypto";
import { copyFromOpenssl, copyToOpenssl, nativeCallback, openssl, Region } from "@tz/sys";
import { HMAC_KEY_BYTES, TICKET_KEY_BYTES, TICKET_NAME_BYTES, type TicketKeys } from "./ticket-keys.js";

const IV_BYTES = 16;
const AES_START = TICKET_NAME_BYTES + HMAC_KEY_BYTES;

// What OpenSSL's ticket key callback answers (SSL_CTX_set_tlsext_ticket_key_cb(3)).
const FAILED = -1;
const UNKNOWN_KEY = 0;
const DONE = 1;
/** The ticket is good, and the client gets a new one. */
const RENEW = 2;

/** By `SSL_CTX`. */
const renewals = new Map<number, TicketKeys>();
let callback: number | undefined;

/** Tickets of the key before are read in this context, and new ones are made with the newest key. */
export function renewTickets(context: number, keys: TicketKeys): void {
  renewals.set(context, keys);
}

/** @param afterMs handshakes that go on hold the context, and may ask still */
export function forgetRenewal(context: number, afterMs: number): void {
  const keys = renewals.get(context);
  if (keys === undefined) return;
  setTimeout(() => {
    // Its address may be another context's by then.
    if (renewals.get(context) === keys) renewals.delete(context);
  }, afterMs).unref();
}

/**
 * OpenSSL's question for the key of a ticket that it reads or makes. Tickets are OpenSSL's own: name, initialization
 * vector, AES-256-CBC, HMAC-SHA-256 (RFC 5077 §4), so a context without this callback reads them.
 */
export function ticketKeyCallback(): number {
  callback ??= makeCallback();
  return callback;
}

function makeCallback(): number {
  const key = Region.allocate(TICKET_KEY_BYTES);
  const random = Region.allocate(IV_BYTES);
  return nativeCallback(
    "int tz_ticket_key(intptr_t, intptr_t, intptr_t, intptr_t, intptr_t, int)",
    (connection = 0, name = 0, iv = 0, cipher = 0, mac = 0, isMade = 0) => {
      const { SSL_get_SSL_CTX, EVP_aes_256_cbc, EVP_EncryptInit_ex, EVP_DecryptInit_ex } = openssl();
      const { HMAC_Init_ex, EVP_sha256 } = openssl();
      const keys = renewals.get(SSL_get_SSL_CTX(connection));
      if (keys === undefined) return isMade ? FAILED : UNKNOWN_KEY;
      try {
        let init = EVP_EncryptInit_ex;
        if (isMade) {
          key.bytes.set(keys.current);
          random.bytes.set(randomBytes(IV_BYTES));
          copyToOpenssl(name, key.address, TICKET_NAME_BYTES);
          copyToOpenssl(iv, random.address, IV_BYTES);
        } else {
          const found = keyNamed(name, key, keys);
          if (found === undefined) return UNKNOWN_KEY;
          key.bytes.set(found);
          init = EVP_DecryptInit_ex;
        }
        if (HMAC_Init_ex(mac, key.address + TICKET_NAME_BYTES, HMAC_KEY_BYTES, EVP_sha256(), 0) !== 1)
          return FAILED;
        if (init(cipher, EVP_aes_256_cbc(), 0, key.address + AES_START, iv) !== 1) return FAILED;
        return isMade ? DONE : RENEW;
      } finally {
        key.bytes.fill(0);
      }
    },
  );
}

function keyNamed(name: number, scratch: Region, keys: TicketKeys): Uint8Array | undefined {
  copyFromOpenssl(scratch.address, name, TICKET_NAME_BYTES);
  const wanted = scratch.bytes.subarray(0, TICKET_NAME_BYTES);
  return [keys.current, keys.previous].find(
    (each) => each !== undefined && Buffer.compare(each.subarray(0, TICKET_NAME_BYTES), wanted) === 0,
  );
}
