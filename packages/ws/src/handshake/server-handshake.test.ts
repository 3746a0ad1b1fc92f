import { describe, expect, test } from "vitest";
import { deflateSettings } from "../options.js";
import { acceptHandshake, type HandshakeOptions, type HandshakeRequest } from "./server-handshake.js";

/** The example of RFC 6455 §1.3. */
const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

const FIELDS: Readonly<Record<string, string>> = {
  host: "server.example.com",
  upgrade: "websocket",
  connection: "Upgrade",
  "sec-websocket-key": KEY,
  "sec-websocket-version": "13",
};

interface Changes {
  readonly method?: string;
  readonly minorVersion?: number;
  readonly fields?: Readonly<Record<string, string | undefined>>;
}

function request({ method = "GET", minorVersion = 1, fields = {} }: Changes = {}): HandshakeRequest {
  const all: Record<string, string | undefined> = { ...FIELDS, ...fields };
  return { method, minorVersion, field: (name) => all[name] };
}

function fieldsOf(changes: Changes, options?: HandshakeOptions): Record<string, string> {
  return Object.fromEntries(acceptHandshake(request(changes), options).fields);
}

test("RFC 6455 §1.3: the example is accepted", () => {
  expect(acceptHandshake(request())).toEqual({
    accepted: true,
    status: 101,
    fields: [
      ["Upgrade", "websocket"],
      ["Connection", "Upgrade"],
      ["Sec-WebSocket-Accept", ACCEPT],
    ],
    protocol: undefined,
    deflate: undefined,
  });
});

test.each<[string, Changes]>([
  ["Upgrade in any case", { fields: { upgrade: "WebSocket" } }],
  ["Upgrade in a list", { fields: { upgrade: "h2c, websocket" } }],
  ["Connection in a list and any case", { fields: { connection: "keep-alive,\tUPGRADE" } }],
  ["HTTP/1.2", { minorVersion: 2 }],
  ["an empty list of extensions", { fields: { "sec-websocket-extensions": "" } }],
  ["an unknown extension", { fields: { "sec-websocket-extensions": 'x-a; b="c", d' } }],
])("accepted: %s", (_name, changes) => {
  expect(acceptHandshake(request(changes)).accepted).toBe(true);
});

test.each<[string, Changes, string, number, Record<string, string>]>([
  ["§4.2.1 POST", { method: "POST" }, "TZ_WS_METHOD", 405, { Allow: "GET" }],
  ["§4.2.1 a method in lower case", { method: "get" }, "TZ_WS_METHOD", 405, { Allow: "GET" }],
  ["§4.2.1 HTTP/1.0", { minorVersion: 0 }, "TZ_WS_HTTP_VERSION", 400, {}],
  [
    "§4.2.1 no Upgrade",
    { fields: { upgrade: undefined } },
    "TZ_WS_UPGRADE",
    426,
    { Upgrade: "websocket", Connection: "Upgrade" },
  ],
  [
    "§4.2.1 another Upgrade",
    { fields: { upgrade: "websockets" } },
    "TZ_WS_UPGRADE",
    426,
    { Upgrade: "websocket", Connection: "Upgrade" },
  ],
  ["§4.2.1 no Connection", { fields: { connection: undefined } }, "TZ_WS_CONNECTION", 400, {}],
  ["§4.2.1 Connection: keep-alive", { fields: { connection: "keep-alive" } }, "TZ_WS_CONNECTION", 400, {}],
  ["§4.2.1 no key", { fields: { "sec-websocket-key": undefined } }, "TZ_WS_KEY", 400, {}],
  ["§4.2.1 an empty key", { fields: { "sec-websocket-key": "" } }, "TZ_WS_KEY", 400, {}],
  [
    "§4.2.1 a key of 15 bytes",
    { fields: { "sec-websocket-key": Buffer.alloc(15).toString("base64") } },
    "TZ_WS_KEY",
    400,
    {},
  ],
  [
    "§4.2.1 a key of 17 bytes",
    { fields: { "sec-websocket-key": Buffer.alloc(17).toString("base64") } },
    "TZ_WS_KEY",
    400,
    {},
  ],
  ["§4.2.1 two keys", { fields: { "sec-websocket-key": `${KEY}, ${KEY}` } }, "TZ_WS_KEY", 400, {}],
  [
    "§4.2.1 a key with a blank",
    { fields: { "sec-websocket-key": `${KEY.slice(0, -1)} ` } },
    "TZ_WS_KEY",
    400,
    {},
  ],
  [
    "§4.4 no version",
    { fields: { "sec-websocket-version": undefined } },
    "TZ_WS_VERSION",
    426,
    { "Sec-WebSocket-Version": "13", Upgrade: "websocket", Connection: "Upgrade" },
  ],
  [
    "§4.4 version 8",
    { fields: { "sec-websocket-version": "8" } },
    "TZ_WS_VERSION",
    426,
    { "Sec-WebSocket-Version": "13", Upgrade: "websocket", Connection: "Upgrade" },
  ],
  [
    "§4.4 version 013",
    { fields: { "sec-websocket-version": "013" } },
    "TZ_WS_VERSION",
    426,
    { "Sec-WebSocket-Version": "13", Upgrade: "websocket", Connection: "Upgrade" },
  ],
  [
    "§4.4 versions 13, 13",
    { fields: { "sec-websocket-version": "13, 13" } },
    "TZ_WS_VERSION",
    426,
    { "Sec-WebSocket-Version": "13", Upgrade: "websocket", Connection: "Upgrade" },
  ],
  [
    "§4.1 an empty list of subprotocols",
    { fields: { "sec-websocket-protocol": " , " } },
    "TZ_WS_PROTOCOL",
    400,
    {},
  ],
  [
    "§4.1 a subprotocol that is no token",
    { fields: { "sec-websocket-protocol": "chat room" } },
    "TZ_WS_PROTOCOL",
    400,
    {},
  ],
  [
    "§4.1 a subprotocol twice",
    { fields: { "sec-websocket-protocol": "chat, other, chat" } },
    "TZ_WS_PROTOCOL",
    400,
    {},
  ],
  [
    "§9.1 a parameter without a name",
    { fields: { "sec-websocket-extensions": "permessage-deflate; =1" } },
    "TZ_WS_EXTENSIONS",
    400,
    {},
  ],
  [
    "§9.1 a parameter without its value",
    { fields: { "sec-websocket-extensions": "permessage-deflate; a=" } },
    "TZ_WS_EXTENSIONS",
    400,
    {},
  ],
  [
    "§9.1 a quoted value without its end",
    { fields: { "sec-websocket-extensions": 'x; a="b' } },
    "TZ_WS_EXTENSIONS",
    400,
    {},
  ],
  [
    "§9.1 a quoted value that is no token",
    { fields: { "sec-websocket-extensions": 'x; a="b c"' } },
    "TZ_WS_EXTENSIONS",
    400,
    {},
  ],
  ["§9.1 two names", { fields: { "sec-websocket-extensions": "x y" } }, "TZ_WS_EXTENSIONS", 400, {}],
])("refused: %s", (_name, changes, code, status, fields) => {
  const result = acceptHandshake(request(changes));
  expect(result).toMatchObject({ accepted: false, status, error: { code, status } });
  expect(Object.fromEntries(result.fields)).toEqual(fields);
});

