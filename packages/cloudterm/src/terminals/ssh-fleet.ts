import { createHash, timingSafeEqual } from "node:crypto";
import { Client, type ClientChannel } from "ssh2";
import { CloudtermError, shown } from "../errors.js";
import { sftpFiles } from "../files/sftp-files.js";
import type { TerminalFiles } from "../files/terminal-files.js";
import { type SshHost, sshHosts } from "./ssh-hosts.js";
import type { BackendEvents, BackendTerminal, TerminalBackend, TerminalStart } from "./terminal-backend.js";
import type { TerminalSize } from "./terminal-size.js";

export interface SshFleetOptions {
  /** From `readSshHosts`, or in the same form. */
  readonly hosts: readonly SshHost[];
  /** A private key (OpenSSH or PEM), or the path of an agent's socket; one of both. */
  readonly privateKey?: string | Buffer | undefined;
  readonly passphrase?: string | undefined;
  readonly agent?: string | undefined;
  readonly connectTimeoutMs?: number | undefined;
  /** Default `xterm-256color`. */
  readonly term?: string | undefined;
}

const CONNECT_TIMEOUT_MS = 15_000;
const INPUT_BYTES_MAX = 256 * 1024;

/** The fleet, and the names that users may choose from. */
export interface SshFleet extends TerminalBackend {
  readonly hostNames: readonly string[];
}

/**
 * Shells on hosts of a list over SSH. A user chooses a host by its name in the list; address, port, user and keys are the
 * list's. A host whose key is none of those pinned for it is not talked to.
 * @throws CloudtermError `TZ_CLOUDTERM_OPTION`
 */
export function sshFleet(options: SshFleetOptions): SshFleet {
  const hosts = new Map(sshHosts(options.hosts).map((host) => [host.name, host]));
  const { privateKey, agent, term = "xterm-256color" } = options;
  if ((privateKey === undefined) === (agent === undefined)) {
    throw new CloudtermError("TZ_CLOUDTERM_OPTION", "sshFleet: privateKey or agent; allowed: one of both");
  }
  return {
    name: "ssh",
    hostNames: [...hosts.keys()],
    async open(start: TerminalStart, events: BackendEvents): Promise<BackendTerminal> {
      const host = start.choice === undefined ? undefined : hosts.get(start.choice);
      if (host === undefined) {
        throw new CloudtermError("TZ_CLOUDTERM_BACKEND", `there is no host ${shown(start.choice)}`);
      }
      const client = await connect(host, options, start.signal);
      const drop = (): void => void client.destroy();
      start.signal?.addEventListener("abort", drop);
      try {
        return new SshTerminal(client, await shell(client, start, term), host, events);
      } catch (cause) {
        client.destroy();
        throw new CloudtermError("TZ_CLOUDTERM_BACKEND", `${host.name}: ${(cause as Error).message}`, {
          cause,
        });
      } finally {
        start.signal?.removeEventListener("abort", drop);
      }
    },
  };
}

function connect(host: SshHost, options: SshFleetOptions, signal: AbortSignal | undefined): Promise<Client> {
  const { privateKey, passphrase, agent, connectTimeoutMs = CONNECT_TIMEOUT_MS } = options;
  const client = new Client();
  let seen = "";
  return new Promise((resolve, reject) => {
    const fail = (message: string, cause?: Error): void => {
      signal?.removeEventListener("abort", onAbort);
      reject(new CloudtermError("TZ_CLOUDTERM_BACKEND", `${host.name}: ${message}`, { cause }));
      client.destroy();
    };
    const onAbort = (): void => fail("nobody waits for it any more");
    signal?.addEventListener("abort", onAbort);
    client.once("ready", () => resolve(client));
    const letGo = (): void => signal?.removeEventListener("abort", onAbort);
    client.once("ready", letGo).once("close", letGo);
    client.on("error", (error) => {
      const pinned = seen === "" || isPinned(host, seen);
      fail(pinned ? error.message : `its host key ${seen} is not one that is pinned`, error);
    });
    client.once("close", () => fail("the connection was closed"));
    try {
      client.connect({
        host: host.host,
        port: host.port,
        username: host.user,
        readyTimeout: connectTimeoutMs,
        keepaliveInterval: 15_000,
        keepaliveCountMax: 3,
        hostVerifier: (key: Buffer) => {
          seen = `SHA256:${createHash("sha256").update(key).digest("base64").replace(/=+$/, "")}`;
          return isPinned(host, seen);
        },
        ...(privateKey === undefined
          ? { agent: agent! }
          : { privateKey, ...(passphrase !== undefined && { passphrase }) }),
      });
    } catch (error) {
      // A key that cannot be read.
      fail((error as Error).message, error as Error);
    }
  });
}

