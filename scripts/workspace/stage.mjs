import { CommandFailed } from "./run.mjs";

/** Ends the process in order: a failed command has said why on stderr, anything else is a bug with a stack. */
export async function stage(work) {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error;
    console.error(error.message);
    process.exit(error.exitCode);
  }
}
