import { describe, expect, test, vi } from "vitest";
import { readCorpus } from "../fuzz/corpus.js";
import { TARGETS } from "../fuzz/targets.js";

// On a busy machine many runs take long; a hang is what this is for.
vi.setConfig({ testTimeout: 120_000 });

describe("fuzzing's corpus", () => {
  for (const [name, target] of Object.entries(TARGETS)) {
    test(`${name}: every input that was kept still holds`, () => {
      const corpus = readCorpus(name);
      expect(corpus.length).toBeGreaterThan(0);
      for (const input of [...target.seeds.map((text) => Buffer.from(text, "latin1")), ...corpus])
        target.run(input);
    });
  }
});
