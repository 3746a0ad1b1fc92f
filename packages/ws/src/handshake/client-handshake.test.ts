import { expect, test } from "vitest";
import { deflateSettings } from "../options.js";
import { acceptKey } from "./accept-key.js";
import { confirmHandshake, type OfferOptions, offerHandshake } from "./client-handshake.js";
import { acceptHandshake } from "./server-handshake.js";

const deflate = deflateSettings();

function confirm(
  options: OfferOptions,
  changes: Readonly<Record<string, string | undefined>> = {},
  status = 101,
) {
  const offer = offerHandshake(options);
  const fields: Record<string, string | undefined> = {
    upgrade: "websocket",
    connection: "Upgrade",
    "sec-websocket-accept": acceptKey(offer.key),
    ...changes,
  };
  return confirmHandshake(offer, { status, field: (name) => fields[name] });
}

test("RFC 6455 §4.1: the request carries what it must, with a new key each time", () => {
  const [one, two] = [offerHandshake(), offerHandshake({ protocols: ["a", "b"], deflate })];
  expect(Object.fromEntries(one.fields)).toEqual({
    Upgrade: "websocket",
    Connection: "Upgrade",
    "Sec-WebSocket-Key": one.key,
    "Sec-WebSocket-Version": "13",
  });
  expect(Buffer.from(one.key, "base64").length).toBe(16);
  expect(two.key).not.toBe(one.key);
  expect(Object.fromEntries(two.fields)).toMatchObject({
    "Sec-WebSocket-Protocol": "a, b",
    "Sec-WebSocket-Extensions": expect.stringMatching(/^permessage-deflate; /),
  });
});

test.each([[["a", "a"]], [["a b"]], [[""]]])("subprotocols %j are not offered", (protocols) => {
  expect(() => offerHandshake({ protocols })).toThrow(expect.objectContaining({ code: "TZ_WS_ARGUMENT" }));
});

test("an answer without subprotocol and extension is taken", () => {
  expect(confirm({ protocols: ["a"], deflate })).toEqual({ protocol: undefined, deflate: undefined });
  expect(confirm({}, { upgrade: "WebSocket", connection: "upgrade, x" })).toMatchObject({
    protocol: undefined,
  });
});

test.each<[string, OfferOptions, Record<string, string | undefined>, number]>([
  ["§4.1 another status", {}, {}, 200],
  ["§4.1 no Upgrade", {}, { upgrade: undefined }, 101],
  ["§4.1 another Upgrade", {}, { upgrade: "h2c" }, 101],
  ["§4.1 no Connection: Upgrade", {}, { connection: "close" }, 101],
  ["§4.1 no accept", {}, { "sec-websocket-accept": undefined }, 101],
  [
    "§4.1 the accept of another key",
    {},
    { "sec-websocket-accept": acceptKey("dGhlIHNhbXBsZSBub25jZQ==") },
    101,
  ],
  ["§4.1 a subprotocol that was not offered", { protocols: ["a"] }, { "sec-websocket-protocol": "b" }, 101],
  ["§4.1 a subprotocol when none was offered", {}, { "sec-websocket-protocol": "b" }, 101],
  ["§4.1 an extension that was not offered", {}, { "sec-websocket-extensions": "permessage-deflate" }, 101],
  ["§4.1 another extension", { deflate }, { "sec-websocket-extensions": "x-other" }, 101],
  [
    "§9.1 extensions that break the grammar",
    { deflate },
    { "sec-websocket-extensions": "permessage-deflate; =" },
    101,
  ],
  [
    "RFC 7692 §5.1 permessage-deflate twice",
    { deflate },
    { "sec-websocket-extensions": "permessage-deflate; server_no_context_takeover, permessage-deflate" },
    101,
  ],
  [
    "RFC 7692 §7.1 an answer that does not meet the offer",
    { deflate },
    { "sec-websocket-extensions": "permessage-deflate" },
    101,
  ],
])("refused: %s", (_name, options, changes, status) => {
  expect(() => confirm(options, changes, status)).toThrow(
    expect.objectContaining({ code: "TZ_WS_RESPONSE" }),
  );
});

test("a server of ours and a client of ours understand each other", () => {
  const offer = offerHandshake({ protocols: ["a", "b"], deflate });
  const sent = Object.fromEntries(offer.fields.map(([name, value]) => [name.toLowerCase(), value]));
  const answer = acceptHandshake(
    { method: "GET", minorVersion: 1, field: (name) => sent[name] },
    { deflate, chooseProtocol: (offered) => offered[1] },
  );
  const back = Object.fromEntries(answer.fields.map(([name, value]) => [name.toLowerCase(), value]));
  const confirmed = confirmHandshake(offer, { status: answer.status, field: (name) => back[name] });
  expect(confirmed.protocol).toBe("b");
  expect(answer.accepted && answer.deflate).toEqual(confirmed.deflate);
});
