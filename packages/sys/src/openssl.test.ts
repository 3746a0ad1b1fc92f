import { Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { afterEach, expect, test } from "vitest";
import { AF_INET, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_STREAM } from "./constants.js";
import { close } from "./file.js";
import { nativeCallback } from "./native.js";
import {
  copyFromOpenssl,
  copyMemory,
  copyToOpenssl,
  openssl,
  opensslSupported,
  SSL_CTRL_MODE,
  SSL_CTRL_SET_MAX_PROTO_VERSION,
  SSL_CTRL_SET_MIN_PROTO_VERSION,
  SSL_CTRL_SET_TLSEXT_HOSTNAME,
  SSL_CTRL_SET_TLSEXT_TICKET_KEYS,
  SSL_ERROR_SSL,
  SSL_ERROR_WANT_READ,
  SSL_ERROR_WANT_WRITE,
  SSL_ERROR_ZERO_RETURN,
  SSL_MODE_RELEASE_BUFFERS,
  SSL_TLSEXT_ERR_OK,
  TLS1_2_VERSION,
  TLS1_3_VERSION,
  takeOpensslErrors,
} from "./openssl.js";
import { Region } from "./region.js";
import { accept4, bind, getsockname, listen, send, socket, socketpair } from "./socket.js";
import { TEST_CERTIFICATE, TEST_KEY } from "./test-certificate.fixture.js";
import { watchReadable } from "./watch/watch.js";

const ssl = openssl();
const memory = Region.allocate(64 * 1024);
const opened: number[] = [];
afterEach(() => {
  for (const fd of opened.splice(0)) close(fd);
  expect(takeOpensslErrors()).toEqual([]);
});

function own(fd: number): number {
  opened.push(fd);
  return fd;
}

function pem<T>(text: string, use: (bio: number) => T): T {
  const bytes = Buffer.from(text);
  const region = Region.allocate(bytes.length);
  region.bytes.set(bytes);
  const bio = ssl.BIO_new_mem_buf(region.address, bytes.length);
  try {
    return use(bio);
  } finally {
    ssl.BIO_free(bio);
    region.release();
  }
}

function serverContext(): number {
  const context = ssl.SSL_CTX_new(ssl.TLS_server_method());
  const certificate = pem(TEST_CERTIFICATE, (bio) => ssl.PEM_read_bio_X509(bio, 0, 0, 0));
  const key = pem(TEST_KEY, (bio) => ssl.PEM_read_bio_PrivateKey(bio, 0, 0, 0));
  expect(ssl.SSL_CTX_use_certificate(context, certificate)).toBe(1);
  expect(ssl.SSL_CTX_use_PrivateKey(context, key)).toBe(1);
  expect(ssl.SSL_CTX_check_private_key(context)).toBe(1);
  ssl.X509_free(certificate);
  ssl.EVP_PKEY_free(key);
  expect(
    ssl.SSL_CTX_ctrl(context, SSL_CTRL_MODE, SSL_MODE_RELEASE_BUFFERS, 0) & SSL_MODE_RELEASE_BUFFERS,
  ).toBe(SSL_MODE_RELEASE_BUFFERS);
  return context;
}

function text(offset: number, length: number): string {
  return Buffer.from(memory.bytes.subarray(offset, offset + length)).toString();
}

/** One step of a handshake: done, or what it waits for. */
function step(connection: number): "done" | number {
  ssl.ERR_clear_error();
  const result = ssl.SSL_do_handshake(connection);
  return result === 1 ? "done" : ssl.SSL_get_error(connection, result);
}

test("it is there", () => {
  expect(opensslSupported()).toEqual({ supported: true });
  expect(ssl.OpenSSL_version_num()).toBeGreaterThan(0x30000000);
});

test.each([
  ["TLSv1.2", TLS1_2_VERSION],
  ["TLSv1.3", TLS1_3_VERSION],
])("%s between two sockets of ours: handshake, data both ways, close", (name, version) => {
  const [a, b] = socketpair(SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC).map(own) as [number, number];
  const context = serverContext();
  const clientContext = ssl.SSL_CTX_new(ssl.TLS_client_method());
  ssl.SSL_CTX_ctrl(clientContext, SSL_CTRL_SET_MIN_PROTO_VERSION, version, 0);
  ssl.SSL_CTX_ctrl(clientContext, SSL_CTRL_SET_MAX_PROTO_VERSION, version, 0);
  const server = ssl.SSL_new(context);
  const client = ssl.SSL_new(clientContext);
  ssl.SSL_set_fd(server, a);
  ssl.SSL_set_fd(client, b);
  ssl.SSL_set_accept_state(server);
  ssl.SSL_set_connect_state(client);
  memory.bytes.set(Buffer.from("localhost\0"));
  ssl.SSL_ctrl(client, SSL_CTRL_SET_TLSEXT_HOSTNAME, 0, memory.address);
  let states: ("done" | number)[] = [];
  for (let i = 0; i < 10 && states.join() !== "done,done"; i++) states = [step(client), step(server)];
  expect(states).toEqual(["done", "done"]);
  expect([ssl.SSL_is_init_finished(server), ssl.SSL_get_version(server)]).toEqual([1, name]);
  expect([ssl.SSL_get_servername(server, 0), ssl.SSL_get_servername(client, 0)]).toEqual([
    "localhost",
    "localhost",
  ]);

  const sent = Buffer.from("a request through OpenSSL");
  memory.bytes.set(sent, 100);
  expect(ssl.SSL_write(client, memory.addressOf(100), sent.length)).toBe(sent.length);
  expect(ssl.SSL_read(server, memory.addressOf(1000), 9)).toBe(9);
  expect(ssl.SSL_pending(server)).toBe(sent.length - 9);
  expect(ssl.SSL_read(server, memory.addressOf(1009), 1000)).toBe(sent.length - 9);
  expect(text(1000, sent.length)).toBe(sent.toString());
  const none = ssl.SSL_read(server, memory.address, 10);
  expect([none, ssl.SSL_get_error(server, none)]).toEqual([-1, SSL_ERROR_WANT_READ]);
  ssl.SSL_write(server, memory.addressOf(100), 5);
  expect(ssl.SSL_read(client, memory.addressOf(2000), 100)).toBe(5);
  ssl.SSL_shutdown(server);
  const end = ssl.SSL_read(client, memory.address, 10);
  expect([end, ssl.SSL_get_error(client, end)]).toEqual([0, SSL_ERROR_ZERO_RETURN]);
  for (const connection of [server, client]) ssl.SSL_free(connection);
  for (const each of [context, clientContext]) ssl.SSL_CTX_free(each);
});

test("node:tls connects to it and verifies it", async () => {
  const context = serverContext();
  const listening = own(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC));
  bind(listening, { family: "ipv4", host: "127.0.0.1", port: 0 });
  listen(listening, 1);
  const { port } = getsockname(listening) as { port: number };
  const client = connectTls({ host: "127.0.0.1", port, ca: TEST_CERTIFICATE, servername: "localhost" });
  client.write("ping");
  const answer = new Promise<string>((resolve, reject) => {
    client.on("data", (data) => resolve(data.toString())).on("error", reject);
  });
  let connection = 0;
  const accepting = watchReadable(listening, () => {
    accepting.close();
    const fd = own(accept4(listening, SOCK_NONBLOCK | SOCK_CLOEXEC));
    connection = ssl.SSL_new(context);
    ssl.SSL_set_fd(connection, fd);
    ssl.SSL_set_accept_state(connection);
    const reading = watchReadable(fd, () => {
      ssl.ERR_clear_error();
      const count = ssl.SSL_read(connection, memory.address, 1000);
      if (count <= 0) {
        expect([SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE]).toContain(ssl.SSL_get_error(connection, count));
        return;
      }
      reading.close();
      expect(ssl.SSL_write(connection, memory.address, count)).toBe(count);
    });
  });
  expect(await answer).toBe("ping");
  expect([client.authorized, client.getProtocol()]).toEqual([true, "TLSv1.3"]);
  client.destroy();
  ssl.SSL_free(connection);
  ssl.SSL_CTX_free(context);
});

