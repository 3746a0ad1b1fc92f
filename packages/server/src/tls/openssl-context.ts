import { createHash } from "node:crypto";
import {
  openssl,
  Region,
  SSL_CTRL_CHAIN_CERT,
  SSL_CTRL_MODE,
  SSL_CTRL_SET_GROUPS_LIST,
  SSL_CTRL_SET_MIN_PROTO_VERSION,
  SSL_CTRL_SET_READ_AHEAD,
  SSL_CTRL_SET_SESS_CACHE_MODE,
  SSL_CTRL_SET_TLSEXT_STATUS_REQ_CB,
  SSL_CTRL_SET_TLSEXT_TICKET_KEY_CB,
  SSL_CTRL_SET_TLSEXT_TICKET_KEYS,
  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER,
  SSL_MODE_ENABLE_PARTIAL_WRITE,
  SSL_MODE_RELEASE_BUFFERS,
  SSL_OP_IGNORE_UNEXPECTED_EOF,
  SSL_OP_NO_RENEGOTIATION,
  SSL_SESS_CACHE_OFF,
  SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
  SSL_VERIFY_PEER,
  TLS1_2_VERSION,
  TLS1_3_VERSION,
  takeOpensslErrors,
} from "@tz/sys";
import { ServerError } from "../errors.js";
import {
  alpnCallback,
  forgetOcspResponse,
  keepOcspResponse,
  ocspCallback,
  WITH_HTTP2,
} from "./openssl-callbacks.js";
import type { TicketKeys } from "./ticket-keys.js";
import { forgetRenewal, renewTickets, ticketKeyCallback } from "./ticket-renewal.js";
import { GROUPS, type LoadedCertificate, type LoadedTls } from "./tls-options.js";

const SSL_CTRL_SET_TLSEXT_STATUS_REQ_CB_ARG = 64;
/** `SSL_CTX_add1_chain_cert`: the context takes a reference of its own. */
const TAKE_REFERENCE = 1;
const SESSION_CONTEXT_BYTES = 32;
const MODES = SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS;

/** An `SSL_CTX` of one certificate and one key that reads tickets. Connections hold references of their own. */
export class OpensslContext {
  readonly handle: number;
  readonly #ocsp: number;
  /** How long a handshake may go on after {@link free}. */
  readonly #handshakeTimeoutMs: number;
  #freed = false;

  /**
   * @param reads whether it is for tickets of the newest key, or of the one before: those are renewed
   * @param http2 whether `h2` is chosen where a client offers it
   * @throws ServerError `TZ_SERVER_OPTION` with what OpenSSL says
   */
  constructor(
    certificate: LoadedCertificate,
    tls: LoadedTls,
    keys: TicketKeys,
    reads: "current" | "previous",
    http2: boolean,
  ) {
    const ssl = openssl();
    const context = ssl.SSL_CTX_new(ssl.TLS_server_method());
    if (context === 0) {
      throw new ServerError(
        "TZ_SERVER_OPTION",
        `tls is refused: ${takeOpensslErrors().join("; ") || "no memory"}`,
      );
    }
    this.handle = context;
    this.#handshakeTimeoutMs = tls.handshakeTimeoutMs;
    this.#ocsp = certificate.ocsp === undefined ? 0 : keepOcspResponse(certificate.ocsp);
    try {
      const need = (name: string, result: number): void => {
        if (result === 1) return;
        throw new ServerError(
          "TZ_SERVER_OPTION",
          `tls.${name} is refused: ${takeOpensslErrors().join("; ")}`,
        );
      };
      const version = tls.minVersion === "TLSv1.3" ? TLS1_3_VERSION : TLS1_2_VERSION;
      need("minVersion", ssl.SSL_CTX_ctrl(context, SSL_CTRL_SET_MIN_PROTO_VERSION, version, 0));
      ssl.SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION + SSL_OP_IGNORE_UNEXPECTED_EOF);
      ssl.SSL_CTX_ctrl(context, SSL_CTRL_MODE, MODES, 0);
      // One read(2) for what is there, not one for each record's header and one for its rest.
      ssl.SSL_CTX_ctrl(context, SSL_CTRL_SET_READ_AHEAD, 1, 0);
      if (tls.ciphers !== "") need("ciphers", ssl.SSL_CTX_set_cipher_list(context, tls.ciphers));
      if (tls.ciphersuites !== "") need("ciphers", ssl.SSL_CTX_set_ciphersuites(context, tls.ciphersuites));
      withBytes(Buffer.from(`${GROUPS}\0`), (address) =>
        need("groups", ssl.SSL_CTX_ctrl(context, SSL_CTRL_SET_GROUPS_LIST, 0, address)),
      );
      useCertificate(context, certificate, need);
      if (tls.clientCertificate !== "off") verifyClients(context, tls, need);
      // Sessions live in tickets: nothing is kept here, and every worker with the keys can resume them.
      ssl.SSL_CTX_ctrl(context, SSL_CTRL_SET_SESS_CACHE_MODE, SSL_SESS_CACHE_OFF, 0);
      ssl.SSL_CTX_set_timeout(context, tls.sessionTimeoutS);
      // A session of another certificate, or of another rule for clients, is not resumed here.
      withBytes(sessionContext(certificate, tls), (address) =>
        ssl.SSL_CTX_set_session_id_context(context, address, SESSION_CONTEXT_BYTES),
      );
      if (reads === "current") {
        // OpenSSL does it all: a callback would cost each handshake two calls from C.
        withBytes(keys.current, (address, length) =>
          need("ticketKeys", ssl.SSL_CTX_ctrl(context, SSL_CTRL_SET_TLSEXT_TICKET_KEYS, length, address)),
        );
      } else {
        renewTickets(context, keys);
        ssl.SSL_CTX_callback_ctrl(context, SSL_CTRL_SET_TLSEXT_TICKET_KEY_CB, ticketKeyCallback());
      }
      ssl.SSL_CTX_set_alpn_select_cb(context, alpnCallback(), http2 ? WITH_HTTP2 : 0);
      if (this.#ocsp !== 0) {
        ssl.SSL_CTX_callback_ctrl(context, SSL_CTRL_SET_TLSEXT_STATUS_REQ_CB, ocspCallback());
        ssl.SSL_CTX_ctrl(context, SSL_CTRL_SET_TLSEXT_STATUS_REQ_CB_ARG, 0, this.#ocsp);
      }
    } catch (error) {
      this.free();
      throw error;
    } finally {
      ssl.ERR_clear_error();
    }
  }

