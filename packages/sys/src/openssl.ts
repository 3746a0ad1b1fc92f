/**
 * The OpenSSL inside the Node executable, under its own names, so that TLS on our loop is patched together
 * with Node. Handles are addresses (0 is NULL). Every SSL object belongs to whoever made it, until `SSL_free`.
 *
 * OpenSSL keeps its errors in a queue per thread and `SSL_get_error` looks at it: call `ERR_clear_error`
 * before each call whose `SSL_get_error` is read.
 */
import { checked, checkRange } from "./address-check.js";
import { UnsupportedError } from "./errors.js";
import { bind, find, type Support, support } from "./native.js";
import { Region } from "./region.js";

// SSL_get_error(3)
export const SSL_ERROR_NONE = 0;
export const SSL_ERROR_SSL = 1;
export const SSL_ERROR_WANT_READ = 2;
export const SSL_ERROR_WANT_WRITE = 3;
export const SSL_ERROR_SYSCALL = 5;
export const SSL_ERROR_ZERO_RETURN = 6;

// SSL_CTX_ctrl and SSL_ctrl: what the macros of ssl.h expand to
export const SSL_CTRL_MODE = 33;
export const SSL_CTRL_SET_SESS_CACHE_MODE = 44;
export const SSL_CTRL_SET_TLSEXT_HOSTNAME = 55;
export const SSL_CTRL_CHAIN_CERT = 89;
export const SSL_CTRL_SET_MIN_PROTO_VERSION = 123;
export const SSL_CTRL_SET_MAX_PROTO_VERSION = 124;
export const SSL_MODE_ENABLE_PARTIAL_WRITE = 0x1;
export const SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER = 0x2;
export const SSL_MODE_RELEASE_BUFFERS = 0x10;
export const SSL_FILETYPE_PEM = 1;
export const SSL_CTRL_SET_READ_AHEAD = 41;
export const SSL_CTRL_SET_TLSEXT_TICKET_KEYS = 59;
export const SSL_CTRL_SET_TLSEXT_STATUS_REQ_CB = 63;
export const SSL_CTRL_SET_TLSEXT_STATUS_REQ_OCSP_RESP = 71;
export const SSL_CTRL_SET_TLSEXT_TICKET_KEY_CB = 72;
export const SSL_CTRL_SET_GROUPS_LIST = 92;
/** What {@link SSL_CTRL_SET_TLSEXT_TICKET_KEYS} takes: name, HMAC key and AES key. */
export const SSL_TICKET_KEY_BYTES = 80;
export const SSL_SESS_CACHE_OFF = 0;
export const SSL_VERIFY_PEER = 1;
export const SSL_VERIFY_FAIL_IF_NO_PEER_CERT = 2;
export const SSL_OP_IGNORE_UNEXPECTED_EOF = 2 ** 7;
export const SSL_OP_NO_RENEGOTIATION = 2 ** 30;
// What a callback of a TLS extension answers
export const SSL_TLSEXT_ERR_OK = 0;
export const SSL_TLSEXT_ERR_ALERT_FATAL = 2;
export const SSL_TLSEXT_ERR_NOACK = 3;
export const TLS1_2_VERSION = 0x0303;
export const TLS1_3_VERSION = 0x0304;

