/**
 * Autobahn classes 12 (permessage-deflate with its defaults) and 13 (its parameters), for both roles: messages
 * of the suite's sizes and fragment sizes come back as they were sent.
 *
 * The suite sends 1000 messages in each case. Here a case sends 4 to 40, 128 KiB of them where that is more than 4; with
 * `TZ_AUTOBAHN_FULL=1` it sends all.
 */
import { describe, expect, test } from "vitest";
import { type ConnectionHandler, WebSocketConnection } from "../connection.js";
import type { DeflateAgreement } from "../deflate/agreement.js";
import { PeerDeflate, PeerInflate } from "../deflate/peer-deflate.fixture.js";
import { acceptDeflate, confirmDeflate, offerDeflate } from "../handshake/deflate-negotiation.js";
import { parseExtensions } from "../handshake/extensions.js";
import type { Role } from "../opcode.js";
import { deflateSettings } from "../options.js";
import { RecordingSink } from "../recording-sink.fixture.js";
import { decodeFrames, encodeFrame, type WireFrame } from "../wire.fixture.js";
import { fragments } from "./case.fixture.js";
import { JSON_DATA, TEST_DATA, type TestData } from "./test-data.fixture.js";

const FULL = process.env.TZ_AUTOBAHN_FULL === "1";
const MESSAGES = 1000;
const BYTES_PER_CASE = 128 * 1024;

/** Message length and fragment size (0: none), in the order of the suite. */
const SIZES: readonly (readonly [number, number])[] = [
  ...[16, 64, 256, 1024, 4096, 8192, 16384, 32768, 65536, 131072].map((length) => [length, 0] as const),
  ...[8192, 16384, 32768, 65536, 131072].map((length) => [length, 256] as const),
  [131072, 1024],
  [131072, 4096],
  [131072, 32768],
];

/** The suite's names: what the peer asks of us, and what it offers about itself. */
interface Parameters {
  readonly name: string;
  readonly offers: string;
}

const DEFAULTS: Parameters = {
  name: "the default offer",
  offers: "permessage-deflate; client_max_window_bits",
};

const bits8 = "permessage-deflate; client_max_window_bits; server_max_window_bits=8";
const bits15 = "permessage-deflate; client_max_window_bits; server_max_window_bits=15";
const noTakeover = "server_no_context_takeover";

/** Classes 13.1 to 13.7: (no context takeover, window bits) as the suite's client requests them. */
const PARAMETERS: readonly Parameters[] = [
  { name: "(false, 0)", offers: DEFAULTS.offers },
  { name: "(true, 0)", offers: `${DEFAULTS.offers}; ${noTakeover}` },
  { name: "(false, 8)", offers: bits8 },
  { name: "(false, 15)", offers: bits15 },
  { name: "(true, 8)", offers: `${bits8}; ${noTakeover}` },
  { name: "(true, 15)", offers: `${bits15}; ${noTakeover}` },
  {
    name: "(true, 8), (true, 0), (false, 0)",
    offers: `${bits8}; ${noTakeover}, ${DEFAULTS.offers}; ${noTakeover}, ${DEFAULTS.offers}`,
  },
];

/** All that the suite turns on and off has to matter: this end keeps contexts wherever it may. */
const settings = deflateSettings({
  serverContextTakeover: true,
  clientContextTakeover: true,
  thresholdBytes: 0,
});

/** What a server and what a client of ours agree to with these parameters. */
function agree(role: Role, { offers }: Parameters): DeflateAgreement {
  if (role === "server") return acceptDeflate(parseExtensions(offers)!, settings)!.agreement;
  // The suite's server asks the same of a client: the mirrored parameters, in a response.
  const mirrored = offers
    .split(",")[0]!
    .replace("; client_max_window_bits", "")
    .replaceAll("server_", "client_");
  expect(offerDeflate(settings)).toContain("client_max_window_bits");
  const agreement = confirmDeflate(parseExtensions(mirrored)![0]!, settings);
  if (typeof agreement === "string") throw new Error(agreement);
  return agreement;
}

