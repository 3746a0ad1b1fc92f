import { DEFAULT_SCHEME, type HashScheme } from "@tz/cloudterm";
import type { Config } from "./config/config-table.js";

/** 2^12 rounds: some 200 ms of one core. */
const BCRYPT_COST = 12;

export function hashSchemeOf({ hashScheme }: Pick<Config, "hashScheme">): HashScheme {
  return hashScheme === "bcrypt" ? { kind: "bcrypt", cost: BCRYPT_COST } : DEFAULT_SCHEME;
}
