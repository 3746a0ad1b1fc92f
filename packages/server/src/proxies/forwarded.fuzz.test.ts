import { isIP } from "node:net";
import fc from "fast-check";
import { expect, test } from "vitest";
import { AddressSet } from "./address-set.js";
import { type ClientOrigin, clientOrigin, type ForwardedBy } from "./forwarded.js";

const trusted = new AddressSet(["10.0.0.0/8", "fc00::/7"]);
const peer: ClientOrigin = { address: "10.0.0.1", scheme: "http", host: "site.example" };

const proxy = fc.oneof(
  fc.ipV4().map((address) => `10.${address.split(".").slice(1).join(".")}`),
  fc.ipV6().map((address) => `fd00:${address}`),
);
const address = fc.oneof(fc.ipV4(), fc.ipV6(), proxy).filter((text) => isIP(text) !== 0);
const word = fc.constantFrom(
  ...'for= ; , " \\ unknown _hidden proto=https host=a.example 203.0.113.7 10.0.0.2 [2001:db8::1]:80 by=x [ ] : \t'.split(
    " ",
  ),
  " ",
);
/** Bytes of a field are Latin-1. */
const latin1 = fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCharCode(code));
const anything = fc.oneof(
  fc.string({ unit: latin1 }),
  fc.array(word, { maxLength: 30 }).map((words) => words.join("")),
);

function origin(by: ForwardedBy, fields: Readonly<Record<string, string>>, from = peer): ClientOrigin {
  return clientOrigin(from, { field: (name) => fields[name] }, by, trusted);
}

/** As a proxy writes it: plain, in quotes, with a port. */
function node(text: string, form: number): string {
  const version = isIP(text);
  const named = version === 6 ? `[${text}]` : text;
  return form % 2 === 0 ? `"${named}"` : version === 6 ? `"${named}:${form}"` : `${named}`;
}

test("whatever the fields hold, the client has an address or none, a scheme, and a host that can be one", () => {
  fc.assert(
    fc.property(anything, anything, anything, (first, second, third) => {
      const found = [
        origin("forwarded", { forwarded: first }),
        origin("x-forwarded", {
          "x-forwarded-for": first,
          "x-forwarded-proto": second,
          "x-forwarded-host": third,
        }),
      ];
      for (const { address: client, scheme, host } of found) {
        expect(client === "" || isIP(client) !== 0).toBe(true);
        expect(["http", "https"]).toContain(scheme);
        expect(host).toMatch(/^[!-~\x80-\xff]+$/);
        expect(host).not.toMatch(/[/\\@?#"<>]/);
      }
    }),
    { numRuns: 3000 },
  );
});

test("who is not trusted is believed nothing", () => {
  const stranger = { ...peer, address: "203.0.113.1" };
  fc.assert(
    fc.property(anything, (text) => {
      expect(origin("forwarded", { forwarded: text }, stranger)).toBe(stranger);
      const fields = { "x-forwarded-for": text, "x-forwarded-proto": text, "x-forwarded-host": text };
      expect(origin("x-forwarded", fields, stranger)).toBe(stranger);
    }),
  );
});

test("of a chain that proxies wrote, the client is the first from behind that is not trusted", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(address, fc.nat(60_000)), { minLength: 1, maxLength: 8 }), (chain) => {
      const addresses = chain.map(([text]) => text);
      const client = addresses.findLast((text) => !trusted.has(text)) ?? addresses[0];
      expect(origin("x-forwarded", { "x-forwarded-for": addresses.join(", ") }).address).toBe(client);
      const forwarded = chain.map(([text, form]) => `for=${node(text, form)};proto=https`).join(", ");
      expect(origin("forwarded", { forwarded })).toEqual({ ...peer, address: client, scheme: "https" });
    }),
  );
});

test("what a client puts in front never takes another's place", () => {
  fc.assert(
    fc.property(anything, address, fc.nat(60_000), (sent, real, form) => {
      if (trusted.has(real)) return;
      expect(origin("x-forwarded", { "x-forwarded-for": `${sent}, ${real}` }).address).toBe(real);
      // A field that cannot be read says nothing at all: then it is the proxy that asked.
      const { address: found } = origin("forwarded", { forwarded: `${sent}, for=${node(real, form)}` });
      expect([real, peer.address]).toContain(found);
    }),
    { numRuns: 3000 },
  );
});
