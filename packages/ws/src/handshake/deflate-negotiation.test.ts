import { describe, expect, test } from "vitest";
import { type DeflateOptions, deflateSettings } from "../options.js";
import { acceptDeflate, confirmDeflate, offerDeflate } from "./deflate-negotiation.js";
import { parseExtensions } from "./extensions.js";

const keep: DeflateOptions = { serverContextTakeover: true, clientContextTakeover: true };

function accept(offers: string, options: DeflateOptions = keep) {
  return acceptDeflate(parseExtensions(offers)!, deflateSettings(options));
}

describe("RFC 7692 §7.1: a server's answer", () => {
  test.each<[string, DeflateOptions, string, string]>([
    ["§7.1.1 nothing asked for", keep, "permessage-deflate", "permessage-deflate"],
    [
      "§7.1.1.1 server_no_context_takeover",
      keep,
      "permessage-deflate; server_no_context_takeover",
      "permessage-deflate; server_no_context_takeover",
    ],
    [
      "§7.1.1.2 client_no_context_takeover",
      keep,
      "permessage-deflate; client_no_context_takeover",
      "permessage-deflate; client_no_context_takeover",
    ],
    [
      "§7.1.1 contexts that this end does not keep",
      {},
      "permessage-deflate",
      "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
    ],
    [
      "§7.1.2.1 server_max_window_bits",
      keep,
      "permessage-deflate; server_max_window_bits=10",
      "permessage-deflate; server_max_window_bits=10",
    ],
    [
      "§7.1.2.1 of 15 is answered too",
      keep,
      "permessage-deflate; server_max_window_bits=15",
      "permessage-deflate; server_max_window_bits=15",
    ],
    [
      "§7.1.2.1 of 8",
      keep,
      "permessage-deflate; server_max_window_bits=8",
      "permessage-deflate; server_max_window_bits=8",
    ],
    [
      "§7.1.2.1 this end's own window is smaller",
      { ...keep, serverMaxWindowBits: 9 },
      "permessage-deflate; server_max_window_bits=12",
      "permessage-deflate; server_max_window_bits=9",
    ],
    [
      "§7.1.2.1 unasked",
      { ...keep, serverMaxWindowBits: 9 },
      "permessage-deflate",
      "permessage-deflate; server_max_window_bits=9",
    ],
    [
      "§7.1.2.2 client_max_window_bits without a value",
      { ...keep, clientMaxWindowBits: 11 },
      "permessage-deflate; client_max_window_bits",
      "permessage-deflate; client_max_window_bits=11",
    ],
    [
      "§7.1.2.2 with a smaller value",
      { ...keep, clientMaxWindowBits: 11 },
      "permessage-deflate; client_max_window_bits=10",
      "permessage-deflate; client_max_window_bits=10",
    ],
    [
      "§7.1.2.2 a client that did not name it is not asked",
      { ...keep, clientMaxWindowBits: 11 },
      "permessage-deflate",
      "permessage-deflate",
    ],
    [
      "§9.1 a quoted value",
      keep,
      'permessage-deflate; server_max_window_bits="10"',
      "permessage-deflate; server_max_window_bits=10",
    ],
    [
      "§5.1 the first offer that can be met",
      keep,
      "permessage-deflate; server_max_window_bits=7, permessage-deflate; unknown, permessage-deflate; server_max_window_bits=9, permessage-deflate",
      "permessage-deflate; server_max_window_bits=9",
    ],
  ])("%s", (_name, options, offers, response) => {
    expect(accept(offers, options)?.response).toBe(response);
  });

  test.each([
    "permessage-deflate; unknown",
    "permessage-deflate; server_no_context_takeover=1",
    "permessage-deflate; client_no_context_takeover=true",
    "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
    "permessage-deflate; server_max_window_bits",
    "permessage-deflate; server_max_window_bits=7",
    "permessage-deflate; server_max_window_bits=16",
    "permessage-deflate; server_max_window_bits=08",
    "permessage-deflate; server_max_window_bits=1x",
    "permessage-deflate; client_max_window_bits=16",
    "permessage-deflate; client_max_window_bits=8; client_max_window_bits=9",
    "permessage-deflate; __proto__",
    "permessage-bzip2",
    "PERMESSAGE-DEFLATE",
    "",
  ])("§7.1 declined: %j", (offers) => {
    expect(accept(offers)).toBeUndefined();
  });

  test("what is agreed is what is answered", () => {
    expect(
      accept(
        "permessage-deflate; server_max_window_bits=9; client_max_window_bits=10; client_no_context_takeover",
      )?.agreement,
    ).toMatchObject({
      serverMaxWindowBits: 9,
      clientMaxWindowBits: 10,
      serverNoContextTakeover: false,
      clientNoContextTakeover: true,
    });
  });
});