const SIGNATURES = {
  TLS_server_method: "intptr_t TLS_server_method()",
  TLS_client_method: "intptr_t TLS_client_method()",
  SSL_CTX_new: "intptr_t SSL_CTX_new(intptr_t)",
  SSL_CTX_up_ref: "int SSL_CTX_up_ref(intptr_t)",
  SSL_CTX_free: "void SSL_CTX_free(intptr_t)",
  SSL_CTX_ctrl: "int64_t SSL_CTX_ctrl(intptr_t, int, int64_t, intptr_t)",
  SSL_CTX_set_options: "uint64_t SSL_CTX_set_options(intptr_t, uint64_t)",
  SSL_CTX_set_timeout: "int64_t SSL_CTX_set_timeout(intptr_t, int64_t)",
  SSL_CTX_set_num_tickets: "int SSL_CTX_set_num_tickets(intptr_t, size_t)",
  SSL_CTX_set_session_id_context: "int SSL_CTX_set_session_id_context(intptr_t, intptr_t, uint32_t)",
  SSL_CTX_use_certificate_chain_file: "int SSL_CTX_use_certificate_chain_file(intptr_t, const char *)",
  SSL_CTX_use_PrivateKey_file: "int SSL_CTX_use_PrivateKey_file(intptr_t, const char *, int)",
  SSL_CTX_use_certificate: "int SSL_CTX_use_certificate(intptr_t, intptr_t)",
  SSL_CTX_use_PrivateKey: "int SSL_CTX_use_PrivateKey(intptr_t, intptr_t)",
  SSL_CTX_check_private_key: "int SSL_CTX_check_private_key(intptr_t)",
  SSL_CTX_set_cipher_list: "int SSL_CTX_set_cipher_list(intptr_t, const char *)",
  SSL_CTX_set_ciphersuites: "int SSL_CTX_set_ciphersuites(intptr_t, const char *)",
  SSL_new: "intptr_t SSL_new(intptr_t)",
  SSL_free: "void SSL_free(intptr_t)",
  SSL_ctrl: "int64_t SSL_ctrl(intptr_t, int, int64_t, intptr_t)",
  SSL_set_fd: "int SSL_set_fd(intptr_t, int)",
  SSL_get_SSL_CTX: "intptr_t SSL_get_SSL_CTX(intptr_t)",
  SSL_set_SSL_CTX: "intptr_t SSL_set_SSL_CTX(intptr_t, intptr_t)",
  SSL_set_accept_state: "void SSL_set_accept_state(intptr_t)",
  SSL_set_connect_state: "void SSL_set_connect_state(intptr_t)",
  SSL_do_handshake: "int SSL_do_handshake(intptr_t)",
  SSL_is_init_finished: "int SSL_is_init_finished(intptr_t)",
  SSL_read: "int SSL_read(intptr_t, intptr_t, int)",
  SSL_write: "int SSL_write(intptr_t, intptr_t, int)",
  SSL_pending: "int SSL_pending(intptr_t)",
  SSL_shutdown: "int SSL_shutdown(intptr_t)",
  SSL_get_error: "int SSL_get_error(intptr_t, int)",
  SSL_session_reused: "int SSL_session_reused(intptr_t)",
  SSL_get0_alpn_selected: "void SSL_get0_alpn_selected(intptr_t, intptr_t, intptr_t)",
  SSL_get_version: "const char * SSL_get_version(intptr_t)",
  SSL_get_servername: "const char * SSL_get_servername(intptr_t, int)",
  ERR_clear_error: "void ERR_clear_error()",
  ERR_get_error: "uint64_t ERR_get_error()",
  ERR_error_string_n: "void ERR_error_string_n(uint64_t, intptr_t, size_t)",
  BIO_new_mem_buf: "intptr_t BIO_new_mem_buf(intptr_t, int)",
  BIO_free: "int BIO_free(intptr_t)",
  PEM_read_bio_X509: "intptr_t PEM_read_bio_X509(intptr_t, intptr_t, intptr_t, intptr_t)",
  PEM_read_bio_PrivateKey: "intptr_t PEM_read_bio_PrivateKey(intptr_t, intptr_t, intptr_t, intptr_t)",
  X509_free: "void X509_free(intptr_t)",
  EVP_PKEY_free: "void EVP_PKEY_free(intptr_t)",
  SSL_CTX_callback_ctrl: "int64_t SSL_CTX_callback_ctrl(intptr_t, int, intptr_t)",
  SSL_CTX_set_alpn_select_cb: "void SSL_CTX_set_alpn_select_cb(intptr_t, intptr_t, intptr_t)",
  SSL_CTX_set_verify: "void SSL_CTX_set_verify(intptr_t, int, intptr_t)",
  SSL_CTX_get_cert_store: "intptr_t SSL_CTX_get_cert_store(intptr_t)",
  SSL_CTX_add_client_CA: "int SSL_CTX_add_client_CA(intptr_t, intptr_t)",
  X509_STORE_add_cert: "int X509_STORE_add_cert(intptr_t, intptr_t)",
  SSL_get1_peer_certificate: "intptr_t SSL_get1_peer_certificate(intptr_t)",
  i2d_X509: "int i2d_X509(intptr_t, intptr_t)",
  SSL_has_pending: "int SSL_has_pending(intptr_t)",
  SSL_get_rbio: "intptr_t SSL_get_rbio(intptr_t)",
  BIO_number_read: "uint64_t BIO_number_read(intptr_t)",
  SSL_get_current_cipher: "intptr_t SSL_get_current_cipher(intptr_t)",
  SSL_CIPHER_get_name: "const char * SSL_CIPHER_get_name(intptr_t)",
  EVP_aes_256_cbc: "intptr_t EVP_aes_256_cbc()",
  EVP_sha256: "intptr_t EVP_sha256()",
  EVP_EncryptInit_ex: "int EVP_EncryptInit_ex(intptr_t, intptr_t, intptr_t, intptr_t, intptr_t)",
  EVP_DecryptInit_ex: "int EVP_DecryptInit_ex(intptr_t, intptr_t, intptr_t, intptr_t, intptr_t)",
  HMAC_Init_ex: "int HMAC_Init_ex(intptr_t, intptr_t, int, intptr_t, intptr_t)",
  CRYPTO_malloc: "intptr_t CRYPTO_malloc(size_t, const char *, int)",
  CRYPTO_free: "void CRYPTO_free(intptr_t, const char *, int)",
  OpenSSL_version_num: "uint64_t OpenSSL_version_num()",
} as const;

