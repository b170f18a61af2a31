// The command line: what is COMMAND, what is an option, and what is refused with 64.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ordinary, run, temporaryDirectory, describePlaces } from "../support/process.ts";

const packageFile = new URL("../../package.json", import.meta.url);
const { version } = JSON.parse(readFileSync(packageFile, "utf8")) as { readonly version: string };
const versionLine = new RegExp(
  String.raw`^nfs-init ${version.replaceAll(".", String.raw`\.`)} \(commit (?:[0-9a-f]{12}|unknown), quickjs [0-9-]+, musl [0-9.]+\)\n$`,
);

const nfsInit = (...args: readonly string[]) => run({ args, place: ordinary });

describe("text that is asked for", () => {
  it.each([["--help"], ["-h"], ["help"], ["run", "--help"], ["help", "run"]])(
    "goes to stdout for %s %s",
    async (...args) => {
      const { exitCode, stdout, stderr } = await nfsInit(...args);
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
      expect(stdout).toMatch(/^Usage: nfs-init \[OPTIONS\] -- COMMAND/);
    },
  );

  it("is about a role where that is named", async () => {
    for (const args of [
      ["check", "--help"],
      ["help", "check"],
    ]) {
      const { exitCode, stdout, stderr } = await nfsInit(...args);
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
      expect(stdout).toMatch(/^Usage: nfs-init check \[--ready\] /);
      expect(stdout).toContain("--since-start");
    }
  });

  it.each([["--version"], ["version"]])("is the version for %s", async (...args) => {
    const { exitCode, stdout, stderr } = await nfsInit(...args);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout).toMatch(versionLine);
  });

  it("names every variable with its option, and every role", async () => {
    const { stdout } = await nfsInit("--help");
    for (const name of ["NFS_HOST", "NFS_MOUNT_POINT", "NFS_WAIT_TIMEOUT", "NFS_NOFILE", "NFS_LOG_FORMAT"]) {
      expect(stdout).toContain(`[${name}]`);
    }
    expect(stdout).toContain("--nfs-version");
    expect(stdout).toMatch(/^ *plugin /m);
  });
});

describe("wrong use ends with 64 and one line on stderr", () => {
  it.each<{ readonly args: readonly string[]; readonly says: string; readonly role?: string }>([
    { args: [], says: "no COMMAND is given" },
    { args: ["--"], says: "no COMMAND is given" },
    { args: ["run"], says: "no COMMAND is given" },
    { args: ["run", "--"], says: "no COMMAND is given" },
    { args: ["--log-level", "debug"], says: "no COMMAND is given" },
    { args: ["--no-such-option"], says: "--no-such-option" },
    { args: ["--no-such-option", "--", "true"], says: "--no-such-option" },
    { args: ["-x", "true"], says: "-x" },
    { args: ["run", "--no-such-option", "--", "true"], says: "--no-such-option", role: "run" },
    { args: ["--host"], says: "--host" },
    { args: ["fstab", "true"], says: 'nfs-init fstab takes no COMMAND, but got "true"', role: "fstab" },
    { args: ["fstab", "--no-such-option"], says: "--no-such-option", role: "fstab" },
    { args: ["check", "--json"], says: "--json", role: "check" },
  ])("for $args", async ({ args, says, role }) => {
    const { exitCode, stdout, stderr } = await nfsInit(...args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 64, stdout: "" });
    expect(stderr).toContain(says);
    expect(stderr).toContain(`nfs-init ${role === undefined ? "" : `${role} `}--help`);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  });
});

