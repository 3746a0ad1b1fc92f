import { spawnSync } from "node:child_process";

/**
 * Asks an installed program for its version.
 * @param {string} program
 * @param {readonly string[]} args what makes it print its version
 * @param {string} debianPackage
 * @returns {{ version: string } | { missing: string }}
 */
export function probeProgram(program, args, debianPackage) {
  const { error, stdout, stderr } = spawnSync(program, args, { encoding: "utf8" });
  if (error) return { missing: `${program} is not installed (apt-get install ${debianPackage})` };
  return { version: /\d+(\.\d+)+/.exec(`${stdout}${stderr}`)?.[0] ?? "unknown version" };
}
