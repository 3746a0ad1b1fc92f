// `prepack` of every published package. npm would put `workspace:^` and `catalog:` into the manifest as they are,
// and nobody could install the tarball; pnpm writes versions for them.
if (!/\bpnpm\//.test(process.env.npm_config_user_agent ?? "")) {
  console.error(
    "npm cannot pack a package of this workspace: nobody could install it.\n" +
      "In the clone's folder: npm run pack -- --into DIR",
  );
  process.exit(1);
}
