import { readFileSync } from "node:fs";
import { ServerError } from "../errors.js";

const USERS = "/etc/passwd";
const GROUPS = "/etc/group";
const ID_MAX = 2 ** 32 - 2;

export interface Account {
  readonly uid: number;
  /** Its own group; `undefined` for a number that no name belongs to. */
  readonly gid: number | undefined;
  readonly name: string | undefined;
}

/** @throws ServerError `TZ_SERVER_OPTION` for a name that the machine does not know */
export function account(user: string | number, file: string = USERS): Account {
  const id = asId(user);
  const line = linesOf(file).find(([name, , uid]) => (id === undefined ? name === user : Number(uid) === id));
  if (line !== undefined) return { uid: Number(line[2]), gid: Number(line[3]), name: line[0] };
  if (id === undefined) throw unknown("user", user, file);
  return { uid: id, gid: undefined, name: undefined };
}

/** @throws ServerError `TZ_SERVER_OPTION` */
export function userId(user: string | number): number {
  return asId(user) ?? account(user).uid;
}

/** @throws ServerError `TZ_SERVER_OPTION` */
export function groupId(group: string | number, file: string = GROUPS): number {
  const id = asId(group);
  if (id !== undefined) return id;
  const line = linesOf(file).find(([name]) => name === group);
  if (line === undefined) throw unknown("group", group, file);
  return Number(line[2]);
}

function asId(given: string | number): number | undefined {
  const id = typeof given === "number" || /^\d+$/.test(given) ? Number(given) : undefined;
  if (id !== undefined && !(Number.isInteger(id) && id >= 0 && id <= ID_MAX)) {
    throw new ServerError(
      "TZ_SERVER_OPTION",
      `user or group is ${given}; allowed: 0 to ${ID_MAX}, or a name`,
    );
  }
  return id;
}

function linesOf(file: string): string[][] {
  return readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split(":"));
}

function unknown(what: string, name: string | number, file: string): ServerError {
  return new ServerError(
    "TZ_SERVER_OPTION",
    `${what} is ${JSON.stringify(name)}; allowed: a name in ${file}, or a number`,
  );
}
