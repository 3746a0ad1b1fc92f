import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { complaints } from "./compiled.fixture.js";
import { root } from "./example-project.fixture.js";

const page = (name: string): string => readFileSync(join(root, "docs/deploy", name), "utf8");
const blocks = (text: string, language: string): string[] =>
  [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, "gm"))].map(
    ([, code = ""]) => code,
  );

/** Where Kubernetes' own description of each kind is. */
const modules: Readonly<Record<string, string>> = {
  "apps/v1": "kubernetes-types/apps/v1",
  "policy/v1": "kubernetes-types/policy/v1",
  "networking.k8s.io/v1": "kubernetes-types/networking/v1",
  v1: "kubernetes-types/core/v1",
};

interface Manifest {
  readonly kind: string;
  readonly apiVersion: string;
  readonly spec: {
    readonly selector?: { readonly app?: string; readonly matchLabels?: object };
    readonly template?: { readonly metadata: { readonly labels: object }; readonly spec: PodSpec };
  };
}
interface PodSpec {
  readonly terminationGracePeriodSeconds: number;
  readonly containers: readonly { readonly ports: readonly { readonly containerPort: number }[] }[];
}

const manifests = blocks(page("kubernetes.md"), "yaml").flatMap((text) =>
  parseAllDocuments(text).map((document) => {
    expect(document.errors).toEqual([]);
    return document.toJS() as Manifest;
  }),
);

test("the manifests have the fields that Kubernetes describes, and no others", () => {
  expect(manifests.map(({ kind }) => kind)).toEqual(["Deployment", "Service", "PodDisruptionBudget"]);
  const code = manifests.map((manifest) => ({
    name: manifest.kind,
    code: `import type { ${manifest.kind} } from "${modules[manifest.apiVersion]}";
export const manifest: ${manifest.kind} = ${JSON.stringify(manifest)};`,
  }));
  expect(complaints(code)).toEqual([]);
  const misspelt = code.map(({ name, code }) => ({
    name,
    code: code.replace('"spec":{', '"spec":{"replica":1,'),
  }));
  expect(complaints(misspelt).length).toBeGreaterThanOrEqual(manifests.length);
}, 240_000);

test("what the manifests select is what they label, and the service leads to the container's port", () => {
  const [deployment, service, budget] = manifests as [Manifest, Manifest, Manifest];
  const labels = deployment.spec.template!.metadata.labels;
  expect(deployment.spec.selector?.matchLabels).toEqual(labels);
  expect(service.spec.selector).toEqual(labels);
  expect(budget.spec.selector?.matchLabels).toEqual(labels);
  const target = (service.spec as unknown as { ports: { targetPort: number }[] }).ports[0]?.targetPort;
  expect(deployment.spec.template!.spec.containers[0]?.ports[0]?.containerPort).toBe(target);
  // The pause before the signal and the ten seconds of draining fit in.
  expect(deployment.spec.template!.spec.terminationGracePeriodSeconds).toBeGreaterThan(15);
});

test("the files for compose name services with an image and a command", () => {
  const files = blocks(page("cloudterm.md"), "yaml").map((text) => parse(text) as { services: object });
  expect(files).toHaveLength(2);
  for (const { services } of files) {
    for (const service of Object.values(services) as { image: string }[]) {
      expect(service.image).toMatch(/^[\w./-]+:[\w.-]+$/);
    }
  }
});

test("the Dockerfile copies from stages that it has, ends as a user who is not root, and runs a command that is there", () => {
  const [file = ""] = blocks(page("docker.md"), "dockerfile");
  const lines = file.split("\n").filter((line) => line !== "");
  for (const line of lines) {
    expect(line).toMatch(/^(FROM|WORKDIR|COPY|RUN|ENV|USER|EXPOSE|HEALTHCHECK|ENTRYPOINT) \S/);
  }
  const stages = lines.flatMap((line) => / AS (\w+)$/.exec(line)?.[1] ?? []);
  for (const line of lines) {
    const from = /--from=(\w+)/.exec(line)?.[1];
    if (from) expect(stages).toContain(from);
  }
  expect(lines.findLast((line) => line.startsWith("USER"))).toBe("USER node");
  const entry = lines.at(-1)!;
  const command = JSON.parse(entry.replace("ENTRYPOINT ", "")) as string[];
  const { bin } = JSON.parse(readFileSync(join(root, "apps/static-demo/package.json"), "utf8")) as {
    bin: object;
  };
  expect(Object.keys(bin)).toContain(command[0]!.split("/").at(-1));
});