describe("RFC 7692 §7.1: a client's offer and the answer to it", () => {
  test.each<[DeflateOptions, string]>([
    [keep, "permessage-deflate; client_max_window_bits"],
    [
      {},
      "permessage-deflate; server_no_context_takeover; client_no_context_takeover; client_max_window_bits",
    ],
    [
      { ...keep, serverMaxWindowBits: 9, clientMaxWindowBits: 10 },
      "permessage-deflate; server_max_window_bits=9; client_max_window_bits=10",
    ],
  ])("%j offers %s", (options, offer) => {
    expect(offerDeflate(deflateSettings(options))).toBe(offer);
  });

  const confirm = (answer: string, options: DeflateOptions) =>
    confirmDeflate(parseExtensions(answer)![0]!, deflateSettings(options));

  test.each<[DeflateOptions, string, object]>([
    [
      keep,
      "permessage-deflate",
      {
        serverMaxWindowBits: 15,
        clientMaxWindowBits: 15,
        serverNoContextTakeover: false,
        clientNoContextTakeover: false,
      },
    ],
    [
      keep,
      "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
      { serverNoContextTakeover: true, clientNoContextTakeover: true },
    ],
    [
      keep,
      "permessage-deflate; server_max_window_bits=9; client_max_window_bits=8",
      { serverMaxWindowBits: 9, clientMaxWindowBits: 8 },
    ],
    [{ ...keep, clientContextTakeover: false }, "permessage-deflate", { clientNoContextTakeover: true }],
    [{ ...keep, clientMaxWindowBits: 10 }, "permessage-deflate", { clientMaxWindowBits: 10 }],
    [
      { ...keep, serverMaxWindowBits: 10 },
      "permessage-deflate; server_max_window_bits=10",
      { serverMaxWindowBits: 10 },
    ],
  ])("%j takes %s", (options, answer, agreement) => {
    expect(confirm(answer, options)).toMatchObject(agreement);
  });

  test.each<[DeflateOptions, string, string]>([
    [{}, "permessage-deflate", "server_no_context_takeover"],
    [{ ...keep, serverMaxWindowBits: 9 }, "permessage-deflate", "server_max_window_bits"],
    [
      { ...keep, serverMaxWindowBits: 9 },
      "permessage-deflate; server_max_window_bits=10",
      "server_max_window_bits",
    ],
    [keep, "permessage-deflate; client_max_window_bits", "client_max_window_bits"],
    [keep, "permessage-deflate; other", "parameters"],
  ])("%j refuses %s", (options, answer, why) => {
    expect(confirm(answer, options)).toContain(why);
  });

  test("whatever a server of ours answers, a client of ours takes, and they agree", () => {
    const booleans = [true, false];
    const bits = [8, 9, 15];
    for (const serverContextTakeover of booleans)
      for (const clientContextTakeover of booleans)
        for (const serverMaxWindowBits of bits)
          for (const clientMaxWindowBits of bits)
            for (const own of [keep, {}, { ...keep, serverMaxWindowBits: 9, clientMaxWindowBits: 9 }]) {
              const client = deflateSettings({
                serverContextTakeover,
                clientContextTakeover,
                serverMaxWindowBits,
                clientMaxWindowBits,
              });
              const accepted = accept(offerDeflate(client), own)!;
              const confirmed = confirmDeflate(parseExtensions(accepted.response)![0]!, client);
              const { settings: _server, ...expected } = accepted.agreement;
              expect(confirmed).toMatchObject(expected);
            }
  });
});
