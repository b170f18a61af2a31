import { describe, expect, test } from "vitest";
import { kinds } from "../../../src/kinds/kinds.ts";
import { mountings } from "../../../src/kinds/mountings.ts";
import type { KindName } from "../../../src/shares/share.ts";
import { localMount } from "../fakes/mounts.ts";

const all = Object.keys(kinds) as KindName[];
const source = { host: "nas", path: "/export" };

function partsOf(name: KindName) {
  return { ...kinds[name], mounting: mountings[name] };
}

describe("a kind", () => {
  test.each(all)("has ways to mount a share that is asked for without a version: %s", (name) => {
    const { mounting, sources } = partsOf(name);
    const share = { label: sources.format(source), options: [], version: "auto" };
    const ways = mounting.ways(share, []);
    expect(ways.length).toBeGreaterThan(0);
    expect(mounting.ways(share, [ways[0]?.version ?? ""])).toEqual(
      ways.slice(1).map(({ version }) => expect.objectContaining({ version }) as object),
    );
  });

  test.each(all)("knows the mount that its own call makes: %s", (name) => {
    const { mounting, mounts, sources } = partsOf(name);
    for (const way of mounting.ways({ label: sources.format(source), options: [], version: "auto" }, [])) {
      const call = way.call({ server: "192.0.2.1", mountd: undefined });
      const mount = localMount("/mnt", { fstype: call.fstype, source: call.source });
      expect(mounts.isMounted(mount)).toBe(true);
      expect(mounts.isOf(mount, source)).toBe(true);
    }
  });
});
