// The socket that systemd listens on for the driver of Docker volumes.
import { existsSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { expect, it } from "vitest";
import { eventually } from "../support/eventually.ts";
import { withListeningSocket } from "../support/process-preludes.ts";
import { start, temporaryDirectory } from "../support/process.ts";

/** Paths of the driver in `folder`; the socket that it would make itself is called "own". */
const settings = (folder: string) => ({
  NFS_PLUGIN_SOCKET: join(folder, "own"),
  NFS_PLUGIN_DIR: join(folder, "volumes"),
  NFS_PLUGIN_STATE: join(folder, "state"),
  NFS_STATE_DIR: join(folder, "run"),
});

function listVolumes(socketPath: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path: "/VolumeDriver.List", method: "POST", agent: false }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (body += chunk));
      response.on("end", () => resolve(body)).on("error", reject);
    });
    asked.on("error", reject);
    asked.end();
  });
}

it("is answered on, and stays when the driver ends", async () => {
  const folder = temporaryDirectory();
  const path = join(folder, "handed");
  const running = start({ args: ["plugin"], env: settings(folder), prelude: withListeningSocket(path) });
  const answer = await eventually("an answer", () => listVolumes(path).catch(() => undefined));
  expect(answer).toBe('{"Volumes":[],"Err":""}\n');
  expect(existsSync(join(folder, "own"))).toBe(false);
  await running.send("SIGTERM");
  expect((await running.ended).exitCode).toBe(0);
  expect(existsSync(path)).toBe(true);
});

it("is left alone where it was meant for another process", async () => {
  const folder = temporaryDirectory();
  const prelude = withListeningSocket(join(folder, "handed"), "1");
  const running = start({ args: ["plugin"], env: settings(folder), prelude });
  await eventually("its own socket", () => running.stderr().includes("answering Docker"));
  expect(await listVolumes(join(folder, "own"))).toBe('{"Volumes":[],"Err":""}\n');
  await running.send("SIGTERM");
  expect((await running.ended).exitCode).toBe(0);
  expect(existsSync(join(folder, "own"))).toBe(false);
});
