import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";

const root = new URL("./corpus/", import.meta.url);

/** Inputs that are kept for a target: each reached code that none before it had, or once broke a promise. */
export function readCorpus(target: string): Buffer[] {
  const folder = new URL(`${target}/`, root);
  mkdirSync(folder, { recursive: true });
  return readdirSync(folder)
    .sort()
    .map((name) => readFileSync(new URL(name, folder)));
}

/** @returns the file's name */
export function keep(target: string, input: Uint8Array, prefix = ""): string {
  const name = `${prefix}${createHash("sha256").update(input).digest("hex").slice(0, 16)}.bin`;
  writeFileSync(new URL(`${target}/${name}`, root), input);
  return name;
}