/** The functions that are bound, each with its C signature (handles and addresses as Numbers). */
export interface OpenSsl {
  TLS_server_method(): number;
  TLS_client_method(): number;
  /** @returns a context, 0 on failure */
  SSL_CTX_new(method: number): number;
  SSL_CTX_up_ref(context: number): number;
  SSL_CTX_free(context: number): void;
  SSL_CTX_ctrl(context: number, command: number, value: number, pointer: number): number;
  SSL_CTX_set_options(context: number, options: number): number;
  SSL_CTX_set_timeout(context: number, seconds: number): number;
  SSL_CTX_set_num_tickets(context: number, count: number): number;
  SSL_CTX_set_session_id_context(context: number, address: number, length: number): number;
  SSL_CTX_use_certificate_chain_file(context: number, path: string): number;
  SSL_CTX_use_PrivateKey_file(context: number, path: string, type: number): number;
  SSL_CTX_use_certificate(context: number, certificate: number): number;
  SSL_CTX_use_PrivateKey(context: number, key: number): number;
  SSL_CTX_check_private_key(context: number): number;
  SSL_CTX_set_cipher_list(context: number, list: string): number;
  SSL_CTX_set_ciphersuites(context: number, list: string): number;
  /** @returns a connection, 0 on failure */
  SSL_new(context: number): number;
  SSL_free(ssl: number): void;
  SSL_ctrl(ssl: number, command: number, value: number, pointer: number): number;
  SSL_set_fd(ssl: number, fd: number): number;
  /** @returns the connection's context: not to be freed */
  SSL_get_SSL_CTX(ssl: number): number;
  SSL_set_SSL_CTX(ssl: number, context: number): number;
  SSL_set_accept_state(ssl: number): void;
  SSL_set_connect_state(ssl: number): void;
  SSL_do_handshake(ssl: number): number;
  SSL_is_init_finished(ssl: number): number;
  /** @returns bytes read, or 0 and below: ask `SSL_get_error` */
  SSL_read(ssl: number, address: number, length: number): number;
  /** @returns bytes taken, or 0 and below: ask `SSL_get_error` */
  SSL_write(ssl: number, address: number, length: number): number;
  SSL_pending(ssl: number): number;
  SSL_shutdown(ssl: number): number;
  SSL_get_error(ssl: number, result: number): number;
  SSL_session_reused(ssl: number): number;
  /** @param out address of a pointer to the name, or 0 when there is none @param outLength of a `uint32_t` */
  SSL_get0_alpn_selected(ssl: number, out: number, outLength: number): void;
  SSL_get_version(ssl: number): string;
  SSL_get_servername(ssl: number, type: number): string | null;
  ERR_clear_error(): void;
  ERR_get_error(): number;
  ERR_error_string_n(error: number, address: number, length: number): void;
  /** A read-only BIO over memory that must live as long. */
  BIO_new_mem_buf(address: number, length: number): number;
  BIO_free(bio: number): number;
  PEM_read_bio_X509(bio: number, out: number, callback: number, user: number): number;
  PEM_read_bio_PrivateKey(bio: number, out: number, callback: number, user: number): number;
  X509_free(certificate: number): void;
  EVP_PKEY_free(key: number): void;
  SSL_CTX_callback_ctrl(context: number, command: number, callback: number): number;
  SSL_CTX_set_alpn_select_cb(context: number, callback: number, user: number): void;
  SSL_CTX_set_verify(context: number, mode: number, callback: number): void;
  /** @returns the context's own store: not to be freed */
  SSL_CTX_get_cert_store(context: number): number;
  SSL_CTX_add_client_CA(context: number, certificate: number): number;
  X509_STORE_add_cert(store: number, certificate: number): number;
  /** @returns a certificate to be freed, 0 when the peer gave none */
  SSL_get1_peer_certificate(ssl: number): number;
  /** @param out address of a pointer to where the DER bytes go, or 0 @returns their number */
  i2d_X509(certificate: number, out: number): number;
  /** @returns 1 when bytes were taken from the socket and not yet given out, decrypted or not */
  SSL_has_pending(ssl: number): number;
  SSL_get_rbio(ssl: number): number;
  /** @returns bytes that were read through the BIO since it was made */
  BIO_number_read(bio: number): number;
  SSL_get_current_cipher(ssl: number): number;
  SSL_CIPHER_get_name(cipher: number): string;
  EVP_aes_256_cbc(): number;
  EVP_sha256(): number;
  /** @param key 32 bytes for AES-256 @param iv of OpenSSL or of a region */
  EVP_EncryptInit_ex(context: number, cipher: number, engine: number, key: number, iv: number): number;
  EVP_DecryptInit_ex(context: number, cipher: number, engine: number, key: number, iv: number): number;
  HMAC_Init_ex(context: number, key: number, length: number, digest: number, engine: number): number;
  CRYPTO_malloc(length: number, file: string, line: number): number;
  CRYPTO_free(address: number, file: string, line: number): void;
  OpenSSL_version_num(): number;
}

