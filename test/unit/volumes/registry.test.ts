// Who uses which volume, against a model of what the daemon and its containers know.
import { describe, expect, test } from "vitest";
import {
  activated,
  created,
  givenUp,
  isOldOnly,
  isUsed,
  mounted,
  removed,
  unmounted,
  unused,
  type Volumes,
} from "../../../src/volumes/registry.ts";
import { formatVolumes, longestListBytes, parseVolumes } from "../../../src/volumes/stored.ts";
import { random } from "../fakes/random.ts";

const none: Volumes = new Map();
const withData = created(none, "data", { share: "nas:/x" }, 1) ?? none;
const isDataUsed = (volumes: Volumes) => isUsed(volumes.get("data"));
const after = (...steps: readonly ((volumes: Volumes) => Volumes)[]) =>
  steps.reduce((volumes, step) => step(volumes), withData);
const mount = (id: string) => (volumes: Volumes) => mounted(volumes, "data", id);
const unmount = (id: string) => (volumes: Volumes) => unmounted(volumes, "data", id);

describe("a volume is used", () => {
  test.each([
    ["never, unless somebody mounts it", [], false],
    ["while one has it", [mount("a")], true],
    ["no more when that one gives it back", [mount("a"), unmount("a")], false],
    ["while one of two has it", [mount("a"), mount("b"), unmount("a")], true],
    ["while one has it twice, as for docker cp, and gives it back once", [mount("a"), mount("a"), unmount("a")], true],
    ["no more after a stranger gives back and its only user does", [mount("a"), unmount("x"), unmount("a")], false],
    ["over a start of the daemon", [mount("a"), activated], true],
    [
      "no more when a daemon mounts it anew and gives it back",
      [mount("a"), mount("a"), activated, mount("a"), unmount("a")],
      false,
    ],
    [
      "no more when a daemon gives back what its forerunner had twice",
      [mount("a"), mount("a"), activated, unmount("a")],
      false,
    ],
    ["no more after a start of the machine", [mount("a"), unused], false],
  ] as const)("%s", (_, steps, isThere) => {
    expect(isDataUsed(after(...steps))).toBe(isThere);
  });
});

describe("a volume", () => {
  test("that is there is created again with the same options only", () => {
    expect(created(withData, "data", { share: "nas:/x" }, 9)).toBe(withData);
    expect(created(withData, "data", { share: "nas:/y" }, 9)).toBeUndefined();
    expect(created(withData, "data", { share: "nas:/x", o: "ro" }, 9)).toBeUndefined();
  });

  test("that is not there is mounted by nobody", () => {
    expect(mounted(none, "data", "a")).toBe(none);
    expect(unmounted(none, "data", "a")).toBe(none);
  });

  test("that was removed is gone with its users", () => {
    const again = created(removed(after(mount("a")), "data"), "data", {}, 2) ?? none;
    expect(isDataUsed(again)).toBe(false);
  });
});

test("a thousand histories end with as many users as the containers of the last daemon, or more while an older one's are out", () => {
  const { pick } = random(18);
  const told = (users: readonly string[]) => users.toSorted().join(", ");
  for (let history = 0; history < 1_000; history++) {
    let volumes = withData;
    /** What the daemon that runs knows: how often each id has it. */
    let daemon = new Map<string, number>();
    /** Ids of earlier daemons that were neither mounted again nor given back. */
    let old = new Set<string>();
    /** After each step: ids that have it, with how often, and those of earlier daemons. */
    const found: string[] = [];
    const expected: string[] = [];
    for (let step = 0; step < 30; step++) {
      const id = pick(["a", "b", "c"]);
      const count = daemon.get(id) ?? 0;
      switch (pick(["mount", "mount", "unmount", "unmount", "killed", "reloaded"])) {
        case "mount":
          volumes = mounted(volumes, "data", id);
          daemon.set(id, count + 1);
          old.delete(id);
          break;
        case "unmount":
          // One that the daemon has not mounted is an older one's, with live-restore, or nobody's.
          volumes = unmounted(volumes, "data", id);
          old.delete(id);
          if (count > 1) daemon.set(id, count - 1);
          else daemon.delete(id);
          break;
        case "killed":
          volumes = activated(volumes);
          old = new Set([...old, ...daemon.keys()]);
          daemon = new Map();
          break;
        default:
          volumes = parseVolumes(formatVolumes({ bootId: "b", volumes }))?.volumes ?? none;
      }
      const references = [...(volumes.get("data")?.references ?? [])];
      found.push(told(references.map(([user, { count: times, isOld }]) => (isOld ? user : `${user} ${times}`))));
      expected.push(told([...old, ...[...daemon].map(([user, times]) => `${user} ${times}`)]));
    }
    expect(found).toEqual(expected);
  }
});

