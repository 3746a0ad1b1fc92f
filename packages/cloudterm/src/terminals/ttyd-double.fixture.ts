import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { hostname } from "node:os";
import { parseArgs } from "node:util";
import { WebSocketServer } from "ws";
import { localPty } from "./local-pty.js";
import type { BackendTerminal } from "./terminal-backend.js";

/** A ttyd that a test has started. */
export interface RunningTtyd {
  readonly port: number;
  /** At once, without a word to those who are connected. */
  kill(): Promise<void>;
}

/**
 * What a ttyd 1.7 does on the wire, after its server.c, http.c and protocol.c: endpoints below the base path, who is let in,
 * the hello, the messages of both sides and the close codes. It takes ttyd's options by their letters.
 */
export async function startTtydDouble(args: readonly string[]): Promise<RunningTtyd> {
  const { values, positionals } = parseArgs({
    args: [...beforeCommand(args)],
    options: {
      writable: { type: "boolean", short: "W", default: false },
      origin: { type: "boolean", short: "O", default: false },
      arguments: { type: "boolean", short: "a", default: false },
      credential: { type: "string", short: "c" },
      header: { type: "string", short: "H" },
      base: { type: "string", short: "b", default: "" },
      clients: { type: "string", short: "m", default: "0" },
    },
    allowPositionals: true,
  });
  const base = values.base;
  const secret = values.credential === undefined ? "" : Buffer.from(values.credential).toString("base64");

  /** The status that refuses; 200 lets in. */
  const judge = ({ headers }: IncomingMessage): number => {
    if (values.header !== undefined) return headers[values.header.toLowerCase()] === undefined ? 407 : 200;
    return secret === "" || headers.authorization === `Basic ${secret}` ? 200 : 401;
  };
  const http = createServer((request, response) => {
    const status = judge(request);
    if (status !== 200) response.writeHead(status, { "www-authenticate": 'Basic realm="ttyd"' }).end();
    else if (request.url === `${base}/token`) {
      response.writeHead(200, { "content-type": "application/json;charset=utf-8" });
      response.end(`{"token": "${secret}"}`);
    } else if (base !== "" && request.url === base) response.writeHead(302, { location: `${base}/` }).end();
    else if (request.url === `${base}/`)
      response.writeHead(200, { "content-type": "text/html" }).end("<title>ttyd - Terminal</title>");
    else response.writeHead(404).end();
  });
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: true });
  const running = new Set<BackendTerminal>();
  http.on("upgrade", (request, socket, head) => {
    const { origin = "", host, "sec-websocket-protocol": protocol } = request.headers;
    const full = Number(values.clients) > 0 && sockets.clients.size >= Number(values.clients);
    const foreign = values.origin && origin.replace(/^https?:\/\//, "") !== host;
    const path = request.url!.split("?")[0];
    // Refused handshakes get no answer at all.
    if (full || foreign || path !== `${base}/ws` || protocol !== "tty" || judge(request) !== 200) {
      socket.destroy();
      return;
    }
    sockets.handleUpgrade(request, socket, head, (client) => {
      const query = new URL(request.url!, "http://x").searchParams;
      const command = [...positionals, ...(values.arguments ? query.getAll("arg") : [])];
      const user =
        values.header === undefined ? undefined : String(request.headers[values.header.toLowerCase()]);
      const env = { PS1: "$ ", PATH: process.env.PATH!, ...(user !== undefined && { TTYD_USER: user }) };
      let program: BackendTerminal | undefined;
      let began = false;
      let early: Buffer[] = [];
      const say = (type: string, bytes: Uint8Array) =>
        client.send(Buffer.concat([Buffer.from(type), bytes]), { binary: true });
      const hello = async (text: string): Promise<void> => {
        began = true;
        const { AuthToken, columns, rows } = JSON.parse(text) as Record<string, unknown>;
        if (secret !== "" && AuthToken !== secret) {
          client.close(1008);
          return;
        }
        const size = { columns: columns as number, rows: rows as number };
        say("1", Buffer.from(`${command.join(" ")} (${hostname()})`));
        say("2", Buffer.from("{ }"));
        program = await localPty({ command, env }).open(
          { user: "ttyd", ...size },
          {
            onOutput: (bytes, start, end) => say("0", bytes.slice(start, end)),
            onDrain: () => {},
            onEnd: ({ code }) => {
              running.delete(program!);
              client.close(code === 0 ? 1000 : 1011);
            },
          },
        );
        running.add(program);
        for (const each of early.splice(0)) message(each);
      };
      const message = (data: Buffer): void => {
        const type = String.fromCharCode(data[0]!);
        if (type === "{") {
          if (!began) void hello(data.toString());
        } else if (program === undefined) early.push(data);
        else if (type === "0") {
          if (values.writable) program.write(data, 1, data.length);
        } else if (type === "1") program.resize(JSON.parse(data.subarray(1).toString()));
        else if (type === "2") program.pause();
        else if (type === "3") program.resume();
      };
      client.on("message", (data: Buffer) => message(data));
      client.on("close", () => {
        early = [];
        program?.end();
      });
    });
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  return {
    port: (http.address() as AddressInfo).port,
    async kill() {
      for (const client of sockets.clients) client.terminate();
      for (const program of running) program.end();
      http.closeAllConnections();
      if (http.listening) await new Promise((resolve) => http.close(resolve));
    },
  };
}

/** Options end where the command begins. */
function* beforeCommand(args: readonly string[]): Iterable<string> {
  const withValue = new Set(["-c", "-H", "-b", "-m"]);
  let i = 0;
  for (; args[i]?.startsWith("-") === true; i++) {
    yield args[i]!;
    if (withValue.has(args[i]!)) yield args[++i]!;
  }
  yield "--";
  yield* args.slice(i);
}
