// `npm run torture -- defects`: puts one known defect after the other into the sources, runs the test that must find it,
// and takes it out again. Ends with 1 when a test found nothing. The list: seeded-defects.json.

import { spawn } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { root } from "./workspace/root.mjs";

const defects = JSON.parse(await readFile(join(root, "scripts/seeded-defects.json"), "utf8"));
let undo = async () => {};
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, () => void undo().finally(() => process.exit(130)));
}

/** @returns whether the tests passed */
function passes(test) {
  const vitest = join(root, "node_modules/vitest/vitest.mjs");
  const child = spawn(process.execPath, [vitest, "run", "--bail", "1", test], { cwd: root, stdio: "ignore" });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve(code === 0));
  });
}

let missed = 0;
for (const { defect, file, from, to, test } of defects) {
  const path = join(root, file);
  const source = await readFile(path, "utf8");
  if (source.split(from).length !== 2) throw new Error(`${file} does not hold once: ${from}`);
  undo = () => writeFile(path, source);
  let isFound = false;
  try {
    // A function in place of the text: `$` means nothing then.
    await writeFile(
      path,
      source.replace(from, () => to),
    );
    isFound = !(await passes(test));
  } finally {
    await undo();
  }
  if (!isFound) missed++;
  console.log(`${isFound ? "found " : "MISSED"} ${defect} (${test})`);
}
console.log(`${defects.length - missed} of ${defects.length} defects found`);
process.exitCode = missed === 0 ? 0 : 1;
