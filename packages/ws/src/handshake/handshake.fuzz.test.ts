import fc from "fast-check";
import { expect, test } from "vitest";
import { FUZZ_TIMEOUT_MS, fuzzRun } from "../fuzz-budget.fixture.js";
import { deflateSettings } from "../options.js";
import { parseExtensions } from "./extensions.js";
import { acceptHandshake } from "./server-handshake.js";
import { isToken } from "./tokens.js";

const token = fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,12}$/);
const blank = fc.constantFrom("", " ", "\t", "  ");
const parameter = fc.tuple(token, fc.option(token, { nil: undefined }), fc.boolean());
const offer = fc.tuple(token, fc.array(parameter, { maxLength: 4 }));

test("extensions that are written are read", { timeout: FUZZ_TIMEOUT_MS }, () => {
  fc.assert(
    fc.property(fc.array(offer, { maxLength: 4 }), blank, (offers, gap) => {
      const written = offers.map(([name, parameters]) =>
        [
          name,
          ...parameters.map(([key, value, quoted]) =>
            value === undefined ? key : `${key}=${quoted ? `"${value}"` : value}`,
          ),
        ].join(`${gap};${gap}`),
      );
      expect(parseExtensions(written.join(`${gap},${gap}`))).toEqual(
        offers.map(([name, parameters]) => ({
          name,
          parameters: parameters.map(([key, value]) => [key, value]),
        })),
      );
    }),
    fuzzRun(8),
  );
});

const fieldText = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc
    .array(
      fc.constantFrom(
        "websocket",
        "Upgrade",
        ",",
        ";",
        "=",
        '"',
        "\\",
        " ",
        "permessage-deflate",
        "server_max_window_bits",
        "13",
        "10",
        "a",
      ),
      { maxLength: 10 },
    )
    .map((parts) => parts.join("")),
);

test("any fields are accepted or refused, never more, and what is accepted is well formed", {
  timeout: FUZZ_TIMEOUT_MS,
}, () => {
  const names = [
    "upgrade",
    "connection",
    "sec-websocket-key",
    "sec-websocket-version",
    "sec-websocket-protocol",
    "sec-websocket-extensions",
    "origin",
  ];
  const good = [
    "websocket",
    "Upgrade",
    "dGhlIHNhbXBsZSBub25jZQ==",
    "13",
    "chat",
    "permessage-deflate",
    "null",
  ];
  const changes = fc.array(fc.tuple(fc.nat(names.length - 1), fc.option(fieldText, { nil: undefined })), {
    maxLength: 3,
  });
  const deflate = deflateSettings();
  fc.assert(
    fc.property(changes, (list) => {
      const fields = new Map<string, string | undefined>(names.map((name, at) => [name, good[at]]));
      for (const [at, value] of list) fields.set(names[at]!, value);
      const request = { method: "GET", minorVersion: 1, field: (name: string) => fields.get(name) };
      const result = acceptHandshake(request, { deflate, chooseProtocol: (offered) => offered[0] });
      expect(result.accepted ? 101 : [400, 403, 426]).toEqual(
        result.accepted ? result.status : expect.arrayContaining([result.status]),
      );
      for (const [name, value] of result.fields) {
        expect(isToken(name)).toBe(true);
        expect(value).toMatch(/^[\x20-\x7e]+$/);
      }
    }),
    fuzzRun(8),
  );
});