function peerOf(role: Role, agreement: DeflateAgreement) {
  const server = { windowBits: agreement.serverMaxWindowBits, takeover: !agreement.serverNoContextTakeover };
  const client = { windowBits: agreement.clientMaxWindowBits, takeover: !agreement.clientNoContextTakeover };
  return role === "server"
    ? { deflate: new PeerDeflate(client), inflate: new PeerInflate(server) }
    : { deflate: new PeerDeflate(server), inflate: new PeerInflate(client) };
}

function* messagesOf(data: TestData, length: number): Generator<Buffer> {
  const count = FULL ? MESSAGES : Math.max(4, Math.min(40, Math.floor(BYTES_PER_CASE / length)));
  const bytes = data.bytes();
  for (let i = 0, at = 0; i < count; i++, at = (at + length) % (bytes.length - length)) {
    yield bytes.subarray(at, at + length);
  }
}

const echo: ConnectionHandler = {
  onMessage: (connection, bytes, start, end, isText) => void connection.sendRange(bytes, start, end, isText),
};

/** Waits for the turns that a long message takes. */
async function settled(connection: WebSocketConnection, sink: RecordingSink): Promise<void> {
  for (let turn = 0; turn < 10_000 && (sink.chunks.length === 0 || connection.bufferedBytes > 0); turn++) {
    await new Promise(setImmediate);
  }
}

async function runCase(role: Role, parameters: Parameters, data: TestData, at: number): Promise<void> {
  const [length, fragmentBytes] = SIZES[at]!;
  const agreement = agree(role, parameters);
  const peer = peerOf(role, agreement);
  const sink = new RecordingSink();
  const connection = new WebSocketConnection(role, sink, echo, { deflate: agreement });
  const opcode = data.isText ? 1 : 2;
  for (const message of messagesOf(data, length)) {
    const payload = peer.deflate.message(message);
    const frames: WireFrame[] =
      fragmentBytes > 0 ? fragments(opcode, payload, fragmentBytes) : [{ opcode, payload }];
    for (const [index, frame] of frames.entries()) {
      connection.receive(encodeFrame({ ...frame, rsv: index === 0 ? 4 : 0 }, { masked: role === "server" }));
    }
    await settled(connection, sink);
    const [answer, ...more] = decodeFrames(Buffer.concat(sink.chunks.splice(0)));
    expect(more).toEqual([]);
    expect([answer?.opcode, answer?.fin]).toEqual([opcode, true]);
    const text = answer!.rsv === 4 ? peer.inflate.message(answer!.payload) : answer!.payload;
    expect(text.equals(message)).toBe(true);
  }
  connection.receive(encodeFrame({ opcode: 8, payload: Buffer.of(3, 0xe8) }, { masked: role === "server" }));
  expect(decodeFrames(sink.bytes).map((frame) => frame.opcode)).toEqual([8]);
}

function title(id: string, [length, fragmentBytes]: readonly [number, number]): string {
  return `${id}: messages of ${length}${fragmentBytes > 0 ? ` in fragments of ${fragmentBytes}` : ""}`;
}

const timeoutMs = FULL ? 600_000 : 20_000;

describe.each(["server", "client"] as const)("as %s", (role) => {
  for (const [group, data] of TEST_DATA.entries()) {
    describe(`12.${group + 1} ${data.name}`, () => {
      for (const [at, size] of SIZES.entries()) {
        test(title(`12.${group + 1}.${at + 1}`, size), () => runCase(role, DEFAULTS, data, at), timeoutMs);
      }
    });
  }
  for (const [group, parameters] of PARAMETERS.entries()) {
    describe(`13.${group + 1} ${parameters.name}`, () => {
      for (const [at, size] of SIZES.entries()) {
        test(
          title(`13.${group + 1}.${at + 1}`, size),
          () => runCase(role, parameters, JSON_DATA, at),
          timeoutMs,
        );
      }
    });
  }
});
