import { describe, expect, test } from "vitest";
import { readConfig } from "../../../src/config/config.ts";
import { meansShares } from "../../../src/config/share-names.ts";
import { shareKeys, variableName, variableRows, type VariableKey } from "../../../src/config/variables.ts";

/** A good value of each variable that is about shares. */
const values: Partial<Record<VariableKey, string>> = {
  host: "nas",
  hostMount: "/export",
  mountPoint: "/mnt/data",
  version: "4.2",
  options: "hard",
  username: "anna",
  passwordFile: "/run/secrets/nas",
  domain: "WORK",
  mounts: "nas:/export /mnt/data",
};

const names = [
  ...variableRows.map(({ name, key }) => ({ name, key })),
  ...shareKeys.flatMap((key) => ["1", "42"].map((number) => ({ name: variableName(key, number), key }))),
];

describe("a variable means that there is a share", () => {
  test.each(names)("exactly where a configuration of $name alone has one, or misses a part of it", ({ name, key }) => {
    const value = values[key] ?? variableRows.find((row) => row.key === key)?.default ?? "";
    const result = readConfig({ [name]: value });
    const hasShare = result.kind === "problems" || result.config.shares.length > 0;
    expect(meansShares(name)).toBe(hasShare);
  });

  test.each(["NFS_", "NFS_2_", "NFS_X_HOST", "NFS_2_MOUNTS", "NFS_SERVICE_HOST", "NFS_1_PORT_2049_TCP_ADDR", "HOST"])(
    "never where it is none of ours: %s",
    (name) => {
      expect(meansShares(name)).toBe(false);
    },
  );
});