describe("COMMAND", () => {
  const print = ["printf", "[%s]"];

  it.each([
    { title: "is the first word that is no option", args: [...print, "a"], printed: "[a]" },
    { title: "stands behind --", args: ["--", ...print, "a"], printed: "[a]" },
    { title: "stands behind run --", args: ["run", "--", ...print, "a"], printed: "[a]" },
    { title: "stands behind run", args: ["run", ...print, "a"], printed: "[a]" },
    { title: "stands behind options", args: ["--log-level", "error", ...print, "a"], printed: "[a]" },
    { title: "stands behind options and --", args: ["--log-level=error", "--", ...print, "a"], printed: "[a]" },
    {
      title: "stands behind run, options and --",
      args: ["run", "--log-level", "error", "--", ...print, "a"],
      printed: "[a]",
    },
    {
      title: "stands behind a bare switch and --",
      args: ["--mount-skip", "--log-level", "fatal", "--", ...print, "a"],
      printed: "[a]",
    },
    { title: "keeps its own options", args: [...print, "--host", "-x", "--help"], printed: "[--host][-x][--help]" },
    { title: "keeps its own options behind --", args: ["--", ...print, "--version"], printed: "[--version]" },
    {
      title: "keeps its own options behind ours",
      args: ["--log-level", "error", ...print, "--log-level", "x", "--nonsense"],
      printed: "[--log-level][x][--nonsense]",
    },
    { title: "keeps a second --", args: ["--", ...print, "a", "--", "b"], printed: "[a][--][b]" },
    {
      title: "keeps a second -- behind options",
      args: ["--log-level", "error", "--", ...print, "--", "b"],
      printed: "[--][b]",
    },
    {
      title: "keeps its -- where none stands before it",
      args: ["--log-level", "error", ...print, "--", "b"],
      printed: "[--][b]",
    },
    { title: "keeps empty arguments", args: ["--", ...print, "", "a", ""], printed: "[][a][]" },
    { title: "keeps arguments that are roles", args: [...print, "run", "fstab"], printed: "[run][fstab]" },
  ])("$title", async ({ args, printed }) => {
    expect(await nfsInit(...args)).toEqual({ exitCode: 0, stdout: printed, stderr: "" });
  });

  it.each(["wait", "fstab", "help", "version", "run", "check"])("may be called %s behind --", async (name) => {
    for (const args of [
      ["--", name],
      ["run", "--", name],
    ]) {
      const { exitCode, stderr } = await run({ args, place: ordinary, env: { PATH: temporaryDirectory() } });
      expect({ exitCode, stderr }).toMatchObject({
        exitCode: 127,
        stderr: expect.stringContaining(`${name}: not found`),
      });
    }
  });
});

describe("an option", () => {
  it("wins over its variable", async () => {
    const env = { NFS_HOST: "one.example", NFS_MOUNT_POINT: "/mnt/one" };
    const args = ["fstab", "--host", "two.example", "--host-mount", "/exported"];
    expect(await run({ args, place: ordinary, env })).toEqual({
      exitCode: 0,
      stdout: "two.example:/exported /mnt/one nfs hard,nolock 0 0\n",
      stderr: "",
    });
  });

  it("is there for the version of the protocol beside the one for ours", async () => {
    const args = ["fstab", "--host", "h", "--mount-point", "/m", "--nfs-version", "4.1"];
    expect((await nfsInit(...args)).stdout).toBe("h:/m /m nfs hard,nolock,vers=4.1 0 0\n");
  });

  it("may be repeated for further shares", async () => {
    const args = ["fstab", "--mount", "h:/a /m/a", "--mount", "h:/b /m/b nfs ro"];
    expect((await nfsInit(...args)).stdout).toBe("h:/a /m/a nfs hard,nolock 0 0\nh:/b /m/b nfs ro,nolock 0 0\n");
  });

  it("that is a bare switch means on, and its word is taken", async () => {
    const level = ["--log-format", "json", "--log-level", "error"];
    const on = await nfsInit("run", ...level, "--mount-skip", "--", "true");
    expect(on.stderr).toContain("nothing is mounted");
    const off = await nfsInit("run", ...level, "--mount-skip", "off", "--", "true");
    expect(off).toEqual({ exitCode: 0, stdout: "", stderr: "" });
  });
});

describePlaces((place) => {
  it("reads it the same", async () => {
    const env = { NFS_LOG_LEVEL: "error" };
    expect(await run({ args: ["printf", "[%s]", "a", "--"], place, env })).toEqual({
      exitCode: 0,
      stdout: "[a][--]",
      stderr: "",
    });
    expect((await run({ args: ["plugin", "--no-such"], place })).exitCode).toBe(64);
    expect((await run({ args: ["--version"], place })).stdout).toMatch(versionLine);
  });
});