  /** Gives our reference back; the last connection frees the context. */
  free(): void {
    if (this.#freed) return;
    this.#freed = true;
    openssl().SSL_CTX_free(this.handle);
    forgetRenewal(this.handle, this.#handshakeTimeoutMs);
    if (this.#ocsp !== 0) forgetOcspResponse(this.#ocsp);
  }
}

type Need = (name: string, result: number) => void;

function useCertificate(context: number, { chain, key }: LoadedCertificate, need: Need): void {
  const ssl = openssl();
  for (const [i, pem] of chain.entries()) {
    const certificate = readCertificate(pem);
    try {
      if (i === 0) need("cert", ssl.SSL_CTX_use_certificate(context, certificate));
      else need("cert", ssl.SSL_CTX_ctrl(context, SSL_CTRL_CHAIN_CERT, TAKE_REFERENCE, certificate));
    } finally {
      ssl.X509_free(certificate);
    }
  }
  const privateKey = withBio(key, (bio) => ssl.PEM_read_bio_PrivateKey(bio, 0, 0, 0));
  try {
    need("key", ssl.SSL_CTX_use_PrivateKey(context, privateKey));
  } finally {
    ssl.EVP_PKEY_free(privateKey);
  }
  need("key", ssl.SSL_CTX_check_private_key(context));
}

function verifyClients(context: number, tls: LoadedTls, need: Need): void {
  const ssl = openssl();
  const store = ssl.SSL_CTX_get_cert_store(context);
  for (const pem of tls.ca) {
    const certificate = readCertificate(pem);
    try {
      need("ca", ssl.X509_STORE_add_cert(store, certificate));
      need("ca", ssl.SSL_CTX_add_client_CA(context, certificate));
    } finally {
      ssl.X509_free(certificate);
    }
  }
  const required = tls.clientCertificate === "required" ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0;
  ssl.SSL_CTX_set_verify(context, SSL_VERIFY_PEER | required, 0);
}

function sessionContext(certificate: LoadedCertificate, tls: LoadedTls): Buffer {
  const hash = createHash("sha256").update(certificate.der).update(tls.clientCertificate);
  return hash.update(tls.ca.join("")).digest();
}

function readCertificate(pem: string): number {
  return withBio(pem, (bio) => openssl().PEM_read_bio_X509(bio, 0, 0, 0));
}

function withBio(text: string, use: (bio: number) => number): number {
  return withBytes(Buffer.from(text), (address, length) => {
    const { BIO_new_mem_buf, BIO_free } = openssl();
    const bio = BIO_new_mem_buf(address, length);
    try {
      return use(bio);
    } finally {
      BIO_free(bio);
    }
  });
}

/** Bytes at an address during a call; wiped afterwards, since keys are among them. */
function withBytes<T>(bytes: Uint8Array, use: (address: number, length: number) => T): T {
  const region = Region.allocate(bytes.byteLength);
  try {
    region.bytes.set(bytes);
    return use(region.address, region.byteLength);
  } finally {
    region.bytes.fill(0);
    region.release();
  }
}