function isPinned(host: SshHost, fingerprint: string): boolean {
  const given = Buffer.from(fingerprint);
  return host.hostKeys.some((key) => timingSafeEqual(Buffer.from(key), given));
}

function shell(client: Client, { columns, rows }: TerminalStart, term: string): Promise<ClientChannel> {
  return new Promise((resolve, reject) => {
    client.shell({ term, cols: columns, rows, width: 0, height: 0 }, (error, channel) => {
      if (error !== undefined) reject(error);
      else resolve(channel);
    });
  });
}

class SshTerminal implements BackendTerminal {
  readonly files: TerminalFiles;
  readonly #client: Client;
  readonly #channel: ClientChannel;
  #exit: { code: number | undefined; signal: string | undefined } | undefined;
  #failure: string | undefined;
  #over = false;

  constructor(client: Client, channel: ClientChannel, host: SshHost, events: BackendEvents) {
    this.files = sftpFiles(client);
    this.#client = client;
    this.#channel = channel;
    const over = (): void => {
      if (this.#over) return;
      this.#over = true;
      client.end();
      events.onEnd(endOf(this.#exit, host, this.#failure));
    };
    channel.on("data", (chunk: Buffer) => events.onOutput(chunk, 0, chunk.length));
    channel.stderr.on("data", (chunk: Buffer) => events.onOutput(chunk, 0, chunk.length));
    channel.on("drain", () => events.onDrain());
    channel.on("exit", (code: number | null, signal?: string) => {
      this.#exit = { code: code ?? undefined, signal: signal === undefined ? undefined : `SIG${signal}` };
    });
    channel.on("close", over);
    client.on("error", (error) => {
      this.#failure = error.message;
    });
    client.on("close", over);
  }

  get pendingInputBytes(): number {
    return this.#channel.writableLength;
  }

  write(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#over) return true;
    // The stream keeps what it is given until the other side's window has room.
    this.#channel.write(Buffer.from(bytes.subarray(start, end)));
    return this.#channel.writableLength < INPUT_BYTES_MAX;
  }

  resize({ columns, rows }: TerminalSize): void {
    if (!this.#over) this.#channel.setWindow(rows, columns, 0, 0);
  }

  pause(): void {
    // What is not read is not acknowledged: SSH's window of this channel fills, the program waits.
    this.#channel.pause();
    this.#channel.stderr.pause();
  }

  resume(): void {
    this.#channel.resume();
    this.#channel.stderr.resume();
  }

  end(): void {
    if (this.#over) return;
    this.#channel.resume();
    this.#channel.close();
    // The far side hangs its programs up when the connection is gone.
    setTimeout(() => this.#client.destroy(), 2000).unref();
    this.#client.end();
  }
}

function endOf(
  exit: { code: number | undefined; signal: string | undefined } | undefined,
  host: SshHost,
  failure?: string,
) {
  const { code, signal } = exit ?? {};
  const message =
    signal !== undefined
      ? `the program was ended by ${signal}`
      : code !== undefined
        ? `the program exited with code ${code}`
        : `the connection to ${host.name} is gone${failure === undefined ? "" : `: ${failure}`}`;
  return { code, signal, message };
}
