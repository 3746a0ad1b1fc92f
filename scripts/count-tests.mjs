// node scripts/count-tests.mjs REPORT.json EXIT_CODE: prints `PASSED FAILED` of a vitest JSON report on stdout;
// what failed and what was skipped goes to stderr.
import { relative } from "node:path";
import { readJson, root } from "./workspace/root.mjs";

const [file, exitCode] = process.argv.slice(2);
const report = readJson(file);
const suites = report?.testResults ?? [];
const counts = { passed: 0, failed: 0, skipped: 0 };

for (const { name, assertionResults: tests, status, message } of suites) {
  const where = relative(root, name);
  for (const { status: outcome, fullName, failureMessages = [] } of tests) {
    if (outcome === "passed") {
      counts.passed++;
      // Not lost: what fails now and then is a defect too, of the test or of what it tests.
      for (const failure of failureMessages)
        console.error(`passed when tried again: ${where}: ${fullName}: ${failure}`);
    } else if (outcome === "failed") {
      counts.failed++;
      console.error(`failed: ${where}: ${fullName}`);
    } else {
      counts.skipped++;
      console.error(`skipped: ${where}: ${fullName}`);
    }
  }
  // A file that does not load, or a hook that throws, has no failed test of its own.
  if (status === "failed" && !tests.some((test) => test.status === "failed")) {
    counts.failed++;
    console.error(`failed: ${where}: ${message || "the file as a whole"}`);
  }
}
if (exitCode !== "0" && counts.failed === 0) {
  counts.failed++;
  console.error(report ? "failed: an error outside the tests; see above" : "failed: no report; see above");
}
if (counts.skipped > 0) console.error(`${counts.skipped} skipped`);
console.log(`${counts.passed} ${counts.failed}`);
