// What is pinned, and from where it is fetched.
import { expect, it } from "vitest";
import { mirrorsOf } from "../../../scripts/debian/pinned.ts";
import { engine, engineLabel, libc } from "../../../scripts/native/pins.ts";

it.each([engine.file, libc.files.x64, libc.files.arm64])("$path is pinned by a SHA-256", ({ path, sha256 }) => {
  expect(path).toMatch(/^pool\/main\/[a-z]\/\w+\/[\w.~+-]+$/);
  expect(sha256).toMatch(/^[0-9a-f]{64}$/);
});

it("the files are of the versions that --version names", () => {
  expect(engine.file.path).toContain(`_${engine.version.replaceAll("-", ".")}.orig.`);
  for (const { path } of Object.values(libc.files)) expect(path).toContain(`_${libc.revision}_`);
  expect(libc.revision).toMatch(new RegExp(`^${libc.version}-`));
  expect(engineLabel).toBe(`quickjs ${engine.version}, musl ${libc.version}`);
});

it.each([
  {
    machine: "Debian with other projects beside it",
    uris: [
      "'https://deb.nodesource.com/node_20.x/dists/nodistro/InRelease' deb.nodesource.com_InRelease 0 ",
      "'http://deb.debian.org/debian/dists/bookworm/InRelease' deb.debian.org_InRelease 0 ",
      "'http://deb.debian.org/debian/dists/bookworm-updates/InRelease' deb.debian.org_InRelease 0 ",
      "'http://deb.debian.org/debian-security/dists/bookworm-security/InRelease' deb.debian.org_InRelease 0 ",
      "'http://deb.debian.org/debian/dists/bookworm/main/binary-amd64/Packages.xz' deb.debian.org_Packages 0 ",
    ],
    mirrors: ["http://deb.debian.org/debian"],
  },
  {
    machine: "Debian with a mirror of its own",
    uris: ["'https://mirror.example.com/pub/linux/debian/dists/trixie/InRelease' mirror.example.com_InRelease 0 "],
    mirrors: ["https://mirror.example.com/pub/linux/debian"],
  },
  {
    machine: "Ubuntu",
    uris: ["'http://archive.ubuntu.com/ubuntu/dists/noble/InRelease' archive.ubuntu.com_InRelease 0 "],
    mirrors: [],
  },
])("the mirror of $machine", ({ uris, mirrors }) => {
  expect(mirrorsOf(`${uris.join("\n")}\n`)).toEqual(mirrors);
});
