import { hasOption, isReadOnly, optionsProblem, optionValue, splitOptions } from "../../../src/shares/options.ts";
import { kernelMount } from "../../../src/kinds/nfs/mount-data.ts";
import { describe, expect, test } from "vitest";

test("options are parted by commas, and empty ones are none", () => {
  expect(splitOptions("rw,,hard,")).toEqual(["rw", "hard"]);
  expect(splitOptions("")).toEqual([]);
});

test("of an option that is given twice the last one counts", () => {
  expect(optionValue(["port=1", "hard", "port=2"], "port")).toBe("2");
  expect(optionValue(["mountaddr=a", "mounthost=b"], "mountaddr", "mounthost")).toBe("b");
  expect(optionValue(["ro"], "ro")).toBe("");
  expect(optionValue(["x-a=b=c"], "x-a")).toBe("b=c");
  expect(optionValue(["rox=1"], "ro")).toBeUndefined();
  expect(hasOption(["local_lock=none"], "local_lock")).toBe(true);
});

describe("what cannot be options", () => {
  test.each([
    ["hard, nolock", /blank/],
    ["hard nolock", /blank/],
    ["hard,nolock\u00a0", /blank/],
    ["-o soft", /-o of mount/],
    ["-osoft", /-o of mount/],
    ["hard,-o,soft", /no name/],
    ["hard,,nolock", /empty/],
    [",hard", /empty/],
    ["hard,", /empty/],
    [",", /empty/],
    ["hard,=5", /no name/],
    ["'hard',nolock", /no name/],
    ['context="a,b', /quote/],
    ["hard\u0007", /control character/],
  ])("%j: %s", (text, problem) => {
    expect(optionsProblem(text)).toMatch(problem);
  });

  test.each(["hard", "hard,nolock", "timeo=600,sec=krb5p", 'context="system_u:object_r:nfs_t:s0,c1 c2",ro', "x-a=b=c"])(
    "is not %s",
    (text) => {
      expect(optionsProblem(text)).toBeUndefined();
    },
  );
});

describe("read-only", () => {
  test.each([
    ["ro", true],
    ["rw,ro", true],
    ["ro,rw", false],
    ["ro,hard,rw,soft", false],
    ["rw", false],
    ["hard", false],
    ["ro=x", false],
  ])("of %s: %s, as the mount call has it", (text, isIt) => {
    expect(isReadOnly(splitOptions(text))).toBe(isIt);
    const { flags } = kernelMount({ label: "nas:/x", options: splitOptions(text) }, "4.2", {
      server: "192.0.2.1",
      mountd: undefined,
    });
    expect((flags & 1) === 1).toBe(isIt);
  });
});
