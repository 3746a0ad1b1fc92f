import { runAlone } from "./run/alone.mjs";
import { oneMillion } from "./run/one-million.mjs";

export const target = oneMillion(1);

runAlone(import.meta, target);
