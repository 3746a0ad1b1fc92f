#!/usr/bin/env node
// Is there before anything is built, so that pnpm can link the command in a fresh clone.
await import(new URL("../dist/cli.js", import.meta.url).href);
