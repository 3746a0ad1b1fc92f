import { isSupported, setNoNewPrivileges } from "@tz/sys";
import { ServerError } from "../errors.js";
import { account, groupId } from "./accounts.js";

export interface PrivilegeOptions {
  /** After binding, the process becomes this user (a name or a number). Only root may. */
  readonly user?: string | number | undefined;
  /** Default: the user's own group. */
  readonly group?: string | number | undefined;
}

/** @throws ServerError `TZ_SERVER_OPTION` before anything is bound */
export function checkPrivileges({ user, group }: PrivilegeOptions): void {
  if (user === undefined && group === undefined) return;
  if (user === undefined) {
    throw new ServerError(
      "TZ_SERVER_OPTION",
      `group is ${group} without a user; allowed: both, or user alone`,
    );
  }
  if (process.getuid === undefined) {
    throw new ServerError(
      "TZ_SERVER_OPTION",
      `user is ${user}; allowed: nothing, ${process.platform} has no users`,
    );
  }
  const { uid, gid } = account(user);
  if (group === undefined && gid === undefined) {
    throw new ServerError(
      "TZ_SERVER_OPTION",
      `user is ${user}, which has no name; allowed: with a group beside it`,
    );
  }
  if (group !== undefined) groupId(group);
  if (process.getuid() !== 0 && process.getuid() !== uid) {
    throw new ServerError(
      "TZ_SERVER_OPTION",
      `user is ${user}; allowed: nothing, only root may become another user`,
    );
  }
}

/**
 * Becomes another user, for good: supplementary groups, group, user, and a proof that there is no way back. Programs
 * started from now on cannot gain rights either (`no_new_privs`).
 * @throws ServerError `TZ_SERVER_OPTION`, a system error of Node
 */
export function dropPrivileges(options: PrivilegeOptions): void {
  checkPrivileges(options);
  const { user, group } = options;
  if (user === undefined || process.getuid === undefined) return;
  forbidNewPrivileges(options);
  const { uid, gid: ownGroup, name } = account(user);
  if (process.getuid() === uid && uid !== 0) return;
  const gid = group === undefined ? ownGroup! : groupId(group);
  if (name === undefined) process.setgroups!([gid]);
  else initialGroups(name, gid);
  process.setgid!(gid);
  process.setuid!(uid);
  if (uid !== 0 && canReturn()) {
    throw new ServerError("TZ_SERVER_STATE", `became ${user}, but could become root again`);
  }
}

/** All groups of a user; not in Node's types. */
function initialGroups(name: string, gid: number): void {
  (process as typeof process & { initgroups(user: string, group: number): void }).initgroups(name, gid);
}

/** For the thread that starts processes: they have it from their first instruction. */
export function forbidNewPrivileges({ user }: PrivilegeOptions): void {
  if (user !== undefined && isSupported().supported) setNoNewPrivileges();
}

function canReturn(): boolean {
  try {
    process.setuid!(0);
    return true;
  } catch {
    return false;
  }
}
