import { networkInterfaces } from "node:os";
import { expect, test } from "vitest";
import { AF_INET, AF_INET6, AF_UNIX } from "./constants.js";
import {
  decodeSocketAddress,
  encodeSocketAddress,
  SOCKET_ADDRESS_BYTES,
  type SocketAddress,
} from "./socket-address.js";

/** Dirty memory, so that what encoding leaves out shows. */
function dirtyView(): DataView {
  return new DataView(new Uint8Array(SOCKET_ADDRESS_BYTES).fill(0xaa).buffer);
}

function bytesOf(address: SocketAddress): number[] {
  const view = dirtyView();
  return [...new Uint8Array(view.buffer, 0, encodeSocketAddress(address, view))];
}

test("IPv4: family, port and address as sockaddr_in has them", () => {
  expect(bytesOf({ family: "ipv4", host: "192.0.2.7", port: 0x1f90 })).toEqual([
    AF_INET,
    0,
    0x1f,
    0x90,
    192,
    0,
    2,
    7,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
  ]);
});

test("IPv6: with flow information 0 and the scope in the machine's order", () => {
  expect(bytesOf({ family: "ipv6", host: "fe80::1:2", port: 443, scopeId: 0x0102 })).toEqual([
    AF_INET6,
    0,
    1,
    187,
    0,
    0,
    0,
    0,
    0xfe,
    0x80,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    1,
    0,
    2,
    2,
    1,
    0,
    0,
  ]);
});

test("unix: a path ends with a NUL, an abstract name does not, no name asks for one", () => {
  expect(bytesOf({ family: "unix", path: "/a" })).toEqual([AF_UNIX, 0, 0x2f, 0x61, 0]);
  expect(bytesOf({ family: "unix", path: "\0tz" })).toEqual([AF_UNIX, 0, 0, 0x74, 0x7a]);
  expect(bytesOf({ family: "unix", path: "" })).toEqual([AF_UNIX, 0]);
});

test.each<SocketAddress>([
  { family: "ipv4", host: "0.0.0.0", port: 0 },
  { family: "ipv4", host: "255.255.255.255", port: 65535 },
  { family: "ipv6", host: "::", port: 80 },
  { family: "ipv6", host: "::1", port: 80 },
  { family: "ipv6", host: "2001:db8::8:800:200c:417a", port: 80 },
  { family: "ipv6", host: "::ffff:192.0.2.1", port: 80 },
  { family: "ipv6", host: "fe80::1", port: 80, scopeId: 7 },
  { family: "unix", path: "/run/tz/é.sock" },
  { family: "unix", path: "\0abstract\0name" },
  { family: "unix", path: "x".repeat(107) },
  { family: "unix", path: `\0${"x".repeat(107)}` },
  { family: "unix", path: "" },
])("$host$path comes back as it went in", (address) => {
  const view = dirtyView();
  expect(decodeSocketAddress(view, encodeSocketAddress(address, view))).toEqual(address);
});

test("a zone names the interface, by number or by name", () => {
  const view = dirtyView();
  encodeSocketAddress({ family: "ipv6", host: "fe80::1%42", port: 0 }, view);
  expect(decodeSocketAddress(view, 28)).toEqual({ family: "ipv6", host: "fe80::1", port: 0, scopeId: 42 });
  for (const [name, entries] of Object.entries(networkInterfaces())) {
    const entry = entries?.find(({ family }) => family === "IPv6");
    if (entry?.family !== "IPv6") continue;
    encodeSocketAddress({ family: "ipv6", host: `fe80::1%${name}`, port: 0 }, view);
    expect(view.getUint32(24, true)).toBe(entry.scopeid);
  }
});

test("a path that fills sun_path without a NUL is read whole", () => {
  const view = dirtyView();
  view.setUint16(0, AF_UNIX, true);
  new Uint8Array(view.buffer).fill(0x61, 2, 110);
  expect(decodeSocketAddress(view, 110)).toEqual({ family: "unix", path: "a".repeat(108) });
});

test.each([
  [{ family: "ipv4", host: "localhost", port: 1 }, "host"],
  [{ family: "ipv4", host: "1.2.3", port: 1 }, "host"],
  [{ family: "ipv4", host: "::1", port: 1 }, "host"],
  [{ family: "ipv6", host: "127.0.0.1", port: 1 }, "host"],
  [{ family: "ipv6", host: "[::1]", port: 1 }, "host"],
  [{ family: "ipv6", host: "fe80::1%nosuch0", port: 1 }, "host"],
  [{ family: "ipv6", host: "fe80::1", port: 1, scopeId: -1 }, "scopeId"],
  [{ family: "ipv4", host: "127.0.0.1", port: 65536 }, "port"],
  [{ family: "ipv4", host: "127.0.0.1", port: -1 }, "port"],
  [{ family: "ipv4", host: "127.0.0.1", port: 8.5 }, "port"],
  [{ family: "unix", path: "x".repeat(108) }, "path"],
  [{ family: "unix", path: `\0${"x".repeat(108)}` }, "path"],
  [{ family: "unix", path: "a\0b" }, "path"],
  [{ family: "ipx", host: "1", port: 1 }, "family"],
])("refuses %o and names the %s", (address, what) => {
  expect(() => encodeSocketAddress(address as SocketAddress, dirtyView())).toThrow(
    expect.objectContaining({ code: "TZ_SYS_BAD_ARGUMENT", message: expect.stringContaining(`${what} is `) }),
  );
});

test("an unknown family is refused", () => {
  const view = dirtyView();
  view.setUint16(0, 17, true);
  expect(() => decodeSocketAddress(view, 16)).toThrow(
    expect.objectContaining({ code: "TZ_SYS_BAD_ARGUMENT" }),
  );
});
