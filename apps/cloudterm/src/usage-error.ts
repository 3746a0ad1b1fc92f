/** What the caller can put right: told in one line on stderr, exit code 2. */
export class UsageError extends Error {
  override name = "UsageError";
}
