/**
 * `env` without what npm and pnpm hand down to the scripts that they run (`npm_config_*`, `npm_package_*`, …): a
 * command started with it behaves as a user's own shell would have it. Without this, `engine-strict` of this
 * workspace would decide about the installation of another project.
 */
export function userEnvironment(env = process.env) {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !/^(npm_|pnpm_|INIT_CWD$)/i.test(name) || isTheUsers(name)),
  );
}

/** What a user or a mirror sets for every project: where packages come from, and where they are kept. */
function isTheUsers(name) {
  return /^npm_config_(registry|cache|proxy|https_proxy|noproxy|cafile|userconfig)$/i.test(name);
}