const POINTER_BYTES = 8;
const AES_256_KEY_BYTES = 32;
/** A `uint32_t`. */
const LENGTH_BYTES = 4;

let bound: OpenSsl | { readonly missing: string } | undefined;

function bindAll(): OpenSsl | { readonly missing: string } {
  if (!support.supported) return { missing: support.reason };
  const functions: Record<string, unknown> = {};
  for (const [name, signature] of Object.entries(SIGNATURES)) {
    const native = find(signature);
    if (native === undefined) return { missing: `this Node executable has no ${name}` };
    functions[name] = native;
  }
  const table = functions as unknown as OpenSsl;
  const range = (name: string) => (_handle: number, address: number, length: number) =>
    checkRange(name, address, length);
  return {
    ...table,
    SSL_read: checked(table.SSL_read, range("SSL_read")),
    SSL_write: checked(table.SSL_write, range("SSL_write")),
    SSL_CTX_set_session_id_context: checked(
      table.SSL_CTX_set_session_id_context,
      range("SSL_CTX_set_session_id_context"),
    ),
    ERR_error_string_n: checked(table.ERR_error_string_n, range("ERR_error_string_n")),
    SSL_CTX_ctrl: checked(table.SSL_CTX_ctrl, (_context, command, value, pointer) => {
      if (command === SSL_CTRL_SET_TLSEXT_TICKET_KEYS) checkRange("SSL_CTX_ctrl", pointer, value);
    }),
    SSL_get0_alpn_selected: checked(table.SSL_get0_alpn_selected, (_ssl, out, outLength) => {
      checkRange("SSL_get0_alpn_selected", out, POINTER_BYTES);
      checkRange("SSL_get0_alpn_selected", outLength, LENGTH_BYTES);
    }),
    i2d_X509: checked(table.i2d_X509, (_certificate, out) => {
      if (out !== 0) checkRange("i2d_X509", out, POINTER_BYTES);
    }),
    EVP_EncryptInit_ex: checked(table.EVP_EncryptInit_ex, (_context, _cipher, _engine, key) =>
      checkRange("EVP_EncryptInit_ex", key, AES_256_KEY_BYTES),
    ),
    EVP_DecryptInit_ex: checked(table.EVP_DecryptInit_ex, (_context, _cipher, _engine, key) =>
      checkRange("EVP_DecryptInit_ex", key, AES_256_KEY_BYTES),
    ),
    HMAC_Init_ex: checked(table.HMAC_Init_ex, (_context, key, length) =>
      checkRange("HMAC_Init_ex", key, length),
    ),
    BIO_new_mem_buf: checked(table.BIO_new_mem_buf, (address, length) =>
      checkRange("BIO_new_mem_buf", address, length),
    ),
  };
}

