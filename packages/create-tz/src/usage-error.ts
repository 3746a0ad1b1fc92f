/** The command was called in a way that it cannot follow: one line for the user, exit code 2. */
export class UsageError extends Error {}
