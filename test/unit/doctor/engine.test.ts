import { describe, expect, test } from "vitest";
import { engineOf, inWordsOf, type Engine, type EngineSigns } from "../../../src/doctor/engine.ts";

const nothing: EngineSigns = { environment: {}, hasDockerFile: false, hasPodmanFile: false, cgroup: "0::/" };

test.each<[Engine, string, Partial<EngineSigns>]>([
  ["kubernetes", "its variable", { environment: { KUBERNETES_SERVICE_HOST: "10.0.0.1" }, hasDockerFile: true }],
  ["kubernetes", "a cgroup", { cgroup: "0::/kubepods/burstable/pod1" }],
  ["balena", "its variable", { environment: { BALENA: "1" }, hasDockerFile: true }],
  ["podman", "its file", { hasPodmanFile: true }],
  ["docker", "its file", { hasDockerFile: true }],
  ["docker", "a cgroup", { cgroup: "12:pids:/docker/0123" }],
  ["host", "nothing", {}],
  ["host", "an empty variable", { environment: { KUBERNETES_SERVICE_HOST: "", BALENA: "" } }],
])("%s shows by %s", (engine, _, signs) => {
  expect(engineOf({ ...nothing, ...signs })).toBe(engine);
});

describe("a change is named", () => {
  test.each<[Engine, RegExp]>([
    ["docker", /--cap-add SYS_ADMIN.*Compose/],
    ["kubernetes", /securityContext/],
    ["balena", /docker-compose\.yml/],
    ["podman", /podman run/],
    ["host", /root/],
  ])("in the words of %s", (engine, words) => {
    expect(inWordsOf(engine, "add-capability")).toMatch(words);
  });
});
