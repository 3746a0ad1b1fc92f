import { connect } from "node:tls";
import { exchange } from "../harness/exchange.js";
import { figureTable } from "../harness/figures.js";
import type { Scenario } from "../harness/scenario.js";
import { probeAll, serveInTurn } from "../harness/serve-in-turn.js";
import { runHandshakes } from "../load/handshakes.js";
import { makeSite, styleSheet, wrongStyleSheet } from "../site/style-sheet.js";

/** What every server must agree to, so that handshakes are of one kind. @throws Error */
function proveHandshake(name: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false }, () => {
      const protocol = socket.getProtocol();
      const { name: cipher } = socket.getCipher();
      const group = (socket.getEphemeralKeyInfo() as { name?: string } | null)?.name;
      socket.destroy();
      if (protocol === "TLSv1.3" && group === "X25519") resolve();
      else reject(new Error(`${name} speaks ${protocol}, ${cipher}, ${group}, not TLSv1.3 over X25519`));
    });
    socket.once("error", reject);
  });
}

export const scenario: Scenario = {
  name: "handshakes",
  title: "A TLS 1.3 handshake without a session to resume, and one request",
  targets: ["tz-static-tls", "nginx-tls"],
  async run(work, targets, settings) {
    const probed = await probeAll(targets);
    const root = makeSite(work, { "style.css": styleSheet });
    const measured = await serveInTurn(probed, { root, work }, settings, async (server, warm) => {
      const { port, target } = server;
      if (!warm) {
        await proveHandshake(target.name, port);
        const request = `GET /style.css HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`;
        const wrong = wrongStyleSheet(await exchange(port, request, true));
        if (wrong) throw new Error(`${target.name} answers wrongly: ${wrong}`);
      }
      const before = server.measure().cpuMicros;
      const handshakes = await runHandshakes(port, "/style.css", settings.seconds);
      return (server.measure().cpuMicros - before) / handshakes;
    });
    const heading = {
      name: "",
      title: scenario.title,
      unit: "CPU µs per handshake",
      subject: "tz-static-tls",
    };
    return {
      tables: [figureTable(heading, measured)],
      conditions:
        "Four `openssl s_time -new` at a time on a core of their own; ECDSA certificate (P-256), X25519, and two session tickets after each handshake. The connection, one request for 1 KB (HTTP/1.0) and the close are in it.",
      missing: probed.missing,
    };
  },
};
