import { runAlone } from "./run/alone.mjs";
import { certificateIn, missingOpenssl } from "./run/certificate.mjs";
import { tzStatic } from "./tz-static.mjs";

const plain = tzStatic("epoll", "tz-static-tls", "this project, epoll loop, --cert, --key, --http2");

/** @type {import("../harness/target.ts").Target} */
export const target = {
  ...plain,
  probe: () => {
    const missing = missingOpenssl();
    return missing === undefined ? plain.probe() : { missing };
  },
  command: (serving) => {
    const { cert, key } = certificateIn(serving.work);
    return [...plain.command(serving), "--cert", cert, "--key", key, "--http2"];
  },
};

runAlone(import.meta, target);
