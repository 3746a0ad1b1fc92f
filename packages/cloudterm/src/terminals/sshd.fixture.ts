import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { unusedPort } from "../../../../scripts/workspace/unused-port.mjs";

const PROGRAM = "/usr/sbin/sshd";

/** Why tests with a real server cannot run; empty when they can. */
export const lacksSshd =
  spawnSync(PROGRAM, ["-V"]).error === undefined
    ? ""
    : " (skipped: sshd is not installed, apt-get install openssh-server)";

/** An sshd of its own that lets this very user in with one key. */
export class SshServer {
  readonly #folder = mkdtempSync(join(tmpdir(), "tz-sshd-"));
  #child: ChildProcess | undefined;
  port = 0;
  readonly user = userInfo().username;

  static async start(): Promise<SshServer> {
    const server = new SshServer();
    for (const name of ["host", "client", "stranger"]) {
      execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", server.#path(name)]);
    }
    // It takes no port 0.
    server.port = await unusedPort();
    const config = [
      `Port ${server.port}`,
      "ListenAddress 127.0.0.1",
      `HostKey ${server.#path("host")}`,
      `AuthorizedKeysFile ${server.#path("client.pub")}`,
      "PermitRootLogin prohibit-password",
      "PasswordAuthentication no",
      "KbdInteractiveAuthentication no",
      "StrictModes no",
      "UsePAM no",
      "PidFile none",
      "Subsystem sftp internal-sftp",
    ];
    writeFileSync(server.#path("config"), `${config.join("\n")}\n`);
    if (process.getuid?.() === 0) mkdirSync("/run/sshd", { recursive: true });
    await server.listen();
    return server;
  }

  /** Again, after {@link halt}, on the same port with the same key. */
  async listen(): Promise<void> {
    const child = spawn(PROGRAM, ["-D", "-e", "-f", this.#path("config")], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.#child = child;
    await new Promise<void>((resolve, reject) => {
      let text = "";
      child.stderr!.on("data", (chunk) => {
        text += chunk;
        if (text.includes("Server listening")) resolve();
      });
      child.once("exit", () => reject(new Error(`sshd ended: ${text}`)));
    });
  }

  /** Nobody gets in any more; who is in stays, as with a restart of the service. */
  async halt(): Promise<void> {
    const child = this.#child!;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGTERM");
    await ended;
  }

  /** Of the host key, as `ssh-keygen -l` says it. */
  get fingerprint(): string {
    return execFileSync("ssh-keygen", ["-lf", this.#path("host.pub")])
      .toString()
      .split(" ")[1]!;
  }

  key(name: "client" | "stranger"): Buffer {
    return readFileSync(this.keyPath(name));
  }

  keyPath(name: "client" | "stranger"): string {
    return this.#path(name);
  }

  #path(name: string): string {
    return join(this.#folder, name);
  }

  async stop(): Promise<void> {
    if (this.#child!.exitCode === null) await this.halt();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