/** Whether Node's OpenSSL can be called, with the reason when not. Never throws. */
export function opensslSupported(): Support {
  bound ??= bindAll();
  return "missing" in bound ? { supported: false, reason: bound.missing } : { supported: true };
}

/** Node's OpenSSL. Keep the result: a hot path should call its functions directly. @throws UnsupportedError */
export function openssl(): OpenSsl {
  bound ??= bindAll();
  if ("missing" in bound) throw new UnsupportedError("openssl", bound.missing);
  return bound;
}

const ERROR_TEXT_BYTES = 256;
let errorText: Region | undefined;

/** Empties this thread's error queue: its entries as text, oldest first. @throws UnsupportedError */
export function takeOpensslErrors(): string[] {
  const ssl = openssl();
  errorText ??= Region.allocate(ERROR_TEXT_BYTES);
  const texts: string[] = [];
  for (let error = ssl.ERR_get_error(); error !== 0; error = ssl.ERR_get_error()) {
    ssl.ERR_error_string_n(error, errorText.address, ERROR_TEXT_BYTES);
    const bytes = Buffer.from(errorText.bytes);
    texts.push(bytes.toString("utf8", 0, bytes.indexOf(0)));
  }
  return texts;
}

const nativeCopy = bind("intptr_t memcpy(intptr_t, intptr_t, size_t)");

/** Copies memory that OpenSSL owns to `address`, which lies in a region. */
export const copyFromOpenssl: (address: number, source: number, length: number) => void = checked(
  (address, source, length) => void nativeCopy(address, source, length),
  (address, _source, length) => checkRange("copyFromOpenssl", address, length),
);

/** Copies bytes at `address`, which lies in a region, to memory that OpenSSL owns. */
export const copyToOpenssl: (target: number, address: number, length: number) => void = checked(
  (target, address, length) => void nativeCopy(target, address, length),
  (_target, address, length) => checkRange("copyToOpenssl", address, length),
);

/** Copies `length` bytes from one place to another; both lie in regions and do not overlap. */
export const copyMemory: (target: number, source: number, length: number) => void = checked(
  (target, source, length) => void nativeCopy(target, source, length),
  (target, source, length) => {
    checkRange("copyMemory", target, length);
    checkRange("copyMemory", source, length);
  },
);