describe("users of a daemon that is gone", () => {
  const isOldOnlyAfter = (...steps: readonly ((volumes: Volumes) => Volumes)[]) =>
    isOldOnly(after(...steps).get("data"));

  test("are all there are until one of this daemon comes", () => {
    expect(isOldOnlyAfter()).toBe(false);
    expect(isOldOnlyAfter(mount("a"))).toBe(false);
    expect(isOldOnlyAfter(mount("a"), activated)).toBe(true);
    expect(isOldOnlyAfter(mount("a"), activated, mount("b"))).toBe(false);
    expect(isOldOnlyAfter(mount("a"), activated, mount("b"), unmount("b"))).toBe(true);
    expect(isOldOnlyAfter(mount("a"), activated, mount("a"))).toBe(false);
  });

  test("are given up together", () => {
    const volumes = after(mount("a"), mount("b"), activated);
    expect(isDataUsed(givenUp(volumes, "data"))).toBe(false);
    expect(givenUp(volumes, "other")).toBe(volumes);
  });
});

describe("the list on disk", () => {
  const stored = { bootId: "boot", volumes: after(mount("a"), mount("a"), activated, mount("b")) };

  test("is read as it was written", () => {
    expect(parseVolumes(formatVolumes(stored))).toEqual(stored);
    expect(parseVolumes(formatVolumes({ bootId: "", volumes: none }))).toEqual({ bootId: "", volumes: none });
  });

  test("is not written where it would be too long to be read again", () => {
    const options = { share: "x".repeat(1024 * 1024) };
    const all: Volumes = new Map(
      Array.from({ length: 11 }, (_, number) => [`v${number}`, { options, createdMs: 1, references: new Map() }]),
    );
    expect(() => formatVolumes({ bootId: "boot", volumes: all })).toThrow(/more than can be read again/);
    const fewer = { bootId: "boot", volumes: new Map([...all].slice(1)) };
    expect(Buffer.byteLength(formatVolumes(fewer))).toBeLessThan(longestListBytes);
  });

  test("is not believed where a part of it is missing or another", () => {
    const text = formatVolumes(stored);
    for (let length = 0; length < text.trimEnd().length; length++)
      expect(parseVolumes(text.slice(0, length))).toBeUndefined();
    const read = () => JSON.parse(text) as { format: number; volumes: Record<string, unknown>[] };
    const changed = (change: (value: ReturnType<typeof read>) => void) => {
      const value = read();
      change(value);
      return parseVolumes(JSON.stringify(value));
    };
    expect(changed((value) => (value.format = 2))).toBeUndefined();
    expect(changed(({ volumes }) => volumes.push(...volumes))).toBeUndefined();
    for (const key of ["name", "options", "createdMs", "references"]) {
      expect(changed(({ volumes }) => delete volumes[0]?.[key])).toBeUndefined();
      expect(changed(({ volumes }) => (volumes[0] = { ...volumes[0], [key]: null }))).toBeUndefined();
    }
    expect(
      changed(({ volumes }) => (volumes[0] = { ...volumes[0], references: [{ id: "a", count: 0, isOld: false }] })),
    ).toBeUndefined();
    expect(changed(({ volumes }) => (volumes[0] = { ...volumes[0], options: { share: 1 } }))).toBeUndefined();
  });
});
