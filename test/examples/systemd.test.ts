// The systemd units, by systemd-analyze verify where there is one, and by its syntax everywhere.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { execa } from "execa";
import { describe, expect, it } from "vitest";
import { variables } from "../../src/config/variables.ts";
import { readUnit, sockets, textOf, units } from "./uses.ts";

describe.each(units)("%s", (file) => {
  it("is a unit with the sections of a service", () => {
    const sections = new Set(readUnit(file).map(([section]) => section));
    expect([...sections]).toEqual(["Unit", "Service", "Install"]);
  });

  it("starts again after a lost share, and not after a wrong configuration", () => {
    const service = new Map(readUnit(file).map(([, name, value]) => [name, value]));
    expect(service.get("Restart")).toBe("always");
    expect(service.get("RestartPreventExitStatus")?.split(" ")).not.toContain("75");
    expect(service.get("RestartPreventExitStatus")?.split(" ")).toContain("78");
  });

  it("passes systemd-analyze verify", async (context) => {
    const { failed, exitCode } = await execa("systemd-analyze", ["--version"], { reject: false });
    context.skip(failed && exitCode === undefined, "there is no systemd-analyze on this machine");
    expect(await verify(file, textOf(file))).toBe("");
  });

  it("would not pass it with a name that does not exist", async (context) => {
    const { failed, exitCode } = await execa("systemd-analyze", ["--version"], { reject: false });
    context.skip(failed && exitCode === undefined, "there is no systemd-analyze on this machine");
    expect(await verify(file, textOf(file).replace("KillMode=", "KilMode="))).toContain("KilMode");
  });
});

describe.each(sockets)("%s", (file) => {
  it("is a unit with the sections of a socket, for the service of its name", () => {
    expect([...new Set(readUnit(file).map(([section]) => section))]).toEqual(["Unit", "Socket", "Install"]);
    const service = file.replace(/\.socket$/, ".service");
    expect(units).toContain(service);
    expect(readUnit(service)).toContainEqual(["Unit", "Requires", basename(file)]);
  });

  it("listens where Docker looks, for root alone", () => {
    const socket = new Map(readUnit(file).map(([, name, value]) => [name, value]));
    expect(socket.get("ListenStream")).toBe(variables.pluginSocket.default);
    expect(socket.get("SocketMode")).toBe("0600");
  });

  it("passes systemd-analyze verify", async (context) => {
    const { failed, exitCode } = await execa("systemd-analyze", ["--version"], { reject: false });
    context.skip(failed && exitCode === undefined, "there is no systemd-analyze on this machine");
    expect(await verify(file, textOf(file))).toBe("");
  });
});

/** What systemd-analyze says of the unit; the programs it names are not on this machine. */
async function verify(file: string, text: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "nfs-init-unit-"));
  try {
    const unit = join(folder, basename(file));
    const write = (path: string, content: string) =>
      writeFileSync(path, content.replace(/^ExecStart=\S+/m, "ExecStart=/bin/true"));
    for (const one of [...units, ...sockets]) write(join(folder, basename(one)), textOf(one));
    write(unit, text);
    const { all } = await execa("systemd-analyze", ["verify", "--man=no", "--recursive-errors=no", unit], {
      all: true,
      reject: false,
    });
    return all;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