describe("§10.2 origins", () => {
  const allowOrigin = (origin: string | undefined) => origin === undefined || origin === "https://a.example";

  test("one that is allowed, and none", () => {
    expect(
      acceptHandshake(request({ fields: { origin: "https://a.example" } }), { allowOrigin }).accepted,
    ).toBe(true);
    expect(acceptHandshake(request(), { allowOrigin }).accepted).toBe(true);
  });

  test("another is answered with 403", () => {
    const result = acceptHandshake(request({ fields: { origin: "https://b.example" } }), { allowOrigin });
    expect(result).toMatchObject({ accepted: false, status: 403, error: { code: "TZ_WS_ORIGIN" } });
  });
});

describe("§1.9 subprotocols", () => {
  const fields = { "sec-websocket-protocol": "chat, superchat" };

  test("the one that is chosen is answered", () => {
    const chooseProtocol = (offered: readonly string[]) => offered.find((name) => name === "superchat");
    expect(acceptHandshake(request({ fields }), { chooseProtocol })).toMatchObject({ protocol: "superchat" });
    expect(fieldsOf({ fields }, { chooseProtocol })["Sec-WebSocket-Protocol"]).toBe("superchat");
  });

  test("none is answered when none is chosen, offered or asked for", () => {
    for (const options of [{}, { chooseProtocol: () => undefined }]) {
      expect(fieldsOf({ fields }, options)).not.toHaveProperty("Sec-WebSocket-Protocol");
    }
    const chooseProtocol = () => expect.unreachable();
    expect(acceptHandshake(request(), { chooseProtocol }).accepted).toBe(true);
  });

  test("one that was not offered is the application's error", () => {
    expect(() => acceptHandshake(request({ fields }), { chooseProtocol: () => "other" })).toThrow(
      expect.objectContaining({ code: "TZ_WS_ARGUMENT" }),
    );
  });
});

test("permessage-deflate is answered only where it is offered and allowed", () => {
  const fields = { "sec-websocket-extensions": "x, permessage-deflate; client_max_window_bits" };
  const deflate = deflateSettings();
  expect(fieldsOf({ fields })).not.toHaveProperty("Sec-WebSocket-Extensions");
  expect(fieldsOf({}, { deflate })).not.toHaveProperty("Sec-WebSocket-Extensions");
  const result = acceptHandshake(request({ fields }), { deflate });
  expect(Object.fromEntries(result.fields)["Sec-WebSocket-Extensions"]).toBe(
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
  );
  expect(result).toMatchObject({ deflate: { serverNoContextTakeover: true, clientMaxWindowBits: 15 } });
});
