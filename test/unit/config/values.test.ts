import {
  absolutePath,
  anyWordToggle,
  choice,
  duration,
  integer,
  nfsVersion,
  octalMask,
  signal,
  signalMap,
  toggle,
} from "../../../src/config/values.ts";
import { describe, expect, test } from "vitest";
import { signalNumbers } from "../../../src/init/signals.ts";

describe("a duration", () => {
  test.each([
    ["250ms", 250],
    ["15s", 15_000],
    ["3m", 180_000],
    ["1h", 3_600_000],
    ["15", 15_000],
    ["0", 0],
    ["0ms", 0],
    ["1.5s", 1_500],
    ["24h", 86_400_000],
  ])("%s is %d ms", (text, ms) => {
    expect(duration().parse(text)).toBe(ms);
  });

  test.each([
    "",
    " ",
    "s",
    "-1",
    "-1s",
    "1d",
    "1 s",
    "15S",
    "1e3",
    "0x10",
    "1s ",
    "1,5s",
    "1m30s",
    ".5s",
    "Infinity",
    "NaN",
  ])("%j is not understood", (text) => {
    expect(duration().parse(text)).toBeUndefined();
  });

  test("below the least is refused, the least itself is not", () => {
    expect(duration(100).parse("99ms")).toBeUndefined();
    expect(duration(100).parse("100ms")).toBe(100);
    expect(duration(100).parse("0")).toBeUndefined();
  });

  test("longer than a timer can count is refused, since such a timer would fire at once", () => {
    expect(duration().parse("2147483647ms")).toBe(2_147_483_647);
    expect(duration().parse("2147483648ms")).toBeUndefined();
    expect(duration().parse("1000h")).toBeUndefined();
    expect(duration().parse("9".repeat(400))).toBeUndefined();
  });
});

describe("a switch", () => {
  test.each([
    ["on", true],
    ["ON", true],
    ["true", true],
    ["yes", true],
    ["1", true],
    ["off", false],
    ["Off", false],
    ["false", false],
    ["no", false],
    ["0", false],
  ])("%s is %s", (text, value) => {
    expect(toggle.parse(text)).toBe(value);
    expect(anyWordToggle.parse(text)).toBe(value);
  });

  test("takes no other word", () => {
    expect(toggle.parse("maybe")).toBeUndefined();
    expect(toggle.parse("2")).toBeUndefined();
  });

  test("that any word sets takes every other word for on", () => {
    expect(anyWordToggle.parse("maybe")).toBe(true);
    expect(anyWordToggle.parse("2")).toBe(true);
  });
});

describe("a version", () => {
  test.each([
    ["auto", "auto"],
    ["AUTO", "auto"],
    ["nfs", "auto"],
    ["3", "3"],
    ["nfs3", "3"],
    ["4", "4"],
    ["nfs4", "4"],
    ["4.0", "4.0"],
    ["4.1", "4.1"],
    ["4.2", "4.2"],
  ])("%s means %s", (text, version) => {
    expect(nfsVersion.parse(text)).toBe(version);
  });

  test.each(["2", "4.3", "5", "nfs2", "v3", "3.0", "4.", "nfs 4", "latest"])("%s is not understood", (text) => {
    expect(nfsVersion.parse(text)).toBeUndefined();
  });
});

describe("an absolute path", () => {
  test.each([
    ["/data", "/data"],
    ["/data/", "/data"],
    ["//data///sub//", "/data/sub"],
    ["/./data/./sub/.", "/data/sub"],
    ["/", "/"],
    ["///", "/"],
    ["/a b", "/a b"],
    ["/...", "/..."],
    ["/..data", "/..data"],
    ["/größe", "/größe"],
  ])("%s is %s", (text, path) => {
    expect(absolutePath.parse(text)).toBe(path);
  });

  test.each(["data", "./data", "", "~/data", "/data/..", "/data/../etc", "/..", "/a\0b", " /data"])(
    "%j is not understood",
    (text) => {
      expect(absolutePath.parse(text)).toBeUndefined();
    },
  );
});

