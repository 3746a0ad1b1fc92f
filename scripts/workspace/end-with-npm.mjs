const lookEveryMs = 250;

/**
 * Ends this process in order when npm is stopped. npm runs scripts through a shell and sends SIGTERM to that
 * shell only, which dies of it and leaves its child running; the child sees nothing but a new parent.
 */
export function endWithNpm() {
  if (process.env.npm_lifecycle_event === undefined) return;
  const shell = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === shell) return;
    clearInterval(timer);
    process.kill(process.pid, "SIGTERM");
  }, lookEveryMs);
  timer.unref();
}
