import { spawn } from "node:child_process";
import { constants } from "node:os";
import { delimiter, dirname } from "node:path";
import { root } from "./root.mjs";

/** A command that ended badly. `exitCode` is what this process should exit with. */
export class CommandFailed extends Error {
  constructor(command, exitCode) {
    super(`${command} failed with exit code ${exitCode}`);
    this.exitCode = exitCode;
  }
}

const quietTools = {
  TURBO_TELEMETRY_DISABLED: "1",
  TURBO_NO_UPDATE_NOTIFIER: "1",
  DO_NOT_TRACK: "1",
  NPM_CONFIG_UPDATE_NOTIFIER: "false",
};

/**
 * Runs a command to its end in the workspace folder. Its output goes to stderr (`output: "inherit"` keeps
 * stdout), its input is empty, and SIGINT and SIGTERM reach it.
 * @throws {CommandFailed} when it exits with anything but 0
 */
export function run(command, args, { output = "stderr", env = {} } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: root,
      stdio: ["ignore", output === "stderr" ? 2 : "inherit", "inherit"],
      env: { ...process.env, ...quietTools, PATH: pathWithThisNode(), ...env },
    });
    // Ctrl-C reaches the whole process group, but `kill PID` only us.
    const forward = (signal) => child.kill(signal);
    process.on("SIGINT", forward);
    process.on("SIGTERM", forward);
    const finish = (error) => {
      process.off("SIGINT", forward);
      process.off("SIGTERM", forward);
      error ? reject(error) : resolve();
    };
    const line = [command, ...args].join(" ");
    child.once("error", (error) => finish(new CommandFailed(`${line} (${error.message})`, 1)));
    child.once("close", (code, signal) => {
      const exitCode = signal ? 128 + constants.signals[signal] : code;
      finish(exitCode === 0 ? undefined : new CommandFailed(line, exitCode));
    });
  });
}

/** Tools start `node` by name: they must get the version that runs this script, wherever it was installed. */
function pathWithThisNode() {
  return [dirname(process.execPath), process.env.PATH].filter(Boolean).join(delimiter);
}