test.each([
  ["~/data", /~/],
  ["$HOME/data", /shell/],
  ["/data/${NAME}", /shell/],
  ["/home/$USER/data", /shell/],
  ["nfs://nas/data", /NFS_MOUNTS/],
  ["nas:/data", /NFS_HOST/],
  ["/a/../b", /'\.\.'/],
  ["data", /begin with \//],
])("%s is no absolute path, and why is said", (text, reason) => {
  expect(absolutePath.parse(text)).toBeUndefined();
  expect(absolutePath.explain?.(text)).toMatch(reason);
});

test.each(["/data$", "/a/$RECYCLE.BIN", "/a/$HOMES", "/~/x"])("%s is a path", (text) => {
  expect(absolutePath.parse(text)).toBe(text);
});

describe("a signal", () => {
  test.each([
    ["TERM", 15],
    ["SIGTERM", 15],
    ["sigterm", 15],
    ["HUP", 1],
    ["INT", 2],
    ["QUIT", 3],
    ["KILL", 9],
    ["USR1", 10],
    ["USR2", 12],
    ["CHLD", 17],
    ["WINCH", 28],
    ["IO", 29],
    ["PWR", 30],
    ["SYS", 31],
    ["RTMIN", 34],
    ["RTMIN+3", 37],
    ["SIGRTMIN+30", 64],
  ])("%s is number %d", (text, number) => {
    expect(signal.parse(text)).toBe(number);
  });

  test.each(["TERMINATE", "SIG", "", "RTMIN+31", "RTMIN-1", "RTMIN+"])("%j is not understood", (text) => {
    expect(signal.parse(text)).toBeUndefined();
  });

  test("is mapped to another in a list of pairs", () => {
    expect(signalMap.parse("TERM:QUIT,HUP:USR1")).toEqual(
      new Map([
        [15, 3],
        [1, 10],
      ]),
    );
    expect(signalMap.parse("SIGTERM:SIGINT, HUP:RTMIN+3")).toEqual(
      new Map([
        [15, 2],
        [1, 37],
      ]),
    );
  });

  test.each([
    ["TERM:QUIT,TERM:INT", "TERM"],
    ["HUP:USR1,SIGTERM:QUIT,term:INT", "term"],
    ["RTMIN:HUP,RTMIN+0:INT", "RTMIN+0"],
  ])("is mapped once only, unlike in %s", (text, name) => {
    expect(signalMap.parse(text)).toBeUndefined();
    expect(signalMap.explain?.(text)).toContain(`twice what becomes of ${name}`);
  });

  test.each([...signalNumbers].filter(([name]) => !["KILL", "STOP", "CHLD"].includes(name)))(
    "may be %s to be mapped, as every signal that is passed on",
    (name, number) => {
      expect(signalMap.parse(`${name}:TERM`)).toEqual(new Map([[number, 15]]));
    },
  );

  test.each(["KILL", "STOP", "CHLD", "SIGCHLD"])("is not mapped where it is %s, which is not passed on", (name) => {
    expect(signalMap.parse(`HUP:INT,${name}:TERM`)).toBeUndefined();
    expect(signalMap.explain?.(`HUP:INT,${name}:TERM`)).toBe(`${name} is not passed on`);
    expect(signalMap.parse(`TERM:${name}`)?.size).toBe(1);
  });

  test.each(["TERM", "TERM:", ":TERM", "TERM:QUIT:INT", "TERM=QUIT", "TERM:QUIT,", "TERM:BOGUS"])(
    "is not mapped by %s",
    (text) => {
      expect(signalMap.parse(text)).toBeUndefined();
    },
  );
});

describe("an octal mask", () => {
  test.each([
    ["022", 0o22],
    ["0022", 0o22],
    ["77", 0o77],
    ["0", 0],
    ["777", 0o777],
  ])("%s is %d", (text, mask) => {
    expect(octalMask.parse(text)).toBe(mask);
  });

  test.each(["", "8", "0o22", "1777", "-22", "00022"])("%j is not understood", (text) => {
    expect(octalMask.parse(text)).toBeUndefined();
  });
});

test("a whole number stays within its limits", () => {
  const format = integer(3, 1_000);
  expect(format.parse("3")).toBe(3);
  expect(format.parse("1000")).toBe(1_000);
  for (const text of ["2", "1001", "-3", "3.0", "1e2", "", " 5", "9".repeat(30)])
    expect(format.parse(text)).toBeUndefined();
});

test("one of a few words is taken in any case and named in full where it is not", () => {
  const format = choice("auto", "json", "text");
  expect(format.parse("JSON")).toBe("json");
  expect(format.parse("xml")).toBeUndefined();
  expect(format.accepts).toBe("auto, json or text");
});
