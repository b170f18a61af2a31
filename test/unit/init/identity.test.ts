import { describe, expect, test } from "vitest";
import {
  missingCapability,
  resolveIdentity,
  withHome,
  type Accounts,
  type Identity,
  type OwnRights,
} from "../../../src/init/identity.ts";

const accounts: Accounts = {
  passwd: `root:x:0:0:root:/root:/bin/sh
# web:x:9999:9999:a comment:/nowhere:/bin/sh
+nis::::::
-gone:x:9998:9998::/gone:/bin/sh
web:x:1234:2345:Web server:/srv/web:/bin/sh
web:x:1235:2346:a second one of that name:/second:/bin/sh
also-web:x:1234:4444:the same number:/also:/bin/sh

bare:x:1300:1300:::
1500:x:1777:1778:a name of digits:/srv/digits:/bin/sh
broken:x:number:1:::
no-group:x:1400::::
short:x:1600
`,
  group: `root:x:0:
web:x:2345:web
media:x:3001:someone,web,bare
backup:x:3002:web
twice:x:3001:web
2000:x:3333:
others:x:3003:someone,webber
also:x:3004:also-web
empty
`,
};

const resolve = (user: string, group?: string, given: Accounts = accounts) => resolveIdentity({ user, group }, given);

describe("a user", () => {
  test.each<[string, string | undefined, Identity]>([
    ["root", undefined, { uid: 0, gid: 0, groups: [], home: "/root" }],
    // The first line of a name or number counts, the gid is not a supplementary group, and each is there once.
    ["web", undefined, { uid: 1234, gid: 2345, groups: [3001, 3002], home: "/srv/web" }],
    ["1234", undefined, { uid: 1234, gid: 2345, groups: [3001, 3002], home: "/srv/web" }],
    ["also-web", undefined, { uid: 1234, gid: 4444, groups: [3004], home: "/also" }],
    ["web", "media", { uid: 1234, gid: 3001, groups: [], home: "/srv/web" }],
    ["web", "5000", { uid: 1234, gid: 5000, groups: [], home: "/srv/web" }],
    ["web", "2000", { uid: 1234, gid: 3333, groups: [], home: "/srv/web" }],
    ["bare", undefined, { uid: 1300, gid: 1300, groups: [3001], home: "/" }],
    ["1500", undefined, { uid: 1777, gid: 1778, groups: [], home: "/srv/digits" }],
    ["54321", undefined, { uid: 54_321, gid: 0, groups: [], home: "/" }],
    ["54321", "12345", { uid: 54_321, gid: 12_345, groups: [], home: "/" }],
    ["0", "0", { uid: 0, gid: 0, groups: [], home: "/root" }],
    ["4294967294", "4294967294", { uid: 4_294_967_294, gid: 4_294_967_294, groups: [], home: "/" }],
  ])("%s with the group %s is found", (user, group, identity) => {
    expect(resolve(user, group)).toEqual({ kind: "identity", identity });
  });

  test("that is a number needs neither file", () => {
    const identity = { uid: 7, gid: 8, groups: [], home: "/" };
    expect(resolve("7", "8", { passwd: "", group: "" })).toEqual({ kind: "identity", identity });
  });

  test.each<[string, string | undefined, RegExp]>([
    ["nobody-knows", undefined, /passwd has no user "nobody-knows"/],
    ["web", "nobody-knows", /group has no group "nobody-knows"/],
    ["nis", undefined, /no user "nis"/],
    ["+nis", undefined, /no user/],
    ["gone", undefined, /no user "gone"/],
    ["broken", undefined, /no user "broken"/],
    ["no-group", undefined, /no group/],
    ["WEB", undefined, /no user "WEB"/],
    ["0x10", undefined, /no user "0x10"/],
    ["-1", undefined, /no user "-1"/],
    ["1.5", undefined, /no user/],
    // (uid_t) -1 is "unchanged" to the kernel: the process would stay what it is.
    ["4294967295", undefined, /no user "4294967295"/],
    ["4294967296", undefined, /no user "4294967296"/],
    ["99999999999", undefined, /no user/],
    ["0", "4294967295", /no group "4294967295"/],
  ])("%s with the group %s is a problem", (user, group, reason) => {
    expect(resolve(user, group)).toEqual({ kind: "problem", reason: expect.stringMatching(reason) as string });
  });
});

describe("HOME", () => {
  const bytes = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));
  const texts = (entries: readonly Uint8Array[]) => entries.map((entry) => String.fromCharCode(...entry));
  const home = (entries: readonly string[]) =>
    texts(withHome(entries.map(bytes), { uid: 1, gid: 1, groups: [], home: "/srv/web" }));

  test("is the user's, once, and every other entry stays as it was", () => {
    expect(home(["A=1", "HOME=/root", "HOMES=/x", "HOM=/y", "home=/z", "B=caf\xe9\xff", "HOME=", "HOME"])).toEqual([
      "A=1",
      "HOMES=/x",
      "HOM=/y",
      "home=/z",
      "B=caf\xe9\xff",
      "HOME",
      "HOME=/srv/web",
    ]);
  });

  test("is added where there was none", () => {
    expect(home([])).toEqual(["HOME=/srv/web"]);
  });
});

describe("the capability that is missing", () => {
  const [setgid, setuid, setpcap, sysModule, sysAdmin] = [6n, 7n, 8n, 16n, 21n].map((bit) => 1n << bit) as [
    bigint,
    bigint,
    bigint,
    bigint,
    bigint,
  ];
  const all = 2n ** 41n - 1n;
  const root: OwnRights = { uid: 0, gid: 0, effective: all, bounding: all };
  const user: OwnRights = { uid: 1000, gid: 1000, effective: 0n, bounding: all };
  const web: Identity = { uid: 1234, gid: 2345, groups: [], home: "/" };
  const same: Identity = { uid: 1000, gid: 1000, groups: [], home: "/" };

  test.each<[string, OwnRights, Identity | undefined, boolean, ReturnType<typeof missingCapability>]>([
    ["none where nothing is asked for", { ...user, bounding: 0n }, undefined, false, undefined],
    ["none for root with all", root, web, true, undefined],
    ["SETUID for another user", { ...root, effective: all & ~setuid }, web, false, "CAP_SETUID"],
    ["SETGID for another group", { ...root, effective: all & ~setgid }, web, false, "CAP_SETGID"],
    ["SETUID for a user that wants to be root", user, { ...web, uid: 0, gid: 0 }, false, "CAP_SETUID"],
    ["none for who one already is", user, same, false, undefined],
    ["SETGID for further groups of who one already is", user, { ...same, groups: [5] }, false, "CAP_SETGID"],
    ["SETPCAP to drop", { ...root, effective: all & ~setpcap }, undefined, true, "CAP_SETPCAP"],
    ["SETPCAP to drop SYS_MODULE alone", { ...user, bounding: sysModule }, undefined, true, "CAP_SETPCAP"],
    ["SETPCAP to drop SYS_ADMIN alone", { ...user, bounding: sysAdmin }, undefined, true, "CAP_SETPCAP"],
    ["none where there is nothing to drop", { ...user, bounding: all & ~sysModule & ~sysAdmin }, same, true, undefined],
  ])("is %s", (_, rights, identity, dropCaps, missing) => {
    expect(missingCapability(rights, identity, dropCaps)).toBe(missing);
  });
});
