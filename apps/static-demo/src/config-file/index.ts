export { type ConfigFile, defineConfig, type MountConfig } from "./config-file.js";