test("errors are told in OpenSSL's words and are then gone", () => {
  const context = ssl.SSL_CTX_new(ssl.TLS_client_method());
  expect(ssl.SSL_CTX_use_certificate_chain_file(context, "/nonexistent.pem")).toBe(0);
  expect(takeOpensslErrors().join()).toMatch(/No such file/);
  expect(takeOpensslErrors()).toEqual([]);
  ssl.SSL_CTX_free(context);
});

test("plain HTTP to a TLS server is an SSL error", () => {
  const [a, b] = socketpair(SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC).map(own) as [number, number];
  const context = serverContext();
  const server = ssl.SSL_new(context);
  ssl.SSL_set_fd(server, a);
  ssl.SSL_set_accept_state(server);
  const request = Buffer.from("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  memory.bytes.set(request);
  send(b, memory.address, request.length, 0);
  expect(step(server)).toBe(SSL_ERROR_SSL);
  expect(takeOpensslErrors().join()).toMatch(/http request/);
  ssl.SSL_free(server);
  ssl.SSL_CTX_free(context);
});

test("OpenSSL calls back into JavaScript to choose a protocol (ALPN), and bytes are copied both ways", () => {
  const [a, b] = socketpair(SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC).map(own) as [number, number];
  const offered: string[] = [];
  // The answer: a pointer to "two", and its length.
  const answer = Region.allocate(32);
  answer.bytes.set(Buffer.from("two"), 16);
  answer.view.setBigUint64(0, BigInt(answer.address + 16), true);
  answer.bytes[8] = 3;
  const choose = nativeCallback(
    "int tz_test_alpn(intptr_t, intptr_t, intptr_t, intptr_t, uint32_t, intptr_t)",
    (_ssl, out = 0, outLength = 0, list = 0, length = 0) => {
      copyFromOpenssl(memory.addressOf(9000), list, length);
      offered.push(text(9000, length));
      copyToOpenssl(out, answer.address, 8);
      copyToOpenssl(outLength, answer.address + 8, 1);
      return SSL_TLSEXT_ERR_OK;
    },
  );
  const context = serverContext();
  ssl.SSL_CTX_set_alpn_select_cb(context, choose, 0);
  const server = ssl.SSL_new(context);
  ssl.SSL_set_fd(server, a);
  ssl.SSL_set_accept_state(server);
  const client = connectTls({
    socket: new Socket({ fd: b }),
    ca: TEST_CERTIFICATE,
    servername: "localhost",
    ALPNProtocols: ["one", "two"],
  });
  opened.splice(opened.indexOf(b), 1);
  const done = new Promise((resolve, reject) => client.on("secureConnect", resolve).on("error", reject));
  const turn = setInterval(() => step(server), 2);
  return done.then(() => {
    clearInterval(turn);
    expect(client.alpnProtocol).toBe("two");
    expect(offered).toEqual(["\x03one\x03two"]);
    expect(ssl.SSL_CIPHER_get_name(ssl.SSL_get_current_cipher(server))).toMatch(/^TLS_/);
    expect(ssl.SSL_get1_peer_certificate(server)).toBe(0);
    expect(ssl.BIO_number_read(ssl.SSL_get_rbio(server))).toBeGreaterThan(200);
    expect(ssl.SSL_has_pending(server)).toBe(0);
    client.destroy();
    ssl.SSL_free(server);
    ssl.SSL_CTX_free(context);
    answer.release();
  });
});

test("ticket keys and output pointers outside of a region are refused", () => {
  const context = serverContext();
  expect(() => ssl.SSL_CTX_ctrl(context, SSL_CTRL_SET_TLSEXT_TICKET_KEYS, 80, 4096)).toThrow(/SSL_CTX_ctrl/);
  expect(() => ssl.HMAC_Init_ex(0, 4096, 32, ssl.EVP_sha256(), 0)).toThrow(/HMAC_Init_ex/);
  expect(() => ssl.EVP_EncryptInit_ex(0, ssl.EVP_aes_256_cbc(), 0, 4096, 0)).toThrow(/EVP_EncryptInit_ex/);
  expect(() => ssl.EVP_DecryptInit_ex(0, ssl.EVP_aes_256_cbc(), 0, 4096, 0)).toThrow(/EVP_DecryptInit_ex/);
  expect(() => ssl.i2d_X509(1, 4096)).toThrow(/i2d_X509/);
  expect(() => copyFromOpenssl(4096, 0, 8)).toThrow(/copyFromOpenssl/);
  expect(() => copyToOpenssl(0, 4096, 8)).toThrow(/copyToOpenssl/);
  expect(() => copyMemory(memory.address, 4096, 8)).toThrow(/copyMemory/);
  ssl.SSL_CTX_free(context);
});
