import { openssl, Region } from "@tz/sys";

const POINTER_BYTES = 8;

/** The certificate that the peer of a connection has shown, as DER; `undefined` when there is none. */
export function readPeerCertificate(ssl: number): Uint8Array | undefined {
  const { SSL_get1_peer_certificate, i2d_X509, X509_free } = openssl();
  const certificate = SSL_get1_peer_certificate(ssl);
  if (certificate === 0) return undefined;
  const length = i2d_X509(certificate, 0);
  const memory = Region.allocate(POINTER_BYTES + length);
  try {
    memory.view.setBigUint64(0, BigInt(memory.address + POINTER_BYTES), true);
    i2d_X509(certificate, memory.address);
    return memory.bytes.slice(POINTER_BYTES);
  } finally {
    memory.release();
    X509_free(certificate);
  }
}
