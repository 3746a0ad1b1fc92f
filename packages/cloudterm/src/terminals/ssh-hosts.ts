import { readFileSync } from "node:fs";
import { CloudtermError, shown } from "../errors.js";

/** One host of the fleet. All of it comes from the operator's file, nothing from a user. */
export interface SshHost {
  /** What users choose by. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Its keys' fingerprints as `ssh-keygen -l` shows them: `SHA256:…`. */
  readonly hostKeys: readonly string[];
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
/** A name or address; never begins with a dash. */
const HOST = /^[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?$|^[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*$/;
const USER = /^[A-Za-z_][A-Za-z0-9._-]{0,31}$/;
const FINGERPRINT = /^SHA256:[A-Za-z0-9+/]{43}$/;
const KNOWN = ["name", "host", "port", "user", "hostKeys"];

/**
 * Checks a list of hosts.
 * @throws CloudtermError `TZ_CLOUDTERM_OPTION`, naming what is wrong where
 */
export function sshHosts(list: unknown): readonly SshHost[] {
  if (!Array.isArray(list)) throw wrong("the host list", list, "a list of hosts");
  const names = new Set<string>();
  return list.map((entry: Record<string, unknown>, i) => {
    const at = `host ${i + 1}`;
    if (typeof entry !== "object" || entry === null) throw wrong(at, entry, "an object");
    for (const key of Object.keys(entry))
      if (!KNOWN.includes(key)) throw wrong(`${at}: ${key}`, "an unknown name", KNOWN.join(", "));
    const { host, user, port = 22, hostKeys, name = host } = entry;
    if (typeof name !== "string" || !NAME.test(name))
      throw wrong(`${at}: name`, name, "letters, digits, dots and dashes, no dash first");
    if (names.has(name)) throw wrong(`${at}: name`, name, "a name of its own");
    names.add(name);
    if (typeof host !== "string" || !HOST.test(host))
      throw wrong(`${at}: host`, host, "a name or an address");
    if (typeof user !== "string" || !USER.test(user)) throw wrong(`${at}: user`, user, "a user's name");
    if (!Number.isInteger(port) || (port as number) < 1 || (port as number) > 65_535)
      throw wrong(`${at}: port`, port, "a whole number from 1 to 65535");
    if (
      !Array.isArray(hostKeys) ||
      hostKeys.length === 0 ||
      !hostKeys.every((key) => typeof key === "string" && FINGERPRINT.test(key))
    ) {
      throw wrong(`${at}: hostKeys`, hostKeys, "one fingerprint or more, as SHA256:…");
    }
    return { name, host, user, port: port as number, hostKeys: hostKeys as string[] };
  });
}

/** Reads a JSON file with a list of hosts. @throws CloudtermError `TZ_CLOUDTERM_OPTION` */
export function readSshHosts(path: string): readonly SshHost[] {
  let list: unknown;
  try {
    list = JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw new CloudtermError("TZ_CLOUDTERM_OPTION", `the host list ${path}: ${(cause as Error).message}`, {
      cause,
    });
  }
  return sshHosts(list);
}

function wrong(what: string, value: unknown, allowed: string): CloudtermError {
  return new CloudtermError("TZ_CLOUDTERM_OPTION", `${what} is ${shown(value)}; allowed: ${allowed}`);
}
